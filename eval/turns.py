"""How fast a shop is indexed and a message answered, on the demo shop with the models it ships with."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tqdm import tqdm

from assistant.config import Settings
from assistant.conversation import Assistant
from assistant.demo_shop.make import make, products
from retrieval.catalog import Catalog
from retrieval.encoder import open_encoder
from retrieval.errors import OperatorError
from retrieval.index import passage, update
from retrieval.models import resolve


def conversations() -> list[list[str]]:
    """Ten conversations of ten turns: what shoppers write, in several languages, changing their minds as they do."""
    return [json.loads(line) for line in Path(__file__).with_suffix(".jsonl").read_text("utf-8").splitlines()]


def demo_shop(folder: Path) -> float:
    """Make the demo shop in `folder` and index it; returns the products indexed a second."""
    make(folder)
    written, _ = Catalog.write(folder / "catalog.sqlite", products())
    encoder = open_encoder()
    start = time.perf_counter()
    update(folder, encoder)
    return written / (time.perf_counter() - start)


def plain_rate(count: int) -> float:
    """Texts of products a second by sentence-transformers as it comes, in batches of its default size."""
    from sentence_transformers import SentenceTransformer

    texts = [passage(product) for product, _ in zip(products(), range(count), strict=False)]
    model = SentenceTransformer(str(resolve("multilingual-e5-small")), device="cpu")
    model.encode(texts[:32], prompt="passage: ")
    start = time.perf_counter()
    model.encode(texts, prompt="passage: ")
    return len(texts) / (time.perf_counter() - start)


def turns(folder: Path) -> tuple[list[float], list[float]]:
    """Milliseconds from message to the products and to the first words, over `conversations()`.

    A turn counts only when its reply is real: it ends complete and has words.
    """
    settings = Settings.load(folder, {"SHOPWRIGHT_DATABASE_URL": f"sqlite:///{folder}/bench.sqlite"})
    assistant = Assistant.open(settings)
    shown: list[float] = []
    said: list[float] = []
    talks = conversations()
    with tqdm(total=sum(map(len, talks)), desc="turns", file=sys.stderr) as bar:
        for messages in talks:
            session = assistant.store.open_session()
            for message in messages:
                start = time.perf_counter()
                first: dict[str, float] = {}
                for event in assistant.reply(session, message):
                    first.setdefault(event.type, (time.perf_counter() - start) * 1000)
                if "text" not in first or event.to_json().get("status") != "complete":
                    raise OperatorError(f"no real reply to {message!r}; a figure of it would be no figure")
                said.append(first["text"])
                if "products" in first:
                    shown.append(first["products"])
                bar.update()
    return shown, said
