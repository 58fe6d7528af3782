"""What kind of message it is, by the encoder's likeness to worked examples in several languages."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from assistant.vocabulary import normalize
from retrieval.encoder import Encoder

# Shares of the shopping examples that must not be taken for anything else, by which the margins are set.
_SURE = (0.8, 0.95, 0.98)


class Intent(StrEnum):
    """What a message asks of the assistant."""

    FIND = "find"
    REFINE = "refine"
    MORE = "more"
    SIMILAR = "similar"
    BACK = "back"
    QUESTION = "question"
    COMPARE = "compare"
    POLICY = "policy"
    ORDER = "order"
    PERSON = "person"
    BUY = "buy"
    GREETING = "greeting"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    ABILITIES = "abilities"
    OFF_TOPIC = "off_topic"
    NO_POWER = "no_power"
    NOTHING = "nothing"


class Examples:
    """Worked examples of each kind of message, and how near a message must be to them.

    Attributes:
        shopping: vectors of messages that ask for products, (examples, dimensions).
        service, talk, certain: by how much a kind must be nearer than shopping, for a request of the shop's service,
            for small talk, and for either in a message that sounds like shopping.
    """

    def __init__(self, encoder: Encoder) -> None:
        examples = tomllib.loads(resources.files("assistant").joinpath("intents.toml").read_text("utf-8"))
        self._encoder = encoder
        self._kinds = np.array([name for name, said in examples.items() for _ in said])
        self._vectors = encoder.queries([normalize(text) for said in examples.values() for text in said])
        self.shopping = self._vectors[self._kinds == "shopping"]
        self.service, self.talk, self.certain = self._margins()

    def nearest(self, said: str) -> tuple[Intent | None, float]:
        """The nearest kind of message that is not shopping, and by how much it is nearer than shopping."""
        scores = self._scores(self._vectors @ self._encoder.queries([said])[0])
        shopping = scores.pop("shopping")
        best = max(scores, key=lambda name: scores[name])
        return (Intent(best), scores[best] - shopping) if scores[best] > shopping else (None, 0.0)

    def _scores(self, similarity: NDArray[np.float32]) -> dict[str, float]:
        """Kind of message -> mean similarity of its two nearest examples."""
        return {
            str(name): float(np.sort(similarity[self._kinds == name])[-2:].mean()) for name in np.unique(self._kinds)
        }

    def _margins(self) -> NDArray[np.float64]:
        """By how much a kind must be nearer than shopping: what keeps the shares `_SURE` of the shopping examples,
        each held out in turn, from being taken for another kind. So the margins suit any encoder.
        """
        similarity = self._vectors @ self._vectors.T
        np.fill_diagonal(similarity, -1.0)
        nearer = []
        for row in similarity[self._kinds == "shopping"]:
            scores = self._scores(row)
            shopping = scores.pop("shopping")
            nearer.append(max(scores.values()) - shopping)
        return np.maximum(np.quantile(nearer, _SURE), 0.0)
