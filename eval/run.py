"""One run of the evaluation: the suites in turn, each figure beside its bar, and what it was measured on."""

from __future__ import annotations

import hashlib
import importlib
import math
import os
import platform
import sys
import time
import tomllib
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from tqdm import tqdm

from assistant.demo_shop.make import products as demo_products
from eval.figures import Figure
from eval.suite import SUITES, Findings, Unmeasured, World
from retrieval.catalog import Catalog
from retrieval.errors import MerchantError, ShopwrightError
from retrieval.index import Index

_FOLDER = Path(__file__).parent
_PACKAGES = ("shopwright", "torch", "transformers", "openvino", "sentence-transformers", "chromadb", "bm25s", "numpy")
# Of what the reply model says: measured only when it is up, lest the templates that step in be taken for it.
_SPOKEN = ("dialogue", "shopper", "grounding", "latency", "judge")
# Timed by a machine that may be busy with other things, so a small run, which is for every change, leaves it out.
_LARGE_ONLY = ("latency",)


@dataclass(frozen=True)
class Bar:
    """What a figure must reach: `at_least` or `at_most`."""

    at_least: float | None = None
    at_most: float | None = None

    def passed(self, figure: Figure, small: bool) -> bool:
        """Whether a figure reaches it.

        In a small run, which holds few items, a bar counts as missed only when the whole interval misses it. A bar
        that allows no exception at all (0 or 1) is held to the value in any run.
        """
        strict = not small or self.at_least == 1 or self.at_most == 0
        low, high = (figure.value, figure.value) if strict else figure.interval
        return (self.at_least is None or high >= self.at_least) and (self.at_most is None or low <= self.at_most)

    def __str__(self) -> str:
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"


@dataclass(frozen=True)
class Outcome:
    """What became of one suite: findings, or the reason why there are none.

    Attributes:
        error: what stopped it; None where nothing did.
        unmeasured: why there was nothing to measure; "" where there was.
        bars: label of a figure -> what it must reach.
    """

    name: str
    question: str
    seconds: float
    findings: Findings
    bars: Mapping[str, Bar]
    error: Exception | None = None
    unmeasured: str = ""
    small: bool = False

    def passed(self, figure: Figure) -> bool | None:
        """Whether the figure reaches its bar; None where it has none."""
        bar = self.bars.get(figure.label)
        return bar.passed(figure, self.small) if bar else None

    @property
    def missed(self) -> list[Figure]:
        """The figures below their bar."""
        return [figure for figure in self.findings.figures if self.passed(figure) is False]

    @property
    def unmet(self) -> list[str]:
        """The labels that have a bar and were not measured."""
        return sorted(self.bars.keys() - {figure.label for figure in self.findings.figures})


@dataclass(frozen=True)
class Run:
    """All outcomes, and what they were measured on and with."""

    about: Mapping[str, Any]
    outcomes: tuple[Outcome, ...]

    @property
    def status(self) -> int:
        """The exit status: 2 where a suite's data must be corrected, 1 where the machine, 3 where a bar is missed."""
        errors = [outcome.error for outcome in self.outcomes if outcome.error]
        if any(not isinstance(error, MerchantError) for error in errors):
            return 1
        if errors:
            return 2
        # A small run has not every group, so there a bar may go without its figure.
        unmet = [outcome for outcome in self.outcomes if outcome.unmet and not self.about["small"]]
        return 3 if unmet or any(outcome.missed for outcome in self.outcomes) else 0


def data_of(shop: Path) -> Path | None:
    """The folder of a shop's judgments, utterances and dialogues: its own, the demo shop's if it is that, or None."""
    if (shop / "eval").is_dir():
        return shop / "eval"
    is_demo = set(Catalog(shop / "catalog.sqlite").fingerprints()) == {product.id for product in demo_products()}
    return _FOLDER / "demo" if is_demo else None


def bars_of(shop: Path) -> dict[str, dict[str, Bar]]:
    """Suite -> label of a figure -> its bar, from the shop's own eval/thresholds.toml, else from those shipped.

    Raises:
        MerchantError: the file is broken or names a suite that does not exist.
    """
    own = shop / "eval" / "thresholds.toml"
    path = own if own.exists() else _FOLDER / "thresholds.toml"
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MerchantError(f"{path} cannot be read ({error}); mend it") from error
    bars: dict[str, dict[str, Bar]] = {}
    for suite, table in tables.items():
        if suite not in SUITES:
            raise MerchantError(f"{path}: there is no suite {suite!r}; there are {', '.join(SUITES)}")
        if not isinstance(table, dict):
            raise MerchantError(f"{path}: {suite} is {table!r}; write a table [{suite}] of figures and their bars")
        for label, bar in table.items():
            if not isinstance(bar, dict) or len(bar) != 1 or not bar.keys() <= {"at_least", "at_most"}:
                raise MerchantError(f"{path}: {label!r} is {bar!r}; write {{ at_least = 0.9 }} or {{ at_most = 0 }}")
            value = next(iter(bar.values()))
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise MerchantError(f"{path}: the bar of {label!r} is {bar!r}; write a number")
            bars.setdefault(suite, {})[label] = Bar(**bar)
    return bars


def chosen(names: Sequence[str], small: bool) -> list[str]:
    """The suites to run: those named, in their order, or all that such a run has.

    Raises:
        MerchantError: an unknown name.
    """
    if unknown := [name for name in names if name not in SUITES]:
        raise MerchantError(f"there is no suite {unknown[0]!r}; there are {', '.join(SUITES)}")
    return [name for name in SUITES if (name in names if names else not (small and name in _LARGE_ONLY))]


def evaluate(world: World, names: Sequence[str], bars: Mapping[str, Mapping[str, Bar]]) -> Run:
    """Run the suites `names`; one that fails does not keep the others from running."""
    about = _about(world, names)
    outcomes = []
    for name in names:
        print(f"== {name}", file=sys.stderr, flush=True)
        outcomes.append(_outcome(world, name, bars.get(name, {})))
    return Run(about, tuple(outcomes))


def _outcome(world: World, name: str, bars: Mapping[str, Bar]) -> Outcome:
    start = time.perf_counter()
    module = importlib.import_module(SUITES[name])
    question = str(module.__doc__).split("\n")[0].rstrip(".")
    findings, unmeasured = Findings(()), ""
    error: Exception | None = None
    try:
        if name in _SPOKEN:
            world.assistant.probe()
        findings = module.run(world)
        for figure in tqdm(findings.figures, "intervals", file=sys.stderr, leave=False):
            _ = figure.interval  # worked out here, so that whoever waits sees how far it is
    except Unmeasured as reason:
        unmeasured = str(reason)
    except ShopwrightError as problem:
        error = problem
    except Exception as problem:  # a fault of a suite must not cost the others' figures; the report names it
        traceback.print_exc()
        error = problem
    return Outcome(name, question, time.perf_counter() - start, findings, bars, error, unmeasured, world.small)


def _about(world: World, names: Sequence[str]) -> dict[str, Any]:
    """What makes a run repeatable: seed, versions, and the fingerprints of all that was under test."""
    search, settings = world.search, world.settings
    written = sorted(world.written.glob("*.jsonl")) if world.written else []
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "suites": list(names),
        "seed": world.seed,
        "small": world.small,
        "shop": {
            "name": settings.name,
            "products": len(search.catalog),
            "catalogue": search.catalog.fingerprint,
            "index": Index.open(settings.shop, search.encoder).stamp["made_from"],
        },
        "models": {
            "encoder": search.encoder.name,
            "encoder fingerprint": search.encoder.fingerprint,
            "replies": world.assistant.speaker,
            "adapter": settings.adapter,
        },
        "data": {file.name: _sha256(file) for file in written},
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "machine": {"python": platform.python_version(), "processor": _processor(), "cores": os.cpu_count()},
    }


def _sha256(file: Path) -> str:
    """The digest of a data file; the suite that reads it says what is wrong with one that cannot be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        return f"cannot be read ({error})"


def _processor() -> str:
    """The processor's name, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def to_json(run: Run) -> dict[str, Any]:
    """The run as JSON values: every figure with its interval and what was observed of every item."""
    return {
        "about": dict(run.about),
        "suites": {
            outcome.name: {
                "question": outcome.question,
                "seconds": round(outcome.seconds, 1),
                "error": str(outcome.error) if outcome.error else "",
                "unmeasured": outcome.unmeasured,
                "notes": list(outcome.findings.notes),
                "bars without a figure": outcome.unmet,
                "figures": [
                    {
                        **asdict(figure),
                        "value": figure.value,
                        "interval": figure.interval,
                        "bar": str(outcome.bars.get(figure.label, "")),
                        "passed": outcome.passed(figure),
                    }
                    for figure in outcome.findings.figures
                ],
                "failures": [asdict(failure) for failure in outcome.findings.failures],
            }
            for outcome in run.outcomes
        },
    }


def figures_of(record: Mapping[str, Any], path: Path) -> dict[str, list[Figure]]:
    """Suite -> its figures, from the JSON of an earlier run.

    Raises:
        MerchantError: it is no such JSON.
    """
    try:
        return {
            suite: [
                Figure(**{name: figure[name] for name in Figure.__dataclass_fields__}) for figure in found["figures"]
            ]
            for suite, found in record["suites"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MerchantError(f"{path} is no report of an evaluation ({error!r}); name a report.json") from error
