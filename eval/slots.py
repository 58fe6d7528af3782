"""What a message says, as slots: the thing asked for, limits, whom it is for, an order, what is asked about.

The same slots are read from a line of data and from what the assistant understood; `marks` compares them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from assistant.intent import Intent
from assistant.understand import Understanding
from retrieval.catalog import Money
from retrieval.errors import MerchantError
from retrieval.facets import Facets
from retrieval.filters import Condition, Filters

# Messages that look for products: what they say of fields are limits. In a question it is what is asked about.
SEEKING = frozenset({Intent.FIND, Intent.REFINE, Intent.MORE, Intent.SIMILAR, Intent.BACK})
THING = ("kind", "department")

_WHOM = {"gender": "gender", "age group": "stage"}
_STAGES = {"kids": "child", "baby": "baby"}  # the age groups of product feeds, as a recipient has them
_ANYONE = frozenset({"unisex", "adult"})


@dataclass(frozen=True)
class Slot:
    """One thing that a message says of a field.

    Attributes:
        form: "thing", "any", "not", "min", "max", "about", "whom", "order", "than", "reduced", "dropped", "asked" or
            "refused".
        value: an amount in the field's unit (of the price, in major units), a word, or a condition.
    """

    field: str
    form: str
    value: Any = ""

    @property
    def sort(self) -> str:
        """What kind of slot it is, for figures."""
        if self.form in ("min", "max", "about"):
            return "price" if self.field == "price" else "amounts"
        return _SORTS[self.form]

    def __str__(self) -> str:
        values = self.value
        if isinstance(values, Condition):
            between = dict.fromkeys(f"{end:g}" for end in (values.minimum, values.maximum) if end is not None)
            values = " or ".join(sorted(values.any_of)) or " to ".join(between)
        elif isinstance(values, float):
            values = f"{values:g}"
        return _WORDS[self.form].format(field=self.field, value=values)


_SORTS = {
    "thing": "thing asked for",
    "any": "values",
    "not": "exclusions",
    "refused": "exclusions",
    "whom": "whom for",
    "order": "order",
    "than": "order",
    "reduced": "price",
    "dropped": "limits dropped",
    "asked": "questions",
}
_WORDS = {
    "thing": "{field} {value}",
    "any": "{field} {value}",
    "not": "{field} not {value}",
    "refused": "nothing that says {value!r}",
    "min": "{field} at least {value}",
    "max": "{field} at most {value}",
    "about": "{field} around {value}",
    "whom": "for {field} {value}",
    "order": "by {field}, {value}",
    "than": "{value} {field} than what was shown",
    "reduced": "reduced",
    "dropped": "no limit of {field} any more",
    "asked": "asks about {field}",
}


def said(where: Mapping[str, Any], facets: Facets, rates: Mapping[str, Decimal]) -> tuple[Slot, ...]:
    """The slots that a line of data writes down.

    Args:
        where: conditions as `Filters.parse` takes them, in which a price may be `"200 CNY"` and an amount
            `{"about": 40}`; besides `reduced: true`, `for: {"gender", "stage", "years"}` as in a `Recipient`,
            `order: {"field", "ascending"}`, `than: {field: "less" or "more"}`, and lists of fields in `drops` and
            `asks`.
        rates: currency -> value of one unit in the shop's.

    Raises:
        MerchantError: an unknown field, value, form or currency; names the valid ones.
    """
    slots: list[Slot] = []
    for name, wanted in where.items():
        match name:
            case "for":
                slots += _whom(_object(name, wanted, ("gender", "stage", "years")))
            case "order":
                order = _object(name, wanted, ("field", "ascending"))
                if not isinstance(order.get("ascending"), bool):
                    raise MerchantError(f"order is {wanted!r}; it needs a field, and ascending as true or false")
                rising = "ascending" if order["ascending"] else "descending"
                slots.append(Slot(facets.field(str(order.get("field"))).name, "order", rising))
            case "than":
                for each, way in _object(name, wanted, tuple(facets.fields)).items():
                    if way not in ("less", "more"):
                        raise MerchantError(f"than {each} is {way!r}; it can be less or more")
                    slots.append(Slot(facets.field(each).name, "than", way))
            case "drops" | "asks":
                form = "dropped" if name == "drops" else "asked"
                slots += [Slot(facets.field(str(each)).name, form) for each in _listed(name, wanted)]
            case "reduced":
                if wanted is not True:
                    raise MerchantError(f"reduced is {wanted!r}; it can be true, or be left out")
                slots.append(Slot("price", "reduced"))
            case _:
                slots += _limits(name, wanted, facets, rates)
    return tuple(slots)


def _whom(whom: Mapping[str, Any]) -> list[Slot]:
    known = {"gender": ("men", "women", "boys", "girls"), "stage": ("adult", "child", "baby")}
    for name, values in known.items():
        if whom.get(name, values[0]) not in values:
            raise MerchantError(f"{name} is {whom[name]!r}; it can be {', '.join(values)}")
    if not isinstance(whom.get("years", 0), int):
        raise MerchantError(f"years is {whom['years']!r}; write a whole number")
    return [Slot(name, "whom", value) for name, value in whom.items() if value != "adult"]


def _limits(name: str, wanted: Any, facets: Facets, rates: Mapping[str, Decimal]) -> list[Slot]:
    forms = dict(wanted) if isinstance(wanted, Mapping) else {"any": wanted}
    if name == "price":
        forms = {form: _converted(value, facets.currency, rates) for form, value in forms.items()}
    slots = []
    if "about" in forms:
        middle = _condition(name, {"max": forms.pop("about")}, facets)
        slots.append(Slot(middle.field, "about", _amount(middle.field, middle.maximum, facets)))
    return [*slots, *_slots(_condition(name, forms, facets), facets)] if forms else slots


def _condition(name: str, forms: Mapping[str, Any], facets: Facets) -> Condition:
    return Filters.parse({name: forms["any"] if set(forms) == {"any"} else forms}, facets).conditions[0]


def _converted(value: Any, currency: str, rates: Mapping[str, Decimal]) -> Any:
    """A price with a currency, as "200 CNY", in the shop's; any other as it is."""
    figure, _, code = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if not code:
        return value
    if code not in rates:
        raise MerchantError(f"price has {value!r}, and the shop's rates name {', '.join(sorted(rates))}")
    try:
        return str(Money.of(Decimal(figure) * rates[code], currency).major)
    except InvalidOperation as error:
        raise MerchantError(f"price has {value!r}; write it like '200 CNY'") from error


def _object(name: str, wanted: Any, keys: Sequence[str]) -> Mapping[str, Any]:
    unknown = sorted(wanted.keys() - set(keys)) if isinstance(wanted, Mapping) else [repr(wanted)]
    if unknown or not wanted:
        raise MerchantError(f"{name} has {', '.join(unknown) or 'nothing'}; it is an object of {', '.join(keys[:12])}")
    found: Mapping[str, Any] = wanted
    return found


def _listed(name: str, wanted: Any) -> list[Any]:
    if not isinstance(wanted, list):
        raise MerchantError(f"{name} is {wanted!r}; write a list of fields")
    return wanted


def _slots(condition: Condition, facets: Facets) -> list[Slot]:
    """A limit as slots: for the values, for those ruled out, for a range; each end of a range of prices is its own."""
    name, values = condition.field, condition.any_of
    if name in _WHOM and values:
        return [Slot(_WHOM[name], "whom", _STAGES.get(each, each)) for each in sorted(values - _ANYONE)]
    form = "thing" if name in THING else "any"
    slots = [Slot(name, form, Condition(name, any_of=values))] if values else []
    if condition.none_of:
        slots.append(Slot(name, "not", Condition(name, any_of=condition.none_of)))
    low, high = condition.minimum, condition.maximum
    if low is not None and high is not None and name != "price":
        return [*slots, Slot(name, "any", Condition(name, minimum=low, maximum=high))]
    ends = {"min": low, "max": high}
    return [*slots, *(Slot(name, end, _amount(name, each, facets)) for end, each in ends.items() if each is not None)]


def _amount(name: str, value: float | None, facets: Facets) -> float:
    if name == "price" and value is not None:
        return float(Money(round(value), facets.currency).major)
    return float(value or 0)


def understood(requests: Iterable[Understanding], facets: Facets) -> tuple[Slot, ...]:
    """The slots that the assistant read from a message: limits where it seeks, what is asked about in a question."""
    slots: dict[Slot, None] = {}
    for each in requests:
        if each.intent in SEEKING:
            slots |= dict.fromkeys(_sought(each, facets))
        elif each.intent is Intent.QUESTION:
            told = {claim.field for claim in each.claims}
            for claim in each.claims:
                slots |= dict.fromkeys(_slots(Condition(claim.field, any_of=claim.values), facets))
            slots |= dict.fromkeys(Slot(name, "asked") for name in each.asked if name not in told)
    return tuple(slots)


def _sought(each: Understanding, facets: Facets) -> list[Slot]:
    slots = [Slot(each.item.condition.field, "thing", each.item.condition)] if each.item else []
    for constraint in each.constraints:
        slots += [
            replace(slot, form="any") if slot.form == "thing" else slot for slot in _slots(constraint.condition, facets)
        ]
    if each.recipient:
        whom = each.recipient
        given = {"gender": whom.gender, "stage": whom.stage, "years": whom.years}
        slots += _whom({name: value for name, value in given.items() if value not in ("", None)})
    if each.order:
        slots.append(Slot(each.order.field, "order", "ascending" if each.order.ascending else "descending"))
    slots += [Slot(relative.field, "than", "less" if relative.less else "more") for relative in each.relative]
    slots += [Slot(name, "dropped") for name in each.dropped]
    slots += [Slot("text", "refused", words) for words in each.refused]
    return [*slots, Slot("price", "reduced")] if each.reduced else slots
