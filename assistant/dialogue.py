"""What happens in a conversation: the events a reply is made of.

The same events are streamed to every surface (chat page, command line, widget, evaluation) and stored; the state
of a dialogue is a replay of them. Nothing is ever parsed back out of prose.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from retrieval.catalog import Availability, Money, Rating


@dataclass(frozen=True)
class Card:
    """A product as a shopper sees it: `reason` is one short statement that is true of this product."""

    product_id: str
    variant_id: str
    title: str
    price: Money
    availability: Availability
    reason: str = ""
    list_price: Money | None = None
    rating: Rating | None = None
    picture: str = ""
    url: str = ""
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """Something that happened in a turn; `type` names the subclass in JSON."""

    type: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """The event as JSON values, with its `type` first."""
        return {"type": self.type, **dataclasses.asdict(self)}


@dataclass(frozen=True)
class Products(Event):
    """The slate, in order; `total` is how many products of the shop meet the same constraints."""

    type: ClassVar[str] = "products"
    cards: tuple[Card, ...]
    total: int


@dataclass(frozen=True)
class Comparison(Event):
    """A small table: one column per product, one row per field, cells already in the shopper's language."""

    type: ClassVar[str] = "comparison"
    product_ids: tuple[str, ...]
    titles: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Text(Event):
    """The next piece of the reply's words; every sentence in it has passed the grounding check."""

    type: ClassVar[str] = "text"
    delta: str


@dataclass(frozen=True)
class Source:
    """A passage the reply rests on: the page it is from and the words themselves."""

    title: str
    section: str
    quote: str


@dataclass(frozen=True)
class Sources(Event):
    """Where the reply's policy statements come from."""

    type: ClassVar[str] = "sources"
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Choices(Event):
    """Answers the shopper can click; each is sent as if typed."""

    type: ClassVar[str] = "choices"
    choices: tuple[str, ...]


class Status(StrEnum):
    """How a turn ended."""

    COMPLETE = "complete"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class Done(Event):
    """The turn is over and stored. `message` says what went wrong, and what to do, when `status` is failed."""

    type: ClassVar[str] = "done"
    turn: int
    status: Status
    language: str
    message: str = ""
