from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import toy

from assistant.config import Settings
from assistant.conversation import Assistant
from assistant.demo_shop.make import products as demo_products
from eval import suite
from eval.judgments import BEST, Judgment, Labels, judgment, made
from eval.public import matching, shoppingbench
from eval.search import ndcg, recall, reciprocal_rank, run
from eval.suite import Findings, Unmeasured, World, records
from retrieval.catalog import Product
from retrieval.errors import MerchantError
from retrieval.facets import Facets
from retrieval.glossary import Glossary, Label

Open = Callable[..., World]


@pytest.fixture
def world(settings: Settings, assistant: Assistant, tmp_path: Path) -> Iterator[Open]:
    """Opens the toy shop's world with these lines as its judgments, or with none."""
    opened: list[World] = []

    def open_world(*lines: dict[str, Any], **options: Any) -> World:
        if lines:
            (tmp_path / "judgments.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
        opened.append(World.of(settings, written=tmp_path if lines else None, **options))
        opened[-1].__dict__["assistant"] = assistant
        return opened[-1]

    yield open_world
    for each in opened:
        each.__exit__()


def written(world: World) -> list[Judgment]:
    return world.read("judgments", partial(judgment, Labels(world.products, world.search.facets)))


def line(query: str, name: str = "one", language: str = "en", **answer: Any) -> dict[str, Any]:
    return {"id": name, "language": language, "query": query, **answer}


def values(findings: Findings) -> dict[str, float]:
    return {figure.label: figure.value for figure in findings.figures}


def test_ndcg_by_hand() -> None:
    grades = {"a": 3, "b": 2, "c": 1}
    ideal = 7 + 3 / math.log2(3) + 1 / 2
    assert ndcg(["a", "b", "c"], grades) == 1
    assert ndcg(["b", "x", "a"], grades) == pytest.approx((3 + 7 / 2) / ideal)
    assert ndcg(["x", "y"], grades) == ndcg([], grades) == 0
    assert ndcg(["x", "a"], grades, depth=1) == 0
    assert ndcg([*"0123456789", "a"], {"a": 1}) == 0, "the eleventh gains nothing"


def test_recall_is_of_those_that_there_is_room_for() -> None:
    best = frozenset("abcd")
    assert recall(["a", "x", "b"], best, 10) == 0.5
    assert recall(["a", "x", "b"], best, 2) == 0.5
    assert recall(["a", "b", "c"], best, 2) == 1


def test_reciprocal_rank_is_of_the_first_of_the_best() -> None:
    assert reciprocal_rank(["x", "y", "b", "a"], frozenset("ab")) == pytest.approx(1 / 3)
    assert reciprocal_rank(["x"], frozenset("ab")) == 0


def test_the_best_are_those_of_the_highest_grade_there_is() -> None:
    assert Judgment("one", "en", "mug", {}, {"a": 2, "b": 1, "c": 2}).best == {"a", "c"}


def test_the_first_rule_that_fits_gives_the_grade(world: Open) -> None:
    rules = [
        {"grade": 3, "where": {"kind": "Sandals", "material": "leather", "color": "white"}},
        {"grade": 2, "where": {"kind": "Sandals", "material": "leather"}},
        {"grade": 1, "where": {"kind": ["Sandals", "Rain boots"]}},
    ]
    (read,) = written(world(line("white leather sandals", relevant=rules)))
    assert read.grades == {
        "sandal-cove": 3,
        "sandal-dune": 2,
        "sandal-reef": 1,
        **dict.fromkeys(("boot-puddle", "boot-storm", "boot-drizzle"), 1),
    }


def test_one_variant_meets_filters_and_rule_together(world: Open) -> None:
    rules = [{"grade": 3, "where": {"kind": "Trail running shoes", "color": "moss"}}]
    filters = {"size": "10", "in_stock": True}
    with pytest.raises(MerchantError, match="line 1: nothing in the catalogue is relevant"):
        written(world(line("moss trail shoes", relevant=rules, filters=filters)))  # moss/10 is sold out
    (read,) = written(world(line("moss trail shoes", relevant=rules, filters={**filters, "size": "9"})))
    assert read.grades == {"run-lynx": 3}


def test_a_filter_takes_in_stock_at_its_word(world: Open) -> None:
    rules = [{"grade": 3, "where": {"kind": "Building blocks", "in_stock": True}}]
    (read,) = written(world(line("blocks", relevant=rules)))
    assert "blocks-magnet" in read.grades, "it can be ordered"
    (read,) = written(world(line("blocks", relevant=rules, filters={"in_stock": True})))
    assert read.grades.keys() == {"blocks-city", "blocks-farm"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"grades": {"kettle-swiftt": 3}}, "no product has the id 'kettle-swiftt'"),
        ({"grades": {"kettle-swift": 4}}, "a grade is 4; it is from 1"),
        ({"grades": {"kettle-swift": True}}, "a grade is True"),
        ({"grades": {"kettle-tea": 3}, "filters": {"price": {"max": 50}}}, "'kettle-tea' does not meet the filters"),
        ({"relevant": [{"grade": 3, "where": {"kind": "Kettle"}}]}, "no product has the kind 'Kettle'"),
        ({"relevant": [{"grade": 3, "where": {"colour": "red"}}]}, "no product has 'colour'"),
        ({"relevant": [{"grade": 3, "where": {"price": {"below": 9}}}]}, "price has 'below'"),
        ({"relevant": [{"grade": 3, "where": {}}]}, "rule 1: where is empty"),
        ({"relevant": [{"where": {"kind": "Puzzles"}}]}, "rule 1: grade is missing"),
        ({"relevant": [{"grade": 3, "were": {}}]}, "rule 1: where is missing"),
        ({"relevant": ["Puzzles"]}, "rule 1 is 'Puzzles'"),
        ({"relevant": [{"grade": 3, "where": {"kind": "Puzzles", "price": {"max": 1}}}]}, "nothing in the catalogue"),
        ({"grades": {"kettle-swift": 3}, "filters": {"colour": "red"}}, "no product has 'colour'"),
        ({"grades": {"kettle-swift": 3}, "absent": True}, "write one of grades, relevant or absent"),
        ({}, "write one of grades, relevant or absent"),
        ({"grades": {"kettle-swift": 3}, "grade": 3}, "nothing reads grade"),
    ],
)
def test_a_wrong_judgment_is_named_with_file_and_line(world: Open, answer: dict[str, Any], said: str) -> None:
    good = line("kettle", grades={"kettle-swift": 3})
    with pytest.raises(MerchantError) as error:
        written(world(good, line("kettle", "two", **answer)))
    assert "judgments.jsonl, line 2" in str(error.value)
    assert said in str(error.value)


def test_an_empty_query_is_wrong(world: Open) -> None:
    with pytest.raises(MerchantError, match="line 1: the query is empty"):
        written(world(line(" ", grades={"kettle-swift": 3})))


SHELF = (
    line("electric kettle", "kettles", relevant=[{"grade": 3, "where": {"kind": "Electric kettles"}}]),
    line("rain boots", "boots", relevant=[{"grade": 3, "where": {"kind": "Rain boots"}}], filters={"color": "black"}),
    line("wool blanket", "wrong", grades={"pan-egg": 2, "puzzle-cat": 1}),
    line("凉鞋", "sandals", "zh", relevant=[{"grade": 3, "where": {"kind": "Sandals"}}]),
    line("telescope for the stars", "telescope", absent=True),
)


def test_what_is_found_is_measured_beside_words_and_meaning(world: Open) -> None:
    findings = run(world(*SHELF))
    figures = values(findings)
    assert figures["nDCG@10"] == pytest.approx(0.75), "three of the four find exactly what is there"
    assert figures["nDCG@10, zh"] == figures["recall@10, zh"] == figures["MRR, zh"] == 1
    assert figures["nDCG@10, en"] == pytest.approx(2 / 3)
    assert figures["nDCG@10, BM25 alone, zh"] == 1
    assert figures["nDCG@10, dense alone, zh"] < 1, "a meaning without the glossary's words"
    assert figures["recall@50, without its floor"] == 1, "everything is returned"
    assert figures["recall@50"] == pytest.approx(0.75)
    assert figures["nothing found of what is not carried"] == 1
    seen = {figure.label: figure for figure in findings.figures}["nDCG@10"].observations
    assert seen == {"kettles": 1, "boots": 1, "wrong": 0, "sandals": 1}
    assert any("public" in note for note in findings.notes)


def test_a_failure_tells_what_was_found_and_what_was_missed(world: Open) -> None:
    (failure,) = run(world(*SHELF)).failures
    assert (failure.figure, failure.item, failure.severity) == ("nDCG@10", "wrong", 0.6)
    told = dict(failure.transcript)
    assert told["shopper"] == "wool blanket"
    assert "Merino Throw [0]" in told["search, with grades"]
    assert told["missed"] == "Egg Pan [2]\nSleeping Cat [1]"


def test_what_is_found_of_what_is_not_carried_is_a_failure(world: Open) -> None:
    findings = run(world(*SHELF, line("wool blanket", "carried", absent=True, filters={"color": "blue"})))
    assert values(findings)["nothing found of what is not carried"] == 0.5
    failure = next(each for each in findings.failures if each.item == "carried")
    assert failure.figure == "nothing found of what is not carried"
    assert ("filters", '{"color": "blue"}') in failure.transcript


def test_a_shop_without_judgments_is_asked_what_its_catalogue_says(world: Open) -> None:
    shop = world()
    labels = Labels(shop.products, shop.search.facets)
    first = made(labels, shop.search.glossary, 0)
    assert first == made(labels, shop.search.glossary, 0), "a run can be repeated"
    assert {each.language for each in first} == {"", "zh"}
    assert all(each.id.split(",")[0] in each.best for each in first), "the product it was made from answers it"
    assert len({each.query for each in first}) == len(first) > 20
    findings = run(world())
    assert {"nDCG@10, made from the catalogue", "MRR, made from the catalogue, BM25 alone"} <= values(findings).keys()
    assert "nDCG@10" not in values(findings), "nobody takes it for people's queries"
    assert any("no shopper wrote them" in note for note in findings.notes)


def test_a_word_that_several_values_go_by_means_all_of_them() -> None:
    mugs = [
        toy.product(name, name, ("Tableware", "Mugs"), "5.00", color=(color,))
        for name, color in (("a", "sky"), ("b", "navy"), ("c", "red"), ("d", "green"))
    ]
    rows = [Label("kind", "Mugs", "de", "Becher"), *(Label("color", each, "de", "blau") for each in ("sky", "navy"))]
    best = {each.query: each.best for seed in range(9) for each in made(_labels(mugs), Glossary(rows), seed)}
    assert best["blau Becher"] == {"a", "b"}


def test_what_half_of_a_kind_has_is_not_asked_for() -> None:
    soaps = [toy.product(name, name, ("Soaps",), "5.00", attributes={"vegan": ("yes",)}) for name in "abc"]
    assert [each.query for each in made(_labels(soaps), Glossary(), 0)] == ["Soaps"]
    soaps += [toy.product(name, name, ("Soaps",), "5.00", attributes={"vegan": ("no",)}) for name in "defg"]
    assert {each.query: len(each.best) for each in made(_labels(soaps), Glossary(), 0)}["vegan Soaps"] == 3


def test_nothing_can_be_asked_of_products_that_have_only_a_title() -> None:
    with pytest.raises(Unmeasured, match="no product has a kind"):
        made(_labels([toy.product("a", "Thing", (), "5.00")]), Glossary(), 0)


def _labels(products: Iterable[Product]) -> Labels:
    by_id = {product.id: product for product in products}
    return Labels(by_id, Facets.of(by_id.values()))


def test_the_demo_shop_has_judged_queries_in_english_and_chinese() -> None:
    files = sorted((Path(suite.__file__).parent / "demo").glob("judgments*.jsonl"))
    judgments = list(records(files, partial(judgment, _labels(demo_products()))))
    judged = Counter(each.language for each in judgments if each.grades)
    assert judged["en"] >= 210
    assert judged["zh"] >= 65
    assert len({(each.language, each.query) for each in judgments}) == len(judgments)
    exact = [sum(grade == BEST for grade in each.grades.values()) for each in judgments if each.grades]
    assert sum(1 <= number <= 60 for number in exact) > 0.95 * len(exact)


# Public sets, as tiny files of their form.

REQUESTS = [
    {
        "query": "red kettle over 100 PHP",
        "reward": {
            "product_id": "1",
            "title": ["Whistling kettle"],
            "attributes": [{"brand": ["boily"]}, {"kettle_type": ["stove"]}],
            "sku_options": [{"color_family": "red"}],
            "price": [{"greater than": [100, None]}],
        },
    },
    {"query": "striped socks", "reward": {"product_id": "2", "title": ["Socks with stripes"]}},
]
VOUCHERS = [
    {
        "query": "a cup and a saucer\n\nMy budget is 9.",
        "reward": [{"product_id": "3", "title": ["Cup"]}, {"product_id": "4", "title": ["Saucer"]}],
        "voucher": {"threshold": 65},
    },
    {
        "query": "a green umbrella\n\nMy budget is 9.",
        "reward": [{"product_id": "5", "title": ["Umbrella"], "service": ["COD"]}],
        "voucher": {"threshold": 65},
    },
]


def pair(one: str, other: str, same: int) -> str:
    return f"COL title VAL {one} \tCOL title VAL {other} \t{same}\n"


def public(folder: Path) -> Path:
    """A folder of tiny public sets."""
    for name, rows in (("product_dev", REQUESTS), ("voucher_dev", VOUCHERS)):
        file = folder / "shoppingbench_dev" / f"{name}.jsonl"
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    shoes = folder / "product_matching" / "wdc_shoes"
    shoes.mkdir(parents=True)
    (shoes / "train.txt").write_text(
        pair('"Nike Free"@en', '"Nike Free Zapatillas"@es', 1) + pair('"Nike Free"@en', '"Puma Speed"@de', 0), "utf-8"
    )
    (shoes / "valid.txt").write_text(
        pair('"Free by Nike"@fr', '"Nike Free Zapatillas"@es', 1) + pair('"Free by Nike"@fr', '"Free Buty Nike"@pl', 1),
        "utf-8",
    )
    return folder


def test_requests_for_one_product_are_known_items(tmp_path: Path) -> None:
    found = shoppingbench("shoppingbench", public(tmp_path))
    products = {product.id: product for product in found.products}
    assert products.keys() == {"1", "2", "3", "4", "5"}, "those of requests for several are sold too"
    assert products["1"].brand == "boily"
    assert products["1"].attributes == {"kettle type": ("stove",), "color family": ("red",)}
    assert {each.query: each.grades for each in found.judgments} == {
        "red kettle over 100 PHP": {"1": BEST},
        "striped socks": {"2": BEST},
        "a green umbrella": {"5": BEST},
    }


def test_an_offer_asks_for_the_same_product_elsewhere(tmp_path: Path) -> None:
    found = matching("shoes", public(tmp_path), "wdc_shoes")
    titles = {product.id: product.title for product in found.products}
    assert sorted(titles.values()) == ["Free Buty Nike", "Nike Free Zapatillas", "Puma Speed"]
    assert {each.query: {titles[product] for product in each.grades} for each in found.judgments} == {
        "Nike Free": {"Nike Free Zapatillas", "Free Buty Nike"},  # what matches a third offer matches
        "Free by Nike": {"Nike Free Zapatillas", "Free Buty Nike"},
    }
    assert {each.query: each.language for each in found.judgments} == {"Nike Free": "en", "Free by Nike": "fr"}


def test_a_broken_public_file_is_named_with_its_line(tmp_path: Path) -> None:
    public(tmp_path)
    with (tmp_path / "product_matching" / "wdc_shoes" / "train.txt").open("a") as file:
        file.write("COL title VAL half a pair\n")
    with pytest.raises(MerchantError, match=r"train\.txt, line 3: .* is no pair"):
        matching("shoes", tmp_path, "wdc_shoes")
    with (tmp_path / "shoppingbench_dev" / "product_dev.jsonl").open("a") as file:
        file.write('{"query": "a hat"}\n')
    with pytest.raises(MerchantError, match=r"product_dev\.jsonl, line 3: reward is missing"):
        shoppingbench("shoppingbench", tmp_path)


def test_public_sets_are_measured_where_they_are(world: Open, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = public(tmp_path_factory.mktemp("public"))
    findings = run(world(*SHELF, public=folder))
    figures = values(findings)
    assert figures["nDCG@10, shoppingbench, without its floor"] > 0.6
    assert {
        "recall@10, WDC shoes",
        "nDCG@10, WDC shoes, BM25 alone",
        "nDCG@10, WDC shoes, dense alone",
    } <= figures.keys()
    assert not any("Abt-Buy" in name for name in figures)
    assert [note for note in findings.notes if "Abt-Buy was not measured" in note]
    assert {each.item for each in findings.failures} == {"wrong"}, "failures are those of the shop's own queries"
    small = run(world(*SHELF, public=folder, small=True))
    assert not any("shoppingbench" in name for name in values(small))
    assert "Public sets are left out of a small run." in small.notes
