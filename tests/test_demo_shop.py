"""The demo shop: enough of everything, the same on every run, and descriptions that agree with their attributes."""

from __future__ import annotations

import csv
import hashlib
import re
import tomllib
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.demo_shop import make as workshop
from assistant.demo_shop.pictures import DRAWINGS, Look, paint
from assistant.demo_shop.tables import kinds
from retrieval.catalog import Availability, Catalog, Product
from retrieval.feeds import import_feed
from retrieval.glossary import Glossary

# A value that reads the same in every language: "320 g", "9.5", "-5 °C".
NUMBER = re.compile(r"-?\d+(\.\d+)?( ?(°C|[A-Za-z]+))?$")


@pytest.fixture(scope="module")
def shelf() -> list[Product]:
    return list(workshop.products())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    workshop.make(folder)
    return folder


@pytest.fixture(scope="module")
def glossary(shop: Path) -> Glossary:
    return Glossary.open(shop / "glossary.csv")


def stated(product: Product) -> Iterator[tuple[str, str]]:
    for name, values in [*product.attributes.items(), *product.options.items()]:
        for value in values:
            yield name, value


def test_there_is_breadth_and_depth(shelf: list[Product]) -> None:
    products_of_a_kind = Counter(product.kind for product in shelf)
    kinds_of_a_department = Counter(department for department, _ in {p.categories for p in shelf})
    assert len(shelf) >= 1200
    assert len(kinds_of_a_department) >= 16
    assert min(kinds_of_a_department.values()) >= 5
    assert min(products_of_a_kind.values()) >= 10


def test_ids_names_and_descriptions_are_unique(shelf: list[Product]) -> None:
    names = [name.casefold() for kind in kinds() for name in kind.names]
    variants = [variant.id for product in shelf for variant in product.variants]
    skus = [variant.sku for product in shelf for variant in product.variants]
    for found in (
        [p.id for p in shelf],
        [p.title for p in shelf],
        [p.description for p in shelf],
        names,
        variants,
        skus,
    ):
        assert [each for each, times in Counter(found).items() if times > 1] == []


def test_no_model_name_is_also_a_word_of_the_catalogue(shelf: list[Product]) -> None:
    words = {value.casefold() for product in shelf for _, value in stated(product)}
    words |= {word.casefold() for product in shelf for word in (product.brand, *product.categories)}
    assert {name for kind in kinds() for name in kind.names if name.casefold() in words} == set()


def test_two_runs_write_the_same_bytes(shop: Path, tmp_path: Path) -> None:
    workshop.make(tmp_path)
    first, second = (
        {
            path.relative_to(root): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in root.rglob("*")
            if path.is_file()
        }
        for root in (shop, tmp_path)
    )
    assert first == second


def test_a_new_name_or_value_leaves_the_other_draws_alone() -> None:
    chance = workshop.Chance("Mugs/Cuppa")
    before = chance.ranked("material", ["stoneware", "stoneware", "porcelain"])
    after = chance.ranked("material", ["tin", "stoneware", "stoneware", "porcelain"])
    assert [each for each in after if each != "tin"] == before


def test_the_feed_imports_to_the_same_products_without_a_problem(
    shop: Path, shelf: list[Product], tmp_path: Path
) -> None:
    report = import_feed(shop / "feed.jsonl", tmp_path / "catalog.sqlite")
    assert (report.products, report.problem_count, report.notes) == (len(shelf), 0, ())
    assert list(Catalog(tmp_path / "catalog.sqlite")) == shelf


def test_prices_stock_and_ratings_vary_as_in_a_shop(shelf: list[Product]) -> None:
    variants = [variant for product in shelf for variant in product.variants]
    out = [variant for variant in variants if variant.availability is Availability.OUT_OF_STOCK]
    reduced = [product for product in shelf if product.offer.list_price]
    unrated = [product for product in shelf if product.rating is None]
    gone = [product for product in shelf if not product.offer.availability.orderable]
    assert 0.05 < len(out) / len(variants) < 0.12
    assert 0.08 < len(reduced) / len(shelf) < 0.16
    assert 0.01 < len(unrated) / len(shelf) < 0.05
    assert 0.01 < len(gone) / len(shelf) < 0.05
    assert {variant.availability for variant in variants} == set(Availability)
    assert all(v.list_price is None or v.list_price.amount > v.price.amount for v in variants)
    assert {variant.price.amount % 100 for variant in variants} == {0, 50, 95, 99}
    assert all(3.2 <= p.rating.value <= 4.9 and p.rating.count > 0 for p in shelf if p.rating)


def test_attributes_are_lower_case_and_sometimes_left_out(shelf: list[Product]) -> None:
    assert {name for p in shelf for name, _ in stated(p) if name != name.lower()} == set()
    jackets = [product for product in shelf if product.kind == "Rain jackets"]
    silent = [product for product in jackets if "weight" not in product.attributes]
    assert 0 < len(silent) < len(jackets)


def test_every_number_in_a_description_is_an_attributes(shelf: list[Product]) -> None:
    for product in shelf:
        known = {number for _, value in stated(product) for number in re.findall(r"\d+(?:\.\d+)?", value)}
        assert set(re.findall(r"\d+(?:\.\d+)?", product.description)) <= known, product.description


def test_descriptions_name_no_material_that_the_product_does_not_state(shelf: list[Product]) -> None:
    materials = {v for p in shelf for f in ("material", "fill", "wax") for v in p.attributes.get(f, ()) if " " not in v}
    materials -= {"paper", "steel", "glass", "wood", "ash", "mesh"}  # also what ordinary parts are made of
    for product in shelf:
        own = " ".join([*(value for _, value in stated(product)), product.title, product.kind]).casefold()
        text = re.sub(r"(there is no|without) [^.]*", "", product.description.casefold())
        named = {word for word in materials if re.search(rf"\b{re.escape(word.casefold())}\b", text)}
        assert {word for word in named if word.casefold() not in own} == set(), product.description


@pytest.mark.parametrize(
    ("field", "claim", "value"),
    [
        ("water protection", r"(?<!not )\bwaterproof", "waterproof"),
        ("water protection", r"(?<!not )\bwater-resistant", "water-resistant"),
        ("water protection", r"not water-resistant", "not water-resistant"),
        ("dishwasher safe", r"(not|rather than in|not for) (\w+ )?(the dishwasher|dishwasher safe)", "no"),
        ("dishwasher safe", r"can go in the dishwasher|^dishwasher safe|the dishwasher does", "yes"),
        ("noise cancelling", r"active noise cancelling (takes|can)", "yes"),
        ("noise cancelling", r"no (active )?noise cancelling", "no"),
        ("vegan", r"(?<!not )\bvegan", "yes"),
        ("assembly", r"no assembly|arrives assembled", "no"),
        ("care", r"hand wash only|wash by hand in", "hand wash"),
        ("care", r"dry clean only", "dry clean"),
        ("pattern", r"\bstripes\b", "striped"),
        ("adult help", r"an adult should help", "yes"),
        ("leakproof", r"doesn't leak", "yes"),
        ("induction", r"not work on induction|not on induction", "no"),
    ],
)
def test_what_a_description_claims_is_what_the_attributes_say(
    shelf: list[Product], field: str, claim: str, value: str
) -> None:
    claiming = [product for product in shelf if re.search(claim, product.description.casefold())]
    assert claiming
    assert {(p.title, p.attributes.get(field)) for p in claiming if p.attributes.get(field) != (value,)} == set()


def test_descriptions_are_three_to_five_varied_sentences_without_praise(shelf: list[Product]) -> None:
    sentences = Counter(s for p in shelf for s in re.split(r"(?<=[.!?]) (?=[A-Z0-9])", p.description))
    for product in shelf:
        assert 3 <= len(re.split(r"(?<=[.!?]) (?=[A-Z0-9])", product.description)) <= 5, product.description
        assert not re.search(r"\b(amazing|perfect|stunning|incredible|premium|luxur\w+|best)\b", product.description)
        assert "{" not in product.title + product.description
    assert len(sentences) > 2000
    assert sentences.most_common(1)[0][1] < 60


def test_the_shop_leaves_out_what_it_says_it_does_not_carry(shelf: list[Product]) -> None:
    absent = re.compile(r"\b(tents?|(hiking|trekking) poles?|bicycles?|bikes?|(smart)?phones?)\b", re.IGNORECASE)
    assert [p.title for p in shelf if absent.search(f"{p.title} {p.description} {p.kind}")] == []


def test_toys_state_an_age_range(shelf: list[Product]) -> None:
    toys = [product for product in shelf if product.department == "Toys & games"]
    for product in toys:
        low, high = (int(product.attributes[f"{end} age"][0].split()[0]) for end in ("minimum", "maximum"))
        assert 0 <= low < high <= 99


def test_pictures_exist_parse_and_differ_by_color(shop: Path, shelf: list[Product]) -> None:
    shown = {path for product in shelf for path in product.media}
    assert {f"pictures/{path.name}" for path in (shop / "pictures").iterdir()} == shown
    for path in shown:
        root = ElementTree.parse(shop / path).getroot()
        assert root.tag.endswith("svg")
        assert "script" not in {each.tag.rpartition("}")[2] for each in root.iter()}
    assert len({path.stem for path in DRAWINGS.glob("*.svg")}) >= 100
    for product in shelf:
        shown_by_color = {path for variant in product.variants for path in variant.media}
        assert shown_by_color == (set(product.media) if len(product.media) > 1 else set())


def test_a_picture_is_painted_in_its_color_and_pattern() -> None:
    plain = paint(Look("mug", "Navy", "solid", 0), "#2b3a5c")
    dotted = paint(Look("mug", "Navy", "dotted", 0), "#2b3a5c")
    assert "#2b3a5c" in plain
    assert "url(#cloth)" not in plain
    assert "url(#cloth)" in dotted
    assert not re.search(r'(fill|stroke)="(main|dark|light|pale|deep|cloth|accent)"', plain + dotted)


def test_every_drawing_is_used(shelf: list[Product]) -> None:
    used = " ".join(path for product in shelf for path in product.media)
    assert [path.stem for path in DRAWINGS.glob("*.svg") if f"pictures/{path.stem}-" not in used] == []


def test_every_word_of_the_shop_has_a_chinese_name(glossary: Glossary, shelf: list[Product]) -> None:
    named = {(row.field, row.value.casefold()) for row in glossary.values("zh")}
    wanted = {("department", p.department) for p in shelf} | {("kind", p.kind) for p in shelf}
    wanted |= {("field", name) for p in shelf for name, _ in stated(p)}
    wanted |= {(name, value) for p in shelf for name, value in stated(p) if not NUMBER.match(value)}
    wanted |= {("availability", state.value) for state in Availability}
    assert {(field, value) for field, value in wanted if (field, value.casefold()) not in named} == set()


@pytest.mark.parametrize("language", ["es", "fr", "de"])
def test_kinds_and_colors_have_names_in_other_languages(
    glossary: Glossary, shelf: list[Product], language: str
) -> None:
    named = {(row.field, row.value) for row in glossary.values(language)}
    wanted = {("kind", p.kind) for p in shelf} | {("color", c) for p in shelf for c in p.options.get("color", ())}
    assert wanted - named == set()


def test_shoppers_words_find_the_shops_values(glossary: Glossary) -> None:
    values = {(row.field, row.language, row.label): set[str]() for row in glossary.values()}
    for row in glossary.values():
        values[row.field, row.language, row.label].add(row.value)
    assert {"Navy", "Sky blue", "Indigo"} <= values["color", "en", "blue"]
    assert {"Navy", "Blue"} <= values["color", "zh", "蓝色"]
    assert "Road running shoes" in values["kind", "zh", "跑鞋"]
    assert "Sofas" in values["kind", "en", "couches"]
    assert values["size", "zh", "42码"] == {"8.5"}
    assert "merino wool" in values["material", "en", "wool"]
    assert values["dishwasher safe", "zh", "可用洗碗机"] == {"yes"}


def test_glossary_rows_are_whole_and_not_repeated(shop: Path) -> None:
    with (shop / "glossary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["field", "value", "language", "label"]
    assert all(len(row) == 4 and all(cell == cell.strip() and cell for cell in row) for row in rows)
    assert len(rows) == len({tuple(row) for row in rows})


def test_policies_come_in_english_and_chinese_with_the_same_figures(shop: Path) -> None:
    pages = {"shipping", "returns", "warranty", "payment", "privacy", "sizes"}
    assert {path.name for path in (shop / "policies").iterdir()} == {
        f"{p}{e}" for p in pages for e in (".md", ".zh.md")
    }
    for page in pages:
        english, chinese = ((shop / "policies" / f"{page}{end}").read_text("utf-8") for end in (".md", ".zh.md"))
        assert english.count("\n## ") == chinese.count("\n## ") >= 7
        prices = re.compile(r"\$(\d+(?:\.\d+)?)")
        assert set(prices.findall(english)) <= set(re.findall(r"\d+(?:\.\d+)?", chinese))
        assert all(len(block) < 500 for block in english.split("\n\n"))


def test_settings_name_currency_contact_and_dated_rates(shop: Path) -> None:
    settings = tomllib.loads((shop / "shop.toml").read_text("utf-8"))
    assert settings["currency"] == "USD"
    assert "@" in settings["contact"]
    assert settings["rates"]["as_of"].year >= 2025
    assert {"CNY", "EUR", "GBP", "JPY", "CAD", "AUD"} <= settings["rates"].keys()
