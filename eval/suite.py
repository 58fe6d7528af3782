"""What a suite of the evaluation is given, and what it gives back.

A suite is one module with `run(world) -> Findings`, whose first docstring line is the question it answers, and one
entry in `SUITES`. What it reads are JSONL files beside the shop; what it asks, it asks through the assistant's public
functions.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
from tqdm import tqdm

from assistant.config import Settings
from assistant.conversation import Assistant
from eval.figures import Figure
from retrieval.catalog import Product
from retrieval.errors import MerchantError, OperatorError, ShopwrightError
from retrieval.search import Search

T = TypeVar("T")

# name -> module; they run in this order
SUITES: Mapping[str, str] = {
    "search": "eval.search",
    "understanding": "eval.understanding",
    "dialogue": "eval.dialogue",
    "shopper": "eval.shopper",
    "grounding": "eval.grounding",
    "latency": "eval.latency",
    "judge": "eval.judge",
}
_NAMED = 10  # problems of one file that an error lists


class Unmeasured(Exception):  # noqa: N818 - nothing is wrong: there is nothing to measure
    """Raised by a suite that has nothing to measure; the report gives the reason."""


@dataclass(frozen=True)
class Failure:
    """One item that went wrong.

    Attributes:
        figure: the name of the figure that it pulls down.
        item: the item, as in the figure's observations.
        what: what went wrong, in a sentence.
        severity: how bad it is, from 0 to 1; an untrue word to a shopper is 1.
        transcript: (speaker, words), the whole of it.
    """

    figure: str
    item: str
    what: str
    severity: float
    transcript: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Confusion:
    """How often each true label (row) was taken for each label (column)."""

    title: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Curves:
    """Lines of (x, y) points, by name."""

    title: str
    x: str
    y: str
    points: Mapping[str, tuple[tuple[float, float], ...]]


@dataclass(frozen=True)
class Findings:
    """What a suite found. `notes` are sentences for the reader: what was left out, and why."""

    figures: tuple[Figure, ...]
    failures: tuple[Failure, ...] = ()
    plots: tuple[Confusion | Curves, ...] = ()
    notes: tuple[str, ...] = ()


class Record:
    """One line of a data file, read field by field; an error names the file and the line."""

    def __init__(self, place: str, fields: Mapping[str, Any]) -> None:
        self.place = place
        self._fields = dict(fields)

    def take(self, name: str, kind: type[T], default: T | None = None) -> T:
        """The field `name`, which must be a `kind`; `default` where it is missing, unless that is None.

        Raises:
            MerchantError: it is missing, or something else.
        """
        value = self._fields.pop(name, default)
        if value is None:
            raise MerchantError(f"{self.place}: {name} is missing")
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if kind is str and default is None and value == "":
            raise MerchantError(f"{self.place}: {name} is empty")
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise MerchantError(f"{self.place}: {name} is {value!r}; it must be {_KINDS[kind]}")
        return value

    def one_of(self, name: str, values: Iterable[str], default: str | None = None) -> str:
        """The field `name`, which must be one of `values`."""
        value, known = self.take(name, str, default), list(values)
        if value not in known:
            raise MerchantError(f"{self.place}: {name} is {value!r}; it must be one of {', '.join(known)}")
        return value

    def done(self) -> None:
        """See that every field has been taken: one that nothing reads is a mistake."""
        if self._fields:
            raise MerchantError(f"{self.place}: nothing reads {', '.join(sorted(self._fields))}; check the spelling")


_KINDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


@dataclass(frozen=True)
class World:
    """The shop under test and how to test it; use it as a context.

    Attributes:
        settings: the shop's; its conversations are kept apart from those of shoppers, in `folder`.
        written: folder of the shop's judgments, utterances and dialogues; None where it has none.
        public: folder of public data sets; None where there is none.
        folder: for what a suite wants to write; it is gone afterwards.
        small: True to take a sample that is done in minutes.
    """

    settings: Settings
    folder: Path
    written: Path | None = None
    public: Path | None = None
    seed: int = 0
    small: bool = False
    judge_url: str = ""
    judge_model: str = ""
    judge_key: str = field(default="", repr=False)
    _exits: ExitStack = field(default_factory=ExitStack, repr=False)

    @classmethod
    def of(cls, settings: Settings, **options: Any) -> Self:
        """The world of one shop, with a folder of its own."""
        exits = ExitStack()
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="shopwright-eval-")))
        apart = replace(settings, database_url=f"sqlite:///{folder}/conversations.sqlite")
        return cls(apart, folder, _exits=exits, **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    @cached_property
    def assistant(self) -> Assistant:
        """The real assistant, with the shop's own settings."""
        assistant = Assistant.open(self.settings)
        self._exits.callback(assistant.store.close)
        return assistant

    @property
    def search(self) -> Search:
        """The shop's products, as the assistant finds them."""
        return self.assistant.shelf.search

    @cached_property
    def products(self) -> Mapping[str, Product]:
        """id -> product, from the catalogue."""
        return {product.id: product for product in self.search.catalog}

    def read(self, name: str, build: Callable[[Record], T]) -> list[T]:
        """What `build` makes of each line of `name`.jsonl, and of `name`.LANGUAGE.jsonl, in the shop's data folder.

        Args:
            build: takes every field of a line; whatever it makes has an `id`, which no other line may have.

        Raises:
            Unmeasured: there is no such file.
            MerchantError: lines that are wrong, each with file and line, or no line at all.
        """
        files = (
            sorted(self.written.glob(f"{name}.jsonl")) + sorted(self.written.glob(f"{name}.*.jsonl"))
            if self.written
            else []
        )
        if not files:
            raise Unmeasured(f"the shop has no {name}.jsonl; write one in {self.settings.shop / 'eval'}")
        return list(records(files, build))

    def sample(self, items: Sequence[T], most: int, stratum: Callable[[T], Hashable] = lambda _: "") -> list[T]:
        """All items, or in a small run about `most` of them, drawn evenly from each stratum, in their order."""
        if not self.small or len(items) <= most:
            return list(items)
        strata: dict[Hashable, list[int]] = {}
        for place in np.random.default_rng(self.seed).permutation(len(items)):
            strata.setdefault(stratum(items[place]), []).append(int(place))
        share = most / len(items)
        kept = [place for places in strata.values() for place in places[: max(1, round(share * len(places)))]]
        return [items[place] for place in sorted(kept)]

    def progress(self, items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
        """The items, with a progress bar while they are gone through."""
        size = total if total is not None or not isinstance(items, Sized) else len(items)
        yield from tqdm(items, what, size, file=sys.stderr, leave=False, dynamic_ncols=True)


def records(files: Iterable[Path], build: Callable[[Record], T]) -> Iterator[T]:
    """What `build` makes of each line of the JSONL `files`.

    Raises:
        MerchantError: lines that are wrong, each with file and line, or no line at all.
    """
    made: list[T] = []
    seen: dict[str, str] = {}
    problems: list[str] = []
    names = [str(file) for file in files]
    for file in names:
        for place, line in _lines(Path(file)):
            try:
                record = Record(place, _object(place, line))
                item = build(record)
                record.done()
                known = str(getattr(item, "id", place))
                if known in seen:
                    raise MerchantError(f"{place}: the id {known!r} is taken by {seen[known]}")
            except ShopwrightError as error:
                problems.append(str(error) if str(error).startswith(place) else f"{place}: {error}")
                continue
            seen[known] = place
            made.append(item)
    if problems:
        more = f"\n(and {len(problems) - _NAMED} more)" if len(problems) > _NAMED else ""
        raise MerchantError("\n".join(problems[:_NAMED]) + more)
    if not made:
        raise MerchantError(f"{', '.join(names)}: there is nothing in it; write one JSON object a line")
    yield from made


def _lines(file: Path) -> Iterator[tuple[str, str]]:
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MerchantError(f"{file} cannot be read ({error}); give a file of JSON lines in UTF-8") from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"{file}, line {number}", line


def _object(place: str, line: str) -> Mapping[str, Any]:
    try:
        value = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise MerchantError(f"{place}: {line[:60]!r} is no JSON ({error})") from error
    if not isinstance(value, dict):
        raise MerchantError(f"{place}: {line[:60]!r} is no JSON object; write one in braces")
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise MerchantError(f"{place}: half of a character, \\ud800 to \\udfff; write it whole") from error
    return value


def writable(folder: Path) -> None:
    """See that a report can be written into `folder`, before hours are spent on what goes in.

    Raises:
        OperatorError: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OperatorError(f"no report can be written into {folder} ({error}); name another with --report") from error
