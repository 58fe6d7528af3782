"""The shop's own pages: the sentences that answer a question, quoted word for word, or that no page answers it.

A question is matched with each sentence under its heading in two ways: by what both say, and by what both are about,
which the common questions and answers of `policy.toml` tell. A page and its translation count as one.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.claims.prose import sentences
from assistant.dialogue import Source
from retrieval.encoder import Encoder
from retrieval.errors import MerchantError, OperatorError
from retrieval.lexical import Lexicon
from retrieval.models import cached

_Vectors = NDArray[np.float32]
_LOG = logging.getLogger(__name__)

_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_LANGUAGE = re.compile(r"\.([a-z]{2})$")
_ENDED = re.compile(r"[.!?…。！？][\"'”’」』）)]*\s*$")
# A sentence that begins so says nothing without the one before it.
_LEANS = re.compile(
    r"(?:it|its|they|them|their|this|that|these|those|then|otherwise|after that|in that case|if neither|if so|we then|"
    r"ellos?|ellas?|después|entonces|esto|ils?|elles?|ensuite|sinon|cela|er|sie|es|dann|danach|sonst|dies)\b"
    r"|[它其此这那该否]|他们|之后|然后|如果.{0,4}都",
    re.IGNORECASE,
)
_OWN = 0.7  # what the page in the shopper's language weighs beside its translations
_WORDS = 1.0  # what having all words of a question weighs, in deviations of how like it sentences are
_HARDLY = 0.01  # the least that a question and a sentence are about the same
_ASKED = 0.3  # by how much less like a question a topic may be, in deviations of how like it the topics are
_SPOKEN = 0.1  # by how much less like a sentence a topic may be, in cosines
_PRESENT = 0.3  # from which share of its main topic another topic is what a passage speaks of as well
_SCARCE = 20  # sentences of a page language from which its own mean outweighs that of all pages
_MISSED = 2  # how much worse it is to miss an answer than to quote what is none
_WHOLE = 2  # sentences of a passage that is quoted as it is
_NEARLY = 1.0  # by how much less a sentence of a longer passage may answer than the best


@dataclass(frozen=True)
class _Asked:
    """What questions ask."""

    vectors: _Vectors  # (questions, dimensions)
    topics: _Vectors  # how likely each topic is what they are about, (questions, topics)
    mean: _Vectors  # how like each is what pages usually say, and how much that varies: long stories are like nothing
    deviation: _Vectors


@dataclass(frozen=True)
class _Scores:
    """How well questions are answered."""

    places: _Vectors  # (questions, places)
    sentences: _Vectors  # (questions, sentences)


@dataclass(frozen=True)
class Passage:
    """A paragraph of a page, under its headings."""

    source: Source
    language: str


class Policies:
    """The pages of a shop: Markdown files in its `policies` folder, `returns.md` and, in Chinese, `returns.zh.md`.

    Args:
        folder: where the pages are.
        encoder: finds passages by meaning.
        unrelated: vectors of messages that no page answers, (messages, dimensions).

    Raises:
        MerchantError: a page is not UTF-8 text.
    """

    def __init__(self, folder: Path, encoder: Encoder, unrelated: _Vectors) -> None:
        self._encoder = encoder
        self.passages, places = _read(folder)
        self._places: list[dict[str, int]] = places
        self._floor = 0.0
        if not self.passages:
            return
        self._said = [_sentences(passage.source.quote) or [passage.source.quote] for passage in self.passages]
        self._starts = np.cumsum([0, *map(len, self._said)])
        self._topics = _Topics(encoder)
        heads = [passage.source.section or passage.source.title for passage in self.passages]
        headed = [f"{head}: {text.strip()}" for head, said in zip(heads, self._said, strict=True) for text in said]
        self._words = Lexicon.of(headed)
        self._vectors, self._about = self._encoded(headed)
        self._weights = {
            language: self._shares(language) for language in {"", *(passage.language for passage in self.passages)}
        }
        self._floor = self._margin(unrelated)

    def find(self, question: str, language: str) -> Passage | None:
        """What answers the question best, in the shopper's language where the shop has it there."""
        if not self.passages:
            return None
        asked = self._topics.asked(self._encoder.queries([question]))
        found = self._scores(asked, language, _WORDS * self._words.match(question)[1])
        best = int(found.places[0].argmax())
        if found.places[0, best] < self._floor:
            return None
        texts = self._places[best]
        chosen = texts.get(language, texts.get("en", next(iter(texts.values()))))
        passage = self.passages[chosen]
        quote = self._answering(chosen, found.sentences[0])
        return replace(passage, source=replace(passage.source, quote=quote))

    def _answering(self, row: int, scores: NDArray[np.float32]) -> str:
        """The sentences of a passage that answer: all of a short one; of a longer one those that do so best."""
        said, own = self._said[row], scores[self._starts[row] : self._starts[row + 1]]
        chosen = own >= own.max() - _NEARLY
        for at in range(len(said) - 1, 0, -1):
            chosen[at - 1] |= chosen[at] and _LEANS.match(said[at].lstrip()) is not None
        if len(said) <= _WHOLE:
            chosen[:] = True
        return "".join(text for text, wanted in zip(said, chosen, strict=True) if wanted).strip()

    def _encoded(self, headed: list[str]) -> tuple[_Vectors, _Vectors]:
        """What each sentence says under its heading, and how much each topic is what it is about."""
        bare = [text.strip() for said in self._said for text in said]
        languages = np.repeat([passage.language for passage in self.passages], np.diff(self._starts))
        as_queries, under_heading, alone = _vectors(self._encoder, headed, headed, bare)
        as_passages = under_heading + alone
        for language in np.unique(languages):
            rows = languages == language
            as_passages[rows] = _centred(as_passages[rows], 2 * self._topics.usual_said)
            as_queries[rows] = _centred(as_queries[rows], self._topics.usual_asked)
        return np.mean((as_passages, as_queries), axis=0), self._topics.of(as_passages, as_queries)

    def _shares(self, language: str) -> tuple[_Vectors, _Vectors]:
        """What each passage counts for in each place, (places, passages): for a shopper's language, and evenly."""
        own = np.zeros((len(self._places), len(self.passages)), np.float32)
        even = np.zeros_like(own)
        for place, texts in enumerate(self._places):
            for each, row in texts.items():
                even[place, row] = 1 / len(texts)
                if language not in texts or len(texts) == 1:
                    own[place, row] = even[place, row]
                else:
                    own[place, row] = _OWN if each == language else (1 - _OWN) / (len(texts) - 1)
        return own, even

    def _scores(self, asked: _Asked, language: str, words: _Vectors | float = 0.0) -> _Scores:
        own, even = self._weights.get(language) or self._weights.get("en") or self._weights[""]
        says = (asked.vectors @ self._vectors.T - asked.mean) / asked.deviation + words
        about = asked.topics @ self._about.T
        starts = self._starts[:-1]
        most = np.maximum.reduceat(says, starts, axis=1) @ own.T
        places = most + np.log(_HARDLY + np.maximum.reduceat(about, starts, axis=1) @ even.T)
        return _Scores(places, says + np.log(_HARDLY + about))

    def _margin(self, unrelated: _Vectors) -> float:
        """What an answer must score: what best tells the common questions on topics that the pages speak of from the
        same questions when the passages on their topic are taken away, and from messages that no page answers.
        """
        about = np.maximum.reduceat(self._about, self._starts[:-1], axis=0)
        about = np.stack([about[list(texts.values())].max(axis=0) for texts in self._places])  # (places, topics)
        scores = self._scores(self._topics.held_out, "").places
        topics = self._topics.owners
        answered = scores.max(axis=1)[(about.max(axis=0) == 1.0)[topics]]
        gone = np.where(about[:, topics].T > _PRESENT, -np.inf, scores).max(axis=1)
        nothing = self._scores(self._topics.asked(unrelated), "").places.max(axis=1)
        silent = np.concatenate([gone[np.isfinite(gone)], nothing])
        levels = np.unique(np.concatenate([answered, silent]))
        errors = [_MISSED * (answered < level).mean() + (silent >= level).mean() for level in levels]
        return float(levels[int(np.argmin(errors))])


class _Topics:
    """What shoppers ask of any shop's pages, and what pages say of it."""

    def __init__(self, encoder: Encoder) -> None:
        told = tomllib.loads(resources.files("assistant").joinpath("policy.toml").read_text("utf-8"))
        self.owners, self._asks = _rows([topic["asks"] for topic in told.values()])
        _, self._says = _rows([topic["says"] for topic in told.values()])
        asked, said = _vectors(
            encoder,
            [text for topic in told.values() for text in topic["asks"]],
            [text for topic in told.values() for text in topic["says"]],
        )
        self.usual_asked, self.usual_said = asked.mean(axis=0), said.mean(axis=0)
        self._asked, self._said = _unit(asked - self.usual_asked), _unit(said - self.usual_said)

    def asked(self, queries: _Vectors) -> _Asked:
        """What questions, given as vectors of the encoder, ask."""
        vectors = _unit(queries - self.usual_asked)
        return self._measured(vectors, vectors @ self._asked.T)

    @property
    def held_out(self) -> _Asked:
        """The common questions, each as if it were not among them."""
        alike = self._asked @ self._asked.T
        np.fill_diagonal(alike, -1.0)
        return self._measured(self._asked, alike)

    def of(self, as_passages: _Vectors, as_queries: _Vectors) -> _Vectors:
        """How much each topic is what sentences are about, (sentences, topics): 1.0 for the one most like each."""
        alike = _nearest(as_passages @ self._said.T, self._says, 1) + _nearest(
            as_queries @ self._asked.T, self._asks, 2
        )
        return np.asarray(np.exp((alike - alike.max(axis=1, keepdims=True)) / _SPOKEN), np.float32)

    def _measured(self, vectors: _Vectors, alike: _Vectors) -> _Asked:
        near = _nearest(alike, self._asks, 2)
        near = (near - near.max(axis=1, keepdims=True)) / near.std(axis=1, keepdims=True).clip(1e-6)
        likely = np.exp(near / _ASKED)
        usual = vectors @ self._said.T
        return _Asked(
            vectors,
            likely / likely.sum(axis=1, keepdims=True),
            usual.mean(axis=1, keepdims=True),
            usual.std(axis=1, keepdims=True).clip(1e-6),
        )


def _vectors(encoder: Encoder, asked: list[str], *said: list[str]) -> list[_Vectors]:
    """The vectors of questions, and of what pages say. They are kept in the cache of weights, since to encode them
    takes longer than all else in opening a shop; where it cannot be written they are encoded each time.
    """

    def encoded() -> list[_Vectors]:
        return [encoder.queries(asked), *map(encoder.passages, said)]

    def make(draft: Path) -> None:
        np.savez(draft / "vectors.npz", *encoded())

    identity = hashlib.sha256(json.dumps([encoder.fingerprint, asked, *said]).encode()).hexdigest()
    try:
        with np.load(cached(f"policy-{identity[:16]}", make) / "vectors.npz") as kept:
            return [kept[name] for name in kept.files]
    except OperatorError as error:
        _LOG.info("the vectors of the shop's pages are not kept: %s", error)
        return encoded()


def _rows(groups: Sequence[Sequence[str]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The group of each text, and the rows of each group's texts, filled up with -1."""
    sizes = [len(group) for group in groups]
    rows = np.full((len(groups), max(sizes)), -1, np.int64)
    for group, (start, size) in enumerate(zip(np.cumsum([0, *sizes]), sizes, strict=False)):
        rows[group, :size] = np.arange(start, start + size)
    return np.repeat(np.arange(len(groups)), sizes), rows


def _nearest(alike: _Vectors, rows: NDArray[np.int64], count: int) -> _Vectors:
    """How much each topic is like each text: the mean of its `count` likest examples."""
    each = np.where(rows < 0, np.float32(-1.0), alike[:, rows])
    return np.asarray(np.sort(each, axis=2)[:, :, -count:].mean(axis=2), np.float32)


def _unit(vectors: _Vectors) -> _Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-9), np.float32)


def _centred(vectors: _Vectors, usual: _Vectors) -> _Vectors:
    """Vectors as they differ from their mean; where they are few, from what is usual."""
    return _unit(vectors - (vectors.sum(axis=0) + _SCARCE * usual) / (len(vectors) + _SCARCE))


def _sentences(text: str) -> list[str]:
    """The sentences of a paragraph, each with the space after it."""
    found: list[str] = []
    for piece in sentences([text]):
        if found and not _ENDED.search(found[-1]):
            found[-1] += piece
        else:
            found.append(piece)
    return found


def _read(folder: Path) -> tuple[list[Passage], list[dict[str, int]]]:
    """The passages of all pages; and the places: language -> passage, of those that say the same."""
    passages: list[Passage] = []
    pages: dict[str, dict[str, range]] = {}
    for path in sorted(folder.glob("*.md")):
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise MerchantError(f"{path} is not UTF-8 text ({error}); save it as UTF-8") from error
        named = _LANGUAGE.search(path.stem)
        language, start = named[1] if named else "en", len(passages)
        passages.extend(Passage(source, language) for source in _paragraphs(text, path.stem))
        pages.setdefault(_LANGUAGE.sub("", path.stem), {})[language] = range(start, len(passages))
    places: list[dict[str, int]] = []
    for page in pages.values():
        if len({len(rows) for rows in page.values()}) == 1:
            places += [dict(zip(page, rows, strict=True)) for rows in zip(*page.values(), strict=True)]
        else:  # no telling which paragraph is the translation of which
            places += [{language: row} for language, rows in page.items() for row in rows]
    return passages, places


def _paragraphs(text: str, name: str) -> list[Source]:
    title, section = name, ""
    found: list[Source] = []
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
            found.append(Source(title, section, quote))
    return found
