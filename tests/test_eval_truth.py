from __future__ import annotations

from typing import Any

import pytest
import toy

from eval.truth import check, fits
from retrieval.errors import MerchantError
from retrieval.facets import Facets

FACETS = Facets.of(toy.PRODUCTS)
PRODUCTS = {product.id: product for product in toy.PRODUCTS}


@pytest.mark.parametrize(
    ("product", "where", "true"),
    [
        ("run-lynx", {"kind": "trail running shoes", "price": {"max": 89}}, True),
        ("run-lynx", {"price": {"max": 88.99}}, False),
        ("run-lynx", {"color": "moss", "size": "10"}, True),
        ("run-lynx", {"color": "moss", "size": "10", "in_stock": True}, False),  # just that variant is sold out
        ("run-lynx", {"color": {"not": ["black"]}}, True),  # it comes in moss too
        ("run-moor", {"color": {"not": ["black"]}}, False),
        ("run-peak", {"weight": {"max": "500 g"}}, True),  # 1.1 lb are 499 g
        ("run-peak", {"weight": {"max": 498}}, False),
        ("run-brook", {"reduced": True}, True),
        ("run-fell", {"reduced": True}, False),
        ("run-dash", {"rating": {"min": 1}}, False),  # nobody rated it
        ("run-fell", {"rating": {"min": 4.4}}, True),
        ("kettle-mini", {"brand": ["Ember", "Oakley Home"], "department": "Kitchen"}, True),
        ("blanket-picnic", {"material": "nylon"}, True),
        ("blanket-picnic", {"material": {"not": "wool"}}, False),
        ("pan-egg", {"id": ["pan-egg"], "diameter": {"min": "10 cm", "max": "20 cm"}}, True),
    ],
)
def test_what_is_true_of_a_product(product: str, where: dict[str, Any], true: bool) -> None:
    check(where, FACETS, PRODUCTS)
    assert fits(PRODUCTS[product], where, FACETS) is true


def test_only_the_variants_named_count() -> None:
    lynx = PRODUCTS["run-lynx"]
    assert fits(lynx, {"color": "moss"}, FACETS, ["run-lynx/moss/9"])
    assert not fits(lynx, {"color": "moss"}, FACETS, ["run-lynx/black/9"])
    assert not fits(lynx, {}, FACETS, [])


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"colour": "red"}, "no product has 'colour'"),
        ({"color": "mauve"}, "no product has the color 'mauve'"),
        ({"price": {"under": 5}}, "price has 'under'; use any, max, min, not"),
        ({"weight": {"max": "heavy"}}, "weight has the amount 'heavy'"),
        ({"id": "run-linx"}, "no product has the id 'run-linx'"),
        ({"in_stock": False}, "in_stock is False"),
    ],
)
def test_conditions_that_cannot_be_met(where: dict[str, Any], message: str) -> None:
    with pytest.raises(MerchantError, match=message):
        check(where, FACETS, PRODUCTS)
