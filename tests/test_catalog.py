"""The catalogue: money, products and back, and writing that never harms the last good shop."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval.catalog import Availability, Catalog, Money, Product, Rating, Variant
from retrieval.errors import MerchantError, OperatorError


def product(identity: str, price: int = 1000, currency: str = "USD", title: str = "Thing") -> Product:
    variant = Variant(identity, Money(price, currency), Availability.IN_STOCK)
    return Product(identity, f"{title} {identity}", (variant,))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop" / "catalog.sqlite"


@pytest.mark.parametrize(
    ("value", "currency", "amount", "shown"),
    [("12.99", "USD", 1299, "12.99 USD"), ("12.5", "JPY", 13, "13 JPY"), ("1.2345", "KWD", 1235, "1.235 KWD")],
)
def test_money_counts_minor_units(value: str, currency: str, amount: int, shown: str) -> None:
    assert Money.of(value, currency) == Money(amount, currency)
    assert str(Money.of(value, currency)) == shown


@pytest.mark.parametrize(("value", "currency"), [("free", "USD"), ("NaN", "USD"), ("9" * 60, "USD"), ("1", "dollars")])
def test_money_refuses_what_is_none(value: str, currency: str) -> None:
    with pytest.raises(MerchantError):
        Money.of(value, currency)


def test_product_survives_json() -> None:
    variant = Variant(
        "v",
        Money(100, "EUR"),
        Availability.PREORDER,
        title="Red",
        sku="S",
        barcodes=("4006381333931",),
        options={"color": "红"},
        list_price=Money(200, "EUR"),
        media=("https://a.b/c.jpg",),
    )
    whole = Product(
        "p",
        "Thing",
        (variant,),
        description="a\nb",
        categories=("A", "B"),
        attributes={"material": ("wool", "silk")},
        rating=Rating(4.5, 3),
    )
    assert Product.from_json(whole.to_json()) == whole


def test_product_refuses_two_currencies_and_no_variants() -> None:
    with pytest.raises(MerchantError, match="no variants"):
        Product("p", "Thing", ())
    dollars, euros = product("a").variants[0], product("b", currency="EUR").variants[0]
    with pytest.raises(MerchantError, match=r"\['EUR', 'USD'\]"):
        Product("p", "Thing", (dollars, euros))


def test_write_and_read(path: Path) -> None:
    assert Catalog.write(path, (product(each) for each in "cab")) == (3, 3)
    catalog = Catalog(path)
    assert [each.id for each in catalog] == ["c", "a", "b"]
    assert (len(catalog), catalog.currency) == (3, "USD")
    assert [each.id for each in catalog.products(["b", "nothing", "c"])] == ["b", "c"]
    assert list(catalog.variants()) == [("c", "c"), ("a", "a"), ("b", "b")]


def test_upsert_keeps_the_place_of_what_changes_and_drops_what_is_removed(path: Path) -> None:
    Catalog.write(path, [product(each) for each in "abc"])
    before = Catalog(path).fingerprint
    assert Catalog.write(path, [product("d"), product("b", 500)], replace=False, removed=["a"]) == (2, 3)
    assert [(each.id, each.offer.price.amount) for each in Catalog(path)] == [("b", 500), ("c", 1000), ("d", 1000)]
    assert Catalog(path).fingerprint != before


def test_replace_is_the_whole_catalogue_and_a_later_product_wins(path: Path) -> None:
    Catalog.write(path, [product("old")])
    Catalog.write(path, [product("a", 1), product("b"), product("a", 2)])
    assert [(each.id, each.offer.price.amount) for each in Catalog(path)] == [("a", 2), ("b", 1000)]


def test_fingerprint_is_of_content_and_order(path: Path) -> None:
    Catalog.write(path, [product("a"), product("b")])
    first = Catalog(path).fingerprint
    Catalog.write(path, [product("a"), product("b")])
    assert Catalog(path).fingerprint == first
    Catalog.write(path, [product("b"), product("a")])
    assert Catalog(path).fingerprint != first


def test_a_shop_has_one_currency(path: Path) -> None:
    Catalog.write(path, [product("a")])
    with pytest.raises(MerchantError, match="EUR and USD"):
        Catalog.write(path, [product("b", currency="EUR")], replace=False)
    assert [each.id for each in Catalog(path)] == ["a"]


def test_an_error_among_the_changes_leaves_the_old_catalogue_and_no_draft(path: Path) -> None:
    Catalog.write(path, [product("a")])

    def changes() -> Iterator[Product]:
        yield product("b")
        raise MerchantError("broken feed")

    with pytest.raises(MerchantError, match="broken feed"):
        Catalog.write(path, changes())
    assert [each.id for each in Catalog(path)] == ["a"]
    assert list(path.parent.iterdir()) == [path]


def test_a_reader_goes_on_reading_the_catalogue_it_opened(path: Path) -> None:
    Catalog.write(path, [product(str(number)) for number in range(5)])
    reading = iter(Catalog(path))
    assert next(reading).id == "0"
    Catalog.write(path, [product("new")])
    assert [each.id for each in reading] == ["1", "2", "3", "4"]
    assert [each.id for each in Catalog(path)] == ["new"]


def test_a_second_writer_is_turned_away(path: Path) -> None:
    def changes() -> Iterator[Product]:
        with pytest.raises(OperatorError, match="another import"):
            Catalog.write(path, [product("b")])
        yield product("a")

    Catalog.write(path, changes())
    assert [each.id for each in Catalog(path)] == ["a"]


@pytest.mark.parametrize("content", [b"", b"not a database" * 1000])
def test_what_is_no_catalogue_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "catalog.sqlite"
    with pytest.raises(OperatorError, match="shopwright import"):
        Catalog(path)
    path.write_bytes(content)
    with pytest.raises(OperatorError, match="no catalogue"):
        Catalog(path)
    Catalog.write(path, [product("a")])
    assert len(Catalog(path)) == 1


def test_a_catalogue_cut_short_is_an_error_wherever_it_shows(path: Path) -> None:
    Catalog.write(path, [product(str(number), title="x" * 500) for number in range(200)])
    path.write_bytes(path.read_bytes()[:8192])
    with pytest.raises(OperatorError, match="--replace"):
        list(Catalog(path))
    with pytest.raises(OperatorError, match="untouched"):
        Catalog.write(path, [product("a")], replace=False)


def test_odd_names_of_folders_are_only_names(tmp_path: Path) -> None:
    path = tmp_path / "100% wool? #1" / "catalog.sqlite"
    Catalog.write(path, [product("a")])
    Catalog.write(path, [product("b")], replace=False)
    assert len(Catalog(path)) == 2


_FULL_DISK = """
import resource, sys
from pathlib import Path
from retrieval.catalog import Catalog
from retrieval.errors import OperatorError
sys.path.insert(0, "tests")
from test_catalog import product
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    Catalog.write(Path(sys.argv[1]), (product(str(n), title="x" * 500) for n in range(5000)))
except OperatorError as error:
    print(error)
"""


def test_a_full_disk_is_said_and_harms_nothing(path: Path) -> None:
    Catalog.write(path, [product("a")])
    done = subprocess.run([sys.executable, "-c", _FULL_DISK, str(path)], capture_output=True, text=True, check=True)
    assert "cannot write the catalogue" in done.stdout
    assert "make room" in done.stdout
    assert [each.id for each in Catalog(path)] == ["a"]
    assert list(path.parent.iterdir()) == [path]


_WRITE_FOREVER = """
import sys
from pathlib import Path
sys.path.insert(0, "tests")
from test_catalog import product
from retrieval.catalog import Catalog
generation = 1
print("started", flush=True)
while True:
    generation += 1
    Catalog.write(Path(sys.argv[1]), [product(str(n), generation) for n in range(50)])
"""


def test_killed_at_any_moment_the_catalogue_is_whole(path: Path) -> None:
    Catalog.write(path, [product(str(number), 1) for number in range(50)])
    for attempt in range(8):
        with subprocess.Popen([sys.executable, "-c", _WRITE_FOREVER, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(0.013 * attempt)
            writer.send_signal(signal.SIGKILL)
        prices = {each.offer.price.amount for each in Catalog(path)}
        assert (len(Catalog(path)), len(prices)) == (50, 1)
        with sqlite3.connect(path) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        db.close()
    Catalog.write(path, [product("after")])
    assert list(path.parent.iterdir()) == [path]
