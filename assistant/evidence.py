"""What one turn may say: `Evidence`, and `Grounds`, which answers questions of fact about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

from assistant.claims.prose import Quantity, measured_in, normalize, quantities, same, sentences, stems
from assistant.claims.record import DENIALS, Library, Record, Text
from assistant.dialogue import Source
from retrieval.catalog import Money, Product
from retrieval.filters import Condition

_EXTENTS = {"length", "volume", "data", "charge", "hours"}


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
        facts: under "" the strings that code rendered about no product, as the shop's name, its contact, a converted
            amount. Those under a product's id are not consulted: what is said of a product is checked with its data,
            since a fact may as well be the claim that a reply denies.
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


@dataclass(frozen=True)
class Passage:
    """One sentence of a policy page."""

    text: Text
    numbers: tuple[Quantity, ...]
    denied: bool

    @cached_property
    def beginnings(self) -> frozenset[str]:
        """The first letters of its words, so that "exchanged" meets "exchange"."""
        return frozenset(word[:6] for word in self.text.vocabulary)


class Grounds:
    """The evidence of one turn, ready to be asked; everything is read when first needed."""

    def __init__(self, evidence: Evidence, library: Library, language: str) -> None:
        self.evidence = evidence
        self.facets = library.facets
        self.language = language
        self._library = library
        self._records: dict[str, Record] = {}

    def __getitem__(self, product_id: str) -> Record:
        if product_id not in self._records:
            evidence = self.evidence
            read = self._library[evidence.products[product_id]]
            self._records[product_id] = Record(read, evidence.variants.get(product_id))
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
                denied = bool(DENIALS.intersection(stems(sentence)))
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
        number = self[product_id].read.measure(name)
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
