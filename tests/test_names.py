from __future__ import annotations

import pytest
import toy

from assistant.names import names
from retrieval.catalog import Product

KIND = ("Jackets", "Rain jackets")


def called(*titles: tuple[str, str]) -> dict[str, str]:
    """Title -> name, for products given as (title, brand)."""
    products: list[Product] = [
        toy.product(f"p{place}", title, KIND, "10.00", brand=brand) for place, (title, brand) in enumerate(titles)
    ]
    return {title: name for (title, _), name in zip(titles, names(products).values(), strict=True)}


@pytest.mark.parametrize(
    ("title", "brand", "name"),
    [
        ("Norrvik Nimbus Gate women's rain jacket", "Norrvik", "Norrvik Nimbus Gate"),
        ("Ember Swift 1.7 L electric kettle", "Ember", "Ember Swift"),
        ("Ember Pottinger bowls, set of 4", "Ember", "Ember Pottinger"),
        ("Norrvik rain jacket", "Norrvik", "Norrvik rain jacket"),  # a brand is no name
        ("Norrvik GTX 3000", "Norrvik", "Norrvik GTX 3000"),  # all of it may be the name
        ("Classic Brown Leather Oxfords", "Norrvik", "Classic Brown Leather Oxfords"),
        ("Nimbus Gate rain jacket", "", "Nimbus Gate rain jacket"),
    ],
)
def test_a_name_is_what_the_title_begins_with(title: str, brand: str, name: str) -> None:
    assert called((title, brand)) == {title: name}


def test_a_name_means_one_product() -> None:
    long, short = "Norrvik Nimbus Gate women's rain jacket", "Norrvik Nimbus Gate men's rain jacket"
    assert called((long, "Norrvik"), (short, "Norrvik")) == {long: long, short: short}
    assert called((long, "Norrvik"), ("Norrvik Nimbus Gate", "Norrvik"))[long] == long


def test_a_capital_word_that_a_whole_kind_has_is_no_name() -> None:
    titles = [(f"Norrvik {name} kids' T-shirt", "Norrvik") for name in ("Oak", "Elm Row", "Ash")]
    assert list(called(*titles).values()) == ["Norrvik Oak", "Norrvik Elm Row", "Norrvik Ash"]
