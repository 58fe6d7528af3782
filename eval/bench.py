"""How fast is it? Every figure is printed beside its yardstick, measured in the same run: `python -m eval.bench`.

A section is a function that measures and returns its `Figure`s; name sections to run only those.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from assistant.config import Settings
from assistant.conversation import Assistant
from assistant.demo_shop.make import make, products
from eval.report import columns
from eval.suite import records
from eval.talk import Talk
from eval.turns import conversation
from retrieval.catalog import Availability, Catalog, Money, Product, Variant
from retrieval.encoder import open_encoder
from retrieval.errors import OperatorError
from retrieval.filters import Filters
from retrieval.index import Index, passage, update
from retrieval.models import resolve
from retrieval.search import Query, Search


@dataclass(frozen=True)
class Figure:
    """One measured figure; it passes when `ratio`, or `value` where there is no yardstick, reaches `bar`.

    `value` and `yardstick` are in `unit`; `ratio` says how many times better the value is than the yardstick;
    `at_most` is True where less than the bar is better.
    """

    name: str
    value: float
    unit: str
    bar: float
    yardstick: str = ""
    reference: float | None = None
    ratio: float | None = None
    at_most: bool = False

    @property
    def passed(self) -> bool:
        """Whether the bar is reached."""
        measured = self.value if self.ratio is None else self.ratio
        return measured <= self.bar if self.at_most else measured >= self.bar

    def row(self) -> tuple[str, ...]:
        """The cells of the figure's line in the report."""
        beside = "" if self.reference is None else f"{self.yardstick} {self.reference:.4g} {self.unit}"
        times = "" if self.ratio is None else f"{self.ratio:.1f}x"
        bar = f"{'<=' if self.at_most else '>='} {self.bar:g}{'x' if self.ratio is not None else ''}"
        return self.name, f"{self.value:.4g} {self.unit}".strip(), beside, times, bar, "pass" if self.passed else "FAIL"


def timed(call: Callable[[Any], object], arguments: Iterable[Any]) -> float:
    """Median milliseconds of `call` over `arguments`, the first three of which only warm up."""
    took: list[float] = []
    for argument in arguments:
        start = time.perf_counter()
        call(argument)
        took.append((time.perf_counter() - start) * 1000)
    return median(took[3:])


IN, OUT = Availability.IN_STOCK, Availability.OUT_OF_STOCK
PRODUCTS, DIMENSIONS, DEPARTMENTS, CLUSTERS = 50_000, 384, 20, 400
_TURNS = Path(__file__).parent / "demo" / "turns.jsonl"
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


class Clusters:
    """An encoder of made-up vectors: points around `CLUSTERS` centres, chosen by a running random number."""

    name = "clusters"
    fingerprint = "1"
    dimensions = DIMENSIONS

    def __init__(self) -> None:
        self._random = np.random.default_rng(7)
        self._centres = self._random.normal(size=(CLUSTERS, DIMENSIONS))

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors: (texts, dimensions)."""
        chosen = self._centres[self._random.integers(CLUSTERS, size=len(texts))]
        vectors = chosen + 0.8 * self._random.normal(size=chosen.shape)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    def passages(self, texts: Sequence[str], progress: bool = False) -> NDArray[np.float32]:
        """Unit vectors: (texts, dimensions)."""
        return self.queries(texts)


def made_up(count: int) -> Iterator[Product]:
    """`count` products with made-up words, prices mostly between 5 and 500 USD, and one to four variants each."""
    random = np.random.default_rng(11)
    words = ["".join(_CONSONANTS[c] + _VOWELS[v] for c, v in zip(*random.integers((14, 5), size=(3, 2)).T, strict=True))
             for _ in range(4_000)]  # fmt: skip
    rarity = 1 / np.arange(1, len(words) + 1)  # words are as unevenly common as in a language
    rarity /= rarity.sum()
    for number in range(count):
        department = int(random.integers(DEPARTMENTS))
        said = random.choice(len(words), size=40, p=rarity)
        price = Money(max(99, int(np.exp(random.normal(3.9, 0.9)) * 100)), "USD")
        variants = tuple(
            Variant(f"{number}-{size}", price, IN if random.random() < 0.9 else OUT, options={"size": str(size)})
            for size in range(int(random.integers(1, 5)))
        )  # fmt: skip
        yield Product(
            id=str(number),
            title=" ".join(words[each] for each in said[:5]),
            description=" ".join(words[each] for each in said[5:]),
            brand=words[int(random.integers(200))],
            categories=(f"department {department}", f"kind {department}.{random.integers(20)}"),
            variants=variants,
        )


def search() -> list[Figure]:
    """Hybrid search under filters beside Chroma's own metadata filter, and how much of the nearest is found."""
    with tempfile.TemporaryDirectory() as folder:
        return list(_search(Path(folder)))


def _search(folder: Path) -> Iterator[Figure]:
    import chromadb
    from chromadb.config import Settings

    shop, encoder = folder / "shop", Clusters()
    Catalog.write(shop / "catalog.sqlite", tqdm(made_up(PRODUCTS), "products made up", PRODUCTS))
    print("indexing", file=sys.stderr)
    update(shop, encoder)
    start = time.perf_counter()
    found = Search.open(shop, encoder)
    opened = time.perf_counter() - start
    index = Index.open(shop, encoder)
    vectors = np.array(index.vectors)
    prices = np.array([product.offer.price.amount for product in index.products.stream()])
    departments = np.array([product.department for product in index.products.stream()])

    client = chromadb.PersistentClient(str(folder / "yardstick"), Settings(anonymized_telemetry=False))
    with closing(client):  # type: ignore[type-var]
        collection = client.create_collection("products", metadata={"hnsw:space": "cosine"}, embedding_function=None)
        step = 5_000
        for at in tqdm(range(0, PRODUCTS, step), "yardstick filled"):
            rows = slice(at, at + step)
            collection.add(
                ids=index.ids[rows],
                embeddings=vectors[rows],
                metadatas=[
                    {"price": int(price), "department": str(department)}
                    for price, department in zip(prices[rows], departments[rows], strict=True)
                ],
            )
        asked = encoder.queries([""] * 103)
        texts = [product.title for product in index.products.stream()][:: PRODUCTS // 103]
        cases: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
            ("price", {"price": {"max": 100}}, {"price": {"$lte": 10_000}}),
            (
                "department and price",
                {"price": {"max": 100}, "department": "department 3"},
                {"$and": [{"department": "department 3"}, {"price": {"$lte": 10_000}}]},
            ),
        ]
        for name, filters, where in cases:
            hard = Filters.parse(filters, found.facets)
            queries = [Query(text, hard) for text in texts[:103]]
            ours = timed(lambda pair: found.search(*pair), zip(queries, asked, strict=True))
            theirs = timed(partial(collection.query, n_results=10, where=where), asked[:33, None])
            yield Figure(f"hybrid search, {name}", ours, "ms", 5, "Chroma where", theirs, theirs / ours)

    hard = Filters.parse({"price": {"max": 100}}, found.facets)
    cheap = np.flatnonzero(prices <= 10_000)
    exact = [cheap[np.argsort(-(vectors[cheap] @ vectors[row]), kind="stable")[:11]] for row in range(100)]
    near = [[hit.product_id for hit in found.similar(index.ids[row], hard, k=10).hits] for row in range(100)]
    yield Figure("recall@10, price filter", _recall(exact, near, index.ids), "", 0.98)
    exact = [np.argsort(-(vectors @ vector), kind="stable")[:10] for vector in asked]
    near = [[index.ids[index.row_of_key[key]] for key, _ in index.collection.nearest(each, 10)] for each in asked]
    yield Figure("recall@10, Chroma without filter", _recall(exact, near, index.ids), "", 0.98)
    yield Figure("open 50,000 products", opened, "s", 10, at_most=True)


def _recall(exact: Sequence[NDArray[np.intp]], found: Sequence[Sequence[str]], ids: Sequence[str]) -> float:
    """Mean share of the ten nearest that was found; a product looked for by its own vector does not count."""
    shares = []
    for row, (nearest, got) in enumerate(zip(exact, found, strict=True)):
        wanted = [ids[each] for each in nearest if len(nearest) == 10 or each != row][:10]
        shares.append(len(set(wanted) & set(got)) / len(wanted))
    return float(np.mean(shares))


def shop() -> list[Figure]:
    """How fast the demo shop is indexed, beside plain sentence-transformers, and how fast its shoppers are answered."""
    with tempfile.TemporaryDirectory() as folder:
        indexed = _index(Path(folder))
        plain = _plain_rate(300)
        shown, said = _wait(Path(folder))
    return [
        Figure("products indexed", indexed, "/s", 1.5, "sentence-transformers encode", plain, indexed / plain),
        Figure(f"products shown, p95 of {len(shown)} turns", float(np.percentile(shown, 95)), "ms", 150, at_most=True),
        Figure(f"first words, p95 of {len(said)} turns", float(np.percentile(said, 95)), "ms", 1200, at_most=True),
    ]


def _index(folder: Path) -> float:
    """Make the demo shop in `folder` and index it; returns the products indexed a second."""
    make(folder)
    written, _ = Catalog.write(folder / "catalog.sqlite", products())
    encoder = open_encoder()
    start = time.perf_counter()
    update(folder, encoder)
    return written / (time.perf_counter() - start)


def _plain_rate(count: int) -> float:
    """Texts of products a second by sentence-transformers as it comes, in batches of its default size."""
    from sentence_transformers import SentenceTransformer

    texts = [passage(product) for product, _ in zip(products(), range(count), strict=False)]
    model = SentenceTransformer(str(resolve("multilingual-e5-small")), device="cpu")
    model.encode(texts[:32], prompt="passage: ")
    start = time.perf_counter()
    model.encode(texts, prompt="passage: ")
    return len(texts) / (time.perf_counter() - start)


def _wait(folder: Path) -> tuple[list[float], list[float]]:
    """Milliseconds from message to the products and to the first words, over the demo shop's ten conversations.

    A turn counts only when its reply is real: it ends complete and has words.
    """
    settings = Settings.load(folder, {"SHOPWRIGHT_DATABASE_URL": f"sqlite:///{folder}/bench.sqlite"})
    assistant = Assistant.open(settings)
    shown: list[float] = []
    said: list[float] = []
    for each in tqdm(list(records([_TURNS], conversation)), "conversations"):
        talk = Talk(assistant, each.id)
        for message in each.messages:
            reply = talk.say(message)
            if not reply.real:
                raise OperatorError(f"no real reply to {message!r}; a figure of it would be no figure")
            said.append(reply.times["text"])
            if "products" in reply.times:
                shown.append(reply.times["products"])
    return shown, said


SECTIONS: dict[str, Callable[[], list[Figure]]] = {"search": search, "shop": shop}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sections named, or all; returns 1 where a figure misses its bar, else 0."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}; all by default")
    chosen = parser.parse_args(arguments).sections or list(SECTIONS)
    unknown = [name for name in chosen if name not in SECTIONS]
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    figures = [figure for name in chosen for figure in SECTIONS[name]()]
    rows = [("figure", "measured", "yardstick", "ratio", "bar", ""), *(figure.row() for figure in figures)]
    print(columns(rows))
    return 0 if all(figure.passed for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
