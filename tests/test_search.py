from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy

from retrieval import search as search_module
from retrieval.catalog import Availability, Product, Variant
from retrieval.errors import MerchantError, OperatorError
from retrieval.search import Condition, Filters, Hit, Query, Search


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Search:
    return toy.search(tmp_path_factory.mktemp("shop"))


def parse(found: Search, **filters: Any) -> Filters:
    return Filters.parse(filters, found.facets)


def ids(hits: tuple[Hit, ...]) -> list[str]:
    return [hit.product_id for hit in hits]


# What each filter means, told variant by variant in plain Python.
Check = Callable[[Product, Variant], bool]
CASES: list[tuple[dict[str, Any], Check]] = [
    ({"price": {"max": 50}}, lambda p, v: v.price.amount <= 5000),
    ({"price": {"min": 50, "max": 100}}, lambda p, v: 5000 <= v.price.amount <= 10000),
    ({"price": {"min": "63.999", "max": 64}}, lambda p, v: v.price.amount == 6400),
    ({"department": "shoes"}, lambda p, v: p.department == "Shoes"),
    ({"department": ["Bags", "Toys"]}, lambda p, v: p.department in ("Bags", "Toys")),
    ({"kind": {"not": "Sandals"}, "department": "Shoes"}, lambda p, v: p.department == "Shoes" and p.kind != "Sandals"),
    ({"brand": "TARN"}, lambda p, v: p.brand == "Tarn"),
    ({"rating": {"min": 4.5}}, lambda p, v: p.rating is not None and p.rating.value >= 4.5),
    ({"rating": {"max": 4}}, lambda p, v: p.rating is not None and p.rating.value <= 4),
    ({"in_stock": True}, lambda p, v: v.availability is Availability.IN_STOCK),
    ({"availability": "preorder"}, lambda p, v: v.availability is Availability.PREORDER),
    ({"availability": "discontinued"}, lambda p, v: False),
    ({"color": "black"}, lambda p, v: v.options.get("color") == "black"),
    ({"color": {"not": ["black", "blue"]}}, lambda p, v: v.options.get("color") not in ("black", "blue")),
    ({"size": 9}, lambda p, v: v.options.get("size") == "9"),
    ({"size": {"min": 9}}, lambda p, v: int(v.options.get("size", 0)) >= 9),
    (
        {"color": "gray", "size": "9", "in_stock": True},
        lambda p, v: v.options == {"color": "gray", "size": "9"} and v.availability is Availability.IN_STOCK,
    ),
    ({"material": ["wool", "cork"]}, lambda p, v: bool({"wool", "cork"} & set(p.attributes.get("material", ())))),
    ({"material": {"not": "nylon", "any": "wool"}}, lambda p, v: p.attributes.get("material") == ("wool",)),
    ({"weight": {"max": "0.5 kg"}}, lambda p, v: p.id in LIGHT),
    ({"capacity": {"min": "1 l", "max": "1500 ml"}}, lambda p, v: p.id in ("kettle-tea", "kettle-glass")),
]
LIGHT = {"run-lynx", "run-fell", "run-brook", "run-peak", "run-dash", "run-moor", "pack-school"}


@pytest.mark.parametrize(("filters", "check"), CASES, ids=[str(filters) for filters, _ in CASES])
def test_filters_give_exactly_what_they_say(found: Search, filters: dict[str, Any], check: Check) -> None:
    hard = Filters.parse(filters, found.facets)
    wanted = {
        product.id: tuple(variant.id for variant in product.variants if check(product, variant))
        for product in toy.PRODUCTS
    }
    wanted = {product_id: variants for product_id, variants in wanted.items() if variants}
    assert found.fitting(hard) == list(wanted)
    results = found.search(Query("", hard, k=100))
    assert results.total == len(wanted)
    assert {hit.product_id: hit.variant_ids for hit in results.hits} == wanted
    for text in ("trail running shoes", "红色 blanket", "anything"):
        ranked = found.search(Query(text, hard, k=100, floor=False))
        assert {hit.product_id: hit.variant_ids for hit in ranked.hits} == wanted
        assert set(ids(found.search(Query(text, hard, k=100)).hits)) <= set(wanted)
    assert set(ids(found.similar("run-lynx", hard, k=100).hits)) == set(wanted) - {"run-lynx"}


def test_one_variant_must_meet_all_conditions_together(found: Search) -> None:
    assert "run-fell" in found.fitting(parse(found, color="gray", size="9"))
    assert "run-fell" not in found.fitting(parse(found, color="gray", size="9", in_stock=True))
    assert "run-fell" in found.fitting(parse(found, color="gray", in_stock=True))


def test_a_variant_without_an_option_takes_its_products_attribute(tmp_path: Path) -> None:
    plain = toy.product("plain", "Plain", ("X",), "1", attributes={"color": ("red",)})
    chosen = toy.product("chosen", "Chosen", ("X",), "1", attributes={"color": ("red",)}, color=("blue",))
    found = toy.search(tmp_path, [plain, chosen])
    assert found.fitting(parse(found, color="red")) == ["plain"]
    assert found.fitting(parse(found, color={"not": "red"})) == ["chosen"]


@pytest.mark.parametrize(
    ("filters", "named"),
    [
        ({"colour": "red"}, r"'colour'.* color,"),
        ({"color": "blak"}, r"'blak'.* black,"),
        ({"color": {"not": "blak"}}, r"'blak'.* black,"),
        ({"color": {"min": 3}}, r"color cannot be compared.*weight"),
        ({"color": {"like": "re"}}, "'like'; use min, max, any, not"),
        ({"color": {}}, "nothing; use min"),
        ({"color": []}, "empty list"),
        ({"color": None}, "None"),
        ({"color": True}, "True"),
        ({"color": [["red"]]}, "red"),
        ({"price": 5}, "give it a min or a max"),
        ({"price": {"max": "free"}}, "'free'.*USD"),
        ({"price": {"max": "NaN"}}, "NaN"),
        ({"price": {"max": 1e300}}, "1e[+]300"),
        ({"price": {"max": True}}, "True"),
        ({"price": {"min": 200, "max": 50}}, "min 200 above max 50"),
        ({"weight": {"max": "3 W"}}, "number of g"),
        ({"in_stock": "yes"}, "in_stock is 'yes'"),
        ({"in_stock": False}, "in_stock is False"),
    ],
)
def test_what_cannot_be_filtered_on_is_refused_by_name(found: Search, filters: dict[str, Any], named: str) -> None:
    with pytest.raises(MerchantError, match=named):
        Filters.parse(filters, found.facets)


def test_conditions_made_by_hand_are_held_to_the_same(found: Search) -> None:
    for condition in (
        Condition("colour", any_of=frozenset({"red"})),
        Condition("color", any_of=frozenset({"blak"})),
        Condition("color", none_of=frozenset({"blak"})),
        Condition("color", minimum=3),
    ):
        with pytest.raises(MerchantError):
            found.search(Query("shoes", Filters((condition,))))
    assert found.fitting(Filters((Condition("COLOR", any_of=frozenset({"Moss"})),))) == ["run-lynx"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("trail running shoes", "Trail running shoes"),
        ("electric kettle", "Electric kettles"),
        ("wool blankets", "Wool blankets"),
        ("越野跑鞋", "Trail running shoes"),
        ("电热水壶", "Electric kettles"),
        ("羊毛毯", "Wool blankets"),
        ("积木", "Building blocks"),
    ],
)
def test_a_kind_is_found_in_both_languages(found: Search, text: str, kind: str) -> None:
    wanted = {product.id for product in toy.PRODUCTS if product.kind == kind}
    results = found.search(Query(text, k=len(wanted)))
    assert set(ids(results.hits)) == wanted
    assert results.total >= len(wanted)
    assert found.carries(text) > 0.5


def test_words_that_single_out_a_product_put_it_first(found: Search) -> None:
    assert ids(found.search(Query("waterproof trail running shoes with a wide last")).hits)[0] == "run-brook"
    assert ids(found.search(Query("frying pan for one egg")).hits)[0] == "pan-egg"


@pytest.mark.parametrize(
    "text", ["tent", "telescope", "guitar", "帐篷", "望远镜", "🎸🎸🎸", "\x00\x1b[2J", "'; DROP TABLE--"]
)
def test_what_the_shop_does_not_carry_finds_nothing(found: Search, text: str) -> None:
    results = found.search(Query(text))
    assert (results.hits, results.total) == ((), 0)
    assert found.carries(text) < 0.5


def test_filters_do_not_lift_the_floor(found: Search) -> None:
    assert found.search(Query("guitar", parse(found, department="Toys"))).total == 0
    assert found.search(Query("guitar", parse(found, department="Toys"), floor=False)).total == 5


def test_an_empty_text_asks_for_the_best_rated(found: Search) -> None:
    results = found.search(Query("  ", parse(found, department="Shoes"), k=3))
    assert ids(results.hits) == ["run-peak", "run-lynx", "boot-storm"]
    assert results.total == 12
    assert found.carries(" ") == 0


def test_total_counts_what_lies_beyond_k(found: Search) -> None:
    many = found.search(Query("trail running shoes", k=100))
    few = found.search(Query("trail running shoes", k=2))
    assert few.total == many.total == len(many.hits)
    assert few.hits == many.hits[:2]
    scores = [hit.score for hit in many.hits]
    assert scores == sorted(scores, reverse=True)


def test_similarity_is_the_cosine_of_query_and_product(found: Search) -> None:
    encoder = toy.HashingEncoder()
    (vector,) = encoder.queries(["frying pan"])
    for hit in found.search(Query("frying pan")).hits:
        row = [product.id for product in toy.PRODUCTS].index(hit.product_id)
        assert hit.similarity == pytest.approx(float(found._index.vectors[row] @ vector), abs=1e-6)


def test_a_batch_answers_as_single_queries_do(found: Search) -> None:
    queries = [
        Query("frying pan"),
        Query(""),
        Query("frying pan", parse(found, price={"max": 20})),
        Query("guitar"),
        Query("背包", k=1),
    ]
    assert found.batch(queries) == [found.search(query) for query in queries]
    assert found.batch([]) == []


def test_a_vector_at_hand_is_not_encoded_again(found: Search) -> None:
    (vector,) = toy.HashingEncoder().queries(["frying pan"])
    silent = Search(found._index, found.catalog, found.glossary, None)  # type: ignore[arg-type]
    assert silent.search(Query("frying pan"), vector) == found.search(Query("frying pan"))
    assert silent.carries("frying pan", vector) == found.carries("frying pan")


def test_the_id_field_names_products(found: Search) -> None:
    chosen = frozenset({"pan-egg", "run-lynx"})
    assert found.fitting(Filters((Condition("id", any_of=chosen),))) == ["run-lynx", "pan-egg"]
    assert not chosen & set(found.fitting(Filters((Condition("id", none_of=chosen),))))
    both = Condition("id", any_of=chosen, none_of=frozenset({"pan-egg"}))
    assert found.fitting(Filters((both,))) == ["run-lynx"]


def test_a_choice_among_no_products_is_none_of_them(found: Search) -> None:
    for nothing in (Condition("id"), Condition("id", any_of=frozenset({"sold-long-ago"}))):
        assert found.fitting(Filters((nothing,))) == []
        assert found.search(Query("shoes", Filters((nothing,)))).hits == ()


def test_variants_are_told_of_the_products_asked_about(found: Search) -> None:
    hard = parse(found, color="gray", size=["8", "9"], in_stock=True)
    told = found.variants(hard, ["run-fell", "run-lynx", "sold-long-ago"])
    assert told == {"run-fell": {"run-fell/gray/8"}, "run-lynx": set(), "sold-long-ago": set()}
    every = {product.id: {variant.id for variant in product.variants} for product in toy.PRODUCTS}
    assert found.variants(Filters(), every) == every


def test_similar_products_leave_out_the_product_itself(found: Search) -> None:
    results = found.similar("run-lynx", k=5)
    assert {hit.product_id.partition("-")[0] for hit in results.hits} == {"run"}
    assert "run-lynx" not in ids(results.hits)
    assert results.total == 29
    with pytest.raises(MerchantError, match="'run-links'"):
        found.similar("run-links")


def test_k_must_be_positive(found: Search) -> None:
    with pytest.raises(MerchantError, match="k is 0"):
        found.search(Query("shoe", k=0))


def test_a_long_text_is_searched_all_the_same(found: Search) -> None:
    assert found.search(Query("frying pan " * 2_000)).hits[0].product_id.startswith("pan-")


def test_products_are_read_by_id(found: Search) -> None:
    assert dict(found.products) == {product.id: product for product in toy.PRODUCTS}
    assert "nothing" not in found.products
    assert len(found.catalog) == len(found.products)


def test_values_are_what_shoppers_may_name(found: Search) -> None:
    assert len(found.values) == len(found.value_vectors)
    assert ("kind", "Puzzles") in found.values
    assert ("color", "moss") in found.values
    (asked,) = toy.HashingEncoder().queries(["拼图"])
    assert found.values[int((found.value_vectors @ asked).argmax())] == ("kind", "Puzzles")


def test_a_large_shop_asks_chroma_for_the_nearest(found: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = found.search(Query("electric kettle"))
    monkeypatch.setattr(search_module, "_SCANNED", 10)
    monkeypatch.setattr(search_module, "_NEAREST", 8)
    asked = found.search(Query("electric kettle"))
    assert ids(asked.hits[:4]) == ids(exact.hits[:4])
    assert all(np.isfinite(hit.similarity) for hit in asked.hits)
    assert found.search(Query("electric kettle", floor=False)).total <= 8


def test_a_shop_without_categories_or_departments_is_searched(tmp_path: Path) -> None:
    bare = [dataclasses.replace(product, categories=()) for product in toy.PRODUCTS]
    found = toy.search(tmp_path, bare)
    assert {each.partition("-")[0] for each in ids(found.search(Query("electric kettle", k=4)).hits)} == {"kettle"}
    assert found.search(Query("guitar")).total == 0


def test_a_shop_of_one_product_is_searched(tmp_path: Path) -> None:
    found = toy.search(tmp_path, toy.PRODUCTS[:1])
    assert ids(found.search(Query("trail running shoe")).hits) == ["run-lynx"]
    assert found.similar("run-lynx").hits == ()


def test_products_come_from_the_index_even_when_the_feed_moves_on(tmp_path: Path) -> None:
    found = toy.search(tmp_path)
    toy.write(tmp_path, toy.PRODUCTS[:3])
    assert found.search(Query("frying pan")).hits[0].product_id.startswith("pan-")
    with pytest.raises(OperatorError, match="does not match"):
        Search.open(tmp_path, toy.HashingEncoder())


def test_opening_again_is_quick(tmp_path: Path) -> None:
    toy.search(tmp_path)
    start = time.perf_counter()
    Search.open(tmp_path, toy.HashingEncoder())
    assert time.perf_counter() - start < 2
