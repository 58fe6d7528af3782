"""A run as a person reads it: one self-contained HTML page, a table for the terminal, and the changes between two."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.figures import Change, Figure, compare
from eval.run import Outcome, Run, figures_of, to_json
from eval.suite import Confusion, Curves, Failure
from retrieval.errors import MerchantError, OperatorError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BLUE, _GRAY, _RED = "#2f6f8f", "#8a8f94", "#b3402e"
_CELLS = 12  # more labels than this leave no room for the numbers in a confusion plot
_WON = 5  # items named for each change


@dataclass(frozen=True)
class Plot:
    """A picture, as a data URL, and its title."""

    title: str
    url: str


def write(run: Run, folder: Path) -> tuple[Path, Path]:
    """Write report.html and report.json into `folder`; returns their paths.

    Raises:
        OperatorError: they cannot be written.
    """
    page, data = folder / "report.html", folder / "report.json"
    try:
        data.write_text(json.dumps(to_json(run), ensure_ascii=False, indent=1) + "\n", "utf-8")
        page.write_text(html(run), "utf-8")
    except OSError as error:
        raise OperatorError(
            f"the report cannot be written into {folder} ({error}); name another with --report"
        ) from error
    return page, data


def html(run: Run) -> str:
    """The page: figures with their intervals and bars, plots, and every failure, one click from its figure."""
    from jinja2 import Environment

    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        resources.files("eval").joinpath("report.html").read_text("utf-8")
    )
    return template.render(
        run=run,
        number=number,
        failures=_failures,
        plots={outcome.name: list(_plots(outcome)) for outcome in run.outcomes},
    )


def number(value: float, unit: str = "") -> str:
    """A figure as it is read: shares and scores to three places, others to four digits with their unit."""
    return f"{value:,.4g} {unit}".strip() if unit or abs(value) >= 10 else f"{value:.3f}"


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as lines of text, in columns."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def table(run: Run) -> str:
    """The figures as a table for a terminal, and what could not be measured."""
    rows: list[Sequence[str]] = [("suite", "figure", "value", "95 % interval", "items", "bar", "")]
    remarks = []
    for outcome in run.outcomes:
        for figure in outcome.findings.figures:
            rows.append((outcome.name, figure.label, *_cells(outcome, figure)))
        for label in outcome.bars.keys() - {figure.label for figure in outcome.findings.figures}:
            if not (outcome.error or outcome.unmeasured):
                remarks.append(f"{outcome.name}: {label} has a bar and was not measured")
        if outcome.error or outcome.unmeasured:
            remarks.append(f"{outcome.name}: {'ERROR: ' if outcome.error else ''}{outcome.error or outcome.unmeasured}")
        remarks += [f"{outcome.name}: {note}" for note in outcome.findings.notes]
    return "\n".join([columns(rows), "", *sorted(remarks)]).rstrip()


def _cells(outcome: Outcome, figure: Figure) -> tuple[str, ...]:
    low, high = figure.interval
    verdict = {True: "pass", False: "FAIL", None: ""}[outcome.passed(figure)]
    interval = f"{number(low, figure.unit)} to {number(high, figure.unit)}"
    bar = str(outcome.bars.get(figure.label, ""))
    return number(figure.value, figure.unit), interval, str(len(figure.observations)), bar, verdict


def changes(before: Path, after: Path) -> str:
    """What changed from one report.json to another, item by item, and whether chance explains it.

    Raises:
        MerchantError: a file is no report, or they have nothing in common.
    """
    one, two = _read(before), _read(after)
    old, new = figures_of(one, before), figures_of(two, after)
    rows: list[Sequence[str]] = [("suite", "figure", "before", "after", "95 % of the difference", "items", "p", "")]
    details: list[str] = []
    for suite in new:
        for change in compare(old.get(suite, []), new[suite]):
            rows.append((suite, change.label, *_change_cells(change)))
            if change.verdict != "no change beyond chance":
                details += _won(suite, change)
    if len(rows) == 1:
        raise MerchantError(f"{before} and {after} have no figure of the same items; compare runs of the same suites")
    warnings = [
        f"note: the two runs differ in {part}: {one['about'].get(part)} and {two['about'].get(part)}"
        for part in ("shop", "data", "seed", "small")
        if one["about"].get(part) != two["about"].get(part)
    ]
    return "\n".join([columns(rows), "", *details, *warnings]).rstrip()


def _change_cells(change: Change) -> tuple[str, ...]:
    interval = f"{change.low:+.4g} to {change.high:+.4g}"
    return number(change.before), number(change.after), interval, str(change.items), f"{change.p:.3f}", change.verdict


def _won(suite: str, change: Change) -> Iterable[str]:
    for way, items in (("better", change.better), ("worse", change.worse)):
        if items:
            more = f" and {len(items) - _WON} more" if len(items) > _WON else ""
            yield f"{suite}, {change.label}: {way}: {', '.join(items[:_WON])}{more}"


def _read(path: Path) -> Mapping[str, Any]:
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise MerchantError(f"{path} cannot be read ({error}); name the report.json of a run") from error
    if not isinstance(record, dict) or not isinstance(record.get("about"), dict):
        raise MerchantError(f"{path} is no report of an evaluation; name a report.json")
    return record


def _failures(outcome: Outcome) -> dict[str, list[Failure]]:
    """Name of a figure -> what went wrong, worst first."""
    filed: dict[str, list[Failure]] = {}
    for failure in sorted(outcome.findings.failures, key=lambda each: -each.severity):
        filed.setdefault(failure.figure, []).append(failure)
    return filed


def _plots(outcome: Outcome) -> Iterable[Plot]:
    """A plot of each figure that has groups, then the suite's own."""
    names: dict[str, list[Figure]] = {}
    for figure in outcome.findings.figures:
        names.setdefault(figure.name, []).append(figure)
    for name, figures in names.items():
        if len(figures) > 1:
            yield _drawn(name, (6.4, 0.7 + 0.28 * len(figures)), lambda axes, shown=figures: _groups(axes, shown))
    for plot in outcome.findings.plots:
        if isinstance(plot, Confusion):
            size = 2.2 + 0.34 * len(plot.labels)
            yield _drawn(plot.title, (size + 0.6, size), lambda axes, shown=plot: _confusion(axes, shown))
        else:
            yield _drawn(plot.title, (6.4, 3.6), lambda axes, shown=plot: _curves(axes, shown))


def _drawn(title: str, size: tuple[float, float], draw: Any) -> Plot:
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    # Text stays text, so that the reader's own fonts show any script; the salt keeps the bytes the same.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "shopwright", "font.size": 9}):
        canvas = Canvas(figsize=size, layout="constrained")
        axes = canvas.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        file = io.BytesIO()
        canvas.savefig(file, format="svg", metadata={"Date": None})
    return Plot(title, "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode())


def _groups(axes: Axes, figures: Sequence[Figure]) -> None:
    """Value and interval of each group, one below the other."""
    for place, figure in enumerate(reversed(figures)):
        low, high = figure.interval
        color = _BLUE if not figure.group else _GRAY
        axes.plot([low, high], [place, place], color=color, linewidth=2)
        axes.plot(figure.value, place, "o", color=color, markersize=5)
    axes.set_yticks(range(len(figures)), [figure.group or "all" for figure in reversed(figures)])
    axes.set_ylim(-0.6, len(figures) - 0.4)
    axes.set_xlabel(figures[0].unit)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)


def _confusion(axes: Axes, plot: Confusion) -> None:
    rows = [[cell / max(1, sum(row)) for cell in row] for row in plot.counts]
    axes.imshow(rows, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(plot.labels)), plot.labels, rotation=60, ha="right")
    axes.set_yticks(range(len(plot.labels)), plot.labels)
    axes.set_xlabel("understood as")
    axes.set_ylabel("true")
    for y, row in enumerate(plot.counts):
        for x, count in enumerate(row):
            if count and (len(plot.labels) <= _CELLS or x != y):
                axes.text(
                    x, y, str(count), ha="center", va="center", fontsize=7, color="w" if rows[y][x] > 0.5 else "k"
                )


def _curves(axes: Axes, plot: Curves) -> None:
    for name, points in plot.points.items():
        axes.plot([x for x, _ in points], [y for _, y in points], label=name, linewidth=1.6)
    axes.set_xlabel(plot.x)
    axes.set_ylabel(plot.y)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.legend(frameon=False)
