"""How schema.org says what a product is: Product and ProductGroup nodes of JSON-LD, turned into patches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from retrieval import notation
from retrieval.offers import (
    Fields,
    Patch,
    RejectedError,
    Row,
    categories_of,
    filled,
    listed,
    media_of,
    money,
    name_of,
    score_of,
)

_UNIT_CODES = {"KGM": "kg", "GRM": "g", "LBR": "lb", "ONZ": "oz", "MMT": "mm", "CMT": "cm", "MTR": "m", "INH": "in"}
_UNIT_CODES |= {"FOT": "ft", "MLT": "ml", "LTR": "l", "WTT": "W", "C62": "", "HUR": "h", "MIN": "min", "MON": "months"}
_PRODUCT_TYPES = frozenset({"Product", "ProductGroup", "IndividualProduct", "ProductModel", "SomeProducts", "Vehicle"})
_CROSSED_OUT = frozenset({"StrikethroughPrice", "ListPrice", "MSRP", "SRP"})


def schema_org(fields: Fields, row: Row) -> list[Patch]:
    """A patch for each product in a JSON-LD document; none in one about something else.

    Raises:
        RejectedError: a product in it cannot be used.
    """
    return [_product(node, row) for node in _nodes(fields)]


def _nodes(value: Any) -> Iterator[Fields]:
    for node in value if isinstance(value, list) else [value]:
        if not isinstance(node, Mapping):
            continue
        if _types(node) & _PRODUCT_TYPES:
            yield node
        else:
            for key in ("@graph", "itemListElement", "item", "mainEntity"):
                yield from _nodes(node.get(key))


def _product(node: Fields, row: Row) -> Patch:
    if "ProductGroup" not in _types(node) and not node.get("hasVariant"):
        parent = node.get("isVariantOf") or node.get("inProductGroupWithID")
        identity = _id(node, row)
        variants = _variants(node, row, ())
        group = _identifier(parent) if parent else row.product_of(variants[0]["id"])
        return Patch(group or identity, {}, variants)
    product = row.identity("productGroupID", _identifier(node))
    varies = {_last(each).lower() for each in listed(node.get("variesBy"))}
    shared = _shared(node, row)
    variants, rejected = [], False
    for each in listed(node.get("hasVariant")):
        if not isinstance(each, Mapping) or not {"name", "offers", "sku"} & each.keys():
            continue  # a link to a variant that is described elsewhere
        try:
            variants += _variants({"name": node.get("name"), **each}, row, varies)
        except RejectedError:
            rejected = True
    if rejected and not variants:
        raise RejectedError
    if not node.get("hasVariant") and node.get("offers"):
        variants = _variants(node, row, varies)
    return Patch(product, shared, variants)


def _shared(node: Fields, row: Row) -> dict[str, Any]:
    return filled(
        {
            "title": row.title("name", name_of(node.get("name"))),
            "description": row.description("description", name_of(node.get("description"))),
            "url": row.address("url", name_of(node.get("url"))),
            "brand": row.text("brand", name_of(node.get("brand"))),
            "categories": categories_of(row, "category", node.get("category")),
            "rating": row.rating("aggregateRating", *score_of(node)),
            "media": row.addresses("image", media_of(node.get("image"))),
        }
    )


def _variants(node: Fields, row: Row, varies: Iterable[str]) -> list[dict[str, Any]]:
    """The variants that a Product is: one, or one for each of its offers that has a SKU of its own."""
    identity = _id(node, row)
    shared = _shared(node, row)
    if not shared.get("title") and not row.product_of(identity):
        raise row.reject("name", "", "a product needs a name; fill it in")
    attributes = _attributes(node, row)
    options = {name: " / ".join(attributes.pop(name)) for name in ("size", "color", *varies) if name in attributes}
    base: dict[str, Any] = {
        "title": shared.get("title", ""),
        "media": shared.pop("media", []),
        "barcodes": row.barcodes("gtin", [node[name] for name in node if re.fullmatch(r"gtin\d*", name)]),
        "options": options,
        "attributes": attributes,
    }
    offers = list(_offers(node.get("offers")))
    skus = {name_of(offer.get("sku")) for offer in offers} - {""}
    if len(offers) > 1 and len(skus) == len(offers):
        owned = ({"id": row.identity("sku", offer["sku"]), "sku": name_of(offer["sku"])} for offer in offers)
        found = [_offer(offer, row) | own for offer, own in zip(offers, owned, strict=True)]
    elif offers:
        found = [_cheapest(offers, row) | {"id": identity, "sku": row.text("sku", name_of(node.get("sku")))}]
    else:
        raise row.reject("offers", "", "a product needs an offer with price and priceCurrency; add one")
    return [filled(base | each) | {"shared": shared} for each in found]


def _cheapest(offers: list[Fields], row: Row) -> dict[str, Any]:
    readable = []
    for offer in offers:
        with suppress(RejectedError):  # another seller's offer may do
            readable.append(_offer(offer, row))
    if not readable:
        raise RejectedError("price")
    return min(readable, key=lambda offer: int(offer["price"][0]))


def _offers(value: Any) -> Iterator[Fields]:
    for offer in listed(value):
        if not isinstance(offer, Mapping):
            continue
        if offer.get("offers"):
            inherited = {name: offer[name] for name in ("priceCurrency", "availability") if name in offer}
            yield from ({**inherited, **each} for each in listed(offer["offers"]) if isinstance(each, Mapping))
        else:
            yield {**offer, "price": offer.get("price", offer.get("lowPrice"))}


def _offer(offer: Fields, row: Row) -> dict[str, Any]:
    specified = [each for each in listed(offer.get("priceSpecification")) if isinstance(each, Mapping)]
    crossed = [each for each in specified if _last(each.get("priceType")) in _CROSSED_OUT]
    active = [each for each in specified if each not in crossed]
    source = offer if offer.get("price") not in (None, "") or not active else active[0]
    currency = source.get("priceCurrency") or offer.get("priceCurrency") or ""
    price = row.price("price", _with_currency(source.get("price"), currency))
    found: dict[str, Any] = {"price": money(price), "list_price": None}
    found["availability"] = row.availability("availability", name_of(offer.get("availability")))
    if crossed:
        value = _with_currency(crossed[0].get("price"), crossed[0].get("priceCurrency") or currency)
        higher = row.optional_price("priceSpecification", value)
        if higher and higher.amount > price.amount:
            found["list_price"] = money(higher)
    return filled(found)


def _with_currency(value: Any, currency: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = f"{Decimal(str(value)):.4f}"  # four decimals are never taken for thousands
    return f"{value} {currency}" if isinstance(value, str) and value.strip() and currency else value


def _attributes(node: Fields, row: Row) -> dict[str, list[str]]:
    found: dict[str, Any] = {}
    for name in ("color", "size", "material", "pattern", "model", "mpn", "weight", "width", "height", "depth"):
        found[name] = [_quantity(each) for each in listed(node.get(name))]
    for each in listed(node.get("additionalProperty")):
        if isinstance(each, Mapping) and each.get("name"):
            found[name_of(each["name"])] = _quantity(each)
    states = [each.get("itemCondition") for each in (node, *_offers(node.get("offers")))]
    found["condition"] = [_last(each).removesuffix("Condition").lower() for each in states if each][:1]
    audience = next((each for each in listed(node.get("audience")) if isinstance(each, Mapping)), {})
    found["gender"] = name_of(audience.get("suggestedGender") or node.get("gender")).rpartition("/")[2].lower()
    return row.attributes(found)


def _quantity(value: Any) -> str:
    """A value with its unit, as "1.2 kg", of a QuantitativeValue, a PropertyValue or plain text."""
    if not isinstance(value, Mapping):
        return notation.plain(value or "")
    if "value" not in value and {"minValue", "maxValue"} & value.keys():
        amount = "-".join(notation.plain(value[name]) for name in ("minValue", "maxValue") if name in value)
    else:
        amount = notation.plain(value["value"]) if value.get("value") is not None else name_of(value.get("name"))
    unit = value.get("unitText") or _UNIT_CODES.get(str(value.get("unitCode")), value.get("unitCode")) or ""
    return f"{amount} {unit}".strip()


def _id(node: Fields, row: Row) -> str:
    names = ("sku", "productID", "@id", "gtin", "gtin13", "mpn", "url")
    return row.identity("sku", next((node[name] for name in names if node.get(name)), None))


def _identifier(value: Any) -> str:
    if not isinstance(value, Mapping):
        return name_of(value)
    names = ("productGroupID", "@id", "sku", "url", "name")
    return next((name_of(value[name]) for name in names if value.get(name)), "")


def _types(node: Fields) -> set[str]:
    return {_last(each) for each in listed(node.get("@type"))}


def _last(value: Any) -> str:
    """The last part of a schema.org term: "InStock" of "https://schema.org/InStock"."""
    return re.split(r"[/#:]", name_of(value))[-1]
