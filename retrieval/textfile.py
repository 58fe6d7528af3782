"""`TextFile`: the text of a merchant's file, whatever its compression and encoding.

Both are told from the bytes, not from the file's name.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from retrieval.errors import MerchantError, OperatorError

_CHUNK = 2**20
_FOREIGN = {b"PK\x03\x04": "a ZIP or Excel file", b"%PDF": "a PDF", b"SQLite format": "a database", b"\x89PNG": "a PNG"}
_CHINESE_WORD = re.compile(rb"(?:[\xa1-\xf7][\xa1-\xfe]){2,}")
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")


@dataclass
class TextFile:
    """A file of text on disk, plain or gzip-compressed.

    Attributes:
        notes: what was taken for granted in order to read it, for the merchant to know.
        size: bytes on disk.
        encoding: the codec that reads all of it.
        exact: False where the text holds replacements for bytes that the codec cannot read.

    Raises:
        MerchantError: there is no such file, or it is a folder, no text, or cut off.
        OperatorError: it cannot be read.
    """

    path: Path
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.path.exists():
            raise MerchantError(f"no feed at {self.path}; check the name")
        if not self.path.is_file():
            raise MerchantError(f"{self.path} is a folder or a device, not a feed; name a file")
        self.size = self.path.stat().st_size
        self._raw: BinaryIO | None = None
        with self.reading():
            self.encoding, self.exact = self._find_encoding()

    @property
    def position(self) -> int:
        """How many bytes of the file on disk the latest reader has taken."""
        return self._raw.tell() if self._raw and not self._raw.closed else self.size

    def bytes(self) -> BinaryIO:
        """The file from its start, uncompressed."""
        with self.path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        if not packed:
            self._raw = self.path.open("rb")
            return self._raw
        raw = self.path.open("rb", buffering=0)
        unpacked = gzip.GzipFile(fileobj=raw)
        unpacked.myfileobj = raw  # which it then closes with itself
        self._raw = cast(BinaryIO, raw)
        return cast(BinaryIO, unpacked)

    def text(self) -> TextIO:
        """The file from its start, decoded, its ends of line as they are."""
        errors = "strict" if self.exact else "replace"
        return io.TextIOWrapper(self.bytes(), encoding=self.encoding, errors=errors, newline="")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn the errors of reading into the project's."""
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self.broken(f"is a damaged gzip file ({error})") from error
        except OSError as error:
            raise OperatorError(f"cannot read {self.path}: {error}") from error

    def broken(self, how: str) -> MerchantError:
        """The error for a file that is broken as a whole; `how` follows its name."""
        return MerchantError(f"{self.path} {how}; it may be cut off, so nothing was imported. Export the feed again")

    def _find_encoding(self) -> tuple[str, bool]:
        decoder = codecs.getincrementaldecoder("utf-8")()
        beyond_ascii = False
        with self.bytes() as file:
            chunk = file.read(_CHUNK)
            for magic, kind in _FOREIGN.items():
                if chunk.startswith(magic):
                    raise MerchantError(f"{self.path} is {kind}, not a feed; save or unpack it as text first")
            if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return "utf-16", False
            if chunk.count(0) * 10 > len(chunk):
                raise MerchantError(f"{self.path} is not text; save the feed as UTF-8")
            while chunk:
                try:
                    beyond_ascii = not decoder.decode(chunk).isascii() or beyond_ascii
                except UnicodeDecodeError:
                    return self._guess_encoding()
                chunk = file.read(_CHUNK)
        if not decoder.getstate()[0]:
            return "utf-8-sig", True
        if beyond_ascii:
            raise self.broken("ends in the middle of a character")
        return self._guess_encoding()

    def _guess_encoding(self) -> tuple[str, bool]:
        utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        chinese = codecs.getincrementaldecoder("gb18030")()
        is_chinese = True
        high = in_words = beyond_ascii = replaced = 0
        with self.bytes() as file:
            while chunk := file.read(_CHUNK):
                high += len(_HIGH_BYTE.findall(chunk))
                in_words += sum(map(len, _CHINESE_WORD.findall(chunk)))
                text = utf8.decode(chunk)
                replaced += text.count("\ufffd")
                beyond_ascii += sum(character > "\x7f" for character in text)
                try:
                    is_chinese = is_chinese and chinese.decode(chunk) is not None
                except UnicodeDecodeError:
                    is_chinese = False
        if replaced * 10 < beyond_ascii:
            self.notes.append("a few bytes are not UTF-8 as the rest is; they are replaced by �, and each is reported")
            return "utf-8-sig", False
        # In Western text hardly ever do four bytes above 127 stand together, in Chinese text most do.
        if is_chinese and 2 * in_words >= high:
            self.notes.append("the file is not UTF-8; it was read as GB18030")
            return "gb18030", True
        self.notes.append("the file is not UTF-8; it was read as Windows-1252 (Latin-1)")
        return "cp1252", False
