"""A message while it is read: what has been understood of it, and what is left."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from assistant.amounts import CURRENCY
from assistant.dialogue import Constraint, DialogueState, Order, Recipient
from assistant.lexicon import HAN, Lexicon, alternatives, has_han
from assistant.tagger import Span, Tags
from assistant.vocabulary import BLANK, Item, Match, blank, tokens
from retrieval.catalog import Money
from retrieval.filters import Condition

_CONSTRAINTS = 12  # of one message that are kept; more is a list, not a wish
_PIECES = 8  # that a message is cut into
AMOUNTS = ("max", "min", "about")  # the labels of amounts
_NUMBER = re.compile(r"[\d.,]+|[零一二两三四五六七八九十百千万半]+")
_DIGIT = re.compile(r"\d")
_DENIAL = re.compile(
    r"n['’]?t\b|\b(?:not|no|nothing|never|cannot|nicht|kein\w*|nichts|pas|rien|sin|nada|nunca)\b|[不别没勿莫]"
)
_GAP = re.compile(r"[\s-]?")
_BESIDE = 24  # characters around an amount that may say which limit it is
_REACH = 200  # characters that a negation reaches at most


@dataclass(frozen=True)
class Relative:
    """A limit relative to a product: the field, whether less or more of it is wanted, and the words for it."""

    field: str
    less: bool
    words: str


class Reading:
    """A message while it is read: `rest` is what nothing has understood yet; of the marked words, where some are."""

    def __init__(self, said: str, words: Lexicon, state: DialogueState, tags: Tags | None = None) -> None:
        self.said, self.words, self.state = said, words, state
        self.tagged = tags is not None
        self.spans: tuple[Span, ...] = tuple(_joined(tags.spans, said)) if tags else ()
        self.rest = _within(said, self.spans) if tags else said
        self.constraints: list[Constraint] = []
        self.references: list[str] = []
        self.relative: list[Relative] = []
        self.dropped: list[str] = []
        self.asked: list[str] = []
        self.claims: list[Match] = []
        self.foreign: list[str] = []
        self.converted: list[tuple[str, Money]] = []
        self.recipient: Recipient | None = None
        self.item: Item | None = None
        self.scope: Condition | None = None  # the kind of what is spoken of
        self.order: Order | None = None
        self.missing = False
        self._hidden: list[tuple[int, int]] = []
        # 有没有 asks whether there is one; the 没有 in it denies nothing.
        asking = words.frame.sub(lambda match: BLANK * len(match[0]), said)
        self._negations = [match.span() for match in words.cue("negation").finditer(asking)]

    def take(self, span: tuple[int, int]) -> None:
        """Mark a span as understood."""
        self.rest = blank(self.rest, span)

    def only(self, *labels: str) -> str:
        """What is left of the words marked with one of `labels`; of all words where none are marked."""
        return _within(self.rest, (each for each in self.spans if each.label in labels)) if self.tagged else self.rest

    def bound(self, span: Span) -> str:
        """Whether an amount is the "max", the "min" or "about" what is wanted; "" where no word beside it says so.

        Words that always mean one of them are trusted before its mark, unless they are denied ("nothing over"); of two
        amounts joined by "to" the first is the least.
        """
        amounts = [each for each in self.spans if each.label in AMOUNTS]
        place = amounts.index(span) if span in amounts else 0
        for first, second in pairwise(amounts):
            between = self.said[first.end : second.start].strip()
            if span in (first, second) and between in self.words.cues["to"]:
                return "min" if span is first else "max"
        before = self.said[amounts[place - 1].end if place else 0 : span.start].rstrip()[-_BESIDE:]
        after = self.said[span.end :].lstrip()[:_BESIDE]
        found = [
            (len(phrase), label, not _DENIAL.search(before.removesuffix(phrase)))
            for label, cue in (("min", "above"), ("max", "below"), ("about", "approx"))
            for phrase in self.words.cues[cue]
            if _ends(before, phrase)
        ]
        found += [
            (len(phrase), label, True)
            for label, cue in (("min", "above"), ("max", "below"))
            for phrase in self.words.cues[cue]
            if _begins(after, phrase)
        ]
        _, label, telling = max(found, default=(0, "", False))
        if telling:
            return label
        return span.label if found or _DENIAL.search(before) or span.label == "about" else ""

    def marked(self, *labels: str) -> Iterator[tuple[Span, str]]:
        """The spans with one of `labels`, and their words, whatever has been understood of them."""
        for span in self.spans:
            if span.label in labels:
                yield span, self.said[span.start : span.end]

    def is_left(self, span: Span) -> bool:
        """True where nothing has explained the words of a span yet."""
        return bool(self.rest[span.start : span.end].strip(BLANK + " "))

    def is_marked(self, span: tuple[int, int], *labels: str) -> bool:
        """True where some of the words at `span` are marked with one of `labels`."""
        return any(each.start < span[1] and span[0] < each.end for each in self.spans if each.label in labels)

    def refer(self, product_id: str) -> None:
        """Note a reference to an earlier product."""
        if product_id not in self.references:
            self.references.append(product_id)

    def point(self, number: int) -> None:
        """Note a reference by place: on the slate shown last or, beyond its end, among all that the topic showed."""
        slate, topic = self.state.slate, self.state.topic
        shown = topic.shown if topic else ()
        if number <= len(slate):
            self.refer(slate[number - 1 if number > 0 else -1])
        elif number <= len(shown):
            self.refer(shown[number - 1])
        else:
            self.missing = True

    def constrain(self, condition: Condition, *spans: tuple[int, int]) -> None:
        """Note a constraint that the words at `spans` make.

        It takes the place of an earlier one of its field and direction; what must not be adds up.
        """
        said = [" ".join(self.said[slice(*span)].split()) for span in spans]
        for place, (known, words) in enumerate((each.condition, each.words) for each in self.constraints):
            if _direction(known) != _direction(condition):
                continue
            if condition.none_of:
                condition = replace(condition, none_of=condition.none_of | known.none_of)
                said = list(dict.fromkeys([*words.split(", "), *said]))
            self.constraints[place] = Constraint(condition, ", ".join(said))
            return
        if len(self.constraints) < _CONSTRAINTS:
            self.constraints.append(Constraint(condition, ", ".join(said)))

    def negated(self, span: tuple[int, int]) -> bool:
        """True where a word of negation reaches the span: nothing but bridging words and taken text lies between.

        Where words are marked, the mark says so.
        """
        if self.tagged:
            around = [each for each in self.spans if each.start < span[1] and span[0] < each.end]
            denied = [each.place for each in around if each.label in ("not", "noitem")]
            if not denied:  # "anything but cork" is plain, whatever the mark
                before = self.said[: around[0].start if around else span[0]].rstrip()
                denied = [span] if any(_ends(before, each) for each in self.words.cues["negation"]) else []
            self._hidden += denied
            return bool(denied)
        last = bisect_right(self._negations, span[0], key=lambda cue: cue[1]) - 1
        if last < 0 or span[0] - self._negations[last][1] > _REACH:
            return False
        between = self.said[self._negations[last][1] : span[0]]
        # 的 ends what 没有 denies: 没有拉链的背包 is a backpack.
        if re.search(r"[.;!?。；！？的]", between) or self.words.cue("resets").search(between):
            return False
        bridge = self.words.cue("bridge").sub(" ", between)
        negated = len(tokens(bridge)) <= 2 and len(re.findall(f"[{HAN}]", bridge)) <= 6
        if negated:
            self._hidden.append((self._negations[last][0], span[1]))
        return negated

    def unknown(self, text: str | None = None) -> str:
        """The content words of `text`, by default of all that is left, that nothing has explained."""
        rest = self.rest if text is None else text
        rest = self.words.frame.sub(lambda match: BLANK * len(match[0]), rest)
        for cue in ("gift", "compare", "back", "more", "similar", "drop", "reset"):
            rest = self.words.cue(cue).sub(lambda match: BLANK * len(match[0]), rest)
        if has_han(rest):
            rest = self.words.stop_han.sub(BLANK, rest)
        parts = re.findall(rf"[{HAN}]{{2,}}|[^\W_{HAN}]+(?:[-'][^\W_{HAN}]+)*", rest)
        kept = [part for part in parts if part not in self.words.stop and not part.isdigit() and len(part) > 1]
        return " ".join(kept)

    def refused(self) -> tuple[str, ...]:
        """The unexplained words that are denied: "not black", where no field of the shop knows colours."""
        found = []
        for word in self.unknown().split():
            start = self.rest.find(word)
            if start >= 0 and not has_han(word) and self.negated((start, start + len(word))):
                found.append(word)
                self.take((start, start + len(word)))
        return tuple(found)

    def unread(self) -> str:
        """The words beside the thing asked for that nothing has explained.

        In languages the catalogue is not written in, a word next to the thing is taken as part of its name.
        """
        if self.item is None:
            return ""
        start, end = self.item.span
        rest = self.rest
        if not self.words.main:
            before = re.search(r"[^\W\d_]+\s*$", rest[:start])
            after = re.match(r"\s*[^\W\d_]+", rest[end:])
            rest = blank(rest, (start - len(before[0]) if before else start, end + len(after[0]) if after else end))
        return self.unknown(rest)

    def phrase(self) -> str:
        """The unknown words, with the known ones that stand directly before them: "hiking poles", not "poles"."""
        unknown = self.unknown()
        if not unknown or has_han(unknown):
            return unknown
        start = self.said.find(unknown.split()[0])
        before = re.search(r"(?:[^\W\d_]+ )+$", self.said[:start])
        lead = before[0].split() if before else []
        superlative = self.words.table("superlative"), self.words.cue("cheapest"), self.words.cue("best_rated")
        while any(word in self.words.stop or any(each.search(word) for each in superlative) for word in lead):
            lead = lead[1:]
        return " ".join([*lead, unknown])

    def search_text(self) -> str:
        """The message without amounts, negated words and ways of asking: what results are ranked by."""
        text = self.said
        for span in self._hidden:
            text = blank(text, span)
        kept = self.words.frame.sub(" ", self.words.cue("reset").sub(" ", text)).replace(BLANK, " ")
        return " ".join(kept.split())


def _ends(text: str, phrase: str) -> bool:
    return text.endswith(phrase) and (has_han(phrase) or not re.search(r"\w$", text.removesuffix(phrase)))


def _begins(text: str, phrase: str) -> bool:
    return text.startswith(phrase) and (has_han(phrase) or not re.match(r"\w", text.removeprefix(phrase)))


def _joined(spans: Iterable[Span], said: str) -> Iterator[Span]:
    """The spans, an amount as one with the unit or the counted word directly behind it: "300" and "pieces"."""
    last: Span | None = None
    for span in spans:
        number = last and last.label in AMOUNTS and _NUMBER.fullmatch(said[last.start : last.end])
        if last and number and _GAP.fullmatch(said[last.end : span.start]) and not _DIGIT.search(said, *span.place):
            last = Span(last.label, last.start, span.end)
            continue
        if last:
            yield _priced(last, said)
        last = span
    if last:
        yield _priced(last, said)


def _priced(span: Span, said: str) -> Span:
    """An amount with the currency that stands directly beside it."""
    if span.label in AMOUNTS and _NUMBER.fullmatch(said[span.start : span.end]):
        after = CURRENCY.match(said, span.end)
        return Span(span.label, span.start, after.end()) if after else span
    return span


def _within(text: str, spans: Iterable[Span]) -> str:
    """The text with all that lies outside of `spans` marked as understood."""
    kept = BLANK * len(text)
    for span in spans:
        kept = kept[: span.start] + text[span.start : span.end] + kept[span.end :]
    return kept


def pieces(said: str, words: Lexicon) -> Iterator[tuple[bool, str]]:
    """The message cut where a new request can begin, with True where the cut is a strong one.

    The last of `_PIECES` pieces holds all the rest.
    """
    strong = True
    start = found = 0
    for match in _cuts(words).finditer(said):
        if found == _PIECES - 1:
            break
        piece = said[start : match.end() if match["strong"] else match.start()].strip(" ,，、")
        if tokens(piece) or has_han(piece):
            yield strong, piece
            strong = match["strong"] is not None
            found += 1
        start = match.end()
    rest = said[start:].strip(" ,，、")
    if rest:
        yield strong, rest


@cache
def _cuts(words: Lexicon) -> re.Pattern[str]:
    strong = rf"[.!?。！？;；]+(?=\s|$|[{HAN}])|{alternatives(words.cues['also'])}"
    return re.compile(rf"(?P<strong>{strong})|{alternatives(words.cues['joining'])}")


def _direction(condition: Condition) -> tuple[str, bool, bool, bool, bool]:
    return (
        condition.field,
        bool(condition.any_of),
        bool(condition.none_of),
        condition.minimum is not None,
        condition.maximum is not None,
    )


def as_written(words: str, text: str) -> str:
    """The words with the capitals they have in the message."""
    found = re.search(re.escape(words), text, re.IGNORECASE) if words else None
    return found[0] if found else words
