"""Sizes and measures in a message: "size 9", "42码", "a medium sweater", "at least 1.5 l", "under 300 g"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from assistant.amounts import HAN_NUMBER, spelled
from assistant.amounts import value as number_of
from assistant.lexicon import HAN
from assistant.reading import AMOUNTS, Reading
from assistant.vocabulary import BLANK, Match, Vocabulary
from retrieval.filters import Condition
from retrieval.lexical import stem

_MEASURE = re.compile(rf"(?<![\w.])(\d+(?:[.,]\d+)?)[\s-]?([a-z]+|[\"″'′°]|[{HAN}]{{1,2}})")
_BARE = re.compile(r"\d+(?:[.,]\d+)?")
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
        if reading.tagged:
            for span, said in [each for each in reading.marked("size") if reading.is_left(each[0])]:
                found = re.search(rf"(?<![\w.])(?:{self._size})(?![\w.]\d)", said)
                self._settle(reading, found[0] if found else said, said, span.place)
            return
        for pattern in reading.words.patterns["size"]:
            match = re.search(pattern.replace("VALUE", self._size), reading.rest)
            if match:
                self._settle(reading, match["size"], match[0].strip(), match.span())
                return

    def _settle(self, reading: Reading, size: str, said: str, span: tuple[int, int]) -> None:
        """Take the words at `span` for the size `size` of the field that has most products in it."""
        wanted = _SIZE_WORDS.get(size, size)
        own = self._vocabulary.sizes(reading.scope) if reading.scope else {}
        sizes = own or {name: set(self._facets.fields[name].values) for name in self._size_fields}
        found = {
            name: frozenset(value for value in values if _is_size(value, wanted)) for name, values in sizes.items()
        }
        if not any(found.values()):  # the shop's labels may know it by another measure: EU 42 is its 8.5
            for written in (said, f"eu {wanted}", f"{wanted}码"):
                for label in self._vocabulary.values(written, reading.words):
                    if label.field in found:
                        found[label.field] |= label.values
        fields = [name for name, values in found.items() if values] or list(sizes)[:1]
        if fields:
            field = max(fields, key=lambda name: len(found[name]))
            condition = Condition(field, any_of=found[field] or frozenset({wanted}))
            reading.constrain(condition, span)
            reading.claims.append(Match(field, condition.any_of, span, said))
        reading.take(span)

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
                and (name in named or not {"age", "warranty"} & set(name.split()))  # "20 minutes" is neither
                and self._facets.measure(name, match[0].replace("-", " ")) is not None
                and self._facets.fields[name].unit
            ]
            if not fields:
                continue
            own = self._vocabulary.stated(reading.scope)
            field = max(
                fields,
                key=lambda name: (name in named, name in own, sum(self._facets.fields[name].values.values())),
            )
            value = self._facets.measure(field, match[0].replace("-", " "))
            if self._is_named(reading, field, match[0]):
                continue
            exact = any(self._facets.measure(field, each) == value for each in self._facets.fields[field].values)
            self._limit(reading, field, value or 0.0, match.span(), 0.0 if exact else 0.1)
            for span, said in list(reading.marked(*AMOUNTS)):  # the 15 of "15 to 18 lbs"
                if _BARE.fullmatch(reading.rest[span.start : span.end]):
                    value = self._facets.measure(field, f"{said} {match[2]}")
                    self._limit(reading, field, value or 0.0, span.place, 0.1)

    def _is_named(self, reading: Reading, field: str, said: str) -> bool:
        """Take a measure for a size where the thing asked for comes in it: a pan of "28 cm"."""
        wanted = "".join(said.casefold().split())
        for name, sizes in self._vocabulary.sizes(reading.scope).items() if reading.scope else ():
            found = frozenset(size for size in sizes if "".join(size.casefold().split()) == wanted)
            start = reading.rest.find(said)
            if found and name != field and not any(self._bounded(reading, (start, start + len(said)))):
                reading.constrain(Condition(name, any_of=found), (start, start + len(said)))
                reading.take((start, start + len(said)))
                return True
        return False

    def counts(self, reading: Reading) -> None:
        """Marked numbers of something the thing asked for states: "300 pieces", "four seats", "3 shelves"."""
        known = self._facets.fields
        own = [name for name in self._vocabulary.stated(reading.scope) if name in known and known[name].number]
        numbers = rf"(?P<value>{spelled(reading.words)}|\d+|[{HAN_NUMBER}]+)"
        for span, said in list(reading.marked(*AMOUNTS, "want", "ask")):
            match = re.search(rf"(?<![\w.]){numbers}[\s-]*(?P<what>[a-z]+|[{HAN}]{{1,3}})", said)
            if not match or reading.rest[span.start : span.end].strip(BLANK) == "":
                continue
            counted = stem(match["what"])
            labels = {name: self._vocabulary.called_field(name) for name in own}
            field = next((name for name, words in labels.items() if counted in words), None)
            if field:
                self._limit(reading, field, float(number_of(match["value"], reading.words)), span.place, 0.0)

    def _limit(self, reading: Reading, field: str, value: float, span: tuple[int, int], spread: float) -> None:
        """Take the words at `span` for a limit of a numeric field; `spread` is what "about" allows either way."""
        below, above = self._bounded(reading, span)
        reading.take(span)
        if below or above:
            condition = Condition(field, maximum=value) if below else Condition(field, minimum=value)
        else:
            condition = Condition(field, minimum=value - spread * abs(value), maximum=value + spread * abs(value))
        reading.constrain(condition, span)

    @staticmethod
    def _bounded(reading: Reading, span: tuple[int, int]) -> tuple[bool, bool]:
        """Whether an amount is the most, or the least, that will do."""
        marked = [each for each, _ in reading.marked(*AMOUNTS, "want") if each.start < span[1] and span[0] < each.end]
        if marked:
            bound = reading.bound(marked[0])
            return bound == "max", bound == "min"
        if reading.tagged:
            return False, False
        before, after = reading.rest[: span[0]].rstrip()[-24:], reading.rest[span[1] :].lstrip()
        return (
            _beside(before, after, reading.words.cues["below"]),
            _beside(before, after, reading.words.cues["above"]),
        )


def _is_size(value: str, wanted: str) -> bool:
    """True where a catalogue's size is the one wanted: "9" is meant by "9", "US 9" and "EU 42 / US 9"."""
    value = value.casefold()
    return value == wanted or wanted in re.split(r"[\s/,()]+", value)


def _beside(before: str, after: str, phrases: Sequence[str]) -> bool:
    return any(re.search(rf"(?<![a-z]){re.escape(p)}$", before) for p in phrases) or any(
        re.match(rf"{re.escape(p)}(?![a-z])", after) for p in phrases
    )
