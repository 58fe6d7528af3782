"""General words of a language that no catalogue teaches: function words, numbers, cues, recipients.

One TOML table a language. A `Lexicon` merges the tables of the languages a message may mix, so that code-switching
needs no special care.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any

HAN = r"\u3400-\u9fff\uf900-\ufaff"
_HAN = re.compile(f"[{HAN}]")


def has_han(text: str) -> bool:
    """True where the text holds Chinese characters, which are written without spaces between words."""
    return bool(_HAN.search(text))


def alternatives(phrases: Iterable[str]) -> str:
    """A regular expression that matches any of the phrases, longest first, whole words where words have spaces."""
    parts = []
    for phrase in sorted(set(phrases), key=len, reverse=True):
        body = r"\s+".join(map(re.escape, phrase.split()))
        if has_han(phrase):
            parts.append(body)
        else:
            before = r"(?<![\w'])" if phrase[0].isalnum() else ""
            after = r"(?![\w'])" if phrase[-1].isalnum() else ""
            parts.append(f"{before}{body}{after}")
    return f"(?:{'|'.join(parts)})" if parts else r"(?!)"


@dataclass(frozen=True, eq=False)
class Lexicon:
    """The words of one or more languages.

    Attributes:
        main: True for English, which catalogues without labels are taken to be written in.
        cues: name of a cue -> its phrases ("negation" -> "not", "不要", ...).
        tables: "number", "ordinal", "first", "comparative", "superlative" and "recipient" -> phrase -> meaning.
        patterns: "age" and "size" -> regular expressions with named groups.
        ask: a field, or a dimension that it measures -> ways to ask after it.
    """

    main: bool
    stop: frozenset[str]
    frames: tuple[str, ...]
    cues: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, Mapping[str, Any]]
    patterns: Mapping[str, tuple[str, ...]]
    ask: Mapping[str, tuple[str, ...]]

    @cached_property
    def asks(self) -> dict[str, re.Pattern[str]]:
        """Field or dimension -> the pattern of the ways to ask after it."""
        return {meaning: re.compile(alternatives(phrases)) for meaning, phrases in self.ask.items()}

    @cached_property
    def _compiled(self) -> dict[str, re.Pattern[str]]:
        return {name: re.compile(alternatives(phrases)) for name, phrases in self.cues.items()}

    def cue(self, name: str) -> re.Pattern[str]:
        """The pattern of a cue's phrases, for casefolded text."""
        return self._compiled[name]

    @cached_property
    def frame(self) -> re.Pattern[str]:
        """The pattern of the ways to open a request."""
        return re.compile(alternatives(self.frames))

    @cached_property
    def stop_han(self) -> re.Pattern[str]:
        """The pattern of Chinese function words, longest first."""
        return re.compile("|".join(sorted((re.escape(w) for w in self.stop if has_han(w)), key=len, reverse=True)))

    @cached_property
    def _tables(self) -> dict[str, re.Pattern[str]]:
        return {name: re.compile(alternatives(phrases)) for name, phrases in self.tables.items()}

    def table(self, name: str) -> re.Pattern[str]:
        """The pattern of a table's phrases."""
        return self._tables[name]


@cache
def languages() -> tuple[str, ...]:
    """The languages that have a table."""
    folder = resources.files(__package__)
    return tuple(sorted(path.name.removesuffix(".toml") for path in folder.iterdir() if path.name.endswith(".toml")))


@cache
def lexicon(language: str) -> Lexicon:
    """The words of `language`, with those of English and Chinese, which shoppers mix into any language."""
    names = [name for name in dict.fromkeys((language, "en", "zh")) if name in languages()]
    read = [tomllib.loads(resources.files(__package__).joinpath(f"{name}.toml").read_text("utf-8")) for name in names]
    stop: set[str] = set()
    frames: list[str] = []
    cues: dict[str, list[str]] = {}
    tables: dict[str, dict[str, Any]] = {}
    patterns: dict[str, list[str]] = {}
    ask: dict[str, list[str]] = {}
    for words in read:
        stop.update(words["stop"].split())
        frames.extend(words["frames"])
        for name, phrases in words["cue"].items():
            cues.setdefault(name, []).extend(phrases)
        for name in ("number", "ordinal", "first", "comparative", "superlative"):
            for phrase, meaning in words[name].items():
                tables.setdefault(name, {}).setdefault(phrase, meaning)
        for meaning, phrases in words["recipient"].items():
            for phrase in phrases:
                tables.setdefault("recipient", {}).setdefault(phrase, meaning)
        for name in ("age", "size"):
            patterns.setdefault(name, []).extend(words[name]["patterns"])
        for meaning, phrases in words["ask"].items():
            ask.setdefault(meaning, []).extend(phrases)
    return Lexicon(
        language == "en",
        frozenset(stop),
        tuple(frames),
        {name: tuple(phrases) for name, phrases in cues.items()},
        tables,
        {name: tuple(found) for name, found in patterns.items()},
        {meaning: tuple(phrases) for meaning, phrases in ask.items()},
    )
