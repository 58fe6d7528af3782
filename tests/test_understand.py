from __future__ import annotations

import pytest

from assistant.dialogue import DialogueState, Order, Topic
from assistant.intent import Intent
from assistant.understand import Understander, Understanding
from retrieval.filters import Condition

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
