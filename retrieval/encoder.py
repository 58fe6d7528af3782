"""Text -> vectors: `open_encoder()` gives the sentence encoder that the index is built with and queries are read by."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.models import resolve


class Encoder(Protocol):
    """Turns texts into unit vectors whose inner product is their similarity.

    `name` is the setting it was opened with; `fingerprint` changes when weights, pooling, prefixes or arithmetic do;
    `dimensions` is the length of a vector.
    """

    name: str
    fingerprint: str
    dimensions: int

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """What shoppers write -> (n, dimensions), rows of unit length."""
        ...

    def passages(self, texts: Sequence[str], progress: bool = False) -> NDArray[np.float32]:
        """What products say -> (n, dimensions), rows of unit length; `progress` draws a bar on standard error."""
        ...


def open_encoder(name: str = "multilingual-e5-small") -> Encoder:
    """The encoder `name`: built in, a sentence-transformers folder, or a hub name.

    Raises:
        OperatorError: there is no such model, or its weights are not the ones expected.
    """
    return _Plain(name, resolve(name))


class _Plain:
    """Any model that sentence-transformers runs, run by it."""

    def __init__(self, name: str, source: Path | str) -> None:
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(str(source), device="cpu")
        self.name = name
        self.dimensions = int(self._model.get_embedding_dimension() or 0)
        prompts = {key: value for key, value in self._model.prompts.items() if value}
        # The E5 family is trained with these and its oldest folders do not say so.
        if not prompts and re.search(r"(^|/)(multilingual-)?e5-(small|base|large)(-v2)?$", str(source)):
            prompts = {"query": "query: ", "passage": "passage: "}
        self._query = prompts.get("query", "")
        self._passage = prompts.get("passage") or prompts.get("document", "")
        digest = hashlib.sha256(json.dumps([self._query, self._passage, repr(self._model)]).encode())
        for key, tensor in sorted(self._model.state_dict().items()):
            digest.update(key.encode())
            digest.update(tensor.float().numpy().tobytes())
        self.fingerprint = digest.hexdigest()

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encode(self._query, texts, False)

    def passages(self, texts: Sequence[str], progress: bool = False) -> NDArray[np.float32]:
        return self._encode(self._passage, texts, progress)

    def _encode(self, prompt: str, texts: Sequence[str], progress: bool) -> NDArray[np.float32]:
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        vectors = self._model.encode(
            list(texts), prompt=prompt, normalize_embeddings=True, show_progress_bar=progress, convert_to_numpy=True
        )
        return np.asarray(vectors, np.float32)
