"""Hard constraints: what a shopper will not do without, and the columns it is checked against, exactly."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.catalog import Availability, Money, Product
from retrieval.errors import MerchantError
from retrieval.facets import Facets, readings

_FORMS = ("min", "max", "any", "not")
_ABSURD = Decimal(10) ** 13  # beyond any price, and safe to count in minor units of a float


@dataclass(frozen=True)
class Condition:
    """What one field must be: one of `any_of`, none of `none_of`, and from `minimum` to `maximum` inclusive.

    Amounts are in the field's unit, and in minor units of the shop's currency for price. Values are compared
    whatever their case. A product without a value fails all but `none_of`.
    """

    field: str
    any_of: frozenset[str] = frozenset()
    none_of: frozenset[str] = frozenset()
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Filters:
    """Conditions that one variant of a product must meet all together."""

    conditions: tuple[Condition, ...] = ()

    @classmethod
    def parse(cls, mapping: Mapping[str, Any], facets: Facets) -> Self:
        """Filters as people write them in JSON.

        As in `{"price": {"min": 50, "max": 100}, "department": ["Shoes", "Bags"], "color": {"not": "black"},
        "weight": {"max": "1.2 kg"}, "size": 9, "in_stock": true}`: a value, a list of values of which any will do,
        or an object of min, max, any and not. Prices are in major units of the shop's currency.

        Raises:
            MerchantError: an unknown field, value or form; names the valid ones, nearest first.
        """
        return cls(tuple(_condition(name, wanted, facets) for name, wanted in mapping.items()))


def _condition(name: str, wanted: Any, facets: Facets) -> Condition:
    if name.strip().casefold() == "in_stock":
        if wanted is not True:
            raise MerchantError(f"in_stock is {wanted!r}; it can be true, or be left out")
        return Condition("availability", any_of=frozenset({Availability.IN_STOCK.value}))
    field = facets.field(name)
    if not isinstance(wanted, Mapping):
        return Condition(field.name, any_of=_values(field.name, wanted, facets))
    unknown = [form for form in wanted if form not in _FORMS]
    if unknown or not wanted:
        raise MerchantError(f"{name} has {', '.join(map(repr, unknown)) or 'nothing'}; use {', '.join(_FORMS)}")
    minimum, maximum = (
        _amount(field.name, wanted[form], facets, form) if form in wanted else None for form in ("min", "max")
    )
    if minimum is not None and maximum is not None and minimum > maximum:
        raise MerchantError(f"{name} has min {wanted['min']} above max {wanted['max']}; swap them")
    return Condition(
        field.name,
        any_of=_values(field.name, wanted["any"], facets) if "any" in wanted else frozenset(),
        none_of=_values(field.name, wanted["not"], facets) if "not" in wanted else frozenset(),
        minimum=minimum,
        maximum=maximum,
    )


def _values(name: str, wanted: Any, facets: Facets) -> frozenset[str]:
    listed = wanted if isinstance(wanted, list | tuple | set | frozenset) else [wanted]
    if not listed:
        raise MerchantError(f"{name} has an empty list; name a value or leave {name} out")
    for value in listed:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise MerchantError(f"{name} has {value!r}; write a word or a number")
    return frozenset(facets.value(name, str(value)) for value in listed)


def _amount(name: str, wanted: Any, facets: Facets, form: str) -> float:
    if isinstance(wanted, bool) or not isinstance(wanted, str | int | float):
        raise MerchantError(f"{name} has {form} {wanted!r}; write a number")
    if name == "price":
        try:
            number = Decimal(str(wanted))
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or abs(number) >= _ABSURD:
            raise MerchantError(f"price has {form} {wanted!r}; write a number of {facets.currency}, such as 49.90")
        # A limit between two minor units keeps its meaning: nothing above a maximum, nothing below a minimum.
        minor = number * Money.of(1, facets.currency).amount
        return float(math.floor(minor) if form == "max" else math.ceil(minor))
    amount = facets.measure(name, str(wanted))
    if amount is None:
        check_number(name, facets)
        unit = facets.field(name).unit
        raise MerchantError(f"{name} has {form} {wanted!r}; write a number{f' of {unit}' if unit else ''}")
    return amount


def check_number(name: str, facets: Facets) -> None:
    """Raise a MerchantError, naming the fields that are numbers, unless `name` is one."""
    if not facets.field(name).number:
        numbers = ", ".join(sorted(each.name for each in facets.fields.values() if each.number))
        raise MerchantError(f"{name} cannot be compared by amount; these can: {numbers}")


class Columns:
    """The filterable values of all products and variants as arrays, rows in the order of the index.

    A field that is an option is kept by variant, where a variant without that option takes its product's attribute;
    any other is kept by product.
    """

    def __init__(self, facets: Facets, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.facets = facets
        self.arrays = arrays
        self.owners = arrays["owners"]  # (variants,) row of each variant's product, ascending
        self.starts = arrays["starts"]  # (products + 1,) first variant of each product, then the number of variants
        self._codes: dict[str, dict[str, int]] = {}
        self._numbers: dict[str, NDArray[np.float64]] = {}

    @classmethod
    def of(cls, products: Iterable[Product], facets: Facets) -> Self:
        """The columns of `products`, read once as a stream."""
        codes = {name: _codes(facets, name) for name in facets.fields}
        by_variant = [name for name, field in facets.fields.items() if field.option]
        cells: dict[str, tuple[list[int], list[int]]] = {name: ([], []) for name in codes}
        owners: list[int] = []
        prices: list[int] = []
        ratings: list[float] = []

        def put(name: str, row: int, values: Iterable[str]) -> None:
            rows, found = cells[name]
            for code in {codes[name][value.casefold()] for value in values}:
                rows.append(row)
                found.append(code)

        for row, product in enumerate(products):
            ratings.append(product.rating.value if product.rating else np.nan)
            shared = dict(readings(product))
            for name, values in shared.items():
                if not facets.fields[name].option:
                    put(name, row, values)
            for variant in product.variants:
                put("availability", len(owners), [variant.availability.value])
                for name in by_variant:
                    put(name, len(owners), [variant.options[name]] if name in variant.options else shared.get(name, ()))
                owners.append(row)
                prices.append(variant.price.amount)
        arrays: dict[str, NDArray[Any]] = {
            "owners": np.asarray(owners, np.int32),
            "starts": np.searchsorted(owners, np.arange(len(ratings) + 1)),
            "price": np.asarray(prices, np.int64),
            "rating": np.asarray(ratings, np.float64),
        }
        for number, name in enumerate(facets.fields):
            rows, found = cells[name]
            arrays |= {f"rows{number}": np.asarray(rows, np.int32), f"codes{number}": np.asarray(found, np.int32)}
        return cls(facets, arrays)

    def variants(self, filters: Filters) -> NDArray[np.bool_]:
        """Which variants meet all of `filters` together: (variants,).

        Raises:
            MerchantError: an unknown field or value, or an amount of what is no number.
        """
        meeting = np.ones(len(self.owners), np.bool_)
        for condition in filters.conditions:
            meeting &= self._meeting(condition)
        return meeting

    def products(self, variants: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which products have one of `variants`: (products,)."""
        return np.logical_or.reduceat(variants, self.starts[:-1])

    def cells(self, name: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Where a field has which value: rows (of variants for an option, else of products), and value numbers."""
        number = list(self.facets.fields).index(name)
        return self.arrays[f"rows{number}"], self.arrays[f"codes{number}"]

    def _meeting(self, condition: Condition) -> NDArray[np.bool_]:
        facets = self.facets
        name = facets.field(condition.field).name
        low = -np.inf if condition.minimum is None else condition.minimum
        high = np.inf if condition.maximum is None else condition.maximum
        bounded = condition.minimum is not None or condition.maximum is not None
        wanted = [facets.value(name, value) for value in condition.any_of]
        refused = [facets.value(name, value) for value in condition.none_of]
        if name in ("price", "rating"):
            numbers = self.arrays[name]
            meeting = (numbers >= low) & (numbers <= high) if bounded else np.ones(len(numbers), np.bool_)
            return meeting if name == "price" else meeting[self.owners]
        passing = np.ones(len(facets.fields[name].values), np.bool_)
        if bounded:
            check_number(name, facets)
            passing &= (self._amounts(name) >= low) & (self._amounts(name) <= high)
        if wanted:
            passing &= self._listed(name, wanted)
        meeting = self._having(name, passing) if bounded or wanted else np.ones(len(self.owners), np.bool_)
        return meeting & ~self._having(name, self._listed(name, refused)) if refused else meeting

    def _having(self, name: str, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which variants have one of the `chosen` values of the field: (variants,)."""
        rows, codes = self.cells(name)
        by_variant = self.facets.fields[name].option
        having = np.zeros(len(self.owners) if by_variant else len(self.starts) - 1, np.bool_)
        having[rows[chosen[codes]]] = True
        return having if by_variant else having[self.owners]

    def _listed(self, name: str, values: Iterable[str]) -> NDArray[np.bool_]:
        if name not in self._codes:
            self._codes[name] = _codes(self.facets, name)
        codes = self._codes[name]
        listed = np.zeros(len(codes), np.bool_)
        # A status of stock is valid even where no variant has it.
        listed[[codes[value.casefold()] for value in values if value.casefold() in codes]] = True
        return listed

    def _amounts(self, name: str) -> NDArray[np.float64]:
        if name not in self._numbers:
            read = (self.facets.measure(name, value) for value in self.facets.fields[name].values)
            self._numbers[name] = np.asarray([np.nan if amount is None else amount for amount in read])
        return self._numbers[name]


def _codes(facets: Facets, name: str) -> dict[str, int]:
    """Casefolded value -> its place among the field's values."""
    return {value.casefold(): code for code, value in enumerate(facets.fields[name].values)}
