from __future__ import annotations

import pytest

from eval.figures import Figure, compare

LABELS = {f"u{place}": pair for place, pair in enumerate([("a", "a"), ("a", "b"), ("b", "b"), ("b", "b"), ("c", "a")])}


@pytest.mark.parametrize(
    ("statistic", "observations", "value"),
    [
        ("mean", {"a": 1.0, "b": 0.0, "c": 1.0, "d": 1.0}, 0.75),
        ("sum", {"a": 2, "b": 3}, 5.0),
        ("p50", {str(each): each for each in range(1, 101)}, 50.0),
        ("p95", {str(each): each for each in range(1, 101)}, 95.0),
        ("accuracy", LABELS, 0.6),
        # a: precision 1/2, recall 1/2; b: 2/3 and 1; c: never predicted, 0 and 0
        ("macro precision", LABELS, (1 / 2 + 2 / 3 + 0) / 3),
        ("macro recall", LABELS, (1 / 2 + 1 + 0) / 3),
        ("macro F1", LABELS, (1 / 2 + 4 / 5 + 0) / 3),
        # agreement .6; by chance (2 * 2 + 2 * 3 + 1 * 0) / 25 = .4
        ("kappa", LABELS, (0.6 - 0.4) / (1 - 0.4)),
        ("weighted kappa", {"a": (1, 1), "b": (5, 5)}, 1.0),
        ("weighted kappa", {"a": (1, 5), "b": (5, 1)}, -1.0),
        ("precision", {"a": (3, 1, 0), "b": (0, 0, 2)}, 0.75),
        ("recall", {"a": (3, 1, 0), "b": (0, 0, 2)}, 0.6),
        ("F1", {"a": (3, 1, 0), "b": (0, 0, 2)}, 3 / 4.5),
    ],
)
def test_a_statistic(statistic: str, observations: dict[str, object], value: float) -> None:
    assert Figure("f", statistic, observations).value == pytest.approx(value)  # type: ignore[arg-type]


def test_an_interval_holds_the_value_and_shrinks_with_more_items() -> None:
    few = Figure("f", "mean", {str(each): each % 2 for each in range(20)})
    many = Figure("f", "mean", {str(each): each % 2 for each in range(2000)})
    for figure in (few, many):
        assert figure.interval[0] < 0.5 < figure.interval[1]
    # The standard error of a mean of n halves is .5 / sqrt(n), and the interval 1.96 of it to either side.
    assert few.interval[1] - few.interval[0] == pytest.approx(2 * 1.96 * 0.5 / 20**0.5, rel=0.15)
    assert many.interval[1] - many.interval[0] == pytest.approx(2 * 1.96 * 0.5 / 2000**0.5, rel=0.15)
    assert few.interval == Figure("f", "mean", dict(few.observations)).interval


def test_groups_stand_beside_the_whole() -> None:
    groups = {"a": "en", "b": "zh", "c": "zh"}
    figures = Figure.by("right", "mean", {"a": 1, "b": 0, "c": 1}, groups)
    assert [(each.label, each.value) for each in figures] == [
        ("right", pytest.approx(2 / 3)),
        ("right, en", 1.0),
        ("right, zh", 0.5),
    ]
    assert len(Figure.by("right", "mean", {"b": 0, "c": 1}, groups)) == 1


def test_a_figure_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing observed"):
        Figure("right", "mean", {})
    with pytest.raises(ValueError, match="no statistic 'median'; there are mean"):
        Figure("right", "median", {"a": 1})


def test_a_real_change_is_told_from_chance() -> None:
    before = {str(each): float(each % 4 == 0) for each in range(200)}
    much = {item: 1.0 if int(item) % 2 == 0 else seen for item, seen in before.items()}  # 50 items won, none lost
    little = {item: 1.0 if item == "1" else 0.0 if item in ("0", "4") else seen for item, seen in before.items()}
    changes = {
        each.label: each
        for each in compare(
            [Figure("much", "mean", before), Figure("little", "mean", before), Figure("gone", "mean", before)],
            [Figure("much", "mean", much), Figure("little", "mean", little), Figure("new", "mean", much)],
        )
    }
    assert changes.keys() == {"much", "little"}
    assert changes["much"].verdict == "better"
    assert changes["much"].low > 0
    assert changes["much"].after - changes["much"].before == pytest.approx(0.25)
    assert len(changes["much"].better) == 50
    assert changes["much"].worse == ()
    assert changes["little"].verdict == "no change beyond chance"
    assert changes["little"].better == ("1",)
    assert changes["little"].worse == ("0", "4")


def test_less_can_be_better() -> None:
    slow, fast = ({str(each): base + each for each in range(100)} for base in (1000.0, 100.0))
    figure = {"statistic": "p50", "unit": "ms", "less": True}
    (change,) = compare([Figure("time", observations=slow, **figure)], [Figure("time", observations=fast, **figure)])  # type: ignore[arg-type]
    assert change.verdict == "better"
    assert len(change.better) == 100


def test_only_items_of_both_runs_are_compared() -> None:
    (change,) = compare(
        [Figure("right", "mean", {"a": 1, "b": 1, "gone": 0})], [Figure("right", "mean", {"a": 1, "b": 1, "new": 0})]
    )
    assert (change.before, change.after, change.items, change.p) == (1.0, 1.0, 2, 1.0)


def test_many_figures_need_stronger_evidence() -> None:
    """One of twenty figures is thought to have changed by chance alone; the adjustment takes it back."""
    before = {str(each): 0.0 for each in range(30)}
    after = {item: 1.0 if int(item) < 6 else 0.0 for item in before}  # p about .03 by itself
    alone = compare([Figure("f", "mean", before)], [Figure("f", "mean", after)])
    assert alone[0].verdict == "better"
    same = [Figure(f"same {each}", "mean", before) for each in range(20)]
    among = compare([*same, Figure("f", "mean", before)], [*same, Figure("f", "mean", after)])
    assert among[-1].verdict == "no change beyond chance"
