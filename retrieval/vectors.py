"""The vectors of record, kept in a Chroma collection: embedded in a folder, or on a server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import OperatorError

if TYPE_CHECKING:
    from chromadb.api.collection_configuration import CreateCollectionConfiguration

_ROWS = 5_000  # a request; Chroma takes at most 5,461
# Wider than Chroma's defaults, which find fewer than 98 % of the nearest at 50,000 products.
_HNSW: CreateCollectionConfiguration = {
    "hnsw": {"space": "ip", "ef_construction": 200, "max_neighbors": 32, "ef_search": 300}
}


class Vectors:
    """A collection of (id, unit vector) rows.

    Args:
        place: a folder, or the URL of a Chroma server such as http://localhost:8000.
        name: of the collection, which is made where it is missing and `create` is True.

    Raises:
        OperatorError: the place cannot be reached, or has no such collection.
    """

    def __init__(self, place: Path | str, name: str, *, create: bool = False) -> None:
        import chromadb
        from chromadb.config import Settings

        self._place = place
        settings = Settings(anonymized_telemetry=False)
        with self._readable():
            if isinstance(place, Path):
                if not create and not (place / "chroma.sqlite3").exists():
                    raise OperatorError(f"no Chroma collection in {place}.")
                self._client = chromadb.PersistentClient(str(place), settings=settings)
            else:
                url = urlsplit(place)
                secure = url.scheme == "https"
                self._client = chromadb.HttpClient(
                    url.hostname or "", url.port or (443 if secure else 8000), ssl=secure, settings=settings
                )
            self._collection = (
                self._client.get_or_create_collection(name, configuration=_HNSW, embedding_function=None)
                if create
                else self._client.get_collection(name, embedding_function=None)
            )

    @contextmanager
    def _readable(self) -> Iterator[None]:
        import httpx
        from chromadb.errors import ChromaError

        try:
            yield
        except (ChromaError, httpx.HTTPError, ValueError, OSError) as error:
            raise OperatorError(f"Chroma at {self._place} does not serve: {error}.") from error

    def __len__(self) -> int:
        with self._readable():
            return self._collection.count()

    def ids(self) -> set[str]:
        """The ids of all rows."""
        with self._readable():
            found: set[str] = set()
            for start in range(0, self._collection.count(), _ROWS):
                found.update(self._collection.get(limit=_ROWS, offset=start, include=[])["ids"])
            return found

    def add(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Add rows; the ids are new."""
        with self._readable():
            for start in range(0, len(ids), _ROWS):
                self._collection.add(ids=list(ids[start : start + _ROWS]), embeddings=vectors[start : start + _ROWS])

    def delete(self, ids: Sequence[str]) -> None:
        """Delete rows."""
        with self._readable():
            for start in range(0, len(ids), _ROWS):
                self._collection.delete(ids=list(ids[start : start + _ROWS]))

    def nearest(self, vector: NDArray[np.float32], k: int) -> list[tuple[str, float]]:
        """The ids of about the `k` nearest rows and their cosine similarities, nearest first."""
        with self._readable():
            found = self._collection.query(query_embeddings=vector[None], n_results=k, include=["distances"])
        distances = found["distances"]
        return [(each, 1 - far) for each, far in zip(found["ids"][0], distances[0] if distances else (), strict=True)]

    def close(self) -> None:
        """Let go of the files or the connection."""
        self._client.close()  # type: ignore[attr-defined]  # each client has it, their protocol does not
