"""A tagger for tests, whose messages carry their marks: "[item trail shoes] under [max $100]"."""

from __future__ import annotations

import re

from assistant.intent import Intent
from assistant.tagger import Span, Tags
from assistant.vocabulary import normalize

_PART = re.compile(r"\[(\w+) ([^\[\]]+)\]|([^\[\]]+)")


class Marked:
    """Knows the marks of the messages it was taught."""

    def __init__(self) -> None:
        self._known: dict[str, Tags] = {}

    def teach(self, message: str, intent: Intent) -> str:
        """The message without its marks, which are remembered."""
        text, spans = "", []
        for label, marked, plain in _PART.findall(message):
            if label:
                spans.append(Span(label, len(text), len(text) + len(marked)))
            text += marked or plain
        assert normalize(text) == text, f"write {text!r} as {normalize(text)!r}"
        self._known[text] = Tags(tuple(spans), ((intent, 1.0),))
        return text

    def __call__(self, text: str, shown: bool) -> Tags:
        return self._known[text]
