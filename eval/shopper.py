"""Does a shopper who has something in mind get it, or hear honestly that it is not there?

Simulated shoppers with hidden goals (eval/agenda.py) talk to the assistant, and the catalogue says what came of it.
Each goal is tried several times, in other words and in another order; pass^k is how likely k tries all reach it
(Yao et al. 2024, "tau-bench").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import comb

from assistant.conversation import Assistant
from assistant.plan import Point, PointKind
from eval.agenda import Shopper
from eval.figures import Figure, Observation
from eval.goals import Goal, goals, told
from eval.speech import Speech, Wares
from eval.suite import Curves, Failure, Findings, Unmeasured, World
from eval.talk import Reply, Talk

PATIENCE = 12  # turns after which a shopper gives up
_TRIES = 4
_GOALS = {"en": 40, "zh": 20}
_SMALL = 8  # goals of a small run

# What says that nothing meets what was asked for: products shown with it are not shown as if they did.
_DENIALS = frozenset({PointKind.NONE_FIT, PointKind.CLOSEST, PointKind.NOT_CARRIED})
_DOUBTS = frozenset({PointKind.NEAR, PointKind.INSTEAD})  # the same, of the kind alone
_ANSWERS = frozenset({PointKind.YES, PointKind.NO, PointKind.VALUE, PointKind.UNKNOWN, PointKind.SAYS})
_LEADS = frozenset({PointKind.BUY, PointKind.OFFER, PointKind.ABOUT})  # what takes up a wish to buy

_REACHED, _TURNS, _BROKEN = "goal reached", "turns to the goal", "limit violations per turn"
_TRUE, _DENIED, _TAKEN, _ASKED = "true answers", "true denials", "purchases taken up", "questions asked back"


@dataclass(frozen=True)
class Statement:
    """Something the assistant said; `figure` is what it counts for, `severity` how bad it is if it is untrue."""

    figure: str
    turn: int
    true: bool
    what: str
    severity: float


@dataclass
class Conversation:
    """What came of one try at a goal.

    Attributes:
        reached: the shopper took a product that meets the goal, or heard that nothing does where that is so.
        turns: the shopper's messages.
        broken: turn -> what was shown as if it fitted, though it breaks what had been said.
        statements: what the assistant said that the catalogue can check.
        asked: how many questions the assistant asked.
        end: how it ended.
    """

    goal: Goal
    seed: int
    reached: bool = False
    turns: int = 0
    broken: dict[int, str] = field(default_factory=dict)
    statements: list[Statement] = field(default_factory=list)
    asked: int = 0
    end: str = ""
    transcript: tuple[tuple[str, str], ...] = ()


def run(world: World) -> Findings:
    """Let shoppers with goals from the shop's catalogue talk to the assistant."""
    wares = Wares(world.products, world.search.facets)
    speeches = {language: Speech(language, wares, world.search.glossary) for language in _GOALS}
    made = {language: goals(wares, speeches[language], count, world.seed) for language, count in _GOALS.items()}
    if not any(made.values()):
        raise Unmeasured("no goal can be made: kinds are too small or have no name, or their products are all alike")
    notes = [
        f"{len(own)} goals in {language!r} instead of {_GOALS[language]}: "
        + ("the catalogue has too little to wish for" if own else "the glossary has no such words for the shop's kinds")
        for language, own in made.items()
        if len(own) < _GOALS[language]
    ]
    every = [goal for own in made.values() for goal in own]
    chosen = world.sample(every, _SMALL, lambda goal: (goal.language, goal.sort))
    tries = [(goal, seed) for goal in chosen for seed in range(_TRIES)]
    seen = [
        converse(world.assistant, goal, seed, speeches[goal.language], wares)
        for goal, seed in world.progress(tries, "shopper")
    ]
    return Findings(_figures(seen), _failures(seen), (_curves(seen),), tuple(notes))


def converse(assistant: Assistant, goal: Goal, seed: int, speech: Speech, wares: Wares) -> Conversation:
    """One try at a goal; the same seed gives the same shopper.

    Raises:
        OperatorError: the assistant cannot answer.
    """
    talk = Talk(assistant, f"{goal.id}.{seed}")
    shopper = Shopper(goal, seed, speech, wares)
    judge = _Judge(shopper, Conversation(goal, seed), speech, wares)
    while not judge.over:
        reply = talk.say(shopper.speak())
        shopper.hear(reply, judge.hear(reply))
    judge.seen.transcript = (("hidden goal", goal.words), *talk.transcript)
    return judge.seen


class _Judge:
    """Hears what the shopper hears, and knows the catalogue; `over` when the shopper has got it, or goes."""

    def __init__(self, shopper: Shopper, seen: Conversation, speech: Speech, wares: Wares) -> None:
        self.seen = seen
        self.over = False
        self._shopper = shopper
        self._speech = speech
        self._wares = wares
        self._shown: set[str] = set()

    def hear(self, reply: Reply) -> bool | None:
        """Judge a reply; where it says that nothing meets what the shopper has said, whether that is so, else None."""
        self.seen.turns += 1
        kinds = {point.kind for point in reply.points}
        self.seen.asked += PointKind.ASK in kinds
        denial = None
        if not reply.real:
            self._note(_TRUE, False, "a reply has no words, or did not end", 0.8)
        match self._shopper.act.name:
            case "ask":
                self._judge_answer(reply.points)
                denial = False if kinds & _DENIALS else None  # of what was asked, which may be more than was said
            case "accept":
                self._judge_purchase(reply.points)
            case _:
                self._judge_cards(reply, kinds)
                denial = self._judge_denial(reply)
        self._shown.update(card.product_id for card in reply.cards)
        if self.seen.turns == PATIENCE and not self.over:
            self._end(False, f"the shopper gives up after {PATIENCE} turns")
        return denial

    def _judge_cards(self, reply: Reply, kinds: set[PointKind]) -> None:
        """Whether each card meets what has been said; it stands for the variant whose price it shows."""
        if kinds & _DENIALS:
            return
        said = {name: wanted for name, wanted in self._shopper.said.items() if name != "kind" or not kinds & _DOUBTS}
        amiss = [(card, self._wares.broken(card.product_id, card.variant_id, said)) for card in reply.cards]
        wrong = [(card, names) for card, names in amiss if names]
        if wrong:
            card, names = wrong[0]
            unread = [point.facts.get("claim", "") for point in reply.points if point.kind is PointKind.UNREAD]
            self.seen.broken[self.seen.turns] = (
                f"{len(wrong)} of {len(amiss)} shown, as {card.title} ({card.price}), break what was said: "
                + "; ".join(told(name, said[name]) for name in names)
                + (f" (it does say that it left out {', '.join(unread)})" if unread else "")
            )

    def _judge_denial(self, reply: Reply) -> bool | None:
        """Whether it is so that nothing fits, if that is said, or that nothing is left."""
        denials = [point for point in reply.points if point.kind in _DENIALS]
        if not denials and all(point.kind is not PointKind.NO_MORE for point in reply.points):
            return None
        fitting = [each for each in self._wares.meeting(self._shopper.said) if denials or each.id not in self._shown]
        said = "nothing fits" if denials else "there is nothing more"
        if any(point.kind is PointKind.NOT_CARRIED for point in denials):
            said = f"there is no {denials[0].facts.get('what', 'such thing')!r}"
        astray = not fitting and self._astray(reply, denials)
        if fitting:
            said += f", and {fitting[0].title} is what was asked for"
        elif astray:
            said += ", and speaks of something else than was asked for"
        true = not fitting and not astray
        self._note(_DENIED, true, f"it says that {said}", 0.9 if denials else 0.6)
        if denials and true and self.seen.goal.sort == "impossible":
            self._end(True, "the shopper hears that nothing fits")
        return true if denials else None

    def _astray(self, reply: Reply, denials: Sequence[Point]) -> bool:
        """Whether what is said not to fit, or not to be there, is not the kind that was asked for."""
        kind = self._shopper.said["kind"]
        near = [card.product_id for card in reply.cards] + [each for point in denials for each in point.product_ids]
        if near and all(self._wares.broken(each, "", {"kind": kind}) for each in near):
            return True
        named = [(point.kind, point.facts.get("what", "").casefold()) for point in denials]
        if any(
            claim is PointKind.NOT_CARRIED and self._speech.kind(kind).casefold() not in what for claim, what in named
        ):
            return True
        return any(
            self._speech.means(what, "kind", other) and not self._speech.means(what, "kind", kind)
            for _, what in named
            for other in self._wares.kinds
        )

    def _judge_purchase(self, points: Sequence[Point]) -> None:
        """Whether who takes a product is led to that one."""
        taken = self._shopper.act.product
        title = self._wares.products[taken].title
        led = [each for point in points if point.kind in _LEADS for each in point.product_ids]
        if led and taken not in led:
            other = self._wares.products[led[0]].title
            self._note(_TAKEN, False, f"it leads to {other} who takes {title}", 1.0)
            self._end(False, f"the shopper takes {title}, and is led to {other}")
        else:
            self._note(_TAKEN, bool(led), f"it does not take up the wish to buy {title}", 0.3)
            self._end(True, f"the shopper takes {title}")

    def _judge_answer(self, points: Sequence[Point]) -> None:
        """Whether the answer to a question about a product is what the catalogue says."""
        asked = self._shopper.act
        stated = self._wares.stated(asked.product, asked.field)
        title = self._wares.products[asked.product].title
        what = f"asked about {title}, whose {asked.field} is {', '.join(stated) or 'not in the catalogue'}, it "
        answers = [point for point in points if point.kind in _ANSWERS]
        own = [point for point in answers if not point.product_ids or asked.product in point.product_ids]
        judged = [(point, self._true(point, stated)) for point in own]
        wrong = [point for point, true in judged if true is False]
        if wrong:
            said = ", ".join(f"{point.kind.value} {point.facts.get('value', asked.value)}".strip() for point in wrong)
            mild = all(point.kind is PointKind.UNKNOWN for point in wrong)
            self._note(_TRUE, False, f"{what}says {said}", 0.5 if mild else 1.0)
        elif any(true for _, true in judged):
            self._note(_TRUE, True, "", 0.0)
        elif answers and not own:
            other = self._wares.products[answers[0].product_ids[0]].title
            self._note(_TRUE, False, f"{what}speaks of {other}", 1.0)
        else:
            self._note(_TRUE, False, f"{what}gives no answer", 0.3)

    def _true(self, point: Point, stated: tuple[str, ...]) -> bool | None:
        """Whether an answer is true; None where it is, and answers something else."""
        asked = self._shopper.act
        if point.kind is PointKind.SAYS:
            return True  # the description's own sentence
        if point.kind is PointKind.UNKNOWN:
            return not stated
        if point.kind is PointKind.VALUE:
            value = point.facts.get("value", "")
            if any(self._same(value, asked.field, each) for each in stated):
                return True
            others = self._wares.products[asked.product].attributes
            return None if any(self._same(value, name, each) for name in others for each in others[name]) else False
        if not asked.value or not stated:
            return False
        offered = [
            variant.availability.orderable
            for variant in self._wares.products[asked.product].variants
            if variant.options.get(asked.field) == asked.value
        ]
        if offered and not any(offered):
            return True  # it comes in it and cannot be had: yes and no are both right
        return (asked.value in stated) == (point.kind is PointKind.YES)

    def _same(self, words: str, name: str, value: str) -> bool:
        """Whether words tell a value of the catalogue, as they may in another notation or among others."""
        amounts = [self._wares.facets.measure(name, each) for each in (words, value)]
        if None not in amounts:
            return amounts[0] == amounts[1]
        pieces = {piece.strip() for sign in (",", "、", " and ", "和") for piece in words.split(sign)}
        return any(self._speech.means(piece, name, value) for piece in pieces) or value.casefold() in words.casefold()

    def _note(self, figure: str, true: bool, what: str, severity: float) -> None:
        self.seen.statements.append(Statement(figure, self.seen.turns, true, what, severity))

    def _end(self, reached: bool, end: str) -> None:
        self.over = True
        self.seen.reached = reached
        self.seen.end = end


def pass_hat(reached: int, tries: int, k: int) -> float:
    """How likely k of the tries, drawn at random, all reached the goal: C(reached, k) / C(tries, k)."""
    return comb(reached, k) / comb(tries, k)


def _figures(seen: Sequence[Conversation]) -> tuple[Figure, ...]:
    tries: dict[str, list[Conversation]] = {}
    for each in seen:
        tries.setdefault(each.goal.id, []).append(each)

    def mean(over: Callable[[Conversation], float], own: Sequence[Conversation]) -> float:
        return sum(map(over, own)) / len(own)

    reached = {item: [each for each in own if each.reached] for item, own in tries.items()}
    turns = {item: mean(lambda each: each.turns, own) for item, own in reached.items() if own}
    broken = {
        item: mean(lambda each: len(each.broken), own) / mean(lambda each: each.turns, own)
        for item, own in tries.items()
    }
    asked = {item: mean(lambda each: each.asked, own) for item, own in tries.items()}
    figures = [
        *_grouped(_REACHED, "mean", {item: len(reached[item]) / len(own) for item, own in tries.items()}, tries),
        *_grouped(_TURNS, "mean", turns, tries, "turns", less=True),
        *_grouped(_BROKEN, "mean", broken, tries, less=True),
        *_grouped(_TRUE, "precision", _checked(tries, _TRUE), tries),
        *_grouped(_DENIED, "precision", _checked(tries, _DENIED), tries),
        *_grouped(_TAKEN, "precision", _checked(tries, _TAKEN), tries),
        *_grouped(_ASKED, "mean", asked, tries, "questions", less=True),
    ]
    for k in range(1, _TRIES + 1):
        shares = {item: pass_hat(len(reached[item]), len(own), k) for item, own in tries.items()}
        figures.append(Figure(f"pass^{k}", "mean", shares))
    return tuple(figures)


def _grouped(
    name: str,
    statistic: str,
    observed: Mapping[str, Observation],
    tries: Mapping[str, Sequence[Conversation]],
    unit: str = "",
    less: bool = False,
) -> list[Figure]:
    """The figure over all goals, by language and by sort; none where nothing was observed."""
    if not observed:
        return []
    goal = {item: own[0].goal for item, own in tries.items()}
    figures = Figure.by(name, statistic, observed, {item: each.language for item, each in goal.items()}, unit, less)
    return (
        figures + Figure.by(name, statistic, observed, {item: each.sort for item, each in goal.items()}, unit, less)[1:]
    )


def _checked(tries: Mapping[str, Sequence[Conversation]], figure: str) -> dict[str, Observation]:
    """How many statements about each goal are true, and untrue, where there are any."""
    counts: dict[str, Observation] = {}
    for item, own in tries.items():
        true = [each.true for conversation in own for each in conversation.statements if each.figure == figure]
        if true:
            counts[item] = (sum(true), len(true) - sum(true), 0)
    return counts


def _failures(seen: Sequence[Conversation]) -> tuple[Failure, ...]:
    """What went wrong, worst first; the same in several turns of a conversation is told once."""
    failures: list[Failure] = []
    for each in seen:
        wrong: dict[tuple[str, str, float], list[int]] = {}
        if not each.reached:
            wrong[_REACHED, each.end, 0.7 if each.goal.sort == "impossible" else 0.6] = [each.turns]
        for turn, what in each.broken.items():
            wrong.setdefault((_BROKEN, what, 0.9), []).append(turn)
        for one in each.statements:
            if not one.true:
                wrong.setdefault((one.figure, one.what, one.severity), []).append(one.turn)
        for (figure, what, severity), turns in wrong.items():
            at = f"try {each.seed + 1}, turn {', '.join(map(str, turns))}"
            failures.append(Failure(figure, each.goal.id, f"{at}: {what}", severity, each.transcript))
    return tuple(sorted(failures, key=lambda failure: -failure.severity))


def _curves(seen: Sequence[Conversation]) -> Curves:
    groups: dict[str, list[Conversation]] = {"all": list(seen)}
    for each in seen:
        groups.setdefault(each.goal.language, []).append(each)
        groups.setdefault(each.goal.sort, []).append(each)
    points = {
        name: tuple(
            (float(turn), sum(each.reached and each.turns <= turn for each in own) / len(own))
            for turn in range(1, PATIENCE + 1)
        )
        for name, own in groups.items()
    }
    return Curves("Goals reached, by turn", "turn", "share of conversations", points)
