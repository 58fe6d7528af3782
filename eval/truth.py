"""What is true of a product, read from the catalogue's own record and by no code that the assistant uses to find it.

Conditions are written as the filters of `shopwright search` are: `{"kind": "Kettles", "price": {"max": 60},
"color": {"not": ["Red"]}, "capacity": {"min": "1.5 l"}, "size": "L", "in_stock": true}`; besides, `id` names products
and `reduced: true` asks for a price below the list price. Values are compared whatever their case; amounts in the
field's unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from retrieval.catalog import Product, Variant
from retrieval.errors import MerchantError
from retrieval.facets import Facets

Where = Mapping[str, Any]
_FORMS = {"min", "max", "any", "not"}


def fits(product: Product, where: Where, facets: Facets, variants: Iterable[str] | None = None) -> bool:
    """Whether one variant of the product, of those named if they are, meets all conditions together."""
    among = [each for each in product.variants if variants is None or each.id in set(variants)]
    return any(all(_holds(product, each, name, wanted, facets) for name, wanted in where.items()) for each in among)


def check(where: Where, facets: Facets, ids: Iterable[str] = ()) -> None:
    """See that the conditions can be met at all.

    Args:
        ids: the products of the shop.

    Raises:
        MerchantError: an unknown field, value, form or product; names the valid ones.
    """
    known = set(ids)
    for name, wanted in where.items():
        if name in ("in_stock", "reduced"):
            if wanted is not True:
                raise MerchantError(f"{name} is {wanted!r}; it can be true, or be left out")
            continue
        for form, value in _forms(name, wanted):
            if form in ("min", "max"):
                _amount(name, value, facets)
                continue
            for each in _listed(value):
                if name != "id":
                    facets.value(name, each)
                elif each not in known:
                    raise MerchantError(f"no product has the id {each!r}")


def _forms(name: str, wanted: Any) -> list[tuple[str, Any]]:
    forms = dict(wanted) if isinstance(wanted, Mapping) else {"any": wanted}
    if unknown := sorted(forms.keys() - _FORMS):
        raise MerchantError(f"{name} has {unknown[0]!r}; use {', '.join(sorted(_FORMS))}")
    return list(forms.items())


def _holds(product: Product, variant: Variant, name: str, wanted: Any, facets: Facets) -> bool:
    if name == "in_stock":
        return variant.availability.orderable
    if name == "reduced":
        return variant.list_price is not None and variant.price < variant.list_price
    values = {value.casefold() for value in _values(product, variant, name)}
    for form, value in _forms(name, wanted):
        listed = {each.casefold() for each in _listed(value)} if form in ("any", "not") else set()
        if form == "any" and not values & listed:
            return False
        if form == "not" and values & listed:
            return False
        if form in ("min", "max"):
            limit = _amount(name, value, facets)
            amounts = _amounts(product, variant, name, values, facets)
            if not any(amount >= limit if form == "min" else amount <= limit for amount in amounts):
                return False
    return True


def _values(product: Product, variant: Variant, name: str) -> tuple[str, ...]:
    own = {
        "id": product.id,
        "department": product.department,
        "kind": product.kind,
        "brand": product.brand,
        "availability": variant.availability.value,
    }
    if name in own:
        return (own[name],)
    return (variant.options[name],) if name in variant.options else product.attributes.get(name, ())


def _amounts(product: Product, variant: Variant, name: str, values: Iterable[str], facets: Facets) -> list[float]:
    if name == "price":
        return [float(variant.price.major)]
    if name == "rating":
        return [product.rating.value] if product.rating else []
    return [amount for value in values if (amount := facets.measure(name, value)) is not None]


def _amount(name: str, wanted: Any, facets: Facets) -> float:
    if isinstance(wanted, int | float) and facets.field(name).number:
        return float(wanted)  # in the field's unit
    amount = facets.measure(facets.field(name).name, str(wanted))
    if amount is None:
        raise MerchantError(f"{name} has the amount {wanted!r}; write a number in its unit")
    return amount


def _listed(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]
