"""What a feed file holds before anyone says what it means: `FeedFile`, a stream of `Record`.

Compression, encoding, delimiter and container (table, XML, JSON, JSON lines, HTML) are told from the bytes, not from
the file's name. Nothing but the record at hand is kept in memory.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self, TextIO

from lxml import etree, html  # type: ignore[import-untyped]

from retrieval.errors import MerchantError
from retrieval.textfile import TextFile

RECORD_LIMIT = 16 * 2**20  # characters; a longer record is a quote, a bracket or a newline gone missing
_ENVELOPES = frozenset({"@graph", "products", "items", "itemListElement"})  # keys whose array holds the records
_XML_PARENTS = frozenset({"channel", "feed", "rss", "RDF"})
_GOOGLE_NAMESPACE = "http://base.google.com/ns/1.0"


class Shape(StrEnum):
    """How a file lays out its records."""

    TABLE = "delimited text"
    XML = "XML"
    LINES = "JSON lines"
    JSON = "JSON"
    HTML = "HTML"


class Fault(NamedTuple):
    """What is wrong with a value, and what to do about it."""

    field: str
    value: str
    cure: str


@dataclass(frozen=True, slots=True)
class Record:
    """One record; one that cannot be read has a `fault` and no fields.

    `row` is the row of a table as a spreadsheet counts it (the header is 1), the line of a JSON lines file, and else
    the number of the item, from 1. In a table and in XML values are text, and a name that occurs more than once has a
    list of values.
    """

    row: int
    fields: Mapping[str, Any]
    fault: Fault | None = None


@dataclass
class FeedFile:
    """A feed on disk, plain or gzip-compressed; iterating reads its records as a stream.

    Attributes:
        notes: what was taken for granted in order to read it, for the merchant to know.
        size: bytes on disk.
        header: the column names of a table in lower case, else ().

    Raises:
        MerchantError: there is no such file, or it is empty, a folder, or no text.
        OperatorError: it cannot be read.
    """

    path: Path

    def __post_init__(self) -> None:
        self._file = TextFile(self.path)
        self.notes = self._file.notes
        self.size = self._file.size
        with self._file.reading(), self._file.text() as text:
            head = text.read(4096).lstrip()
            if not head:
                raise MerchantError(f"{self.path} is empty; export the feed again")
        self.shape = self._find_shape(head)
        self._delimiter, self.header = self._find_columns() if self.shape is Shape.TABLE else ("", ())

    @property
    def position(self) -> int:
        """How many bytes of the file on disk the iteration under way has read."""
        return self._file.position

    def __iter__(self) -> Iterator[Record]:
        """The records in the order of the file.

        Raises:
            MerchantError: the file is broken as a whole: cut off, not well-formed, or it declares entities.
            OperatorError: it cannot be read.
        """
        read = {
            Shape.TABLE: self._table,
            Shape.XML: self._xml,
            Shape.LINES: self._lines,
            Shape.JSON: self._json,
            Shape.HTML: self._html,
        }[self.shape]
        with self._file.reading():
            try:
                yield from read()
            except etree.LxmlError as error:
                raise self._file.broken(f"is not well-formed {self.shape} ({error})") from error

    def _find_shape(self, head: str) -> Shape:
        if head.startswith("<"):
            feed = re.search(r"<(rss|feed|rdf:RDF)\b", head)
            page = re.search(r"<(!doctype\s+html|html|head|body|script)\b", head, re.IGNORECASE)
            return Shape.HTML if page and not feed else Shape.XML
        if head.startswith("["):
            return Shape.JSON
        if not head.startswith("{"):
            return Shape.TABLE
        with self._file.text() as text:
            lines = (line for line in iter(lambda: text.readline(RECORD_LIMIT), "") if line.strip())
            first, second = _object(next(lines, "")), _object(next(lines, ""))
        if first is not None:
            return Shape.JSON if any(isinstance(first.get(key), list) for key in _ENVELOPES) else Shape.LINES
        named = self.path.name.removesuffix(".gz").endswith((".jsonl", ".ndjson"))
        return Shape.LINES if named or second is not None else Shape.JSON

    def _find_columns(self) -> tuple[str, tuple[str, ...]]:
        csv.field_size_limit(RECORD_LIMIT)
        with self._file.text() as text:
            line = next((line for line in self._split(text) if line.strip()), "")
        # Column names hold no delimiters, so the true one makes the most cells.
        best = max("\t,;|", key=lambda delimiter: len(next(csv.reader([line], delimiter=delimiter))))
        cells = next(csv.reader([line], delimiter=best))
        return best, tuple(" ".join(cell.split()).lower() for cell in cells)

    def _split(self, text: TextIO) -> Iterator[str]:
        """The lines of the file, with their ends."""
        for number, line in enumerate(iter(lambda: text.readline(RECORD_LIMIT), ""), 1):
            if len(line) >= RECORD_LIMIT:
                raise self._file.broken(f"has over {RECORD_LIMIT:,} characters in line {number}")
            yield line

    def _table(self) -> Iterator[Record]:
        with self._file.text() as text:
            tail = _Tail(self._split(text))
            rows = csv.reader(tail, delimiter=self._delimiter)
            headed = False
            number = 0
            while True:
                try:
                    cells = next(rows, None)
                except csv.Error as error:
                    raise self._file.broken(
                        f"cannot be read after row {number} ({error}; is a quote left open?)"
                    ) from error
                if cells is None:
                    return
                number += 1
                if tail.ended:
                    raise self._file.broken(f"has a quote that opens in row {number} and never closes")
                if not any(cells):
                    continue
                if not headed:
                    headed = True
                    continue
                if len(cells) < len(self.header) and not tail.line.endswith(("\n", "\r")):
                    raise self._file.broken(f"stops in row {number}, after {len(cells)} of {len(self.header)} cells")
                yield self._table_record(number, cells)

    def _table_record(self, number: int, cells: list[str]) -> Record:
        extra = any(cells[len(self.header) :])
        if extra or (len(cells) == 1 and len(self.header) > 1):
            cure = (
                f"the row has {len(cells)} cells and the header {len(self.header)}; separate cells with"
                f" {self._delimiter!r} and put quotes round a cell that holds one"
            )
            return Record(number, {}, Fault("row", self._delimiter.join(cells), cure))
        fields: dict[str, Any] = {}
        for name, cell in zip(self.header, cells, strict=False):
            if name:
                _add(fields, name, cell)
        return Record(number, fields)

    def _lines(self) -> Iterator[Record]:
        with self._file.text() as text:
            for number, line in enumerate(self._split(text), 1):
                if not line.strip():
                    continue
                fields = _object(line)
                if fields is not None:
                    yield Record(number, fields)
                elif not line.endswith(("\n", "\r")):
                    raise self._file.broken(f"stops in the middle of line {number}")
                else:
                    cure = "the line is no JSON object; write one object a line, with double quotes"
                    yield Record(number, {}, Fault("line", line.strip(), cure))

    def _json(self) -> Iterator[Record]:
        with self._file.text() as text:
            number = 0
            try:
                for number, value in enumerate(_JsonStream(text), 1):
                    yield _json_record(number, value)
            except (ValueError, RecursionError) as error:
                raise self._file.broken(f"is not well-formed JSON after item {number} ({error})") from error

    def _html(self) -> Iterator[Record]:
        with self._file.text() as text:
            page = text.read(RECORD_LIMIT + 1)
        if len(page) > RECORD_LIMIT:
            raise MerchantError(f"{self.path} is a page of over {RECORD_LIMIT:,} characters; give a product page")
        tree = html.document_fromstring(re.sub(r"^\s*<\?xml[^>]*>", "", page))
        scripts = tree.xpath("//script[starts-with(normalize-space(@type), 'application/ld+json')]/text()")
        if not scripts:
            raise MerchantError(f"{self.path} holds no <script type=application/ld+json>; is it a product page?")
        for number, script in enumerate(scripts, 1):
            try:
                for value in _JsonStream(io.StringIO(script)):
                    yield _json_record(number, value)
            except (ValueError, RecursionError) as error:
                cure = f"the script is not well-formed JSON ({error}); mend the page's template"
                yield Record(number, {}, Fault("script", script.strip(), cure))

    def _xml(self) -> Iterator[Record]:
        with self._file.text() as text:
            declared = re.search(r"<\?xml[^>]*encoding=[\"']([\w.-]+)", text.read(200))
        if declared and declared[1].lower() not in ("utf-8", "utf8"):
            self.notes.clear()  # the parser believes the file's own word
            source: BinaryIO | _Recoded = self._file.bytes()
            encoding = None
        else:
            source, encoding = _Recoded(self._file.text()), "utf-8"
        number = 0
        with source:
            # Entities stay unresolved and nothing is fetched; a feed that declares any is refused at its first tag.
            parser = etree.iterparse(
                source, events=("end",), resolve_entities=False, load_dtd=False, no_network=True, encoding=encoding
            )
            for _, element in parser:
                parent = element.getparent()
                if number == 0 and element.getroottree().docinfo.internalDTD is not None:
                    raise MerchantError(
                        f"{self.path} declares a DTD or entities, which are not read; leave <!DOCTYPE out"
                    )
                if _local(element) not in ("item", "entry") or parent is None or _local(parent) not in _XML_PARENTS:
                    continue
                number += 1
                yield Record(number, _xml_fields(element))
                element.clear()
                while element.getprevious() is not None:
                    del parent[0]
            root = parser.root
            if number == 0 and _local(root) not in _XML_PARENTS:
                raise MerchantError(f"{self.path} is XML with the root <{_local(root)}>, neither RSS nor Atom")


class _Recoded:
    """A text file as UTF-8 bytes, for a parser that wants bytes."""

    def __init__(self, text: TextIO) -> None:
        self._text = text

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._text.close()

    def read(self, size: int = -1) -> bytes:
        return self._text.read(size).encode()


class _Tail:
    """Lines on their way to a parser, remembering the last one and whether more was asked for than there is."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.line = ""
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.line = line
            yield line
        self.ended = True


def _add(fields: dict[str, Any], name: str, value: Any) -> None:
    if not fields.get(name):
        fields[name] = value
    elif not value:
        return
    elif isinstance(fields[name], list):
        fields[name].append(value)
    else:
        fields[name] = [fields[name], value]


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line.removeprefix("\ufeff"), strict=False)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _json_record(number: int, value: Any) -> Record:
    if isinstance(value, dict):
        return Record(number, value)
    return Record(
        number, {}, Fault("item", json.dumps(value, ensure_ascii=False), "write a JSON object for each product")
    )


class _JsonStream:
    """The records of a JSON text, one at a time: the items of its arrays, and of the arrays under `_ENVELOPES`.

    Raises:
        ValueError: while iterating, where the text is not well-formed or an item is over `RECORD_LIMIT`.
    """

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._buffer = ""
        self._at = 0
        self._decoder = json.JSONDecoder(strict=False)

    def __iter__(self) -> Iterator[Any]:
        while following := self._peek():
            if following == "[":
                yield from self._items()
            elif following == "{":
                yield from self._members()
            else:
                yield self._value()

    def _items(self) -> Iterator[Any]:
        self._take("[")
        if self._peek() != "]":
            yield self._value()
            while self._peek() == ",":
                self._take(",")
                yield self._value()
        self._take("]")

    def _members(self) -> Iterator[Any]:
        self._take("{")
        rest: dict[str, Any] = {}
        enveloped = False
        while self._peek() not in ("}", ""):
            if rest or enveloped:
                self._take(",")
            key = self._value()
            self._take(":")
            if key in _ENVELOPES and self._peek() == "[":
                enveloped = True
                yield from self._items()
            else:
                rest[str(key)] = self._value()
        self._take("}")
        if not enveloped:
            yield rest

    def _more(self) -> bool:
        self._buffer = self._buffer[self._at :]
        self._at = 0
        if len(self._buffer) > RECORD_LIMIT:
            raise ValueError(f"an item has over {RECORD_LIMIT:,} characters")
        piece = self._text.read(max(2**18, len(self._buffer)))
        self._buffer += piece
        return bool(piece)

    def _peek(self) -> str:
        while True:
            while self._at < len(self._buffer):
                if not self._buffer[self._at].isspace():
                    return self._buffer[self._at]
                self._at += 1
            if not self._more():
                return ""

    def _take(self, expected: str) -> None:
        found = self._peek()
        if found != expected:
            raise ValueError(f"{expected!r} expected, found {found or 'the end'!r}")
        self._at += 1

    def _value(self) -> Any:
        self._peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError:
                if not self._more():
                    raise
                continue
            # A number that ends with the buffer may go on in the next piece.
            if end == len(self._buffer) and not isinstance(value, (dict, list, str)) and self._more():
                continue
            self._at = end
            return value


def _local(element: Any) -> str:
    return element.tag.rpartition("}")[2].rpartition(":")[2] if isinstance(element.tag, str) else ""


def _is_google(element: Any) -> bool:
    return isinstance(element.tag, str) and element.tag.startswith(f"{{{_GOOGLE_NAMESPACE}}}")


def _xml_fields(item: Any) -> dict[str, Any]:
    """Children by local name; a name in Google's namespace goes before the same one of RSS or Atom."""
    plain: dict[str, Any] = {}
    google: dict[str, Any] = {}
    for child in item:
        name = _local(child).lower()
        if not name:
            continue
        value: Any
        if len(child) and _is_google(child) and _is_google(child[0]):
            value = {_local(part).lower(): part.text or "" for part in child if _local(part)}
        elif name == "link" and child.get("href"):
            if child.get("rel", "alternate") != "alternate":
                continue
            value = child.get("href")
        elif len(child):
            value = etree.tostring(child, encoding="unicode", with_tail=False)  # markup that was not escaped
        else:
            value = child.text
        if value:
            _add(google if _is_google(child) else plain, name, value)
    return {**plain, **google}
