"""Prices, markup, addresses and dates as merchants write them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from retrieval.catalog import Availability, Money
from retrieval.errors import MerchantError
from retrieval.notation import availability, barcode, lasts, plain, price, prose, truth, web_address


@pytest.mark.parametrize(
    ("written", "shop", "meant"),
    [
        ("15.00 USD", "", Money(1500, "USD")),
        ("USD 15.00", "", Money(1500, "USD")),
        ("$15.00", "", Money(1500, "USD")),
        ("$15.00", "CAD", Money(1500, "CAD")),
        ("$15.00 USD", "", Money(1500, "USD")),
        ("15.00", "EUR", Money(1500, "EUR")),
        ("15,00 EUR", "", Money(1500, "EUR")),
        ("15,- €", "", Money(1500, "EUR")),
        ("1.299,00 €", "", Money(129900, "EUR")),
        ("1,299.00", "USD", Money(129900, "USD")),
        ("1,299 USD", "", Money(129900, "USD")),
        ("1'299.00 CHF", "", Money(129900, "CHF")),
        ("1 299,00 €", "", Money(129900, "EUR")),
        ("12.345.678 EUR", "", Money(1234567800, "EUR")),
        ("1.299 KWD", "", Money(1299, "KWD")),
        ("1.299 JPY", "", Money(1299, "JPY")),
        ("52.0000 USD", "", Money(5200, "USD")),
        ("¥99", "CNY", Money(9900, "CNY")),
        ("￥99 CNY", "", Money(9900, "CNY")),
        ("99元", "", Money(9900, "CNY")),
        (15, "USD", Money(1500, "USD")),
        (15.5, "USD", Money(1550, "USD")),
    ],
)
def test_prices_in_many_notations(written: Any, shop: str, meant: Money) -> None:
    assert price(written, shop, shop) == meant


@pytest.mark.parametrize(
    ("written", "cure"),
    [
        ("free", "no amount"),
        ("", "no amount"),
        ("15.00 - 20.00 USD", "no amount"),
        ("1,299,00 USD", "no amount"),
        ("1e5 USD", "no amount"),
        (True, "no amount"),
        (float("nan"), "no amount"),
        ("0.00 USD", "above zero"),
        ("-5.00 USD", "above zero"),
        ("$-5", "above zero"),
        (-5, "above zero"),
        ("9" * 50 + " USD", "beyond belief"),
        (1e30, "beyond belief"),
        ("1.299 EUR", "1299 or 1.299"),
        ("12.50 XYZ", "'XYZ' is no currency"),
        ("5 USD EUR", "two currencies"),
        ("¥100", "CNY or JPY"),
    ],
)
def test_what_is_no_price_is_refused_with_its_cure(written: Any, cure: str) -> None:
    with pytest.raises(MerchantError, match=cure):
        price(written, "", "USD")


def test_an_amount_that_names_no_currency_needs_one() -> None:
    with pytest.raises(MerchantError, match="names no currency"):
        price("15.00", "", "")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("in stock", Availability.IN_STOCK),
        ("https://schema.org/InStock", Availability.IN_STOCK),
        ("limited_stock", Availability.IN_STOCK),
        ("SoldOut", Availability.OUT_OF_STOCK),
        ("pre_order", Availability.PREORDER),
        ("BackOrder", Availability.BACKORDER),
        ("Discontinued", Availability.DISCONTINUED),
        ("perhaps", None),
    ],
)
def test_availability(written: str, meant: Availability | None) -> None:
    assert availability(written) is meant


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("size < 5 & weight > 3", "size < 5 & weight > 3"),
        ("<p>Warm &amp; dry.</p>\n<p>Ribbed cuffs,\nsoft <b>hem</b>s.</p>", "Warm & dry.\nRibbed cuffs, soft hems."),
        ("One<br/>two<ul><li>first</li><li>second <i>line</i></li></ul>end", "One\ntwo\n- first\n- second line\nend"),
        ("<table><tr><th>Width</th><td>5 cm</td></tr><tr><td>a</td></tr></table>", "Width 5 cm\na"),
        ("<script>alert(1)</script><style>p{}</style><!-- secret -->Seen", "Seen"),
        ("&lt;p&gt;Escaped&lt;/p&gt;&lt;p&gt;twice&lt;/p&gt;", "Escaped\ntwice"),
        ("R&amp;D &#8212; ok", "R&D — ok"),
        ("<html><body><p>A page</p></body></html>", "A page"),
        ("<p>", ""),
        ("a\u202eb\u200bc\x00d", "abcd"),
    ],
)
def test_prose_keeps_words_and_lines_only(markup: str, words: str) -> None:
    assert prose(markup) == words


def test_prose_of_hostile_markup_ends_soon() -> None:
    start = time.process_time()
    prose("<div>" * 20_000 + "deep")
    prose("<" * 100_000)
    prose("<a " * 50_000)
    prose("&" * 100_000)
    assert time.process_time() - start < 5


def test_plain_keeps_lines_and_drops_what_is_not_seen() -> None:
    assert plain(" a\u00a0 b\r\n\r\n\r\n\r\nc\x07\ufffd ") == "a b\n\nc"
    assert [plain(value) for value in (True, 3.0, 2.5)] == ["yes", "3", "2.5"]


@pytest.mark.parametrize("address", ["https://a.b/c?d=e", "pictures/a.svg"])
def test_addresses(address: str) -> None:
    assert web_address(address) == address
    assert web_address("//cdn.example/x.jpg") == "https://cdn.example/x.jpg"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        " JavaScript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "/etc/passwd",
        "../up.svg",
        'https://a/"onload=x',
        "http://[x",
    ],
)
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(MerchantError):
        web_address(address)


def test_barcodes() -> None:
    assert barcode("4006381-333931") == "4006381333931"
    for bad in ("N/A", "1.23457E+12", "123"):
        with pytest.raises(MerchantError):
            barcode(bad)


def test_dates_and_truth() -> None:
    assert lasts("2020-01-01T00:00Z", "")
    assert not lasts("", "2020-01-01")
    assert not lasts("2120-01-01", "2121-01-01")
    with pytest.raises(MerchantError):
        lasts("soon", "")
    assert [truth(value) for value in (True, "TRUE", "no", 0, "maybe")] == [True, True, False, False, None]
