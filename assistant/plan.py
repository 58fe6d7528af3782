"""What a reply will say, decided by code from the evidence; a `Generator` only puts it into words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from assistant.dialogue import Card, Comparison, Event, Focused, Source, Topic
from assistant.shelf import Found


class PointKind(StrEnum):
    """One thing a reply can say, with the facts it needs."""

    TOPIC = "topic"  # what: which of several requests the next points answer
    FOUND = "found"  # n, what: how many products of the shop fit
    SUGGEST = "suggest"  # n, what: an open request; these could suit, no claim to be all
    BEST = "best"  # name, price, reason: the one that fits best and why
    CHEAPEST = "cheapest"  # name, price: the cheapest of those that fit
    ALTERNATIVE = "alternative"  # name, price, difference: another, and what sets it apart
    NONE_FIT = "none_fit"  # what, limit: carried, but nothing meets the constraint named
    CLOSEST = "closest"  # name, price, but: the nearest that fails only what `but` says
    NOT_CARRIED = "not_carried"  # what: the shop has no such thing
    NEAR = "near"  # what: nothing goes by that name, but something may be it
    INSTEAD = "instead"  # kinds: what it does carry that is near
    NO_MORE = "no_more"  # what: nothing beyond what was shown
    VALUE = "value"  # name, field, value: the answer to a question about a product
    YES = "yes"  # name, claim: the product has it
    NO = "no"  # name, claim, value: the product does not; value says what it has
    SAYS = "says"  # name, quote: the sentence of the description that speaks of it
    UNKNOWN = "unknown"  # name, claim: the data does not say
    OFFER = "offer"  # name, price, stock: price and stock of one product
    ABOUT = "about"  # name, facts: what one product is
    DIFFERENCE = "difference"  # name, other, difference: how two compare
    POLICY = "policy"  # quote, title: the shop's own words
    NO_POLICY = "no_policy"  # the pages do not say
    UNREAD = "unread"  # claim: words of the request that nothing in the catalogue answers to, so they do not count
    BUY = "buy"  # name, price: nothing can be ordered in the chat
    CONVERTED = "converted"  # given, price: an amount turned into the shop's currency
    NO_RATE = "no_rate"  # given, currency: an amount that cannot be turned
    CONTRADICTION = "contradiction"  # first, second: constraints that exclude each other
    NO_REFERENCE = "no_reference"  # a reference that fits none
    ASK = "ask"  # question: one question, whose answer changes what is shown
    GREETING = "greeting"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    ABILITIES = "abilities"  # departments: what the assistant can do here
    OFF_TOPIC = "off_topic"
    NO_POWER = "no_power"  # asked to change prices, rules or itself
    NO_ORDERS = "no_orders"  # contact: orders cannot be read here
    PERSON = "person"  # contact: how to reach a person
    NOTHING_SAID = "nothing_said"  # no words in the message


@dataclass(frozen=True)
class Point:
    """One point of a reply. `facts` are already in the shopper's language and notation: {"price": "$64.00"}."""

    kind: PointKind
    facts: Mapping[str, str] = field(default_factory=dict)
    product_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReplyPlan:
    """The points of one reply, in order.

    `formal` chooses the register where a language has two (您 and 你); `seed` varies the wording from turn to turn.
    """

    language: str
    points: tuple[Point, ...]
    choices: tuple[str, ...] = ()
    formal: bool = True
    seed: int = 0


@dataclass(frozen=True)
class Said(Event):
    """What the words of a reply say, point by point, so that nobody has to parse it back out of them."""

    type: ClassVar[str] = "said"
    points: tuple[Point, ...]


def facts_of(**facts: str) -> dict[str, str]:
    """The facts that there are: those that are not empty."""
    return {name: fact for name, fact in facts.items() if fact}


@dataclass(frozen=True)
class Answer:
    """What a message is answered with, before it is put into words.

    Attributes:
        points: what to say, in order.
        found: what the shelf held, for the grounding of counts and superlatives.
        topic: the topic after this turn and its place, where the message searched.
        focus: what "it" means from here on; None leaves that as it was.
    """

    points: tuple[Point, ...]
    cards: tuple[Card, ...] = ()
    total: int = 0
    found: Found | None = None
    comparison: Comparison | None = None
    sources: tuple[Source, ...] = ()
    choices: tuple[str, ...] = ()
    topic: tuple[int, Topic] | None = None
    focus: Focused | None = None
    product_ids: tuple[str, ...] = ()
