"""Reads the demo shop's tables: departments, their kinds, and the sentences that may describe a product."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

Attributes = Mapping[str, tuple[str, ...]]

TABLES = Path(__file__).parent / "tables"


@dataclass(frozen=True)
class Sentence:
    """A sentence, the attribute values it presumes, and the attributes it quotes."""

    text: str
    presumes: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, line: str) -> Sentence:
        """Reads "[material: wool|silk; weight] It weighs {weight}."; a bare name means any stated value."""
        bracket = re.match(r"\[([^\]]*)\]\s*", line)
        text = line[bracket.end() :] if bracket else line
        presumes = {name: frozenset[str]() for name in re.findall(r"\{([^}#]+)#?\}", text)}
        for condition in bracket[1].split(";") if bracket else ():
            name, _, values = condition.partition(":")
            presumes[name.strip()] = frozenset(value.strip() for value in values.split("|") if value.strip())
        return cls(text, presumes)

    def fits(self, attributes: Attributes) -> bool:
        """True where the product states all that the sentence says."""
        return all(
            name in attributes and (not values or values & set(attributes[name]))
            for name, values in self.presumes.items()
        )

    def fill(self, attributes: Attributes) -> str:
        """The sentence with the product's own values in it."""
        return fill(self.text, attributes)


def fill(pattern: str, attributes: Mapping[str, Sequence[str]]) -> str:
    """`pattern` with "{name}" replaced by the values and "{name#}" by their number, ready to stand alone."""

    def quote(match: re.Match[str]) -> str:
        values = " and ".join(attributes.get(match[1], ()))
        return values.split(" ")[0] if match[2] else values

    text = re.sub(r"\s+", " ", re.sub(r"\{([^}#]+)(#?)\}", quote, pattern)).strip()
    text = re.sub(r"\b([Aa]) (?=[aeioAEIO](?!ne\b|u)|FM\b|8|11 |18)", r"\1n ", text)
    return text[:1].upper() + text[1:]


@dataclass(frozen=True)
class Kind:
    """One kind of thing, as its department's table describes it."""

    department: str
    table: Mapping[str, Any]
    brands: tuple[str, ...]
    attributes: Mapping[str, Any]
    leads: tuple[Sentence, ...]
    facts: tuple[Sentence, ...]
    closings: tuple[Sentence, ...]
    details: tuple[Sentence, ...]

    @property
    def name(self) -> str:
        """The category's name, as "Trail running shoes"."""
        return str(self.table["name"])

    @property
    def names(self) -> list[str]:
        """The model name of each product."""
        return words(self.table["names"])


def words(line: str) -> list[str]:
    """The parts of a line of a table, "one, two"."""
    return [word.strip() for word in line.split(",") if word.strip()]


@cache
def table(name: str) -> dict[str, Any]:
    """The table `name`.toml."""
    return tomllib.loads((TABLES / f"{name}.toml").read_text(encoding="utf-8"))


@cache
def rows(name: str) -> list[dict[str, str]]:
    """The rows of `name`.csv, each under its header."""
    with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def departments() -> list[dict[str, Any]]:
    """The tables of all departments, in the order of `tables/departments.txt`."""
    return [table(name) for name in (TABLES / "departments.txt").read_text(encoding="utf-8").split()]


@cache
def kinds() -> list[Kind]:
    """Every kind of the shop, department by department."""
    shared = tuple(map(Sentence.of, table("common")["say"]["facts"]))
    found = []
    for department in departments():
        own = tuple(map(Sentence.of, department.get("say", {}).get("facts", ())))
        for entry in department["kinds"]:
            found.append(
                Kind(
                    department=department["department"],
                    table=entry,
                    brands=tuple(entry.get("brands", department["brands"])),
                    attributes={**department.get("attributes", {}), **entry["attributes"]},
                    leads=tuple(map(Sentence.of, entry["lead"])),
                    facts=tuple(map(Sentence.of, entry["facts"])),
                    closings=(*own, *shared),
                    details=tuple(map(Sentence.of, entry["details"])),
                )
            )
    return found
