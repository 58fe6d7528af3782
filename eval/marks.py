"""How what the assistant understood of a message compares with what the message says, slot by slot.

Slots are compared by what they mean in the catalogue: two limits are the same if they leave the same variants among
the products that the message is about, however they were put.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from eval.slots import THING, Slot
from retrieval.catalog import Product
from retrieval.errors import MerchantError
from retrieval.filters import Condition, Filters
from retrieval.search import Search

Variants = frozenset[tuple[str, str]]  # (product, variant)

_CLOSE = 0.01  # share by which two amounts may differ, for rates and units are rounded
_AROUND = 0.35  # share by which the bounds of "around 40" may lie apart from it

# How bad it is that a slot is missed, and that one is invented, by its form or its sort: without a limit, what was
# ruled out is shown; with one too many, something that fits is not.
_MISSED = {"thing": 0.7, "whom": 0.6, "asked": 0.6, "about": 0.5, "order": 0.5, "dropped": 0.5}
_WRONG = {"price": 0.9, "amounts": 0.9, "not": 0.9, "thing": 0.7, "asked": 0.2}


@dataclass(frozen=True)
class Marks:
    """How slots were understood; `wrong` are those that nobody said."""

    hit: tuple[Slot, ...] = ()
    wrong: tuple[Slot, ...] = ()
    missed: tuple[Slot, ...] = ()

    def counts(self, sort: str = "") -> tuple[int, int, int]:
        """Hit, wrong and missed: of all slots, or of one sort."""
        hit, wrong, missed = (
            sum(not sort or slot.sort == sort for slot in slots) for slots in (self.hit, self.wrong, self.missed)
        )
        return hit, wrong, missed

    @property
    def severity(self) -> float:
        """How bad it is for a shopper, 0 where all is right."""
        lost = [_MISSED.get(slot.form, _MISSED.get(slot.sort, 0.9)) for slot in self.missed]
        invented = [_WRONG.get(slot.form, _WRONG.get(slot.sort, 0.5)) for slot in self.wrong]
        return max([*lost, *invented], default=0.0)

    def __str__(self) -> str:
        heads = {"expected ": self.missed, "understood ": self.wrong}
        return ", ".join(head + "; ".join(map(str, slots)) for head, slots in heads.items() if slots)


def mark(
    said: Sequence[Slot], optional: Sequence[Slot], given: Sequence[Slot], shown: Iterable[Product], search: Search
) -> Marks:
    """Compare what was said with what was understood.

    Args:
        optional: slots that may be understood or not; for a field that was also said, further values that may be in it.
        given: what was understood.
        shown: the products shown before, which the message is about if it names no thing itself.
    """
    meaning = _Meaning(search, said, optional, tuple(shown))
    found = {slot: meaning.match(slot, given) for slot in said}
    used = {each for among in found.values() for each in among}
    left = [each for each in given if each not in used and not meaning.allowed(each)]
    hit = [slot for slot in said if found[slot]]
    for thing in [slot for slot in _of("thing", said) if slot not in hit]:
        both, narrow = meaning.within(thing, given)
        hit += [slot for slot in both if slot not in hit]
        left = [each for each in left if each not in narrow]
    for about in [slot for slot in _of("about", said) if slot not in hit]:  # one mistake, not two
        left = [each for each in left if each.field != about.field]
    return Marks(tuple(hit), tuple(left), tuple(slot for slot in said if slot not in hit))


@dataclass(frozen=True)
class _Meaning:
    """What slots mean among the products that a message is about."""

    search: Search
    said: Sequence[Slot]
    optional: Sequence[Slot]
    shown: Sequence[Product]
    _met: dict[Condition | None, Variants] = field(default_factory=dict)

    def match(self, slot: Slot, given: Sequence[Slot]) -> list[Slot]:
        """The slots understood that mean this one; none where it was missed."""
        if slot.form == "about":
            ends = [each for each in given if each.field == slot.field and each.form in ("any", "min", "max")]
            return ends if _around(slot.value, ends) else []
        alike = [each for each in given if self._same(slot, each)]
        return [each for each in alike if each.field == slot.field] or alike[:1]

    def within(self, thing: Slot, given: Sequence[Slot]) -> tuple[list[Slot], list[Slot]]:
        """A thing told by one of its values: "wine glasses" are glasses, and only a knife is a chef's knife.

        Returns:
            The slots said by that one word, and the one that was understood.
        """
        things, limits = self._products([thing.value]), _of("any", self.said)
        for each in _of("thing", given) or _of("any", given):
            found = self._products([each.value])
            values = [slot for slot in limits if self._products([slot.value]) & things == found]
            if found and values:
                return [thing, *values], [each]
        return [], []

    def allowed(self, slot: Slot) -> bool:
        """Whether a slot that was not said may have been understood all the same."""
        if any(self._same(each, slot) for each in self.optional):
            return True
        if slot.form == "thing":
            ruled_out = self._products(each.value for each in _of("not", self.said) if each.field in THING)
            known = self._things(self.optional) | {each.id for each in self.shown}
            return self._products([slot.value]) <= known - ruled_out
        if slot.form != "any":
            return False
        left = self._variants(slot.value)
        nothing_out = bool(self._scope()) and left == self._variants(None)
        return nothing_out or (bool(left) and left <= self._either(self._more(slot)))

    def _same(self, slot: Slot, given: Slot) -> bool:
        if slot.form == given.form == "thing":
            asked, found = self._products([slot.value]), self._products([given.value])
            return asked <= found <= asked | self._things(self.optional)
        if slot.form == "asked":
            return slot.field == given.field and given.form in ("asked", "any")
        if slot.form == "not" and given.form == "refused":
            among = self._scope() or frozenset(self.search.fitting(Filters()))
            ruled_out = self._products([slot.value]) & among
            return bool(ruled_out) and ruled_out == self.search.mentioning(str(given.value)) & among
        first, second = _limit(slot), _limit(given)
        if first is None or second is None or not (_exact(first) or _exact(second)):
            return (slot.field, slot.form) == (given.field, given.form) and _equal(slot, given)
        if (slot.form == "not") != (given.form == "not"):
            return False
        more = self._more(slot)
        if slot.field == given.field and first.any_of:
            known = first.any_of.union(*(each.any_of for each in more))
            if first.any_of <= second.any_of <= known:
                return True  # whether or not any product in scope has them
        least, left = self._variants(first), self._variants(second)
        telling = slot.field == given.field or least != self._variants(None)
        return bool(least) and telling and least <= left <= least | self._either(more)

    def _more(self, slot: Slot) -> list[Condition]:
        """What the optional slots add to a limit."""
        alike = [each for each in self.optional if (each.field, each.form) == (slot.field, slot.form)]
        return [limit for each in alike if (limit := _limit(each))]

    def _things(self, slots: Iterable[Slot]) -> frozenset[str]:
        return self._products(slot.value for slot in _of("thing", slots))

    def _products(self, conditions: Iterable[Condition]) -> frozenset[str]:
        return frozenset().union(*({product for product, _ in self._met_by(each, None)} for each in conditions))

    def _scope(self) -> frozenset[str]:
        """The products that a message is about: the things it names, else others like those shown; or none."""
        like = [Condition(THING[0], any_of=frozenset({product.kind})) for product in self.shown]
        return self._things(self.said) or self._products(like)

    def _either(self, conditions: Iterable[Condition]) -> Variants:
        return frozenset().union(*map(self._variants, conditions))

    def _variants(self, condition: Condition | None) -> Variants:
        """The variants in scope that meet a condition; of all products where there is none."""
        if condition not in self._met:
            among = self._scope() or self.search.fitting(Filters())
            self._met[condition] = self._met_by(condition, among)
        return self._met[condition]

    def _met_by(self, condition: Condition | None, among: Iterable[str] | None) -> Variants:
        """The variants of `among`, by default of the whole shop, that meet a condition; none a value nobody has."""
        filters = Filters((condition,) if condition else ())
        try:
            met = self.search.variants(filters, self.search.fitting(filters) if among is None else among)
        except MerchantError:
            return frozenset()
        return frozenset((product, each) for product, ids in met.items() for each in ids)


def _of(form: str, slots: Iterable[Slot]) -> list[Slot]:
    return [slot for slot in slots if slot.form == form]


def _limit(slot: Slot) -> Condition | None:
    """The slot as a condition that variants can meet; of a price there is none, for few lie between two limits."""
    if isinstance(slot.value, Condition):
        return slot.value
    if slot.field == "price" or slot.form not in ("min", "max"):
        return None
    return Condition(slot.field, **{"minimum" if slot.form == "min" else "maximum": slot.value})


def _exact(condition: Condition) -> bool:
    """Whether the condition is more than one end of a range: those are compared as amounts."""
    return bool(condition.any_of) or None not in (condition.minimum, condition.maximum)


def _equal(slot: Slot, given: Slot) -> bool:
    if isinstance(slot.value, float) and isinstance(given.value, float):
        return math.isclose(slot.value, given.value, rel_tol=_CLOSE)
    return bool(slot.value == given.value)


def _around(middle: float, given: Iterable[Slot]) -> bool:
    """Whether limits are those of "around": they reach beyond the amount, and not far."""
    low, high = math.nan, math.nan
    for each in given:
        if isinstance(each.value, Condition):
            low, high = (math.nan if end is None else end for end in (each.value.minimum, each.value.maximum))
        elif each.form == "min":
            low = each.value
        else:
            high = each.value
    room = _AROUND * abs(middle)
    return middle < high <= middle + room and not (low < middle - room or low > middle)
