"""What the data says of one product: its values, numbers and words, and what can be had of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from assistant.claims.prose import Quantity, normalize, quantities, spaced, stems
from retrieval.catalog import Availability, Product, Variant
from retrieval.facets import Facets

Meaning = tuple[str, str]  # field and value, in the catalogue's spelling; the field "" is any field

_YES = frozenset({"yes", "true", "y", "1", "是", "有"})
_NO = frozenset({"no", "false", "n", "0", "none", "否", "无"})
DENIALS = frozenset(
    spaced(
        "not no non never without isn't doesn't don't aren't cannot can't faux imitation un except nor neither than "
        "unlike "
        "不 无 非 没 sin sans pas nicht ohne kein keine"
    )
)
_KEPT = 2000  # products whose words stay read, so that a long conversation reads each once


class Text:
    """Words of the data, searchable by phrase; a phrase that is denied ("not waterproof") does not count."""

    def __init__(self, text: str) -> None:
        self.raw = normalize(text).casefold()
        self.stems = stems(text)
        self._joined = f" {' '.join(self.stems)} "

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Every stem in it."""
        return frozenset(self.stems)

    def says(self, phrase: tuple[str, ...]) -> bool:
        """Whether the stems stand here together and undenied."""
        needle = f" {' '.join(phrase)} "
        at = self._joined.find(needle) if phrase else -1
        while at >= 0:
            if not DENIALS.intersection(self._joined[:at].split()[-3:]):
                return True
            at = self._joined.find(needle, at + 1)
        return False


class Print:
    """A product's words, read once whatever the turn; `facets` tell in which unit a bare number is."""

    def __init__(self, product: Product, facets: Facets) -> None:
        self.product = product
        self._facets = facets

    @cached_property
    def title(self) -> tuple[str, ...]:
        """The stems of its title."""
        return stems(self.product.title)

    @cached_property
    def values(self) -> Mapping[str, tuple[str, ...]]:
        """Field -> values as stems joined by spaces, options included."""
        product = self.product
        named: dict[str, tuple[str, ...]] = {name: (*values,) for name, values in product.attributes.items()}
        for name, values in product.options.items():
            named[name] = (*named.get(name, ()), *values)
        named |= {"brand": (product.brand,), "category": product.categories, "title": (product.title,)}
        return {name: tuple(" ".join(stems(value)) for value in values) for name, values in named.items()}

    @cached_property
    def text(self) -> Text:
        """Title and description."""
        return Text(f"{self.product.title}\n{self.product.description}")

    @cached_property
    def everything(self) -> Text:
        """All words of the data about it, names of fields included."""
        named = ((name, *values) for name, values in (*self.product.attributes.items(), *self.product.options.items()))
        parts = (self.product.brand, *self.product.categories, *(each for group in named for each in group))
        return Text("\n".join((self.product.title, self.product.description, *parts)))

    @cached_property
    def lowered(self) -> frozenset[str]:
        """Words that the description writes in lower case: ordinary ones, though a title may use them."""
        return frozenset(
            stem for word in self.product.description.split() if word[:1].islower() for stem in stems(word)
        )

    @cached_property
    def numbers(self) -> tuple[tuple[str, Quantity], ...]:
        """Every quantity in the data and the field it is of ("" for title and description)."""
        found: list[tuple[str, Quantity]] = []
        for name, values in (*self.product.attributes.items(), *self.product.options.items()):
            unit = self._facets.fields[name].unit if name in self._facets.fields else None
            for value in values:
                bare = unit and value.replace(".", "", 1).isdigit()
                found += ((name, each) for each in self.read(f"{value} {unit}" if bare else value))
        for text in (self.product.title, self.product.description):
            found += (("", each) for each in self.read(text))
        return tuple(found)

    @cached_property
    def ages(self) -> tuple[float, ...]:
        """The ages in years that the data gives: the least, or the least and the greatest."""
        return tuple(
            sorted(
                each.value / (12 if each.unit == "months" else 1)
                for name, each in self.numbers
                if each.unit == "age" or (each.unit == "months" and "age" in stems(name))
            )
        )

    def read(self, text: str) -> list[Quantity]:
        """The quantities in a text of the data."""
        return quantities(normalize(text), "en", self._facets.currency)

    def measure(self, name: str) -> float | None:
        """The number that the product has for a numeric field, in the field's unit."""
        values = self.product.attributes.get(name) or self.product.options.get(name) or ()
        found = (self._facets.measure(name, value) for value in values)
        return next((number for number in found if number is not None), None)


class Library:
    """The prints of a shop's products, the last few thousand of them kept."""

    def __init__(self, facets: Facets) -> None:
        self.facets = facets
        self._kept: dict[str, Print] = {}

    def __getitem__(self, product: Product) -> Print:
        kept = self._kept.get(product.id)
        if kept is None or kept.product is not product:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            kept = self._kept[product.id] = Print(product, self.facets)
        return kept


class Record:
    """What one turn may say of a product: its print, and the variants that may be spoken of."""

    def __init__(self, read: Print, allowed: frozenset[str] | None) -> None:
        self.read = read
        self.product = read.product
        chosen = tuple(each for each in self.product.variants if allowed is None or each.id in allowed)
        self.variants: tuple[Variant, ...] = chosen or self.product.variants

    @cached_property
    def price(self) -> float:
        """What it costs: the cheapest orderable variant, or the cheapest of all; major units."""
        orderable = [each for each in self.variants if each.availability.orderable]
        return float(min(each.price.major for each in orderable or self.variants))

    @cached_property
    def prices(self) -> frozenset[float]:
        """The price of each variant."""
        return frozenset(float(each.price.major) for each in self.variants)

    @cached_property
    def list_prices(self) -> frozenset[float]:
        """The prices before a reduction."""
        return frozenset(float(each.list_price.major) for each in self.variants if each.list_price)

    @cached_property
    def reductions(self) -> frozenset[tuple[float, float]]:
        """How much less than the list price: the amount, and the percentage."""
        pairs = ((each.list_price, each.price) for each in self.variants)
        amounts = ((float(old.major), float(new.major)) for old, new in pairs if old and old.amount > new.amount)
        return frozenset((round(old - new, 3), 100 * (old - new) / old) for old, new in amounts)

    @property
    def rating(self) -> float | None:
        """Out of five."""
        return self.product.rating.value if self.product.rating else None

    @property
    def reviews(self) -> float | None:
        """How many reviews."""
        return float(self.product.rating.count) if self.product.rating else None

    @property
    def orderable(self) -> bool:
        """Whether any variant can be ordered."""
        return any(each.availability.orderable for each in self.variants)

    def tells(self, phrase: tuple[str, ...]) -> bool:
        """Whether title or description have the stems together, undenied."""
        return self.read.text.says(phrase)

    def states(self, phrase: tuple[str, ...]) -> bool:
        """Whether any of its data has the stems together, undenied."""
        return self.read.everything.says(phrase)

    def knows(self, word: str) -> bool:
        """Whether any of its data has the stem."""
        return word in self.read.everything.vocabulary

    def holds(self, words: str) -> bool:
        """Whether its data has these very words, casefolded."""
        return words in self.read.everything.raw

    def has(self, meanings: Iterable[Meaning], around: Iterable[tuple[str, ...]] = ()) -> bool:
        """Whether the product has one of the values.

        An option or field that the product fills otherwise is believed over a word of its description, unless the
        description has the phrase with a neighbour of it: one of `around`, as "rubber sole" of a mesh shoe.
        """
        values = self.read.values
        for name, value in meanings:
            if value in ("yes", "no"):
                truth = _YES if value == "yes" else _NO
                if any(each in truth for each in values.get(name, ())):
                    return True
                if value == "yes" and name not in values and self.tells(stems(name)):
                    return True
                continue
            phrase = " ".join(stems(value))
            if phrase and any(contains(each, phrase) for group in values.values() for each in group):
                return True
            if name in self.product.options:
                continue
            if name in self.product.attributes:
                if any(self.tells(wider) for wider in around):
                    return True
            elif self.tells(stems(value)):
                return True
        return False

    def stocked(self, options: Mapping[str, frozenset[str]], *, now: bool) -> bool:
        """Whether each of the option values named can be had, in one variant where several options are named.

        Args:
            options: option name -> values, as stems joined by spaces.
            now: True for in stock, False for anything that can be ordered.
        """
        variants = self.product.variants if options else self.variants
        ready = [
            {name: " ".join(stems(value)) for name, value in each.options.items() if name in options}
            for each in variants
            if (each.availability is Availability.IN_STOCK if now else each.availability.orderable)
        ]
        return bool(ready) and all(
            any(
                contains(have.get(name, ""), value)
                and all(
                    other == name or any(contains(have.get(other, ""), one) for one in wanted)
                    for other, wanted in options.items()
                )
                for have in ready
            )
            for name, values in options.items()
            for value in values
        )


def contains(value: str, phrase: str) -> bool:
    """Whether a value, as stems, has the phrase in it undenied."""
    at = f" {value} ".find(f" {phrase} ")
    return at >= 0 and not DENIALS.intersection(value[:at].split())
