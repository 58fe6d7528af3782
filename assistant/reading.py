"""A message while it is read: what has been understood of it, and what is left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.dialogue import Constraint, DialogueState, Order, Recipient
from assistant.lexicon import HAN, Lexicon, alternatives, has_han
from assistant.vocabulary import BLANK, Item, Match, blank, tokens
from retrieval.catalog import Money
from retrieval.filters import Condition


@dataclass(frozen=True)
class Relative:
    """A limit relative to a product: the field, whether less or more of it is wanted, and the words for it."""

    field: str
    less: bool
    words: str


class Reading:
    """A message while it is read: `rest` is what no rule has understood yet."""

    def __init__(self, said: str, words: Lexicon, state: DialogueState) -> None:
        self.said, self.rest, self.words, self.state = said, said, words, state
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
        self.order: Order | None = None
        self.missing = False
        self._hidden: list[tuple[int, int]] = []

    def take(self, span: tuple[int, int]) -> None:
        """Mark a span as understood."""
        self.rest = blank(self.rest, span)

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

    def constrain(self, condition: Condition, words: str) -> None:
        """Note a constraint."""
        self.constraints.append(Constraint(condition, words))

    def negated(self, span: tuple[int, int]) -> bool:
        """True where a word of negation reaches the span: nothing but bridging words and taken text lies between."""
        before = self.said[: span[0]]
        cues = list(self.words.cue("negation").finditer(before))
        if not cues:
            return False
        between = before[cues[-1].end() :]
        if re.search(r"[.;!?。；！？]", between) or self.words.cue("resets").search(between):
            return False
        bridge = self.words.cue("bridge").sub(" ", between)
        negated = len(tokens(bridge)) <= 2 and len(re.findall(f"[{HAN}]", bridge)) <= 6
        if negated:
            self._hidden.append((cues[-1].start(), span[1]))
        return negated

    def unknown(self, text: str | None = None) -> str:
        """The content words of `text`, by default of all that is left, that nothing has explained."""
        rest = self.rest if text is None else text
        rest = self.words.frame.sub(lambda match: BLANK * len(match[0]), rest)
        for cue in ("gift", "compare", "back", "more", "similar", "drop"):
            rest = self.words.cue(cue).sub(lambda match: BLANK * len(match[0]), rest)
        if has_han(rest):
            rest = self.words.stop_han.sub(BLANK, rest)
        parts = re.findall(rf"[{HAN}]{{2,}}|[^\W_{HAN}]+(?:[-'][^\W_{HAN}]+)*", rest)
        kept = [part for part in parts if part not in self.words.stop and not part.isdigit() and len(part) > 1]
        return " ".join(kept)

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
        while any(word in self.words.stop for word in lead):
            lead = lead[1:]
        return " ".join([*lead, unknown])

    def search_text(self) -> str:
        """The message without amounts, negated words and ways of asking: what results are ranked by."""
        text = self.said
        for span in self._hidden:
            text = blank(text, span)
        kept = self.words.frame.sub(" ", text).replace(BLANK, " ")
        return " ".join(kept.split())


def pieces(said: str, words: Lexicon) -> Iterator[tuple[bool, str]]:
    """The message cut where a new request can begin, with True where the cut is a strong one."""
    strong = True
    start = 0
    weak = alternatives(words.cues["joining"])
    for match in re.finditer(
        rf"(?P<strong>[.!?。！？;；]+(?=\s|$|[{HAN}])|{alternatives(words.cues['also'])})|{weak}", said
    ):
        piece = said[start : match.end() if match["strong"] else match.start()].strip(" ,，、")
        if tokens(piece) or has_han(piece):
            yield strong, piece
            strong = match["strong"] is not None
        start = match.end()
    rest = said[start:].strip(" ,，、")
    if rest:
        yield strong, rest
