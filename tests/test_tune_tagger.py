"""What a message teaches, token by token."""

from __future__ import annotations

import random
from dataclasses import dataclass

from assistant.intent import Intent
from assistant.tagger import TAGS, Span, prompt
from finetune.messages import Example
from finetune.tagger import _batches, _tags


@dataclass(frozen=True)
class Encoding:
    offsets: list[tuple[int, int]]


def test_tokens_learn_the_span_that_they_end_in() -> None:
    example = Example("blue trail shoes", True, Intent.FIND, (Span("want", 0, 4), Span("item", 5, 16)))
    begin = len(prompt("", True))
    # The mark of the beginning, "shown:", then tokens that begin with the space before their word.
    places = [(0, 0), (0, 6), (begin - 1, begin + 4), (begin + 4, begin + 10), (begin + 10, begin + 16), (0, 0)]
    assert _tags(example, Encoding(places)) == [
        -100,
        -100,
        TAGS.index("B-want"),
        TAGS.index("B-item"),
        TAGS.index("I-item"),
        -100,
    ]


def test_batches_hold_every_message_once() -> None:
    examples = [Example("x" * length, False, Intent.FIND, ()) for length in range(1, 30)]
    batches = _batches(list(examples), 8, random.Random(0))
    assert sorted((each for batch in batches for each in batch), key=lambda each: len(each.text)) == examples
    assert max(max(len(each.text) for each in batch) - min(len(each.text) for each in batch) for batch in batches) <= 16
