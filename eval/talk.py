"""A conversation with the assistant, as a surface would hold it: messages in, typed events out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from assistant.conversation import Assistant
from assistant.dialogue import (
    Card,
    Choices,
    Comparison,
    DialogueState,
    Done,
    Event,
    Products,
    Source,
    Sources,
    Status,
    Text,
)
from assistant.plan import Point, Said


@dataclass(frozen=True)
class Reply:
    """What came back for one message; `times` is event type -> milliseconds from the message to the first such."""

    message: str
    text: str
    cards: tuple[Card, ...]
    total: int
    points: tuple[Point, ...]
    sources: tuple[Source, ...]
    choices: tuple[str, ...]
    language: str
    complete: bool
    times: Mapping[str, float] = field(default_factory=dict)
    comparison: Comparison | None = None

    @property
    def real(self) -> bool:
        """True where the turn ended as it should and has words: what may be counted and timed."""
        return self.complete and bool(self.text.strip())


class Talk:
    """One conversation; the session's name fixes the wording, so that a run can be repeated."""

    def __init__(self, assistant: Assistant, session: str) -> None:
        self._assistant = assistant
        self.session = assistant.store.open_session(session)
        self.replies: list[Reply] = []

    def say(self, message: str) -> Reply:
        """Send a message and wait for the whole reply."""
        start = time.perf_counter()
        times: dict[str, float] = {}
        events: list[Event] = []
        for event in self._assistant.reply(self.session, message):
            times.setdefault(event.type, (time.perf_counter() - start) * 1000)
            events.append(event)
        self.replies.append(_reply(message, events, times))
        return self.replies[-1]

    @property
    def state(self) -> DialogueState:
        """What the assistant knows after the last turn, replayed from what it stored."""
        return DialogueState.replay(self._assistant.store.replay(self.session))

    @property
    def transcript(self) -> tuple[tuple[str, str], ...]:
        """Speaker and words, in order; cards and sources are told as words."""
        return tuple(line for reply in self.replies for line in lines(reply))


def lines(reply: Reply) -> Iterator[tuple[str, str]]:
    """A turn as a transcript shows it."""
    yield "shopper", reply.message
    if reply.cards:
        shown = [f"{place}. {card.title}, {card.price}" for place, card in enumerate(reply.cards, 1)]
        yield f"cards ({reply.total} fit)", "\n".join(shown)
    if reply.comparison:
        rows = (("", *reply.comparison.titles), *((label, *cells) for label, cells in reply.comparison.rows))
        yield "comparison", "\n".join(" | ".join(row) for row in rows)
    yield "assistant", reply.text.strip() or "(nothing)"
    for source in reply.sources:
        yield f"source: {source.title}, {source.section}", source.quote
    if reply.choices:
        yield "choices", " | ".join(reply.choices)


def _reply(message: str, events: list[Event], times: Mapping[str, float]) -> Reply:
    def gathered(kind: type[Event], name: str) -> tuple[Any, ...]:
        return tuple(each for event in events if isinstance(event, kind) for each in getattr(event, name))

    done = next((event for event in events if isinstance(event, Done)), None)
    return Reply(
        message=message,
        text="".join(event.delta for event in events if isinstance(event, Text)),
        cards=gathered(Products, "cards"),
        total=sum(event.total for event in events if isinstance(event, Products)),
        points=gathered(Said, "points"),
        sources=gathered(Sources, "sources"),
        choices=gathered(Choices, "choices"),
        language=done.language if done else "",
        complete=done is not None and done.status is Status.COMPLETE,
        times=times,
        comparison=next((event for event in events if isinstance(event, Comparison)), None),
    )
