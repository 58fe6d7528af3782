"""Facts in a shopper's language: money, stock, labels, limits, differences. Sentences are the generator's."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from typing import Any

from assistant.dialogue import Constraint, Recipient
from retrieval.catalog import Availability, Money, Product, Variant
from retrieval.facets import Facets
from retrieval.filters import Condition
from retrieval.glossary import Glossary

_SIGNS = {
    "USD": "$", "EUR": "€", "GBP": "£", "CNY": "¥", "JPY": "¥", "INR": "₹", "KRW": "₩", "PHP": "₱",
    "CAD": "CA$", "AUD": "A$", "HKD": "HK$", "TWD": "NT$", "BRL": "R$", "MXN": "MX$",
}  # fmt: skip
_BEHIND = frozenset({"es", "fr", "de"})  # languages that write the euro sign behind the amount


@cache
def _tables() -> dict[str, dict[str, Any]]:
    return tomllib.loads(resources.files("assistant").joinpath("notation.toml").read_text("utf-8"))


def languages() -> frozenset[str]:
    """The languages facts can be written in."""
    return frozenset(_tables())


class Notation:
    """How facts are written in one language, for one shop."""

    def __init__(self, language: str, facets: Facets, glossary: Glossary) -> None:
        self.language = language
        self._facets = facets
        self._glossary = glossary
        self._words = _tables()[language]

    def say(self, key: str, **facts: str) -> str:
        """A short phrase of the table, with its facts put in."""
        text: str = self._words[key]
        for name, fact in facts.items():
            text = text.replace("{" + name + "}", fact)
        return text

    def money(self, money: Money) -> str:
        """`Money(6400, "USD")` -> "$64", `Money(6450, "USD")` -> "$64.50"."""
        value = abs(money.major)
        number = f"{value:,.0f}" if value == value.to_integral_value() else f"{value:,}"
        sign = _SIGNS.get(money.currency)
        minus = "-" if money.amount < 0 else ""
        if sign is None:
            return f"{minus}{number} {money.currency}"
        if money.currency == "EUR" and self.language in _BEHIND:
            number = number.translate(str.maketrans(",.", " ,"))
            return f"{minus}{number} {sign}"
        return f"{minus}{sign}{number}"

    def count(self, number: int) -> str:
        """A small number as a word, a larger one in digits."""
        words: list[str] = self._words["numbers"]
        return words[number] if 0 <= number < len(words) else str(number)

    def listed(self, parts: Sequence[str]) -> str:
        """The parts one after another: "a, b, c"."""
        return str(self._words["comma"]).join(parts)

    def join(self, parts: Sequence[str]) -> str:
        """The parts as a list: "a, b and c"."""
        if len(parts) < 2:
            return "".join(parts)
        comma, last = self._words["comma"], self._words["and"]
        return str(comma.join(parts[:-1]) + last + parts[-1])

    def field(self, name: str) -> str:
        """The name of a field."""
        named: str = self._words["fields"].get(name, name)
        if self.language == "en":  # English labels are synonyms; the catalogue's own word is the one to write
            return named
        own = self._glossary.label("field", name, self.language)
        return own if own != name else named

    def value(self, field: str, value: str) -> str:
        """A value of a field, as the glossary writes it in this language."""
        if value.casefold() in ("yes", "no"):
            return str(self._words[value.casefold()])
        if self.language == "en":
            return _lower(value, field)
        return self._glossary.label(field, value, self.language)

    def values(self, field: str, values: Iterable[str]) -> str:
        """Several values of a field, as a list."""
        return self.join([self.value(field, value) for value in values])

    def availability(self, availability: Availability) -> str:
        """Whether a variant can be had."""
        return str(self._words["availability"][availability.value])

    def rating(self, product: Product) -> str:
        """The mean score and the number of reviews, or "" where there are none."""
        if product.rating is None:
            return ""
        return self.say("reviews", value=f"{product.rating.value:.1f}", count=str(product.rating.count))

    def recipient(self, recipient: Recipient) -> str:
        """Whom it is for: "for girls", "适合5岁的"."""
        people: dict[str, str] = self._words["for_"]
        if recipient.years is not None:
            return people["years"].replace("{years}", str(recipient.years))
        return people.get(recipient.gender) or people.get(recipient.stage, "")

    def limit(self, constraint: Constraint) -> str:
        """A constraint in words of this language: "under $60", "in blue", "not black"."""
        condition = constraint.condition
        if condition.field == "price":
            return self._price(condition)
        if condition.any_of and {value.casefold() for value in condition.any_of} <= {"no", "none"}:
            return self.say("without", value=constraint.words)
        if condition.none_of:
            return self.say("not", value=constraint.words)
        if "size" in condition.field.split() and len(condition.any_of) == 1:
            return self.say("size", value=next(iter(condition.any_of)))
        if condition.field == "color":
            return self.say("in", value=constraint.words)
        return constraint.words

    def _price(self, condition: Condition) -> str:
        low, high = (
            None if limit is None else self.money(Money(int(limit), self._facets.currency))
            for limit in (condition.minimum, condition.maximum)
        )
        if low and high:
            return self.say("price_between", low=low, high=high)
        return self.say("price_below", price=high) if high else self.say("price_above", price=low or "")

    def differences(self, product: Product, other: Product, variant: Variant, other_variant: Variant) -> list[str]:
        """What sets `product` apart from `other`, most telling first: "$15 cheaper", "70 g lighter"."""
        found = []
        gap = variant.price.amount - other_variant.price.amount
        if gap:
            amount = self.money(Money(abs(gap), variant.price.currency))
            found.append(self.say("cheaper" if gap < 0 else "dearer", d=amount))
        for name, field in self._facets.fields.items():
            if not field.number or name in ("price", "rating") or self._facets.measure(name, "1 g") is None:
                continue
            mine, theirs = self._measure(product, name), self._measure(other, name)
            if mine is not None and theirs is not None and mine != theirs:
                amount = f"{abs(mine - theirs):g} {field.unit}"
                found.append(self.say("lighter" if mine < theirs else "heavier", d=amount))
                break
        if product.rating and other.rating and round(product.rating.value, 1) != round(other.rating.value, 1):
            key = "rated_higher" if product.rating.value > other.rating.value else "rated_lower"
            found.append(self.say(key, a=f"{product.rating.value:.1f}", b=f"{other.rating.value:.1f}"))
        return found

    def _measure(self, product: Product, field: str) -> float | None:
        values = product.attributes.get(field, ())
        return self._facets.measure(field, values[0]) if values else None


def _lower(value: str, field: str) -> str:
    """A value in the middle of a sentence; brands, sizes and codes keep their capitals."""
    if field in ("brand", "size") or not value[:1].isupper() or not value[1:].islower():
        return value
    return value.lower()
