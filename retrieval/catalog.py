"""What the shop sells: `Product`, `Variant`, `Money`, `Availability`, and the `Catalog` that keeps them.

The catalogue is one SQLite file. It is never edited in place: an import writes a whole new file beside it and
renames it over the old one, so that a crash at any moment leaves the last good shop.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from retrieval.errors import MerchantError, OperatorError

# ISO 4217 currencies whose minor unit is not a hundredth.
_EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "UGX": 0, "XAF": 0, "XOF": 0}
_EXPONENTS |= {"BHD": 3, "KWD": 3, "OMR": 3, "JOD": 3, "TND": 3}


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in integer minor units of an ISO 4217 currency: `Money(1299, "USD")` is 12.99 USD."""

    amount: int
    currency: str

    @classmethod
    def of(cls, value: Decimal | str | int, currency: str) -> Self:
        """`value` major units of `currency`, rounded half up to its minor unit.

        Raises:
            MerchantError: the value is not a finite number, or the currency is not three capital letters.
        """
        if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
            raise MerchantError(f"{currency!r} is no currency; write an ISO 4217 code such as USD, EUR or CNY")
        try:
            number = Decimal(value)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            raise MerchantError(f"{value!r} is no amount of money; write a number such as 12.99")
        scaled = number.scaleb(_EXPONENTS.get(currency, 2)).quantize(Decimal(1), ROUND_HALF_UP)
        return cls(int(scaled), currency)

    @property
    def major(self) -> Decimal:
        """The amount in major units: `Decimal("12.99")`."""
        return Decimal(self.amount).scaleb(-_EXPONENTS.get(self.currency, 2))

    def __str__(self) -> str:
        return f"{self.major} {self.currency}"


class Availability(StrEnum):
    """Whether a variant can be had; the words are those of schema.org and the product feeds."""

    IN_STOCK = "in_stock"
    BACKORDER = "backorder"
    PREORDER = "preorder"
    OUT_OF_STOCK = "out_of_stock"
    DISCONTINUED = "discontinued"

    @property
    def orderable(self) -> bool:
        """True where a shopper can place an order now, even if it ships later."""
        return self in (Availability.IN_STOCK, Availability.BACKORDER, Availability.PREORDER)


@dataclass(frozen=True, slots=True)
class Rating:
    """Mean review score out of five, and the number of reviews it is the mean of."""

    value: float
    count: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One orderable form of a product; `options` maps lower-case option names to values, as {"size": "9"}."""

    id: str
    price: Money
    availability: Availability
    title: str = ""
    sku: str = ""
    barcodes: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    list_price: Money | None = None
    media: tuple[str, ...] = ()


@dataclass(frozen=True)
class Product:
    """One product. `attributes` maps lower-case names to one or more values, as {"material": ("wool", "silk")}.

    `categories` is one path from broad to narrow, as ("Shoes", "Trail running shoes"); `media` are URLs, or paths
    inside the shop's folder. There is at least one variant, and all variants share one currency.
    """

    id: str
    title: str
    variants: tuple[Variant, ...]
    description: str = ""
    url: str = ""
    brand: str = ""
    categories: tuple[str, ...] = ()
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    media: tuple[str, ...] = ()
    rating: Rating | None = None

    def __post_init__(self) -> None:
        if not self.id or not self.title:
            raise MerchantError(f"a product needs an id and a title; got id {self.id!r}, title {self.title!r}")
        if not self.variants:
            raise MerchantError(f"product {self.id!r} has no variants; a product needs at least one")
        currencies = {variant.price.currency for variant in self.variants}
        if len(currencies) > 1:
            raise MerchantError(f"product {self.id!r} mixes currencies {sorted(currencies)}; use one")

    @property
    def department(self) -> str:
        """The broadest category, or "" where the feed gives none."""
        return self.categories[0] if self.categories else ""

    @property
    def kind(self) -> str:
        """The narrowest category: what sort of thing this is."""
        return self.categories[-1] if self.categories else ""

    @cached_property
    def offer(self) -> Variant:
        """The variant a shopper is shown first: the cheapest orderable one, or the cheapest of all."""
        orderable = [variant for variant in self.variants if variant.availability.orderable]
        return min(orderable or self.variants, key=lambda variant: variant.price.amount)

    @cached_property
    def options(self) -> Mapping[str, tuple[str, ...]]:
        """Option names and their values over all variants, in the feed's order."""
        values: dict[str, dict[str, None]] = {}
        for variant in self.variants:
            for name, value in variant.options.items():
                values.setdefault(name, {})[value] = None
        return {name: tuple(found) for name, found in values.items()}

    def to_json(self) -> str:
        """One line of JSON that `from_json` reads back to an equal product."""
        return json.dumps(
            {
                "id": self.id,
                "title": self.title,
                "description": self.description,
                "url": self.url,
                "brand": self.brand,
                "categories": self.categories,
                "attributes": dict(self.attributes),
                "media": self.media,
                "rating": [self.rating.value, self.rating.count] if self.rating else None,
                "variants": [
                    {
                        "id": variant.id,
                        "price": [variant.price.amount, variant.price.currency],
                        "list_price": variant.list_price and [variant.list_price.amount, variant.list_price.currency],
                        "availability": variant.availability,
                        "title": variant.title,
                        "sku": variant.sku,
                        "barcodes": variant.barcodes,
                        "options": dict(variant.options),
                        "media": variant.media,
                    }
                    for variant in self.variants
                ],
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, line: str) -> Self:
        """The product that `to_json` wrote."""
        record: dict[str, Any] = json.loads(line)
        variants = tuple(
            Variant(
                id=variant["id"],
                price=Money(*variant["price"]),
                list_price=Money(*variant["list_price"]) if variant["list_price"] else None,
                availability=Availability(variant["availability"]),
                title=variant["title"],
                sku=variant["sku"],
                barcodes=tuple(variant["barcodes"]),
                options=variant["options"],
                media=tuple(variant["media"]),
            )
            for variant in record["variants"]
        )
        return cls(
            id=record["id"],
            title=record["title"],
            description=record["description"],
            url=record["url"],
            brand=record["brand"],
            categories=tuple(record["categories"]),
            attributes={name: tuple(values) for name, values in record["attributes"].items()},
            media=tuple(record["media"]),
            rating=Rating(*record["rating"]) if record["rating"] else None,
            variants=variants,
        )


class Catalog:
    """The products of one shop, kept in a SQLite file and read by many at once.

    Args:
        path: the catalogue file; it must exist (`Catalog.write` makes it).

    Raises:
        OperatorError: the file is missing or is no catalogue.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            raise OperatorError(f"no catalogue at {path}; make one with: shopwright import FEED --shop {path.parent}")
        try:
            with closing(self._connect()) as db:
                row = db.execute("SELECT count(*), min(currency) FROM product").fetchone()
        except sqlite3.DatabaseError as error:
            raise OperatorError(f"{path} is no catalogue ({error}); import the feed again") from error
        self._count: int = row[0]
        self.currency: str = row[1] or ""

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Product]:
        """Every product, in the order of the feed, read as a stream."""
        with closing(self._connect()) as db:
            for (line,) in db.execute("SELECT json FROM product ORDER BY position"):
                yield Product.from_json(line)

    def fingerprints(self) -> dict[str, str]:
        """Product id -> SHA-256 of its content; what tells an index which products changed."""
        with closing(self._connect()) as db:
            return dict(db.execute("SELECT id, fingerprint FROM product ORDER BY position"))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all products and their order: two equal catalogues have the same one."""
        digest = hashlib.sha256()
        for product_id, fingerprint in self.fingerprints().items():
            digest.update(f"{product_id}\0{fingerprint}\n".encode())
        return digest.hexdigest()

    def products(self, ids: Iterable[str]) -> list[Product]:
        """The products with these ids, in the order given; an id that is not in the catalogue is left out."""
        with closing(self._connect()) as db:
            rows = (db.execute("SELECT json FROM product WHERE id = ?", (each,)).fetchone() for each in ids)
            return [Product.from_json(row[0]) for row in rows if row]

    @staticmethod
    def write(
        path: Path, changes: Iterable[Product], *, replace: bool = True, removed: Iterable[str] = ()
    ) -> tuple[int, int]:
        """Write a catalogue atomically and durably.

        Args:
            path: the catalogue file, which is replaced only when everything has been written.
            changes: products, read as a stream; a later product with the same id takes the earlier one's place.
            replace: True for a whole catalogue, False to upsert `changes` into the present one.
            removed: ids to drop, when upserting.

        Returns:
            How many products were written, and how many the catalogue now holds.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}.new")
        try:
            with closing(sqlite3.connect(draft)) as db:
                if not replace and path.exists():
                    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as old:
                        old.backup(db)
                db.execute("PRAGMA journal_mode = OFF")  # a draft needs no undo: it is deleted if anything fails
                db.execute(
                    "CREATE TABLE IF NOT EXISTS product (id TEXT PRIMARY KEY, position INTEGER NOT NULL,"
                    " currency TEXT NOT NULL, fingerprint TEXT NOT NULL, json TEXT NOT NULL)"
                )
                position: int = db.execute("SELECT coalesce(max(position), 0) FROM product").fetchone()[0]
                written = 0
                for product in changes:
                    line = product.to_json()
                    position += 1
                    written += 1
                    db.execute(
                        "INSERT INTO product VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
                        " currency = excluded.currency, fingerprint = excluded.fingerprint, json = excluded.json",
                        (
                            product.id,
                            position,
                            product.offer.price.currency,
                            hashlib.sha256(line.encode()).hexdigest(),
                            line,
                        ),
                    )
                db.executemany("DELETE FROM product WHERE id = ?", ((each,) for each in removed))
                db.commit()
                total: int = db.execute("SELECT count(*) FROM product").fetchone()[0]
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(draft, path)
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except (OSError, sqlite3.OperationalError) as error:
            raise OperatorError(
                f"cannot write the catalogue {path}: {error}; the last good one is untouched"
            ) from error
        finally:
            draft.unlink(missing_ok=True)
        return written, total
