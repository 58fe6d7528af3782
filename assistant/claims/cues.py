"""Phrases by which a reply claims something: ranks, stock, limits, denials, promises; one TOML table a language.

General language knowledge as regular expressions; what a shop sells stands in no table. A language without a table is
read with the English one, so its digits, names and values are still checked.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

_NEVER = r"\b\B"


@dataclass(frozen=True)
class Rank:
    """A superlative or comparative: `sign` 1 for more of `metric`, -1 for less."""

    pattern: re.Pattern[str]
    metric: str
    sign: int
    superlative: bool


@dataclass(frozen=True)
class Cues:
    """The patterns of one language: `cues["negation"].search(text)`; case is ignored."""

    patterns: dict[str, re.Pattern[str]]
    ranks: tuple[Rank, ...]

    def __getitem__(self, name: str) -> re.Pattern[str]:
        return self.patterns[name]


@cache
def table(name: str) -> dict[str, Any]:
    """The TOML table `name` beside this module: a language of two letters, or "shared"."""
    source = resources.files(__package__).joinpath(f"{name}.toml")
    found: dict[str, Any] = tomllib.loads(source.read_text("utf-8"))
    return found


def known(language: str) -> str:
    """The language whose table is used for `language`: "zh" for "zh-tw", "en" for one without a table."""
    base = language.split("-")[0]
    return base if base in ("en", "zh", "es", "fr", "de") else "en"


def _joined(phrases: str | list[str]) -> str:
    return phrases if isinstance(phrases, str) else "|".join(phrases)


def _whole(phrases: str | list[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z])(?:{_joined(phrases)})(?![a-z])", re.IGNORECASE)


@cache
def cues(language: str) -> Cues:
    """The patterns for `language`; Chinese text may hold English words, so both are read there."""
    own = known(language)
    tables = [table(each) for each in (("zh", "en") if own == "zh" else (own,))]
    ranks = [
        Rank(_whole(phrases), name.partition("_")[2], 1 if name.startswith("most") else -1, form == "superlatives")
        for form in ("superlatives", "comparatives")
        for each in tables
        for name, phrases in each[form].items()
    ]
    names = dict.fromkeys(name for each in (*tables, table("en")) for name in each["cues"])
    joined = {name: [_joined(each["cues"].get(name, _NEVER)) for each in tables] for name in names}
    patterns = {
        name: re.compile("|".join(f"(?:{part})" for part in parts), re.IGNORECASE) for name, parts in joined.items()
    }
    return Cues(patterns, tuple(ranks))


@cache
def promises() -> dict[str, re.Pattern[str]]:
    """What only a policy can promise -> the words for it, in every language."""
    return {name: _whole(phrases) for name, phrases in table("shared")["promises"].items()}
