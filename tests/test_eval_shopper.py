from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import toy

from assistant.config import Settings
from assistant.conversation import Assistant
from assistant.dialogue import Card, Choices, Done, Event, Products, Status, Text
from assistant.plan import Point, PointKind, Said
from assistant.store import Store
from eval import shopper
from eval.goals import Goal, goals
from eval.shopper import Conversation, converse, pass_hat
from eval.speech import Speech, Wares, languages, patterns
from eval.suite import Unmeasured, World
from retrieval.catalog import Product
from retrieval.facets import Facets
from retrieval.glossary import Glossary

FREQUENT = ("open", "open_with", "also", "more", "restate", "any", "accept")
SLOTS = {"kind", "old", "limits", "limit", "price", "value", "bad", "field", "amount", "stars", "which"}

SHOES = "Trail running shoes"
GOAL = Goal("en-plain-shoes", "en", "plain", ({"kind": SHOES, "color": "blue", "price": {"max": 70.0}},))
DEARER = Goal(
    "en-change-shoes",
    "en",
    "change",
    (
        {"kind": SHOES, "color": "blue", "brand": "Halden", "price": {"max": 60.0}},
        {"kind": SHOES, "color": "blue", "brand": "Halden", "price": {"max": 70.0}},
    ),
)
NOTHING = Goal("en-impossible-shoes", "en", "impossible", ({"kind": SHOES, "color": "red", "price": {"max": 35.0}},))


@pytest.fixture(scope="module")
def wares() -> Wares:
    return Wares({product.id: product for product in toy.PRODUCTS}, Facets.of(toy.PRODUCTS))


@pytest.fixture(scope="module")
def glossary(tmp_path_factory: pytest.TempPathFactory) -> Glossary:
    file = tmp_path_factory.mktemp("glossary") / "glossary.csv"
    file.write_text(toy.GLOSSARY, "utf-8")
    return Glossary.open(file)


@pytest.fixture(scope="module")
def speech(wares: Wares, glossary: Glossary) -> Speech:
    return Speech("en", wares, glossary)


Replies = Callable[[str], tuple[list[Card], list[Point]]]


class Scripted:
    """Answers every message with the cards and points that a function gives for it."""

    def __init__(self, store: Store, replies: Replies, choices: tuple[str, ...] = ()) -> None:
        self.store = store
        self._replies = replies
        self._choices = choices

    def reply(self, session: str, text: str) -> Iterator[Event]:
        cards, points = self._replies(text)
        if cards:
            yield Products(tuple(cards), len(cards))
        yield Text("Here you are.")
        yield Said(tuple(points))
        if self._choices:
            yield Choices(self._choices)
        yield Done(1, Status.COMPLETE, "en")


def card(product_id: str, *options: str) -> Card:
    own = next(product for product in toy.PRODUCTS if product.id == product_id)
    variant = next(each for each in own.variants if set(options) <= set(each.options.values()))
    return Card(own.id, variant.id, own.title, variant.price, variant.availability)


@pytest.fixture
def talk(tmp_path: Path, speech: Speech, wares: Wares) -> Iterator[Callable[..., Conversation]]:
    stores: list[Store] = []

    def talk(goal: Goal, replies: Replies, seed: int = 0, choices: tuple[str, ...] = ()) -> Conversation:
        stores.append(Store(f"sqlite:///{tmp_path}/{len(stores)}.sqlite"))
        assistant: Any = Scripted(stores[-1], replies, choices)
        return converse(assistant, goal, seed, speech, wares)

    yield talk
    for store in stores:
        store.close()


def buys(product_id: str) -> list[Point]:
    return [Point(PointKind.FOUND, {"n": "1"}), Point(PointKind.BUY, {"name": product_id}, (product_id,))]


def untrue(seen: Conversation, figure: str) -> list[str]:
    return [each.what for each in seen.statements if each.figure == figure and not each.true]


def test_both_languages_say_the_same_things_in_many_ways() -> None:
    english, chinese = (patterns()[language] for language in languages())
    assert english["acts"].keys() == chinese["acts"].keys()
    assert english["limits"].keys() == chinese["limits"].keys()
    for said in (english, chinese):
        assert all(len(said["acts"][act]) >= 12 for act in FREQUENT)
        assert all(len(said["limits"][name][form]) >= 10 for name in ("price", "color") for form in ("wrong",))
        for limit in said["limits"].values():
            assert limit.keys() == {"brief", "full", "wrong"}
        tables = [*said["acts"].values(), *(form for limit in said["limits"].values() for form in limit.values())]
        for table in tables:
            slots = {name for pattern in table for _, name, _, _ in string.Formatter().parse(pattern) if name}
            assert slots <= SLOTS


def test_wares_know_what_meets_a_wish(wares: Wares) -> None:
    assert [each.id for each in wares.meeting(GOAL.stages[0])] == ["run-brook", "run-dash"]
    black = {"kind": SHOES, "color": "black", "size": "8"}
    assert [each.id for each in wares.meeting(black)] == ["run-lynx"]
    assert [each.id for each in wares.meeting(black, in_stock=False)] == ["run-lynx", "run-moor"]
    assert wares.broken("run-lynx", "run-lynx/moss/9", {"kind": SHOES, "color": "black", "price": {"max": 90}}) == [
        "color"
    ]
    assert wares.broken("boot-storm", "boot-storm/black/9", {"kind": SHOES, "size": "9"}) == ["kind"]


def test_a_title_says_what_a_product_is_where_the_category_does_not() -> None:
    products = [
        *(toy.product(f"mug-{n}", f"Blue {n} Mug", ("Home", "mug"), "9.00") for n in range(3)),
        toy.product("gift", "Big Gift Mug", ("Home", "christmas"), "9.00"),
        *(toy.product(f"c-{n}", f"Tinsel {n}", ("Home", "christmas"), "9.00") for n in range(3)),
    ]
    wares = Wares({product.id: product for product in products}, Facets.of(products))
    assert [each.id for each in wares.of("mug")] == ["mug-0", "mug-1", "mug-2", "gift"]
    speech = Speech("en", wares, Glossary())
    assert speech.kind("mug") == "mugs"
    assert speech.kind("christmas") == ""  # nobody asks for "christmas"
    assert Speech("zh", wares, Glossary()).kind("mug") == ""


def test_values_are_said_as_the_shop_calls_them(wares: Wares, glossary: Glossary, speech: Speech) -> None:
    chinese = Speech("zh", wares, glossary)
    assert (speech.kind(SHOES), chinese.kind(SHOES)) == ("trail running shoes", "越野跑鞋")
    assert (speech.label("color", "black", SHOES), chinese.label("color", "black", SHOES)) == ("black", "黑色")
    assert chinese.label("color", "moss", SHOES) == ""  # the glossary has no word for it
    assert speech.label("weight", "320 g", SHOES) == ""  # a number
    chance = random.Random(0)
    said = {speech.limit("brief", "color", "blue", SHOES, chance) for _ in range(50)}
    assert said == {"in blue", "color blue", "blue ones"}
    assert "70" in chinese.limit("full", "price", {"max": 70.0}, SHOES, chance)
    wrong = {speech.limit("wrong", "color", "blue", SHOES, chance, bad="moss") for _ in range(90)}
    assert {"not moss, I want blue", "only blue ones please"} <= wrong
    assert not any("{" in words for words in wrong)


def test_what_is_part_of_another_name_is_not_said() -> None:
    products = [
        toy.product(f"bag-{n}", f"Bag {n}", ("Bags", "Bags"), "9.00", attributes={"material": (material,)})
        for n, material in enumerate(("leather", "full-grain leather", "nylon"))
    ]
    speech = Speech("en", Wares({each.id: each for each in products}, Facets.of(products)), Glossary())
    said = [speech.label("material", material, "Bags") for material in ("leather", "full-grain leather", "nylon")]
    assert said == ["", "full-grain leather", "nylon"]


def test_goals_are_what_the_catalogue_can_meet(wares: Wares, glossary: Glossary) -> None:
    for language in languages():
        made = goals(wares, Speech(language, wares, glossary), 40, seed=3)
        assert {goal.language for goal in made} == {language}
        assert {goal.sort for goal in made} == {"plain", "change", "impossible"}
        assert len({goal.id for goal in made}) == len(made)
        for goal in made:
            last = goal.stages[-1]
            assert 2 <= len(last) - 1 <= 5
            if goal.sort == "impossible":
                assert not wares.meeting(last, in_stock=False)
                assert any(wares.meeting({n: v for n, v in last.items() if n in ("kind", name)}) for name in last)
            else:
                assert wares.meeting(last)
            if goal.sort == "change":
                assert goal.stages[0] != last
                first, second = (stage.get("price", {}).get("max", 0.0) for stage in goal.stages)
                if first < second:  # a budget is raised because nothing met it
                    assert not wares.meeting(goal.stages[0], in_stock=False)


def test_goals_stay_the_same(wares: Wares, speech: Speech) -> None:
    assert goals(wares, speech, 12, seed=1) == goals(wares, speech, 12, seed=1)
    assert goals(wares, speech, 12, seed=1) != goals(wares, speech, 12, seed=2)
    same = {goal.id: goal for goal in goals(wares, speech, 40, seed=1)}
    assert all(same.get(goal.id, goal) == goal for goal in goals(wares, speech, 40, seed=2))


def test_no_chinese_goals_without_chinese_words(wares: Wares) -> None:
    assert goals(wares, Speech("zh", wares, Glossary()), 20, seed=0) == []


@pytest.mark.parametrize("seed", range(6))
def test_an_honest_assistant_is_bought_from(talk: Callable[..., Conversation], seed: int) -> None:
    seen = talk(GOAL, lambda _: ([card("run-brook")], buys("run-brook")), seed)
    assert seen.reached
    assert seen.broken == {}
    assert seen.end == "the shopper takes Brook"
    assert seen.turns == 2 or untrue(seen, "true answers")  # it may ask first, and this one answers no questions
    assert seen.transcript[0] == ("hidden goal", "Trail running shoes; color blue; price at most 70")


@pytest.mark.parametrize("seed", range(6))
def test_limits_that_are_ignored_are_seen(talk: Callable[..., Conversation], seed: int) -> None:
    seen = talk(GOAL, lambda _: ([card("run-lynx", "black")], [Point(PointKind.FOUND)]), seed)
    assert not seen.reached
    assert (seen.turns, seen.end) == (12, "the shopper gives up after 12 turns")
    assert "Lynx GTX (89.00 USD), break what was said: " in seen.broken[12]
    assert all(limit in seen.broken[12] for limit in ("color blue", "price at most 70"))
    said = " ".join(words for who, words in seen.transcript if who == "shopper")
    assert "blue" in said
    assert "70" in said


def test_what_was_not_said_is_not_broken(talk: Callable[..., Conversation]) -> None:
    seen = talk(GOAL, lambda _: ([card("run-lynx", "black")], [Point(PointKind.FOUND)]), seed=2)
    first = next(words for who, words in seen.transcript if who == "shopper")
    assert "blue" not in first
    assert "color" not in seen.broken.get(1, "")


@pytest.mark.parametrize("seed", range(6))
def test_nothing_fits_is_the_right_answer_where_it_is_so(talk: Callable[..., Conversation], seed: int) -> None:
    none = talk(NOTHING, lambda _: ([card("run-dash", "red")], [Point(PointKind.NONE_FIT)]), seed)
    assert none.reached
    assert none.broken == {}
    shown = talk(NOTHING, lambda _: ([card("run-dash", "red")], [Point(PointKind.FOUND)]), seed)
    assert not shown.reached
    assert "price at most 35" in list(shown.broken.values())[-1]


@pytest.mark.parametrize(
    ("cards", "point"),
    [
        ([card("boot-storm")], Point(PointKind.CLOSEST, {}, ("boot-storm",))),
        ([], Point(PointKind.NONE_FIT, {"what": "rain boots"})),
        ([], Point(PointKind.NOT_CARRIED, {"what": "sorries"})),
    ],
)
def test_a_denial_of_something_else_is_no_answer(
    talk: Callable[..., Conversation], cards: list[Card], point: Point
) -> None:
    seen = talk(NOTHING, lambda _: (cards, [point]))
    assert not seen.reached
    assert "speaks of something else" in untrue(seen, "true denials")[-1]


@pytest.mark.parametrize("seed", range(6))
def test_a_false_denial_is_untrue_and_not_bought_from(talk: Callable[..., Conversation], seed: int) -> None:
    seen = talk(GOAL, lambda _: ([card("run-brook")], [Point(PointKind.NONE_FIT)]), seed)
    assert not seen.reached
    assert "it says that nothing fits, and Brook is what was asked for" in untrue(seen, "true denials")


def test_no_more_is_true_when_all_has_been_shown(talk: Callable[..., Conversation]) -> None:
    def one(text: str) -> tuple[list[Card], list[Point]]:
        return [card("run-peak")], [Point(PointKind.NO_MORE)]

    def both(text: str) -> tuple[list[Card], list[Point]]:
        return [card("run-brook", "10"), card("run-dash", "blue")], [Point(PointKind.NO_MORE)]

    wish = Goal("x", "en", "plain", ({"kind": SHOES, "color": "blue", "brand": "Tarn", "price": {"max": 70.0}},))
    assert "there is nothing more" in " ".join(untrue(talk(GOAL, one), "true denials"))
    assert "Fell Runner" not in " ".join(untrue(talk(wish, both, 1), "true denials")[1:])


@pytest.mark.parametrize("seed", range(6))
def test_a_shopper_changes_their_mind(talk: Callable[..., Conversation], seed: int) -> None:
    def dear(text: str) -> tuple[list[Card], list[Point]]:
        if "70" in text:
            return [card("run-brook")], buys("run-brook")
        return [], [Point(PointKind.NONE_FIT)]

    seen = talk(DEARER, dear, seed)
    said = [words for who, words in seen.transcript if who == "shopper"]
    assert seen.reached or not any("70" in words for words in said[:-1])
    assert any("60" in words for words in said)
    assert any("70" in words for words in said)


def test_a_purchase_of_another_product_is_no_goal_reached(talk: Callable[..., Conversation]) -> None:
    seen = talk(GOAL, lambda _: ([card("run-brook")], buys("run-lynx")))
    assert not seen.reached
    assert untrue(seen, "purchases taken up")[-1] == "it leads to Lynx GTX who takes Brook"


def test_answers_are_held_against_the_catalogue(talk: Callable[..., Conversation]) -> None:
    def asked(kind: PointKind, **facts: str) -> list[tuple[bool, str]]:
        answered = []
        for seed in range(40):
            seen = talk(GOAL, lambda _: ([card("run-brook")], [Point(kind, facts, ("run-brook",))]), seed)
            answered += [(each.true, each.what) for each in seen.statements if "asked about" in each.what or each.true]
        return answered

    weight = [true for true, _ in asked(PointKind.VALUE, value="0.25 kg")]
    assert any(weight)  # the catalogue has 250 g
    wrong = [what for true, what in asked(PointKind.VALUE, value="260 g") if not true]
    assert "asked about Brook, whose weight is 250 g, it says value 260 g" in wrong
    yes = {what: true for true, what in asked(PointKind.YES)}
    assert yes["asked about Brook, whose color is blue, it says yes red"] is False
    unknown = [what for true, what in asked(PointKind.UNKNOWN) if not true]
    assert "asked about Brook, whose color is blue, it says unknown blue" in unknown


def test_a_fitting_choice_is_clicked(talk: Callable[..., Conversation]) -> None:
    seen = talk(
        GOAL,
        lambda _: ([card("run-lynx", "black")], [Point(PointKind.ASK)]),
        choices=("Black", "Blue"),
    )
    assert [words for who, words in seen.transcript if who == "shopper"][1] == "Blue"
    assert seen.asked == 12


def test_the_same_seed_is_the_same_shopper(assistant: Assistant, speech: Speech, wares: Wares, tmp_path: Path) -> None:
    def say(store: Store, seed: int) -> Conversation:
        return converse(
            Assistant(assistant.settings, assistant.shelf.search, store, assistant._generator),
            GOAL,
            seed,
            speech,
            wares,
        )

    stores = [Store(f"sqlite:///{tmp_path}/{n}.sqlite") for n in range(3)]
    first, again, other = (say(store, seed).transcript for store, seed in zip(stores, (0, 0, 1), strict=True))
    for store in stores:
        store.close()
    assert first == again
    assert first != other


def test_pass_hat() -> None:
    assert [pass_hat(4, 4, k) for k in (1, 2, 3, 4)] == [1, 1, 1, 1]
    assert [pass_hat(2, 4, k) for k in (1, 2, 3, 4)] == [1 / 2, 1 / 6, 0, 0]
    assert [pass_hat(3, 4, k) for k in (1, 2, 3, 4)] == [3 / 4, 1 / 2, 1 / 4, 0]


@pytest.fixture
def world(settings: Settings, assistant: Assistant, tmp_path: Path) -> World:
    (tmp_path / "folder").mkdir()
    world = World(settings, tmp_path / "folder", small=True)
    world.__dict__["assistant"] = assistant  # the toy's, whose encoder needs no weights
    return world


def test_the_suite_on_the_toy_shop(world: World) -> None:
    findings = shopper.run(world)
    figures = {figure.label: figure for figure in findings.figures}
    reached, tries = figures["goal reached"], {}
    assert {f"goal reached, {group}" for group in ("en", "zh", "plain", "change", "impossible")} <= figures.keys()
    for k in range(1, 5):
        assert figures[f"pass^{k}"].observations.keys() == reached.observations.keys()
        tries[k] = figures[f"pass^{k}"].value
    assert tries[1] == pytest.approx(reached.value)
    assert tries[1] >= tries[2] >= tries[3] >= tries[4]
    assert 0.0 <= figures["limit violations per turn"].value <= 1.0
    assert [each.severity for each in findings.failures] == sorted(
        (e.severity for e in findings.failures), reverse=True
    )
    for failure in findings.failures:
        assert failure.transcript[0][0] == "hidden goal"
        assert failure.item in figures[failure.figure].observations
    (curves,) = findings.plots
    assert [x for x, _ in curves.points["all"]] == list(range(1, 13))  # type: ignore[union-attr]
    assert curves.points["all"][-1][1] == pytest.approx(reached.value)  # type: ignore[union-attr]
    assert any("'zh'" in note or "'en'" in note for note in findings.notes) == (len(findings.notes) > 0)


def test_a_shop_of_which_nothing_can_be_wished(settings: Settings, assistant: Assistant, tmp_path: Path) -> None:
    few: dict[str, Product] = {product.id: product for product in toy.PRODUCTS[-3:]}
    world = World(settings, tmp_path)
    world.__dict__.update(assistant=assistant, products=few)
    with pytest.raises(Unmeasured, match="no goal can be made"):
        shopper.run(world)
