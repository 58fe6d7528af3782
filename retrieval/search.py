"""Finding products: meaning and words together, under constraints that are never bent.

Meaning (similarity of vectors) and words (BM25) each rank the products that meet the filters; the two rankings are
fused by reciprocal rank (Cormack, Clarke and Büttcher, SIGIR 2009). Where no product reaches the shop's floor of
relevance there is no hit: a search for what the shop does not carry finds nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.catalog import Catalog
from retrieval.errors import MerchantError
from retrieval.filters import Condition, Filters
from retrieval.glossary import Glossary
from retrieval.index import Index
from retrieval.relevance import Judgement

if TYPE_CHECKING:
    from retrieval.encoder import Encoder

__all__ = ["Condition", "Filters", "Hit", "Query", "Results", "Search"]

_FUSION = 60  # Cormack et al. 2009
_FALL = 4.0  # in logits, how far below the most relevant product another may be and still be a hit
_DEPTH = 200  # ranks below this weigh too little to change the first page
# Up to this many products every query is scanned exactly; beyond, one without filters asks Chroma for the nearest.
_SCANNED = 200_000
_NEAREST = 1_000
_ALL = Filters()


@dataclass(frozen=True)
class Query:
    """What is looked for. An empty text asks for all that meets the filters, best rated first.

    `thing` are the words of the text that name the thing itself; where they are given, a product is judged by them as
    well: a long text says much that blurs what it asks for.
    `floor` is False where the filters alone say what counts: then nothing is left out for being unlike the text.
    """

    text: str
    filters: Filters = _ALL
    k: int = 10
    floor: bool = True
    thing: str = ""


@dataclass(frozen=True)
class Hit:
    """A product found.

    `score` orders the hits, `similarity` is the cosine of query and product, and `variant_ids` are the variants that
    meet all filters together, in the catalogue's order.
    """

    product_id: str
    score: float
    similarity: float
    variant_ids: tuple[str, ...]


@dataclass(frozen=True)
class Results:
    """The best `k` hits, and how many products meet the filters and answer the query in `total`."""

    hits: tuple[Hit, ...]
    total: int


class Search:
    """A shop's products, ready to be found. Safe to use from several threads."""

    def __init__(self, index: Index, catalog: Catalog, glossary: Glossary, encoder: Encoder) -> None:
        self.catalog = catalog
        self.glossary = glossary
        self.encoder = encoder
        self.facets = index.facets
        self.products = index.products
        self.values = index.values
        self.value_vectors = index.value_vectors
        self._index = index

    @classmethod
    def open(cls, shop: Path, encoder: Encoder) -> Self:
        """The search of the shop in the folder `shop`.

        Raises:
            OperatorError: no catalogue, or no index that matches it and the encoder; names the cure.
            MerchantError: the glossary is broken.
        """
        index = Index.open(shop, encoder)
        return cls(index, Catalog(shop / "catalog.sqlite"), Glossary.open(shop / "glossary.csv"), encoder)

    def search(self, query: Query, vector: NDArray[np.float32] | None = None) -> Results:
        """The products that answer `query`.

        Args:
            query: what is looked for.
            vector: the encoded text of the query, (dimensions,), where it is at hand already.

        Raises:
            MerchantError: an unknown filter or value, or `k` below one; names the valid ones.
        """
        if query.k < 1:
            raise MerchantError(f"k is {query.k}; ask for one hit or more")
        variants = self._variants(query.filters)
        meeting = self._index.columns.products(variants)
        if not query.text.strip():
            return self._rated(query, variants, meeting)
        if vector is None:
            vector = self.encoder.queries([query.text])[0]
        similarities = self._similarities(vector, meeting)
        judged = self._index.relevance.judge(query.text, vector, similarities)
        meeting &= np.isfinite(similarities)
        if query.floor and meeting.any():
            logit = judged.logit
            if query.thing.strip():
                logit = np.maximum(logit, self._judged(query.thing, meeting).logit)
            best = logit[meeting].max()
            # Where nothing answers, nothing is a hit; else whatever is not much less relevant than the best.
            meeting &= (best >= 0) & (logit >= min(0.0, best - _FALL))
        rows = np.flatnonzero(meeting)
        fused = np.zeros(len(meeting))
        for ranking, ranked in ((judged.meaning, rows), (judged.words, rows[judged.words[rows] > 0])):
            best = _first(ranking, ranked, max(_DEPTH, query.k))
            fused[best] += 1 / (_FUSION + 1 + np.arange(len(best)))
        best = _first(fused, rows[fused[rows] > 0], query.k)
        return Results(tuple(self._hit(row, fused[row], similarities[row], variants) for row in best), len(rows))

    def batch(self, queries: Sequence[Query]) -> list[Results]:
        """The results of each of `queries`, whose texts are encoded together."""
        said = (text for query in queries for text in (query.text, query.thing))
        texts = list(dict.fromkeys(text for text in said if text.strip()))
        vectors = dict(zip(texts, self.encoder.queries(texts), strict=True)) if texts else {}
        return [self.search(query, vectors.get(query.text)) for query in queries]

    def fitting(self, filters: Filters) -> list[str]:
        """The ids of all products that meet `filters`, in the catalogue's order."""
        columns = self._index.columns
        return [self._index.ids[row] for row in np.flatnonzero(columns.products(self._variants(filters)))]

    def mentioning(self, word: str) -> frozenset[str]:
        """The ids of the products whose data has a word, in any of its forms."""
        scores, _ = self._index.relevance.lexicon.match(word)
        return frozenset(self._index.ids[row] for row in np.flatnonzero(scores > 0))

    def prices(self, filters: Filters) -> dict[str, int]:
        """Id of each product that meets `filters` -> price of its cheapest variant that does, in minor units.

        In the catalogue's order.
        """
        columns, index = self._index.columns, self._index
        variants = self._variants(filters)
        prices = np.where(variants, columns.arrays["price"], np.iinfo(np.int64).max)
        cheapest = np.minimum.reduceat(prices, columns.starts[:-1])
        return {index.ids[row]: int(cheapest[row]) for row in np.flatnonzero(columns.products(variants))}

    def variants(self, filters: Filters, ids: Iterable[str]) -> dict[str, frozenset[str]]:
        """For each of the products `ids`, which of its variants meet all of `filters` together.

        None of them do where the product does not meet the filters, or is no longer in the shop.
        """
        meeting = self._variants(filters)
        return {
            each: frozenset(self._chosen(self.products.row(each), meeting) if each in self.products else ())
            for each in ids
        }

    def similar(self, product_id: str, filters: Filters = _ALL, k: int = 10) -> Results:
        """The products nearest in meaning to a product, itself left out.

        Raises:
            MerchantError: no such product, or an unknown filter or value.
        """
        if product_id not in self.products:
            raise MerchantError(f"no product has the id {product_id!r}")
        own = self.products.row(product_id)
        variants = self._variants(filters)
        meeting = self._index.columns.products(variants)
        meeting[own] = False
        similarities = self._similarities(self._index.vectors[own], meeting)
        rows = np.flatnonzero(meeting)
        best = _first(similarities, rows, k)
        return Results(tuple(self._hit(row, similarities[row], similarities[row], variants) for row in best), len(rows))

    def carries(self, text: str, vector: NDArray[np.float32] | None = None) -> float:
        """How sure it is that the shop carries what `text` asks for, 0 to 1; below one half it does not."""
        if not text.strip():
            return 0.0
        if vector is None:
            vector = self.encoder.queries([text])[0]
        everything = np.ones(len(self.products), np.bool_)
        logit = float(self._index.relevance.judge(text, vector, self._similarities(vector, everything)).logit.max())
        return 1 / (1 + math.exp(-max(logit, -30.0)))

    def _variants(self, filters: Filters) -> NDArray[np.bool_]:
        """Which variants meet all of `filters`, where the field "id" names products themselves: (variants,)."""
        columns = self._index.columns
        meeting = columns.variants(Filters(tuple(each for each in filters.conditions if each.field != "id")))
        for condition in filters.conditions:
            if condition.field == "id":
                # A choice among no products is none of them, unless the condition only leaves some out.
                if condition.any_of or not condition.none_of:
                    meeting &= self._named(condition.any_of)
                meeting &= ~self._named(condition.none_of)
        return meeting

    def _named(self, ids: Iterable[str]) -> NDArray[np.bool_]:
        """Which variants are of the products `ids`: (variants,)."""
        named = np.zeros(len(self.products), np.bool_)
        named[[self.products.row(each) for each in ids if each in self.products]] = True
        of_variants: NDArray[np.bool_] = named[self._index.columns.owners]
        return of_variants

    def _judged(self, text: str, among: NDArray[np.bool_]) -> Judgement:
        """How relevant each product of `among` is to a text."""
        vector = self.encoder.queries([text])[0]
        return self._index.relevance.judge(text, vector, self._similarities(vector, among))

    def _similarities(self, vector: NDArray[np.float32], meeting: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Cosine of `vector` with each product of `meeting`, and -inf where none was taken: (products,)."""
        index = self._index
        similarities = np.full(len(meeting), -np.inf, np.float32)
        wanted = int(meeting.sum())
        if wanted == len(meeting) > _SCANNED:
            for key, similarity in index.collection.nearest(vector, _NEAREST):
                # Rows that another index of the same shop has on a shared server are not this one's.
                if key in index.row_of_key:
                    similarities[index.row_of_key[key]] = similarity
        elif wanted > len(meeting) / 4:
            similarities = index.vectors @ vector
        else:  # gathering rows copies them, which pays only for few
            similarities[meeting] = index.vectors[meeting] @ vector
        return similarities

    def _rated(self, query: Query, variants: NDArray[np.bool_], meeting: NDArray[np.bool_]) -> Results:
        ratings = np.nan_to_num(self._index.columns.arrays["rating"], nan=0.0)
        rows = np.flatnonzero(meeting)
        best = _first(ratings, rows, query.k)
        return Results(tuple(self._hit(row, ratings[row], 0.0, variants) for row in best), len(rows))

    def _hit(self, row: int, score: float, similarity: float, variants: NDArray[np.bool_]) -> Hit:
        return Hit(self._index.ids[row], float(score), float(similarity), self._chosen(row, variants))

    def _chosen(self, row: int, variants: NDArray[np.bool_]) -> tuple[str, ...]:
        """The ids of the variants of the product in `row` that `variants` marks, in the catalogue's order."""
        starts = self._index.columns.starts
        meeting = variants[starts[row] : starts[row + 1]]
        if not meeting.any():  # the product need not be read
            return ()
        product = self.products[self._index.ids[row]]
        return tuple(variant.id for variant, fits in zip(product.variants, meeting, strict=True) if fits)


def _first(scores: NDArray[np.floating], rows: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """The `k` of `rows` with the highest scores, highest first; of equals, the earlier row."""
    if len(rows) > 4 * k:
        kept = scores[rows]
        rows = rows[kept >= np.partition(kept, -k)[-k]]
    return rows[np.argsort(-scores[rows], kind="stable")][:k]
