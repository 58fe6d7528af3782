"""A simulated shopper: a hidden goal, an agenda of what is still to be said, and reactions to what is shown.

Agenda-based user simulation (Schatzmann et al. 2007): conditions are revealed bit by bit, mostly as reactions to what
is shown; what the assistant does decides what is said next. The seed fixes wording, order and questions.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from assistant.dialogue import Card
from eval.goals import Goal
from eval.speech import Speech, Wares, patterns
from eval.talk import Reply

_SETTLED = 4  # turns after which a shopper who will change their mind has done so
_QUESTIONS = 2  # about products, at most
_SEEN = 10  # cards that a shopper looks at


@dataclass(frozen=True)
class Act:
    """What a shopper does in one message.

    `name` is a pattern of shopper.toml, "choose" for a click or "ask" for a question about a product; `product`,
    `field` and `value` are what a question or a purchase is about.
    """

    name: str
    words: str
    product: str = ""
    field: str = ""
    value: str = ""


class Shopper:
    """One shopper with one goal; calls of `speak` and `hear` take turns.

    Attributes:
        act: what the last message was for.
        said: the conditions that have been said and still hold; conditions as in eval/truth.py.
    """

    def __init__(self, goal: Goal, seed: int, speech: Speech, wares: Wares) -> None:
        self.act = Act("", "")
        self.said: dict[str, Any] = {}
        self._speech = speech
        self._wares = wares
        self._chance = random.Random(f"{goal.id}/{seed}")
        self._stages = list(goal.stages)
        self._agenda: list[str] = []  # conditions that are still to be said, the next one last
        self._cards: tuple[Card, ...] = ()
        self._choices: tuple[str, ...] = ()
        self._denial: bool | None = None
        self._clicked: set[str] = set()
        self._turns = 0
        self._questions = 0

    def speak(self) -> str:
        """The next message."""
        self._turns += 1
        self.act = self._next()
        return self.act.words

    def hear(self, reply: Reply, denial: bool | None) -> None:
        """Take in a reply; `denial` is None, or where it says that nothing meets what was said, whether that is so."""
        self._choices = reply.choices
        if self.act.name == "ask" and not reply.cards:
            return  # what was shown before still is
        self._cards = reply.cards[:_SEEN]
        self._denial = denial

    @property
    def _goal(self) -> Mapping[str, Any]:
        return self._stages[0]

    @property
    def _kind(self) -> str:
        return str(self._goal["kind"])

    def _next(self) -> Act:
        if self._turns == 1:
            return self._open()
        # Whoever is told that nothing fits takes nothing that is shown with it.
        shown = self._cards if self._denial is None else ()
        suited = [place for place, card in enumerate(shown) if not self._amiss(card, self._goal)]
        if len(self._stages) > 1 and (suited or self._denial or self._turns > _SETTLED):
            return self._change_mind()
        ready = [place for place in suited if self._cards[place].availability.orderable]
        if ready:
            place = self._chance.choice(ready)
            return self._maybe(0.25, lambda: self._ask(place)) or self._take(place)
        if suited:
            return self._turn_down(suited[0], "in_stock")
        return (
            self._click()
            or (self._restate() if self._lost() else None)
            or self._maybe(0.5, self._shrug)
            or self._maybe(0.15, lambda: self._ask(self._chance.randrange(len(self._cards)) if self._cards else None))
            or self._maybe(0.12, self._more)
            or self._react()
            or self._inform()
            or self._insist()
        )

    def _maybe(self, share: float, act: Callable[[], Act | None]) -> Act | None:
        return act() if self._chance.random() < share else None

    def _open(self) -> Act:
        self.said = {"kind": self._kind}
        self._agenda = [name for name in self._goal if name != "kind"]
        self._chance.shuffle(self._agenda)
        changing = [name for stage in self._stages[1:] for name in stage if self._goal.get(name) != stage[name]]
        self._agenda.sort(key=lambda name: name in changing)  # who says nothing of it cannot change their mind about it
        told = [self._agenda.pop() for _ in range(min(self._chance.choice((0, 1, 1, 2)), len(self._agenda)))]
        act = "open_with" if told else "open"
        return self._speaks(act, kind=self._speech.kind(self._kind), limits=self._brief(told))

    def _change_mind(self) -> Act:
        """Want the next stage of the goal, and say so."""
        before = self._stages.pop(0)
        self._cards, self._choices = (), ()
        if before["kind"] != self._kind:
            self.said = {"kind": self._kind}
            self._agenda = [name for name in self._goal if name not in ("kind", "price")]
            told = ["price"] if "price" in self._goal else []
            act = "other_kind_with" if told else "other_kind"
            old, kind = self._speech.kind(before["kind"]), self._speech.kind(self._kind)
            return self._speaks(act, old=old, kind=kind, limits=self._brief(told))
        changed = next(name for name in self._goal if self._goal[name] != before[name])
        if changed not in self.said:
            return self._declare(changed)
        self._say(changed)
        if changed == "price":
            act = "raise" if self._goal["price"]["max"] > before["price"]["max"] else "lower"
            return self._speaks(act, price=self._speech.price(self._goal["price"]["max"], self._chance))
        old, value = (self._speech.label(changed, stage[changed], self._kind) for stage in (before, self._goal))
        return self._speaks("other_value", old=old, value=value)

    def _take(self, place: int) -> Act:
        which = self._speech.which(place, self._chance)
        return self._speaks("accept", which=which, product=self._cards[place].product_id)

    def _click(self) -> Act | None:
        """The choice offered that the goal decides, sent as if it had been typed; nobody clicks the same twice."""
        for name, wanted in self._goal.items():
            values = [wanted] if isinstance(wanted, str) else self._let_in(wanted) if name == "gender" else []
            for choice in (each for each in self._choices if each not in self._clicked):
                if any(self._speech.means(choice, name, value) for value in values):
                    self._say(name)
                    self._clicked.add(choice)
                    return Act("choose", choice)
        return None

    def _lost(self) -> bool:
        """Whether the talk is of other things than the shopper came for."""
        others = [card for card in self._cards if "kind" in self._amiss(card, self.said)]
        kinds = {kind for kind in self._wares.kinds for each in self._choices if self._speech.means(each, "kind", kind)}
        return 2 * len(others) > len(self._cards) or bool(kinds and self._kind not in kinds)

    def _shrug(self) -> Act | None:
        return self._speaks("any") if self._choices and not self._agenda and self.act.name != "any" else None

    def _let_in(self, wanted: Mapping[str, Any]) -> list[str]:
        barred = set(wanted["not"])
        groups = {value for group in patterns()["genders"].values() for value in group}
        return [
            value
            for value in self._wares.facets.field("gender").values
            if value not in barred and value.casefold() in groups
        ]

    def _ask(self, place: int | None) -> Act | None:
        """A question about the product shown at `place`."""
        if place is None or self._questions >= _QUESTIONS or "kind" in self._amiss(self._cards[place], self.said):
            return None
        product = self._wares.products[self._cards[place].product_id]
        possible: list[tuple[str, str, str]] = []  # act, field, value
        for name in self._wares.facets.fields:
            if name == "gender":
                continue
            values = sorted(
                {
                    value
                    for each in self._wares.kinds[product.kind]
                    for value in (*each.attributes.get(name, ()), *each.options.get(name, ()))
                }
            )
            if values and name in (*patterns()["most"], *patterns()["least"]) and self._speech.field(name):
                possible.append(("ask_value", name, ""))
            for value in values:
                way = self._speech.way(name, value, product.kind)
                if way in ("color", "material") or (value.casefold() == "yes" and way in ("quality", "feature")):
                    possible.append((f"ask_{way}", name, value))
        if not possible:
            return None
        self._questions += 1
        fields = sorted({name for _, name, _ in possible})
        name = self._chance.choice(fields)
        act, _, value = self._chance.choice([each for each in possible if each[1] == name])
        slots = {"field": self._speech.field(name)}
        slots |= {"value": self._speech.label(name, value, product.kind)} if value else {}
        words = self._speech.act(act, self._chance, which=self._speech.which(place, self._chance), **slots)
        return Act("ask", words, product.id, name, value)

    def _more(self) -> Act | None:
        return self._speaks("more") if self._cards and self.act.name != "more" else None

    def _react(self) -> Act | None:
        """Turn a product down for what is wrong with it and has not been said yet."""
        for name in reversed(self._agenda):
            for place, card in enumerate(self._cards):
                if name in self._amiss(card, self._goal):
                    return self._turn_down(place, name)
        return None

    def _turn_down(self, place: int, name: str) -> Act:
        card, wanted = self._cards[place], self._goal.get(name, True)
        own = self._wares.stated(card.product_id, name, card.variant_id)
        bad = self._speech.label(name, own[0], self._kind) if len(own) == 1 and isinstance(wanted, str) else ""
        limit = self._speech.limit(
            "wrong", name, wanted, self._kind, self._chance, which=self._speech.which(place, self._chance), bad=bad
        )
        self._say(name, wanted)
        return self._speaks("wrong", limit=limit)

    def _inform(self) -> Act | None:
        """Say one or two of the conditions left."""
        if not self._agenda:
            return None
        if self._chance.random() < 0.4:
            return self._declare(self._agenda[-1])
        told = [self._agenda.pop() for _ in range(min(self._chance.choice((1, 1, 2)), len(self._agenda)))]
        return self._speaks("also", limits=self._brief(told))

    def _declare(self, name: str) -> Act:
        limit = self._speech.limit("full", name, self._goal[name], self._kind, self._chance)
        self._say(name)
        return self._speaks("full", limit=limit)

    def _insist(self) -> Act:
        """All has been said and nothing shown meets it: say again what is wrong, or all of it, or ask for others."""
        wrong = [(place, name) for place, card in enumerate(self._cards) for name in self._amiss(card, self.said)]
        wrong = [(place, name) for place, name in wrong if name != "kind"]
        if wrong and self._chance.random() < 0.4:
            return self._turn_down(*wrong[0])
        return self._maybe(0.3, self._more) or self._restate()

    def _restate(self) -> Act:
        """Say all that has been said, and one thing more if there is one."""
        limits = self._brief([*(name for name in self.said if name != "kind"), *self._agenda[-1:]])
        kind = self._speech.kind(self._kind)
        return self._speaks("restate" if limits else "open", kind=kind, limits=limits)

    def _speaks(self, act: str, product: str = "", **slots: str) -> Act:
        return Act(act, self._speech.act(act, self._chance, **slots), product)

    def _brief(self, names: Iterable[str]) -> str:
        """The conditions in few words, which makes them said."""
        told = []
        for name in names:
            wanted = self._goal.get(name, True)
            told.append(self._speech.limit("brief", name, wanted, self._kind, self._chance))
            self._say(name, wanted)
        return self._speech.joined(told, self._chance)

    def _say(self, name: str, wanted: Any = None) -> None:
        self.said[name] = self._goal[name] if wanted is None else wanted
        self._agenda = [each for each in self._agenda if each != name]

    def _amiss(self, card: Card, where: Mapping[str, Any]) -> list[str]:
        return self._wares.broken(card.product_id, card.variant_id, where)
