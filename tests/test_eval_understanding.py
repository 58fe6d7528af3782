from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from assistant.conversation import Assistant
from assistant.demo_shop.make import products as demo_products
from assistant.intent import Intent
from eval import bitext
from eval.figures import Figure
from eval.marks import Marks, mark
from eval.slots import Slot, said
from eval.suite import Failure, Findings, Unmeasured, World
from eval.understanding import run
from retrieval.errors import MerchantError
from retrieval.facets import Facets
from retrieval.filters import Condition
from retrieval.search import Search

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "eval" / "demo"
RATES = {"CNY": Decimal("0.14")}
SHOES = ["run-lynx", "run-fell", "run-brook"]
CONTEXTS: list[dict[str, Any]] = [
    {"id": "shoes", "after": ["trail running shoes"], "shows": SHOES},
    {"id": "fell", "after": ["trail running shoes"], "shows": SHOES, "about": 2},
]
FIND: dict[str, Any] = {
    "id": "shoes",
    "text": "waterproof trail running shoes under 80",
    "language": "en",
    "intent": "find",
    "constraints": {"kind": "Trail running shoes", "water protection": "waterproof", "price": {"max": 80}},
}


@pytest.fixture
def world(assistant: Assistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(Assistant, "open", lambda settings: assistant)
    (tmp_path / "written").mkdir()
    with World.of(assistant.settings, written=tmp_path / "written", public=tmp_path / "public") as world:
        write(world, "contexts", *CONTEXTS)
        yield world


def write(world: World, name: str, *lines: Mapping[str, Any]) -> None:
    assert world.written
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (world.written / f"{name}.jsonl").write_text(text, "utf-8")


def found(world: World, *lines: Mapping[str, Any]) -> tuple[dict[str, Figure], dict[str, Failure]]:
    """Figures by label and failures by figure, of a run over the utterances `lines`."""
    write(world, "utterances", *lines)
    findings = run(world)
    return {each.label: each for each in findings.figures}, {each.figure: each for each in findings.failures}


# Utterances


def test_what_is_understood_is_right(world: World) -> None:
    chinese = {
        "id": "zh",
        "text": "有没有200元以内的电热水壶，不要白色",
        "language": "zh",
        "intent": "find",
        "constraints": {"kind": "Electric kettles", "price": {"max": "200 CNY"}, "color": {"not": "white"}},
    }
    figures, failures = found(world, FIND, chinese)
    assert failures == {}
    for label in ("whole message right", "language accuracy", "intent accuracy", "intent kappa", "slot F1"):
        assert figures[label].value == 1
    assert figures["slot F1"].observations == {"shoes": (3, 0, 0), "zh": (3, 0, 0)}
    assert figures["slot F1, exclusions"].observations["zh"] == (1, 0, 0)
    assert {"slot F1, en", "slot F1, zh", "slot F1, price", "slot F1, thing asked for"} <= figures.keys()
    assert "reference accuracy" not in figures  # none of them refers to anything


def test_what_is_misunderstood_is_a_failure(world: World) -> None:
    wrong = {**FIND, "language": "fr", "intent": "goodbye", "constraints": {}}
    figures, failures = found(world, FIND, {**wrong, "id": "wrong"})
    assert figures["intent accuracy"].value == figures["language accuracy"].value == 0.5
    assert figures["intent accuracy"].observations["wrong"] == ("goodbye", "find")
    assert set(figures["slot F1"].observations) == {"shoes"}  # nobody looks for the limits of a goodbye
    assert (failures["language accuracy"].severity, failures["intent accuracy"].severity) == (0.5, 0.7)
    assert failures["intent accuracy"].what == "expected goodbye, understood find"
    assert failures["intent accuracy"].transcript == (
        ("shopper", FIND["text"]),
        (
            "understood as",
            "find in en: kind Trail running shoes; price at most 80; water protection waterproof",
        ),
    )


def test_slots_missed_and_invented(world: World) -> None:
    wanted = {"kind": "Trail running shoes", "price": {"max": 60}, "color": "blue"}
    figures, failures = found(world, {**FIND, "constraints": wanted})
    assert figures["slot F1"].observations == {"shoes": (1, 2, 2)}
    assert figures["slot F1, price"].observations == {"shoes": (0, 1, 1)}
    assert figures["slot F1"].value == pytest.approx(1 / 3)
    assert failures.keys() == {"slot F1"}
    assert failures["slot F1"].severity == 0.9
    assert failures["slot F1"].what == (
        "expected price at most 60; color blue, understood price at most 80; water protection waterproof"
    )


def test_optional_slots_count_neither_way(world: World) -> None:
    figures, failures = found(
        world, {**FIND, "constraints": {"kind": "Trail running shoes", "price": {"max": 80}},
                "optional": {"water protection": "waterproof", "color": "red"}},
    )  # fmt: skip
    assert failures == {}
    assert figures["slot F1"].observations == {"shoes": (2, 0, 0)}


def test_references(world: World) -> None:
    second = {
        "text": "is the second one waterproof?",
        "language": "en",
        "intent": "question",
        "context": "shoes",
        "constraints": {"water protection": "waterproof"},
    }
    it = {**second, "text": "is it waterproof?", "id": "it", "context": "fell", "refers": [2]}
    figures, failures = found(
        world, {**second, "id": "right", "refers": [2]}, {**second, "id": "wrong", "refers": [3]}, it
    )
    assert figures["reference accuracy"].observations == {"right": 1.0, "wrong": 0.0, "it": 1.0}
    assert figures["slot F1"].value == 1
    assert failures["reference accuracy"].severity == 0.8
    assert failures["reference accuracy"].what == "expected 3. Brook, understood 2. Fell Runner"
    assert failures["reference accuracy"].transcript[:2] == (
        ("shopper", "trail running shoes"),
        ("cards", "1. Lynx GTX, 89.00 USD\n2. Fell Runner, 74.00 USD\n3. Brook, 64.00 USD"),
    )


def test_what_a_question_asks_about_is_no_limit(world: World) -> None:
    figures, failures = found(world, {**FIND, "intent": "question"})
    assert figures["slot F1"].observations == {"shoes": (0, 0, 3)}
    assert failures["slot F1"].what.startswith("expected kind Trail running shoes; water protection waterproof")


def test_another_intent_may_be_as_good(world: World) -> None:
    figures, failures = found(world, {**FIND, "intent": "more", "or": ["find"]})
    assert failures == {}
    assert figures["intent accuracy"].observations == {"shoes": ("more", "more")}


def test_a_small_run_takes_some_of_each(world: World) -> None:
    write(world, "utterances", *({**FIND, "id": str(number)} for number in range(200)))
    with World.of(world.settings, written=world.written, small=True) as small:
        figures = {each.label: each for each in run(small).figures}
    assert len(figures["intent accuracy"].observations) == 150


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"intent": "purchase"}, "intent is 'purchase'; it must be one of find, refine"),
        ({"or": ["purchase"]}, "or has 'purchase'"),
        ({"language": "English"}, "language is 'English'; write its two letters"),
        ({"constraints": {"colour": "red"}}, "no product has 'colour'; the filters of this shop are color"),
        ({"constraints": {"color": "redd"}}, "no product has the color 'redd'; it can be red"),
        ({"constraints": {"price": {"max": "200 XYZ"}}}, "price has '200 XYZ', and the shop's rates name CNY, EUR"),
        ({"constraints": {"price": {"max": "many CNY"}}}, "price has 'many CNY'; write it like '200 CNY'"),
        ({"constraints": {"for": {"gender": "lady"}}}, "gender is 'lady'; it can be men, women"),
        ({"constraints": {"for": {"years": "five"}}}, "years is 'five'; write a whole number"),
        ({"constraints": {"than": {"price": "lower"}}}, "than price is 'lower'; it can be less or more"),
        ({"constraints": {"order": {"field": "price"}}}, "it needs a field, and ascending as true or false"),
        ({"constraints": {"order": {"by": "price"}}}, "order has by; it is an object of field, ascending"),
        ({"constraints": {"reduced": "yes"}}, "reduced is 'yes'"),
        ({"constraints": {"asks": "weight"}}, "asks is 'weight'; write a list of fields"),
        ({"intent": "thanks"}, "a message of the intent thanks has no constraints"),
        ({"context": "boots"}, "context is 'boots'; contexts.jsonl has shoes, fell"),
        ({"context": "shoes", "refers": [4]}, "refers has 4; the context 'shoes' shows 3 products"),
        ({"refers": [1]}, "refers has 1; the context '' shows 0 products"),
        ({"constraint": {}}, "nothing reads constraint"),
    ],
)
def test_a_bad_line_is_named(world: World, change: Mapping[str, Any], problem: str) -> None:
    write(world, "utterances", FIND, {**FIND, "id": "bad", **change})
    with pytest.raises(MerchantError, match="utterances.jsonl, line 2: " + ".*" + re.escape(problem)):
        run(world)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"shows": ["run-hare"]}, "shows has 'run-hare', and no product has that id"),
        ({"about": 4}, "about is 4; it must be a place from 1 to 3"),
    ],
)
def test_a_bad_context_is_named(world: World, change: Mapping[str, Any], problem: str) -> None:
    write(world, "contexts", {**CONTEXTS[0], **change})
    write(world, "utterances", FIND)
    with pytest.raises(MerchantError, match=f"contexts.jsonl, line 1: {re.escape(problem)}"):
        run(world)


# What slots mean


def marks(search: Search, wanted: Mapping[str, Any], *given: Slot, optional: Mapping[str, Any] | None = None) -> Marks:
    facets = search.facets
    return mark(said(wanted, facets, RATES), said(optional or {}, facets, RATES), given, (), search)


def limit(field: str, *values: str) -> Slot:
    return Slot(field, "any", Condition(field, any_of=frozenset(values)))


def thing(*kinds: str) -> Slot:
    return Slot("kind", "thing", Condition("kind", any_of=frozenset(kinds)))


KETTLES, SANDALS = thing("Electric kettles"), thing("Sandals")


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        # one value, however many others are named that none of the things has
        ({"kind": "Electric kettles", "material": "steel"}, (KETTLES, limit("material", "steel", "wool"))),
        # a value of another field that leaves the same ones
        ({"kind": "Electric kettles", "material": "steel"}, (KETTLES, limit("color", "silver"))),
        # an amount, as a value or as a range
        (
            {"kind": "Electric kettles", "capacity": "1 l"},
            (KETTLES, Slot("capacity", "any", Condition("capacity", minimum=0.9, maximum=1.1))),
        ),
        ({"kind": "Electric kettles", "capacity": {"min": "1.5 l"}}, (KETTLES, Slot("capacity", "min", 1.5))),
        # a word that names the thing and its value at once, or a value that only one thing has
        ({"kind": "Sandals", "material": "cork"}, (Slot("id", "thing", Condition("id", frozenset({"sandal-cove"}))),)),
        ({"kind": "Sandals", "material": "cork"}, (limit("material", "cork"),)),
        # what the shopper did not say, and what rules nothing out
        ({"kind": "Wool blankets"}, (thing("Wool blankets"), limit("material", "wool"))),
        ({"price": {"about": 40}}, (Slot("price", "min", 32.0), Slot("price", "max", 48.0))),
        ({"price": {"about": 40}}, (Slot("price", "max", 48.0),)),
        ({"price": {"max": "200 CNY"}}, (Slot("price", "max", 28.0),)),
        ({"material": {"not": "glass"}}, (Slot("material", "not", Condition("material", frozenset({"glass"}))),)),
        ({"kind": "Sandals", "material": {"not": "cork"}}, (SANDALS, Slot("text", "refused", "cork"))),
        ({"for": {"gender": "women", "stage": "adult"}}, (Slot("gender", "whom", "women"),)),
        ({"asks": ["weight"]}, (Slot("weight", "asked"),)),
        ({"asks": ["material"]}, (limit("material", "wool"),)),
    ],
)
def test_the_same_is_meant(search: Search, wanted: Mapping[str, Any], given: tuple[Slot, ...]) -> None:
    result = marks(search, wanted, *given)
    assert (result.wrong, result.missed) == ((), ())
    assert result.severity == 0


@pytest.mark.parametrize(
    ("wanted", "given", "counts", "severity"),
    [
        ({"kind": "Sandals"}, (thing("Sandals", "Rain boots"),), (0, 1, 1), 0.7),
        # the same sandal, in a colour more
        ({"kind": "Sandals", "color": "black"}, (SANDALS, limit("color", "black", "blue")), (1, 1, 1), 0.9),
        ({"kind": "Sandals", "color": "black"}, (SANDALS, limit("color", "black", "white")), (1, 1, 1), 0.9),
        ({"kind": "Sandals", "size": "8"}, (SANDALS, limit("size", "9")), (1, 1, 1), 0.9),
        ({"kind": "Sandals", "color": {"not": "black"}}, (SANDALS, limit("color", "black")), (1, 1, 1), 0.9),
        ({"kind": "Sandals"}, (SANDALS, limit("color", "black")), (1, 1, 0), 0.5),
        ({"kind": "Sandals"}, (SANDALS, Slot("price", "max", 40.0)), (1, 1, 0), 0.9),
        ({"price": {"max": 40}}, (Slot("price", "min", 40.0),), (0, 1, 1), 0.9),
        ({"price": {"max": 40}}, (Slot("price", "max", 42.0),), (0, 1, 1), 0.9),
        ({"price": {"about": 40}}, (Slot("price", "max", 40.0),), (0, 0, 1), 0.5),
        ({"price": {"about": 40}}, (Slot("price", "max", 80.0),), (0, 0, 1), 0.5),
        ({"for": {"gender": "women"}}, (), (0, 0, 1), 0.6),
        ({"order": {"field": "price", "ascending": True}}, (Slot("price", "order", "descending"),), (0, 1, 1), 0.5),
        ({"kind": "Sandals", "material": "cork"}, (thing("Puzzles"), limit("material", "cork")), (1, 1, 1), 0.7),
    ],
)
def test_something_else_is_meant(
    search: Search, wanted: Mapping[str, Any], given: tuple[Slot, ...], counts: tuple[int, int, int], severity: float
) -> None:
    result = marks(search, wanted, *given)
    assert result.counts() == counts
    assert result.severity == severity


def test_values_may_be_added_to_those_said(search: Search) -> None:
    given = SANDALS, limit("color", "black", "blue")
    result = marks(search, {"kind": "Sandals", "color": "black"}, *given, optional={"color": "blue"})
    assert result.counts() == (2, 0, 0)
    only = marks(
        search, {"kind": "Sandals", "color": "black"}, SANDALS, limit("color", "blue"), optional={"color": "blue"}
    )
    assert only.counts() == (1, 0, 1)


def test_what_was_ruled_out_is_not_what_is_asked_for(search: Search) -> None:
    wanted, ruled_out = {"kind": {"not": "Sandals"}}, Slot("kind", "not", SANDALS.value)
    assert marks(search, wanted, ruled_out, thing("Rain boots"), optional={"department": "Shoes"}).severity == 0
    assert marks(search, wanted, ruled_out, SANDALS, optional={"department": "Shoes"}).wrong == (SANDALS,)


def test_a_word_that_nobody_ruled_out(search: Search) -> None:
    result = marks(search, {"kind": "Sandals"}, SANDALS, Slot("text", "refused", "wait"))
    assert (result.counts("exclusions"), result.severity) == ((0, 1, 0), 0.5)


def test_slots_are_put_into_words(search: Search) -> None:
    wanted = {
        "kind": ["Sandals", "Rain boots"],
        "price": {"min": "200 CNY", "max": 99.5, "about": 50},
        "color": {"not": "black"},
        "for": {"gender": "boys", "years": 5},
        "weight": {"min": "1 kg", "max": "2 kg"},
        "order": {"field": "rating", "ascending": False},
        "than": {"weight": "less"},
        "drops": ["size"],
        "asks": ["material"],
        "reduced": True,
    }
    assert [str(slot) for slot in said(wanted, search.facets, RATES)] == [
        "kind Rain boots or Sandals",
        "price around 50",
        "price at least 28",
        "price at most 99.5",
        "color not black",
        "for gender boys",
        "for years 5",
        "weight 1000 to 2000",
        "by rating, descending",
        "less weight than what was shown",
        "no limit of size any more",
        "asks about material",
        "reduced",
    ]


# The public set


def public(world: World, *rows: str) -> Findings:
    assert world.public
    file = world.public / bitext.FILE
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(["utterance,intent,tags", *rows]) + "\n", "utf-8")
    return run(world)


def test_the_public_set_alone(world: World) -> None:
    findings = public(
        world, "where is my order,track_order,B", "sandals,track_order,B", '"I want a kettle, please",place_order,B'
    )
    figures = {each.label: each for each in findings.figures}
    assert figures.keys() == {f"intent {each}, bitext" for each in ("accuracy", "macro F1", "kappa")}
    observed = figures["intent accuracy, bitext"].observations
    assert observed["bitext-3"] == ("order", "find")
    assert observed["bitext-4"] == ("buy", "buy")  # to look for it is as good
    failure = next(each for each in findings.failures if each.item == "bitext-3")
    assert failure.what == "expected order (there: track_order), understood find"
    assert any(note.startswith("No utterances") for note in findings.notes)


def test_without_the_public_set_a_note_says_so(world: World) -> None:
    write(world, "utterances", FIND)
    assert [note for note in run(world).notes if "public set is not there" in note]


def test_nothing_to_measure(world: World) -> None:
    with pytest.raises(Unmeasured, match=r"no utterances\.jsonl.*public set is not there"):
        run(world)


@pytest.mark.parametrize(
    ("row", "problem"),
    [("hello,greet,B", "the intent 'greet' is not one of"), (",track_order,B", "there is no utterance")],
)
def test_a_bad_row_is_named(world: World, row: str, problem: str) -> None:
    with pytest.raises(MerchantError, match=f"line 3: {problem}"):
        public(world, "where is my order,track_order,B", row)


def test_all_intents_of_the_public_set_are_mapped() -> None:
    assert len(bitext.INTENTS) == 27
    assert all(intents and set(intents) <= set(Intent) for intents in bitext.INTENTS.values())


# The data of the demo shop


def lines(pattern: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{file.name}, line {number}", json.loads(line))
        for file in sorted(DEMO.glob(pattern))
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
    ]


def test_the_demo_utterances_are_many_and_of_every_kind() -> None:
    utterances = [line for _, line in lines("utterances*.jsonl")]
    assert len(utterances) >= 420
    assert len([line for line in utterances if line["language"] == "zh"]) >= 130
    assert {line["intent"] for line in utterances} == set(Intent)


def test_the_demo_utterances_are_of_the_demo_catalogue() -> None:
    products = list(demo_products())
    facets, ids = Facets.of(products), {product.id for product in products}
    rates = {"CNY": Decimal("0.14"), "EUR": Decimal("1.1")}
    for place, line in lines("utterances*.jsonl"):
        for part in ("constraints", "optional"):
            assert said(line.get(part, {}), facets, rates) or not line.get(part), place
    for place, line in lines("contexts*.jsonl"):
        assert set(line["shows"]) <= ids, place


# A message that people cannot but put alike is no sign of copying: in a conversation, most follow upon another.
_ALIKE = {"utterances": 2, "judgments": 2, "dialogues": 4}


def plain(text: str) -> str:
    """The words of a text, case and punctuation apart."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(letter if letter.isalnum() else " " for letter in folded).split())


def length(text: str) -> float:
    """How many words a text has; a word of Chinese has two characters."""
    han = re.findall("[一-鿿]", text)
    return len(han) / 2 + len(plain(re.sub("[一-鿿]", " ", text)).split())


@cache
def known() -> frozenset[str]:
    """What stands in the product's own files: each line, and each quoted string."""
    texts = [
        file.read_text("utf-8") for suffix in ("toml", "txt") for file in (ROOT / "assistant").rglob(f"*.{suffix}")
    ]
    strings = re.compile(r'"""(.*?)"""|"((?:[^"\\\n]|\\.)*)"|\'([^\'\n]*)\'', re.DOTALL)
    quoted = (part for text in texts for found in strings.findall(text) for part in found)
    return frozenset(map(plain, [*quoted, *(line for text in texts for line in text.splitlines())]))


def messages(name: str) -> Iterator[tuple[str, str]]:
    for place, line in lines(f"{name}*.jsonl"):
        turns = [turn["say"] for turn in line.get("turns", []) if isinstance(turn, dict)]
        yield from ((place, text) for text in (*turns, line.get("text", ""), line.get("query", "")))


def test_what_the_product_knows_is_read() -> None:
    assert len(known()) > 1000
    assert (plain("Hello, World! 你好。"), length("Hello, World! 你好。")) == ("hello world 你好", 3)


@pytest.mark.parametrize("name", _ALIKE)
def test_no_message_of_the_evaluation_stands_in_the_product(name: str) -> None:
    said = [(place, text) for place, text in messages(name) if length(text) > _ALIKE[name]]
    assert [f"{place}: {text}" for place, text in said if plain(text) in known()] == []
