"""What the shop sells: `Product`, `Variant`, `Money`, `Availability`, and the `Catalog` that keeps them.

The catalogue is one SQLite file. It is never edited in place: an import writes a whole new file beside it and
renames it over the old one, so that a crash at any moment leaves the last good shop.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
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
            scaled = Decimal(value).scaleb(_EXPONENTS.get(currency, 2)).quantize(Decimal(1), ROUND_HALF_UP)
        except InvalidOperation:  # no number, infinite, or more digits than money has
            scaled = Decimal("NaN")
        if not scaled.is_finite():
            raise MerchantError(f"{value!r} is no amount of money; write a number such as 12.99")
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
        OperatorError: the file is missing or is no catalogue, now or when it is read later.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            raise OperatorError(f"no catalogue at {path}; make one with: shopwright import FEED --shop {path.parent}")
        count, currency = next(self._rows("SELECT count(*), min(currency) FROM product"))
        self._count: int = count
        self.currency: str = currency or ""

    def _rows(self, query: str) -> Iterator[Any]:
        try:
            with closing(_reading(self.path)) as db:
                yield from db.execute(query)
        except sqlite3.DatabaseError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: sqlite3.DatabaseError) -> OperatorError:
        return OperatorError(f"{self.path} is no catalogue ({error}); import the whole feed again, with --replace")

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Product]:
        """Every product, in the order of the feed, read as a stream."""
        for (line,) in self._rows("SELECT json FROM product ORDER BY position"):
            yield Product.from_json(line)

    def fingerprints(self) -> dict[str, str]:
        """Product id -> SHA-256 of its content; what tells an index which products changed."""
        return dict(self._rows("SELECT id, fingerprint FROM product ORDER BY position"))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all products and their order: two equal catalogues have the same one."""
        digest = hashlib.sha256()
        for product_id, fingerprint in self.fingerprints().items():
            digest.update(f"{product_id}\0{fingerprint}\n".encode())
        return digest.hexdigest()

    def variants(self) -> Iterator[tuple[str, str]]:
        """(variant id, product id) of every variant, read as a stream."""
        yield from self._rows(
            "SELECT json_extract(variant.value, '$.id'), product.id FROM product, json_each(product.json, '$.variants')"
            " AS variant ORDER BY product.position"
        )

    def products(self, ids: Iterable[str]) -> list[Product]:
        """The products with these ids, in the order given; an id that is not in the catalogue is left out."""
        try:
            with closing(_reading(self.path)) as db:
                rows = (db.execute("SELECT json FROM product WHERE id = ?", (each,)).fetchone() for each in ids)
                return [Product.from_json(row[0]) for row in rows if row]
        except sqlite3.DatabaseError as error:
            raise self._unreadable(error) from error

    @staticmethod
    def write(
        path: Path, changes: Iterable[Product], *, replace: bool = True, removed: Iterable[str] = ()
    ) -> tuple[int, int]:
        """Write a catalogue atomically and durably; one writer at a time, while readers go on reading the old one.

        Args:
            path: the catalogue file, which is replaced only when everything has been written.
            changes: products, read as a stream; a later product with the same id takes the earlier one's place. It is
                read while no other writer can be at work, and an error it raises leaves the old catalogue.
            replace: True for a whole catalogue, False to upsert `changes` into the present one. A product that
                changes keeps its place, a new one comes last.
            removed: ids to drop when upserting, read after `changes`.

        Returns:
            How many products were written, and how many the catalogue now holds.

        Raises:
            OperatorError: the disk is full or not writable, another writer is at work, or the present catalogue
                cannot be read.
            MerchantError: the products are priced in more than one currency.
        """
        draft = path.with_name(f"{path.name}.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _only_writer(path):
                try:
                    # A crash leaves a draft behind; it is nobody's, for its writer's lock is gone.
                    draft.unlink(missing_ok=True)
                    with closing(sqlite3.connect(draft)) as db:
                        if not replace and path.exists():
                            with closing(_reading(path)) as old:
                                old.backup(db)
                        counts = _fill(db, changes, removed)
                    _sync(draft, os.O_RDWR)
                    os.replace(draft, path)
                    _sync(path.parent, os.O_RDONLY)
                finally:
                    draft.unlink(missing_ok=True)
        except (OSError, sqlite3.DatabaseError) as error:
            raise OperatorError(
                f"cannot write the catalogue {path}: {error}; make room on the disk or mend the folder."
                " The last good catalogue is untouched"
            ) from error
        return counts


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


@contextmanager
def _only_writer(path: Path) -> Iterator[None]:
    """Lock the shop's folder: the lock needs no file of its own and ends with the process, however it ends."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OperatorError(f"{path} is being written by another import; wait until it has ended") from error
        yield
    finally:
        os.close(folder)


def _fill(db: sqlite3.Connection, changes: Iterable[Product], removed: Iterable[str]) -> tuple[int, int]:
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
            (product.id, position, product.offer.price.currency, hashlib.sha256(line.encode()).hexdigest(), line),
        )
    db.executemany("DELETE FROM product WHERE id = ?", ((each,) for each in removed))
    currencies = [row[0] for row in db.execute("SELECT DISTINCT currency FROM product ORDER BY currency")]
    if len(currencies) > 1:
        raise MerchantError(f"the products are priced in {' and '.join(currencies)}; a shop has one currency")
    db.commit()
    total: int = db.execute("SELECT count(*) FROM product").fetchone()[0]
    return written, total


def _sync(path: Path, mode: int) -> None:
    handle = os.open(path, mode)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
