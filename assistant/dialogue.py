"""What happens in a conversation: the events a reply is made of.

The same events are streamed to every surface (chat page, command line, widget, evaluation) and stored; the state
of a dialogue is a replay of them. Nothing is ever parsed back out of prose.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Self

from retrieval.catalog import Availability, Money, Rating
from retrieval.filters import Condition, Filters


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


@dataclass(frozen=True)
class Message(Event):
    """What the shopper wrote, redacted; `language` is the dialogue's language from here on."""

    type: ClassVar[str] = "message"
    text: str
    language: str
    formal: bool = True


@dataclass(frozen=True)
class Recipient:
    """Whom a product is for.

    `gender` is "men", "women", "boys", "girls" or ""; `stage` is "adult", "child", "baby" or "".
    """

    gender: str = ""
    stage: str = ""
    years: int | None = None


@dataclass(frozen=True)
class Constraint:
    """A limit the shopper set, and the words it was set in; `relative` where it was set against a product."""

    condition: Condition
    words: str
    relative: bool = False


@dataclass(frozen=True)
class Order:
    """An order asked for: by price, rating or a numeric field."""

    field: str
    ascending: bool


@dataclass(frozen=True)
class Topic:
    """One thing the shopper is looking for, as it stands after the last turn about it.

    Attributes:
        item: the shopper's word for the thing, "" where none was given.
        scope: what that word means in the catalogue; None where no catalogue word names it.
        text: the descriptive words that rank the results.
        unwanted: words that no product shown may have in its data, where no field of the catalogue knows them.
        reduced: True where only what is sold below its list price will do.
        shown: ids of the products shown for it so far, in order.
    """

    item: str = ""
    scope: Condition | None = None
    text: str = ""
    constraints: tuple[Constraint, ...] = ()
    recipient: Recipient | None = None
    order: Order | None = None
    reduced: bool = False
    unwanted: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()

    def filters(self) -> Filters:
        """The hard limits of the search, whom it is for excepted."""
        scope = (self.scope,) if self.scope else ()
        return Filters((*scope, *(constraint.condition for constraint in self.constraints)))


@dataclass(frozen=True)
class Sought(Event):
    """The topic after a turn that searched; `index` is its place among the dialogue's topics."""

    type: ClassVar[str] = "sought"
    index: int
    topic: Topic

    def to_json(self) -> dict[str, Any]:
        """The event as JSON values; sets of values are written as sorted lists."""
        return _plain(super().to_json())


@dataclass(frozen=True)
class Focused(Event):
    """The products that "it" and "them" mean from here on, and what was asked about them.

    `claims` are (field, values asked for, words), as in "is it waterproof?"; `single` is False where the product is
    the first of several shown.
    """

    type: ClassVar[str] = "focused"
    product_ids: tuple[str, ...]
    asked: tuple[str, ...] = ()
    claims: tuple[tuple[str, frozenset[str], str], ...] = ()
    single: bool = True

    def to_json(self) -> dict[str, Any]:
        """The event as JSON values; sets of values are written as sorted lists."""
        return _plain(super().to_json())


@dataclass(frozen=True)
class DialogueState:
    """What is known when a message arrives; `replay` makes it from the stored events.

    Attributes:
        turn: number of the turns so far.
        current: index of the topic talked about, -1 where there is none.
        slate: ids of the cards shown last, in order.
        single: True where the last reply was about one product and not about a slate.
        asked, claims: what was asked about the products in focus.
    """

    turn: int = 0
    language: str | None = None
    formal: bool = True
    topics: tuple[Topic, ...] = ()
    current: int = -1
    slate: tuple[str, ...] = ()
    focus: tuple[str, ...] = ()
    single: bool = False
    asked: tuple[str, ...] = ()
    claims: tuple[tuple[str, frozenset[str], str], ...] = ()

    @property
    def topic(self) -> Topic | None:
        """The topic talked about, or None."""
        return self.topics[self.current] if self.current >= 0 else None

    @classmethod
    def replay(cls, events: Iterable[tuple[int, Mapping[str, Any]]]) -> Self:
        """The state after `events`, each with the number of its turn."""
        state = cls()
        for turn, event in events:
            state = dataclasses.replace(state._after(event), turn=turn)
        return state

    def after(self, *events: Event) -> Self:
        """The state after more events of the same turn."""
        state = self
        for event in events:
            state = state._after(event.to_json())
        return state

    def _after(self, event: Mapping[str, Any]) -> Self:
        match event["type"]:
            case Message.type:
                return dataclasses.replace(self, language=event["language"], formal=event["formal"])
            case Sought.type:
                topics = list(self.topics)
                topics[event["index"] : event["index"] + 1] = [_topic(event["topic"])]
                return dataclasses.replace(self, topics=tuple(topics), current=event["index"])
            case Products.type:
                shown = tuple(card["product_id"] for card in event["cards"])
                return dataclasses.replace(self, slate=shown, focus=shown[:1], single=len(shown) == 1)
            case Focused.type:
                ids = tuple(event["product_ids"])
                claims = tuple((field, frozenset(values), words) for field, values, words in event["claims"])
                asked = tuple(event["asked"])
                return dataclasses.replace(self, focus=ids, single=event["single"], asked=asked, claims=claims)
            case _:
                return self


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """The record with its sets as sorted lists."""
    plain: dict[str, Any] = json.loads(json.dumps(record, default=sorted))
    return plain


def _topic(record: Mapping[str, Any]) -> Topic:
    return Topic(
        item=record["item"],
        scope=_condition(record["scope"]) if record["scope"] else None,
        text=record["text"],
        constraints=tuple(
            Constraint(_condition(each["condition"]), each["words"], each["relative"]) for each in record["constraints"]
        ),
        recipient=Recipient(**record["recipient"]) if record["recipient"] else None,
        order=Order(**record["order"]) if record["order"] else None,
        reduced=record["reduced"],
        unwanted=tuple(record["unwanted"]),
        shown=tuple(record["shown"]),
    )


def _condition(record: Mapping[str, Any]) -> Condition:
    return Condition(
        record["field"],
        any_of=frozenset(record["any_of"]),
        none_of=frozenset(record["none_of"]),
        minimum=record["minimum"],
        maximum=record["maximum"],
    )
