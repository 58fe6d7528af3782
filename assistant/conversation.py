"""One turn of conversation: `Assistant.reply` shows the whole of it, from top to bottom."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Self

from assistant.answer import Answer, Answers
from assistant.config import Settings
from assistant.dialogue import (
    Choices,
    DialogueState,
    Done,
    Event,
    Focused,
    Message,
    Products,
    Sought,
    Sources,
    Status,
    Text,
)
from assistant.evidence import Evidence
from assistant.generate import Generator, Template, open_generator
from assistant.grounding import Grounder, sentences
from assistant.lexicon import has_han
from assistant.plan import Point, ReplyPlan
from assistant.policy import Policies
from assistant.privacy import redact
from assistant.shelf import Shelf
from assistant.store import Store
from assistant.understand import Understander, Understanding
from assistant.notation import Notation, languages
from retrieval.encoder import open_encoder
from retrieval.errors import OperatorError, ShopperError
from retrieval.search import Search

_log = logging.getLogger(__name__)


class Assistant:
    """The assistant of one shop. Safe to use from several threads; turns of one session are taken one at a time.

    Args:
        settings: the shop's settings.
        search: its products.
        store: its conversations.
        generator: what puts a plan into words; whatever it says is checked before a shopper sees it.
    """

    def __init__(self, settings: Settings, search: Search, store: Store, generator: Generator) -> None:
        self.settings = settings
        self.store = store
        self.shelf = Shelf(search)
        self._generator = generator
        self._template = Template()
        self._grounder = Grounder(search.facets, search.glossary, [p.title for p in search.catalog])
        self._understand = Understander(
            self.shelf.vocabulary, search.encoder, self.shelf.product, search.facets.currency, dict(settings.rates)
        )
        self._answers = Answers(self.shelf, Policies(settings.shop / "policies", search.encoder), settings)
        self._notations = {code: Notation(code, search.facets, search.glossary) for code in languages()}
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """The assistant of the shop in `settings.shop`.

        Raises:
            OperatorError: no catalogue, an index that does not match, a model that cannot be loaded.
            MerchantError: a broken glossary or policy page.
        """
        search = Search.open(settings.shop, open_encoder(settings.encoder))
        return cls(settings, search, Store(settings.database_url, settings.contact), open_generator(settings))

    def reply(self, session_id: str, text: str) -> Iterator[Event]:
        """Answer a message: the events of the turn, as they come about.

        Closing the iterator stops the turn; what was said until then is kept.

        Raises:
            ShopperError: the message is too long.
            OperatorError: the conversation cannot be read or stored.
        """
        if len(text) > self.settings.max_message:
            raise ShopperError(
                f"That message has {len(text):,} characters; please keep it under {self.settings.max_message:,}."
            )
        with self._turns[session_id]:
            state = DialogueState.replay(self.store.replay(session_id))
            turn = state.turn + 1
            understanding = self._understand(text, state)
            said = Message(redact(text), understanding.language, understanding.formal)
            self.store.append(session_id, turn, [said.to_json()])
            events: list[Event] = []
            status = Status.STOPPED
            try:
                for event in self._turn(understanding, state, session_id, turn):
                    events.append(event)
                    if not isinstance(event, Sought | Focused):
                        yield event
                status = Status.COMPLETE
            finally:
                done = Done(turn, status, understanding.language)
                self.store.append(session_id, turn, [event.to_json() for event in _joined([*events, done])])
            yield done

    def retry(self, session_id: str) -> Iterator[Event]:
        """Answer the last message again; the turn it had is dropped from the dialogue.

        Raises:
            ShopperError: there is no message to answer.
        """
        events = self.store.replay(session_id)
        last = next((event for _, event in reversed(events) if event["type"] == Message.type), None)
        if last is None:
            raise ShopperError("There is no message to answer again; please write one.")
        self.store.drop_turn(session_id)
        yield from self.reply(session_id, last["text"])

    def _turn(self, understanding: Understanding, state: DialogueState, session_id: str, turn: int) -> Iterator[Event]:
        notation = self._notations.get(understanding.language) or self._notations["en"]
        answer = self._answers(understanding, state, notation)
        if answer.topic:
            yield Sought(*answer.topic)
        if answer.cards:
            yield Products(answer.cards, answer.total)
        if answer.comparison:
            yield answer.comparison
        if answer.focus is not None:
            yield Focused(answer.focus)
        plan = ReplyPlan(
            language=notation.language,
            points=answer.points,
            choices=answer.choices,
            formal=understanding.formal,
            seed=_seed(session_id, turn),
        )
        for sentence in self._words(plan, self._evidence(answer, understanding, state)):
            yield Text(sentence)
        if answer.sources:
            yield Sources(answer.sources)
        if answer.choices:
            yield Choices(answer.choices)

    def _words(self, plan: ReplyPlan, evidence: Evidence) -> Iterator[str]:
        """The reply in sentences, each checked; what the generator gets wrong or leaves out, the template says."""
        check = self._grounder.begin(evidence, plan.language)
        left = list(plan.points)
        stop = threading.Event()
        try:
            with closing(sentences(self._generator.stream(plan, stop))) as spoken:
                for sentence in spoken:
                    told = _told(sentence, left)
                    if not told or has_han(sentence) != (plan.language == "zh") or not check(sentence).grounded:
                        break
                    left = [point for point in left if point not in told]
                    yield sentence
        except OperatorError as error:
            _log.error("the reply model failed, the template speaks: %s", error)
        finally:
            stop.set()
        if left:
            yield from self._template.sentences(plan, left)

    def _evidence(self, answer: Answer, understanding: Understanding, state: DialogueState) -> Evidence:
        ids = [*answer.product_ids, *(answer.found.fitting if answer.found else ()), *state.slate, *state.focus]
        facts: dict[str, set[str]] = defaultdict(set)
        for point in answer.points:
            for owner in point.product_ids or ("",):
                facts[owner].update(point.facts.values())
        facts[""] |= {self.settings.name, self.settings.contact, *answer.choices}
        topic = answer.topic[1] if answer.topic else state.topic
        return Evidence(
            products={each: self.shelf.product(each) for each in dict.fromkeys(ids) if self.shelf.has(each)},
            slate=tuple(card.product_id for card in answer.cards),
            fitting=answer.found.fitting if answer.found else (),
            variants=answer.found.variants if answer.found else {},
            conditions=tuple(each.condition for each in topic.constraints) if topic else (),
            shopper_text=understanding.text,
            passages=answer.sources,
            facts={owner: frozenset(said) for owner, said in facts.items()},
            best=answer.product_ids[0] if answer.product_ids else "",
        )


def _told(sentence: str, points: list[Point]) -> list[Point]:
    """The points that a sentence tells: those whose every short fact stands in it."""
    lowered = sentence.casefold()
    return [
        point
        for point in points
        if all(fact.casefold() in lowered for key, fact in point.facts.items() if key in ("name", "price", "value", "n"))
    ]


def _joined(events: list[Event]) -> list[Event]:
    """The events with neighbouring texts made one, as they are stored."""
    joined: list[Event] = []
    for event in events:
        if isinstance(event, Text) and joined and isinstance(joined[-1], Text):
            joined[-1] = Text(joined[-1].delta + event.delta)
        else:
            joined.append(event)
    return joined


def _seed(session_id: str, turn: int) -> int:
    """A number that varies the wording from turn to turn and from shopper to shopper."""
    digest = hashlib.sha256(f"{session_id} {turn}".encode()).digest()
    return int.from_bytes(digest[:4], "big")
