from __future__ import annotations

import pytest

from assistant.dialogue import Recipient
from assistant.lexicon import lexicon
from assistant.recipient import Suitability, read
from assistant.shelf import Shelf
from assistant.vocabulary import normalize
from retrieval.catalog import Availability, Money, Product, Variant
from retrieval.facets import Facets


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("for my five year old daughter", "en", Recipient("girls", "child", 5)),
        ("a gift for my wife", "en", Recipient("women", "adult")),
        ("something for the kids", "en", Recipient("", "child")),
        ("aged 30", "en", Recipient("", "adult", 30)),
        ("想给五岁女儿买生日礼物", "zh", Recipient("girls", "child", 5)),
        ("给零岁宝宝买玩具", "zh", Recipient("", "baby", 0)),
        ("给十二岁的儿子", "zh", Recipient("boys", "child", 12)),
        ("for a thirty-five year old", "en", Recipient("", "adult", 35)),
        ("送老公", "zh", Recipient("men", "adult")),
        ("para mi hija de 8 años", "es", Recipient("girls", "child", 8)),
        ("pour un enfant de 3 ans", "fr", Recipient("", "child", 3)),
        ("für meinen Sohn, 6 Jahre", "de", Recipient("boys", "child", 6)),
    ],
)
def test_whom_it_is_for_is_read(text: str, language: str, expected: Recipient) -> None:
    assert read(normalize(text), lexicon(language))[0] == expected


def test_nobody_is_nobody() -> None:
    assert read("a blue kettle", lexicon("en")) == (None, [])


def _product(product_id: str, **attributes: str) -> Product:
    variant = Variant(product_id, Money(100, "USD"), Availability.IN_STOCK)
    named = {name.replace("_", " "): (value,) for name, value in attributes.items()}
    return Product(product_id, product_id, (variant,), attributes=named)


@pytest.fixture(scope="module")
def suitability() -> Suitability:
    products = [
        _product("her-coat", gender="women", age_group="adult"),
        _product("his-coat", gender="men", age_group="adult"),
        _product("girls-coat", gender="girls", age_group="kids"),
        _product("blocks", age="3 to 6 years"),
        _product("chess", age="from 8 years"),
        _product("rattle", age="6 months+"),
        _product("lamp"),
    ]
    return Suitability(products, Facets.of(products))


def fits(suitability: Suitability, recipient: Recipient, strict: bool) -> set[str]:
    condition = suitability.condition(recipient, strict)
    return set(condition.any_of) if condition else set()


def test_a_gift_for_a_child_is_what_is_stated_to_be_for_that_age(suitability: Suitability) -> None:
    assert fits(suitability, Recipient("girls", "child", 5), True) == {"girls-coat", "blocks", "rattle"}


def test_a_thing_asked_for_only_must_not_be_for_somebody_else(suitability: Suitability) -> None:
    assert fits(suitability, Recipient("women", "adult"), False) == {
        "her-coat", "chess", "lamp", "rattle",
    }  # fmt: skip


def test_the_toy_shop_says_ages(shelf: Shelf) -> None:
    condition = shelf.suitability.condition(Recipient("", "child", 3), True)
    assert condition is not None
    assert condition.any_of == {"blocks-farm", "blocks-magnet", "puzzle-cat"}
