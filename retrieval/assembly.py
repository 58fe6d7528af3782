"""What the patches of one product add up to: `Assembly`, which knows how variants make a product."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from retrieval.catalog import Availability, Money, Product, Rating, Variant
from retrieval.records import Fault

# What Google Merchant lets the variants of a group differ in: such an attribute is an option where they do.
_AXES = frozenset({"size", "color", "material", "pattern", "gender", "age_group", "size_type", "size_system"})
# Attributes that may differ between variants without being what a shopper chooses by.
_NO_CHOICE = frozenset({"mpn", "weight", "tags", "product_highlight", "condition", "model"})
_SEPARATORS = " -–—/|,:(["


class Assembly:
    """One product in the making, from what the shop has of it (or None) and the patches of a feed, in their order.

    `faults` are rows that came to nothing, `assumed` counts variants whose availability no one states, and `emptied`
    says that the feed itself took out all there was.
    """

    def __init__(self, identity: str, present: Product | None) -> None:
        self.faults: list[tuple[int, Fault]] = []
        self.assumed = 0
        self.emptied = False
        self._id = identity
        self._rows: list[int] = []
        self._rejected = False
        self._shared: dict[str, Any] = {}
        self._present = _shared_of(present) if present else {}
        self._variants: dict[str, dict[str, Any]] = {}
        for variant in present.variants if present else ():
            self._variants[variant.id] = {**_own(variant), "attributes": dict(self._present["attributes"])}

    def apply(self, row: int, patch: Mapping[str, Any]) -> None:
        """Take in a patch, as a mapping with the fields of `retrieval.offers.Patch`; `row` is where it stands."""
        if patch["withdrawn"]:
            self._shared, self._present, self._variants, self.emptied = {}, {}, {}, True
            return
        self._rows.append(row)
        self._rejected |= patch["rejected"]
        shared = dict(patch["shared"])
        more = shared.pop("more_media", [])
        attributes = {**self._shared.get("attributes", {}), **shared.get("attributes", {})}
        self._shared |= shared | ({"attributes": attributes} if attributes else {})
        if more:
            self._shared["media"] = list(dict.fromkeys([*self._shared.get("media", []), *more]))
        for change in patch["variants"]:
            self._change(row, change)

    def _change(self, row: int, change: dict[str, Any]) -> None:
        identity = change["id"]
        if "withdrawn" in change:
            if identity == self._id and identity not in self._variants:
                self._variants.clear()
            self._variants.pop(identity, None)
            self.emptied = not self._variants
            return
        self.emptied = False
        variant = self._variants.setdefault(identity, {})
        parts = ("options", "attributes", "shared", "aside")
        nested = {name: {**variant.get(name, {}), **change.get(name, {})} for name in parts}
        variant |= {**change, **nested, "row": row}

    def product(self) -> Product | None:
        """The product, or None where nothing is left of it or nothing can be sold."""
        for identity in [identity for identity, variant in self._variants.items() if "price" not in variant]:
            cure = "nothing is known of its price; write an amount and a currency, such as 15.00 USD"
            self.faults.append((self._variants.pop(identity)["row"], Fault("price", "", cure)))
        if not self._variants:
            if not self.emptied and not self.faults and not self._rejected and self._rows:
                cure = "no row gives it a variant with a price; add one"
                self.faults.append((self._rows[0], Fault("variants", self._id, cure)))
            return None
        variants = list(self._variants.values())
        for variant in variants:
            self._name_options(variant)
        options, attributes = _split(variants)
        fields = self._fields(variants)
        title = fields.get("title") or self._title(variants, options)
        if not title:
            if not self.emptied:
                cure = "no row gives this product a title; fill it in"
                self.faults += ((row, Fault("title", "", cure)) for row in self._rows)
            return None
        media = tuple(fields.get("media") or variants[0].get("media") or ())
        rating = fields.get("rating")
        return Product(
            id=self._id,
            title=title,
            description=fields.get("description", ""),
            url=fields.get("url", ""),
            brand=fields.get("brand", ""),
            categories=tuple(fields.get("categories", ())),
            attributes={
                name: tuple(values)
                for name, values in {**attributes, **self._shared.get("attributes", {})}.items()
                if not any(name in chosen for chosen in options)
            },
            media=media,
            rating=Rating(*rating) if rating else None,
            variants=tuple(
                self._variant(variant, chosen, title, media) for variant, chosen in zip(variants, options, strict=True)
            ),
        )

    def _fields(self, variants: list[dict[str, Any]]) -> dict[str, Any]:
        """What is said of the product: by it, else by its first variant, else so far, else by any variant."""
        fields: dict[str, Any] = {}
        for variant in reversed(variants):
            fields |= variant.get("aside", {}) | variant.get("shared", {})
        rows = any("shared" in variant and variant["shared"] for variant in variants)
        fields |= self._present | variants[0].get("shared", {})
        if rows:
            named = (variant.get("shared", {}).get("group_title") for variant in variants)
            fields["title"] = next(filter(None, named), "")
        elif not self._present:
            fields.pop("title", None)
        if "media" not in self._shared and variants[0].get("media"):
            fields["media"] = variants[0]["media"]
        return fields | self._shared

    def _title(self, variants: list[dict[str, Any]], options: list[dict[str, str]]) -> str:
        """What the variants' titles have in common, where they differ by their options."""
        titles: list[str] = [variant.get("title") or self._present.get("title", "") for variant in variants]
        if len(set(titles)) == 1 or not all(titles):
            return next((title for title in titles if title), "")
        low, high = min(titles), max(titles)  # any character that two titles differ in, these two do
        common = low[: next((at for at, letter in enumerate(low) if high[at] != letter), len(low))]
        if any(title[len(common) :][:1] not in ("", *_SEPARATORS) for title in titles):
            common = common[: max(common.rfind(mark) for mark in _SEPARATORS) + 1]
        common = common.rstrip(_SEPARATORS)
        by_option = all(
            _words(title[len(common) :]) <= _words(" ".join(chosen.values()))
            for title, chosen in zip(titles, options, strict=True)
        )
        return common if common and (by_option or 2 * len(common) >= min(map(len, titles))) else titles[0]

    def _name_options(self, variant: dict[str, Any]) -> None:
        """Give the values of a Shopify row the names that the product's first row has for them."""
        names = self._shared.get("axes", ["", "", ""])
        for number, (name, value) in enumerate(zip(names, variant.pop("values", ()), strict=False), 1):
            if value and (name, value) != ("title", "Default Title"):
                variant["options"][name or f"option {number}"] = value

    def _variant(self, fields: dict[str, Any], options: dict[str, str], title: str, media: tuple[str, ...]) -> Variant:
        own = tuple(fields.get("media", ()))
        self.assumed += "availability" not in fields
        return Variant(
            id=fields["id"],
            price=Money(*fields["price"]),
            list_price=Money(*fields["list_price"]) if fields.get("list_price") else None,
            availability=Availability(fields.get("availability", Availability.IN_STOCK)),
            title="" if fields.get("title") == title else fields.get("title", ""),
            sku=fields.get("sku", ""),
            barcodes=tuple(fields.get("barcodes", ())),
            options=options,
            media=() if own == media else own,
        )


def _shared_of(product: Product) -> dict[str, Any]:
    rating = product.rating
    fields = {
        "title": product.title,
        "description": product.description,
        "url": product.url,
        "brand": product.brand,
        "categories": product.categories,
        "media": product.media,
        "rating": (rating.value, rating.count) if rating else None,
    }
    return {name: value for name, value in fields.items() if value} | {"attributes": dict(product.attributes)}


def _own(variant: Variant) -> dict[str, Any]:
    listed = variant.list_price
    return {
        "id": variant.id,
        "title": variant.title,
        "price": (variant.price.amount, variant.price.currency),
        "list_price": (listed.amount, listed.currency) if listed else None,
        "availability": variant.availability,
        "sku": variant.sku,
        "barcodes": variant.barcodes,
        "options": dict(variant.options),
        "media": variant.media,
    }


def _split(variants: list[dict[str, Any]]) -> tuple[list[dict[str, str]], dict[str, list[str]]]:
    """The options of each variant, and the attributes of them all: what variants are chosen by, and what they share."""
    names = {name: None for variant in variants for name in variant["options"]}
    readings: dict[str, list[tuple[str, ...]]] = {}
    for variant in variants:
        for name, values in variant["attributes"].items():
            readings.setdefault(name, []).append(tuple(values))
    varying = [name for name, found in readings.items() if len(set(found)) > 1 and name not in _NO_CHOICE]
    names |= dict.fromkeys(name for name in varying if name in _AXES)
    for name in varying:
        # Where the options so far do not tell the variants apart, what does is an option too.
        single = len(readings[name]) == len(variants) and all(len(values) == 1 for values in readings[name])
        if name not in names and single and _kinds(variants, names) < _kinds(variants, {**names, name: None}):
            names[name] = None
    options = [_chosen(variant, names) for variant in variants]
    attributes = {
        name: list(dict.fromkeys(value for values in found for value in values))
        for name, found in readings.items()
        if name not in names
    }
    return options, attributes


def _chosen(variant: Mapping[str, Any], names: Mapping[str, None]) -> dict[str, str]:
    found = {name: variant["options"].get(name) or "/".join(variant["attributes"].get(name, ())) for name in names}
    return {name: value for name, value in found.items() if value}


def _kinds(variants: list[dict[str, Any]], names: Mapping[str, None]) -> int:
    return len({tuple(_chosen(variant, names).items()) for variant in variants})


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))
