from __future__ import annotations

import pytest

from assistant.lexicon import lexicon
from assistant.shelf import Shelf
from assistant.vocabulary import normalize


@pytest.mark.parametrize(
    ("text", "words", "field", "values"),
    [
        ("trail shoes", "trail shoes", "kind", {"Trail running shoes"}),
        ("shoes", "shoes", "department", {"Shoes"}),
        ("i need boots for rain", "boots", "kind", {"Rain boots"}),
        ("a kettle", "kettle", "kind", {"Electric kettles"}),
        ("a backpack for my frying pan", "backpack", "kind", {"Backpacks"}),
        ("蓝色的跑鞋", "跑鞋", "kind", {"Trail running shoes"}),
        ("do you have 积木", "积木", "kind", {"Building blocks"}),
    ],
)
def test_the_thing_asked_for_is_a_kind_of_the_shop(
    shelf: Shelf, text: str, words: str, field: str, values: set[str]
) -> None:
    item = shelf.vocabulary.item(normalize(text), lexicon("en"))
    assert item is not None
    assert (item.words, item.condition.field, set(item.condition.any_of)) == (words, field, values)


@pytest.mark.parametrize("text", ["a tent", "hiking poles", "帐篷", "something nice", "in blue", ""])
def test_what_the_shop_has_no_word_for_is_no_item(shelf: Shelf, text: str) -> None:
    assert shelf.vocabulary.item(normalize(text), lexicon("en")) is None


def test_values_are_found_in_the_shops_words_and_their_labels(shelf: Shelf) -> None:
    found = {
        (match.field, value)
        for match in shelf.vocabulary.values("waterproof, in 黑色", lexicon("en"))
        for value in match.values
    }
    assert ("water protection", "waterproof") in found
    assert ("color", "black") in found


def test_a_head_or_a_form_of_a_value_is_enough(shelf: Shelf) -> None:
    assert {value for match in shelf.vocabulary.values("iron", lexicon("en")) for value in match.values} == {
        "cast iron"
    }
    assert {value for m in shelf.vocabulary.values("machine washable", lexicon("en")) for value in m.values} == {
        "machine wash"
    }


def test_a_yes_or_no_field_is_named_by_its_name(shelf: Shelf) -> None:
    (match,) = shelf.vocabulary.values("dishwasher safe", lexicon("en"))
    assert (match.field, match.values) == ("dishwasher safe", frozenset({"yes"}))


def test_products_are_named_by_what_sets_their_title_apart(shelf: Shelf) -> None:
    among = [shelf.product(each) for each in ("run-lynx", "run-fell", "run-brook")]
    assert shelf.vocabulary.named("how heavy is the lynx", among) == ["run-lynx"]
    assert shelf.vocabulary.named("how heavy is the shoe", among) == []


def test_normalised_text_has_no_control_characters() -> None:
    assert normalize("Ａ\x00b\u200bC’s") == "a b c's"


def test_normalised_text_has_no_run_of_spaces() -> None:
    assert normalize(" a gift \t for\u3000 her\n") == "a gift for her"
