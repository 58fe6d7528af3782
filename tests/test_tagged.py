"""What a message means once its words are marked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from marked import Marked
from numpy.typing import NDArray

from assistant.dialogue import Constraint, DialogueState, Recipient, Topic
from assistant.intent import Intent
from assistant.shelf import Shelf
from assistant.tagger import TAGS, Span, Tags, about, decode, open_tagger
from assistant.understand import Understander, Understanding
from retrieval.filters import Condition
from retrieval.search import Query, Search

SHOES = Topic("trail running shoes", Condition("kind", any_of=frozenset({"Trail running shoes"})))
BLACK = Constraint(Condition("color", none_of=frozenset({"black"})), "black")
WEIGHT = Constraint(Condition("weight", maximum=300.0), "300 g")
STATE = DialogueState(
    turn=1,
    language="en",
    topics=(replace(SHOES, constraints=(BLACK, WEIGHT)),),
    current=0,
    slate=("run-lynx", "run-fell", "run-brook"),
    focus=("run-lynx",),
)
NEW = DialogueState()


@pytest.fixture
def read(shelf: Shelf, search: Search) -> Any:
    tagger = Marked()
    rates: dict[str, Any] = {"EUR": 2}
    understand = Understander(shelf.vocabulary, search.encoder, shelf.product, "USD", rates, tagger)

    def read(message: str, intent: Intent = Intent.FIND, state: DialogueState = NEW) -> Understanding:
        return understand(tagger.teach(message, intent), state)

    read.understand, read.tagger = understand, tagger  # type: ignore[attr-defined]
    return read


def conditions(understanding: Understanding) -> dict[str, tuple[Any, ...]]:
    """Field -> its values, those refused with a minus, and the limits there are."""
    found: dict[str, tuple[Any, ...]] = {}
    for condition in (each.condition for each in understanding.constraints):
        said = [*sorted(condition.any_of), *(f"-{value}" for value in sorted(condition.none_of))]
        said += [f">= {condition.minimum:g}"] if condition.minimum is not None else []
        said += [f"<= {condition.maximum:g}"] if condition.maximum is not None else []
        found[condition.field] = (*found.get(condition.field, ()), *said)
    return found


def test_only_marked_words_matter(read: Any) -> None:
    found = read("the cove was lovely, and i walk in mud at a peak pace: [item trail shoes], [want waterproof]")
    assert found.item.words == "trail shoes"
    assert found.references == ()
    assert conditions(found) == {"water protection": ("waterproof",)}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("[item trail shoes] [want blue]", {"color": ("blue",)}),
        (
            "[item trail shoes], whatever you do nothing even remotely like [not black]",
            {"color": ("-black",)},
        ),
        ("[item trail shoes], can't go over [max $80] i'm afraid", {"price": ("<= 8000",)}),
        ("[item trail shoes] from [min 50] to [max 80 dollars]", {"price": (">= 5000", "<= 8000")}),
        ("[item trail shoes] for [max 40 euros]", {"price": ("<= 8000",)}),
        ("[item trail shoes] about [about $80]", {"price": (">= 6000", "<= 10000")}),
        ("[item trail shoes] not a gram over [max 300 g]", {"weight": ("<= 300",)}),
        ("[item trail shoes], between [min 250] and [max 300 g]", {"weight": ("<= 300", ">= 250")}),
        ("[item building blocks] with [min 100 pieces] or more", {"pieces": (">= 100",)}),
        ("[item building blocks], [want 40 pieces]", {"pieces": (">= 40", "<= 40")}),
        ("[item trail shoes] i take a [size 9]", {"size": ("9",)}),
        ("i had 2 and paid 30 dollars for them: [item trail shoes]", {}),
    ],
)
def test_limits(read: Any, message: str, expected: dict[str, Any]) -> None:
    assert conditions(read(message)) == expected


def test_whom_it_is_for(read: Any) -> None:
    found = read("my brother says hi. [item building blocks] for my [for 4 year old daughter]")
    assert found.recipient == Recipient("girls", "child", 4)
    found = read("[item building blocks] for my [for daughter], she's [for six], and 2 cats")
    assert found.recipient == Recipient("girls", "child", 6)


@pytest.mark.parametrize(
    ("message", "references"),
    [
        ("is [product the second one] [ask waterproof]", ("run-fell",)),
        ("is [product the last] [ask waterproof]", ("run-brook",)),
        ("how about [product the fell runner], is it [ask waterproof]", ("run-fell",)),
        ("[ask how heavy] is [product the storm]", ("boot-storm",)),  # not shown, but the shop has it
        ("is [product the moss one] [ask waterproof]", ("run-lynx",)),
    ],
)
def test_products_pointed_at(read: Any, message: str, references: tuple[str, ...]) -> None:
    found = read(message, Intent.QUESTION, STATE)
    assert found.intent is Intent.QUESTION
    assert found.references == references
    assert found.item is None


def test_what_is_asked(read: Any) -> None:
    found = read("hm, is [product it] [ask waterproof]", Intent.QUESTION, STATE)
    assert [(field, set(values)) for field, values, *_ in map(vars_of, found.claims)] == [
        ("water protection", {"waterproof"})
    ]
    assert read("[ask how heavy] is [product it]", Intent.QUESTION, STATE).asked == ("weight",)
    assert read("would [product it] do for [ask wide feet]", Intent.QUESTION, STATE).unknown == "wide feet"


def vars_of(match: Any) -> tuple[Any, ...]:
    return match.field, match.values


def test_a_thing_the_shop_has_no_word_for(read: Any) -> None:
    found = read("my old one died: [item garden hose] please")
    assert (found.item, found.unknown, found.thing) == (None, "garden hose", True)
    found = read("something that [want stops the draught]")
    assert (found.item, found.thing) == (None, False)
    assert "draught" in found.unknown


def test_a_wish_without_a_thing_goes_on_with_what_is_looked_for(read: Any) -> None:
    found = read("ooh, only [want blue] please", Intent.FIND, STATE)
    assert found.intent is Intent.REFINE


def test_limits_are_lifted(read: Any) -> None:
    assert read("forget the [drop weight] limit", Intent.REFINE, STATE).dropped == ("weight",)
    assert read("[drop black] is fine after all", Intent.REFINE, STATE).dropped == ("color",)
    assert read("[drop money] is no object", Intent.REFINE, STATE).dropped == ("price",)
    assert read("[drop that] does not matter", Intent.REFINE, STATE).dropped == ("*",)


def test_comparisons_with_what_is_shown(read: Any) -> None:
    found = read("anything [comp cheaper]?", Intent.REFINE, STATE)
    assert [(each.field, each.less) for each in found.relative] == [("price", True)]
    found = read("the [best lightest] of them", Intent.REFINE, STATE)
    assert (found.order.field, found.order.ascending) == ("weight", True)


@pytest.mark.parametrize(
    ("intent", "state", "settled"),
    [
        (Intent.REFINE, NEW, Intent.FIND),
        (Intent.MORE, NEW, Intent.FIND),
        (Intent.QUESTION, NEW, Intent.FIND),
        (Intent.COMPARE, NEW, Intent.FIND),
        (Intent.BACK, NEW, Intent.FIND),
        (Intent.POLICY, NEW, Intent.POLICY),
        (Intent.ORDER, STATE, Intent.ORDER),
        (Intent.COMPARE, STATE, Intent.COMPARE),
    ],
)
def test_an_intent_needs_its_occasion(read: Any, intent: Intent, state: DialogueState, settled: Intent) -> None:
    assert read("and [want blue] too", intent, state).intent is settled


def test_requests_are_cut_at_the_marked_joint(read: Any) -> None:
    said = read.tagger.teach(
        "[item trail shoes] [next and also] [item an electric kettle], rain and shine", Intent.FIND
    )
    assert read.understand.parts(said, NEW) == ["trail shoes", "an electric kettle, rain and shine"]
    said = read.tagger.teach("[item trail shoes] for mud and stones", Intent.FIND)
    assert read.understand.parts(said, NEW) == [said]


def scores(*names: str) -> NDArray[np.float32]:
    """Of each token, certain of its tag."""
    table = np.full((len(names), len(TAGS)), -9.0, np.float32)
    for row, name in enumerate(names):
        table[row, TAGS.index(name)] = 9.0
    return table


def spans_of(text: str, places: list[tuple[int, int]], *names: str) -> list[tuple[str, str]]:
    found = decode(scores(*names), places, text, 5)  # "new: " leads
    return [(each.label, text[each.start : each.end]) for each in found]


def test_tokens_become_spans() -> None:
    places = [(0, 4), (4, 9), (9, 15), (15, 21), (21, 22), (22, 25), (25, 31)]
    names = ("", "B-want", "B-item", "I-item", "", "", "B-not")
    assert spans_of("blue trail shoes, no black", places, *names) == [
        ("want", "blue"),
        ("item", "trail shoes"),
        ("not", "black"),
    ]


def test_a_word_is_marked_as_a_whole() -> None:
    """Whatever its pieces say by themselves; and neighbours of one label stay two when the second begins anew."""
    assert spans_of("migraine", [(5, 8), (8, 11), (11, 13)], "", "B-not", "") == []
    assert spans_of("migraine", [(5, 8), (8, 11), (11, 13)], "B-not", "", "I-not") == [("not", "migraine")]
    assert spans_of("red blue", [(5, 8), (8, 13)], "B-want", "B-want") == [("want", "red"), ("want", "blue")]


def test_chinese_is_marked_by_the_token() -> None:
    assert spans_of("最便宜的靴子", [(5, 8), (8, 9), (9, 11)], "B-best", "", "B-item") == [
        ("best", "最便宜"),
        ("item", "靴子"),
    ]


def test_the_thing_a_search_is_for() -> None:
    tagger = Marked()

    def asked(message: str) -> tuple[str, bool]:
        query = about(tagger, Query(tagger.teach(message, Intent.FIND)))
        return query.thing, query.floor

    assert asked("a [want quiet] [item fan] for the bedroom") == ("fan", True)
    assert asked("to [want keep coffee hot]") == ("", False)
    assert asked("mandoline") == ("", True)


def test_the_words_of_a_label() -> None:
    tags = Tags((Span("item", 2, 5), Span("want", 6, 9)), ((Intent.FIND, 1.0),))
    assert tags.words("a mug hot", "item", "want") == "mug hot"
    assert tags.intent is Intent.FIND


@pytest.mark.models
@pytest.mark.parametrize(
    ("message", "shown", "intent", "marked"),
    [
        (
            "trail shoes in size 9, waterproof, under $100 and not black",
            False,
            Intent.FIND,
            {"want": "waterproof", "item": "trail shoes", "max": "$100", "not": "black", "size": "9"},
        ),
        ("that sounds fine, but can't go over 80 dollars", True, Intent.REFINE, {"max": "80 dollars"}),
        ("is the second one machine washable?", True, Intent.QUESTION, {"product": "the second one"}),
        ("if it doesn't fit, can i send it back?", True, Intent.POLICY, {}),
        ("想给五岁女儿买积木，200元以内", False, Intent.FIND, {"item": "积木", "max": "200元"}),
    ],
)
def test_the_shipped_tagger_reads(message: str, shown: bool, intent: Intent, marked: dict[str, str]) -> None:
    tags = open_tagger()(message, shown)
    assert tags.intent is intent
    for label, words in marked.items():
        assert tags.words(message, label) == words
