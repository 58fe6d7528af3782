"""How each `Format` says what a product is: the fields of a record, turned into patches."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from retrieval import notation
from retrieval.catalog import Availability, Money
from retrieval.errors import MerchantError
from retrieval.offers import (
    Fields,
    Format,
    Patch,
    RejectedError,
    Row,
    categories_of,
    filled,
    is_withdrawn,
    listed,
    media_of,
    money,
    name_of,
    path_of,
    score_of,
)
from retrieval.schema_org import schema_org

_PICTURES = re.compile(r",(?=\s*(?:https?:)?//)")

# The names of flat product feeds, today's and earlier ones, for those of Google Merchant.
_FLAT_NAMES = {
    "item_id": "id",
    "url": "link",
    "image_url": "image_link",
    "additional_image_urls": "additional_image_link",
    "group_id": "item_group_id",
    "product_category": "product_type",
    "inventory": "quantity",
    "star_rating": "rating",
    "product_review_rating": "rating",
    "review_count": "reviews",
    "product_review_count": "reviews",
    "summary": "description",
    "content": "description",
}
# What is for a sales channel or the merchant alone, not for a shopper: never an attribute.
_FLAT_UNSHOWN = re.compile(
    r"(ads_|accepts_|auto_pricing|custom_label|delivery|excluded_|geo_|included_|installment|is_|loyalty|marketplace|max_"
    r"|min_|mobile_|pickup|popularity|promotion|related_|relationship|return|seller|shipping|short_title|store_"
    r"|subscription|target_|tax|transit|unit_pricing).*|.*_(url|urls|link|template|date)|adult|author|availability_date"
    r"|category|comments|cost_of_goods_sold|created|guid|handling_time|identifier_exists|offer_id|op|action|operation"
    r"|delete|deleted|is_deleted|listing_has_variations|pause|pubdate|published|q_and_a|raw_review_data|updated"
)
_SHOPIFY_NAMES = {
    "url handle": "handle",
    "body (html)": "body",
    "body": "body",
    "description": "body",
    "published on online store": "published",
    "variant sku": "sku",
    "variant price": "price",
    "variant compare at price": "compare at price",
    "compare-at price": "compare at price",
    "variant inventory qty": "quantity",
    "inventory quantity": "quantity",
    "variant inventory tracker": "tracker",
    "inventory tracker": "tracker",
    "variant inventory policy": "policy",
    "continue selling when out of stock": "policy",
    "variant barcode": "barcode",
    "image src": "image",
    "product image url": "image",
    "variant image url": "variant image",
    "variant grams": "grams",
    "weight value (grams)": "grams",
}
_SHOPIFY_UNSHOWN = re.compile(
    r"(charge tax|collection|compare.at price|cost per item|fulfillment|gift card|google product category|image"
    r"|included|inventory|option\d|price /|requires shipping|seo|tax|template|unit price|variant|weight unit"
    r"|custom label|adwords|custom product).*"
)
_METAFIELD = re.compile(r"(.*?)\s*\(product\.metafields\.(.*)\)")


def tell(fields: Fields) -> Format | None:
    """The format that a table's columns or a record's keys are of, or None where they are of none."""
    names = {name.strip().lower().removeprefix("g:").replace(" ", "_") for name in fields}
    if any(name.startswith("@") for name in fields):
        return Format.SCHEMA_ORG
    if names & {"handle", "url_handle"} and names & {"variant_price", "price", "variant_sku", "option1_name"}:
        return Format.SHOPIFY
    if "item_id" in names or ("id" in names and isinstance(fields.get("variants"), list)):
        return Format.ACP
    if "id" in names and names & {"title", "price", "availability", "item_group_id", "delete", "deleted"}:
        return Format.GOOGLE
    return None


def patches(format: Format, fields: Fields, row: Row) -> list[Patch]:
    """What a record of `format` changes; [] for one that is about no product, such as a shop's own description.

    Raises:
        RejectedError: it is about a product, and cannot be used.
    """
    read: dict[Format, Callable[[Fields, Row], list[Patch]]] = {
        Format.GOOGLE: _flat,
        Format.SHOPIFY: _shopify,
        Format.SCHEMA_ORG: schema_org,
        Format.ACP: _acp,
    }
    return read[format](fields, row)


def _flat(fields: Fields, row: Row) -> list[Patch]:
    rest: dict[str, Any] = {}
    for name, value in fields.items():
        name = _flat_name(name)
        rest[name] = rest.get(name) or value
    take = rest.pop
    identity = row.identity("id", take("id", None))
    present = row.product_of(identity)
    product = row.text("item_group_id", take("item_group_id", "")) or present or identity
    if is_withdrawn(rest) or notation.truth(rest.get("is_eligible_search")) is False:
        return [Patch(present or product, variants=[{"id": identity, "withdrawn": True}])]

    variant: dict[str, Any] = {"id": identity}
    shared: dict[str, Any] = {}
    title = row.title("title", take("title", None))
    if not title and not present:
        raise row.reject("title", "", "a product needs a title; fill it in")
    price, sale = take("price", None), take("sale_price", None)
    if price not in (None, "") or not present:
        variant |= _on_sale(row, row.price("price", price), sale, rest)
    elif sale:
        row.fault("sale_price", sale, "a sale price needs the price beside it; it was left out")

    shared["title"] = variant["title"] = title
    shared["group_title"] = row.title("item_group_title", take("item_group_title", None))
    shared["description"] = row.description("description", take("description", None))
    shared["url"] = row.address("link", take("link", None))
    shared["brand"] = row.text("brand", take("brand", ""))
    own, google = take("product_type", ""), take("google_product_category", "")
    shared["categories"] = path_of(row, "product_type", own) or path_of(row, "google_product_category", google)
    shared["rating"] = row.rating("rating", take("rating", None), take("reviews", None))

    stock = _stock(take("quantity", None))
    variant["availability"] = row.availability("availability", take("availability", None)) or stock
    variant["sku"] = row.text("sku", take("sku", ""))
    variant["barcodes"] = row.barcodes("gtin", listed(take("gtin", None), ","))
    pictures = [each for value in listed(take("additional_image_link", None)) for each in _PICTURES.split(str(value))]
    variant["media"] = row.addresses("image_link", [*listed(take("image_link", None)), *pictures])
    options = {name: row.text(name, take(name, "")) for name in ("size", "color")} | _named_options(row, rest)
    details = [pair for value in listed(take("product_detail", None)) for pair in _details(value)]
    shown = {name: value for name, value in rest.items() if not _FLAT_UNSHOWN.fullmatch(name)}
    attributes = row.attributes(shown)
    for name, value in details:
        attributes |= row.attributes({name: value})
    variant |= {"options": filled(options), "attributes": attributes}
    return [Patch(product, variants=[filled(variant) | {"shared": filled(shared)}])]


@lru_cache
def _flat_name(name: str) -> str:
    name = re.sub(r"[\s-]+", "_", name.strip().lower()).removeprefix("g:")
    return _FLAT_NAMES.get(name, name)


def _on_sale(row: Row, price: Money, sale: Any, rest: dict[str, Any]) -> dict[str, Any]:
    """Price and list price, where the sale price counts only below the price and between its dates."""
    lower = row.optional_price("sale_price", sale)
    start, _, end = str(rest.pop("sale_price_effective_date", "") or "").partition("/")
    start, end = rest.pop("sale_price_start_date", start) or "", rest.pop("sale_price_end_date", end) or ""
    if lower and lower.amount > price.amount:
        row.fault("sale_price", sale, f"a sale price lies below the price, {price}; it was left out")
    elif lower and lower != price:
        try:
            if notation.lasts(str(start), str(end)):
                return {"price": money(lower), "list_price": money(price)}
        except MerchantError as error:
            row.fault("sale_price_effective_date", f"{start}/{end}", f"{error}; the sale price was left out")
    return {"price": money(price), "list_price": None}


def _named_options(row: Row, rest: dict[str, Any]) -> dict[str, str]:
    """Options by the merchant's own names: a variant_dict, or pairs custom_variant1_category and _option."""
    options: dict[str, str] = {}
    named = rest.pop("variant_dict", None)
    if isinstance(named, str) and named.strip():
        with suppress(ValueError):  # what is no JSON is reported below
            named = json.loads(named)
    if named and not isinstance(named, dict):
        row.fault("variant_dict", named, 'write a JSON object such as {"capacity": "64 GB"}; it was left out')
    elif named:
        options |= {notation.plain(name).lower(): row.text("variant_dict", value) for name, value in named.items()}
    for name in [name for name in rest if re.fullmatch(r"custom_variant\d+_category", name)]:
        value = rest.pop(name.replace("category", "option"), "")
        options[row.text(name, rest.pop(name)).lower()] = row.text(name.replace("category", "option"), value)
    return {name: value for name, value in options.items() if name}


def _details(value: Any) -> Iterator[tuple[str, str]]:
    """(name, value) pairs of Google's product_detail: an element's parts, or "section:name:value, ..."."""
    if isinstance(value, Mapping):
        yield str(value.get("attribute_name", "")), str(value.get("attribute_value", ""))
        return
    for detail in re.split(r",(?=[^,:]*:)", str(value)):
        name, _, text = detail.rpartition(":")
        yield name.rpartition(":")[2], text


def _shopify(fields: Fields, row: Row) -> list[Patch]:
    rest: dict[str, Any] = {}
    for name, value in fields.items():
        name = name.strip().lower().removeprefix("google shopping / ")
        metafield = _METAFIELD.fullmatch(name)
        if metafield and metafield[2].endswith(("rating", "rating_count")):
            name = metafield[2].rpartition(".")[2]
        elif metafield:
            name, value = metafield[1], listed(notation.unescaped(value), ";")
        name = _SHOPIFY_NAMES.get(name, name)
        rest[name] = rest.get(name) or value
    take = rest.pop
    handle = row.identity("handle", take("handle", None))
    if take("status", "active").lower() in ("draft", "archived") or notation.truth(take("published", "true")) is False:
        return [Patch(handle, withdrawn=True)]

    title = row.title("title", take("title", None))
    axes = [row.text(f"option{n} name", take(f"option{n} name", "")).lower() for n in (1, 2, 3)]
    values = [row.text(f"option{n} value", take(f"option{n} value", "")) for n in (1, 2, 3)]
    shared: dict[str, Any] = {"title": title, "axes": axes if any(axes) else []}
    shared["more_media"] = row.addresses("image src", listed(take("image", None)))
    amount, compared, sku = take("price", ""), take("compare at price", ""), row.text("sku", take("sku", ""))
    if not title and not any(values) and not amount and not sku:
        return [Patch(handle, filled(shared))]

    patch = Patch(handle, shared)
    shared["description"] = row.description("body", take("body", None))
    shared["brand"] = row.text("vendor", take("vendor", ""))
    path, kind = path_of(row, "product category", take("product category", "")), path_of(row, "type", take("type", ""))
    path = [] if path == ["Uncategorized"] else path
    folded = {step.casefold() for step in path}
    shared["categories"] = [*path, *(step for step in kind if step.casefold() not in folded)]
    scored = take("rating", None)
    if isinstance(scored, str) and scored.startswith("{"):
        found = re.search(r'"value":\s*"?([\d.]+)', scored)
        scored = found[1] if found else scored
    shared["rating"] = row.rating("rating", scored, take("rating_count", None))

    variant: dict[str, Any] = {"values": values, "sku": sku}
    named = [value for value in values if value and value != "Default Title"]
    variant["id"] = "/".join([handle, *named])
    quantity, policy = take("quantity", ""), take("policy", "").lower()
    untracked = take("tracker", "unknown") == ""  # the column is there and empty: the shop does not count this
    variant["availability"] = Availability.IN_STOCK if untracked else _stock(quantity, policy in ("continue", "true"))
    variant["barcodes"] = row.barcodes("barcode", [take("barcode", "").lstrip("'")])
    variant["media"] = row.addresses("variant image", listed(take("variant image", None)))
    grams = take("grams", "0")
    if re.fullmatch(r"\d+(\.\d+)?", grams) and float(grams) > 0:
        rest["weight"] = f"{float(grams):g} g"
    shown = {name: value for name, value in rest.items() if not _SHOPIFY_UNSHOWN.fullmatch(name)}
    variant["attributes"] = row.attributes(shown)
    try:
        price = row.price("variant price", amount)
        crossed = row.optional_price("compare at price", compared)
        above = crossed is not None and crossed.amount > price.amount
        variant |= {"price": money(price), "list_price": money(crossed) if crossed and above else None}
        patch.variants = [filled(variant)]
    except RejectedError:
        # The row still names the product for its other variants.
        row.rejected = True
    patch.shared = filled(shared)
    return [patch]


def _acp(fields: Fields, row: Row) -> list[Patch]:
    if "feed_id" in fields and "id" not in fields and "item_id" not in fields:
        return []  # the feed's header
    identity = fields.get("id")
    known = isinstance(identity, str) and row.product_of(identity) == identity
    flat = {"item_id", "price", "availability", "link", "image_link", "sale_price"} & fields.keys()
    if not isinstance(fields.get("variants"), list) and (flat or not known):
        return _flat(fields, row)
    product = row.identity("id", identity)
    patch = Patch(product)
    if is_withdrawn(fields):
        patch.withdrawn = True
        return [patch]
    described = _description(fields.get("description"))
    patch.shared = filled(
        {
            "title": row.title("title", fields.get("title")),
            "description": row.description("description", described),
            "url": row.address("url", fields.get("url")),
            "brand": row.text("brand", name_of(fields.get("brand") or fields.get("vendor"))),
            "categories": categories_of(row, "categories", fields.get("categories") or fields.get("category")),
            "media": row.addresses("media", media_of(fields.get("media"))),
            "rating": row.rating("rating", *score_of(fields)),
        }
    )
    for number, each in enumerate(fields.get("variants") or []):
        before = len(row.faults)
        with suppress(RejectedError):  # the other variants can still be sold
            patch.variants.append(_acp_variant(each, row))
        place = f"variants[{number}]."
        row.faults[before:] = [fault._replace(field=place + fault.field) for fault in row.faults[before:]]
    if fields.get("variants") and not patch.variants:
        raise RejectedError
    read = {"id", "title", "description", "url", "brand", "vendor", "categories", "category", "media", "variants"}
    read |= {"rating", "star_rating", "review_count", "attributes", "seller"}
    named = fields.get("attributes")
    extra = {name: value for name, value in fields.items() if name not in read and not _FLAT_UNSHOWN.fullmatch(name)}
    extra |= named if isinstance(named, dict) else {}
    patch.shared |= filled({"attributes": row.attributes(extra)})
    return [patch]


def _acp_variant(fields: Any, row: Row) -> dict[str, Any]:
    if not isinstance(fields, dict):
        raise row.reject("id", fields, "a variant is a JSON object with an id")
    identity = row.identity("id", fields.get("id"))
    if is_withdrawn(fields):
        return {"id": identity, "withdrawn": True}
    variant: dict[str, Any] = {"id": identity, "title": row.title("title", fields.get("title"))}
    if fields.get("price") is not None or not row.product_of(identity):
        price = _minor_units(row, fields.get("price"))
        variant |= {"price": money(price), "list_price": None}
        regular = fields.get("list_price")
        try:
            crossed = _minor_units(row, regular) if regular else None
        except RejectedError:
            crossed = None  # the fault is noted
        if crossed and crossed.amount > price.amount:
            variant["list_price"] = money(crossed)
    state = fields.get("availability")
    if isinstance(state, dict):
        found = row.availability("availability", state.get("status"))
        buyable = notation.truth(state.get("available"))
        if buyable is False and (found is None or found.orderable):
            found = Availability.OUT_OF_STOCK
    else:
        found = row.availability("availability", state)
    variant["availability"] = found
    variant["sku"] = row.text("sku", fields.get("sku", ""))
    codes = [each.get("value") if isinstance(each, dict) else each for each in listed(fields.get("barcodes"))]
    variant["barcodes"] = row.barcodes("barcodes", codes)
    pairs = fields.get("variant_options") or fields.get("options") or []
    if isinstance(pairs, list):
        pairs = {str(each.get("name", "")): each.get("value") for each in pairs if isinstance(each, dict)}
    options = {notation.plain(name).lower(): row.text(f"option {name}", value or "") for name, value in pairs.items()}
    variant["options"] = {name: value for name, value in options.items() if name and value}
    variant["media"] = row.addresses("media", media_of(fields.get("media")))
    variant["attributes"] = row.attributes({"condition": fields.get("condition") or ""})
    shared = {
        "title": variant["title"],
        "description": row.description("description", _description(fields.get("description"))),
        "url": row.address("url", fields.get("url")),
        "categories": categories_of(row, "categories", fields.get("categories")),
    }
    return filled(variant) | {"aside": filled(shared)}


def _minor_units(row: Row, value: Any) -> Money:
    """A price as the protocol writes it, {"amount": 1999, "currency": "USD"} for 19.99, or else as text."""
    if not isinstance(value, dict):
        return row.price("price", value)
    amount, currency = value.get("amount"), value.get("currency")
    if isinstance(amount, str) and amount.strip().isdigit():
        amount = int(amount)
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise row.reject("price", value, "the amount is a whole number of minor units, such as 1999 for 19.99")
    try:
        return row.till.accept(Money(amount, Money.of(0, str(currency).upper()).currency))
    except MerchantError as error:
        raise row.reject("price", value, error) from error


def _stock(quantity: Any, more_to_come: bool = False) -> Availability | None:
    try:
        left = float(quantity)
    except (TypeError, ValueError):
        return None
    if left > 0:
        return Availability.IN_STOCK
    return Availability.BACKORDER if more_to_come else Availability.OUT_OF_STOCK


def _description(value: Any) -> Any:
    if isinstance(value, Mapping):
        return next((value[name] for name in ("plain", "html", "markdown") if value.get(name)), None)
    return value
