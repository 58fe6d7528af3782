from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.dialogue import DialogueState, Order, Topic
from assistant.intent import Intent
from assistant.lexicon import lexicon
from assistant.reading import pieces
from assistant.shelf import Shelf
from assistant.understand import Understander, Understanding
from retrieval.catalog import Product
from retrieval.filters import Condition
from retrieval.search import Search

SHOES = Topic(
    item="trail shoes", scope=Condition("kind", any_of=frozenset({"Trail running shoes"})), text="trail shoes"
)
SHOWN = DialogueState(
    turn=1,
    language="en",
    topics=(SHOES,),
    current=0,
    slate=("run-brook", "run-lynx", "run-fell"),
    focus=("run-brook",),
)


def limits(understanding: Understanding) -> dict[str, tuple[set[str], set[str], float | None, float | None]]:
    return {
        each.condition.field: (
            set(each.condition.any_of),
            set(each.condition.none_of),
            each.condition.minimum,
            each.condition.maximum,
        )
        for each in understanding.constraints
    }


def test_a_request_with_everything(understand: Understander) -> None:
    read = understand("Waterproof trail shoes under $100, not black, size 9", DialogueState())
    assert read.intent is Intent.FIND
    assert read.item is not None
    assert read.item.condition == Condition("kind", any_of=frozenset({"Trail running shoes"}))
    assert limits(read) == {
        "price": (set(), set(), None, 10000),
        "size": ({"9"}, set(), None, None),
        "water protection": ({"waterproof"}, set(), None, None),
        "color": (set(), {"black"}, None, None),
    }


def test_the_same_in_chinese(understand: Understander) -> None:
    read = understand("我想要防水的跑鞋，不要黑色，9码，100美元以内", DialogueState())
    assert read.language == "zh"
    assert read.item is not None
    assert limits(read) == {
        "price": (set(), set(), None, 10000),
        "size": ({"9"}, set(), None, None),
        "water protection": ({"waterproof"}, set(), None, None),
        "color": (set(), {"black"}, None, None),
    }


def test_another_currency_is_converted_at_the_shops_rate_or_named(understand: Understander) -> None:
    read = understand("a puzzle under 200 yuan", DialogueState())
    assert limits(read)["price"][3] == 2800
    assert [str(money) for _, money in read.converted] == ["28.00 USD"]
    read = understand("a puzzle under 3000 yen", DialogueState())
    assert read.foreign == ("3000 yen",)
    assert "price" not in limits(read)


@pytest.mark.parametrize(
    ("text", "references"),
    [
        ("tell me about the second one", ("run-lynx",)),
        ("is number 3 any good?", ("run-fell",)),
        ("how heavy is the lynx?", ("run-lynx",)),
        ("the last one in blue", ("run-fell",)),
        ("第二个多少钱", ("run-lynx",)),
        ("cuánto pesa el segundo", ("run-lynx",)),
        ("compare 1 and 3", ("run-brook", "run-fell")),
    ],
)
def test_earlier_products_are_meant(understand: Understander, text: str, references: tuple[str, ...]) -> None:
    assert understand(text, SHOWN).references == references


def test_a_reference_to_nothing_is_noticed(understand: Understander) -> None:
    assert understand("the fifth one please", SHOWN).missing_reference


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("cheaper", Intent.REFINE),
        ("in blue", Intent.REFINE),
        ("the second one but lighter", Intent.REFINE),
        ("is it waterproof?", Intent.QUESTION),
        ("how much is the first one", Intent.QUESTION),
        ("compare 1 and 2", Intent.COMPARE),
        ("show me more", Intent.MORE),
        ("something similar to the second one", Intent.SIMILAR),
        ("a kettle", Intent.FIND),
        ("便宜一点的", Intent.REFINE),
        ("第一个和第二个比较一下", Intent.COMPARE),
        ("🙂🙂", Intent.NOTHING),
        ("what is your return policy", Intent.POLICY),
        ("where is my order", Intent.ORDER),
        ("i want to speak to a human", Intent.PERSON),
    ],
)
def test_what_a_message_asks(understand: Understander, text: str, intent: Intent) -> None:
    assert understand(text, SHOWN).intent is intent


@pytest.mark.parametrize(
    ("text", "field", "less"),
    [
        ("cheaper", "price", True),
        ("something pricier", "price", False),
        ("a lighter one", "weight", True),
        ("轻一点的", "weight", True),
    ],
)  # fmt: skip
def test_a_comparative_is_a_limit_against_a_product(
    understand: Understander, text: str, field: str, less: bool
) -> None:
    (relative,) = understand(text, SHOWN).relative
    assert (relative.field, relative.less) == (field, less)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("the cheapest kettle", Order("price", True)),
        ("best rated shoes", Order("rating", False)),
        ("最便宜的跑鞋", Order("price", True)),
    ],
)  # fmt: skip
def test_a_superlative_is_an_order(understand: Understander, text: str, order: Order) -> None:
    assert understand(text, DialogueState()).order == order


def test_a_measure_limits_the_field_it_measures(understand: Understander) -> None:
    assert limits(understand("a kettle of at least 1.5 l", DialogueState()))["capacity"][2] == 1.5
    low = limits(understand("trail shoes under 300 g", DialogueState()))["weight"]
    assert low[2:] == (None, 300)


def test_negation_reaches_over_a_list_and_stops_at_but(understand: Understander) -> None:
    read = limits(understand("boots, not black or yellow", DialogueState()))
    assert read["color"][1] == {"black", "yellow"}
    read = limits(understand("not black but blue boots", DialogueState()))
    assert read["color"] == ({"blue"}, set(), None, None) or read["color"][1] == {"black"}


def test_a_question_back_drops_a_limit(understand: Understander) -> None:
    assert "color" in understand("any color is fine", SHOWN).dropped


def test_the_register_follows_the_shopper(understand: Understander) -> None:
    assert understand("你们有跑鞋吗", DialogueState()).formal is False
    assert understand("您好，有跑鞋吗", DialogueState()).formal is True


def test_one_message_can_make_two_requests(understand: Understander) -> None:
    assert len(understand.parts("a backpack and a wool blanket", DialogueState())) == 2
    assert len(understand.parts("trail shoes in black and white", DialogueState())) == 1
    assert len(understand.parts("do you have kettles? what is your return policy", DialogueState())) == 2
    assert len(understand.parts("我想要一个背包和一条羊毛毯", DialogueState())) == 2
    assert understand.parts("compare the backpack and the blanket", DialogueState()) == [
        "compare the backpack and the blanket"
    ]


@pytest.mark.parametrize("text", ["a gift for  her", "the most  powerful kettle", "the  second \u3000 one"])
def test_spaces_do_not_matter(understand: Understander, text: str) -> None:
    assert understand(text, SHOWN) == understand(" ".join(text.split()), SHOWN)


@pytest.fixture
def later(shelf: Shelf, search: Search) -> Understander:
    """Reads messages after the second product shown has left the catalogue."""

    def product(product_id: str) -> Product:
        if product_id == "run-lynx":
            raise KeyError(product_id)
        return shelf.product(product_id)

    return Understander(shelf.vocabulary, search.encoder, product, "USD", {})


def test_a_product_that_is_gone_is_a_missing_reference_and_the_others_keep_their_place(later: Understander) -> None:
    gone = later("tell me about the second one", SHOWN)
    assert (gone.references, gone.missing_reference) == ((), True)
    third = later("tell me about the third one", SHOWN)
    assert (third.references, third.missing_reference) == (("run-fell",), False)


@pytest.mark.parametrize("text", ["how heavy is it", "a lighter one", "how heavy is the lynx?", "cheaper"])
def test_a_session_outlives_a_product_it_showed(later: Understander, text: str) -> None:
    state = replace(SHOWN, focus=("run-lynx",), topics=(replace(SHOES, shown=SHOWN.slate),))
    assert "run-lynx" not in later(text, state).references


def test_a_comparison_with_a_place_beyond_the_slate_is_noticed(understand: Understander) -> None:
    read = understand("compare 1 and 9", SHOWN)
    assert (read.references, read.missing_reference) == (("run-brook",), True)


@pytest.mark.parametrize(
    ("text", "minimum"),
    [
        ("kettles rated 4.5", 4.5),
        ("kettles rated at least 4", 4),
        ("kettles with a rating of 4", 4),
        ("kettles with a rating over 4", 4),
        ("kettles with 4 stars", 4),
        ("评分4以上的跑鞋", 4),
    ],
)
def test_a_rating_is_no_price(understand: Understander, text: str, minimum: float) -> None:
    read = limits(understand(text, DialogueState()))
    assert read["rating"] == (set(), set(), minimum, None)
    assert "price" not in read


def test_a_number_after_rated_that_is_none_is_left_alone(understand: Understander) -> None:
    assert "rating" not in limits(understand("well rated puzzles for 3 people", DialogueState()))


def test_the_words_of_a_constraint_are_the_shoppers(understand: Understander) -> None:
    read = understand("waterproof boots under $50, size 9, not black, not yellow, rated over 4", DialogueState())
    assert {each.words for each in read.constraints} == {
        "size 9", "rated over 4", "under $50", "waterproof", "black, yellow",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "most"),
    [("$1-", 2), ("not boots, ", 1), ("not black, not yellow, ", 1), ("under $5, over $1, ", 2), ("over 20 g, ", 1)],
)
def test_a_message_that_repeats_itself_says_it_once(understand: Understander, text: str, most: int) -> None:
    read = understand(text * (2000 // len(text)), DialogueState())
    assert len(read.constraints) <= most


def test_the_last_limit_of_its_kind_counts(understand: Understander) -> None:
    assert limits(understand("boots under $50, sorry, under $80", DialogueState()))["price"][3] == 8000


def test_a_message_is_cut_into_few_pieces() -> None:
    cut = list(pieces("ship it? " * 220, lexicon("en")))
    assert len(cut) == 8
    assert " ".join(piece for _, piece in cut) == ("ship it? " * 220).strip()


@pytest.mark.parametrize(
    "text",
    [
        "start over",
        "Let's start over please",
        "new search",
        "重新开始",
        "quiero empezar de nuevo",
        "on recommence s'il vous plaît",
        "bitte nochmal von vorne",
    ],
)
def test_a_shopper_can_begin_anew(understand: Understander, text: str) -> None:
    read = understand(text, SHOWN)
    assert (read.reset, read.intent, read.item, read.unknown) == (True, Intent.FIND, None, "")
    assert not understand("cheaper", SHOWN).reset


def test_a_shopper_can_begin_anew_with_something(understand: Understander) -> None:
    read = understand("start over, show me a kettle", SHOWN)
    assert read.reset
    assert read.item is not None
    assert read.item.words == "kettle"
    assert "start" not in read.search_text


def test_you_meiyou_asks_and_denies_nothing(understand: Understander) -> None:
    read = understand("有没有防水的跑鞋", DialogueState())
    assert read.item is not None
    assert limits(read) == {"water protection": ({"waterproof"}, set(), None, None)}


def test_what_is_denied_ends_before_the_thing_it_belongs_to(understand: Understander) -> None:
    read = understand("不要黑色的跑鞋", DialogueState())
    assert read.item is not None
    assert limits(read) == {"color": (set(), {"black"}, None, None)}


def test_a_rating_over_a_number_is_no_price(understand: Understander) -> None:
    assert limits(understand("trail shoes rated above 4.5", DialogueState())) == {"rating": (set(), set(), 4.5, None)}
    assert limits(understand("评分4.5以上的跑鞋", DialogueState())) == {"rating": (set(), set(), 4.5, None)}


def test_the_first_two_are_two(understand: Understander) -> None:
    assert understand("compare the first two", SHOWN).references == ("run-brook", "run-lynx")
    assert understand("比较前两个", SHOWN).references == ("run-brook", "run-lynx")
