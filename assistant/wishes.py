"""The thing a message asks for, and the values of the catalogue that it wants or refuses."""

from __future__ import annotations

import re
from collections.abc import Callable

from assistant.limits import Limits
from assistant.pointing import Pointing
from assistant.reading import Reading
from assistant.vocabulary import BLANK, Item, Match, Vocabulary, blank
from retrieval.filters import Condition

# Words and what they are said of -> the field and values they mean; see `Shelf.meant`.
Meant = Callable[[str, Condition], tuple[str, frozenset[str]] | None]
# Words -> the kind that they mean by likeness; see `Shelf.same_kind`.
KindLike = Callable[[str], str | None]
_ITEMS = 5  # things named in one message that are looked at for the one asked for: at most four are negated


_PLAIN = frozenset({"color", "material", "brand", "size"})
_ALWAYS = frozenset({"brand", "kind", "department", "availability"})


class Wishes:
    """Reads what a message wants.

    Args:
        vocabulary: the shop's words.
        pointing: reads products that the shop still has.
        limits: tells which fields a message names.
        meant: what marked words mean that name no value; None to leave them unexplained.
        kind_like: the kind that marked words mean which name none; likewise.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        pointing: Pointing,
        limits: Limits,
        meant: Meant | None,
        kind_like: KindLike | None,
    ) -> None:
        self._vocabulary = vocabulary
        self._facets = vocabulary.facets
        self._pointing = pointing
        self._limits = limits
        self._meant = meant
        self._kind_like = kind_like

    def item(self, reading: Reading) -> Item | None:
        """The thing asked for, where the catalogue has a word for it; things that are refused become constraints."""
        rest = reading.only("item", "noitem", "back")
        values = list(self._vocabulary.values(rest, reading.words))
        for _ in range(_ITEMS):
            item = self._vocabulary.item(rest, reading.words, inside=not reading.tagged) or self._likened(reading)
            if item is None:
                return None
            start, end = item.span
            within = (each.span for each in values if each.span[0] <= start and end <= each.span[1])
            wider = next((span for span in within if span != item.span), None)
            if wider:  # "machine" in "machine washable" is no machine
                rest = blank(rest, wider)
                continue
            reading.take(item.span)
            if not reading.negated(item.span):
                return item
            reading.constrain(Condition(item.condition.field, none_of=item.condition.any_of), item.span)
            rest = blank(rest, item.span)
        return None

    def _likened(self, reading: Reading) -> Item | None:
        """The thing that marked words mean by their nearest spelling ("runing shoes"), or by likeness to a kind."""
        for span, said in reading.marked("item"):
            if not reading.rest[span.start : span.end].strip(BLANK + " "):
                continue
            spelled = self._vocabulary.spelled(said)
            item = self._vocabulary.item(spelled, reading.words, inside=False) if spelled != said else None
            if item:
                return Item(said, item.condition, span.place)
            kind = self._kind_like(said) if self._kind_like else None
            if kind:
                return Item(said, Condition("kind", any_of=frozenset({kind})), span.place)
        return None

    def read(self, reading: Reading) -> None:
        """Note the values named, as constraints and as what a question may be about."""
        self._without(reading)
        merged: dict[tuple[str, bool], list[Match]] = {}
        spans: dict[tuple[int, int], list[Match]] = {}
        stated = self._vocabulary.stated(reading.scope) if reading.tagged else set()
        for match in self._vocabulary.values(reading.rest, reading.words):
            if self._says(reading, match) and (not stated or match.field in stated or match.field in _ALWAYS):
                spans.setdefault(match.span, []).append(match)
        self._described(reading, spans)
        named = self._limits.asked(reading)
        for span, matches in spans.items():
            match = self._likeliest(matches, named)
            merged.setdefault((match.field, reading.negated(span)), []).append(match)
        for span in spans:
            reading.take(span)
        for (field, negated), matches in merged.items():
            values = frozenset().union(*(match.values for match in matches))
            said = ", ".join(match.words for match in matches)
            reading.claims.append(Match(field, values, matches[0].span, said))
            # "No sulfates" asks for what is free of them.
            absence = negated and field.casefold().endswith(("free", "-proof", "less")) and values == {"yes"}
            condition = Condition(field, none_of=values) if negated and not absence else Condition(field, any_of=values)
            reading.constrain(condition, *(match.span for match in matches))

    def _says(self, reading: Reading, match: Match) -> bool:
        """False for a word among marked ones that say more: the "warm" of "keeps the water warm" is no wish by itself.

        What a thing is made of, its colour and its maker are, whatever goes with them: "really bright red".
        """
        if not reading.tagged or any(word in _PLAIN for word in match.field.split()):
            return True
        start, end = match.span
        around = next((each for each in reading.spans if each.start <= start and end <= each.end), None)
        rest = around and blank(reading.rest[around.start : around.end], (start - around.start, end - around.start))
        return not (rest and reading.unknown(rest))

    def _described(self, reading: Reading, spans: dict[tuple[int, int], list[Match]]) -> None:
        """Add the values that marked words mean which name none."""
        scope = reading.scope
        if not reading.tagged or self._meant is None or scope is None:
            return
        for span, said in list(reading.marked("want", "not", "ask")):
            place = span.place
            taken = any(start < span.end and span.start < end for start, end in spans)
            if taken or not reading.unknown(reading.rest[span.start : span.end]):
                continue
            meant = self._meant(said, scope)
            # Of what is asked, likeness is enough for a plain yes or no and for nothing finer.
            if meant and (span.label != "ask" or {value.casefold() for value in meant[1]} <= {"yes", "no"}):
                spans[place] = [Match(meant[0], meant[1], place, said)]

    def scope(self, reading: Reading) -> Condition | None:
        """The kind of what is spoken of: of the thing asked for, of a product pointed at, or of what is looked for."""
        topic = reading.state.topic
        pointed = self._pointing.known(reading.references[:1])
        if reading.item:
            scope: Condition | None = reading.item.condition
        elif pointed and pointed[0].kind:
            scope = Condition("kind", any_of=frozenset({pointed[0].kind}))
        else:
            scope = topic.scope if topic else None
        return scope if scope and scope.field in ("kind", "department") else None

    def _without(self, reading: Reading) -> None:
        """A part named by its field, to be had or not: "without a hood", where the shop's hoods can be "none"."""
        for name in self._vocabulary.fields(reading.rest):
            lacking = {v for v in self._facets.fields[name].values if v.casefold() in ("none", "no")}
            match = re.search(rf"\b{re.escape(name)}s?\b", reading.rest)
            if lacking and match and reading.negated(match.span()):
                reading.constrain(Condition(name, any_of=frozenset(lacking)), match.span())
                reading.take(match.span())

    def _likeliest(self, matches: list[Match], named: list[str]) -> Match:
        """Of the fields one phrase can belong to, one that is named, else the one that most products have it in."""

        def weight(match: Match) -> tuple[bool, int]:
            counts = self._facets.fields[match.field].values
            return match.field in named, sum(counts.get(value, 0) for value in match.values)

        return max(matches, key=weight)
