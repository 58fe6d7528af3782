"""What one turn may say: `Evidence`, and `Shelf`, which answers questions of fact about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

from assistant.claims.prose import Quantity, measured_in, normalize, quantities, same, sentences, spaced, stems
from assistant.dialogue import Source
from retrieval.catalog import Availability, Money, Product, Variant
from retrieval.facets import Facets
from retrieval.filters import Condition

_YES = frozenset({"yes", "true", "y", "1", "是", "有"})
_NO = frozenset({"no", "false", "n", "0", "none", "否", "无"})
_DENIALS = frozenset(
    spaced(
        "not no non never without isn't doesn't don't aren't faux imitation un except nor neither than unlike "
        "不 无 非 没 sin sans pas nicht ohne kein keine"
    )
)
_EXTENTS = {"length", "volume", "data", "charge", "hours"}
Meaning = tuple[str, str]  # field and value, in the catalogue's spelling; the field "" is any field


@dataclass(frozen=True)
class Evidence:
    """All that a reply of this turn may rest on.

    Attributes:
        products: id -> every product the reply may speak of: the slate, those that fit, those referred to.
        slate: the ids shown this turn, in order.
        fitting: the ids of all products that meet the constraints; counts and superlatives are over these.
        variants: product id -> ids of its variants that meet the constraints, whose prices and stock may be said;
            a product that is not in it has all its variants.
        counts: further numbers that code established, by any name.
        conditions: the shopper's own constraints, whose values and limits may be echoed.
        shopper_text: words of the shopper that may be echoed.
        passages: the policy passages found for this turn.
        facts: product id -> strings that code rendered about it (a string held by several products is taken for
            neither's); under "" those about no product, as the shop's name, its contact, a converted amount.
        best: the id of the product that code chose as the best fit; "" for the first of the slate.
    """

    products: Mapping[str, Product] = field(default_factory=dict)
    slate: tuple[str, ...] = ()
    fitting: tuple[str, ...] = ()
    variants: Mapping[str, frozenset[str]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    shopper_text: str = ""
    passages: tuple[Source, ...] = ()
    facts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    best: str = ""


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
            if not _DENIALS & set(self._joined[:at].split()[-3:]):
                return True
            at = self._joined.find(needle, at + 1)
        return False


class Record:
    """What the data says of one product, of its variants those that may be spoken of."""

    def __init__(self, product: Product, allowed: frozenset[str] | None, facets: Facets, facts: frozenset[str]) -> None:
        self.product = product
        self._facets = facets
        self.facts = facts
        chosen = tuple(variant for variant in product.variants if allowed is None or variant.id in allowed)
        self.variants: tuple[Variant, ...] = chosen or product.variants

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
        """Title, description and the strings code rendered about it."""
        return Text("\n".join((self.product.title, self.product.description, *self.facts)))

    @cached_property
    def everything(self) -> Text:
        """All words of the data about it, names of fields included."""
        named = ((name, *values) for name, values in (*self.product.attributes.items(), *self.product.options.items()))
        parts = (self.product.brand, *self.product.categories, *(each for group in named for each in group))
        return Text("\n".join((self.product.title, self.product.description, *self.facts, *parts)))

    @cached_property
    def numbers(self) -> tuple[tuple[str, Quantity], ...]:
        """Every quantity in the data and the field it is of ("" for title, description and rendered facts)."""
        found: list[tuple[str, Quantity]] = []
        for name, values in (*self.product.attributes.items(), *self.product.options.items()):
            for value in values:
                unit = self._facets.fields[name].unit if name in self._facets.fields else None
                text = f"{value} {unit}" if unit and value.replace(".", "", 1).isdigit() else value
                found += ((name, each) for each in self.read(text))
        for text in (self.product.title, self.product.description, *self.facts):
            found += (("", each) for each in self.read(text))
        return tuple(found)

    def read(self, text: str) -> list[Quantity]:
        """The quantities in a text of the data."""
        return quantities(normalize(text), "en", self._facets.currency)

    def measure(self, name: str) -> float | None:
        """The number that the product has for a numeric field, in the field's unit."""
        values = self.product.attributes.get(name) or self.product.options.get(name) or ()
        found = (self._facets.measure(name, value) for value in values)
        return next((number for number in found if number is not None), None)

    def has(self, meanings: Iterable[Meaning], around: Iterable[tuple[str, ...]] = ()) -> bool:
        """Whether the product has one of the values.

        An option or field that the product fills otherwise is believed over a word of its description, unless the
        description has the phrase with a neighbour of it: one of `around`, as "rubber sole" of a mesh shoe.
        """
        for name, value in meanings:
            if value in ("yes", "no") and name in self.values:
                truth = _YES if value == "yes" else _NO
                if any(each in truth for each in self.values[name]):
                    return True
                continue
            phrase = " ".join(stems(value))
            if phrase and any(_contains(each, phrase) for group in self.values.values() for each in group):
                return True
            if name in self.product.options:
                continue
            if name in self.product.attributes:
                if any(self.text.says(wider) for wider in around):
                    return True
            elif self.text.says(stems(value)):
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
            {name: " ".join(stems(value)) for name, value in each.options.items()}
            for each in variants
            if (each.availability is Availability.IN_STOCK if now else each.availability.orderable)
        ]
        return bool(ready) and all(
            any(
                _contains(have.get(name, ""), value)
                and all(
                    other == name or any(_contains(have.get(other, ""), one) for one in wanted)
                    for other, wanted in options.items()
                )
                for have in ready
            )
            for name, values in options.items()
            for value in values
        )


def _contains(value: str, phrase: str) -> bool:
    at = f" {value} ".find(f" {phrase} ")
    return at >= 0 and not _DENIALS & set(value[:at].split())


@dataclass(frozen=True)
class Passage:
    """One sentence of a policy page."""

    text: Text
    numbers: tuple[Quantity, ...]
    denied: bool


class Shelf:
    """The evidence of one turn, ready to be asked; everything is read when first needed."""

    def __init__(self, evidence: Evidence, facets: Facets, language: str) -> None:
        self.evidence = evidence
        self.facets = facets
        self.language = language
        self._records: dict[str, Record] = {}

    def __getitem__(self, product_id: str) -> Record:
        if product_id not in self._records:
            evidence = self.evidence
            elsewhere = {fact for owner, said in evidence.facts.items() if owner != product_id for fact in said}
            self._records[product_id] = Record(
                evidence.products[product_id],
                evidence.variants.get(product_id),
                self.facets,
                evidence.facts.get(product_id, frozenset()) - elsewhere,
            )
        return self._records[product_id]

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """What a claim without a product can be about: the slate, or all products of the turn."""
        known = self.evidence.products
        return tuple(each for each in self.evidence.slate if each in known) or tuple(known)

    @cached_property
    def pool(self) -> tuple[str, ...]:
        """What a superlative quantifies over."""
        return self.evidence.fitting or self.shown

    @cached_property
    def passages(self) -> tuple[Passage, ...]:
        """The policy passages, sentence by sentence."""
        found = []
        for source in self.evidence.passages:
            for sentence in sentences([source.quote]):
                text = Text(f"{source.title} {source.section}\n{sentence}")
                denied = bool(_DENIALS & set(stems(sentence)) or "cannot" in sentence or "can't" in sentence)
                found.append(Passage(text, tuple(self.read(sentence)), denied))
        return tuple(found)

    @cached_property
    def shop(self) -> Text:
        """What may be said of no product: the rendered facts of the shop and the words of its policies."""
        sources = (f"{each.title}\n{each.section}\n{each.quote}" for each in self.evidence.passages)
        return Text("\n".join((*self.evidence.facts.get("", ()), *sources)))

    @cached_property
    def shop_numbers(self) -> tuple[Quantity, ...]:
        """The quantities in the facts about no product."""
        return tuple(each for text in self.evidence.facts.get("", ()) for each in self.read(text))

    @cached_property
    def shopper(self) -> Text:
        """The words of the shopper."""
        return Text(self.evidence.shopper_text)

    @cached_property
    def echoes(self) -> tuple[Quantity, ...]:
        """The numbers the shopper gave, and the limits of the constraints read from them."""
        found = self.read(self.evidence.shopper_text)
        for condition in self.evidence.conditions:
            unit = self.facets.fields[condition.field].unit if condition.field in self.facets.fields else None
            for limit in (condition.minimum, condition.maximum):
                if limit is None:
                    continue
                if condition.field == "price":
                    found.append(Quantity(self.major(limit), "money", self.facets.currency, 1, 0, 0, 0, False))
                elif condition.field == "rating":
                    found.append(Quantity(limit, "rating", "", 1, 0, 0, 0, False))
                else:
                    found += self.read(f"{limit:g} {unit or ''}".strip())
            for value in condition.any_of | condition.none_of:
                found += self.read(f"size {value}" if value.replace(".", "", 1).isdigit() else value)
        return tuple(found)

    def read(self, text: str) -> list[Quantity]:
        """The quantities in a text written in the turn's language."""
        return quantities(normalize(text), self.language, self.facets.currency)

    def major(self, minor: float) -> float:
        """Minor units of the shop's currency in major units."""
        return minor * float(Money(1, self.facets.currency).major)

    def measures(self, metric: str, named: Collection[str] = ()) -> list[Callable[[str], float | None]]:
        """Ways to measure a product by `metric`: price, rating, reviews, a dimension, or "size" for any extent.

        Amounts are in the base unit of the dimension. `named` are fields that the sentence names; they are preferred
        where any of them fits the metric.
        """
        simple: dict[str, Callable[[str], float | None]] = {
            "price": lambda each: self[each].price,
            "rating": lambda each: self[each].rating,
            "reviews": lambda each: self[each].reviews,
        }
        if metric in simple:
            return [simple[metric]]
        wanted = _EXTENTS if metric == "size" else {metric}
        fields = {
            name: measured_in(each.unit)
            for name, each in self.facets.fields.items()
            if each.number and name not in simple
        }
        fits = [name for name, (dimension, _) in fields.items() if dimension in wanted or name in wanted]
        chosen = [name for name in fits if name in named] or fits
        return [partial(self._measured, name, fields[name][1]) for name in chosen]

    def _measured(self, name: str, size: float, product_id: str) -> float | None:
        number = self[product_id].measure(name)
        return None if number is None else number * size

    def leads(
        self, product_id: str, metric: str, sign: int, pool: Collection[str], named: Collection[str] = ()
    ) -> bool:
        """Whether no product of `pool` beats this one; sign 1 for most, -1 for least; ties count."""
        if product_id not in pool or any(each not in self.evidence.products for each in pool):
            return False
        for measure in self.measures(metric, named):
            own = measure(product_id)
            known = [value for value in map(measure, pool) if value is not None]
            if own is not None and all(sign * own >= sign * each for each in known):
                return True
        return False

    def differ(
        self, left: str, right: str, metric: str, sign: int, by: Quantity | None = None, named: Collection[str] = ()
    ) -> bool:
        """Whether `left` has more (sign 1), less (-1) or another amount (0) than `right`, and by that much if given."""
        for measure in self.measures(metric, named):
            one, two = measure(left), measure(right)
            if one is None or two is None or left == right or (sign and sign * (one - two) <= 0):
                continue
            if by is None or same(by.value, abs(one - two), by.step if metric not in ("price", "reviews") else 0):
                return True
        return False
