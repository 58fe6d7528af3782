"""Whom a product is for: read from a message, and matched against what the catalogue says of its products."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from functools import cache, lru_cache

from assistant.amounts import spelled, value
from assistant.dialogue import Recipient
from assistant.lexicon import Lexicon, languages, lexicon
from assistant.vocabulary import normalize
from retrieval.catalog import Product
from retrieval.facets import Facets
from retrieval.filters import Condition

_ANYONE = frozenset({"unisex", "all", "any", "everyone", "both"})
_UNTIL = frozenset({"max", "maximum", "until", "up"})
_HAN_YEARS = "[零一二两三四五六七八九十]{1,3}"
_MONTHS = re.compile(r"month|mo\b|个月")
_CHILDHOOD = 14  # from this age on, children's things are no longer asked for
_SHARE = 0.8  # of a field's values that must name people, for the field to say whom a product is for


def read(text: str, words: Lexicon) -> tuple[Recipient | None, list[tuple[int, int]]]:
    """Whom a normalised message asks for, and where it says so.

    >>> read("for my five year old daughter", lexicon("en"))[0]
    Recipient(gender='girls', stage='child', years=5)
    """
    found = Recipient()
    spans = []
    for pattern in _ages_said(words):
        match = pattern.search(text)
        if match:
            years = int(value(match["years"], words))
            stage = "baby" if years < 1 else "child" if years < _CHILDHOOD else "adult"
            found = replace(found, years=years, stage=stage)
            spans.append(match.span())
            break
    for match in words.table("recipient").finditer(text):
        gender, stage = words.tables["recipient"][match[0]].split()
        found = Recipient(found.gender or ("" if gender == "any" else gender), found.stage or stage, found.years)
        spans.append(match.span())
    if found.stage in ("child", "baby"):
        found = replace(found, gender={"men": "boys", "women": "girls"}.get(found.gender, found.gender))
    elif found.stage == "adult":
        found = replace(found, gender={"boys": "men", "girls": "women"}.get(found.gender, found.gender))
    return (found if spans else None), spans


class Suitability:
    """What a catalogue says about whom its products are for.

    Fields are recognised by what they hold, one whose values nearly all name people ("women", "kids", "unisex"), or
    by "age" in their name.
    """

    def __init__(self, products: Iterable[Product], facets: Facets) -> None:
        people = {
            name: {value.casefold(): _people(value) for value in field.values}
            for name, field in facets.fields.items()
            if not field.number and field.values and name not in ("brand", "kind", "department", "size")
        }
        people = {
            name: values
            for name, values in people.items()
            if sum(meaning is not None for meaning in values.values()) >= _SHARE * len(values)
        }
        ages = [name for name in facets.fields if "age" in name.split() and name not in people]
        self.fields = frozenset(people) | frozenset(ages)
        self._genders: dict[str, set[str]] = defaultdict(set)
        self._stages: dict[str, set[str]] = defaultdict(set)
        self._ages: dict[str, dict[str, float]] = defaultdict(dict)
        self._ids = []
        for product in products:
            self._ids.append(product.id)
            stated = {**product.options, **product.attributes}
            for name, meanings in people.items():
                for stated_value in stated.get(name, ()):
                    gender, stage = meanings.get(stated_value.casefold()) or ("any", "any")
                    self._genders[product.id].add(gender)
                    self._stages[product.id].add(stage)
            for name in ages:
                for stated_value in stated.get(name, ()):
                    self._ages[product.id].update(_ages(name, stated_value))
        self.condition = lru_cache(maxsize=64)(self._condition)

    def _condition(self, recipient: Recipient, strict: bool) -> Condition | None:
        """The products for this person; None where the catalogue cannot tell.

        Args:
            recipient: whom it is for.
            strict: True where nothing else says what is wanted, as with a gift: then a product must be stated to be
                for such a person, where otherwise it only must not be stated to be for another.
        """
        fitting = frozenset(each for each in self._ids if self._suits(each, recipient, strict))
        if not fitting or len(fitting) == len(self._ids):
            return None
        return Condition("id", any_of=fitting)

    def _suits(self, product_id: str, recipient: Recipient, strict: bool) -> bool:
        genders, stages, ages = self._genders[product_id], self._stages[product_id], self._ages[product_id]
        young = recipient.stage in ("child", "baby")
        if recipient.gender and not genders <= {"any", recipient.gender} and recipient.gender not in genders:
            return False
        known = bool(ages) or bool(stages - {"any"}) or bool(genders & {"boys", "girls"})
        if young:
            if "adult" in stages and not stages & {"child", "baby"}:
                return False
            if recipient.years is not None and ages:
                return ages.get("minimum", 0) <= recipient.years <= ages.get("maximum", 99)
            if ages:
                return ages.get("minimum", 0) < _CHILDHOOD
            if stages & {"child", "baby"}:
                return recipient.stage in stages or (recipient.stage == "child" and "child" in stages)
            return known if strict else True
        if recipient.stage == "adult":
            return not (stages and stages <= {"child", "baby"}) and ages.get("maximum", 99) >= _CHILDHOOD
        return True


@cache
def _ages_said(words: Lexicon) -> tuple[re.Pattern[str], ...]:
    number = f"{_HAN_YEARS}|{spelled(words)}"
    return tuple(re.compile(pattern.replace("NUMBER", number)) for pattern in words.patterns["age"])


def _ages(name: str, value: str) -> dict[str, float]:
    """The youngest and oldest age, in years, that a field states: "3 to 6 years", "18 months+", "from 4 years"."""
    scale = 1 / 12 if _MONTHS.search(value.casefold()) else 1.0
    found = [float(number) * scale for number in re.findall(r"\d+(?:\.\d+)?", value)]
    if not found:
        return {}
    if len(found) > 1:
        return {"minimum": min(found), "maximum": max(found)}
    return {"maximum" if _UNTIL & set(f"{name} {value}".casefold().split()) else "minimum": found[0]}


def _people(value: str) -> tuple[str, str] | None:
    """(gender, stage) that a catalogue value names, or None where it does not name people."""
    word = normalize(value)
    if word in _ANYONE:
        return "any", "any"
    for language in languages():
        meaning = lexicon(language).tables["recipient"].get(word)
        if meaning:
            gender, stage = meaning.split()
            return gender, "any" if gender in ("men", "women") else stage
    return None
