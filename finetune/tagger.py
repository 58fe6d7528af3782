"""Tunes the tagger that reads messages: LoRA on the sentence encoder, a head for tags and one for kinds of message.

The loss is the sum of both cross entropies. One template in ten is held out, by its wording, and the best epoch on it
is kept. On two cores an epoch of 15,000 messages takes about five minutes.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from assistant.tagger import BASE, INTENTS, LENGTH, TAGS, Span, decode, network, prompt
from finetune.messages import Example, corpus, templates
from retrieval.catalog import Catalog
from retrieval.glossary import Glossary
from retrieval.models import resolve

_TARGETS = ["query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense"]
_NO_LABEL = -100


@dataclass(frozen=True)
class Recipe:
    """How to tune; `copies` is how often each template is filled in an epoch.

    Layers below `first_layer` stay as they are, which saves a third of the time: what a word is, they know already.
    """

    rank: int = 16
    first_layer: int = 4
    rate: float = 2e-3
    head_rate: float = 1e-2
    batch: int = 32
    epochs: int = 4
    copies: int = 2
    held_out: float = 0.1
    seed: int = 0


@dataclass(frozen=True)
class Quality:
    """How well held-out messages are read: F1 of exact spans, and the share of messages whose kind is right."""

    spans: float
    intents: float


def tune(shops: Sequence[Path], folder: Path, recipe: Recipe | None = None, start: Path | None = None) -> Quality:
    """Tune on the words of `shops` and write adapter and heads into `folder`; returns the quality reached.

    `start` is the folder of an earlier tuning to go on from.
    """
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model
    from safetensors.torch import load_file, save_file
    from tokenizers import Tokenizer

    recipe = recipe or Recipe()
    torch.manual_seed(recipe.seed)
    base = Path(resolve(BASE))
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.enable_truncation(LENGTH)
    words = [(list(Catalog(shop / "catalog.sqlite")), Glossary.open(shop / "glossary.csv")) for shop in shops]
    lines = templates()
    random.Random(recipe.seed).shuffle(lines)
    held = lines[: int(recipe.held_out * len(lines))]
    kept = lines[len(held) :]
    validation = list(corpus(held, words, 1, recipe.seed))

    module = network(base)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=2 * recipe.rank,
        lora_dropout=0.0,
        target_modules=_TARGETS,
        layers_to_transform=list(range(recipe.first_layer, module.bert.config.num_hidden_layers)),
    )
    if start:
        module.bert = PeftModel.from_pretrained(module.bert, str(start), is_trainable=True)
        module.heads.load_state_dict(load_file(start / "heads.safetensors"))
    else:
        module.bert = get_peft_model(module.bert, config)
    adapted = [weight for weight in module.bert.parameters() if weight.requires_grad]
    trained = [*adapted, *module.heads.parameters()]
    optimizer = torch.optim.AdamW(
        [{"params": adapted, "lr": recipe.rate}, {"params": module.heads.parameters(), "lr": recipe.head_rate}]
    )
    total = recipe.epochs * math.ceil(len(list(corpus(kept, words, recipe.copies, 0))) / recipe.batch)
    rates = [recipe.rate, recipe.head_rate]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=total + recipe.epochs, pct_start=0.1)
    best = Quality(-1.0, -1.0)
    # The folder that the base came from is this machine's; its name is enough.
    module.bert.peft_config["default"].base_model_name_or_path = BASE
    for epoch in range(recipe.epochs):
        module.train()
        examples = list(corpus(kept, words, recipe.copies, recipe.seed + epoch))
        batches = _batches(examples, recipe.batch, random.Random(epoch))
        bar = tqdm(batches, f"epoch {epoch + 1}/{recipe.epochs}")
        for batch in bar:
            loss = _loss(module, tokenizer, batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            bar.set_postfix(loss=f"{loss.item():.3f}")
        quality = measure(module, tokenizer, validation)
        tqdm.write(f"epoch {epoch + 1}: spans F1 {quality.spans:.3f}, kinds right {quality.intents:.3f}")
        if quality.spans + quality.intents > best.spans + best.intents:
            best = quality
            module.bert.save_pretrained(folder)
            (folder / "README.md").unlink(missing_ok=True)  # an empty form; the card is written by hand
            save_file(module.heads.state_dict(), folder / "heads.safetensors")
    return best


def _loss(module: Any, tokenizer: Any, batch: Sequence[Example]) -> Any:
    import torch

    encodings = [tokenizer.encode(prompt(each.text, each.shown)) for each in batch]
    longest = max(len(each.ids) for each in encodings)
    tokens = np.ones((len(batch), longest), np.int64)
    mask, tags = np.zeros_like(tokens), np.full_like(tokens, _NO_LABEL)
    for row, (example, encoding) in enumerate(zip(batch, encodings, strict=True)):
        tokens[row, : len(encoding.ids)] = encoding.ids
        mask[row, : len(encoding.ids)] = 1
        tags[row, : len(encoding.ids)] = _tags(example, encoding)
    kinds = [INTENTS.index(each.intent) if each.intent else _NO_LABEL for each in batch]
    scores, likely = module(torch.from_numpy(tokens), torch.from_numpy(mask))
    entropy = torch.nn.functional.cross_entropy
    loss = entropy(scores.flatten(0, 1), torch.from_numpy(tags).flatten(), ignore_index=_NO_LABEL)
    if any(kind != _NO_LABEL for kind in kinds):
        loss = loss + entropy(likely, torch.tensor(kinds), ignore_index=_NO_LABEL)
    return loss


def _tags(example: Example, encoding: Any) -> list[int]:
    """The tag of each token; those of the leading word and of nothing have none to learn."""
    said = prompt(example.text, example.shown)
    begin = len(said) - len(example.text)
    tags = []
    open_span: Span | None = None
    for _, end in encoding.offsets:
        if end <= begin:
            tags.append(_NO_LABEL)
            continue
        # A token may begin with the space before its word: what counts is its last letter.
        place = end - begin - 1
        span = next((each for each in example.spans if each.start <= place < each.end), None)
        tags.append(0 if span is None else TAGS.index(f"{'I' if span is open_span else 'B'}-{span.label}"))
        open_span = span
    return tags


def measure(module: Any, tokenizer: Any, examples: Sequence[Example]) -> Quality:
    """How well a module reads `examples`."""
    import torch

    module.eval()
    hit = wrong = missed = right = kinds = 0
    for example in examples:
        said = prompt(example.text, example.shown)
        encoding = tokenizer.encode(said)
        tokens = torch.tensor([encoding.ids])
        with torch.inference_mode():
            scores, likely = module(tokens, torch.ones_like(tokens))
        found = set(decode(scores[0].numpy(), encoding.offsets, example.text, len(said) - len(example.text)))
        true = set(example.spans)
        hit, wrong, missed = hit + len(found & true), wrong + len(found - true), missed + len(true - found)
        if example.intent:
            kinds += 1
            right += INTENTS[int(likely[0].argmax())] is example.intent
    return Quality(2 * hit / max(1, 2 * hit + wrong + missed), right / max(1, kinds))


def _batches(examples: list[Example], size: int, chance: random.Random) -> list[list[Example]]:
    """Batches of messages of about one length, in random order."""
    order = sorted(examples, key=lambda each: len(each.text) + chance.random() * 8)
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    chance.shuffle(batches)
    return batches


if __name__ == "__main__":
    import sys

    done = tune([Path(each) for each in sys.argv[2:]], Path(sys.argv[1]))
    print(json.dumps(vars(done)))
