"""Traces every claim of a reply to the evidence of its turn, sentence by sentence, so that streaming stays.

A `Grounder` knows the shop's words; `Grounder.begin` opens the check of one reply, which remembers what "it" and
"both" mean from one sentence to the next. A fact belongs to its product: it is checked against the product it is said
of, never against the evidence as a whole. What cannot be traced is not supported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assistant.claims import attributes, counts, figures, promises, ranks, stock, strangers
from assistant.claims.claim import Claim, ClaimKind
from assistant.claims.context import Context, Titles, Vocabulary
from assistant.claims.prose import normalize, sentences
from assistant.claims.reading import Reading
from assistant.claims.record import Library
from assistant.evidence import Evidence
from retrieval.facets import Facets
from retrieval.glossary import Glossary

__all__ = ["Claim", "ClaimKind", "Evidence", "Grounder", "ReplyCheck", "Verdict", "sentences"]

_ITEM = re.compile(r"^\s*(?:\d{1,2}[.)]|[-•])\s+")  # the mark of a list, no part of the sentence


@dataclass(frozen=True)
class Verdict:
    """A sentence may leave when it is `grounded`: all its claims are supported."""

    sentence: str
    grounded: bool
    claims: tuple[Claim, ...]


class Grounder:
    """Knows the words of a shop: its fields, values, their labels and, where given, the names of all its products.

    Args:
        facets: the shop's fields and values.
        glossary: their labels in other languages.
        titles: product id -> what it is called, for the whole catalogue, so that a product outside the evidence is
            known as one.
    """

    def __init__(self, facets: Facets, glossary: Glossary, titles: Mapping[str, Iterable[str]] | None = None) -> None:
        self._library = Library(facets)
        self._glossary = glossary
        self._titles = Titles(titles or {})
        self._vocabularies: dict[str, Vocabulary] = {}

    def begin(self, evidence: Evidence, language: str, context: Iterable[str] = ()) -> ReplyCheck:
        """Open the check of one reply; `context` are the ids of products last spoken of, the latest last."""
        if language not in self._vocabularies:
            self._vocabularies[language] = Vocabulary(self._library.facets, self._glossary, self._titles, language)
        return ReplyCheck(Context(evidence, self._library, self._vocabularies[language], language, context))

    def check(self, sentence: str, evidence: Evidence, language: str, context: Iterable[str] = ()) -> Verdict:
        """Check a sentence that stands alone."""
        return self.begin(evidence, language, context).check(sentence)


class ReplyCheck:
    """The check of one reply, sentence after sentence; made by `Grounder.begin`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def check(self, sentence: str) -> Verdict:
        """The verdict on the next sentence of the reply."""
        reading = Reading(self._context, _ITEM.sub("", normalize(sentence)).strip())
        ranks.superlatives(reading)
        ranks.only(reading)
        figures.numbers(reading)  # marks the comparatives that carry an amount as read
        ranks.comparatives(reading)
        stock.stock(reading)
        counts.absent(reading)
        counts.carries(reading)
        attributes.attributes(reading)
        attributes.described(reading)
        attributes.every(reading)
        attributes.borrowed(reading)
        attributes.silence(reading)
        promises.promises(reading)
        strangers.codes(reading)
        strangers.strangers(reading)
        stock.offered(reading)  # last: it looks at the superlatives found
        self._context.after(reading.names)
        return Verdict(sentence, all(claim.supported for claim in reading.found), tuple(reading.found))
