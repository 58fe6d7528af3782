"""What one record of a feed says: the words of each `Format`, turned into a `Patch` of a product.

What is wrong with an id, a title or a price rejects the record; what is wrong with anything else is left out of it.
Both are noted in the `Row`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from retrieval import notation
from retrieval.catalog import Availability, Money
from retrieval.errors import MerchantError
from retrieval.facets import BUILT_IN
from retrieval.records import Fault

TEXT_LIMIT = 20_000  # characters of a description
_MARKUP_LIMIT = 10 * TEXT_LIMIT
_ID_LIMIT, _TITLE_LIMIT, _VALUE_LIMIT = 200, 1_000, 1_000
# What stands between the values of an attribute that can have several; other attributes are one value as they are.
_SEPARATORS = {"material": "/,;|", "pattern": "/;|", "tags": ",", "product_highlight": "|"}
_BARE_AMOUNT = re.compile(r"[\d.,'’\s−-]*")


Fields = Mapping[str, Any]


class Format(StrEnum):
    """Whose words a feed uses: Google Merchant, a Shopify export, schema.org, or the Agentic Commerce Protocol."""

    GOOGLE = "google"
    SHOPIFY = "shopify"
    SCHEMA_ORG = "schema.org"
    ACP = "acp"


class RejectedError(Exception):
    """The record cannot be used; the last fault of its row says why."""


@dataclass
class Patch:
    """What a record changes in the product with the id `product`; the keys are those of `Product.to_json`.

    `shared` is said of the product, each of `variants` of the one with its "id". Where a record is about one variant,
    that has under "shared" what it says of the product and under "attributes" what may differ between variants.
    `withdrawn` takes the product out of the shop, and so does "withdrawn" with a variant.
    """

    product: str
    shared: dict[str, Any] = field(default_factory=dict)
    variants: list[dict[str, Any]] = field(default_factory=list)
    withdrawn: bool = False


@dataclass
class Till:
    """The one currency of a shop; "" until the first good record names it. `unnamed` is that of a bare amount."""

    currency: str
    unnamed: str
    notes: Counter[str]

    def price(self, value: Any) -> Money:
        """The price that `value` names.

        Raises:
            MerchantError: it is no price, or one in another currency than the shop's.
        """
        own = self.currency or self.unnamed
        money = self.accept(notation.price(value, own, own))
        if _BARE_AMOUNT.fullmatch(str(value)):
            self.notes[f"prices name no currency and were taken as {own}"] += 1
        return money

    def accept(self, money: Money) -> Money:
        """`money` itself, where it is a price in the shop's currency.

        Raises:
            MerchantError: it is not.
        """
        if self.currency and money.currency != self.currency:
            raise MerchantError(f"the shop's prices are in {self.currency}; give the price in {self.currency}")
        return notation.checked(money)


@dataclass
class Row:
    """A record being read: where it stands, what is known so far, and what was found wrong with it."""

    number: int
    till: Till
    product_of: Callable[[str], str]  # variant id -> product id in the present catalogue, "" for a new one
    faults: list[Fault] = field(default_factory=list)
    rejected: bool = False

    def fault(self, name: str, value: Any, cure: object) -> None:
        """Note that `value` is left out, or mended as `cure` says."""
        self.faults.append(Fault(name, _shown(value), str(cure)))

    def reject(self, name: str, value: Any, cure: object) -> RejectedError:
        """Note that the record cannot be used; raise what this returns."""
        self.fault(name, value, cure)
        return RejectedError(name)

    def text(self, name: str, value: Any) -> str:
        """`value` as clean text of one value."""
        if not value and value != 0:
            return ""
        value = _first(value)
        clean = notation.plain(notation.unescaped(value) if isinstance(value, str) else value)
        return self._clean(name, clean, value, _VALUE_LIMIT, "")

    def texts(self, name: str, value: Any, separators: str = "") -> tuple[str, ...]:
        """The clean texts in a list, or in a text whose values stand between `separators` (a character class)."""
        # Entities first: the semicolon that ends one is no separator.
        values = [notation.unescaped(each) if isinstance(each, str) else each for each in listed(value)]
        pieces = [
            piece
            for each in values
            if isinstance(each, (str, int, float))
            for piece in (re.split(f"[{separators}]", each) if separators and isinstance(each, str) else [each])
        ]
        return tuple(dict.fromkeys(found for piece in pieces if (found := self.text(name, piece))))

    def _clean(self, name: str, clean: str, value: Any, limit: int, cut: str) -> str:
        if isinstance(value, str) and notation.unreadable(value):
            self.fault(
                name, value, "it held control or unreadable characters, which were removed; save the feed as UTF-8"
            )
        if len(clean) > limit:
            self.fault(
                name, value, f"it has {len(clean):,} characters, {limit:,} are allowed; {cut or 'it was left out'}"
            )
            return clean[:limit] if cut else ""
        return clean

    def description(self, name: str, value: Any) -> str:
        """`value`, which may be HTML, as prose; cut where it is too long."""
        text = _first(value)
        if not isinstance(text, str):
            return ""
        words = notation.prose(text[:_MARKUP_LIMIT])
        if len(text) > _MARKUP_LIMIT and len(words) <= TEXT_LIMIT:
            self.fault(name, text, f"it has {len(text):,} characters with its markup; the end was cut off")
        return self._clean(name, words, text, TEXT_LIMIT, "the end was cut off")

    def identity(self, name: str, value: Any) -> str:
        """`value` as an id.

        Raises:
            RejectedError: it is missing, too long or unreadable.
        """
        value = _first(value)
        text = notation.plain(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
        if not text:
            raise self.reject(name, value, "every product needs an id of its own; fill it in")
        if len(text) > _ID_LIMIT or "\n" in text or notation.unreadable(str(value)):
            raise self.reject(name, value, f"an id has at most {_ID_LIMIT} visible characters on one line")
        return text

    def title(self, name: str, value: Any) -> str:
        """`value` as a title on one line, or "" where there is none.

        Raises:
            RejectedError: it is too long.
        """
        value = _first(value)
        if not isinstance(value, (str, int, float)):
            return ""
        text = " ".join(notation.prose(str(value)[:_MARKUP_LIMIT]).split())
        if len(text) > _TITLE_LIMIT:
            raise self.reject(name, value, f"a title has at most {_TITLE_LIMIT:,} characters, this has {len(text):,}")
        return self._clean(name, text, value, _TITLE_LIMIT, "")

    def price(self, name: str, value: Any) -> Money:
        """`value` as the price.

        Raises:
            RejectedError: it is none.
        """
        value = _first(value)
        if value in (None, ""):
            raise self.reject(name, "", "a product needs a price; write an amount and a currency, such as 15.00 USD")
        try:
            return self.till.price(value)
        except MerchantError as error:
            raise self.reject(name, value, error) from error

    def optional_price(self, name: str, value: Any) -> Money | None:
        """`value` as a second price, or None where there is none or it cannot be read."""
        value = _first(value)
        if value in (None, "") or not re.search(r"[1-9]", str(value)):
            return None
        try:
            return self.till.price(value)
        except MerchantError as error:
            self.fault(name, value, error)
            return None

    def availability(self, name: str, value: Any) -> Availability | None:
        """`value` as an availability; None where there is none, out of stock where it cannot be read."""
        text = self.text(name, value) if value else ""
        if not text:
            return None
        found = notation.availability(text)
        if found is None:
            known = ", ".join(Availability)
            self.fault(name, text, f"it was taken as out_of_stock; write one of {known}")
        return found or Availability.OUT_OF_STOCK

    def addresses(self, name: str, values: Iterable[Any]) -> list[str]:
        """Those of `values` that are addresses of pages or pictures."""
        return list(dict.fromkeys(found for value in values if (found := self.address(name, value))))

    def address(self, name: str, value: Any) -> str:
        """`value` as the address of a page or picture, or "" where it is none."""
        text = notation.plain(_first(value) or "")
        try:
            return notation.web_address(text) if text else ""
        except MerchantError as error:
            self.fault(name, value, error)
            return ""

    def barcodes(self, name: str, values: Iterable[Any]) -> list[str]:
        """Those of `values` that are barcodes."""
        found = []
        for value in values:
            try:
                found += [notation.barcode(text)] if (text := notation.plain(value or "")) else []
            except MerchantError as error:
                self.fault(name, value, error)
        return list(dict.fromkeys(found))

    def rating(self, name: str, value: Any, count: Any, best: Any = 5) -> tuple[float, int] | None:
        """A mean score out of `best` as one out of five, with the number of reviews (0 where the feed has none)."""
        value, count = _first(value), _first(count)
        if value in (None, "") or str(count).strip() in ("0", "0.0"):
            return None
        try:
            score = float(str(value).replace(",", ".")) * 5 / float(best)
            reviews = int(float(str(count).replace(",", ""))) if count not in (None, "") else 0
        except (ValueError, OverflowError, ZeroDivisionError):
            self.fault(
                name, f"{value} of {best}, {count} reviews", "write numbers: a mean score and a count of reviews"
            )
            return None
        if not 0 < score <= 5 or reviews < 0:
            self.fault(name, value, f"a rating lies above 0 and at most at {best}")
            return None
        return round(score, 2), reviews

    def attributes(self, found: Fields) -> dict[str, list[str]]:
        """Names in lower case with their values; a name that the shop's own filters have is left out."""
        kept: dict[str, list[str]] = {}
        for name, value in found.items():
            name = " ".join(notation.plain(name).lower().split())
            values = self.texts(name, value, _SEPARATORS.get(name, ""))
            if not name or len(name) > 60 or not values:
                continue
            if name in BUILT_IN:
                self.till.notes[f"values of {name!r} were left out: a filter of every shop is named so; rename it"] += 1
            else:
                kept[name] = list(dict.fromkeys([*kept.get(name, []), *values]))
        return kept


def _first(value: Any) -> Any:
    return next((each for each in value if each), None) if isinstance(value, list) else value


def _shown(value: Any) -> str:
    text = (
        value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    )
    return text if len(text) <= 200 else f"{text[:200]}… ({len(text):,} characters)"


def path_of(row: Row, name: str, value: Any) -> list[str]:
    """A category path, broad to narrow, from a text such as "Shoes > Trail running"; numbers name nothing here."""
    text = row.text(name, value)
    steps = [step for step in re.split(r"\s*(?:>|›|»|/{2})\s*", text) if step]
    if steps and all(step.isdigit() for step in steps):
        row.till.notes["categories are numbers and were left out; add a product_type such as Shoes > Boots"] += 1
        return []
    return steps


def money(amount: Money) -> list[Any]:
    """An amount as `Product.to_json` has it."""
    return [amount.amount, amount.currency]


def is_withdrawn(fields: Fields) -> bool:
    """Whether a record of a delta takes its product or variant out."""
    if any(notation.truth(fields.get(name)) for name in ("delete", "deleted", "is_deleted")):
        return True
    return any(str(fields.get(name, "")).lower() in ("delete", "remove") for name in ("op", "action", "operation"))


def name_of(value: Any) -> str:
    """The text that a JSON value is or goes by."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, Mapping):
        value = next((value[name] for name in ("@value", "name", "value", "url", "@id") if value.get(name)), "")
    return str(value) if isinstance(value, (str, int, float)) else ""


def listed(value: Any, separator: str = "") -> list[Any]:
    """`value` as a list; a text is split at `separator`."""
    if value in (None, ""):
        return []
    if isinstance(value, str) and separator:
        return [piece for piece in value.split(separator) if piece.strip()]
    return value if isinstance(value, list) else [value]


def filled(fields: dict[str, Any]) -> dict[str, Any]:
    """`fields` without what is empty: a patch does not empty what it does not mention. No list price is mentioned."""
    return {name: value for name, value in fields.items() if value or name == "list_price"}


def media_of(value: Any) -> list[str]:
    """The addresses of pictures, given as text or as objects with a "url"; videos and models are left out."""
    addresses = []
    for each in listed(value):
        if isinstance(each, Mapping):
            if each.get("type", "image") not in ("image", "ImageObject"):
                continue
            each = each.get("url") or each.get("contentUrl") or each.get("@id")
        addresses.append(name_of(each))
    return [address for address in addresses if address]


def categories_of(row: Row, name: str, value: Any) -> list[str]:
    """The first category path that has names; the merchant's own taxonomy goes before others."""
    paths = listed(value)
    paths.sort(key=lambda each: not (isinstance(each, Mapping) and each.get("taxonomy") == "merchant"))
    for each in paths:
        text = name_of(each.get("value") or each.get("name")) if isinstance(each, Mapping) else name_of(each)
        if text and not text.startswith("http") and (path := path_of(row, name, text)):
            return path
    return []


def score_of(fields: Fields) -> tuple[Any, Any, Any]:
    """Mean score, number of reviews and best score, as schema.org or the protocol has them."""
    rated = fields.get("aggregateRating") or fields.get("rating")
    if isinstance(rated, list):
        rated = rated[0]
    if isinstance(rated, Mapping):
        count = rated.get("reviewCount") or rated.get("ratingCount") or rated.get("count")
        return rated.get("ratingValue") or rated.get("value"), count, rated.get("bestRating") or 5
    return fields.get("star_rating", rated), fields.get("review_count"), 5
