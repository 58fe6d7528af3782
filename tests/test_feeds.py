"""Importing feeds: four formats, row-numbered problems, deltas, and nothing changed by a broken feed."""

from __future__ import annotations

import csv
import gzip
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

import pytest

from retrieval.assembly import Assembly
from retrieval.catalog import Availability, Catalog, Money, Product, Rating
from retrieval.errors import MerchantError, OperatorError
from retrieval.feeds import SHOWN, VARIANTS_LIMIT, Format, Report, detect, import_feed

COLUMNS = ["id", "title", "description", "link", "image_link", "availability", "price", "sale_price", "brand"]
COLUMNS += ["item_group_id", "color", "size"]


class Shop:
    """A folder with a catalogue, fed with feeds given as text."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.catalog = folder / "catalog.sqlite"

    def feed(self, content: str | bytes, name: str = "feed.txt") -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def take(self, content: str | bytes, name: str = "feed.txt", **options: Any) -> Report:
        return import_feed(self.feed(content, name), self.catalog, **options)

    @property
    def products(self) -> dict[str, Product]:
        return {product.id: product for product in Catalog(self.catalog)}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def tsv(*rows: Mapping[str, str], delimiter: str = "\t") -> str:
    names = list(dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)]))
    lines = [delimiter.join(names), *(delimiter.join(row.get(name, "") for name in names) for row in rows)]
    return "\n".join(lines) + "\n"


def row(identity: str, **fields: str) -> dict[str, str]:
    return {"id": identity, "title": f"Thing {identity}", "availability": "in stock", "price": "10.00 USD", **fields}


def lines(*records: Any) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def rss(*items: Mapping[str, str]) -> str:
    body = "".join(
        "<item>" + "".join(f"<g:{name}>{escape(value)}</g:{name}>" for name, value in item.items()) + "</item>"
        for item in items
    )
    return f'<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>{body}</channel></rss>'


def faults(report: Report) -> list[tuple[int, str, str, bool]]:
    return [(problem.row, problem.field, problem.value, problem.dropped) for problem in report.problems]


GOOD = tsv(row("a"), row("b"))


# Google Merchant


def test_google_row_in_full(shop: Shop) -> None:
    report = shop.take(
        tsv(
            row(
                "a",
                description="<p>Soft &amp; warm</p><ul><li>washable</li></ul><script>x()</script>",
                link="https://x.example/a",
                image_link="https://x.example/a.jpg",
                additional_image_link="https://x.example/b.jpg,https://x.example/c.jpg",
                price="20.00 USD",
                sale_price="15.00 USD",
                brand="H&amp;M",
                color="Red/White",
                size="9",
                material="cotton/Tencel&reg;",
                gender="male",
                age_group="adult",
                pattern="striped",
                condition="new",
                gtin="4006381333931",
                product_type="Clothes > Tees",
                google_product_category="212",
                product_detail="General:Fit:Regular,Care:Washing:30 °C",
                **{"Heel Height": "3 cm", "cost_of_goods_sold": "4.00 USD", "shipping": "US:::5 USD"},
            )
        )
    )
    assert (report.format, report.read, report.good, report.problem_count) == (Format.GOOGLE, 1, 1, 0)
    product = shop.products["a"]
    variant = product.variants[0]
    assert product.description == "Soft & warm\n- washable"
    assert (product.url, product.brand, product.categories) == ("https://x.example/a", "H&M", ("Clothes", "Tees"))
    assert product.media == tuple(f"https://x.example/{name}.jpg" for name in "abc")
    assert (variant.price, variant.list_price) == (Money(1500, "USD"), Money(2000, "USD"))
    assert (variant.options, variant.barcodes, variant.media) == (
        {"size": "9", "color": "Red/White"},
        ("4006381333931",),
        (),
    )
    assert product.attributes == {
        "material": ("cotton", "Tencel®"),
        "gender": ("male",),
        "age_group": ("adult",),
        "pattern": ("striped",),
        "condition": ("new",),
        "heel_height": ("3 cm",),
        "fit": ("Regular",),
        "washing": ("30 °C",),
    }


def test_google_rss_and_atom(shop: Shop) -> None:
    shop.take(rss(row("a", description="<p>x</p>", product_type="A > B"), row("b")), "feed.xml")
    assert (shop.products["a"].description, shop.products["a"].categories) == ("x", ("A", "B"))
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><entry><g:id>c</g:id>'
        '<title>C</title><link rel="self" href="https://x.example/self"/><link href="https://x.example/c"/>'
        "<summary>Words</summary><g:price>5 USD</g:price><g:product_detail><g:section_name>s</g:section_name>"
        "<g:attribute_name>Fit</g:attribute_name><g:attribute_value>Slim</g:attribute_value></g:product_detail>"
        "</entry></feed>"
    )
    shop.take(atom, "feed.xml")
    added = shop.products["c"]
    assert (added.url, added.description, added.attributes) == ("https://x.example/c", "Words", {"fit": ("Slim",)})


def test_rows_of_a_group_are_variants_wherever_they_stand(shop: Shop) -> None:
    rows = [
        row(
            f"{group}-{size}",
            item_group_id=group,
            size=size,
            color="Red",
            title=f"Tee {group} - Red / {size}",
            fit=size * 2,
        )
        for size in "SML"
        for group in ("g1", "g2")
    ]
    report = shop.take(tsv(*rows[:3], row("alone"), *rows[3:]))
    assert (report.written, report.products) == (3, 3)
    assert list(shop.products) == ["g1", "g2", "alone"]
    tee = shop.products["g1"]
    assert (tee.title, [each.id for each in tee.variants]) == ("Tee g1 - Red", ["g1-S", "g1-M", "g1-L"])
    assert tee.options == {"size": ("S", "M", "L"), "color": ("Red",)}
    assert tee.variants[1].title == "Tee g1 - Red / M"
    assert tee.attributes == {"fit": ("SS", "MM", "LL")}


def test_what_varies_in_a_group_is_an_option(shop: Shop) -> None:
    shop.take(
        tsv(
            row("a", item_group_id="g", title="Cup", material="clay", capacity="1 l", brand="Acme", mpn="x"),
            row("b", item_group_id="g", title="Cup", material="clay", capacity="2 l", brand="Acme", mpn="y"),
            row("c", item_group_id="h", title="Bowl", material="clay", color="Red"),
            row("d", item_group_id="h", title="Bowl", material="wood", color="Red"),
        )
    )
    cup, bowl = shop.products["g"], shop.products["h"]
    assert (cup.options, cup.attributes) == ({"capacity": ("1 l", "2 l")}, {"material": ("clay",), "mpn": ("x", "y")})
    assert (bowl.options, bowl.attributes) == ({"color": ("Red",), "material": ("clay", "wood")}, {})


def test_a_sale_price_counts_below_the_price_and_in_its_time(shop: Shop) -> None:
    report = shop.take(
        tsv(
            row("equal", sale_price="10.00 USD"),
            row("above", sale_price="11.00 USD"),
            row("over", sale_price="5.00 USD", sale_price_effective_date="2020-01-01/2020-02-01"),
            row("on", sale_price="5.00 USD", sale_price_effective_date="2020-01-01T00:00Z/2120-02-01T00:00Z"),
            row("odd", sale_price="5.00 USD", sale_price_effective_date="spring"),
        )
    )
    prices = {each.id: (each.offer.price.amount, each.offer.list_price) for each in shop.products.values()}
    assert prices.pop("on") == (500, Money(1000, "USD"))
    assert set(prices.values()) == {(1000, None)}
    assert [(number, name) for number, name, _, _ in faults(report)] == [
        (3, "sale_price"),
        (6, "sale_price_effective_date"),
    ]


# Bad rows


def test_every_bad_row_is_reported_and_the_good_ones_go_in(shop: Shop) -> None:
    report = shop.take(
        tsv(
            row("good"),
            row(""),
            row("untitled", title=""),
            row("free", price="free"),
            row("zero", price="0.00 USD"),
            row("minus", price="-5 USD"),
            row("absurd", price="99999999999 USD"),
            row("euro", price="5.00 EUR"),
            *(row(f"fine{number}") for number in range(10)),
        )
    )
    assert faults(report) == [
        (3, "id", "", True),
        (4, "title", "", True),
        (5, "price", "free", True),
        (6, "price", "0.00 USD", True),
        (7, "price", "-5 USD", True),
        (8, "price", "99999999999 USD", True),
        (9, "price", "5.00 EUR", True),
    ]
    assert (report.read, report.good, report.dropped, report.products) == (18, 11, 7, 11)
    assert str(report.problems[2]) == (
        "feed.txt, row 5, price 'free': that is no amount; write an amount and a currency, such as 15.00 USD"
        " (row dropped)"
    )
    assert "11 of 18 rows are good" in str(report)
    assert report.problems_file is not None
    written = [json.loads(line) for line in report.problems_file.read_text("utf-8").splitlines()]
    assert written[2] == {
        "file": "feed.txt",
        "row": 5,
        "field": "price",
        "value": "free",
        "cure": "that is no amount; write an amount and a currency, such as 15.00 USD",
        "dropped": True,
    }


def test_what_is_wrong_with_the_rest_is_left_out(shop: Shop) -> None:
    report = shop.take(
        tsv(
            row(
                "a",
                link="javascript:alert(1)",
                image_link="data:text/html,x",
                gtin="N/A",
                availability="perhaps",
                rating="11",
                kind="reserved",
                material="ok",
            )
        )
    )
    assert [(name, dropped) for _, name, _, dropped in faults(report)] == [
        ("link", False),
        ("rating", False),
        ("availability", False),
        ("gtin", False),
        ("image_link", False),
    ]
    product = shop.products["a"]
    assert (product.url, product.media, product.rating, product.attributes) == ("", (), None, {"material": ("ok",)})
    assert product.offer.availability is Availability.OUT_OF_STOCK
    assert "'kind'" in report.notes[0]


def test_without_availability_a_thing_is_taken_to_be_there_and_the_report_says_so(shop: Shop) -> None:
    report = shop.take("id,title,price,quantity\na,A,5 USD,\nb,B,5 USD,0\nc,C,5 USD,3\n")
    states = [each.offer.availability for each in shop.products.values()]
    assert states == [Availability.IN_STOCK, Availability.OUT_OF_STOCK, Availability.IN_STOCK]
    assert report.notes == ("1 variants say nothing of availability and were taken as in stock",)


def test_the_later_of_two_rows_with_one_id_counts(shop: Shop) -> None:
    report = shop.take(tsv(row("a", price="1 USD", material="wool"), row("b"), row("a", price="2 USD")))
    assert faults(report) == [(2, "id", "a", True)]
    assert "row 4" in report.problems[0].cure
    assert (report.read, report.good, report.products) == (3, 2, 2)
    assert shop.products["a"].offer.price == Money(200, "USD")
    assert shop.products["a"].attributes == {}


def test_one_id_for_all_is_a_broken_feed(shop: Shop) -> None:
    shop.take(GOOD)
    with pytest.raises(MerchantError, match="only 1 of the 5 rows"):
        shop.take(tsv(*(row("same") for _ in range(5))), replace=True)
    assert list(shop.products) == ["a", "b"]


def test_one_group_for_all_has_an_end(shop: Shop) -> None:
    rows = (row(f"v{number}", item_group_id="g") for number in range(VARIANTS_LIMIT + 2))
    report = shop.take(tsv(*rows))
    assert (report.dropped, len(shop.products["g"].variants)) == (2, VARIANTS_LIMIT)


def test_only_the_first_problems_are_kept_in_memory(shop: Shop) -> None:
    report = shop.take(tsv(*(row(str(number), gtin="?") for number in range(SHOWN + 50))))
    assert (len(report.problems), report.problem_count) == (SHOWN, SHOWN + 50)
    assert report.problems_file is not None
    assert len(report.problems_file.read_text().splitlines()) == SHOWN + 50
    assert shop.take(GOOD).problems_file is None
    assert not report.problems_file.exists()


def test_dirty_text_and_huge_cells(shop: Shop) -> None:
    report = shop.take(
        tsv(
            row("a", title="Nul\x00s", brand="Bell\x07", color="\u202eRed\u200b"),
            row("b", description="word " * 1_000_000),
            row("c", title="t" * 5_000_000),
            row("d", material="m" * 5_000_000),
            row("e" * 300),
            row("f", title="=cmd|' /C calc'!A0", brand="'; DROP TABLE product; --", color="<img src=x onerror=y>"),
            *(row(f"fine{number}") for number in range(3)),
        )
    )
    assert [(number, name, dropped) for number, name, _, dropped in faults(report)] == [
        (2, "title", False),
        (2, "brand", False),
        (3, "description", False),
        (4, "title", True),
        (5, "material", False),
        (6, "id", True),
    ]
    assert max(len(problem.value) for problem in report.problems) < 300
    products = shop.products
    assert (products["a"].title, products["a"].brand, products["a"].options) == ("Nuls", "Bell", {"color": ("Red",)})
    assert 19_000 < len(products["b"].description) <= 20_000
    assert products["d"].attributes == {}
    assert (products["f"].title, products["f"].brand) == ("=cmd|' /C calc'!A0", "'; DROP TABLE product; --")
    assert products["f"].options["color"] == ("<img src=x onerror=y>",)


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode("utf-8-sig"),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("\t", ";").encode(),
        gzip.compress(GOOD.encode()),
        GOOD.encode("utf-16"),
    ],
)
def test_the_same_feed_in_other_clothes(shop: Shop, content: bytes) -> None:
    report = shop.take(content)
    assert (report.good, report.problem_count, report.notes) == (2, 0, ())
    assert [product.title for product in shop.products.values()] == ["Thing a", "Thing b"]


def test_latin_1_is_read_and_said(shop: Shop) -> None:
    report = shop.take(tsv(row("a", title="Größe", brand="Café")).encode("latin-1"))
    assert shop.products["a"].title == "Größe"
    assert "Latin-1" in report.notes[0]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "is empty"),
        ("some text\nwithout columns\n", "no known format"),
        (tsv(), "holds no products"),
        (GOOD[:-20], "stops in row 3"),
        (GOOD + '"open', "never closes"),
        (tsv(row("a"), row("b", price="free"), row("c", price="free")), "only 1 of the 3 rows"),
        (GOOD.replace("\t", ",", 11), "only 0 of the 2 rows"),
        (rss(row("a"), row("b"))[:-40], "not well-formed"),
        (lines({"item_id": "a", "title": "A", "price": "5 USD"})[:-8], "JSON"),
        (lines({"hello": "world"}), "no known format"),
        (lines({"@type": "Organization", "name": "Shop"}), "holds no products"),
        (b"PK\x03\x04", "Excel"),
        (gzip.compress(GOOD.encode())[:-9], "gzip"),
    ],
)
def test_a_feed_broken_as_a_whole_changes_nothing(shop: Shop, content: str | bytes, why: str) -> None:
    shop.take(tsv(row("kept")))
    before = shop.catalog.read_bytes()
    for replace in (False, True):
        with pytest.raises(MerchantError, match=why):
            shop.take(content, replace=replace)
        assert shop.catalog.read_bytes() == before
    assert not list(shop.folder.glob("*.new"))


def test_no_feed_there(shop: Shop) -> None:
    for path in (shop.folder / "missing.csv", shop.folder):
        with pytest.raises(MerchantError):
            import_feed(path, shop.catalog)
    assert not shop.catalog.exists()


# Formats told apart


@pytest.mark.parametrize(
    ("content", "format"),
    [
        (GOOD, Format.GOOGLE),
        (rss(row("a")), Format.GOOGLE),
        ("Handle,Title,Variant Price\na,A,5\n", Format.SHOPIFY),
        ("item_id,title,price\na,A,5 USD\n", Format.ACP),
        (lines({"feed_id": "f"}, {"id": "p", "variants": []}), Format.ACP),
        (lines({"item_id": "p"}), Format.ACP),
        (lines({"id": "p", "title": "A", "price": "5 USD"}), Format.ACP),
        ('[{"@type": "Organization"}, {"@type": "Product"}]', Format.SCHEMA_ORG),
        ('{"@context": "https://schema.org", "@graph": [{"@type": "Product"}]}', Format.SCHEMA_ORG),
        ("<html></html>", Format.SCHEMA_ORG),
    ],
)
def test_detect(shop: Shop, content: str, format: Format) -> None:
    assert detect(shop.feed(content)) is format


def test_a_feed_of_another_format_than_said_is_refused(shop: Shop) -> None:
    with pytest.raises(MerchantError, match="is a google feed, not shopify"):
        shop.take(GOOD, format=Format.SHOPIFY)
    assert shop.take(GOOD, format=Format.GOOGLE).good == 2


# Shopify

SHOPIFY = """\
Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,\
Option2 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,\
Variant Price,Variant Compare At Price,Image Src,Variant Image,Variant Barcode,Status,Cost per item,\
Fit (product.metafields.custom.fit)
tee,Tee,"<p>Soft</p>
<ul><li>x</li></ul>",Acme,Apparel > Clothing,Shirts,"summer, cotton",true,Color,Red,Size,S,\
T1,200,shopify,3,deny,15.00,20.00,https://i.example/1.jpg,,'4006381333931,active,3.00,slim; long
tee,,,,,,,,,Red,,M,T2,200,shopify,0,continue,15.00,10.00,https://i.example/2.jpg,,,,,
mug,Mug,,Acme,Uncategorized,Mugs,,true,Title,Default Title,,,M1,0,,0,deny,8.00,,https://i.example/m.jpg,,,active,,
tee,,,,,,,,,Blue,,M,T3,200,shopify,0,deny,16.00,,,https://i.example/b.jpg,,,,
tee,,,,,,,,,,,,,,,,,,,https://i.example/3.jpg,,,,,
old,Old,,Acme,,Mugs,,true,Title,Default Title,,,O1,0,,0,deny,8.00,,,,,draft,,
old,,,,,,,,,,,,,,,,,,,https://i.example/o.jpg,,,,,
bad,Bad,,Acme,,Mugs,,true,Size,S,,,B1,0,,0,deny,free,,,,,active,,
bad,,,,,,,,,M,,,B2,0,,0,deny,4.00,,,,,,,
"""


def test_shopify(shop: Shop) -> None:
    report = shop.take(SHOPIFY, "export.csv")
    assert (report.format, report.read, report.dropped, report.products) == (Format.SHOPIFY, 9, 1, 3)
    assert faults(report) == [(9, "variant price", "free", True)]
    assert report.notes == ("7 prices name no currency and were taken as USD",)
    tee, mug, bad = shop.products.values()
    assert (tee.title, tee.description, tee.brand) == ("Tee", "Soft\n- x", "Acme")
    assert tee.categories == ("Apparel", "Clothing", "Shirts")
    assert tee.attributes == {"tags": ("summer", "cotton"), "fit": ("slim", "long"), "weight": ("200 g",)}
    assert tee.media == tuple(f"https://i.example/{number}.jpg" for number in (1, 2, 3))
    assert [(each.id, each.sku, each.options, each.availability, each.list_price) for each in tee.variants] == [
        ("tee/Red/S", "T1", {"color": "Red", "size": "S"}, Availability.IN_STOCK, Money(2000, "USD")),
        ("tee/Red/M", "T2", {"color": "Red", "size": "M"}, Availability.BACKORDER, None),
        ("tee/Blue/M", "T3", {"color": "Blue", "size": "M"}, Availability.OUT_OF_STOCK, None),
    ]
    assert (tee.variants[0].barcodes, tee.variants[2].media) == (("4006381333931",), ("https://i.example/b.jpg",))
    assert (mug.categories, mug.options, mug.offer.availability) == (("Mugs",), {}, Availability.IN_STOCK)
    assert [each.options for each in bad.variants] == [{"size": "M"}]


def test_shopify_rows_are_the_whole_product(shop: Shop) -> None:
    shop.take(SHOPIFY, currency="EUR")
    lines = SHOPIFY.replace("Mug,,Acme", "Cup,,Acme").splitlines(keepends=True)
    shop.take("".join([*lines[:3], lines[4]]))
    assert [each.id for each in shop.products["tee"].variants] == ["tee/Red/S"]
    assert (shop.products["mug"].title, shop.products["mug"].offer.price.currency) == ("Cup", "EUR")
    assert list(shop.products) == ["tee", "mug", "bad"]
    shop.take(
        SHOPIFY.replace("deny,8.00,,https://i.example/m.jpg,,,active", "deny,8.00,,https://i.example/m.jpg,,,archived")
    )
    assert list(shop.products) == ["tee", "bad"]


def test_shopify_rows_without_a_title_are_said(shop: Shop) -> None:
    report = shop.take("Handle,Title,Variant Price,Option1 Value\na,A,5,x\nb,,5,x\na,,6,y\n")
    assert faults(report) == [(3, "title", "", True)]
    assert shop.products["a"].options == {"option 1": ("x", "y")}


# schema.org

GROUP = {
    "@type": "ProductGroup",
    "productGroupID": "G",
    "name": "Coat",
    "description": "<p>Warm</p>",
    "brand": {"@type": "Brand", "name": "Acme"},
    "variesBy": ["https://schema.org/size", "https://schema.org/color"],
    "aggregateRating": {"ratingValue": "88", "reviewCount": "12", "bestRating": 100},
    "hasVariant": [
        {
            "@type": "Product",
            "sku": "c1",
            "name": "Small coat",
            "size": "S",
            "color": "Green",
            "image": {"@type": "ImageObject", "url": "https://x.example/c.jpg"},
            "offers": {
                "@type": "Offer",
                "price": 39.99,
                "priceCurrency": "USD",
                "availability": "https://schema.org/InStock",
                "itemCondition": "https://schema.org/NewCondition",
            },
        },
        {
            "@type": "Product",
            "sku": "c2",
            "size": "L",
            "color": "Green",
            "offers": {
                "price": "49.99",
                "priceCurrency": "USD",
                "availability": "OutOfStock",
                "priceSpecification": {
                    "price": 59.99,
                    "priceCurrency": "USD",
                    "priceType": "https://schema.org/ListPrice",
                },
            },
        },
        {"@type": "Product", "sku": "c3", "offers": {"price": "free", "priceCurrency": "USD"}},
        {"url": "https://x.example/elsewhere"},
    ],
}
LAMP = {
    "@type": ["Product"],
    "sku": "lamp",
    "name": "Lamp",
    "category": "Home > Lamps",
    "gtin13": "4006381333931",
    "weight": {"value": 1.2, "unitCode": "KGM"},
    "additionalProperty": [{"name": "Power", "value": 40, "unitText": "W"}],
    "offers": {"@type": "AggregateOffer", "lowPrice": "10.00", "highPrice": "12.00", "priceCurrency": "USD"},
    "aggregateRating": {"ratingValue": 7, "reviewCount": 3},
}


def test_schema_org(shop: Shop) -> None:
    graph = {"@context": "https://schema.org", "@graph": [{"@type": "WebSite"}, GROUP, LAMP]}
    page = (
        '<html><head><script type="application/ld+json">{"@type": "Organization"}</script>'
        f'<script type="application/ld+json">{json.dumps(graph)}</script>'
        '<script type="application/ld+json">{"@type": "Product", oops</script></head></html>'
    )
    for content, name, read in (
        (json.dumps(graph), "graph.json", 2),
        (page, "page.html", 3),
        (lines(GROUP, LAMP), "l", 2),
    ):
        report = shop.take(content, name, replace=True)
        assert (report.format, report.read, report.products) == (Format.SCHEMA_ORG, read, 2)
        assert ("price", "free USD") in [(problem.field, problem.value) for problem in report.problems]
        coat, lamp = shop.products.values()
        assert (coat.id, coat.title, coat.description, coat.brand) == ("G", "Coat", "Warm", "Acme")
        assert coat.rating == Rating(4.4, 12)
        assert [(each.id, each.options["size"], each.price, each.list_price) for each in coat.variants] == [
            ("c1", "S", Money(3999, "USD"), None),
            ("c2", "L", Money(4999, "USD"), Money(5999, "USD")),
        ]
        assert [each.availability.orderable for each in coat.variants] == [True, False]
        assert (lamp.offer.price, lamp.rating, lamp.categories) == (Money(1000, "USD"), None, ("Home", "Lamps"))
        assert lamp.attributes == {"weight": ("1.2 kg",), "power": ("40 W",)}


def test_schema_org_variants_on_pages_of_their_own(shop: Shop) -> None:
    def variant(sku: str, size: str) -> dict[str, Any]:
        offer = {"price": 5, "priceCurrency": "EUR", "availability": "InStock"}
        parent = {"@type": "ProductGroup", "productGroupID": "G"}
        return {
            "@type": "Product",
            "sku": sku,
            "name": f"Sock, {size}",
            "size": size,
            "isVariantOf": parent,
            "offers": offer,
        }

    shop.take(json.dumps([variant("a", "S")]))
    shop.take(json.dumps([variant("b", "M")]))
    assert shop.products["G"].options == {"size": ("S", "M")}
    assert shop.products["G"].title == "Sock"


def test_schema_org_offers(shop: Shop) -> None:
    def thing(sku: str, offers: Any) -> dict[str, Any]:
        return {"@type": "Product", "sku": sku, "name": sku, "offers": offers}

    offers = [
        {"price": 7, "priceCurrency": "USD"},
        {"price": 6, "priceCurrency": "USD"},
        {"price": 5, "priceCurrency": "EUR"},
    ]
    skus = [{"price": 7, "sku": "x", "priceCurrency": "USD"}, {"price": 6, "sku": "y", "priceCurrency": "USD"}]
    report = shop.take(
        json.dumps(
            [
                thing("first", {"price": "1.50", "priceCurrency": "USD"}),
                thing("sellers", offers),
                thing("skus", {"@type": "AggregateOffer", "offers": skus}),
                thing("none", []),
                {"@type": "Product", "sku": "nameless", "offers": offers[0]},
                thing("last", {"priceSpecification": [{"price": 3, "priceCurrency": "USD"}]}),
            ]
        )
    )
    assert [(number, name, dropped) for number, name, _, dropped in faults(report)] == [
        (2, "price", False),
        (4, "offers", True),
        (5, "name", True),
    ]
    prices = {each.id: [variant.price.amount for variant in each.variants] for each in shop.products.values()}
    assert prices == {"first": [150], "sellers": [600], "skus": [700, 600], "last": [300]}


# The Agentic Commerce Protocol


def nested(identity: str, *variants: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": identity, "title": f"Thing {identity}", "variants": list(variants), **fields}


def variant(identity: str, amount: Any = 1999, **fields: Any) -> dict[str, Any]:
    price = {"amount": amount, "currency": "USD"}
    return {"id": identity, "title": identity, "price": price, "availability": {"status": "in_stock"}, **fields}


def test_acp_nested(shop: Shop) -> None:
    report = shop.take(
        lines(
            {"feed_id": "f", "target_country": "US"},
            nested(
                "p",
                variant(
                    "v1",
                    list_price={"amount": 2499, "currency": "USD"},
                    variant_options=[{"name": "Color", "value": "Red"}, {"name": "Size", "value": "S"}],
                    barcodes=[{"type": "GTIN", "value": "00012345600012"}],
                    media=[{"type": "image", "url": "https://x.example/r.jpg"}],
                    categories=[{"value": "632", "taxonomy": "google_product_category"}, {"value": "Men > Tees"}],
                    condition=["new"],
                ),
                variant(
                    "v2", 2099, availability={"available": False}, variant_options=[{"name": "Color", "value": "Blue"}]
                ),
                variant("v3", -1),
                variant("v4", 19.99),
                description={"html": "<p>Soft</p>"},
                url="https://x.example/p",
                media=[
                    {"type": "video", "url": "https://x.example/v"},
                    {"type": "image", "url": "https://x.example/p.jpg"},
                ],
                brand="Acme",
                fabric="Jersey",
            ),
            nested("empty"),
            nested("broken", variant("v5", 0)),
            nested("fine", variant("v6", "500"), title=None),
        )
    )
    assert (report.format, report.read, report.dropped) == (Format.ACP, 4, 2)
    assert [(number, name, dropped) for number, name, _, dropped in faults(report)] == [
        (2, "variants[2].price", False),
        (2, "variants[3].price", False),
        (4, "variants[0].price", True),
        (3, "variants", True),
    ]
    product, fine = shop.products.values()
    assert (product.title, product.description, product.brand) == ("Thing p", "Soft", "Acme")
    assert (product.categories, product.media) == (("Men", "Tees"), ("https://x.example/p.jpg",))
    assert product.attributes == {"condition": ("new",), "fabric": ("Jersey",)}
    first, second = product.variants
    assert (first.price, first.list_price) == (Money(1999, "USD"), Money(2499, "USD"))
    assert (first.options, first.barcodes) == ({"color": "Red", "size": "S"}, ("00012345600012",))
    assert (second.price.amount, second.availability) == (2099, Availability.OUT_OF_STOCK)
    assert (fine.title, fine.offer.price.amount) == ("v6", 500)


FLAT = [
    {
        "item_id": "a-s",
        "group_id": "a",
        "item_group_title": "Tee",
        "title": "Tee small",
        "description": "Soft",
        "url": "https://x.example/a",
        "image_url": "https://x.example/a.jpg",
        "additional_image_urls": ["https://x.example/a2.jpg"],
        "price": "20.00 USD",
        "sale_price": "15.00 USD",
        "availability": "in_stock",
        "brand": "Acme",
        "seller_name": "Shop",
        "product_category": "Men > Tees",
        "variant_dict": {"Size": "S"},
        "star_rating": "4.6",
        "review_count": 254,
        "material": "Leather, Mesh",
        "is_eligible_search": True,
        "is_ads_eligible": True,
    },
    {"item_id": "b", "title": "B", "price": 5, "availability": "unknown", "is_eligible_search": "true"},
    {"item_id": "a-m", "group_id": "a", "title": "Tee medium", "price": "20 USD", "variant_dict": '{"size": "M"}'},
    {"item_id": "c", "title": "C", "price": "5 USD", "is_eligible_search": "false"},
    {
        "item_id": "d",
        "title": "D",
        "price": "5 USD",
        "custom_variant1_category": "Fit",
        "custom_variant1_option": "Slim",
    },
]


def test_acp_flat(shop: Shop) -> None:
    report = shop.take(lines(*FLAT), "feed.jsonl")
    assert (report.format, report.read, report.withdrawn, report.products) == (Format.ACP, 5, 1, 3)
    assert faults(report) == [(2, "availability", "unknown", False)]
    tee = shop.products["a"]
    assert (tee.title, tee.categories, tee.rating) == ("Tee", ("Men", "Tees"), Rating(4.6, 254))
    assert tee.media == ("https://x.example/a.jpg", "https://x.example/a2.jpg")
    assert tee.options == {"size": ("S", "M")}
    assert tee.attributes == {"material": ("Leather", "Mesh")}
    assert [(each.title, each.price.amount) for each in tee.variants] == [("Tee small", 1500), ("Tee medium", 2000)]
    assert shop.products["d"].options == {"fit": ("Slim",)}
    table = "item_id,title,price,group_id,color\nx,X red,5 USD,g,red\ny,X blue,5 USD,g,blue\n"
    shop.take(table, "feed.csv", replace=True)
    assert (list(shop.products), shop.products["g"].options) == (["g"], {"color": ("red", "blue")})


def test_deltas_upsert_by_id_and_delete(shop: Shop) -> None:
    shop.take(lines(*FLAT), replace=True)
    report = shop.take(
        lines(
            {"item_id": "a-m", "availability": "out_of_stock", "price": "18 USD"},
            {"item_id": "d", "deleted": True},
            {"item_id": "new", "title": "New", "price": "9 USD", "availability": "in_stock"},
            {"item_id": "unknown", "deleted": True},
            {"item_id": "stranger", "availability": "in_stock"},
            {"item_id": "b", "price": "6 EUR"},
        )
    )
    assert faults(report) == [(5, "title", "", True), (6, "price", "6 EUR", True)]
    products = shop.products
    assert list(products) == ["a", "b", "new"]
    small, medium = products["a"].variants
    assert (small.price.amount, small.list_price) == (1500, Money(2000, "USD"))
    assert (medium.price.amount, medium.availability, medium.options) == (
        1800,
        Availability.OUT_OF_STOCK,
        {"size": "M"},
    )
    assert (products["a"].description, products["a"].title, products["a"].rating) == ("Soft", "Tee", Rating(4.6, 254))
    assert products["b"].offer.price.amount == 500


def test_nested_deltas(shop: Shop) -> None:
    colors = [variant(name, variant_options=[{"name": "Color", "value": name}]) for name in ("red", "blue", "green")]
    shop.take(
        lines(
            nested("p", *colors, description={"plain": "Words"}), nested("q", variant("q1")), nested("r", variant("r1"))
        )
    )
    shop.take(
        lines(
            {
                "id": "p",
                "variants": [{"id": "red", "availability": {"available": False}}, {"id": "blue", "deleted": True}],
            },
            {"id": "q", "deleted": True},
            {"id": "p", "variants": [variant("gold", 5)]},
            {"id": "r", "title": "Renamed"},
        )
    )
    product = shop.products["p"]
    assert [(each.id, each.price.amount) for each in product.variants] == [("red", 1999), ("green", 1999), ("gold", 5)]
    assert (product.title, product.description) == ("Thing p", "Words")
    assert product.variants[0].availability is Availability.OUT_OF_STOCK
    assert product.variants[0].options == {"color": "red"}
    assert (list(shop.products), shop.products["r"].title) == (["p", "r"], "Renamed")
    shop.take(lines({"id": "r", "delete": True}, nested("r", variant("r2"))))
    assert [each.id for each in shop.products["r"].variants] == ["r2"]


def test_an_item_that_changes_its_group_moves(shop: Shop) -> None:
    shop.take(tsv(row("a", item_group_id="g"), row("b", item_group_id="g"), row("c")))
    shop.take(tsv(row("b", item_group_id="h"), row("c", item_group_id="h")))
    assert {key: [each.id for each in product.variants] for key, product in shop.products.items()} == {
        "g": ["a"],
        "h": ["b", "c"],
    }


def test_upsert_keeps_what_the_feed_does_not_name(shop: Shop) -> None:
    shop.take(tsv(row("a", material="wool"), row("b")))
    report = shop.take(tsv(row("c"), row("a", price="1 USD", color="red")))
    assert (report.written, report.products) == (2, 3)
    assert list(shop.products) == ["a", "b", "c"]
    assert shop.products["a"].attributes == {"material": ("wool",)}
    assert shop.products["a"].offer.options == {"color": "red"}
    report = shop.take(tsv(row("z")), replace=True)
    assert list(shop.products) == ["z"]


def test_importing_a_feed_again_changes_nothing(shop: Shop) -> None:
    for content in (
        tsv(row("a", item_group_id="g", size="S"), row("b", item_group_id="g", size="M")),
        lines(*FLAT),
        SHOPIFY,
    ):
        shop.take(content, replace=True)
        before = Catalog(shop.catalog).fingerprint
        shop.take(content)
        assert Catalog(shop.catalog).fingerprint == before


def test_the_last_product_can_be_withdrawn_but_no_feed_empties_a_shop_by_replacing_it(shop: Shop) -> None:
    shop.take(tsv(row("a")))
    shop.take(lines({"item_id": "a", "deleted": True}))
    assert shop.products == {}
    with pytest.raises(MerchantError, match="no product that is for sale"):
        shop.take(lines({"item_id": "a", "deleted": True}), replace=True)


def test_another_currency_needs_a_new_catalogue(shop: Shop) -> None:
    shop.take(tsv(row("a")))
    with pytest.raises(MerchantError, match="the shop's prices are in USD"):
        shop.take(tsv(row("b", price="5 EUR")))
    shop.take(tsv(row("b", price="5 EUR")), replace=True)
    assert Catalog(shop.catalog).currency == "EUR"


def test_a_damaged_catalogue_can_be_replaced_but_not_added_to(shop: Shop) -> None:
    shop.catalog.write_bytes(b"rubbish" * 1000)
    with pytest.raises(OperatorError, match="--replace"):
        shop.take(GOOD)
    assert shop.take(GOOD, replace=True).products == 2


# Crashes and memory

_IMPORT = """
import resource, sys
from pathlib import Path
from retrieval.feeds import import_feed
print("started", flush=True)
import_feed(Path(sys.argv[1]), Path(sys.argv[2]), replace=True)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_killed_at_any_moment_the_last_good_shop_stays(shop: Shop) -> None:
    shop.take(tsv(*(row(f"old{number}") for number in range(100))))
    feed = shop.feed(tsv(*(row(f"new{number}") for number in range(1500))), "big.tsv")
    for attempt in range(6):
        command = [sys.executable, "-c", _IMPORT, str(feed), str(shop.catalog)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as importer:
            assert importer.stdout is not None
            importer.stdout.readline()
            time.sleep(0.12 * attempt)
            importer.send_signal(signal.SIGKILL)
        assert len(shop.products) in (100, 1500)
    assert shop.take(feed.read_bytes(), replace=True).products == 1500
    assert {path.name for path in shop.folder.iterdir()} == {"big.tsv", "catalog.sqlite", "feed.txt"}


def test_memory_does_not_grow_with_the_feed(shop: Shop) -> None:
    def peak(count: int) -> int:
        words = "A sentence of some length that is said again. " * 60
        items = (row(f"i{n}", item_group_id=f"g{n % (count // 4)}", description=words) for n in range(count))
        feed = shop.feed(tsv(*items), "big.tsv")
        done = subprocess.run(
            [sys.executable, "-c", _IMPORT, str(feed), str(shop.catalog)], capture_output=True, text=True, check=True
        )
        return int(done.stdout.split()[-1]) // 1024

    # 33 MB of feed more, which would take several times as much in memory.
    assert peak(12_400) - peak(400) < 33


# Real shops, read from beside the checkout

DATA = Path(__file__).parents[2] / "shared" / "data"
real = pytest.mark.skipif(not DATA.is_dir(), reason=f"the sample shops are not at {DATA}")


@real
def test_aws_retail_demo_store(shop: Shop) -> None:
    yaml = pytest.importorskip("yaml")
    with (DATA / "aws_retail_demo_store" / "products.yaml").open(encoding="utf-8") as file:
        items = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    report = shop.take(
        lines(
            *(
                {
                    "item_id": item["id"],
                    "title": item["name"],
                    "description": item.get("description", ""),
                    "price": f"{item['price']} USD",
                    "quantity": item["current_stock"],
                    "product_category": f"{item['category']} > {item['style']}",
                    "image_url": f"pictures/{item['category']}/{item['image']}",
                    "gender": {"F": "female", "M": "male"}.get(item.get("gender_affinity"), ""),
                }
                for item in items
            )
        )
    )
    assert (report.read, report.dropped, report.problem_count) == (len(items), 0, 0)
    products = shop.products
    assert len(products) == len(items)
    for item in items:
        product = products[item["id"]]
        assert product.offer.price.amount == round(float(item["price"]) * 100)
        assert product.categories == (item["category"], item["style"])
        assert product.offer.availability.orderable == (int(item["current_stock"]) > 0)


@real
def test_dummyjson(shop: Shop) -> None:
    items = json.loads((DATA / "dummyjson" / "products.json").read_text("utf-8"))
    report = shop.take(
        json.dumps(
            [
                {
                    "@type": "Product",
                    "sku": item["sku"],
                    "name": item["title"],
                    "description": item["description"],
                    "category": item["category"],
                    "brand": {"@type": "Brand", "name": item.get("brand", "")},
                    "image": item["images"],
                    "weight": {"value": item["weight"], "unitText": "g"},
                    "aggregateRating": {"ratingValue": item["rating"], "reviewCount": len(item["reviews"])},
                    "offers": {
                        "price": item["price"],
                        "priceCurrency": "USD",
                        "availability": "InStock" if item["stock"] else "OutOfStock",
                    },
                }
                for item in items
            ]
        )
    )
    assert (report.read, report.dropped, report.problem_count) == (len(items), 0, 0)
    products = shop.products
    assert len(products) == len({item["sku"] for item in items})
    for item in items:
        product = products[item["sku"]]
        assert (product.title, product.kind) == (" ".join(item["title"].split()), item["category"])
        assert float(product.offer.price.major) == item["price"]
        assert product.rating == Rating(round(item["rating"], 2), len(item["reviews"]))


@real
def test_magento_export_by_way_of_shopify(shop: Shop) -> None:
    with (DATA / "magento_luma_store" / "products.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    by_sku = {each["sku"]: each for each in rows}
    parents = [each for each in rows if each["product_type"] == "configurable"]
    path = shop.folder / "shopify.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _MAGENTO_COLUMNS)
        writer.writeheader()
        for parent in parents:
            writer.writerows(_shopify_rows(parent, by_sku))
    report = import_feed(path, shop.catalog)
    assert (report.format, report.dropped, report.problem_count) == (Format.SHOPIFY, 0, 0)
    products = shop.products
    assert len(products) == len(parents)
    assert sum(len(product.variants) for product in products.values()) == report.read
    hoodie = products["chaz-kangeroo-hoodie"]
    assert hoodie.categories == ("Men", "Tops", "Hoodies & Sweatshirts")
    assert hoodie.options == {"size": ("XS", "S", "M", "L", "XL"), "color": ("Black", "Gray", "Orange")}
    assert hoodie.attributes["material"] == ("Wool",)
    assert "\n• Machine wash/dry." in hoodie.description
    for product in products.values():
        assert not re.search(r"<\w|&\w+;", product.description)


_MAGENTO_COLUMNS = [
    "Handle",
    "Title",
    "Body (HTML)",
    "Type",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Variant SKU",
    "Variant Price",
    "Variant Inventory Qty",
    "Material (product.metafields.custom.material)",
]


def _shopify_rows(parent: Mapping[str, str], by_sku: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, str]]:
    path = parent["categories"].split(",")[0].removeprefix("Default Category/")
    extra = dict(pair.split("=", 1) for pair in parent["additional_attributes"].split(",") if "=" in pair)
    for number, written in enumerate(parent["configurable_variations"].split("|")):
        chosen = dict(pair.split("=", 1) for pair in written.split(","))
        child = by_sku[chosen.pop("sku")]
        names, values = _pair(chosen.keys()), _pair(chosen.values())
        material = extra.get("material", "").replace("|", ";")
        yield {
            "Handle": re.sub(r"[^a-z0-9]+", "-", parent["name"].lower()).strip("-"),
            "Title": parent["name"] if number == 0 else "",
            "Body (HTML)": parent["description"] if number == 0 else "",
            "Type": path.replace("/", " > ") if number == 0 else "",
            "Option1 Name": names[0] if number == 0 else "",
            "Option1 Value": values[0],
            "Option2 Name": names[1] if number == 0 else "",
            "Option2 Value": values[1],
            "Variant SKU": child["sku"],
            "Variant Price": child["price"],
            "Variant Inventory Qty": child["qty"],
            "Material (product.metafields.custom.material)": material if number == 0 else "",
        }


def _pair(values: Iterable[str]) -> list[str]:
    return [*values, "", ""][:2]


# A product in the making


def test_titles_in_common() -> None:
    def title(*titles: str, **options: str) -> str:
        assembly = Assembly("g", None)
        for number, each in enumerate(titles):
            size = options.get("sizes", "S M L").split()[number]
            change = {"id": each, "title": each, "price": [1, "USD"], "options": {"size": size}, "attributes": {}}
            change["shared"] = {"title": each}
            assembly.apply(number, {"shared": {}, "variants": [change], "withdrawn": False, "rejected": False})
        product = assembly.product()
        assert product is not None
        return product.title

    assert title("Tee - S", "Tee - M") == "Tee"
    assert title("Wool sock, small", "Wool sock, medium") == "Wool sock"
    assert title("Wool socks XS", "Wool socks XL", sizes="XS XL") == "Wool socks"
    assert title("Red thing", "Blue thing") == "Red thing"
    assert title("Same", "Same", "Same") == "Same"
