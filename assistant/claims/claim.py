"""What a sentence claims, and whether the data bears it out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ClaimKind(StrEnum):
    """What a claim is about."""

    PRICE = "price"
    STOCK = "stock"
    RATING = "rating"
    ATTRIBUTE = "attribute"
    NAME = "name"
    COUNT = "count"
    SUPERLATIVE = "superlative"
    COMPARISON = "comparison"
    POLICY = "policy"
    NUMBER = "number"


@dataclass(frozen=True)
class Claim:
    """One claim of a sentence: the words that make it, the product it is said of, and whether the data bears it out.

    `why` says what the data was asked.
    """

    kind: ClaimKind
    text: str
    product_id: str | None
    supported: bool
    why: str
