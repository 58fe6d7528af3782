"""The index of one shop: vectors in Chroma, words in BM25, filter columns and a copy of the products, as one.

An index is a folder made whole beside the present one; the file `current` is then pointed at it. A crash at any
moment leaves the old index or the new one, never a mixture. The one before stays until the next is made, so that a
server which still reads it goes on undisturbed.

    index/current         the name of the folder in use
    index/NAME/           stamp, rows, facets and values .json, products.jsonl, arrays.npz, vectors.npy, lexicon/,
                          chroma/

Chroma keeps the vectors of record. They are also mapped from `vectors.npy` and scanned exactly, because a metadata
filter inside Chroma costs 50 times the search itself.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import mmap
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from retrieval.catalog import Catalog, Product
from retrieval.errors import MerchantError, OperatorError
from retrieval.facets import Facets, readings
from retrieval.filters import Columns
from retrieval.glossary import Glossary
from retrieval.lexical import Lexicon
from retrieval.relevance import Names, Relevance
from retrieval.vectors import Vectors

if TYPE_CHECKING:
    from retrieval.encoder import Encoder

FORMAT = 1  # of the files in an index folder
TEMPLATE = 2  # of the texts that are encoded and matched by words
_DESCRIPTION = 600  # characters of a description that are encoded; more slows indexing and blurs the vector
_YES, _NO = {"yes", "true"}, {"no", "none", "false"}  # as feeds write them, whatever the shop's language
_KEPT = 10_000  # products read that stay in memory, the last ones asked for
_VALUES = 500  # a field with more distinct values than this is free text, not a vocabulary


def passage(product: Product) -> str:
    """The text of a product that is encoded.

    Prices, stock and amounts are left out, which filters serve better, and so is what a product is said not to have:
    a vector hardly tells "vegan: no" from "vegan: yes".
    """
    named: list[str] = []
    for name, values in {**product.options, **product.attributes}.items():
        said = [value for value in values if not any(char.isdigit() for char in value)]
        if any(value.casefold() in _YES for value in said):
            named.append(name)
        elif said and not any(value.casefold() in _NO for value in said):
            named.append(f"{name}: {', '.join(said)}")
    head = [product.title, " > ".join(product.categories), product.brand, *named]
    return ". ".join(part for part in [*head, product.description[:_DESCRIPTION]] if part)


def words(product: Product, glossary: Glossary) -> str:
    """The text of a product that is matched by words: its own, and what the glossary calls its values."""
    values = [*readings(product), *product.options.items()]
    labels = [label for name, found in values for value in found for _, label in glossary.labels(name, value)]
    named = [name if value.casefold() in _YES else value for name, found in values for value in found]
    head = [product.title, *product.categories, product.brand]
    # The title twice: a word in the name of a product says more than the same word in its description.
    return "\n".join([product.title, *head, *named, *labels, product.description])


class Shelf(Mapping[str, Product]):
    """The products as they were indexed, by id, each read when asked for; safe to share by threads."""

    def __init__(self, file: Path, ids: Sequence[str], offsets: NDArray[np.int64]) -> None:
        with file.open("rb") as opened:
            self._lines = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        self._rows = {product_id: row for row, product_id in enumerate(ids)}
        self._offsets = offsets  # (products + 1,)
        self._kept = lru_cache(_KEPT)(self._line)

    def __getitem__(self, product_id: str) -> Product:
        return self._kept(self._rows[product_id])

    def __contains__(self, product_id: object) -> bool:
        return product_id in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, product_id: str) -> int:
        """The row of a product in the index.

        Raises:
            KeyError: no such product.
        """
        return self._rows[product_id]

    def stream(self) -> Iterator[Product]:
        """Every product in the order of the index, without keeping them."""
        return map(self._line, range(len(self)))

    def _line(self, row: int) -> Product:
        return Product.from_json(self._lines[self._offsets[row] : self._offsets[row + 1]].decode())


class Index:
    """An opened index folder. Rows of `ids`, `vectors`, `columns` and what `relevance` judges belong together."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stamp: dict[str, Any] = json.loads((folder / "stamp.json").read_text("utf-8"))
        rows = json.loads((folder / "rows.json").read_text("utf-8"))
        self.ids: list[str] = rows["ids"]
        self.keys: list[str] = rows["keys"]  # of the rows in Chroma
        with np.load(folder / "arrays.npz") as file:
            arrays = dict(file)
        self.products = Shelf(folder / "products.jsonl", self.ids, arrays.pop("offsets"))
        self.vectors: NDArray[np.float32] = np.load(folder / "vectors.npy", mmap_mode="r")
        self.value_vectors: NDArray[np.float32] = arrays.pop("values")
        self.facets = Facets.from_json(json.loads((folder / "facets.json").read_text("utf-8")))
        self.columns = Columns(self.facets, arrays)
        named = json.loads((folder / "values.json").read_text("utf-8"))
        self.values = tuple((field, value) for field, value, _ in named)  # a row of `value_vectors` each
        self.value_texts = tuple(text for _, _, text in named)  # what was encoded: the value, or a label of it
        self.relevance = Relevance(
            tuple(self.stamp["relevance"]["weights"]),
            tuple(self.stamp["relevance"]["scales"]),
            arrays.pop("mean"),
            Names.of(self.values, self.value_vectors, self.columns),
            Lexicon.open(folder / "lexicon"),
        )

    @classmethod
    def open(cls, shop: Path, encoder: Encoder) -> Self:
        """The index of `shop`, if it was made from the present catalogue and glossary with this encoder.

        Raises:
            OperatorError: there is none, it is broken, or it does not match; says what differs, and the cure.
        """
        cure = f"shopwright index --shop {shop}"
        root = shop / "index"
        if not (root / "current").exists():
            raise OperatorError(f"no index in {root}; make it with: {cure}")
        try:
            index = cls(root / (root / "current").read_text("utf-8"))
            found = index.stamp["made_from"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise OperatorError(f"the index in {root} is broken ({error}); make it anew with: {cure}") from error
        wanted = _made_from(Catalog(shop / "catalog.sqlite"), Glossary.open(shop / "glossary.csv"), encoder)
        changed = [
            f"{name}: indexed {found.get(name)}, now {now}" for name, now in wanted.items() if found.get(name) != now
        ]
        if changed:
            raise OperatorError(f"the index in {root} does not match ({'; '.join(changed)}); cure it with: {cure}")
        try:
            held = len(index.collection)
        except OperatorError as error:
            raise OperatorError(f"{error} If the vectors are lost, make them anew with: {cure}") from error
        if held < len(index.ids):
            raise OperatorError(f"Chroma holds {held} of the {len(index.ids)} products of {shop}; cure it with: {cure}")
        return index

    @cached_property
    def collection(self) -> Vectors:
        """The vectors of record."""
        return Vectors(self.stamp["chroma"] or self.folder / "chroma", self.stamp["collection"])

    @cached_property
    def row_of_key(self) -> dict[str, int]:
        """Id in Chroma -> row."""
        return {key: row for row, key in enumerate(self.keys)}


def _made_from(catalog: Catalog, glossary: Glossary, encoder: Encoder) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "text template": TEMPLATE,
        "catalogue": catalog.fingerprint,
        "glossary": glossary.fingerprint,
        "encoder": f"{encoder.name} ({encoder.fingerprint}, {encoder.dimensions} dimensions)",
    }


@dataclass(frozen=True)
class Update:
    """What an indexing run did: products encoded, products whose vectors were still right, products dropped."""

    encoded: int
    kept: int
    removed: int


def update(shop: Path, encoder: Encoder, *, progress: bool = False, chroma: str = "") -> Update:
    """Index the catalogue of `shop`, encoding only products whose text has changed since the last time.

    Args:
        shop: the shop's folder, with its catalogue and glossary.
        encoder: what turns texts into vectors; another one than the last time encodes everything anew.
        progress: draw a bar while encoding.
        chroma: URL of a Chroma server, or "" to keep the vectors in the index folder.

    Raises:
        MerchantError: the catalogue is empty, or the glossary is broken.
        OperatorError: no catalogue, no disk, no Chroma server, or another run at work; the last index is untouched.
    """
    root = shop / "index"
    catalog = Catalog(shop / "catalog.sqlite")
    glossary = Glossary.open(shop / "glossary.csv")
    if not len(catalog):
        raise MerchantError(f"the catalogue of {shop} is empty; import a feed: shopwright import FEED --shop {shop}")
    name = f"{time.time_ns():x}"
    draft = root / f"{name}.new"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _alone(root):
            before = _before(root)
            draft.mkdir()
            done = _make(draft, catalog, glossary, encoder, before, progress, chroma)
            if Catalog(catalog.path).fingerprint != catalog.fingerprint:
                raise OperatorError(f"the catalogue of {shop} changed while it was indexed; index it again")
            draft.rename(root / name)
            (root / "current.new").write_text(name, "utf-8")
            _settle(root, root / "current.new", root / name, *(root / name).rglob("*"))
            os.replace(root / "current.new", root / "current")
            _settle(root)
            _sweep(root, Index(root / name), before)
            return done
    except OSError as error:
        raise OperatorError(f"cannot write the index in {root}: {error}; the last good one is untouched") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _make(
    draft: Path,
    catalog: Catalog,
    glossary: Glossary,
    encoder: Encoder,
    before: Index | None,
    progress: bool,
    chroma: str,
) -> Update:
    """Write all files of an index into the folder `draft`; the stamp comes last."""
    made_from = _made_from(catalog, glossary, encoder)
    if before and any(before.stamp["made_from"][name] != made_from[name] for name in ("text template", "encoder")):
        known, said, uid = {}, {}, before.stamp["uid"]
    elif before:
        known, uid = before.row_of_key, before.stamp["uid"]
        said = dict(zip(before.value_texts, before.value_vectors, strict=True))
    else:
        known, said, uid = {}, {}, uuid.uuid4().hex[:12]

    ids: list[str] = []
    keys: list[str] = []
    titles: list[str] = []
    fresh: list[str] = []  # texts to encode
    offsets = [0]
    with (draft / "products.jsonl").open("wb") as file:
        for product in catalog:
            text = passage(product)
            ids.append(product.id)
            titles.append(product.title)
            keys.append(hashlib.sha256(f"{product.id}\0{text}".encode()).hexdigest()[:32])
            if keys[-1] not in known:
                fresh.append(text)
            offsets.append(offsets[-1] + file.write(f"{product.to_json()}\n".encode()))
    vectors = np.empty((len(ids), encoder.dimensions), np.float32)
    new = np.fromiter((key not in known for key in keys), np.bool_, len(keys))
    if fresh:
        vectors[new] = encoder.passages(fresh, progress)
    if before and not new.all():
        vectors[~new] = before.vectors[[known[key] for key in keys if key in known]]
    np.save(draft / "vectors.npy", vectors)

    made_by = hashlib.sha256(f"{made_from['text template']} {made_from['encoder']}".encode()).hexdigest()[:12]
    collection = f"shopwright-{uid}-{made_by}"
    if chroma:
        _keep(chroma, collection, keys, vectors)
    else:
        _keep_beside(
            draft / "chroma", before.folder / "chroma" if before and known else None, collection, keys, vectors
        )

    shelf = Shelf(draft / "products.jsonl", ids, np.asarray(offsets))
    facets = Facets.of(shelf.stream())
    columns = Columns.of(shelf.stream(), facets)
    lexicon = Lexicon.of(words(product, glossary) for product in shelf.stream())
    lexicon.save(draft / "lexicon")
    named = list(_named(facets, glossary))
    unsaid = list(dict.fromkeys(text for _, _, text in named if text not in said))
    if unsaid:
        said |= dict(zip(unsaid, encoder.queries(unsaid), strict=True))
    values = np.asarray([said[text] for _, _, text in named], np.float32).reshape(len(named), encoder.dimensions)
    aisles = [(field, value) for field, value, _ in named]
    relevance = Relevance.learn(
        vectors,
        Names.of(aisles, values, columns),
        lexicon,
        [text for field, _, text in named if field in ("kind", "department")],
        titles,
        encoder.queries,
    )
    np.savez(
        draft / "arrays.npz",
        offsets=np.asarray(offsets),
        values=values,
        mean=relevance.mean,
        **cast("dict[str, Any]", columns.arrays),
    )
    stamp = {
        "made_from": made_from,
        "uid": uid,
        "chroma": chroma,
        "collection": collection,
        "relevance": {"weights": relevance.weights, "scales": relevance.scales},
    }
    for file_name, content in (
        ("rows.json", {"ids": ids, "keys": keys}),
        ("facets.json", facets.to_json()),
        ("values.json", named),
        ("stamp.json", stamp),
    ):
        (draft / file_name).write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    return Update(encoded=len(fresh), kept=len(ids) - len(fresh), removed=len(set(known) - set(keys)))


def _keep(place: Path | str, collection: str, keys: Sequence[str], vectors: NDArray[np.float32]) -> None:
    """Have the collection hold `vectors` under `keys`, adding only those it lacks."""
    with closing(Vectors(place, collection, create=True)) as rows:
        present = rows.ids()
        if isinstance(place, Path):  # on a server the index in use still needs them: they go when the new one is
            rows.delete(sorted(present - set(keys)))
        missing = [row for row, key in enumerate(keys) if key not in present]
        rows.add([keys[row] for row in missing], vectors[missing])


def _keep_beside(
    folder: Path, before: Path | None, collection: str, keys: Sequence[str], vectors: NDArray[np.float32]
) -> None:
    """Fill the Chroma folder `folder`, starting from a copy of the one before where that can be read."""
    if before and before.exists():
        shutil.copytree(before, folder)
        try:
            return _keep(folder, collection, keys, vectors)
        except OperatorError:
            shutil.rmtree(folder)
    return _keep(folder, collection, keys, vectors)


def _named(facets: Facets, glossary: Glossary) -> Iterator[tuple[str, str, str]]:
    """(field, value, text) for every value that a shopper may mean: the value itself, then its labels."""
    for field in facets.fields.values():
        if field.number or field.name in ("brand", "availability"):
            continue
        if len(field.values) > _VALUES and field.name not in ("department", "kind"):
            continue
        for value in field.values:
            for text in dict.fromkeys((value, *(label for _, label in glossary.labels(field.name, value)))):
                yield field.name, value, text


def _before(root: Path) -> Index | None:
    """The index in use, or None where there is none that can be built upon."""
    try:
        return Index(root / (root / "current").read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the shop's index for writing; the hold ends with the process, however it ends."""
    with (root / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OperatorError(f"another run is indexing {root.parent}; wait until it is done") from error
        yield


def _settle(*paths: Path) -> None:
    """Wait until these files, and the names in these folders, are on the disk."""
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sweep(root: Path, index: Index, before: Index | None) -> None:
    """Drop what neither the index in use nor the one before it needs."""
    keep = {index.folder, before.folder if before else index.folder}
    for path in root.iterdir():
        if path.is_dir() and path not in keep:
            shutil.rmtree(path)
    if index.stamp["chroma"]:
        with closing(index.collection) as rows:
            rows.delete(sorted(rows.ids() - set(index.keys)))
