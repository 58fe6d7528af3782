"""Whether a product answers a query at all.

Cosines of a sentence encoder lie in a narrow band that shifts with language and wording, so no fixed number tells
"carried" from "not carried". A similarity is therefore taken in standard deviations from the mean over the
catalogue, for this query; the share of the query's rare words a product has counts beside it. What both must reach
is learnt from the shop itself by simulated absence: for kinds it sells, the products of the kind should pass, and
those outside its department, as if the shop did not carry the kind, should not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

# Weights of (similarity, words, one) where a shop is too small to learn its own.
_PRIOR = np.array([1.6, 3.0, -5.0])
_STRENGTH = 4.0  # how many observations the prior weighs as


@dataclass(frozen=True)
class Relevance:
    """Logistic weights, and the moments of the catalogue's vectors that similarities are standardised by."""

    weights: NDArray[np.float64]  # (3,)
    mean: NDArray[np.float32]  # (dimensions,)
    covariance: NDArray[np.float32]  # (dimensions, dimensions)

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> Self:
        """With prior weights and the moments of `vectors`: (products, dimensions)."""
        mean = vectors.mean(axis=0)
        centred = vectors - mean
        return cls(_PRIOR, mean, (centred.T @ centred / len(vectors)).astype(np.float32))

    def standardised(self, similarities: NDArray[np.float32], vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines with the query `vector`, in standard deviations from their mean over the catalogue."""
        spread = float(np.sqrt(max(float(vector @ self.covariance @ vector), 1e-12)))
        return (similarities - float(vector @ self.mean)) / np.float32(spread)

    def confidence(self, standardised: NDArray[np.float32], shares: NDArray[np.float32]) -> NDArray[np.float64]:
        """How sure it is that each product answers the query, 0 to 1; from one half upwards it does."""
        logit = self.weights[0] * standardised + self.weights[1] * shares + self.weights[2]
        return np.asarray(1 / (1 + np.exp(-np.clip(logit, -30, 30))), np.float64)
