"""`import_feed`: a merchant's product feed into the shop's catalogue, whole or as changes.

The feed is read as a stream into a scratch database, where records of one product find each other however far apart
they stand; the catalogue is then written from there and swapped in at the end. At no time is more than one product in
memory, and until the end the shop is what it was.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import TextIO

from retrieval.assembly import Assembly
from retrieval.catalog import Catalog, Product
from retrieval.dialects import patches, tell
from retrieval.errors import MerchantError
from retrieval.offers import Format, Patch, RejectedError, Row, Till
from retrieval.records import Fault, FeedFile, Record, Shape

SHOWN = 100  # problems kept in a report; all of them are in its file
VARIANTS_LIMIT = 2_048  # of one product; more is a group id gone wrong
_SNIFFED = 100  # records looked at to tell JSON formats apart
_BATCH = 200  # present products read at once, when upserting


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a feed. `row` counts as in `retrieval.records.Record`; `dropped` says that the row is out."""

    file: str
    row: int
    field: str
    value: str
    cure: str
    dropped: bool

    def __str__(self) -> str:
        fate = "row dropped" if self.dropped else "row kept"
        return f"{self.file}, row {self.row}, {self.field} {self.value!r}: {self.cure} ({fate})"


@dataclass(frozen=True)
class Report:
    """What an import did.

    `read` records are `good` or `dropped`; `withdrawn` of the good ones take something out of the shop. `written`
    products were added or changed, and the catalogue now holds `products`. `problems` are the first `SHOWN` of
    `problem_count`; all are in `problems_file`, a JSON object a line. `notes` say what was taken for granted.
    """

    file: Path
    format: Format
    read: int
    good: int
    dropped: int
    withdrawn: int
    written: int
    products: int
    problems: tuple[Problem, ...]
    problem_count: int
    problems_file: Path | None
    notes: tuple[str, ...]

    def __str__(self) -> str:
        lines = [
            f"{self.file} ({self.format}): {self.good} of {self.read} rows are good, {self.dropped} dropped;"
            f" {self.written} products written, the shop now has {self.products}"
        ]
        if self.problem_count:
            lines.append(f"{self.problem_count} problems, all of them in {self.problems_file}")
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def detect(path: Path) -> Format:
    """The format of a feed, told from its content.

    Raises:
        MerchantError: it is missing, empty, broken, or of no known format.
        OperatorError: it cannot be read.
    """
    return _told(FeedFile(path))


def import_feed(
    path: Path,
    catalog: Path,
    *,
    format: Format | None = None,
    replace: bool = False,
    currency: str = "USD",
    progress: bool = False,
) -> Report:
    """Import a feed into a catalogue.

    What is wrong with the id, title or price of a row drops the row; what is wrong with anything else is left out of
    it. Both are problems in the report. The catalogue changes all at once, when everything has been read and written.

    Args:
        path: the feed, plain or gzip-compressed, in one of `Format`.
        catalog: the catalogue's file, made where there is none. All problems go to `import-problems.jsonl` beside it.
        format: whose words the feed uses; None tells it from the content.
        replace: True makes the feed the whole catalogue. False upserts by id: a product or variant that the feed does
            not name stays, and of a variant that it names what it does not mention stays; deletions are honoured.
            The rows of a Shopify export are a product as a whole, so they replace it.
        currency: that of amounts which name none, where the catalogue has no currency yet. A shop has one currency.
        progress: show a bar on the terminal.

    Raises:
        MerchantError: the feed is broken as a whole (missing, cut off, of another format, under half of its rows
            good); nothing is changed.
        OperatorError: it cannot be read, the disk is full, another import is running, or the catalogue is damaged;
            nothing is changed.
    """
    feed = FeedFile(path)
    told = _told(feed, format)
    present = Catalog(catalog) if catalog.exists() and not replace else None
    till = Till(present.currency if present else "", currency.upper(), Counter())
    with closing(_Problems(path, catalog.with_name("import-problems.jsonl"))) as problems:
        run = _Import(feed, told, till, present, problems)
        written, total = Catalog.write(catalog, run.products(progress), replace=replace, removed=run.removed)
    return Report(
        file=path,
        format=told,
        read=run.read,
        good=run.read - run.dropped,
        dropped=run.dropped,
        withdrawn=run.withdrawn,
        written=written,
        products=total,
        problems=tuple(problems.first),
        problem_count=problems.count,
        problems_file=problems.path if problems.count else None,
        notes=(*feed.notes, *(f"{count:,} {note}" for note, count in till.notes.items())),
    )


def _told(feed: FeedFile, wanted: Format | None = None) -> Format:
    """The feed's format, which must be the `wanted` one if any."""
    found: Format | None
    if feed.shape in (Shape.HTML, Shape.XML):
        found = Format.SCHEMA_ORG if feed.shape is Shape.HTML else Format.GOOGLE
    elif feed.shape is Shape.TABLE:
        found = tell(dict.fromkeys(feed.header, ""))
    else:
        found = next((told for record in islice(feed, _SNIFFED) if (told := tell(record.fields))), None)
        found = Format.ACP if found is Format.GOOGLE else found  # a flat product feed with Google's names
    if found is None:
        seen = f"; its columns are {', '.join(feed.header)[:300]}" if feed.header else ""
        raise MerchantError(
            f"{feed.path} is {feed.shape} of no known format{seen}. Known formats are {', '.join(Format)};"
            " a table names them in its first row, as in id, title, price"
        )
    # The flat product feed and Google's differ in a few names, which are read in either.
    if wanted and found is not wanted and {found, wanted} != {Format.GOOGLE, Format.ACP}:
        raise MerchantError(f"{feed.path} is a {found} feed, not {wanted}; leave the format out, or give {found}")
    return wanted or found


class _Problems:
    """Problems on their way to their file, of which the first are kept."""

    def __init__(self, feed: Path, path: Path) -> None:
        self.path = path
        self.first: list[Problem] = []
        self.count = 0
        self._feed = feed
        self._file: TextIO | None = None

    def add(self, row: int, faults: Iterable[Fault], dropped: bool) -> None:
        for fault in faults:
            problem = Problem(self._feed.name, row, fault.field, fault.value, fault.cure, dropped)
            if self._file is None:
                self._file = self.path.open("w", encoding="utf-8", errors="replace")
            self._file.write(json.dumps(asdict(problem), ensure_ascii=False) + "\n")
            self.count += 1
            if len(self.first) < SHOWN:
                self.first.append(problem)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _Import:
    """One import under way: what it has counted, and the scratch database that its records wait in."""

    def __init__(
        self, feed: FeedFile, format: Format, till: Till, present: Catalog | None, problems: _Problems
    ) -> None:
        self.read = self.dropped = self.withdrawn = 0
        self.removed: list[str] = []
        self._feed = feed
        self._format = format
        self._till = till
        self._present = present
        self._problems = problems
        # A nameless database lives in a temporary file that vanishes with the process, however that ends.
        self._scratch = sqlite3.connect("", isolation_level=None)

    def products(self, progress: bool) -> Iterator[Product]:
        """The products that the feed adds or changes, once all of it has been read.

        Raises:
            MerchantError: the feed is broken as a whole.
        """
        self._problems.path.unlink(missing_ok=True)
        with closing(self._scratch):
            self._scratch.executescript(
                "PRAGMA journal_mode = OFF; PRAGMA cache_size = -16000; BEGIN;"
                "CREATE TABLE product (number INTEGER PRIMARY KEY, id TEXT UNIQUE, variants INTEGER);"
                "CREATE TABLE patch (place INTEGER PRIMARY KEY, number INTEGER, row INTEGER, json TEXT);"
                "CREATE TABLE seen (key TEXT PRIMARY KEY, patch INTEGER, row INTEGER) WITHOUT ROWID;"
                "CREATE TABLE home (variant TEXT PRIMARY KEY, product TEXT) WITHOUT ROWID;"
            )
            if self._present:
                add = "INSERT OR IGNORE INTO home VALUES (?, ?)"
                self._scratch.executemany(add, self._present.variants())
                self._scratch.executemany(add, ((each, each) for each in self._present.fingerprints()))
            for record in self._records(progress):
                self._take(record)
            self._judge()
            produced = False
            for product in self._assembled():
                produced = True
                yield product
            self._judge()
            if not produced and not self._present:
                raise MerchantError(f"{self._feed.path} has no product that is for sale, so nothing was changed")

    def _records(self, progress: bool) -> Iterator[Record]:
        from tqdm import tqdm

        with tqdm(total=self._feed.size, unit="B", unit_scale=True, desc="import", disable=not progress) as bar:
            for record in self._feed:
                bar.update(self._feed.position - bar.n)
                yield record

    def _judge(self) -> None:
        path, good = self._feed.path, self.read - self.dropped
        if self.read == 0:
            raise MerchantError(f"{path} holds no products, so nothing was changed; export the feed again")
        if 2 * good < self.read:
            first = "; ".join(str(problem) for problem in self._problems.first[:3])
            raise MerchantError(
                f"only {good} of the {self.read} rows of {path} are good, so nothing was changed."
                f" First problems: {first}. All {self._problems.count} are in {self._problems.path}"
            )

    def _home(self, identity: str) -> str:
        found = self._scratch.execute("SELECT product FROM home WHERE variant = ?", (identity,)).fetchone()
        return str(found[0]) if found else ""

    def _take(self, record: Record) -> None:
        row = Row(record.row, self._till, self._home)
        found: list[Patch] = []
        self.read += 1
        try:
            if record.fault:
                raise row.reject(*record.fault)
            found = patches(self._format, record.fields, row)
            for patch in found:
                self._stage(patch, row)
        except RejectedError:
            row.rejected = True
        except RecursionError:
            row.rejected = True
            row.fault("row", "", "it is nested too deeply; write it flat")
        if not found and not row.rejected:
            self.read -= 1
        self.dropped += row.rejected
        self._problems.add(record.row, row.faults, row.rejected)

    def _stage(self, patch: Patch, row: Row) -> None:
        gone = patch.withdrawn or any("withdrawn" in variant for variant in patch.variants)
        self.withdrawn += gone
        self._scratch.execute("INSERT OR IGNORE INTO product VALUES (NULL, ?, 0)", (patch.product,))
        found = self._scratch.execute("SELECT number, variants FROM product WHERE id = ?", (patch.product,)).fetchone()
        number, variants = found
        if variants + len(patch.variants) > VARIANTS_LIMIT:
            raise row.reject("id", patch.product, f"over {VARIANTS_LIMIT:,} rows share this product; give each its own")
        line = json.dumps({**vars(patch), "rejected": row.rejected}, ensure_ascii=False)
        place = self._scratch.execute("INSERT INTO patch VALUES (NULL, ?, ?, ?)", (number, row.number, line)).lastrowid
        self._scratch.execute(
            "UPDATE product SET variants = variants + ? WHERE number = ?", (len(patch.variants), number)
        )
        for key in self._keys(patch):
            if gone:
                self._scratch.execute("DELETE FROM seen WHERE key = ?", (key,))
            else:
                self._supersede(key, place, row.number)
        for variant in patch.variants:
            home = self._home(variant["id"])
            if "shared" in variant and home and home != patch.product:
                self._stage(Patch(home, variants=[{"id": variant["id"], "withdrawn": True}]), row)
                self.withdrawn -= 1  # it moved to another product
            if not self._till.currency and "price" in variant:
                self._till.currency = variant["price"][1]

    def _keys(self, patch: Patch) -> list[str]:
        """What no two records may both be; none for a record that only changes a part of what is there."""
        if self._format is Format.SHOPIFY:
            return [f"{patch.product}\0{variant['id']}" for variant in patch.variants]
        if patch.withdrawn or patch.shared or not all("shared" in variant for variant in patch.variants):
            return [] if self._present else [f"{patch.product}\0"]
        whole = (variant for variant in patch.variants if "price" in variant and "title" in variant["shared"])
        return [variant["id"] for variant in whole]

    def _supersede(self, key: str, place: int | None, row: int) -> None:
        before = self._scratch.execute("SELECT patch, row FROM seen WHERE key = ?", (key,)).fetchone()
        self._scratch.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", (key, place, row))
        if before is None or before[1] == row:
            return
        if self._format is not Format.SHOPIFY:  # there the earlier row may also name the product
            self._scratch.execute("DELETE FROM patch WHERE place = ?", (before[0],))
        cure = f"row {row} has the same id and took this row's place; give each its own id"
        self._problems.add(before[1], [Fault("id", key.strip("\0").replace("\0", " "), cure)], True)
        self.dropped += 1

    def _assembled(self) -> Iterator[Product]:
        self._scratch.execute("CREATE INDEX by_product ON patch (number, place)")
        rows = self._scratch.execute(
            "SELECT product.id, row, json FROM patch JOIN product USING (number) ORDER BY number, place"
        )
        groups = groupby(rows, key=lambda found: str(found[0]))
        # Each group is read out at once: the next one ends it.
        whole = ((identity, [(row, json.loads(line)) for _, row, line in group]) for identity, group in groups)
        while batch := list(islice(whole, _BATCH)):
            ids = [identity for identity, _ in batch]
            present = {product.id: product for product in self._present.products(ids)} if self._present else {}
            for identity, found in batch:
                # Shopify exports the rows of a product together: they are all of it.
                merged = None if self._format is Format.SHOPIFY else present.get(identity)
                assembly = Assembly(identity, merged)
                for row, patch in found:
                    assembly.apply(row, patch)
                product = assembly.product()
                for row, fault in assembly.faults:
                    self._problems.add(row, [fault], True)
                    self.dropped += 1
                if assembly.assumed:
                    note = "variants say nothing of availability and were taken as in stock"
                    self._till.notes[note] += assembly.assumed
                if product:
                    yield product
                elif assembly.emptied and identity in present:
                    self.removed.append(identity)
