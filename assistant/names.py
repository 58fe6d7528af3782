"""What a product is called in a sentence: its title without the words that only say what it is.

"Hollinmere Nimbus Gate women's rain jacket" is the Hollinmere Nimbus Gate to whoever has just asked for rain jackets.
That can be told where a title begins with its brand, writes the name with capitals, and the rest without. Any other
title is left whole: "Classic Brown Leather Oxfords" would be left without its noun.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from assistant.vocabulary import stems
from retrieval.catalog import Product

_SHARED = 3  # titles of a kind that have a word, from which it is no name, whatever its capital
_LEAST = 2  # words that a name keeps: a brand alone names many things
_UNIT = 3  # letters of a unit of measure, at most


def names(products: Iterable[Product]) -> dict[str, str]:
    """id -> the name of each product of a shop; no two products of different titles share one."""
    listed = [(product.id, product.title, product.brand, product.kind) for product in products]
    shared: dict[str, Counter[str]] = defaultdict(Counter)
    for _, title, _, kind in listed:
        shared[kind].update(set(stems(title)))
    short = {
        each: _short(title, shared[kind]) if brand and title.startswith(brand) else title
        for each, title, brand, kind in listed
    }
    meant: dict[str, set[str]] = defaultdict(set)
    for each, title, _, _ in listed:
        meant[short[each].casefold()].add(title)
        meant[title.casefold()].add(title)
    return {each: short[each] if len(meant[short[each].casefold()]) == 1 else title for each, title, _, _ in listed}


def _short(title: str, shared: Mapping[str, int]) -> str:
    """The name that the title begins with, or the title where none can be told."""
    words = title.split()
    described = False
    while len(words) > _LEAST:
        word, before = words[-1], words[-2]
        measure = re.search(r"\d", word) or (re.search(r"\d", before) and len(word) <= _UNIT)  # "1.6 L"
        if not (word[0].islower() or measure or all(shared[each] >= _SHARED for each in stems(word))):
            break
        described = described or word[0].islower()
        words.pop()
    return " ".join(words).rstrip(",;:-–(") if described and words[-1][0].isupper() else title
