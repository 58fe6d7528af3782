"""Whether a product answers a query at all, and how well in meaning.

Cosines of a sentence encoder lie in a narrow band that shifts with language and wording, so no fixed number tells
"carried" from "not carried". Three signs are weighed instead, for each product:

- similarity: its cosine with the query, less the query's mean over the catalogue;
- kinship: the best cosine of the query with a name, in any language, of the product's kind or department, likewise
  less the mean over such names;
- share: how much of what the query says, rare words first, its text says too.

The first two are measured in what the shop's own kinds reach, so that the weights carry over between shops and
encoders. Where the line runs is learnt from each shop by simulated absence: for kinds it sells, the best product
outside their department is what would be found if the shop did not carry them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.filters import Columns
from retrieval.lexical import Lexicon

# Weights of similarity, kinship, share and one: logistic regression over 236 things asked for in English and Chinese
# of two public catalogues, half of them not carried. The second set is for catalogues without kinds or departments.
_WITH_KINDS = (4.32, 7.54, 1.61, -6.77)
_WITHOUT_KINDS = (4.31, 0.0, 2.29, -3.81)
_SAMPLE = 200  # kinds or titles a line is learnt from
# The line lies this far above three quarters of the simulated absences; measured on the same catalogues.
_QUARTILE, _MARGIN = 75, 1.2
_PRIOR = 10  # simulated absences that the weights' own line counts for
_REACH = 1.5  # how far below the weights' own line a shop may draw its own: its absences can be too easy
_TITLE = 0.58  # how similar a product is to its kind's name, beside how similar it is to its own title


@dataclass(frozen=True)
class Names:
    """What the shop's kinds and departments are called, encoded as queries.

    `vectors` are (names, dimensions); `starts` says where the names of each group (a kind or a department) begin;
    `groups` is (products, 2), the group of each product's kind and of its department, or -1.
    """

    vectors: NDArray[np.float32]
    starts: NDArray[np.int64]
    groups: NDArray[np.int64]

    @classmethod
    def of(cls, values: Sequence[tuple[str, str]], vectors: NDArray[np.float32], columns: Columns) -> Self:
        """The names among `values`, (field, value) for each row of `vectors`, in the order of the facets."""
        rows = [row for row, (field, _) in enumerate(values) if field in ("kind", "department")]
        changes = [at for at, row in enumerate(rows) if not at or values[row] != values[rows[at - 1]]]
        place = {values[rows[at]]: group for group, at in enumerate(changes)}
        groups = np.full((len(columns.starts) - 1, 2), -1, np.int64)
        for at, field in enumerate(("kind", "department")):
            owners, codes = columns.cells(field)
            named = np.asarray([place[field, value] for value in columns.facets.fields[field].values], np.int64)
            groups[owners, at] = named[codes]
        return cls(vectors[rows], np.asarray(changes, np.int64), groups)

    def kinship(self, cosines: NDArray[np.float32]) -> NDArray[np.float32]:
        """The best of `cosines`, (names,), among the names of each product's groups; 0 where it has none."""
        if not len(cosines):
            return np.zeros(len(self.groups), np.float32)
        best = np.append(np.maximum.reduceat(cosines, self.starts), -np.inf).astype(np.float32)
        kinship = best[self.groups].max(axis=1)
        return np.where(np.isfinite(kinship), kinship, 0).astype(np.float32)


class Judgement(NamedTuple):
    """Of each product, (products,): how near in meaning, how well its words match, and the logit of its relevance."""

    meaning: NDArray[np.float32]
    words: NDArray[np.float32]
    logit: NDArray[np.float32]


@dataclass(frozen=True)
class Relevance:
    """Judges products by query.

    `weights` are those of similarity, kinship, share and one; `scales` what the shop's own kinds reach in the first
    two; `mean` is the mean of the products' vectors.
    """

    weights: tuple[float, ...]
    scales: tuple[float, ...]
    mean: NDArray[np.float32]
    names: Names
    lexicon: Lexicon

    @classmethod
    def learn(
        cls,
        vectors: NDArray[np.float32],
        names: Names,
        lexicon: Lexicon,
        texts: Sequence[str],
        titles: Sequence[str],
        encode: Callable[[Sequence[str]], NDArray[np.float32]],
    ) -> Self:
        """Draw the line for a shop.

        Args:
            vectors: of the products, (products, dimensions).
            names: of their kinds and departments.
            lexicon: the products' words.
            texts: what each row of `names` was encoded from.
            titles: of the products, which stand in where there are no kinds.
            encode: turns queries into vectors.
        """
        mean = vectors.mean(axis=0)
        kinds = np.unique(names.groups[:, 0][names.groups[:, 0] >= 0])
        if not len(kinds):
            sample = _spread(np.arange(len(titles)))
            asked = encode([titles[row] for row in sample])
            nearest = _TITLE * np.median((vectors @ asked.T).max(axis=0) - asked @ mean)
            return cls(_WITHOUT_KINDS, (max(float(nearest), 1e-6), 1.0), mean, names, lexicon)
        group_of = np.repeat(np.arange(len(names.starts)), np.diff(np.append(names.starts, len(names.vectors))))
        sample = _spread(np.flatnonzero(np.isin(group_of, kinds)))
        similarities = vectors @ names.vectors[sample].T - mean @ names.vectors[sample].T
        own_kind = [names.groups[:, 0] == group_of[row] for row in sample]
        reached: dict[int, float] = {}  # by the best of a kind's names: some language may be foreign to the encoder
        for at, row in enumerate(sample):
            best = float(similarities[own_kind[at], at].max())
            reached[group_of[row]] = max(best, reached.get(group_of[row], best))
        spread = np.mean(1 - names.vectors @ names.vectors.mean(axis=0))
        scales = (max(float(np.median(list(reached.values()))), 1e-6), max(float(spread), 1e-6))
        draft = cls(_WITH_KINDS, scales, mean, names, lexicon)
        absent: list[float] = []
        for at, row in enumerate(sample):
            outside = ~own_kind[at] & ~np.isin(names.groups[:, 1], names.groups[own_kind[at], 1])
            if outside.any():
                cosines = similarities[:, at] + mean @ names.vectors[row]
                absent.append(float(draft.judge(texts[row], names.vectors[row], cosines).logit[outside].max()))
        if not absent:
            return draft
        line = (np.percentile(absent, _QUARTILE) + _MARGIN) * len(absent) / (len(absent) + _PRIOR)
        weights = (*_WITH_KINDS[:3], _WITH_KINDS[3] - max(float(line), -_REACH))
        return cls(weights, draft.scales, mean, names, lexicon)

    def judge(self, text: str, vector: NDArray[np.float32], cosines: NDArray[np.float32]) -> Judgement:
        """Judge every product for a query, given its `vector` and its cosine with each product, (products,).

        A logit of 0 or more says that the product answers the query.
        """
        words, shares = self.lexicon.match(text)
        similarity = (cosines - self.mean @ vector) / np.float32(self.scales[0])
        named = self.names.vectors @ vector
        kinship = self.names.kinship((named - named.mean() if len(named) else named) / np.float32(self.scales[1]))
        meaning = np.float32(self.weights[0]) * similarity + np.float32(self.weights[1]) * kinship
        return Judgement(meaning, words, meaning + np.float32(self.weights[2]) * shares + np.float32(self.weights[3]))


def _spread(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most `_SAMPLE` of `rows`, evenly spread."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), _SAMPLE)).astype(np.int64)] if len(rows) else rows
