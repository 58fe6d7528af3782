"""Matching by words: a tokeniser for every script and a BM25 index over what it yields."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import bm25s  # type: ignore[import-untyped]

# Scripts written without spaces: Han, kana, Hangul, Thai, Lao, Khmer, Burmese.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_TOKEN = re.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|\d+(?:[.,]\d+)*|[^\W\d_{_UNSPACED}]+")
_POSSESSIVE = re.compile(r"['’]s\b")


class _Stem(threading.local):
    """A Snowball stemmer per thread, since one may not be shared."""

    def __init__(self) -> None:
        import Stemmer  # type: ignore[import-not-found]

        self.word = Stemmer.Stemmer("english").stemWord


_stem = _Stem()


def stem(word: str) -> str:
    """The Snowball stem of a folded Latin word."""
    return str(_stem.word(word))


def tokens(text: str) -> list[str]:
    """The words of `text` to match by, in order and with repeats.

    Case, width and accents are folded and Latin words stemmed; numbers stay whole, apart from their units; scripts
    without spaces give single characters and pairs.
    """
    found: list[str] = []
    for match in _TOKEN.finditer(_POSSESSIVE.sub("", unicodedata.normalize("NFKC", text).casefold())):
        word = match[0]
        if match["unspaced"]:
            found += word
            found += (word[at : at + 2] for at in range(len(word) - 1))
        elif word.isascii():
            found.append(_stem.word(word))
        else:
            bare = "".join(char for char in unicodedata.normalize("NFKD", word) if not unicodedata.combining(char))
            found.append(_stem.word(bare) if bare.isascii() else word)
    return found


class Lexicon:
    """A BM25 index over the texts of products, one row each."""

    def __init__(self, index: bm25s.BM25) -> None:
        self._vocabulary: dict[str, int] = index.vocab_dict
        self._data: NDArray[np.float32] = index.scores["data"]
        self._rows: NDArray[np.int32] = index.scores["indices"]
        self._starts: NDArray[np.int64] = index.scores["indptr"]
        self._size = int(index.scores["num_docs"])
        self._index = index

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Index `texts` in memory."""
        import bm25s

        index = bm25s.BM25()
        index.index([tokens(text) for text in texts], show_progress=False)
        return cls(index)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The index that `save` wrote, its arrays mapped from the files."""
        import bm25s

        return cls(bm25s.BM25.load(folder, mmap=True, show_progress=False))

    def save(self, folder: Path) -> None:
        """Write the index to `folder`."""
        self._index.save(folder, show_progress=False)

    def match(self, text: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How well each row matches `text`.

        Returns:
            The BM25 score of each row, and the share of the text's words it has, weighed by how rare each is: 1.0
            where it has them all, 0.0 where none. A word no row has counts as the rarest.
        """
        scores = np.zeros(self._size, np.float32)
        shares = np.zeros(self._size, np.float32)
        total = 0.0
        for token in dict.fromkeys(tokens(text)):
            at = self._vocabulary.get(token)
            rows = self._rows[self._starts[at] : self._starts[at + 1]] if at is not None else self._rows[:0]
            rarity = float(np.log1p((self._size - len(rows) + 0.5) / (len(rows) + 0.5)))
            total += rarity
            if at is not None:
                scores[rows] += self._data[self._starts[at] : self._starts[at + 1]]
                shares[rows] += np.float32(rarity)
        if total:
            shares /= np.float32(total)
        return scores, shares
