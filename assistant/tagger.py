"""Which words of a message say what: the thing wanted, what it must have, what is asked, which product is meant.

A small tagger, tuned from the sentence encoder (`finetune/tagger.py`), marks the words and tells what kind of message
it is. What the marked words mean in this shop's catalogue is not its business: `understand` looks them up. So an
ordinary word ("that sounds fine") is not taken for a product called Fine.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.intent import Intent
from assistant.lexicon import HAN
from assistant.vocabulary import normalize
from retrieval.engine import compiled, export
from retrieval.models import cached, resolve
from retrieval.search import Query

LABELS = (
    *("item", "noitem", "want", "not", "max", "min", "about", "size", "for"),
    *("product", "ask", "comp", "best", "drop", "back", "next"),
)
INTENTS = tuple(intent for intent in Intent if intent is not Intent.NOTHING)
TAGS = ("", *(f"{part}-{label}" for label in LABELS for part in "BI"))
LENGTH = 160  # tokens of a message that are read
BASE = "multilingual-e5-small"
_ADAPTER, _HEADS = "adapter_model.safetensors", "heads.safetensors"
_RECIPE = "1"  # raise it when the same weights would be run in another way
_REMEMBERED = 1024


@dataclass(frozen=True)
class Span:
    """Marked words of a message, by their place in it."""

    label: str
    start: int
    end: int

    @property
    def place(self) -> tuple[int, int]:
        """Where it starts and ends."""
        return self.start, self.end


@dataclass(frozen=True)
class Tags:
    """A message with its marked words, in order, and how likely it is each kind of message, likeliest first."""

    spans: tuple[Span, ...]
    intents: tuple[tuple[Intent, float], ...]

    @property
    def intent(self) -> Intent:
        """The likeliest kind."""
        return self.intents[0][0]

    def words(self, text: str, *labels: str) -> str:
        """The words of a message that are marked with one of `labels`, one span after another."""
        return " ".join(text[span.start : span.end] for span in self.spans if span.label in labels)


class Tagger(Protocol):
    """Reads messages; may be shared by threads."""

    def __call__(self, text: str, shown: bool) -> Tags:
        """The tags of a normalised message; `shown` is True where products are on the screen."""
        ...


def prompt(text: str, shown: bool) -> str:
    """The message as the network reads it, behind a word that tells whether products are on the screen."""
    return f"{'shown' if shown else 'new'}: {text}"


def decode(scores: NDArray[np.float32], places: Sequence[tuple[int, int]], text: str, begin: int) -> tuple[Span, ...]:
    """The spans of a message.

    Args:
        scores: of each tag, (tokens, tags).
        places: of each token in the prompt.
        text: the message, which `begin` characters of the prompt lead.
        begin: how many.
    """
    likely = np.exp(scores - scores.max(-1, keepdims=True))
    likely /= likely.sum(-1, keepdims=True)
    spans: list[Span] = []
    last, read = "", [-1]
    for start, end, rows in _words(places, text, begin):
        # A word is marked as a whole: by what its tokens say together, and begun as its first one says.
        chances = likely[rows].mean(0)
        label = _LABELED[int(np.argmax([chances[0], *(chances[place] + chances[place + 1] for place in _BEGINS)]))]
        first = likely[rows[0]]
        begun = rows != read and label and first[TAGS.index(f"B-{label}")] > first[TAGS.index(f"I-{label}")]
        if label and label == last and not begun:
            spans[-1] = Span(label, spans[-1].start, end)
        elif label:
            spans.append(Span(label, start, end))
        last, read = label, rows
    return tuple(spans)


_LABELED = ("", *LABELS)
_BEGINS = range(1, len(TAGS), 2)
_HAN_NUMBER = "零一二两三四五六七八九十百千万半"
_WORD = re.compile(rf"[^\W{HAN}]+(?:['./-][^\W{HAN}]+|,\d+)*|[{_HAN_NUMBER}]{{2,}}|\S")


def _words(places: Sequence[tuple[int, int]], text: str, begin: int) -> Iterator[tuple[int, int, list[int]]]:
    """Start, end and tokens of each word of a message; a Chinese character is a word by itself."""
    row = 0
    for match in _WORD.finditer(text):
        start, end = match.start() + begin, match.end() + begin
        while row < len(places) and places[row][1] <= start:
            row += 1
        rows = [at for at in range(row, len(places)) if places[at][0] < end and places[at][1] > start]
        if rows:
            yield match.start(), match.end(), rows


def about(tagger: Tagger, query: Query) -> Query:
    """The query with the words of it that name the thing looked for.

    One that names none ("something to keep coffee hot") may be answered by anything: there is no thing that the shop
    might not carry.
    """
    said = normalize(query.text)
    tags = tagger(said, shown=False)
    named = tags.words(said, "item", "back")
    return replace(query, thing=named, floor=query.floor and bool(named or not tags.spans))


class Network:
    """The tuned tagger, run by OpenVINO."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LENGTH)
        self._request = compiled(folder / "tagger.xml").create_infer_request()
        self._lock = threading.Lock()
        self._read = lru_cache(_REMEMBERED)(self._tagged)

    def __call__(self, text: str, shown: bool) -> Tags:
        """See `Tagger`."""
        return self._read(text, shown)

    def _tagged(self, text: str, shown: bool) -> Tags:
        # A lone surrogate, which JSON can carry, is no text to a tokenizer.
        said = prompt(text, shown).encode("utf-8", "replace").decode()
        encoding = self._tokenizer.encode(said)
        tokens: NDArray[np.int64] = np.array([encoding.ids], np.int64)
        with self._lock:
            result = self._request.infer({"input_ids": tokens, "attention_mask": np.ones_like(tokens)})
            tags, kinds = np.array(result[0][0]), np.array(result[1][0])
        likely = np.exp(kinds - kinds.max())
        likely /= likely.sum()
        intents = tuple((INTENTS[place], float(likely[place])) for place in np.argsort(-likely))
        spans = decode(tags, encoding.offsets, text, len(said) - len(text))
        return Tags(spans, intents)


def open_tagger() -> Tagger:
    """The tagger that the assistant ships with; its first opening puts its weights together, once."""
    weights = resources.files("assistant").joinpath("weights", "tagger")
    digest = hashlib.sha256(_RECIPE.encode())
    for name in (_ADAPTER, _HEADS):
        digest.update(weights.joinpath(name).read_bytes())

    def make(draft: Path) -> None:
        with resources.as_file(weights) as folder:
            assemble(folder, draft)

    return Network(cached(f"tagger-{digest.hexdigest()[:16]}", make))


def assemble(weights: Path, draft: Path) -> None:
    """Merge the adapter in `weights` into its base and export the whole into the folder `draft`."""
    from peft import PeftModel
    from safetensors.torch import load_file

    base = resolve(BASE)
    module = network(base)
    module.bert = PeftModel.from_pretrained(module.bert, str(weights)).merge_and_unload()
    module.heads.load_state_dict(load_file(weights / _HEADS))
    export(module.eval().float(), draft / "tagger.xml")
    shutil.copy(Path(base) / "tokenizer.json", draft / "tokenizer.json")


def network(source: str | Path) -> Any:
    """The torch module: tokens -> scores of the tags, (texts, tokens, tags), and of the kinds of message."""
    import torch
    from transformers import AutoModel

    class Module(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = AutoModel.from_pretrained(source, dtype=torch.float32)
            width = self.bert.config.hidden_size
            self.heads = torch.nn.ModuleDict(
                {"tags": torch.nn.Linear(width, len(TAGS)), "intents": torch.nn.Linear(width, len(INTENTS))}
            )

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            states = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            weights = attention_mask.unsqueeze(-1).to(states.dtype)
            whole = (states * weights).sum(1) / weights.sum(1)
            return self.heads["tags"](states), self.heads["intents"](whole)

    return Module()
