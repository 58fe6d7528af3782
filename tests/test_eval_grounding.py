from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import toy

from assistant.config import Settings
from assistant.conversation import Assistant
from assistant.dialogue import Comparison, Event, Products, Source, Sources, Text
from assistant.plan import Said
from eval import grounding
from eval.assertions import Assertions, Names
from eval.audit import Audit
from eval.facts import alike, plural
from eval.faults import FAULTS, Case, plant
from eval.scenes import Shop, book, passages
from eval.suite import Findings, World
from eval.talk import Reply, Talk
from retrieval.catalog import Money, Product
from retrieval.errors import MerchantError
from retrieval.facets import Facets
from retrieval.glossary import Glossary
from retrieval.search import Search

TITLES = {each.title: each for each in toy.PRODUCTS}
NUMBERS = {word: n for n, word in enumerate(book()["en"]["numbers"])}


@pytest.fixture(scope="module")
def toy_shop(search: Search, settings: Settings) -> Shop:
    return Shop({each.id: each for each in toy.PRODUCTS}, search.facets, search.glossary, settings)


@pytest.fixture
def world(settings: Settings, assistant: Assistant, tmp_path: Path) -> World:
    for name in ("written", "folder"):
        (tmp_path / name).mkdir()
    world = World(settings, tmp_path / "folder", written=tmp_path / "written", small=True)
    world.__dict__["assistant"] = assistant  # the toy's, whose encoder needs no weights
    return world


def values(findings: Findings) -> dict[str, float]:
    return {figure.label: figure.value for figure in findings.figures}


# What some of the sentences say, told by the toy's products alone: a pattern, and whether its groups are true.


def dollars(text: str) -> float:
    return float(text.strip("$.").replace(",", ""))


def price_of(product: Product) -> float:
    return float(product.variants[0].price.major)


def is_price(name: str, amount: str) -> bool:
    return name in TITLES and price_of(TITLES[name]) == dollars(amount)


def is_rating(name: str, value: str) -> bool:
    rating = TITLES[name].rating if name in TITLES else None
    return rating is not None and f"{rating.value:.1f}" == value


def is_count(case: Case, number: str) -> bool:
    return len(case.scene.fitting) == (NUMBERS.get(number.casefold()) or int(number))


def is_cheapest(case: Case, name: str) -> bool:
    products = [case.scene.products[each] for each in case.scene.fitting]
    return name in TITLES and TITLES[name] in products and price_of(TITLES[name]) == min(map(price_of, products))


def is_cheaper(one: str, two: str) -> bool:
    return price_of(TITLES[one]) < price_of(TITLES[two])


def is_in_stock(name: str, there: bool) -> bool:
    states = {each.availability for each in TITLES[name].variants} if name in TITLES else set()
    return bool(states) and (toy.IN in states if there else states == {toy.OUT})


def weighs(name: str, grams: str) -> bool:
    weight = TITLES[name].attributes["weight"][0] if name in TITLES else ""
    return weight.replace(" g", "") == grams.replace(" grams", "").replace(" g", "")


NAME, MONEY = r"([A-Z](?:(?! in )[\w' ])*)", r"(\$\d[\d.]*\d)"
ORACLES: list[tuple[str, Callable[..., bool]]] = [
    (rf"The price of the {NAME} is {MONEY}", lambda _, name, amount: is_price(name, amount)),
    (rf"The {NAME} (?:is|are|costs?) {MONEY}", lambda _, name, amount: is_price(name, amount)),
    (rf"You'd pay {MONEY} for the {NAME}", lambda _, amount, name: is_price(name, amount)),
    (rf"There's the {NAME} for {MONEY}", lambda _, name, amount: is_price(name, amount)),
    (rf"The {NAME} (?:is|are) rated (\d\.\d) out of 5", lambda _, name, value: is_rating(name, value)),
    (rf"Buyers give the {NAME} (\d\.\d) stars", lambda _, name, value: is_rating(name, value)),
    (rf"Customers rate the {NAME} (\d\.\d)", lambda _, name, value: is_rating(name, value)),
    (r"I found (\w+) that fit", is_count),
    (r"(\w+) fit", is_count),
    (r"You have (\w+) to choose from", is_count),
    (rf"The cheapest is the {NAME}", is_cheapest),
    (rf"You'd spend least on the {NAME}", is_cheapest),
    (rf"The {NAME} (?:has|have) the lowest price of all", is_cheapest),
    (rf"The {NAME} (?:is|are) cheaper than the {NAME}", lambda _, one, two: is_cheaper(one, two)),
    (rf"Between the .+ and the {NAME}, the {NAME} (?:is|are) the cheaper choice", lambda _, b, a: is_cheaper(a, b)),
    (rf"We have the {NAME} in stock", lambda _, name: is_in_stock(name, True)),
    (rf"Yes, the {NAME} (?:is|are) available right now", lambda _, name: is_in_stock(name, True)),
    (rf"The {NAME} (?:is|are) in stock", lambda _, name: is_in_stock(name, True)),
    (rf"The {NAME} (?:is|are) sold out", lambda _, name: is_in_stock(name, False)),
    (rf"The {NAME} (?:isn't|aren't) available right now", lambda _, name: is_in_stock(name, False)),
    (rf"I'm afraid the {NAME} (?:is|are) sold out", lambda _, name: is_in_stock(name, False)),
    (rf"The {NAME} (?:is|are) out of stock at the moment", lambda _, name: is_in_stock(name, False)),
    (rf"We have no {NAME} left in stock", lambda _, name: is_in_stock(name, False)),
    (rf"The {NAME} weighs? (\d+ g(?:rams)?)", lambda _, name, grams: weighs(name, grams)),
    (rf"The {NAME} (?:is|are) dishwasher safe", lambda _, name: washable(name) == "yes"),
    (rf"The {NAME} must not go in the dishwasher", lambda _, name: washable(name) == "no"),
]


def washable(name: str) -> str:
    return TITLES[name].attributes["dishwasher safe"][0] if name in TITLES else ""


def told(case: Case, sentence: str) -> bool | None:
    """Whether a sentence is true; None where no pattern reads it."""
    for pattern, oracle in ORACLES:
        if found := re.fullmatch(rf"{pattern}\.", sentence):
            return oracle(case, *found.groups())
    return None


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_planted_and_is_false(toy_shop: Shop, fault: str) -> None:
    cases = plant(toy_shop, [], "en", fault, 40, seed=3)
    assert len(cases) >= (2 if fault == "policy" else 20)
    assert len({case.id for case in cases}) == len(cases)
    for case in cases:
        before, after = case.changed
        assert case.true.replace(before, after) == case.planted != case.true
        assert case.kind in FAULTS[fault]
        assert told(case, before) is not False, before
        if fault != "extra":
            assert told(case, after) is not True, after


def test_a_plural_is_told_by_the_noun() -> None:
    assert plural("Glazeby Oatridge bowls, set of 2")
    assert not plural("Clear glass")


@pytest.mark.parametrize(
    ("fault", "least"), [("price", 5), ("rating", 5), ("count", 5), ("stock", 3), ("comparison", 2)]
)
def test_the_true_and_the_false_sentence_differ_in_truth(toy_shop: Shop, fault: str, least: int) -> None:
    cases = plant(toy_shop, [], "en", fault, 80, seed=5)
    read = [(told(case, case.changed[0]), told(case, case.changed[1])) for case in cases]
    both = [pair for pair in read if None not in pair]
    assert len(both) >= least
    assert set(both) == {(True, False)}


def test_a_moved_fact_is_that_of_another_product_of_the_scene(toy_shop: Shop) -> None:
    for case in plant(toy_shop, [], "en", "moved", 40, seed=1):
        own = set(re.findall(r"\d[\d.]*\d|\d", case.changed[0]))
        for number in set(re.findall(r"\d[\d.]*\d|\d", case.changed[1])) - own:
            others = "\n".join(each.to_json() for each in case.scene.products.values())
            assert number in others or number.replace(".", "") in others or f"{float(number):.0f}00" in others


def test_an_invented_name_is_in_no_title_and_a_strange_one_outside_the_scene(toy_shop: Shop) -> None:
    cases = plant(toy_shop, [], "en", "name", 40, seed=2)
    strange = [title for case in cases for title in TITLES if title in case.changed[1] and title not in case.changed[0]]
    invented = [case for case in cases if any(word in case.changed[1] for word in book()["invented"])]
    assert invented
    assert strange
    for case in cases:
        for title in TITLES:
            if re.search(rf"\b{title}\b", case.changed[1]) and not re.search(rf"\b{title}\b", case.changed[0]):
                assert TITLES[title].id not in case.scene.products


def test_a_policy_is_quoted_word_for_word_and_its_fault_is_on_no_page(toy_shop: Shop, shop: Path) -> None:
    page = " ".join((shop / "policies" / "returns.md").read_text("utf-8").split())
    for case in plant(toy_shop, [], "en", "policy", 20, seed=0):
        quote = re.sub(r".*?(You can return anything.*|We pay for.*)", r"\1", case.changed[0]).strip("”")
        assert quote in page
        assert not any(sentence in page for sentence in case.changed[1].split(": ")[1:])


def test_an_extra_is_said_after_a_true_sentence(toy_shop: Shop) -> None:
    promises = [each for sort in book()["en"]["extra"].values() for each in sort["say"]]
    for case in plant(toy_shop, [], "en", "extra", 30, seed=0):
        assert case.changed[1].startswith(case.changed[0])
        assert case.changed[1].removeprefix(case.changed[0]).strip() in promises


def test_what_is_nearly_the_same_is_no_fault() -> None:
    assert alike("organic cotton", "cotton")
    assert alike("waterproof", "water-resistant")
    assert alike("suede", "leather")
    assert not alike("leather", "wool")
    assert not alike("machine washable at 30 °C", "machine washable at 40 °C")


def test_a_shared_rank_is_neither_said_nor_denied(settings: Settings) -> None:
    """Two products of three cost the same and are the cheapest: no statement about the cheapest can be made."""
    listed = [
        toy.product(f"cup-{name}", f"Cup {name}", ("Kitchen", "Cups"), price)
        for name, price in (("Ada", "9.00"), ("Bea", "9.00"), ("Cleo", "12.00"))
    ]
    shop = Shop({each.id: each for each in listed}, Facets.of(listed), Glossary(), settings)
    cases = plant(shop, [], "en", "superlative", 30, seed=0)
    assert cases  # Cleo is the dearest
    assert all("Cleo" in case.changed[0] for case in cases)


def test_the_same_seed_plants_the_same(toy_shop: Shop) -> None:
    first = plant(toy_shop, [], "zh", "price", 10, seed=7)
    assert first == plant(toy_shop, [], "zh", "price", 10, seed=7)
    assert first != plant(toy_shop, [], "zh", "price", 10, seed=8)


def test_chinese_is_spoken_only_where_kinds_have_chinese_names(toy_shop: Shop, settings: Settings) -> None:
    assert toy_shop.speaks("zh")
    plain = Shop(toy_shop.products, toy_shop.facets, Glossary(), settings)
    assert not plain.speaks("zh")
    assert all(re.search(r"[一-鿿]", case.true) for case in plant(toy_shop, [], "zh", "rating", 10, seed=0))


def test_each_kind_of_sentence_has_ten_ways_in_each_language() -> None:
    def ways(table: Any) -> int:
        return sum(map(ways, table.values())) if isinstance(table, Mapping) else len(table)

    for language in ("en", "zh"):
        kinds = ("price", "stock", "rating", "attribute", "count", "superlative", "comparison", "policy")
        short = [kind for kind in kinds if ways(book()[language][kind]) < 10]
        assert short == []
        assert sum(len(sort["say"]) for sort in book()[language]["extra"].values()) >= 10


class Lenient:
    """A checker that lets everything pass, or nothing."""

    verdict = True

    def __init__(self, *_: object) -> None:
        pass

    def begin(self, *_: object) -> Lenient:
        return self

    def check(self, _: str) -> Any:
        return type("Verdict", (), {"grounded": self.verdict})()


class Strict(Lenient):
    verdict = False


def test_a_checker_that_passes_everything_catches_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grounding, "Grounder", Lenient)
    findings = grounding.run(world)
    found = values(findings)
    assert found["faults caught"] == found["F1 of refusing"] == 0
    assert found["true replies passed"] == found["refused that were false"] == 1
    assert {f"faults caught, {fault}" for fault in FAULTS} <= found.keys()
    caught = [each for each in findings.failures if each.figure == "faults caught"]
    assert len(caught) == len(next(f for f in findings.figures if f.label == "faults caught").observations)
    assert {each.severity for each in caught if "false price" in each.what} == {1.0}
    assert all(each.transcript[0][0] == "shopper" for each in caught)
    assert all(each.transcript[-1] == ("reply with the fault", each.transcript[-1][1]) for each in caught)


def test_a_checker_that_refuses_everything_passes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grounding, "Grounder", Strict)
    findings = grounding.run(world)
    found = values(findings)
    assert found["faults caught"] == 1
    assert found["true replies passed"] == 0
    assert found["refused that were false"] == 0.5
    assert found["F1 of refusing"] == pytest.approx(2 / 3)
    assert {each.severity for each in findings.failures if each.figure == "true replies passed"} == {0.4}


def test_the_real_checker_is_measured_and_what_is_left_out_is_noted(world: World) -> None:
    findings = grounding.run(world)
    found = values(findings)
    assert 0.5 < found["faults caught, price"] <= 1
    assert 0.5 < found["true replies passed"] <= 1
    assert found["claims audited"] > 100
    assert found["ungrounded claims released"] == 0
    assert any("false policy in zh" in note for note in findings.notes)
    assert any("policies.jsonl" in note for note in findings.notes)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"rests": "within 90 days"}, "quote exactly one"),
        ({"page": "shipping"}, "pages returns"),
        ({"false": []}, "one or more sentences"),
        ({"false": [3]}, "one or more sentences"),
        ({"language": "fr"}, "must be one of en, zh"),
        ({"more": 1}, "nothing reads more"),
    ],
)
def test_a_paraphrase_that_rests_on_nothing_is_named(world: World, line: dict[str, Any], words: str) -> None:
    right = {
        "id": "a",
        "language": "en",
        "page": "returns",
        "rests": "within 30 days",
        "true": "30 days.",
        "false": ["7."],
    }
    assert world.written
    (world.written / "policies.jsonl").write_text(json.dumps({**right, **line}), "utf-8")
    with pytest.raises(MerchantError, match=rf"(?s)policies.jsonl, line 1.*{words}"):
        grounding.run(world)


def test_paraphrases_are_planted(world: World, toy_shop: Shop) -> None:
    line = {"id": "a", "language": "en", "page": "returns", "rests": "within 30 days", "true": "You have 30 days."}
    assert world.written
    (world.written / "policies.jsonl").write_text(json.dumps({**line, "false": ["You have 7 days."]}), "utf-8")
    read = world.read("policies", lambda record: grounding._paraphrase(record, toy_shop))
    cases = plant(toy_shop, read, "en", "policy", 10, seed=0)
    assert ("You have 30 days.", "You have 7 days.") in {case.changed for case in cases}


def test_pages_are_read_in_passages(shop: Path) -> None:
    found = passages(shop / "policies")
    assert [(each.page, each.language, each.title, each.section) for each in found] == [
        ("returns", "en", "Returns", "How long you have"),
        ("returns", "en", "Returns", "Who pays"),
    ]
    assert passages(shop / "nowhere") == ()


class Tampering:
    """The real assistant, some of whose events are changed before they are released."""

    def __init__(self, assistant: Assistant, change: Callable[[Event], Event]) -> None:
        self.store = assistant.store
        self._assistant, self._change = assistant, change

    def reply(self, session_id: str, text: str) -> Generator[Event, None, None]:
        for event in self._assistant.reply(session_id, text):
            yield self._change(event)


MESSAGES = (
    "trail running shoes under $100",
    "compare the first two",
    "what is the rating of the first one?",
    "how long do i have to return something?",
    "electric kettles",
    "is the first one in stock?",
)


def untrue(toy_shop: Shop, assistant: Any, messages: tuple[str, ...] = MESSAGES) -> list[str]:
    """What the audit finds untrue in a conversation."""
    talk, audit = Talk(assistant, "audited"), Audit(toy_shop)
    claims = []
    for place, message in enumerate(messages):
        reply = talk.say(message)
        claims += audit.claims(reply, messages[: place + 1], talk.state.topic)
    assert len(claims) > 50
    return [f"{claim.words}: {claim.untrue}" for claim in claims if claim.untrue]


def test_an_honest_assistant_is_found_to_be_one(toy_shop: Shop, assistant: Assistant) -> None:
    assert untrue(toy_shop, assistant) == []


def test_an_honest_assistant_is_found_to_be_one_in_chinese(toy_shop: Shop, assistant: Assistant) -> None:
    messages = ("100美元以内的跑鞋", "比较前两个", "第一个评分多少？", "电热水壶", "第一个有现货吗", "还有更便宜的吗")
    assert untrue(toy_shop, assistant, messages) == []


def lie(old: str, new: str) -> Callable[[Event], Event]:
    def change(event: Event) -> Event:
        return Text(re.sub(old, new, event.delta)) if isinstance(event, Text) else event

    return change


def changed(kind: type[Event], change: Callable[[Any], Event]) -> Callable[[Event], Event]:
    return lambda event: change(event) if isinstance(event, kind) else event


def of_first_card(**fields: object) -> Callable[[Products], Event]:
    return lambda event: replace(event, cards=(replace(event.cards[0], **fields), *event.cards[1:]))


def of_cell(event: Comparison) -> Event:
    (label, cells), *rows = event.rows
    return replace(event, rows=((label, ("$1.11", *cells[1:])), *rows))


def of_points(event: Said) -> Event:
    return Said(
        tuple(
            replace(each, facts={**each.facts, **{k: "$7.77" for k in each.facts if k == "price"}})
            for each in event.points
        )
    )


LIES: Mapping[str, Callable[[Event], Event]] = {
    "price": lie(r"\$\d\d", "$33"),
    "rating": lie(r"\d\.\d(?= out of 5)", "1.1"),
    "reviews": lie(r"\d+ reviews", "98765 reviews"),
    "name": lie(r"Lynx GTX", "one and Blue Marlowin Runner"),
    "quote": lie("30 days", "90 days"),
    "count": lie(r"(?i)\b(two|three|four)(?= fit| that fit)", "nine"),
    "value": lie(r"\.( |$)", ". The Swift is made of cast iron. "),
    "stock": lie(r"\.( |$)", ". The Swift is sold out. "),
    "card price": changed(Products, of_first_card(price=Money(101, "USD"))),
    "card title": changed(Products, of_first_card(title="Cheap Thing")),
    "card product": changed(Products, of_first_card(product_id="nothing")),
    "card reason": changed(Products, of_first_card(reason="cast iron")),
    "cell": changed(Comparison, of_cell),
    "point": changed(Said, of_points),
    "source": changed(Sources, lambda _: Sources((Source("Returns", "Who pays", "You pay for everything, always."),))),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_that_is_released_is_found(toy_shop: Shop, assistant: Assistant, name: str) -> None:
    assert untrue(toy_shop, Tampering(assistant, LIES[name]))


def test_released_lies_are_told_with_their_conversation(
    world: World, assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grounding, "Grounder", Lenient)
    world.__dict__["search"] = assistant.shelf.search
    lying: Any = Tampering(assistant, lie(r"\$\d[\d.]*", "$33.33"))
    lying.shelf = assistant.shelf
    world.__dict__["assistant"] = lying
    findings = grounding.run(world)
    assert values(findings)["ungrounded claims released"] > 10
    released = [each for each in findings.failures if each.figure == "ungrounded claims released"]
    assert {each.severity for each in released} == {1.0}
    assert any("$33.33" in each.what for each in released)
    talks = [each.item.rpartition("/")[0] for each in released]
    assert len(set(talks)) == len(talks)  # one failure for each conversation, with all that was untrue in it
    assert any(each.what.count("$33.33") > 1 and ", turn 2" in each.what for each in released)
    assert all(each.transcript[0][0] == "shopper" for each in released)


def test_the_shop_s_own_dialogues_are_audited_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grounding, "Grounder", Lenient)
    turns = [{"say": "electric kettles", "expect": {"shows": True}}, {"say": "the cheapest?"}]
    lines = [
        {"id": "kettles", "language": "en", "goal": "a kettle", "turns": turns, "end": {}},
        {"id": "elsewhere", "language": "en", "goal": "a kettle", "planted": True, "turns": turns},
    ]
    assert world.written
    (world.written / "dialogues.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    audited = next(f for f in grounding.run(world).figures if f.label == "claims audited")
    assert {"kettles/1", "kettles/2"} <= audited.observations.keys()
    assert not any(item.startswith("elsewhere") for item in audited.observations)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "there is nothing in it"),
        ("{", "line 1: '{' is no JSON"),
        ('{"id": "a", "language": "en", "turns": []}', "line 1: turns is empty"),
        ('{"id": "a", "language": "en", "turns": ["kettles"]}', "line 1: turn 1 is 'kettles'; write an object"),
        ('{"id": "a", "language": "en", "turns": [{"say": "hi"}, {"expect": {}}]}', "line 1: turn 2 says nothing"),
        ('{"id": "a", "language": "en", "turns": [{"say": "hi"}], "goal": true}', "line 1: goal is True"),
    ],
)
def test_broken_dialogues_cost_only_their_messages(
    world: World, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.setattr(grounding, "Grounder", Lenient)
    assert world.written
    (world.written / "dialogues.jsonl").write_text(text, "utf-8")
    findings = grounding.run(world)
    (note,) = [each for each in findings.notes if "dialogues.jsonl" in each]
    assert note.startswith("The messages of the dialogues are not audited: ")
    assert words in note
    assert {"faults caught", "claims audited"} <= values(findings).keys()


def test_items_are_named_by_their_words(toy_shop: Shop, world: World) -> None:
    """So that runs with other seeds are compared only where the words are the same."""
    words: dict[str, tuple[str, ...]] = {}
    for seed in (1, 2):
        cases = plant(toy_shop, [], "en", "price", 20, seed)
        talks, _ = grounding._talks(replace(world, seed=seed), toy_shop)
        items = {each.id: (each.true, each.planted) for each in cases} | {each.id: each.messages for each in talks}
        assert len(items) == len(cases) + len(talks)
        assert all(re.fullmatch(r"(en-price|audit-(en|zh))-[0-9a-f]{6}", each) for each in items)
        assert all(words.setdefault(each, told) == told for each, told in items.items())


@pytest.mark.parametrize(
    ("sentence", "claims"),
    [
        ("它30度机洗", [("30度", True)]),
        ("它40度机洗", [("40度", False)]),
        ("水温30摄氏度，也是30℃", [("30摄氏度", True), ("30℃", True)]),
        ("130度和30度", [("130度", False), ("30度", True)]),
        ("保修3个月，3款", [("3个月", False)]),
    ],
)
def test_a_measure_in_chinese_ends_with_its_unit(
    settings: Settings, sentence: str, claims: list[tuple[str, bool]]
) -> None:
    listed = [
        toy.product("bag", "Sleeping bag", ("Camping", "Bags"), "90.00", attributes={"comfort": ("-5 °C",)}),
        toy.product(
            "coat",
            "Rain coat",
            ("Clothing", "Coats"),
            "60.00",
            attributes={"care": ("machine washable at 30 °C",), "warranty": ("2 years",)},
        ),
    ]
    shop = Shop({each.id: each for each in listed}, Facets.of(listed), Glossary(), settings)
    reply = Reply("", sentence, (), 0, (), (), (), "zh", True)
    said = Assertions(Names(shop), reply, (), None).stated(sentence, listed[1])
    assert [(claim.words, not claim.untrue) for claim in said] == claims
