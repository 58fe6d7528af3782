"""Figures and how sure they are: what was observed of each item, the statistic over it, and its interval.

Intervals are percentile bootstraps over items (Efron and Tibshirani, 1993); two runs are compared item by item with
a paired randomisation test (Noreen, 1989), its p-values adjusted for the number of figures (Benjamini and Hochberg,
1995).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1_000
_SHUFFLES = 2_000
_LEVEL = 0.05

# What is seen of one item: a number, a pair of labels (true, predicted), or counts (hit, false alarm, missed).
Observation = float | Sequence[Any]
Matrix = NDArray[np.float64]  # (items, width of an observation); labels as their numbers
Statistic = Callable[[Matrix, NDArray[np.float64]], float]


def _mean(seen: Matrix, weights: NDArray[np.float64]) -> float:
    return float(weights @ seen[:, 0] / weights.sum())


def _quantile(share: float, seen: Matrix, weights: NDArray[np.float64]) -> float:
    return float(np.quantile(seen[:, 0], share, weights=weights, method="inverted_cdf"))


def _confusion(seen: Matrix, weights: NDArray[np.float64]) -> Matrix:
    """Weight of each pair of true (row) and predicted (column) label: (labels, labels)."""
    size = int(seen.max()) + 1
    cells = (seen[:, 0] * size + seen[:, 1]).astype(np.int64)
    table: Matrix = np.bincount(cells, weights, minlength=size * size).astype(np.float64).reshape(size, size)
    return table


def _macro(part: str, seen: Matrix, weights: NDArray[np.float64]) -> float:
    """Mean over the true labels of precision, recall or F1; a label that was never predicted has precision 0."""
    confusion = _confusion(seen, weights)
    hits, wanted, given = np.diag(confusion), confusion.sum(1), confusion.sum(0)
    below = {"precision": given, "recall": wanted, "F1": (given + wanted) / 2}[part]
    scores = np.divide(hits, below, out=np.zeros_like(hits), where=below > 0)
    return float(scores[wanted > 0].mean())


def _kappa(squared: bool, seen: Matrix, weights: NDArray[np.float64]) -> float:
    """Cohen's kappa; with squared weights, the labels are grades and a near miss costs little."""
    confusion = _confusion(seen, weights) / weights.sum()
    grades = np.arange(len(confusion))
    cost = (grades[:, None] - grades) ** 2 if squared else 1 - np.eye(len(confusion))
    by_chance = float((cost * np.outer(confusion.sum(1), confusion.sum(0))).sum())
    return 1 - float((cost * confusion).sum()) / by_chance if by_chance else 1.0


def _counted(part: str, seen: Matrix, weights: NDArray[np.float64]) -> float:
    """Precision, recall or F1 of all counts together."""
    hit, wrong, missed = weights @ seen
    below = {"precision": hit + wrong, "recall": hit + missed, "F1": hit + (wrong + missed) / 2}[part]
    return float(hit / below) if below else 1.0


# Each takes observations and the weight of each item; of labels, "weighted kappa" takes whole numbers from 0.
STATISTICS: Mapping[str, Statistic] = {
    "mean": _mean,
    "sum": lambda seen, weights: float(weights @ seen[:, 0]),
    **{f"p{share}": partial(_quantile, share / 100) for share in (50, 95, 99)},
    "accuracy": lambda seen, weights: float(weights @ (seen[:, 0] == seen[:, 1]) / weights.sum()),
    **{f"macro {part}": partial(_macro, part) for part in ("precision", "recall", "F1")},
    "kappa": partial(_kappa, False),
    "weighted kappa": partial(_kappa, True),
    **{part: partial(_counted, part) for part in ("precision", "recall", "F1")},
}


@dataclass(frozen=True)
class Figure:
    """One figure of a suite.

    Attributes:
        name: what is measured, as "nDCG@10"; failures are filed under it.
        statistic: one of `STATISTICS`.
        observations: item -> what was observed of it; at least one.
        group: which items, or which rival, as "zh" or "BM25 alone"; "" for the product over all items.
        unit: of the value, as "ms"; "" for a share or a score.
        less: True where less is better.
    """

    name: str
    statistic: str
    observations: Mapping[str, Observation]
    group: str = ""
    unit: str = ""
    less: bool = False

    def __post_init__(self) -> None:
        if self.statistic not in STATISTICS:
            raise ValueError(f"no statistic {self.statistic!r}; there are {', '.join(STATISTICS)}")
        if not self.observations:
            raise ValueError(f"{self.label} has nothing observed; leave a figure of nothing out")

    @property
    def label(self) -> str:
        """The figure's name among those of its suite: "nDCG@10, zh"."""
        return f"{self.name}, {self.group}" if self.group else self.name

    @cached_property
    def value(self) -> float:
        """The statistic over all items."""
        seen = _matrix(list(self.observations.values()))
        return STATISTICS[self.statistic](seen, np.ones(len(seen)))

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the value; the same observations always give the same."""
        seen = _matrix(list(self.observations.values()))
        return _interval([STATISTICS[self.statistic](seen, weights) for weights in _resamples(len(seen))])

    @classmethod
    def by(
        cls,
        name: str,
        statistic: str,
        observations: Mapping[str, Observation],
        groups: Mapping[str, str],
        unit: str = "",
        less: bool = False,
    ) -> list[Figure]:
        """The figure over all items, then one for each group (item -> its group), where there are several groups."""
        figures = [cls(name, statistic, observations, unit=unit, less=less)]
        names = sorted({groups[item] for item in observations})
        for group in names if len(names) > 1 else ():
            seen = {item: each for item, each in observations.items() if groups[item] == group}
            figures.append(cls(name, statistic, seen, group, unit, less))
        return figures


@dataclass(frozen=True)
class Change:
    """What became of a figure from one run to another, over the items that both have.

    `low` and `high` bound the difference at 95 %; `p` is how often chance alone would change it as much, adjusted for
    the number of figures compared; `better` and `worse` name the items that changed most, at the end that matters.
    """

    label: str
    before: float
    after: float
    low: float
    high: float
    items: int
    p: float
    less: bool
    better: tuple[str, ...]
    worse: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """better, worse, or that chance explains it."""
        if self.p >= _LEVEL or self.after == self.before:
            return "no change beyond chance"
        return "better" if (self.after < self.before) == self.less else "worse"


def compare(before: Sequence[Figure], after: Sequence[Figure]) -> list[Change]:
    """The changes of the figures that both runs have, with items in common."""
    old = {figure.label: figure for figure in before}
    changes = [
        _change(old[figure.label], figure, items)
        for figure in after
        if figure.label in old and old[figure.label].statistic == figure.statistic
        if (items := [item for item in figure.observations if item in old[figure.label].observations])
    ]
    order = sorted(range(len(changes)), key=lambda place: -changes[place].p)
    adjusted = 1.0
    for rank, place in enumerate(order):
        change = changes[place]
        adjusted = min(adjusted, change.p * len(changes) / (len(changes) - rank))
        changes[place] = Change(**{**vars(change), "p": adjusted})
    return changes


def _change(before: Figure, after: Figure, items: Sequence[str]) -> Change:
    statistic = STATISTICS[after.statistic]
    both = _matrix([*(before.observations[item] for item in items), *(after.observations[item] for item in items)])
    one, two = both[: len(items)], both[len(items) :]
    even = np.ones(len(items))
    first, second = statistic(one, even), statistic(two, even)
    differences = [statistic(two, weights) - statistic(one, weights) for weights in _resamples(len(items))]
    random = np.random.default_rng(0)
    extreme = 0
    for _ in range(_SHUFFLES if not np.array_equal(one, two) else 0):
        swapped = random.random(len(items))[:, None] < 0.5
        chance = statistic(np.where(swapped, one, two), even) - statistic(np.where(swapped, two, one), even)
        extreme += abs(chance) >= abs(second - first) - 1e-12
    p = (extreme + 1) / (_SHUFFLES + 1) if not np.array_equal(one, two) else 1.0
    gains = {item: _merit(after, mine) - _merit(after, was) for item, was, mine in zip(items, one, two, strict=True)}
    return Change(
        label=after.label,
        before=first,
        after=second,
        low=_interval(differences)[0],
        high=_interval(differences)[1],
        items=len(items),
        p=p,
        less=after.less,
        better=tuple(sorted((item for item in items if gains[item] > 0), key=lambda item: -gains[item])),
        worse=tuple(sorted((item for item in items if gains[item] < 0), key=lambda item: gains[item])),
    )


def _merit(figure: Figure, seen: NDArray[np.float64]) -> float:
    """How good one observation is, for telling which items changed for the better."""
    if len(seen) == 2:  # labels
        return float(seen[0] == seen[1])
    good = float(seen[0] if len(seen) == 1 else seen[0] - seen[1] - seen[2])
    return -good if figure.less else good


def _matrix(observations: Sequence[Observation]) -> Matrix:
    """The observations as numbers: (items, width); labels that are words are numbered in their order."""
    rows = [[each] if isinstance(each, int | float) else list(each) for each in observations]
    words = sorted({cell for row in rows for cell in row if isinstance(cell, str)})
    numbers = {word: number for number, word in enumerate(words)}
    return np.array([[numbers[cell] if isinstance(cell, str) else float(cell) for cell in row] for row in rows])


def _resamples(items: int) -> NDArray[np.float64]:
    """How often each item is drawn in each resample: (RESAMPLES, items)."""
    drawn = np.random.default_rng(0).multinomial(items, np.full(items, 1 / items), RESAMPLES)
    return drawn.astype(np.float64)


def _interval(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
