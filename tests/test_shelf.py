"""What words mean on the shelf, by likeness, and what a shelf holds for whom."""

from __future__ import annotations

from pathlib import Path

import pytest
import toy

from assistant.dialogue import Recipient, Topic
from assistant.shelf import Shelf
from retrieval.filters import Condition


def kind(*names: str) -> Condition:
    return Condition("kind", any_of=frozenset(names))


def test_words_mean_a_value_of_what_is_spoken_of(shelf: Shelf) -> None:
    shoes = kind("Trail running shoes")
    assert shelf.meant("resistant, water", shoes) == ("water protection", frozenset({"water-resistant"}))
    assert shelf.meant("resistant, water", kind("Puzzles")) is None  # puzzles have nothing of the sort
    assert shelf.meant("purple elephants", shoes) is None
    assert shelf.meant("blue", shoes) is None  # a colour is named, not described


def test_words_ask_after_a_field_of_what_is_spoken_of(shelf: Shelf) -> None:
    assert shelf.asked("recommended age", kind("Building blocks")) == "recommended age"
    assert shelf.asked("recommended age", kind("Frying pans")) is None
    assert shelf.asked("how is it", kind("Building blocks")) is None


def test_a_kind_for_children_counts_for_a_child(tmp_path: Path) -> None:
    people = {"gender": ("unisex",)}
    shop = toy.search(
        tmp_path,
        [
            toy.product(
                "adult", "Gate", ("Jackets", "Rain jackets"), "90.00", attributes={"age group": ("adult",), **people}
            ),
            toy.product(
                "child",
                "Plip",
                ("Jackets", "Kids' rain jackets"),
                "40.00",
                attributes={"age group": ("child",), **people},
            ),
            toy.product(
                "trail",
                "Trail",
                ("Jackets", "Trail rain jackets"),
                "80.00",
                attributes={"age group": ("child",), **people},
            ),
        ],
    )
    found = Shelf(shop).find(Topic(scope=kind("Rain jackets"), recipient=Recipient("girls", "child", 5)))
    assert found.fitting == ("child",)
    found = Shelf(shop).find(Topic(scope=kind("Rain jackets")))
    assert found.fitting == ("adult",)


@pytest.mark.parametrize(
    ("said", "spelled"),
    [("runing shoes", "running shoes"), ("ketle", "ketle"), ("puzzels", "puzzles"), ("running shoes", "running shoes")],
)
def test_a_misspelled_kind_is_known(shelf: Shelf, said: str, spelled: str) -> None:
    assert shelf.vocabulary.spelled(said) == spelled
