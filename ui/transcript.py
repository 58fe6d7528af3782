"""A conversation's events as the messages of the chat page.

A message's content is HTML made here; whatever a shopper, a catalogue, a policy or a model wrote is escaped on its
way in and never read as markup.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from importlib import resources
from typing import Any
from urllib.parse import quote, urlsplit

from assistant.notation import Notation, languages
from retrieval.catalog import Availability, Money
from retrieval.facets import Facets
from retrieval.glossary import Glossary

Message = dict[str, Any]


@cache
def _tables() -> dict[str, dict[str, Any]]:
    return tomllib.loads(resources.files("ui").joinpath("words.toml").read_text("utf-8"))


def words(language: str) -> Mapping[str, Any]:
    """What the page says in `language`, or in English where it has no words for it."""
    tables = _tables()
    return tables[language if language in tables else "en"]


class Transcript:
    """Draws the conversations of one shop.

    Args:
        facets: the shop's fields, for how facts are written.
        glossary: the shop's labels.
    """

    def __init__(self, facets: Facets, glossary: Glossary) -> None:
        self._facets = facets
        self._glossary = glossary

    def notation(self, language: str) -> Notation:
        """How facts are written in `language`, or in English where it has no table."""
        return Notation(language if language in languages() else "en", self._facets, self._glossary)

    def messages(self, events: Iterable[tuple[int, Mapping[str, Any]]], *, language: str = "en") -> list[Message]:
        """Role and content messages for `events`, each with its turn, as `Store.replay` gives them.

        `language` is the page's own, until a message says another.
        """
        messages: list[Message] = []
        turn = 0
        text = ""
        for number, event in events:
            if number != turn:
                turn, text = number, ""
            match event["type"]:
                case "message":
                    language = event["language"] or language
                    messages.append(_message("user", event["text"], language))
                case "products" if event["cards"]:
                    messages.append(_said(self._cards(event["cards"], language)))
                case "comparison":
                    messages.append(_said(_table(event)))
                case "text":
                    if text:
                        messages.pop()
                    text += event["delta"]
                    messages.append(_message("assistant", text, language))
                case "sources":
                    messages.append(_said("".join(map(_source, event["sources"]))))
                case "choices" if messages:
                    messages[-1]["options"] = [{"value": choice} for choice in event["choices"]]
                case "done" if event["status"] != "complete":
                    note = event["message"] or words(language)[event["status"]]
                    messages.append(_note(note, language, failed=event["status"] == "failed"))
        return messages

    def _cards(self, cards: Sequence[Mapping[str, Any]], language: str) -> str:
        notation = self.notation(language)
        items = "".join(_card(position, card, notation) for position, card in enumerate(cards, 1))
        label = escape(words(language)["products"])
        # A row that scrolls must be reachable by keyboard.
        return f'<ol class="cards" lang="{language}" aria-label="{label}" tabindex="0">{items}</ol>'


def shopper(text: str, language: str) -> dict[str, Any]:
    """The event of a message that is on its way."""
    return {"type": "message", "text": text, "language": language}


def _said(html: str) -> Message:
    return {"role": "assistant", "content": html}


def _message(role: str, text: str, language: str) -> Message:
    return {"role": role, "content": f'<div class="words" lang="{escape(language)}" dir="auto">{_lines(text)}</div>'}


def _note(text: str, language: str, *, failed: bool) -> Message:
    kind, role = ("failed", ' role="alert"') if failed else ("stopped", "")
    return _said(f'<div class="note {kind}" lang="{escape(language)}"{role}>{_lines(text)}</div>')


def _lines(text: str) -> str:
    return escape(text.strip()).replace("\n", "<br>")


def _card(position: int, card: Mapping[str, Any], notation: Notation) -> str:
    own = words(notation.language)
    title = escape(card["title"])
    link = _address(card["url"], pages=True)
    picture = _address(card["picture"])
    price = Money(**card["price"])
    shown = [
        f'<div class="picture">{_picture(picture, title)}<span class="position">{position}</span></div>',
        f'<div class="title">{_link(link, title)}</div>',
        f'<div class="price"><b>{escape(notation.money(price))}</b>',
    ]
    if card["list_price"] and (before := Money(**card["list_price"])) > price:
        shown.append(f' <s aria-label="{escape(own["was"])} {escape(notation.money(before))}">')
        shown.append(f"{escape(notation.money(before))}</s>")
    shown.append("</div>")
    if card["rating"]:
        value, count = f"{card['rating']['value']:.1f}", str(card["rating"]["count"])
        label = escape(own["rating"].format(value=value, count=count))
        shown.append(
            f'<div class="rating" role="img" aria-label="{label}"><span class="star">★</span> {value}'
            f' <span class="count">({count})</span></div>'
        )
    availability = Availability(card["availability"])
    state = "orderable" if availability.orderable else "gone"
    stock = notation.availability(availability)
    shown.append(f'<div class="stock {state}">{escape(stock[:1].upper() + stock[1:])}</div>')
    if card["reason"]:
        shown.append(f'<div class="reason" dir="auto">{escape(card["reason"])}</div>')
    return f'<li class="card {state}">{"".join(shown)}</li>'


def _picture(address: str, title: str) -> str:
    if not address:
        return '<span class="blank"></span>'
    return f'<img src="{escape(address)}" alt="{title}" loading="lazy" width="200" height="200">'


def _link(address: str, title: str) -> str:
    if not address:
        return title
    return f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">{title}</a>'


def _address(address: str, *, pages: bool = False) -> str:
    """A web address, or where the page serves a picture of the shop's folder; "" for any other scheme."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if parts.scheme in ("http", "https") and parts.netloc:
        return address
    if pages or parts.scheme or parts.netloc or not address:
        return ""
    return "/" + quote(address.lstrip("/"))


def _table(event: Mapping[str, Any]) -> str:
    head = "".join(f'<th scope="col" dir="auto">{escape(title)}</th>' for title in event["titles"])
    rows = "".join(
        f'<tr><th scope="row">{escape(label)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
        for label, cells in event["rows"]
    )
    table = f'<table class="comparison"><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="wide" tabindex="0">{table}</div>'


def _source(source: Mapping[str, str]) -> str:
    place = " · ".join(escape(part) for part in (source["title"], source["section"]) if part)
    quoted = _lines(source["quote"])
    return (
        f'<figure class="source"><blockquote dir="auto">{quoted}</blockquote><figcaption>{place}</figcaption></figure>'
    )
