from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest

from assistant.dialogue import Card, Choices, Comparison, Done, Products, Source, Sources, Status, Text
from retrieval.catalog import Availability, Money, Rating
from retrieval.facets import Facets
from retrieval.glossary import Glossary
from ui.transcript import Transcript, shopper, words

CARD = Card(
    product_id="run-lynx",
    variant_id="run-lynx/moss/9",
    title="Lynx GTX",
    price=Money(6400, "USD"),
    list_price=Money(8000, "USD"),
    availability=Availability.IN_STOCK,
    reason="fully waterproof",
    rating=Rating(4.7, 212),
    picture="pictures/lynx moss.svg",
    url="https://shop.example/lynx",
)
HOSTILE = '<img src=x onerror=alert(1)>\n\n**bold** & "quotes" \'</div>'


class Parsed(HTMLParser):
    """The elements and the text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == name]


@pytest.fixture
def transcript() -> Transcript:
    return Transcript(Facets("USD", {}), Glossary())


def turn(*events: Any, said: str = "shoes", language: str = "en", number: int = 1) -> list[tuple[int, dict[str, Any]]]:
    """Events as the store gives them back."""
    return [(number, shopper(said, language)), *((number, json.loads(json.dumps(e.to_json()))) for e in events)]


def test_a_turn_is_cards_then_words_then_choices(transcript: Transcript) -> None:
    events = turn(Products((CARD,), 3), Text("Three fit. "), Text("Which one?"), Choices(("mud", "stones")))
    messages = transcript.messages([*events, (1, Done(1, Status.COMPLETE, "en").to_json())])
    assert [message["role"] for message in messages] == ["user", "assistant", "assistant"]
    assert Parsed(messages[0]["content"]).text == "shoes"
    assert Parsed(messages[2]["content"]).text == "Three fit. Which one?"
    assert messages[2]["options"] == [{"value": "mud"}, {"value": "stones"}]


def test_a_card_shows_what_a_shopper_needs(transcript: Transcript) -> None:
    card = Parsed(transcript.messages(turn(Products((CARD,), 1)))[1]["content"])
    assert card.text == "1Lynx GTX$64 $80★ 4.7 (212)In stockfully waterproof"
    assert card.of("img") == [
        {"src": "/pictures/lynx%20moss.svg", "alt": "Lynx GTX", "loading": "lazy", "width": "200", "height": "200"}
    ]
    assert card.of("a")[0]["href"] == "https://shop.example/lynx"
    assert card.of("ol")[0]["lang"] == "en"


def test_a_bare_card_shows_nothing_it_does_not_know(transcript: Transcript) -> None:
    bare = Card("x", "x", "Kettle", Money(123_450, "USD"), Availability.OUT_OF_STOCK, list_price=Money(100, "USD"))
    card = Parsed(transcript.messages(turn(Products((bare,), 1)))[1]["content"])
    assert card.text == "1Kettle$1,234.50Sold out"
    assert card.of("img") == card.of("a") == card.of("s") == []


def test_the_page_and_the_cards_speak_the_shoppers_language(transcript: Transcript) -> None:
    messages = transcript.messages(turn(Products((CARD,), 1), Done(1, Status.STOPPED, "zh"), said="鞋", language="zh"))
    assert "有现货" in Parsed(messages[1]["content"]).text
    assert Parsed(messages[2]["content"]).text == "已停止。"
    messages = transcript.messages(turn(Products((CARD,), 1), said="ботинки", language="ru"))
    assert "In stock" in Parsed(messages[1]["content"]).text


def test_nothing_that_was_written_becomes_markup(transcript: Transcript) -> None:
    card = Card(
        product_id=HOSTILE,
        variant_id="",
        title=HOSTILE,
        price=Money(1, "USD"),
        availability=Availability.IN_STOCK,
        reason=HOSTILE,
        picture="javascript:alert(1)",
        url="javascript:alert(1)",
    )
    events = [
        Products((card,), 1),
        Text(HOSTILE),
        Comparison(("a", "b"), (HOSTILE, HOSTILE), ((HOSTILE, (HOSTILE, HOSTILE)),)),
        Sources((Source(HOSTILE, HOSTILE, HOSTILE),)),
        Done(1, Status.FAILED, "en", HOSTILE),
    ]
    for message in transcript.messages(turn(*events, said=HOSTILE)):
        parsed = Parsed(message["content"])
        assert parsed.of("img") == []
        assert "javascript:" not in message["content"]
        assert all(name[:2] != "on" for _, attributes in parsed.elements for name in attributes)


@pytest.mark.parametrize(
    ("picture", "source"),
    [
        ("https://cdn.example/a.jpg?x=1&y=2", "https://cdn.example/a.jpg?x=1&y=2"),
        ("pictures/../conversations.sqlite", "/pictures/../conversations.sqlite"),  # the server refuses it
        ("//evil.example/a.jpg", None),
        ("data:text/html,x", None),
        ("file:///etc/passwd", None),
        ("http://[broken", None),
        ("", None),
    ],
)
def test_a_picture_comes_from_the_web_or_the_shop(transcript: Transcript, picture: str, source: str | None) -> None:
    card = Card("x", "x", "Kettle", Money(1, "USD"), Availability.IN_STOCK, picture=picture)
    images = Parsed(transcript.messages(turn(Products((card,), 1)))[1]["content"]).of("img")
    assert [image["src"] for image in images] == ([source] if source else [])


def test_a_comparison_is_a_table(transcript: Transcript) -> None:
    compared = Comparison(("a", "b"), ("Lynx", "Brook"), (("Weight", ("320 g", "250 g")),))
    table = Parsed(transcript.messages(turn(compared))[1]["content"])
    assert [each["scope"] for each in table.of("th")] == ["col", "col", "row"]
    assert table.text == "LynxBrookWeight320 g250 g"


def test_turns_are_told_apart(transcript: Transcript) -> None:
    events = [*turn(Text("One.")), *turn(Text("Two."), Done(2, Status.FAILED, "en"), said="again", number=2)]
    texts = [Parsed(message["content"]).text for message in transcript.messages(events)]
    assert texts == ["shoes", "One.", "again", "Two.", words("en")["failed"]]


def test_events_that_are_not_shown_are_passed_over(transcript: Transcript) -> None:
    assert transcript.messages([(1, {"type": "focused", "product_ids": ["a"]}), (1, {"type": "tomorrow"})]) == []
    assert transcript.messages(turn(Products((), 0)))[1:] == []


def test_every_language_has_every_word() -> None:
    english = words("en")
    for language in ("zh", "de", "fr", "es"):
        own = words(language)
        assert own.keys() == english.keys()
        assert own["title"] != english["title"]
        assert len(own["starts"]) == len(english["starts"])
        assert {"{value}", "{count}"} <= {part for part in ("{value}", "{count}") if part in own["rating"]}
    assert words("xx") is english
