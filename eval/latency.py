"""How long does a shopper wait, alone and with others?

Each level of load is a closed loop: so many shoppers at once, each with a session of their own, who send the next
message when the last is answered. What a process loads at first use is loaded before; yet every level begins with an
assistant just opened, so that no vector is remembered from the level before. A turn counts only where its reply is
real; one that is not is a failure.

The product carries no instruments. Where a turn's time goes is seen by timing its public methods while the suite runs.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from inspect import isfunction
from typing import Any, Self

from assistant.conversation import Assistant
from assistant.generate import EndpointGenerator, Generator, Stream, TransformersGenerator
from assistant.grounding import Grounder, ReplyCheck
from assistant.plan import ReplyPlan
from assistant.store import Store
from assistant.understand import Understander
from assistant.wording import Phrases
from eval.figures import Figure
from eval.suite import Curves, Failure, Findings, World
from eval.talk import Reply, Talk, lines
from eval.turns import Conversation, conversations, made
from retrieval.search import Query, Search

_SHOPPERS, _FEW = (1, 4, 16), (1, 4)
_TALKS, _SOME = 48, 8  # a multiple of the shoppers, so that all of them are busy until about the end
_SECONDS = 60.0  # a level that takes longer, as with a slow model, ends early
_WARMING = 20.0  # and so does warming up
_WARM = 999  # place of the conversation that warms up, which is nobody else's
_SLOWEST = 5
_WAITS = {"products": "first products", "text": "first text", "done": "whole turn"}  # type of event -> its name
_REST = "deciding"


@dataclass(frozen=True)
class Turn:
    """One message and what came of it.

    Attributes:
        id: conversation and place in it.
        reply: None where there was an error instead.
        hops: milliseconds by hop.
        plans: what the reply model was given.
        before: the replies before it.
    """

    id: str
    message: str
    reply: Reply | None
    error: str
    hops: Mapping[str, float]
    plans: tuple[ReplyPlan, ...]
    before: tuple[Reply, ...]

    @property
    def real(self) -> bool:
        """Whether it may be counted."""
        return self.reply is not None and self.reply.real

    @property
    def transcript(self) -> tuple[tuple[str, str], ...]:
        """The conversation up to this turn."""
        said = [line for reply in self.before for line in lines(reply)]
        told = lines(self.reply) if self.reply else (("shopper", self.message), ("error", self.error))
        return (*said, *told)


@dataclass(frozen=True)
class Level:
    """The turns at one level of load.

    Attributes:
        asked: how many turns were meant to be had.
        seconds: from the first message to the last reply.
        busy: processor time of all threads, in seconds a second.
        alone: turn -> milliseconds to the first and to the last word of the reply model, with nothing around it.
    """

    shoppers: int
    turns: tuple[Turn, ...]
    asked: int
    seconds: float
    busy: float
    alone: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The figures' group."""
        return f"{self.shoppers} shopper{'s' if self.shoppers > 1 else ''}"

    @property
    def real(self) -> list[tuple[str, Reply]]:
        """The turns that count: id and reply."""
        return [(turn.id, turn.reply) for turn in self.turns if turn.reply is not None and turn.reply.real]


def run(world: World) -> Findings:
    """Measure; see the module."""
    load = os.getloadavg()[0]
    talks = conversations(world, _SOME if world.small else _TALKS)
    searched = _search_alone(world, talks)
    cold = _first_use(world, talks)
    levels = [_level(world, talks, shoppers) for shoppers in (_FEW if world.small else _SHOPPERS)]
    return Findings(
        figures=(*_figures(levels), *_beside(levels[0], searched)),
        failures=(*_unreal(levels), *_slow(levels)),
        plots=tuple(_curves(levels)),
        notes=(*_machine(load), cold, *map(_account, levels), *_remarks(world, levels)),
    )


def _level(world: World, talks: Sequence[Conversation], shoppers: int) -> Level:
    """Have the conversations with so many shoppers at once."""
    name = f"latency-{shoppers}.sqlite"
    assistant = Assistant.open(replace(world.settings, database_url=f"sqlite:///{world.folder / name}"))
    with closing(assistant.store), Instruments(assistant) as instruments:
        _talk(assistant, made(world, _WARM), "warm", instruments, time.perf_counter() + _WARMING)
        start, used = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(shoppers) as pool:
            had = pool.map(
                lambda place: _talk(assistant, talks[place], f"shopper-{place}", instruments, start + _SECONDS),
                range(len(talks)),
            )
            turns = [turn for each in world.progress(had, f"{shoppers} at once", len(talks)) for turn in each]
        seconds, used = time.perf_counter() - start, time.process_time() - used
        alone = _model_alone(world, turns, instruments.generators) if shoppers == 1 else {}
    return Level(shoppers, tuple(turns), sum(len(each.messages) for each in talks), seconds, used / seconds, alone)


def _talk(assistant: Assistant, said: Conversation, session: str, instruments: Instruments, until: float) -> list[Turn]:
    """One conversation, as far as it comes until then."""
    talk, turns = Talk(assistant, session), []
    for place, message in enumerate(said.messages, 1):
        if time.perf_counter() > until:
            break
        before, reply, error = tuple(talk.replies), None, ""
        with instruments.turn() as seen:
            try:
                reply = talk.say(message)
            except Exception as problem:  # whatever it is, a shopper would have waited for nothing
                error = f"{type(problem).__name__}: {problem}"
        turns.append(Turn(f"{said.id}-{place:02}", message, reply, error, seen.spent, tuple(seen.plans), before))
    return turns


class Seen(threading.local):
    """What one thread sees of its turn: milliseconds by hop, the plans that a model was given, the hops it is in."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self.plans: list[ReplyPlan] = []
        self.inside: list[str] = []
        self.since = 0.0

    def charge(self) -> None:
        """Put the time since the last charge on the hop it is in."""
        now = time.perf_counter()
        self.spent[self.inside[-1]] += (now - self.since) * 1000
        self.since = now


class Instruments:
    """Times the public methods of the product while it is open, and puts them back.

    A method's time is its own: what it spends in a method of another hop counts there, and what is in none is deciding.
    """

    def __init__(self, assistant: Assistant) -> None:
        self.generators: list[Generator] = []
        self._hops: Mapping[str, Sequence[tuple[type, Sequence[str]]]] = {
            "understanding": [(Understander, ("__call__", "parts"))],
            "encoding": [(type(assistant.shelf.search.encoder), ("queries",))],
            "search": [(Search, _public(Search))],
            "wording": [(Phrases, ("say",)), (Stream, ("__next__",))],
            "checking": [(Grounder, ("begin",)), (ReplyCheck, ("check",))],
            "storing": [(Store, _public(Store))],
        }
        self._seen = Seen()
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        for hop, owners in self._hops.items():
            for owner, names in owners:
                for name in names:
                    self._exits.enter_context(_replaced(owner, name, partial(self._timed, hop)))
        for kind in (TransformersGenerator, EndpointGenerator):
            self._exits.enter_context(_replaced(kind, "stream", self._noted))
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()
        for generator in self.generators:
            generator.close()

    @contextmanager
    def turn(self) -> Iterator[Seen]:
        """A turn in this thread; what was seen of it is whole afterwards."""
        seen = self._seen
        seen.spent, seen.plans = dict.fromkeys((*self._hops, _REST), 0.0), []
        seen.inside, seen.since = [_REST], time.perf_counter()
        yield seen
        seen.charge()
        seen.inside = []

    def _timed(self, hop: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def timed(*arguments: Any, **named: Any) -> Any:
            seen = self._seen
            if not seen.inside:  # this thread has no turn
                return method(*arguments, **named)
            seen.charge()
            seen.inside.append(hop)
            try:
                return method(*arguments, **named)
            finally:
                seen.charge()
                seen.inside.pop()

        return timed

    def _noted(self, stream: Callable[..., Stream]) -> Callable[..., Stream]:
        @wraps(stream)
        def noted(generator: Generator, plan: ReplyPlan, stop: threading.Event) -> Stream:
            if generator not in self.generators:
                self.generators.append(generator)
            self._seen.plans.append(plan)
            return stream(generator, plan, stop)

        return noted


@contextmanager
def _replaced(owner: type, name: str, make: Callable[[Any], Any]) -> Iterator[None]:
    """While this is open, `owner` has in place of its method what `make` makes of it."""
    method = vars(owner)[name]
    setattr(owner, name, make(method))
    try:
        yield
    finally:
        setattr(owner, name, method)


def _public(owner: type) -> list[str]:
    return [name for name, each in vars(owner).items() if isfunction(each) and not name.startswith("_")]


def _search_alone(world: World, talks: Sequence[Conversation]) -> dict[str, float]:
    """Milliseconds to encode each message and search for it, with nothing around it: by turn."""
    search, took = world.search, {}
    search.search(Query(" ".join(made(world, _WARM).messages)))
    for said in talks:
        for place, message in enumerate(said.messages, 1):
            start = time.perf_counter()
            search.search(Query(message))
            took[f"{said.id}-{place:02}"] = (time.perf_counter() - start) * 1000
    return took


def _first_use(world: World, talks: Sequence[Conversation]) -> str:
    """Have some of the conversations once, so that all that is loaded at first use is loaded; says how long it took."""
    slowest, said, until = 0.0, "", time.perf_counter() + _WARMING
    for place, each in enumerate(talks[:_SOME]):
        talk = Talk(world.assistant, f"first-{place}")
        for message in each.messages:
            if time.perf_counter() > until:
                break
            with suppress(Exception):  # what fails here fails below as well, and is counted there
                slowest, said = max((slowest, said), (talk.say(message).times["done"], message))
    return (
        f"what a process loads at first use was loaded before, and is in no figure: the slowest of those turns took "
        f"{slowest:.0f} ms ({said})"
    )


def _model_alone(
    world: World, turns: Iterable[Turn], generators: Sequence[Generator]
) -> dict[str, tuple[float, float]]:
    """Milliseconds to the first piece and to the last of what the model says to the plans of each turn, unchecked."""
    took: dict[str, tuple[float, float]] = {}
    planned = [turn for turn in turns if turn.real and turn.plans]
    until = time.perf_counter() + _SECONDS
    for turn in world.progress(planned, "the model alone"):
        if time.perf_counter() > until:
            break
        generations = []
        for plan in turn.plans:
            stream = generators[0].stream(plan, threading.Event())
            for _ in stream:
                pass
            generations.append(stream.generation)
        first = generations[0].first
        if first is not None:
            took[turn.id] = first * 1000, sum(each.seconds for each in generations) * 1000
    return took


def _figures(levels: Sequence[Level]) -> Iterator[Figure]:
    for level in filter(lambda each: each.turns, levels):
        yield Figure("real replies", "mean", {turn.id: float(turn.real) for turn in level.turns}, level.name)
    for event, name in _WAITS.items():
        for level in levels:
            waited = {turn: reply.times[event] for turn, reply in level.real if event in reply.times}
            yield from _percentiles(name, waited, level.name)


def _percentiles(name: str, waited: Mapping[str, float], group: str = "") -> Iterator[Figure]:
    for each in ("p50", "p95", "p99") if waited else ():
        yield Figure(f"{name} {each}", each, waited, group, "ms", less=True)


def _beside(level: Level, searched: Mapping[str, float]) -> Iterator[Figure]:
    """Where the time of one shopper's turns goes, and what search and the model take with nothing around them."""
    hops = {turn.id: turn.hops for turn in level.turns if turn.real}
    entered = [hop for hop in next(iter(hops.values()), {}) if any(spent[hop] for spent in hops.values())]
    for statistic in ("mean", "p95"):
        for hop in entered:
            spent = {turn: each[hop] for turn, each in hops.items()}
            yield Figure(f"hop {statistic}", statistic, spent, hop, "ms", less=True)
    yield from _percentiles("search alone", searched)
    yield from _percentiles("model alone, first text", {turn: first for turn, (first, _) in level.alone.items()})
    yield from _percentiles("model alone, whole text", {turn: whole for turn, (_, whole) in level.alone.items()})


def _unreal(levels: Sequence[Level]) -> Iterator[Failure]:
    for level in levels:
        for turn in level.turns:
            if not turn.real:
                what = turn.error or "the reply has no words, or did not end as it should"
                yield Failure("real replies", turn.id, f"{level.name}: {what}", 0.8, turn.transcript)


def _slow(levels: Sequence[Level]) -> Iterator[Failure]:
    for level in levels:
        slowest = sorted((turn for turn in level.turns if turn.real), key=_whole, reverse=True)[:_SLOWEST]
        for turn in slowest:
            hops = ", ".join(f"{hop} {spent:.0f}" for hop, spent in turn.hops.items() if spent >= 0.5)
            what = f"{level.name}: {_whole(turn):.0f} ms" + (f", of which {hops}" if hops else "")
            yield Failure("whole turn p99", turn.id, what, 0.1, turn.transcript)


def _whole(turn: Turn) -> float:
    return turn.reply.times["done"] if turn.reply else 0.0


def _curves(levels: Sequence[Level]) -> Iterator[Curves]:
    for event, name in _WAITS.items():
        points = {}
        for level in levels:
            waited = sorted(reply.times[event] for _, reply in level.real if event in reply.times)
            if waited:
                points[level.name] = tuple((each, rank / len(waited)) for rank, each in enumerate(waited, 1))
        if points:
            yield Curves(name, "milliseconds", "share of turns", points)


def _machine(load: float) -> Iterator[str]:
    cores = os.cpu_count()
    yield (
        f"measured on {cores} cores, where the load was {load:.1f} when it began (what ran before in the same run "
        "counts in that); shoppers, assistant and database share them"
    )


def _account(level: Level) -> str:
    counted = len(level.real)
    note = (
        f"{level.name}: {counted} real replies in {level.seconds:.1f} s, {counted / level.seconds:.1f} turns/s, with "
        f"{level.busy:.1f} cores busy; a closed loop without time to think"
    )
    left = level.asked - len(level.turns)
    return note + (f"; {left} of {level.asked} turns were left out when the time was up" if left else "")


def _remarks(world: World, levels: Sequence[Level]) -> Iterator[str]:
    yield (
        "intervals tell how far a figure depends on the turns asked, not how it varies from one moment of the machine "
        "to another: compare runs only of one quiet machine"
    )
    if any(turn.plans for turn in levels[0].turns):
        yield "the model alone reads the plans of the turns a second time; a server that remembers prompts is faster so"
    else:
        yield f"{world.assistant.speaker} words the replies: no model speaks, so there is no model alone"
