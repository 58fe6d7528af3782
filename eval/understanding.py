"""Does the assistant understand what shoppers write: language, intent, limits, and which products they mean?

A line of utterances.jsonl is one message: `{"id", "text", "language", "intent", "constraints": {...}}`, the constraints
as `slots.said` takes them. Beside: "or", other intents that are as good; "optional", constraints that may be read from
it or not; "mixed": true where it is written in several languages; "context", what came before, and "refers", the places
there of the products that it means. A line of contexts.jsonl is `{"id", "after": [messages], "shows": [product ids],
"about": place}`: the messages are sent to the assistant, and then the cards are those named, whatever it showed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from assistant.dialogue import Card, DialogueState, Focused, Products, Sought
from assistant.intent import Intent
from assistant.understand import Understander, Understanding
from eval import bitext
from eval.figures import Figure, Observation
from eval.marks import Marks, mark
from eval.slots import SEEKING, Slot, said, understood
from eval.suite import Confusion, Failure, Findings, Record, Unmeasured, World
from eval.talk import Talk
from retrieval.catalog import Product
from retrieval.errors import MerchantError

_SAMPLE = 150  # utterances of a small run, and messages of the public set
_COURTESY = frozenset({Intent.GREETING, Intent.THANKS, Intent.GOODBYE})
_POINTING = frozenset({Intent.QUESTION, Intent.COMPARE, Intent.SIMILAR, Intent.BUY})  # "it" is what was talked about
_LANGUAGE = re.compile("[a-z]{2}")
_MACRO = ("macro precision", "macro recall", "macro F1")


@dataclass(frozen=True)
class Context:
    """What came before a message: messages sent to the assistant, the cards then shown, the one then talked about."""

    id: str
    after: tuple[str, ...] = ()
    shows: tuple[Product, ...] = ()
    about: int = 0


@dataclass(frozen=True)
class Utterance:
    """A message with what it means.

    Attributes:
        group: of figures: its language where many are in it, "mixed" or "other languages".
        intents: the intent, then those that are as good.
        said: its slots; None where they are not compared, as in small talk.
        optional: slots that may be read from it or not.
        refers: ids of the products shown earlier that it means.
    """

    id: str
    text: str
    language: str
    group: str
    intents: tuple[Intent, ...]
    said: tuple[Slot, ...] | None
    optional: tuple[Slot, ...] = ()
    refers: tuple[str, ...] = ()
    context: Context = field(default_factory=lambda: Context(""))


@dataclass(frozen=True)
class Seen:
    """An utterance as the assistant understood it."""

    utterance: Utterance
    language: str
    intent: Intent
    given: tuple[Slot, ...]
    marks: Marks
    means: frozenset[str]

    @property
    def right(self) -> Mapping[str, bool]:
        """Figure -> whether it is right there; without those that do not apply."""
        told = self.utterance
        right = {
            "language accuracy": self.language == told.language,
            "intent accuracy": self.intent in told.intents,
        }
        if told.said is not None:
            right["slot F1"] = not (self.marks.wrong or self.marks.missed)
        if told.refers:
            right["reference accuracy"] = self.means == set(told.refers)
        return right

    @property
    def intents(self) -> tuple[str, str]:
        """The intent expected, and the one understood: the same where that is as good."""
        wanted = self.utterance.intents[0]
        return wanted.value, (wanted if self.intent in self.utterance.intents else self.intent).value


def run(world: World) -> Findings:
    """Measure the understanding of the shop's utterances, and of the public set where there is one.

    Raises:
        Unmeasured: there is neither.
        MerchantError: lines that are wrong, each with file and line.
    """
    notes: list[str] = []
    findings: list[Findings] = []
    try:
        findings.append(_written(world))
    except Unmeasured as missing:
        notes.append(f"No utterances: {missing}.")
    file = world.public / bitext.FILE if world.public else bitext.FILE
    if world.public and file.exists():
        findings.append(_public(world, bitext.read(file)))
    else:
        notes.append(f"The public set is not there, so it is left out: {file}.")
    if not findings:
        raise Unmeasured(" ".join(notes))
    return Findings(
        figures=tuple(figure for each in findings for figure in each.figures),
        failures=tuple(failure for each in findings for failure in each.failures),
        plots=tuple(plot for each in findings for plot in each.plots),
        notes=tuple(notes),
    )


def _written(world: World) -> Findings:
    """What became of the shop's utterances."""
    try:
        contexts = {each.id: each for each in world.read("contexts", partial(_context, world=world))}
    except Unmeasured:  # none of the utterances needs one, then
        contexts = {}
    utterances = world.read("utterances", partial(_utterance, world=world, contexts=contexts))
    chosen = world.sample(utterances, _SAMPLE, lambda each: (each.group, each.intents[0]))
    understander = world.assistant.understand
    states: dict[str, DialogueState] = {}
    seen = []
    for each in world.progress(chosen, "utterances"):
        if each.context.id not in states:
            states[each.context.id] = _state(world, each.context)
        seen.append(_seen(world, understander, each, states[each.context.id]))
    return Findings(
        figures=tuple(_figures(seen)),
        failures=tuple(failure for each in seen for failure in _failures(each)),
        plots=(_confusion("Intents", [each.intents for each in seen]),),
    )


def _context(record: Record, world: World) -> Context:
    after = tuple(map(str, record.take("after", list, [])))
    shows = [str(each) for each in record.take("shows", list, [])]
    if unknown := [each for each in shows if each not in world.products]:
        raise MerchantError(f"shows has {unknown[0]!r}, and no product has that id")
    about = record.take("about", int, 0)
    if about and not 0 < about <= len(shows):
        raise MerchantError(f"about is {about}; it must be a place from 1 to {len(shows)}, among what it shows")
    return Context(record.take("id", str), after, tuple(world.products[each] for each in shows), about)


def _utterance(record: Record, world: World, contexts: Mapping[str, Context]) -> Utterance:
    language = record.take("language", str)
    if not _LANGUAGE.fullmatch(language):
        raise MerchantError(f"language is {language!r}; write its two letters, such as en or zh")
    intents = (record.one_of("intent", list(Intent)), *record.take("or", list, []))
    if unknown := [each for each in intents if each not in list(Intent)]:
        raise MerchantError(f"or has {unknown[0]!r}; an intent is one of {', '.join(Intent)}")
    facets, rates = world.search.facets, world.settings.rates
    named = record.take("context", str, "")
    if named and named not in contexts:
        raise MerchantError(f"context is {named!r}; contexts.jsonl has {', '.join(contexts) or 'none'}")
    context = contexts.get(named, Context(""))
    places = record.take("refers", list, [])
    if far := [each for each in places if not isinstance(each, int) or not 0 < each <= len(context.shows)]:
        raise MerchantError(f"refers has {far[0]!r}; the context {named!r} shows {len(context.shows)} products")
    constraints = record.take("constraints", dict, {})
    slots = said(constraints, facets, rates)
    compared = Intent(intents[0]) in SEEKING or (intents[0] == Intent.QUESTION and bool(slots))
    if slots and not compared:
        raise MerchantError(f"a message of the intent {intents[0]} has no constraints; leave them out")
    main = language if language in ("en", "zh") else "other languages"
    return Utterance(
        id=record.take("id", str),
        text=record.take("text", str),
        language=language,
        group="mixed" if record.take("mixed", bool, False) else main,
        intents=tuple(map(Intent, intents)),
        said=slots if compared else None,
        optional=said(record.take("optional", dict, {}), facets, rates),
        refers=tuple(context.shows[place - 1].id for place in places),
        context=context,
    )


def _state(world: World, context: Context) -> DialogueState:
    """The dialogue as it stands before a message: as the assistant has it, with the cards that the data names."""
    talk = Talk(world.assistant, f"understanding-{context.id}")
    for message in context.after:
        talk.say(message)
    state = talk.state
    shown = tuple(product.id for product in context.shows)
    if shown:
        if state.topic:
            state = state.after(Sought(state.current, replace(state.topic, shown=shown)))
        state = state.after(Products(tuple(map(_card, context.shows)), len(shown)))
    if context.about:
        state = state.after(Focused((shown[context.about - 1],)))
    return state


def _card(product: Product) -> Card:
    offer = product.offer
    return Card(product.id, offer.id, product.title, offer.price, offer.availability, rating=product.rating)


def _seen(world: World, understander: Understander, told: Utterance, state: DialogueState) -> Seen:
    requests = [understander(part, state) for part in understander.parts(told.text, state)]
    facets = world.search.facets
    marks = Marks()
    if told.said is not None:
        # What a question asks about is no limit of a search, nor the other way round.
        alike = [each for each in requests if (each.intent in SEEKING) == (told.intents[0] in SEEKING)]
        marks = mark(told.said, told.optional, understood(alike, facets), told.context.shows, world.search)
    intent, given = _intent(requests, told.intents), understood(requests, facets)
    return Seen(told, requests[-1].language, intent, given, marks, _means(requests, state))


def _intent(requests: Sequence[Understanding], wanted: Sequence[Intent]) -> Intent:
    """The intent of a message that was taken for one request or several: the wrong one, if there is one.

    A greeting or thanks before a request is answered with it, and is not wrong.
    """
    intents = [each.intent for each in requests]
    told = [each for each in intents if each not in _COURTESY] or intents
    return next((each for each in told if each not in wanted), told[0])


def _means(requests: Iterable[Understanding], state: DialogueState) -> frozenset[str]:
    """The products that the assistant takes a message to be about."""
    named = {reference for each in requests for reference in each.references}
    if not named and any(each.intent in _POINTING for each in requests):
        named = set(state.focus)
    return frozenset(named)


def _figures(seen: Sequence[Seen]) -> list[Figure]:
    groups = {each.utterance.id: each.utterance.group for each in seen}
    by = partial(Figure.by, groups=groups)
    languages: dict[str, Observation] = {each.utterance.id: (each.utterance.language, each.language) for each in seen}
    intents: dict[str, Observation] = {each.utterance.id: each.intents for each in seen}
    slots = {each.utterance.id: each.marks for each in seen if each.utterance.said is not None}
    refers: dict[str, Observation] = {
        each.utterance.id: float(each.right["reference accuracy"]) for each in seen if each.utterance.refers
    }
    figures = by("whole message right", "mean", {each.utterance.id: float(all(each.right.values())) for each in seen})
    figures += by("language accuracy", "accuracy", languages)
    figures += by("intent accuracy", "accuracy", intents)
    figures += [Figure(f"intent {name}", name, intents) for name in (*_MACRO, "kappa")]
    if slots:
        counts: dict[str, Observation] = {item: marks.counts() for item, marks in slots.items()}
        figures += [Figure(f"slot {name}", name, counts) for name in ("precision", "recall")]
        figures += by("slot F1", "F1", counts)
        for sort in sorted({slot.sort for marks in slots.values() for slot in (*marks.hit, *marks.missed)}):
            of_sort: dict[str, Observation] = {item: marks.counts(sort) for item, marks in slots.items()}
            figures.append(Figure("slot F1", "F1", of_sort, sort))
    return [*figures, *by("reference accuracy", "mean", refers)] if refers else figures


def _failures(seen: Seen) -> Iterable[Failure]:
    told = seen.utterance
    small = _COURTESY | {Intent.ABILITIES}
    expected, found = " or ".join(told.intents), seen.intent
    say = {
        "language accuracy": (f"expected {told.language}, understood {seen.language}", 0.5),
        "intent accuracy": (
            f"expected {expected}, understood {found}",
            0.3 if told.intents[0] in small and found in small else 0.7,
        ),
        "slot F1": (str(seen.marks), seen.marks.severity),
        "reference accuracy": (
            f"expected {_titles(told.context, told.refers)}, understood {_titles(told.context, seen.means)}",
            0.8,
        ),
    }
    for figure, right in seen.right.items():
        if not right:
            what, severity = say[figure]
            yield Failure(figure, told.id, what, severity, _transcript(seen))


def _titles(context: Context, ids: Iterable[str]) -> str:
    places = {product.id: f"{place}. {product.title}" for place, product in enumerate(context.shows, 1)}
    return ", ".join(sorted(places.get(each, each) for each in ids)) or "none of those shown"


def _transcript(seen: Seen) -> tuple[tuple[str, str], ...]:
    told, context = seen.utterance, seen.utterance.context
    lines = [("shopper", message) for message in context.after]
    if context.shows:
        shown = [f"{place}. {each.title}, {each.offer.price}" for place, each in enumerate(context.shows, 1)]
        lines.append(("cards", "\n".join(shown)))
    if context.about:
        lines.append(("talked about", context.shows[context.about - 1].title))
    slots = "; ".join(map(str, seen.given)) or "nothing to look for or by"
    means = f"; {_titles(context, seen.means)}" if seen.means else ""
    understood_as = f"{seen.intent} in {seen.language}: {slots}{means}"
    return (*lines, ("shopper", told.text), ("understood as", understood_as))


def _public(world: World, messages: Sequence[bitext.Labelled]) -> Findings:
    """What became of the public messages."""
    chosen = world.sample(messages, _SAMPLE, lambda each: each.label)
    understander, fresh = world.assistant.understand, DialogueState()
    observed: dict[str, Observation] = {}
    pairs: list[tuple[str, str]] = []
    failures = []
    for each in world.progress(chosen, "public messages"):
        requests = [understander(part, fresh) for part in understander.parts(each.text, fresh)]
        wanted, found = each.observed(_intent(requests, bitext.INTENTS[each.label]))
        observed[each.id] = wanted, found
        pairs.append((wanted, found))
        if wanted != found:
            what = f"expected {wanted} (there: {each.label}), understood {found}"
            failures.append(Failure("intent accuracy", each.id, what, 0.6, (("shopper", each.text),)))
    named = {"intent accuracy": "accuracy", "intent macro F1": "macro F1", "intent kappa": "kappa"}
    figures = tuple(Figure(name, statistic, observed, "bitext") for name, statistic in named.items())
    return Findings(figures, tuple(failures), (_confusion("Intents of the public set", pairs),))


def _confusion(title: str, pairs: Iterable[tuple[str, str]]) -> Confusion:
    counts = Counter(pairs)
    labels = tuple(intent.value for intent in Intent if any(intent.value in pair for pair in counts))
    return Confusion(title, labels, tuple(tuple(counts[true, taken] for taken in labels) for true in labels))
