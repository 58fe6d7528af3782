"""The shop's own pages: passages of its policies and FAQ, found by meaning and quoted word for word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.dialogue import Source
from retrieval.encoder import Encoder
from retrieval.errors import MerchantError
from retrieval.lexical import Lexicon

_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_LANGUAGE = re.compile(r"\.([a-z]{2})$")
_UNRELATED = 0.5  # share of the messages about products that no passage may be taken to answer
_SHARE = 0.1  # what having all the words of a question weighs beside a cosine
_OPENING = 0.01  # what standing first on its page weighs
_TOLD = 0.5  # share of the question's rare words from which a passage answers it, whatever its likeness


@dataclass(frozen=True)
class Passage:
    """A paragraph of a page, under its headings."""

    source: Source
    language: str
    opening: bool  # the first of its page, which says what matters most


class Policies:
    """The pages of a shop: Markdown files in its `policies` folder, `returns.md` and, in Chinese, `returns.zh.md`.

    Args:
        folder: where the pages are.
        encoder: finds passages by meaning.
        unrelated: vectors of messages that no page answers, (messages, dimensions): what a passage must be nearer than.

    Raises:
        MerchantError: a page is not UTF-8 text.
    """

    def __init__(self, folder: Path, encoder: Encoder, unrelated: NDArray[np.float32]) -> None:
        self._encoder = encoder
        self.passages: list[Passage] = []
        for path in sorted(folder.glob("*.md")):
            try:
                text = path.read_text("utf-8")
            except UnicodeDecodeError as error:
                raise MerchantError(f"{path} is not UTF-8 text ({error}); save it as UTF-8") from error
            named = _LANGUAGE.search(path.stem)
            self.passages.extend(_passages(text, path.stem, named[1] if named else "en"))
        pages: dict[tuple[str, str], list[str]] = {}
        for passage in self.passages:
            pages.setdefault((passage.language, passage.source.title), []).append(passage.source.section)
        texts = [" ".join((p.source.title, p.source.section, p.source.quote)) for p in self.passages]
        # What a passage says, what it is headed, and the page it is on count the same: short passages alone draw
        # questions that are another page's.
        views = (
            encoder.passages(texts),
            encoder.queries([p.source.section or p.source.title for p in self.passages]),
            encoder.queries(
                [f"{p.source.title}: {', '.join(pages[p.language, p.source.title])}" for p in self.passages]
            ),
        )
        self._vectors = np.mean(views, axis=0) if texts else np.empty((0, encoder.dimensions), np.float32)
        self._words = Lexicon.of(texts) if texts else None
        nearest = (unrelated @ self._vectors.T).max(axis=1) if texts else np.ones(1)
        self._floor = float(np.quantile(nearest, _UNRELATED))

    def find(self, question: str, language: str) -> Passage | None:
        """The passage that answers the question best, in the shopper's language where the shop has it there."""
        languages = {passage.language for passage in self.passages}
        wanted = language if language in languages else "en" if "en" in languages else next(iter(languages), "")
        rows = [row for row, passage in enumerate(self.passages) if passage.language == wanted]
        if not rows or self._words is None:
            return None
        similarity = self._vectors[rows] @ self._encoder.queries([question])[0]
        shares = self._words.match(question)[1][rows]
        opening = np.array([self.passages[row].opening for row in rows])
        best = int(np.argmax(similarity + _SHARE * shares + _OPENING * opening))
        if similarity[best] < self._floor and shares[best] < _TOLD:
            return None
        return self.passages[rows[best]]


def _passages(text: str, name: str, language: str) -> list[Passage]:
    title, section = name, ""
    found: list[Passage] = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        lines = block.strip().split("\n")
        while lines and (heading := _HEADING.match(lines[0])):
            if len(heading[1]) == 1:
                title, section = heading[2], ""
            else:
                section = heading[2]
            lines = lines[1:]
        quote = " ".join(re.sub(r"^\s*[-*]\s+", "", line).replace("**", "").strip() for line in lines).strip()
        if quote:
            found.append(Passage(Source(title, section, quote), language, opening=not found))
    return found
