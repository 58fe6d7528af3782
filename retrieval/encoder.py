"""Text -> vectors: `open_encoder()` gives the sentence encoder that the index is built with and queries are read by.

A sentence-transformers model is turned once into an OpenVINO graph of the whole pipeline (transformer, pooling, dense
layers, normalisation) and kept in the cache of `retrieval.models`. From then on it needs neither torch nor
sentence-transformers, opens in about two seconds and encodes some two to four times as fast as they do on a CPU.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.engine import compiled, export
from retrieval.errors import OperatorError
from retrieval.models import BUILT_IN, cached, resolve

_RECIPE = "openvino-f16-1"  # part of every fingerprint: raise it when an export would give other vectors
_BATCH_TOKENS = 2048
_LONGEST = 8192
_WINDOW = 4096
_REMEMBERED = 4096
_PROBES = ("waterproof shoes", " Größe 42, 3.5 kg ", "防水徒步鞋，男款", "a quiet fan for a small bedroom " * 8)
_LOG = logging.getLogger(__name__)


class Encoder(Protocol):
    """Turns texts into unit vectors whose inner product is their similarity; may be shared by threads.

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

    The first opening exports the model, which takes about half a minute. A model that cannot be exported is run by
    sentence-transformers itself, slower, and a warning in the log says why.

    Raises:
        OperatorError: there is no such model, it is no sentence encoder, or its weights are not the ones expected.
    """
    # E5 is trained with these prefixes, and its folders on the hub do not say so.
    prefixes = (
        ("query: ", "passage: ") if re.search(r"/(multilingual-)?e5-(small|base|large)(-v2)?$", name) else ("", "")
    )
    source = None if name in BUILT_IN else _downloaded(resolve(name))
    identity = hashlib.sha256(
        "\0".join([_RECIPE, *prefixes, _contents(source) if source else BUILT_IN[name].version]).encode()
    )
    fingerprint = identity.hexdigest()

    def make(draft: Path) -> None:
        _export(source or Path(resolve(name)), prefixes, draft)

    folder = cached(f"encoder-{fingerprint[:16]}", make)
    facts = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
    if facts["obstacle"]:
        _LOG.warning("the encoder %s runs in sentence-transformers, slower: %s", name, facts["obstacle"])
        return _Plain(name, fingerprint, facts, source or Path(resolve(name)))
    return _Exported(name, fingerprint, facts, folder)


class _Exported:
    """An exported model, run by OpenVINO in the widest arithmetic the processor is fast at (float32 or bfloat16)."""

    def __init__(self, name: str, fingerprint: str, facts: dict[str, Any], folder: Path) -> None:
        from tokenizers import Tokenizer

        self.name = name
        self.fingerprint = fingerprint
        self.dimensions: int = facts["dimensions"]
        self._query: str = facts["query"]
        self._passage: str = facts["passage"]
        self._length: int = facts["length"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self._length)
        self._request = compiled(folder / "encoder.xml").create_infer_request()
        self._lock = threading.Lock()
        self._memory: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder`; the last few thousand queries are remembered."""
        with self._lock:
            known = {text: self._memory[text] for text in texts if text in self._memory}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known |= zip(new, self._encode(self._query, new, False), strict=True)
        with self._lock:
            for text, vector in known.items():
                self._memory[text] = vector
                self._memory.move_to_end(text)
            while len(self._memory) > _REMEMBERED:
                self._memory.popitem(last=False)
        return np.array([known[text] for text in texts], np.float32).reshape(len(texts), self.dimensions)

    def passages(self, texts: Sequence[str], progress: bool = False) -> NDArray[np.float32]:
        """See `Encoder`."""
        return self._encode(self._passage, texts, progress)

    def _encode(self, prefix: str, texts: Sequence[str], progress: bool) -> NDArray[np.float32]:
        from tqdm import tqdm

        vectors = np.empty((len(texts), self.dimensions), np.float32)
        with tqdm(total=len(texts), desc="encoding", unit="text", disable=not progress) as bar:
            for rows, tokens, mask in self._batches(prefix, texts):
                with self._lock:
                    result = self._request.infer({"input_ids": tokens, "attention_mask": mask}, share_inputs=True)
                    vectors[rows] = result[0]
                bar.update(len(rows))
        return vectors

    def _batches(self, prefix: str, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[Any], NDArray[Any]]]:
        """Texts of about one length together, so that little of a batch is padding: (rows, tokens, mask)."""
        # No text fills a token with 32 characters on average: the rest of a huge one would be cut off anyway.
        # A lone surrogate, which JSON can carry, is no text to a tokenizer.
        cut = 32 * self._length
        for start in range(0, len(texts), _WINDOW):
            clean = [prefix + text[:cut].encode("utf-8", "replace").decode() for text in texts[start : start + _WINDOW]]
            found = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(clean)]
            order = sorted(range(len(found)), key=lambda row: len(found[row]), reverse=True)
            while order:
                longest = len(found[order[0]])
                rows = order[: max(1, _BATCH_TOKENS // longest)]
                del order[: len(rows)]
                tokens = np.zeros((len(rows), longest), np.int64)
                mask = np.zeros_like(tokens)
                for place, row in enumerate(rows):
                    tokens[place, : len(found[row])] = found[row]
                    mask[place, : len(found[row])] = 1
                yield [start + row for row in rows], tokens, mask


class _Plain:
    """Any model that sentence-transformers runs, run by it."""

    def __init__(self, name: str, fingerprint: str, facts: dict[str, Any], source: Path) -> None:
        from sentence_transformers import SentenceTransformer

        self.name = name
        self.fingerprint = fingerprint
        self.dimensions: int = facts["dimensions"]
        self._query: str = facts["query"]
        self._passage: str = facts["passage"]
        self._model = SentenceTransformer(str(source))

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder`."""
        return self._encode(self._query, texts, False)

    def passages(self, texts: Sequence[str], progress: bool = False) -> NDArray[np.float32]:
        """See `Encoder`."""
        return self._encode(self._passage, texts, progress)

    def _encode(self, prefix: str, texts: Sequence[str], progress: bool) -> NDArray[np.float32]:
        clean = [text.encode("utf-8", "replace").decode() for text in texts]
        vectors = self._model.encode(clean, prompt=prefix, normalize_embeddings=True, show_progress_bar=progress)
        return np.asarray(vectors, np.float32).reshape(len(texts), self.dimensions)


def _downloaded(source: Path | str) -> Path:
    """A folder as it is; a hub name's files, from the hub or from its cache on this machine."""
    if isinstance(source, Path):
        return source
    from huggingface_hub import snapshot_download

    try:
        # Weights that run code when they are read (pickles) are not wanted; neither are other engines' copies.
        wanted = ["*.json", "*.txt", "*.model", "*.safetensors"]
        return Path(snapshot_download(source, allow_patterns=wanted, ignore_patterns=["onnx/*", "openvino/*"]))
    except (OSError, ValueError) as error:
        raise OperatorError(
            f"cannot fetch the encoder {source!r} from the hub: {error}; "
            "check the name and the network, or give a folder, or multilingual-e5-small"
        ) from error


def _contents(folder: Path) -> str:
    """SHA-256 over everything in a model's folder that can change a vector."""
    digest = hashlib.sha256()
    for path in sorted(
        path for path in folder.rglob("*") if path.suffix in (".json", ".txt", ".model", ".safetensors")
    ):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def _export(source: Path, prefixes: tuple[str, str], folder: Path) -> None:
    """The model in `source` -> encoder.xml and .bin, tokenizer.json, and encoder.json with what else it takes."""
    if not (source / "modules.json").is_file():
        raise OperatorError(
            f"{source} is no sentence-transformers model (it has no modules.json); "
            "give a folder that SentenceTransformer.save wrote, or multilingual-e5-small"
        )
    from sentence_transformers import SentenceTransformer
    from tqdm import tqdm

    with tqdm(total=3, desc="preparing the encoder (once)") as bar:
        model = SentenceTransformer(str(source), device="cpu").eval()
        bar.update()
        usual = model.prompts.get(model.default_prompt_name or "", "")
        facts: dict[str, Any] = {
            "dimensions": model.get_embedding_dimension(),
            "length": int(min(model.max_seq_length or 512, _LONGEST)),
            "query": model.prompts.get("query") or usual or prefixes[0],
            "passage": model.prompts.get("passage") or model.prompts.get("document") or usual or prefixes[1],
            "obstacle": "",
        }
        try:
            tokenizer = model.tokenizer.backend_tokenizer
            export(_pipeline(model), folder / "encoder.xml")
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            facts["obstacle"] = _brief(error)
        bar.update()
        if not facts["obstacle"]:
            tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
            facts["obstacle"] = _difference(model, facts, folder)
        bar.update()
    (folder / "encoder.json").write_text(json.dumps(facts, indent=2, ensure_ascii=False), encoding="utf-8")


def _pipeline(model: Any) -> Any:
    """The whole pipeline of a SentenceTransformer as one torch module."""
    import torch

    class Pipeline(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            features = self.model({"input_ids": input_ids, "attention_mask": attention_mask})
            return torch.nn.functional.normalize(features["sentence_embedding"], dim=-1)

    return Pipeline()


def _difference(model: Any, facts: dict[str, Any], folder: Path) -> str:
    """What is wrong with the export in `folder`, which should give the vectors that `model` gives; "" if nothing."""
    truth = model.encode(list(_PROBES), prompt=facts["query"], normalize_embeddings=True)
    try:
        vectors = _Exported("", "", facts, folder).queries(_PROBES)
    except RuntimeError as error:
        return _brief(error)
    worst = float((vectors * truth).sum(axis=1).min())
    return "" if worst > 0.995 else f"the exported graph gives other vectors (cosine {worst:.3f})"


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
