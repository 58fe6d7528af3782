"""Sizes and measures in a message: "size 9", "42码", "a medium sweater", "at least 1.5 l", "under 300 g"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from assistant.lexicon import HAN
from assistant.reading import Reading
from assistant.vocabulary import Match, Vocabulary
from retrieval.filters import Condition

_MEASURE = re.compile(rf"(?<![\w.])(\d+(?:[.,]\d+)?)[\s-]?([a-z]+|[\"″'′°]|[{HAN}]{{1,2}})")
_MEASURES = 12  # of one message that are read
_SIZE_WORD = re.compile(r"\b(?:x{0,3}[sl]|x-small|x-large|small|medium|large|[ml])\b")
_SIZE_WORDS = {
    "small": "s",
    "medium": "m",
    "large": "l",
    "x-small": "xs",
    "x-large": "xl",
    "小": "s",
    "中": "m",
    "大": "l",
    "加大": "xl",
}


class Sizes:
    """Reads sizes and measures as conditions on the shop's own fields."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._facets = vocabulary.facets
        self._size_fields = [name for name in self._facets.fields if "size" in name.split()]
        sizes = {value.casefold() for name in self._size_fields for value in self._facets.fields[name].values}
        known = sorted(sizes | set(_SIZE_WORDS), key=len, reverse=True)
        self._size = "|".join([*map(re.escape, known), r"\d{1,3}(?:\.5)?", r"x{0,3}[sl]"])

    def read(self, reading: Reading) -> None:
        """A size that is said to be one."""
        for pattern in reading.words.patterns["size"]:
            match = re.search(pattern.replace("VALUE", self._size), reading.rest)
            if not match:
                continue
            wanted = _SIZE_WORDS.get(match["size"], match["size"])
            found = {
                name: frozenset(value for value in self._facets.fields[name].values if _is_size(value, wanted))
                for name in self._size_fields
            }
            if not any(found.values()):  # the shop's labels may know it by another measure: EU 42 is its 8.5
                for said in (match[0].strip(), f"eu {wanted}", f"{wanted}码"):
                    for label in self._vocabulary.values(said, reading.words):
                        if label.field in found:
                            found[label.field] |= label.values
            fields = [name for name, values in found.items() if values] or self._size_fields[:1]
            if fields:
                field = max(fields, key=lambda name: len(found[name]))
                condition = Condition(field, any_of=found[field] or frozenset({wanted}))
                reading.constrain(condition, match.span())
                reading.claims.append(Match(field, condition.any_of, match.span(), match[0].strip()))
            reading.take(match.span())
            return

    def words(self, reading: Reading) -> None:
        """A size named without the word "size", where the thing asked for comes in it: a medium sweater."""
        known = self._vocabulary.sizes(reading.item.condition) if reading.item else {}
        if not known or any(each.condition.field in self._size_fields for each in reading.constraints):
            return
        for match in _SIZE_WORD.finditer(reading.rest):
            wanted = _SIZE_WORDS.get(match[0], match[0]).replace("-", "")
            for field, values in known.items():
                found = frozenset(value for value in values if _is_size(value, wanted))
                if found:
                    reading.constrain(Condition(field, any_of=found), match.span())
                    reading.take(match.span())
                    return

    def measures(self, reading: Reading) -> None:
        """Amounts with a unit, as limits on the field they measure."""
        named = self._vocabulary.fields(reading.said)
        for match in list(islice(_MEASURE.finditer(reading.rest), _MEASURES)):
            fields = [
                name
                for name, field in self._facets.fields.items()
                if field.number
                and name not in ("price", "rating")
                and self._facets.measure(name, match[0].replace("-", " ")) is not None
                and self._facets.fields[name].unit
            ]
            if not fields:
                continue
            commonest = max(fields, key=lambda name: sum(self._facets.fields[name].values.values()))
            field = next((name for name in named if name in fields), commonest)
            value = self._facets.measure(field, match[0].replace("-", " "))
            before, after = reading.rest[: match.start()].rstrip()[-24:], reading.rest[match.end() :].lstrip()
            below = _beside(before, after, reading.words.cues["below"])
            above = _beside(before, after, reading.words.cues["above"])
            reading.take(match.span())
            if value is None or not (below or above):
                spread = 0.1 * abs(value or 0)
                condition = Condition(field, minimum=(value or 0) - spread, maximum=(value or 0) + spread)
            else:
                condition = Condition(field, maximum=value) if below else Condition(field, minimum=value)
            reading.constrain(condition, match.span())


def _is_size(value: str, wanted: str) -> bool:
    """True where a catalogue's size is the one wanted: "9" is meant by "9", "US 9" and "EU 42 / US 9"."""
    value = value.casefold()
    return value == wanted or wanted in re.split(r"[\s/,()]+", value)


def _beside(before: str, after: str, phrases: Sequence[str]) -> bool:
    return any(re.search(rf"(?<![a-z]){re.escape(p)}$", before) for p in phrases) or any(
        re.match(rf"{re.escape(p)}(?![a-z])", after) for p in phrases
    )
