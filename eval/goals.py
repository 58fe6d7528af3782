"""Hidden goals of simulated shoppers, made from a shop's own catalogue, so that it is known what meets them."""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.speech import Speech, Wares, patterns
from eval.truth import Where
from retrieval.catalog import Product, Variant

_SHELF = 5  # a kind of fewer products leaves nothing to choose
_LIMITS = (2, 4)  # how many conditions a goal has besides its kind
_TRIES = 60  # goals tried for each one that is made
_STARS = (4.5, 4.0)
_SWAPPED = ("color", "material", "brand")  # what a shopper may want another of, and may not want at all


@dataclass(frozen=True)
class Goal:
    """What one shopper wants.

    Attributes:
        id: stands for what is wanted, so that it stays the same from run to run.
        sort: "plain", "change" or "impossible".
        stages: what is wanted first, and after a change of mind; conditions as in eval/truth.py, the kind among them.
    """

    id: str
    language: str
    sort: str
    stages: tuple[Where, ...]

    @property
    def words(self) -> str:
        """The goal as a reader of the report is told it."""
        words = ", then ".join("; ".join(told(name, wanted) for name, wanted in stage.items()) for stage in self.stages)
        return words + (" (nothing meets this)" if self.sort == "impossible" else "")


def goals(wares: Wares, speech: Speech, count: int, seed: int) -> list[Goal]:
    """Up to `count` goals that shoppers of one language can have in the shop; fewer where it has too little to say.

    One in eight is impossible: nothing meets it, though something meets all of it but one condition. In one of four
    the shopper changes their mind about the price, a colour, material or brand, or the kind.
    """
    chance = random.Random(f"{seed}/{speech.language}")
    maker = _Maker(wares, speech, chance)
    impossible, change = math.ceil(count / 8), round(count / 4)
    changes: Sequence[Callable[[], tuple[Where, ...] | None]] = (maker.lower, maker.other, maker.higher, maker.instead)
    made: dict[str, Goal] = {}
    for place in range(count):
        if place < impossible:
            sort, make = "impossible", maker.impossible
        elif place < impossible + change:
            sort, make = "change", changes[place % len(changes)]
        else:
            sort, make = "plain", maker.plain
        for _ in range(_TRIES):
            stages = make()
            goal = _goal(speech.language, sort, stages) if stages else None
            if goal and goal.id not in made:
                made[goal.id] = goal
                break
    return list(made.values())


class _Maker:
    """Makes what is wanted, or None where the draw came to nothing."""

    def __init__(self, wares: Wares, speech: Speech, chance: random.Random) -> None:
        self._wares = wares
        self._speech = speech
        self._chance = chance
        self._kinds = [kind for kind, own in wares.kinds.items() if len(own) >= _SHELF and speech.kind(kind)]
        self._turn: Iterator[str] = iter(())  # kinds come round before one comes twice

    def plain(self) -> tuple[Where, ...] | None:
        """Two to four conditions that something meets and most of its kind does not."""
        found = self._wanted()
        return (found[0],) if found else None

    def impossible(self) -> tuple[Where, ...] | None:
        """Conditions of which nothing meets all, and something all but one."""
        found = self._wanted()
        if not found:
            return None
        where, kind = found[0], found[0]["kind"]
        for name in self._chance.sample(list(where), len(where)):
            rest = {each: wanted for each, wanted in where.items() if each != name}
            if name == "price":
                high = self._below(rest)
                if high:
                    return ({**rest, "price": {"max": high}},)
            elif isinstance(where[name], str) and name != "kind":
                values = self._values(kind, name)
                for value in self._chance.sample(values, len(values)):
                    if not self._wares.meeting({**rest, name: value}, in_stock=False):
                        return ({**rest, name: value},)
        return None

    def lower(self) -> tuple[Where, ...] | None:
        """A budget that shrinks, and some of what met it no longer does."""
        found = self._wanted("price")
        if not found:
            return None
        where, price = found
        wide = {**where, "price": {"max": self._above(price * 1.7, where["kind"])}}
        tight = {**where, "price": {"max": self._above(price * 1.04, where["kind"])}}
        return (wide, tight) if len(self._wares.meeting(wide)) > len(self._wares.meeting(tight)) else None

    def higher(self) -> tuple[Where, ...] | None:
        """A budget that nothing meets, raised until something does."""
        found = self._wanted("price")
        if not found:
            return None
        where, price = found
        high = self._below({name: wanted for name, wanted in where.items() if name != "price"})
        wide = {**where, "price": {"max": self._above(price * 1.1, where["kind"])}}
        return ({**where, "price": {"max": high}}, wide) if high else None

    def other(self) -> tuple[Where, ...] | None:
        """Another colour, material or brand."""
        name = self._chance.choice(_SWAPPED)
        found = self._wanted(name)
        if not found or not isinstance(found[0].get(name), str):
            return None
        where = found[0]
        values = [
            value
            for value in self._values(where["kind"], name)
            if value != where[name] and self._wares.meeting({**where, name: value})
        ]
        return ({**where, name: self._chance.choice(values)}, where) if values else None

    def instead(self) -> tuple[Where, ...] | None:
        """Another kind, with wishes that only it can meet: nobody can think that the old ones still hold."""
        first, second = self._wanted(), self._wanted("price")
        if not first or not second:
            return None
        before, after = first[0], second[0]
        known = {
            name
            for product in self._wares.of(after["kind"])
            for name in ("rating", "brand", *product.attributes, *product.options)
        }
        alien = {name: wanted for name, wanted in before.items() if name not in known}
        return (alien, after) if len(alien) > 1 and before["kind"] != after["kind"] else None

    def _wanted(self, must: str = "") -> tuple[dict[str, Any], float] | None:
        """What one variant of some product meets, `must` among it, and that variant's price."""
        kind = self._kind()
        if not kind:
            return None
        product = self._chance.choice(self._wares.kinds[kind])
        orderable = [variant for variant in product.variants if variant.availability.orderable]
        if not orderable:
            return None
        variant = self._chance.choice(orderable)
        possible = dict(self._conditions(kind, product, variant))
        least, most = _LIMITS
        if len(possible) < least or (must and must not in possible):
            return None
        names = self._chance.sample(list(possible), min(self._chance.randint(least, most), len(possible)))
        if "price" in possible and self._chance.random() < 0.5:
            names = ["price", *(name for name in names if name != "price")][: max(least, len(names))]
        if must and must not in names:
            names[-1] = must
        where = {"kind": kind, **{name: possible[name] for name in names}}
        # A goal that half of the shelf meets is no goal.
        fitting = len(self._wares.meeting(where))
        return (where, float(variant.price.major)) if 0 < 2 * fitting <= len(self._wares.kinds[kind]) else None

    def _kind(self) -> str | None:
        kind = next(self._turn, None)
        if kind is None:
            self._turn = iter(self._chance.sample(self._kinds, len(self._kinds)))
            kind = next(self._turn, None)
        return kind

    def _telling(self, kind: str, name: str, wanted: Any) -> bool:
        """Whether a condition can be said, and not all that is there meets it."""
        said = self._speech.way(name, wanted, kind)
        return bool(said) and len(self._wares.meeting({"kind": kind, name: wanted}, False)) < len(self._wares.of(kind))

    def _conditions(self, kind: str, product: Product, variant: Variant) -> Iterator[tuple[str, Any]]:
        """Conditions that the variant meets and shoppers can say, one a field."""
        price = float(variant.price.major)
        yield "price", {"max": self._above(price * self._chance.choice((1.04, 1.5)), kind)}
        stars = [each for each in _STARS if product.rating and product.rating.value >= each]
        if stars:
            yield "rating", {"min": stars[0]}
        known = self._wares.facets.fields
        for name in sorted(
            {*product.attributes, *variant.options, "brand"} & known.keys() - {"kind", "price", "rating"}
        ):
            wanted = self._condition(kind, product, variant, name)
            if wanted is not None and self._telling(kind, name, wanted):
                yield name, wanted

    def _condition(self, kind: str, product: Product, variant: Variant, name: str) -> Any:
        """A condition on one field that the variant meets; None where none is natural."""
        own = (variant.options[name],) if name in variant.options else product.attributes.get(name, ())
        own = (product.brand,) if name == "brand" else own
        if len(own) != 1 or not own[0]:
            return None
        if name == "gender":
            return self._gender(own[0])
        if self._wares.facets.field(name).number:
            form = next((form for form, bound in (("max", "most"), ("min", "least")) if name in patterns()[bound]), "")
            return {form: own[0]} if form and any(sign.isalpha() for sign in own[0]) else None
        others = [value for value in self._values(kind, name) if value.casefold() != own[0].casefold()]
        if name in _SWAPPED and others and self._chance.random() < 0.3:
            return {"not": [self._chance.choice(others)]}
        return own[0] if own[0] in self._values(kind, name) and own[0].casefold() not in ("no", "none") else None

    def _gender(self, own: str) -> Any:
        """Everything that is for somebody else is out; what is for everybody is not."""
        groups = patterns()["genders"]
        group = next((group for group, values in groups.items() if own.casefold() in values), None)
        spelled = self._wares.facets.field("gender").values
        barred = [
            value
            for value in spelled
            if any(value.casefold() in values for other, values in groups.items() if other != group)
        ]
        return {"not": sorted(barred)} if group and barred else None

    def _values(self, kind: str, name: str) -> list[str]:
        """The values of a field that a shopper who wants a `kind` can name; none where products have several."""
        values: dict[str, None] = {}
        for product in self._wares.kinds[kind]:
            if name != "brand" and len(product.attributes.get(name, ())) > 1:
                return []
            own = (
                (product.brand,)
                if name == "brand"
                else product.attributes.get(name, ()) or product.options.get(name, ())
            )
            values.update(dict.fromkeys(own))
        if name not in self._wares.facets.fields:
            return []
        return [value for value in values if value and self._speech.label(name, value, kind)]

    def _above(self, price: float, kind: str) -> float:
        """A round amount above `price` that is the price of nothing, so that "under" and "up to" mean the same."""
        step = _step(price)
        high = math.ceil(price / step) * step
        while high in self._prices(kind):
            high += step
        return high

    def _below(self, where: Where) -> float:
        """A round amount below the price of all that meets `where`; 0 where there is none."""
        prices = [
            float(variant.price.major)
            for product in self._wares.meeting(where, in_stock=False)
            for variant in product.variants
            if not self._wares.broken(product.id, variant.id, where)
        ]
        if not prices:
            return 0.0
        low = min(prices) * self._chance.choice((0.6, 0.9))
        step = _step(low)
        high = math.floor(low / step) * step
        return 0.0 if high in self._prices(where["kind"]) else high

    def _prices(self, kind: str) -> set[float]:
        return {float(variant.price.major) for product in self._wares.of(kind) for variant in product.variants}


def _step(price: float) -> float:
    return next((step for limit, step in ((20, 1.0), (100, 5.0), (500, 10.0)) if price < limit), 50.0)


def _goal(language: str, sort: str, stages: tuple[Where, ...]) -> Goal:
    digest = hashlib.sha256(json.dumps(stages, sort_keys=True).encode()).hexdigest()[:6]
    slug = re.sub(r"[^a-z0-9]+", "-", stages[-1]["kind"].casefold()).strip("-")[:24]
    return Goal("-".join(part for part in (language, sort, slug, digest) if part), language, sort, stages)


def told(name: str, wanted: Any) -> str:
    """A condition as a reader of the report is told it."""
    if not isinstance(wanted, Mapping):
        return str(wanted) if name == "kind" else f"{name} {wanted}"
    words = {"max": "at most", "min": "at least", "not": "not"}
    ((form, bound),) = wanted.items()
    bound = ", ".join(bound) if isinstance(bound, list) else f"{bound:g}" if isinstance(bound, float) else bound
    return f"{name} {words[form]} {bound}"
