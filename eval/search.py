"""Does search find what a shopper asks for, and better than by words or by meaning alone?

Every query is put to the product and to its rivals, under the same filters: BM25 over the same texts, the cosine of
the encoder's vectors, and the product itself without its floor, below which it returns nothing. What it does not
return is not found; what is not carried, on the other hand, should find nothing.

Measures are nDCG@10 with the gain 2^grade - 1 (Järvelin and Kekäläinen, TOIS 2002; Burges et al., ICML 2005) and, of
the products of the highest grade a query has, recall among the first 10 and 50 and the reciprocal rank of the first.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from assistant import tagger
from assistant.tagger import about
from eval.figures import Figure
from eval.judgments import Judgment, Labels, judgment, made
from eval.public import SETS, PublicSet
from eval.suite import Failure, Findings, Unmeasured, World
from retrieval.catalog import Catalog, Product
from retrieval.filters import Filters
from retrieval.glossary import Glossary
from retrieval.index import Index, update
from retrieval.search import Query, Search

_DEPTH = 50  # ranks below it are of no account to anybody
_TOGETHER = 64  # queries encoded at once
_SAMPLE = 200  # queries of a small run
_FAILED = 0.5  # nDCG below which a query counts as failed
_WORST = 0.6  # how bad it is to show nothing of what fits
_WRONG = 0.3  # and to show something where nothing does
_LISTED = 10  # products of a failure's transcript
_MADE = "made from the catalogue"
_NOTHING = "nothing found of what is not carried"

Ranking = Sequence[str]  # product ids, best first


def ndcg(ranking: Ranking, grades: Mapping[str, int], depth: int = 10) -> float:
    """Normalised discounted cumulative gain of the first `depth`, 0 to 1; a product without a grade gains nothing."""
    ideal = sorted(grades.values(), reverse=True)
    return _gain([grades.get(each, 0) for each in ranking[:depth]]) / _gain(ideal[:depth])


def _gain(grades: Sequence[int]) -> float:
    return math.fsum((2**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(grades, 1))


def recall(ranking: Ranking, best: frozenset[str], depth: int) -> float:
    """The share of `best` among the first `depth`, of those that there is room for."""
    return len(best & set(ranking[:depth])) / min(len(best), depth)


def reciprocal_rank(ranking: Ranking, best: frozenset[str]) -> float:
    """One over the rank of the first of `best`; 0 where there is none."""
    return next((1 / rank for rank, each in enumerate(ranking, 1) if each in best), 0.0)


MEASURES: Mapping[str, Callable[[Ranking, Judgment], float]] = {
    "nDCG@10": lambda ranking, judged: ndcg(ranking, judged.grades),
    "recall@10": lambda ranking, judged: recall(ranking, judged.best, 10),
    "recall@50": lambda ranking, judged: recall(ranking, judged.best, _DEPTH),
    "MRR": lambda ranking, judged: reciprocal_rank(ranking, judged.best),
}


def run(world: World) -> Findings:
    """Measure the shop's own queries, or some made from its catalogue, and the public sets that are there."""
    notes: list[str] = []
    labels = Labels(world.products, world.search.facets)
    try:
        judgments, group = world.read("judgments", partial(judgment, labels)), ""
    except Unmeasured as reason:
        judgments, group = made(labels, world.search.glossary, world.seed), _MADE
        notes.append(
            f"{reason}. Until then the queries are {_MADE}, of the words for kinds, brands and attributes: no shopper"
            " wrote them, and they tell only whether what the catalogue says can be found."
        )
    judgments = world.sample(judgments, _SAMPLE, lambda each: (each.language, not each.grades))
    contest = _Contest(world.search, Index.open(world.settings.shop, world.search.encoder))
    rankings = contest.rankings(world, judgments, group or "queries")
    figures = _figures(judgments, rankings, group, MEASURES, by_language=True)
    figures += _nothing(judgments, rankings[""])
    failures = [
        failure for each in judgments if (failure := _failure(each, rankings[""][each.id], world.products)) is not None
    ]
    for public in _public(world, notes):
        rankings = _shop_of(public, world).rankings(world, public.judgments, public.name)
        figures += _figures(public.judgments, rankings, public.name, ("nDCG@10", "recall@10"))
    return Findings(tuple(figures), tuple(failures), notes=tuple(notes))


class _Contest:
    """The product and its rivals on one shop."""

    def __init__(self, search: Search, index: Index) -> None:
        self._search = search
        self._index = index
        self._tagger = tagger.open_tagger()
        self._rows = {product_id: row for row, product_id in enumerate(index.ids)}

    def rankings(self, world: World, judgments: Sequence[Judgment], what: str) -> dict[str, dict[str, Ranking]]:
        """System, the product under "" -> id of a judgment -> what it returns for the query."""
        rankings: dict[str, dict[str, Ranking]] = {
            system: {} for system in ("", "without its floor", "BM25 alone", "dense alone")
        }
        for start in world.progress(range(0, len(judgments), _TOGETHER), what):
            some = judgments[start : start + _TOGETHER]
            asked = [
                about(self._tagger, Query(each.query, Filters.parse(each.filters, self._search.facets), _DEPTH))
                for each in some
            ]
            unfloored = [replace(query, floor=False) for query in asked]
            vectors = self._search.encoder.queries([query.text for query in asked])
            answers = zip(some, asked, vectors, self._search.batch(asked), self._search.batch(unfloored), strict=True)
            for each, query, vector, floored, everything in answers:
                rows = np.array([self._rows[fitting] for fitting in self._search.fitting(query.filters)], np.int64)
                words, _ = self._index.relevance.lexicon.match(query.text)
                rankings[""][each.id] = [hit.product_id for hit in floored.hits]
                rankings["without its floor"][each.id] = [hit.product_id for hit in everything.hits]
                rankings["BM25 alone"][each.id] = self._first(words, rows[words[rows] > 0])
                rankings["dense alone"][each.id] = self._first(self._index.vectors @ vector, rows)
        return rankings

    def _first(self, scores: NDArray[np.float32], rows: NDArray[np.int64]) -> Ranking:
        order = np.argsort(-scores[rows], kind="stable")[:_DEPTH]
        return [self._index.ids[row] for row in rows[order]]


def _public(world: World, notes: list[str]) -> Iterator[PublicSet]:
    """The public sets there are; what is not measured, and why, goes to the notes."""
    if world.small:
        notes.append("Public sets are left out of a small run.")
    elif world.public is None:
        notes.append("No public set was measured: no folder of them was named.")
    else:
        notes.append("Of public sets there are figures only; the failures are those of the shop's own queries.")
        for name, read in SETS.items():
            try:
                yield read(name, world.public)
            except Unmeasured as reason:
                notes.append(f"{name} was not measured: {reason}.")


def _shop_of(public: PublicSet, world: World) -> _Contest:
    """A public set, indexed as a shop is."""
    folder = world.folder / public.name
    Catalog.write(folder / "catalog.sqlite", public.products)
    encoder = world.search.encoder
    update(folder, encoder, progress=True)
    index = Index.open(folder, encoder)
    return _Contest(Search(index, Catalog(folder / "catalog.sqlite"), Glossary(), encoder), index)


def _figures(
    judgments: Sequence[Judgment],
    rankings: Mapping[str, Mapping[str, Ranking]],
    group: str,
    measures: Iterable[str],
    by_language: bool = False,
) -> list[Figure]:
    """The measures of every system; by language those of the product, and of its rivals the nDCG."""
    judged = [each for each in judgments if each.grades]
    spoken = {each.language for each in judged}
    languages = sorted(spoken - {""}) if by_language and len(spoken) > 1 else []
    figures = []
    for name in measures if judged else ():
        for system, ranked in rankings.items():
            seen = {each.id: MEASURES[name](ranked[each.id], each) for each in judged}
            figures.append(Figure(name, "mean", seen, _label(group, system)))
            for language in languages if name == "nDCG@10" or not system else ():
                of_it = {each.id: seen[each.id] for each in judged if each.language == language}
                figures.append(Figure(name, "mean", of_it, _label(group, system, language)))
    return figures


def _label(*parts: str) -> str:
    return ", ".join(filter(None, parts))


def _nothing(judgments: Sequence[Judgment], ranked: Mapping[str, Ranking]) -> list[Figure]:
    """How often the product finds nothing of what is not carried, in all and by language."""
    absent = {each.id: each.language for each in judgments if not each.grades}
    return Figure.by(_NOTHING, "mean", {each: float(not ranked[each]) for each in absent}, absent) if absent else []


def _failure(judged: Judgment, ranking: Ranking, products: Mapping[str, Product]) -> Failure | None:
    """What went wrong with a query, if something did."""
    if not judged.grades:
        if not ranking:
            return None
        figure, severity = _NOTHING, _WRONG
        what = "the shop carries nothing of the kind, and this was found"
    else:
        score = ndcg(ranking, judged.grades)
        if score >= _FAILED:
            return None
        figure, severity = "nDCG@10", _WORST * (1 - score)
        found, best = len(judged.best & set(ranking[:_LISTED])), len(judged.best)
        what = f"of the {best} that fit best, {found} are among the first {_LISTED}"
    return Failure(figure, judged.id, what, severity, tuple(_transcript(judged, ranking, products)))


def _transcript(judged: Judgment, ranking: Ranking, products: Mapping[str, Product]) -> Iterator[tuple[str, str]]:
    def line(product_id: str) -> str:
        return f"{products[product_id].title} [{judged.grades.get(product_id, 0)}]"

    yield "shopper", judged.query
    if judged.filters:
        yield "filters", json.dumps(judged.filters, ensure_ascii=False)
    shown = [f"{rank}. {line(each)}" for rank, each in enumerate(ranking[:_LISTED], 1)]
    yield "search, with grades", "\n".join(shown) or "(nothing)"
    missed = sorted(judged.grades.keys() - set(ranking[:_LISTED]), key=lambda each: (-judged.grades[each], each))
    if missed:
        yield "missed", "\n".join(line(each) for each in missed[:_LISTED])
