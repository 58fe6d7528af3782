"""The hand-written messages, and how they are filled."""

from __future__ import annotations

import random

import pytest
import toy

from assistant.intent import Intent
from assistant.tagger import Span
from finetune.messages import Template, Words, _template, corpus, fill, parts, templates
from retrieval.errors import MerchantError
from retrieval.glossary import Glossary, Label

GLOSSARY = Glossary(Label(*line.split(",")) for line in toy.GLOSSARY.splitlines()[1:])
WORDS = Words(toy.PRODUCTS, GLOSSARY, "en")


def filled(line: str, language: str = "en", words: Words = WORDS) -> tuple[str, list[tuple[str, str]]]:
    example = fill(_template(line, language, "line 1"), words, random.Random(0))
    assert example
    return example.text, [(each.label, example.text[each.start : each.end]) for each in example.spans]


def test_every_line_is_sound() -> None:
    lines = templates()
    assert len(lines) > 3000
    assert {template.language for template in lines} == {"en", "zh", "es", "fr", "de"}
    assert {intent for template in lines for intent in template.intents} == set(Intent) - {Intent.NOTHING}


def test_slots_are_filled_and_spans_follow() -> None:
    text, spans = filled("o find | Hi!  A [item {kind}], [want WATERPROOF], under [max {price}].")
    assert text.startswith("hi! a ")
    assert dict(spans)["want"] == "waterproof"
    assert dict(spans)["item"] in WORDS.of["kind"]
    assert any(digit.isdigit() for digit in dict(spans)["max"])


def test_a_shop_without_such_a_word_gives_nothing() -> None:
    bare = Words([toy.product("a", "Thing", ("Things",), "1.00")], Glossary(()), "en")
    assert fill(_template("o find | a [item {kind}] in [want {color}]", "en", ""), bare, random.Random(0)) is None


def test_words_are_those_of_the_language() -> None:
    chinese = Words(toy.PRODUCTS, GLOSSARY, "zh")
    assert "积木" in chinese.of["kind"]
    assert "黑色" in chinese.of["color"]
    assert "blocks" not in " ".join(chinese.of["kind"])
    assert {"waterproof", "wool"} <= set(WORDS.of["value"])


def test_requests_joined_are_taught_apart_too() -> None:
    template = _template("o find+policy | a [item kettle] [next and] can i return it", "en", "")
    (first, second) = parts(template, WORDS, random.Random(0))
    assert (first.intents, second.intents) == ((Intent.FIND,), (Intent.POLICY,))
    assert filled_parts(first) == "a kettle"
    example = fill(template, WORDS, random.Random(0))
    assert example
    assert example.intent is None
    assert Span("next", 9, 12) in example.spans


def filled_parts(template: Template) -> str:
    example = fill(template, WORDS, random.Random(0))
    assert example
    return example.text


def test_the_same_seed_makes_the_same_messages() -> None:
    lines = templates()[:50]
    shops = [(toy.PRODUCTS, GLOSSARY)]
    assert list(corpus(lines, shops, 2, 1)) == list(corpus(lines, shops, 2, 1))
    assert list(corpus(lines, shops, 2, 1)) != list(corpus(lines, shops, 2, 2))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("find | kettles", "no message"),
        ("x find | kettles", "no message"),
        ("o finds | kettles", "finds"),
        ("o find | [thing kettles]", "thing"),
        ("o find | {kettle}", "kettle"),
        ("o find | [item kettles", "bracket"),
    ],
)
def test_a_malformed_line_is_named(line: str, message: str) -> None:
    with pytest.raises(MerchantError, match=rf"en\.txt, line 3: .*{message}"):
        _template(line, "en", "en.txt, line 3")
