"""Limits in a message: money, ratings, comparatives and superlatives, and limits that are lifted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal

from assistant.amounts import amount, amounts
from assistant.dialogue import Order
from assistant.reading import AMOUNTS, Reading, Relative
from assistant.vocabulary import Vocabulary, tokens
from retrieval.catalog import Availability, Money, Product
from retrieval.filters import Condition

# What a unit probe says about a field: a field that measures "1 g" measures mass.
_PROBES = {
    "mass": ("1 g",),
    "length": ("1 cm",),
    "volume": ("1 l",),
    "size": ("1 l", "1 cm"),
    "time": ("1 h",),
    "power": ("1 w",),
}
_STARS = re.compile(
    r"\brat(?:ed|ings?)\s+(?:(?:of|is|at least|over|above|from)\s+){0,2}([1-5](?:[.,]\d)?)\b(?:\s*\+)?(?:\s*stars?\b)?"
    r"|(?<![\w.$])([1-5](?:[.,]\d)?)\s*(?:\+\s*)?(?:stars?\b|星|分以上|分)"
    r"|评分(?:在|至少|高于|超过|不低于)?\s*([1-5](?:\.\d)?)(?:以上)?"
)
_PRICED = re.compile(r"price|budget|money|cost|spend|预算|价格|价钱|precio|prix|preis|budget")
# Words and what they are said of -> the field they ask after; see `Shelf.asked`.
AskedLike = Callable[[str, Condition], str | None]


class Limits:
    """Reads the limits of a message as conditions on the shop's own fields, and what it asks after.

    Args:
        vocabulary: the shop's words.
        known: ids -> the products among them that the shop still has.
        currency: the shop's currency.
        rates: currency -> value of one unit in the shop's currency.
        asked_like: the field that marked words ask after which name none; None to leave them unexplained.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        known: Callable[[Iterable[str]], list[Product]],
        currency: str,
        rates: dict[str, Decimal],
        asked_like: AskedLike | None = None,
    ) -> None:
        self._asked_like = asked_like
        self._vocabulary = vocabulary
        self._facets = vocabulary.facets
        self._known = known
        self._currency = currency
        self._rates = rates

    def read(self, reading: Reading) -> None:
        """All limits but sizes and named values."""
        self._rating(reading)
        self._amounts(reading)
        self._comparatives(reading)

    def _rating(self, reading: Reading) -> None:
        match = _STARS.search(reading.said if reading.tagged else reading.rest)
        if match:
            for span in reading.spans:  # its number is no price and no size
                if span.start < match.end() and match.start() < span.end:
                    reading.take(span.place)
            stars = float((match[1] or match[2] or match[3]).replace(",", "."))
            reading.constrain(Condition("rating", minimum=stars), match.span())
            reading.take(match.span())

    def _amounts(self, reading: Reading) -> None:
        if reading.tagged:
            self._limits(reading)
            return
        for found in amounts(reading.rest, reading.words, self._currency):
            reading.take(found.span)
            self._price(reading, found.minimum, found.maximum, found.currency, found.figure, found.span)

    def _limits(self, reading: Reading) -> None:
        """Marked amounts of money, each a limit of the kind its mark says; one without a currency takes the others'."""
        said = [
            (span, words, amount(words, reading.words, self._currency))
            for span, words in reading.marked(*AMOUNTS)
            if reading.is_left(span)
        ]
        told = [money for _, words, money in said if money and re.search(r"[^\W\d_]|[^\w\s.,-]", words)]
        measured = any(money is None and re.search(r"\d", words) for _, words, money in said)
        for span, words, money in said:
            bare = not re.search(r"[^\W\d_]|[^\w\s.,-]", words)
            if money is None or (bare and measured and not told):
                continue  # "between 15 and 18 lbs" is no money
            value, currency = money
            if told and bare:
                currency = told[0][1]
            place = span.place
            reading.take(place)
            bound = reading.bound(span) or "max"  # a bare price is what may be spent
            low = value if bound == "min" else value * Decimal("0.75") if bound == "about" else None
            high = value if bound == "max" else value * Decimal("1.25") if bound == "about" else None
            self._price(reading, low, high, currency, words, place)

    def _price(
        self,
        reading: Reading,
        low: Decimal | None,
        high: Decimal | None,
        currency: str,
        figure: str,
        span: tuple[int, int],
    ) -> None:
        """Note a limit of the price, in major units of `currency`."""
        if currency != self._currency and currency not in self._rates:
            reading.foreign.append(figure)
            return
        rate = self._rates[currency] if currency != self._currency else Decimal(1)
        least, most = (None if limit is None else Money.of(limit * rate, self._currency) for limit in (low, high))
        if currency != self._currency:
            reading.converted.extend((figure, limit) for limit in (most or least,) if limit)
        reading.constrain(
            Condition("price", minimum=least.amount if least else None, maximum=most.amount if most else None), span
        )

    def _comparatives(self, reading: Reading) -> None:
        words = reading.words
        for name, field, ascending in (
            ("cheapest", "price", True),
            ("dearest", "price", False),
            ("best_rated", "rating", False),
        ):
            match = words.cue(name).search(reading.rest)
            if match:
                reading.order = Order(field, ascending)
                reading.take(match.span())
        for name, field, less in (
            ("cheaper", "price", True),
            ("pricier", "price", False),
            ("better_rated", "rating", False),
        ):
            match = words.cue(name).search(reading.rest)
            if match:
                reading.relative.append(Relative(field, less, match[0]))
                reading.take(match.span())
        for table in ("superlative", "comparative"):
            match = words.table(table).search(reading.rest)
            if not match:
                continue
            dimension, sign = words.tables[table][match[0]].split()
            measured = self._field_of(dimension, reading)
            if measured and table == "comparative":
                reading.relative.append(Relative(measured, sign == "-", match[0]))
            elif measured:
                reading.order = Order(measured, sign == "-")
            reading.take(match.span())
        match = words.cue("in_stock").search(reading.rest)
        if match:
            reading.asked.append("availability")
            reading.constrain(Condition("availability", any_of=frozenset({Availability.IN_STOCK.value})), match.span())
            reading.take(match.span())
        if reading.tagged:
            self._lifted(reading)
            return
        match = words.cue("drop").search(reading.rest)
        if match:
            reading.dropped = self._vocabulary.fields(reading.said) or ["*"]
            reading.take(match.span())

    def _lifted(self, reading: Reading) -> None:
        """The limits that marked words lift: by their field, by a value of it, or by the words they were set in."""
        topic = reading.state.topic
        for span, said in reading.marked("drop"):
            fields = [name for name in self._vocabulary.fields(said) if name not in ("kind", "department")]
            fields += [match.field for match in self._vocabulary.values(said, reading.words)]
            if any(reading.words.asks[name].search(said) for name in ("price",)) or _PRICED.search(said):
                fields.append("price")
            spoken = {token.stem for token in tokens(said)}
            for constraint in topic.constraints if topic else ():
                if spoken & {token.stem for token in tokens(constraint.words)}:
                    fields.append(constraint.condition.field)
            reading.dropped += fields or ["*"]
            reading.take(span.place)

    def _field_of(self, dimension: str, reading: Reading) -> str | None:
        """The numeric field that measures a dimension: the one named, else the one most products at hand have."""
        named = self._vocabulary.fields(reading.said)
        at_hand = self._known(reading.references or reading.state.slate)
        able = [
            name
            for name, field in self._facets.fields.items()
            if field.number
            and name not in ("price", "rating")
            and "age" not in name.split()
            and "warranty" not in name
            and any(self._facets.measure(name, probe) is not None for probe in _PROBES[dimension])
        ]
        if not able:
            return None
        return max(
            able,
            key=lambda name: (
                name in named,
                sum(name in product.attributes for product in at_hand),
                sum(self._facets.fields[name].values.values()),
            ),
        )

    def asked(self, reading: Reading) -> list[str]:
        """The fields that a message asks after, by their names or by ways to ask: "how heavy"."""
        asked = list(reading.asked)
        said = " ".join(words for _, words in reading.marked("ask")) if reading.tagged else reading.said
        for meaning, phrases in reading.words.asks.items():
            if phrases.search(said):
                field = self._field_of(meaning, reading) if meaning in _PROBES else meaning
                if field:
                    asked.append(field)
        asked += [name for name in self._vocabulary.fields(said) if name not in ("kind", "department")]
        if self._asked_like and reading.scope:
            for _, words in reading.marked("ask") if not (asked or reading.claims) else ():
                field = self._asked_like(words, reading.scope)
                asked += [field] if field else []
        return list(dict.fromkeys(asked))
