"""A run as a person reads it: one self-contained HTML page, a table for the terminal, and the changes between two."""

from __future__ import annotations

import base64
import io
import json
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
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

_BLUE, _PALE, _GRAY = "#1f6f9f", "#8fbbd3", "#8a8f94"
_FEW = 5  # fewer items than this have no interval worth printing
_MOST = 2_000  # characters of one speech that the page shows
_NO_INTERVAL = "–"
_WON = 5  # items named for each change


@dataclass(frozen=True)
class Plot:
    """A picture, as a data URL, and its title; the URL is "" where it could not be drawn."""

    title: str
    url: str


def write(run: Run, folder: Path) -> tuple[Path, Path]:
    """Write report.html and report.json into `folder`; returns their paths.

    Raises:
        OperatorError: they cannot be written.
    """
    record = to_json(run)
    for found in record["suites"].values():
        found["failures"].sort(key=lambda failure: -failure["severity"])
    made = {
        folder / "report.html": html(run),
        folder / "report.json": json.dumps(record, ensure_ascii=False, indent=1) + "\n",
    }
    drafts = {path: path.with_name(f".{path.name}.{os.getpid()}") for path in made}
    try:
        for path, text in made.items():
            drafts[path].write_text(text, "utf-8", errors="replace")  # half a character is no reason to lose a run
        for path, draft in drafts.items():
            os.replace(draft, path)
    except OSError as error:
        for draft in drafts.values():
            with suppress(OSError):
                draft.unlink()
        raise OperatorError(
            f"the report cannot be written into {folder} ({error}); name another with --report"
        ) from error
    page, data = made
    return page, data


def html(run: Run) -> str:
    """The page: figures with their intervals and bars, plots, and every failure, one click from its figure."""
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["clip"] = _clip
    template = environment.from_string(resources.files("eval").joinpath("report.html").read_text("utf-8"))
    return template.render(
        run=run,
        about=list(_about(run.about)),
        number=number,
        interval=interval,
        verdict=_verdict,
        unreached=_unreached,
        failures=_failures,
        links=_links,
        plots={outcome.name: list(_plots(outcome)) for outcome in run.outcomes},
    )


def number(value: float, unit: str = "") -> str:
    """A figure as it is read: shares and scores to three places, others to four digits with their unit."""
    return f"{value:,.4g} {unit}".strip() if unit or abs(value) >= 10 else f"{value:.3f}"


def interval(figure: Figure) -> str:
    """The interval of a figure as it is read; a dash where few items, or items all alike, tell nothing of it."""
    low, high = figure.interval
    if len(figure.observations) < _FEW or low == high:
        return _NO_INTERVAL
    return f"{number(low, figure.unit)} to {number(high, figure.unit)}"


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
        remarks += [f"{outcome.name}: {label} has a bar and was not measured" for label in _unreached(outcome)]
        if outcome.error or outcome.unmeasured:
            remarks.append(f"{outcome.name}: {'ERROR: ' if outcome.error else ''}{outcome.error or outcome.unmeasured}")
        remarks += [f"{outcome.name}: {note}" for note in outcome.findings.notes]
    return "\n".join([columns(rows), "", *sorted(remarks)]).rstrip()


def _cells(outcome: Outcome, figure: Figure) -> tuple[str, ...]:
    verdict = {True: "pass", False: "FAIL", None: ""}[outcome.passed(figure)]
    bar = str(outcome.bars.get(figure.label, ""))
    return number(figure.value, figure.unit), interval(figure), str(len(figure.observations)), bar, verdict


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
    return "\n".join([*_differences(one, two), columns(rows), "", *details, *_gone(one, two)]).rstrip()


def _differences(one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterable[str]:
    """What else than the figures differs, said first: a change may be its doing."""
    for part in ("shop", "data", "models", "packages", "seed", "small"):
        old, new = one["about"].get(part), two["about"].get(part)
        if isinstance(old, dict) and isinstance(new, dict):
            names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
            if names:
                yield f"note: the two runs differ in {part}: {', '.join(names)}"
        elif old != new:
            yield f"note: the two runs differ in {part}: {old} and {new}"


def _gone(one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterable[str]:
    """The figures of the first run that the second has not, and why where that is known."""
    for suite, found in one["suites"].items():
        later = two["suites"].get(suite, {})
        labels = [_label(figure) for figure in found["figures"]]
        kept = {_label(figure) for figure in later.get("figures", ())}
        missing = [label for label in labels if label not in kept]
        if missing:
            why = later.get("error") or later.get("unmeasured") or ("" if later else "the suite was not run")
            more = f" and {len(missing) - _WON} more" if len(missing) > _WON else ""
            yield f"gone: {suite}: {', '.join(missing[:_WON])}{more}{f' ({why})' if why else ''}"


def _label(figure: Mapping[str, Any]) -> str:
    return f"{figure['name']}, {figure['group']}" if figure["group"] else str(figure["name"])


def _change_cells(change: Change) -> tuple[str, ...]:
    between = f"{change.low:+.4g} to {change.high:+.4g}"
    return number(change.before), number(change.after), between, str(change.items), f"{change.p:.3f}", change.verdict


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


def _unreached(outcome: Outcome) -> list[str]:
    """Labels of the bars that no figure was held against, though the suite ran."""
    if outcome.error or outcome.unmeasured:
        return []
    return sorted(outcome.bars.keys() - {figure.label for figure in outcome.findings.figures})


def _verdict(outcome: Outcome) -> str:
    """What became of a suite, in a word; "" where it has no bar."""
    if outcome.error:
        return "error"
    if outcome.missed:
        return "missed"
    if not outcome.findings.figures or _unreached(outcome):
        return "not measured"
    return "pass" if outcome.bars else ""


def _links(outcome: Outcome) -> list[tuple[str, str]]:
    """For each figure, what leads to its failures: the end of an anchor's name and the words; "" where none are."""
    filed, everything = _failures(outcome), outcome.findings.failures
    again = _again(outcome.findings.figures)
    led: set[str] = set()
    links = []
    for place, figure in enumerate(outcome.findings.figures):
        found: Sequence[Failure] = filed.get(figure.name, everything)
        anchor, of = (f"-{figure.name}", "") if figure.name in filed else ("--failures", " in the suite")
        own = sum(failure.item in figure.observations for failure in found)
        if figure.name not in led:  # the figure as a whole leads to them all, some of which may be of other items
            words = f"{own} of {len(found)}" if not of and 0 < own < len(found) else str(len(found))
        elif own and place in again:  # its items failed by the first figure's measure, which is not its own
            words = str(len(found)) if of else f"{len(found)} in all"
        else:
            words = str(own or "")
        led.add(figure.name)
        links.append((anchor, words + of) if found and words else ("", ""))
    return links


def _again(figures: Iterable[Figure]) -> set[int]:
    """Places of the figures that measure something else, a rival say, of the items of an earlier one of their name."""
    seen: set[tuple[str, frozenset[str]]] = set()
    again = set()
    for place, figure in enumerate(figures):
        items = (figure.name, frozenset(figure.observations))
        if items in seen:
            again.add(place)
        seen.add(items)
    return again


def _about(about: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """What a run was measured on and with, as names and words."""
    for name, value in about.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}: {part}", _words(each)) for part, each in value.items())
        else:
            yield name, _words(value)


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else "" if value is None else str(value)


def _clip(text: str) -> str:
    """The text, or as much of it as one reads."""
    return text if len(text) <= _MOST else f"{text[:_MOST]}… ({len(text) - _MOST:,} characters more)"


def _plots(outcome: Outcome) -> Iterable[Plot]:
    """A plot of each figure that has groups, then the suite's own."""
    names: dict[str, list[Figure]] = {}
    for figure in outcome.findings.figures:
        if not figure.group or len(figure.observations) > 1:  # a group of one item is no more than that item
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

    # Text stays text, so that the reader's own fonts show any script; the salt keeps the bytes the same. A label may
    # hold anything, "$" too, which must not be read as a formula.
    with (
        matplotlib.rc_context(
            {"svg.fonttype": "none", "svg.hashsalt": "shopwright", "font.size": 9, "text.parse_math": False}
        ),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # of scripts that the fonts here lack; the reader's have them
        try:
            canvas = Canvas(figsize=size, layout="constrained")
            axes = canvas.add_subplot()
            axes.spines[["top", "right"]].set_visible(False)
            draw(axes)
            file = io.StringIO()
            canvas.savefig(file, format="svg", metadata={"Date": None})
        except Exception:  # whatever is wrong with a plot must not cost the report
            return Plot(title, "")
    return Plot(
        title, "data:image/svg+xml;base64," + base64.b64encode(file.getvalue().encode(errors="replace")).decode()
    )


def _groups(axes: Axes, figures: Sequence[Figure]) -> None:
    """Value and interval of each group, one below the other."""
    again, shown = _again(figures), list(enumerate(figures))[::-1]
    for place, (order, figure) in enumerate(shown):
        color = _BLUE if not figure.group else _GRAY if order in again else _PALE
        bold = not figure.group
        if interval(figure) != _NO_INTERVAL:
            axes.plot(figure.interval, [place, place], color=color, linewidth=3.5 if bold else 2, clip_on=False)
        mark = "D" if order in again else "o"
        axes.plot(figure.value, place, mark, color=color, markersize=7 if bold else 5, clip_on=False, zorder=3)
    axes.set_yticks(range(len(shown)), [figure.group or "all" for _, figure in shown])
    for label, (_, figure) in zip(axes.get_yticklabels(), shown, strict=True):
        if not figure.group:
            label.set_color(_BLUE)
            label.set_fontweight("bold")
    axes.set_ylim(-0.6, len(figures) - 0.4)
    if all(not each.unit and 0 <= end <= 1 for each in figures for end in (each.value, *each.interval)):
        axes.set_xlim(0, 1)  # a share, so that neighbours compare
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
            if count:
                axes.text(
                    x, y, str(count), ha="center", va="center", fontsize=7, color="w" if rows[y][x] > 0.5 else "k"
                )


def _curves(axes: Axes, plot: Curves) -> None:
    for place, (name, points) in enumerate(plot.points.items()):
        color, width = (_BLUE, 2.8) if name == "all" else (f"C{1 + place % 9}", 1.4)
        axes.plot([x for x, _ in points], [y for _, y in points], label=name, color=color, linewidth=width)
    axes.set_xlabel(plot.x)
    axes.set_ylabel(plot.y)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.legend(frameon=False)
