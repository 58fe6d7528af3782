"""One turn of conversation: `Assistant.reply` shows the whole of it, from top to bottom."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Generator as Stream
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import Self
from weakref import WeakValueDictionary

from assistant.answer import Answers
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
    Topic,
)
from assistant.evidence import Evidence
from assistant.generate import EndpointGenerator, Generator, Limits, TemplateGenerator, TransformersGenerator
from assistant.grounding import Grounder, sentences
from assistant.language import detect
from assistant.lexicon import has_han
from assistant.notation import Notation, languages
from assistant.plan import Answer, Point, PointKind, ReplyPlan, Said
from assistant.policy import Policies
from assistant.privacy import redact
from assistant.recommend import SLATE
from assistant.shelf import Shelf
from assistant.store import Store
from assistant.tagger import Tagger, open_tagger
from assistant.understand import Understander, Understanding
from assistant.wording import word
from retrieval.encoder import open_encoder
from retrieval.errors import MerchantError, OperatorError, ShopperError
from retrieval.models import BUILT_IN
from retrieval.search import Search

# What a sentence must hold to have told a point: all facts of one of the alternatives. A point that is not here has
# no facts that matter, and any sentence tells it.
_TOLD: Mapping[PointKind, tuple[tuple[str, ...], ...]] = {
    PointKind.TOPIC: (("what",),),
    PointKind.FOUND: (("n",), ("count",)),
    PointKind.SUGGEST: (("n",), ("count",)),
    PointKind.BEST: (("name", "price"),),
    PointKind.CHEAPEST: (("name", "price"),),
    PointKind.ALTERNATIVE: (("name", "price"),),
    PointKind.NONE_FIT: (("limit",),),
    PointKind.CLOSEST: (("name", "price", "but"),),
    PointKind.NOT_CARRIED: (("what",),),
    PointKind.NEAR: (("what",),),
    PointKind.INSTEAD: (("kinds",),),
    PointKind.VALUE: (("name", "value"), ("field", "value")),
    PointKind.YES: (("name", "claim", "stock"), ("name", "value", "stock")),
    PointKind.NO: (("name", "claim"), ("claim", "value")),
    PointKind.SAYS: (("quote",),),
    PointKind.UNKNOWN: (("name", "claim"),),
    PointKind.OFFER: (("name", "price", "stock"),),
    PointKind.ABOUT: (("name", "facts"),),
    PointKind.DIFFERENCE: (("name", "difference"),),
    PointKind.POLICY: (("quote",),),
    PointKind.NO_POLICY: (("contact",),),
    PointKind.UNREAD: (("claim",),),
    PointKind.BUY: (("name",),),
    PointKind.CONVERTED: (("given", "price"),),
    PointKind.NO_RATE: (("given",),),
    PointKind.CONTRADICTION: (("first", "second"),),
    PointKind.ASK: (("question",),),
    PointKind.ABILITIES: (("departments",),),
    PointKind.NO_ORDERS: (("contact",),),
    PointKind.PERSON: (("contact",),),
}

_FIRST = ("a gift under 20 dollars", "how do i return something", "送妈妈的礼物", "怎么退货")
_STALE = 30  # days after which currency rates are too old to trust
_log = logging.getLogger(__name__)


class Assistant:
    """The assistant of one shop. Safe to use from several threads; turns of one session are taken one at a time.

    Args:
        settings: the shop's settings.
        search: its products.
        store: its conversations.
        generator: what puts a plan into words; whatever it says is checked before a shopper sees it.
        tagger: marks the words of a message that matter; None to read it by the catalogue's words alone.
    """

    def __init__(
        self, settings: Settings, search: Search, store: Store, generator: Generator, tagger: Tagger | None = None
    ) -> None:
        self.settings = settings
        self.store = store
        self.shelf = Shelf(search)
        self._generator = generator
        self._templates = isinstance(generator, TemplateGenerator)
        known = {product.id: (product.title, self.shelf.name(product.id)) for product in search.catalog}
        self._grounder = Grounder(search.facets, search.glossary, known)
        self.understand = Understander(
            self.shelf.vocabulary,
            search.encoder,
            self.shelf.product,
            search.facets.currency,
            dict(settings.rates),
            tagger,
            self.shelf.meant,
            self.shelf.same_kind,
            self.shelf.asked,
        )
        policies = Policies(settings.shop / "policies", search.encoder, self.understand.examples.shopping)
        self._answers = Answers(self.shelf, policies, settings)
        self._notations = {code: Notation(code, search.facets, search.glossary) for code in languages()}
        # A lock lives as long as a turn holds it, so that sessions that have gone leave nothing behind.
        self._turns: WeakValueDictionary[str, _Lock] = WeakValueDictionary()
        self._opening = threading.Lock()

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """The assistant of the shop in `settings.shop`.

        Raises:
            OperatorError: no catalogue, an index that does not match, a model that cannot be loaded.
            MerchantError: a broken glossary or policy page.
        """
        age = (date.today() - settings.rates_as_of).days if settings.rates_as_of else 0
        if age > _STALE:
            _log.warning("the currency rates in shop.toml are %d days old; set rates.as_of when you renew them", age)
        search = Search.open(settings.shop, open_encoder(settings.encoder))
        if settings.currency and search.facets.currency and settings.currency != search.facets.currency:
            raise MerchantError(
                f"shop.toml says the currency is {settings.currency}, and the catalogue's prices are in "
                f"{search.facets.currency}; set currency = {search.facets.currency!r}, or import a feed in "
                f"{settings.currency}"
            )
        assistant = cls(
            settings, search, Store(settings.database_url, settings.contact), _generator(settings), open_tagger()
        )
        for text in _FIRST:  # what is loaded at first use is loaded before the first shopper waits for it
            assistant._answers(
                assistant.understand(text, DialogueState()), DialogueState(), assistant._notation(detect(text))
            )
        return assistant

    @property
    def speaker(self) -> str:
        """What words the replies: the generator's name."""
        return self._generator.name

    def probe(self) -> None:
        """See that what words the replies is up, before much is asked of it.

        Raises:
            OperatorError: it is not.
        """
        plan = ReplyPlan("en", (Point(PointKind.THANKS),))
        with closing(self._generator.stream(plan, threading.Event())) as stream:
            next(stream, None)

    def reply(self, session_id: str, text: str) -> Stream[Event, None, None]:
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
        with self._opening:
            lock = self._turns.setdefault(session_id, _Lock())
        with lock:
            state = self._known(DialogueState.replay(self.store.replay(session_id)))
            turn = state.turn + 1
            try:
                requests, state = self._answered(text, state)
            except Exception:  # the message is kept, whatever came of it
                language = detect(text, state.language)
                failed = Message(redact(text), language, state.formal), Done(turn, Status.FAILED, language)
                self.store.append(session_id, turn, [event.to_json() for event in failed])
                raise
            language, formal = requests[-1][0].language, requests[-1][0].formal
            self.store.append(session_id, turn, [Message(redact(text), language, formal).to_json()])
            events: list[Event] = []
            status = Status.STOPPED
            try:
                for event in self._events(requests, seed=_seed(session_id) + turn):
                    events.append(event)
                    if not isinstance(event, Sought | Focused):
                        yield event
                status = Status.COMPLETE
            except Exception:  # what failed is stored as failed, and told to whoever asked
                status = Status.FAILED
                raise
            finally:
                done = Done(turn, status, language)
                self.store.append(session_id, turn, [event.to_json() for event in _joined([*events, done])])
            yield done

    def retry(self, session_id: str) -> Stream[Event, None, None]:
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

    def _known(self, state: DialogueState) -> DialogueState:
        """The state without products, fields and values that the catalogue no longer has."""
        has, shelf = self.shelf.has, self.shelf

        def current(topic: Topic) -> Topic:
            constraints = tuple(each for each in topic.constraints if shelf.understands(each.condition))
            scope = topic.scope if topic.scope and shelf.understands(topic.scope) else None
            return replace(topic, constraints=constraints, scope=scope, shown=tuple(filter(has, topic.shown)))

        return replace(
            state,
            topics=tuple(map(current, state.topics)),
            slate=tuple(filter(has, state.slate)),
            focus=tuple(filter(has, state.focus)),
        )

    def _answered(self, text: str, state: DialogueState) -> tuple[list[Request], DialogueState]:
        """Each request of a message with its answer and the state it met, and the dialogue's state after them."""
        requests: list[Request] = []
        parts = self.understand.parts(text, state)
        for part in parts:
            understanding = self.understand(part, state)
            answer = self._answers(understanding, state, self._notation(understanding.language), SLATE // len(parts))
            if requests and answer.points == requests[-1][1].points and not answer.cards:
                continue  # said once is enough
            requests.append((understanding, answer, state))
            state = state.after(*_changes(answer))
        return requests, state

    def _events(self, requests: list[Request], seed: int) -> Iterator[Event]:
        """The events of a turn: first what is shown, then the words about it."""
        for _, answer, _ in requests:
            if answer.topic:
                yield Sought(*answer.topic)
        cards = tuple(card for _, answer, _ in requests for card in answer.cards)
        if cards:
            yield Products(cards, sum(answer.total for _, answer, _ in requests))
        for _, answer, _ in requests:
            if answer.comparison:
                yield answer.comparison
        for _, answer, _ in requests:
            if answer.focus:
                yield answer.focus
        for place, (understanding, answer, before) in enumerate(requests):
            language = self._notation(understanding.language).language
            points = answer.points if place == len(requests) - 1 else _without_question(answer.points)
            if len(requests) > 1 and answer.topic and answer.topic[1].item:
                points = (Point(PointKind.TOPIC, {"what": answer.topic[1].item}), *map(_untitled, points))
            plan = ReplyPlan(language, points, answer.choices, understanding.formal, seed)
            yield from map(Text, self._words(plan, understanding, answer, before))
            yield Said(points)
            if place < len(requests) - 1:
                yield Text("\n")
        sources = tuple(source for _, answer, _ in requests for source in answer.sources)
        if sources:
            yield Sources(sources)
        if requests[-1][1].choices:
            yield Choices(requests[-1][1].choices)

    def _words(
        self, plan: ReplyPlan, understanding: Understanding, answer: Answer, state: DialogueState
    ) -> Iterator[str]:
        """The reply in sentences, each checked; what the generator gets wrong or leaves out, the template says."""
        if self._templates:
            yield from word(plan)
            return
        evidence = self._evidence(answer, understanding, state)
        check = self._grounder.begin(evidence, plan.language, state.focus)
        left = list(plan.points)
        try:
            with closing(self._generator.stream(plan, threading.Event())) as stream:
                for sentence in sentences(stream):
                    told = [point for point in left if _tells(sentence, point)]
                    if not told or has_han(sentence) != (plan.language == "zh") or not check.check(sentence).grounded:
                        break
                    left = [point for point in left if point not in told]
                    yield sentence
        except OperatorError as error:
            _log.error("the reply model failed, the template speaks: %s", error)
        if left:
            yield from word(replace(plan, points=tuple(left)))

    def _notation(self, language: str) -> Notation:
        """How facts are written in `language`; in English where it has no words for them."""
        return self._notations.get(language) or self._notations["en"]

    def _evidence(self, answer: Answer, understanding: Understanding, state: DialogueState) -> Evidence:
        ids = [*answer.product_ids, *(answer.found.fitting if answer.found else ()), *state.slate, *state.focus]
        rendered = {fact for point in answer.points if not point.product_ids for fact in point.facts.values()}
        rendered |= {self.settings.name, self.settings.contact, *answer.choices}
        topic = answer.topic[1] if answer.topic else state.topic
        return Evidence(
            products={each: self.shelf.product(each) for each in dict.fromkeys(ids) if self.shelf.has(each)},
            slate=tuple(card.product_id for card in answer.cards),
            fitting=answer.found.fitting if answer.found else (),
            variants=answer.found.variants if answer.found else {},
            conditions=tuple(each.condition for each in topic.constraints) if topic else (),
            shopper_text=understanding.text,
            passages=answer.sources,
            facts={"": frozenset(rendered)},
            best=answer.product_ids[0] if answer.product_ids else "",
        )


Request = tuple[Understanding, Answer, DialogueState]


class _Lock:
    """A lock that a weak dictionary can hold."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _changes(answer: Answer) -> list[Event]:
    """What an answer changes in the dialogue's state."""
    changes: list[Event] = [Sought(*answer.topic)] if answer.topic else []
    return changes + ([answer.focus] if answer.focus else [])


def _untitled(point: Point) -> Point:
    """The point without the thing it is about, which was just said."""
    return replace(point, facts={name: fact for name, fact in point.facts.items() if name not in ("what", "limits")})


def _without_question(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """A reply asks one question at most, at its end."""
    return tuple(point for point in points if point.kind is not PointKind.ASK)


def _tells(sentence: str, point: Point) -> bool:
    """True where the facts of the point that are data, and not mere phrasing, stand in the sentence."""
    said = sentence.casefold()
    ways = _TOLD.get(point.kind)
    if ways is None or not any(point.facts.get(name) for way in ways for name in way):
        return True
    return any(
        any(name in point.facts for name in way)
        and all(point.facts[name].casefold() in said for name in way if point.facts.get(name))
        for way in ways
    )


def _joined(events: list[Event]) -> list[Event]:
    """The events with neighbouring texts made one, as they are stored."""
    joined: list[Event] = []
    for event in events:
        if isinstance(event, Text) and joined and isinstance(joined[-1], Text):
            joined[-1] = Text(joined[-1].delta + event.delta)
        else:
            joined.append(event)
    return joined


def _seed(session_id: str) -> int:
    """A number that varies the wording from shopper to shopper."""
    return int.from_bytes(hashlib.sha256(session_id.encode()).digest()[:4], "big")


def _generator(settings: Settings) -> Generator:
    """The generator that the settings name.

    A built-in model is made to be tuned: without an adapter it misstates most plans (5 replies of 40 were right), so
    until it has one the template speaks, and whoever serves the assistant is told.
    """
    limits = Limits(whole=settings.reply_seconds)
    if settings.generator == "openai":
        return EndpointGenerator(settings.llm_url, settings.llm_model, settings.llm_key, limits=limits)
    if settings.generator == "transformers" and (settings.adapter or settings.model not in BUILT_IN):
        return TransformersGenerator(settings.model, settings.adapter, examples=not settings.adapter, limits=limits)
    if settings.generator == "transformers":
        _log.info("%s is not tuned yet, so templates word the replies; set adapter to tune it in", settings.model)
    return TemplateGenerator()
