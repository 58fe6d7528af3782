"""The shop's words in other languages: what a field or a value of the catalogue is called in each."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

from retrieval.errors import MerchantError

_HEADER = ["field", "value", "language", "label"]


class Label(NamedTuple):
    """One row of the glossary: `field`'s `value` is called `label` in `language`."""

    field: str
    value: str
    language: str
    label: str


class Glossary:
    """Labels of the catalogue's fields and values, and the values behind a label.

    A row with the field "field" names a field itself: `field,material,zh,材质`. Several rows with the same field,
    value and language are synonyms, of which the first is used for wording. Fields and values are found whatever
    their case.
    """

    def __init__(self, rows: Iterable[Label] = ()) -> None:
        self._rows = tuple(rows)
        self._labels: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for field, value, language, label in self._rows:
            self._labels.setdefault((field.casefold(), value.casefold()), []).append((language, label))

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read a CSV file in UTF-8 with the header `field,value,language,label`; a missing file is an empty glossary.

        Raises:
            MerchantError: another header, a row without its four cells, or bytes that are not UTF-8; names the row.
        """
        if not path.exists():
            return cls()
        rows: list[Label] = []
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, strict=True)
                header = [cell.strip().casefold() for cell in next(reader, [])]
                if header != _HEADER:
                    raise MerchantError(f"{path}, row 1: the header is {header}; write {','.join(_HEADER)}")
                for number, cells in enumerate(reader, start=2):
                    if not any(cell.strip() for cell in cells):
                        continue
                    if len(cells) != len(_HEADER) or not all(cell.strip() for cell in cells):
                        raise MerchantError(
                            f"{path}, row {number}: {cells} needs a field, a value, a language and a label, none empty"
                        )
                    field, value, language, label = (cell.strip() for cell in cells)
                    rows.append(Label(field.casefold(), value, language.casefold(), label))
        except (UnicodeDecodeError, csv.Error) as error:
            raise MerchantError(f"{path}, after row {len(rows) + 1}: {error}; save it as CSV in UTF-8") from error
        return cls(rows)

    def label(self, field: str, value: str, language: str) -> str:
        """What `value` is called in `language`, or `value` itself when the glossary does not say."""
        found = self._labels.get((field.casefold(), value.casefold()), ())
        return next((label for spoken, label in found if spoken == language), value)

    def labels(self, field: str, value: str) -> tuple[tuple[str, str], ...]:
        """Every (language, label) of `value`, synonyms included, in the order of the file."""
        return tuple(self._labels.get((field.casefold(), value.casefold()), ()))

    def values(self, language: str | None = None) -> Iterator[Label]:
        """The rows of `language`, or of every language, in the order of the file."""
        return (row for row in self._rows if language is None or row.language == language)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all rows and their order."""
        return hashlib.sha256(repr([tuple(row) for row in self._rows]).encode()).hexdigest()
