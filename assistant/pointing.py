"""Which earlier products a message points at: by place, by name, by what sets one apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress

from assistant.lexicon import Lexicon
from assistant.reading import Reading
from assistant.vocabulary import Vocabulary
from retrieval.catalog import Product


class Pointing:
    """Reads the references of a message.

    Args:
        vocabulary: the shop's words.
        product: id -> product; raises KeyError for one that the shop no longer has.
    """

    def __init__(self, vocabulary: Vocabulary, product: Callable[[str], Product]) -> None:
        self._vocabulary = vocabulary
        self._product = product

    def read(self, reading: Reading) -> None:
        """Note the products meant, and whether one is meant that there is not."""
        state, words = reading.state, reading.words
        if reading.tagged:
            self._pointed(reading)
            return
        first = words.table("first").search(reading.rest) if state.slate else None
        if first:
            for number in range(1, words.tables["first"][first[0]] + 1):
                reading.point(number)
            reading.take(first.span())
        ordinals = words.tables["ordinal"]
        for match in words.table("ordinal").finditer(reading.rest):
            number = ordinals[match[0]]
            after = reading.rest[match.end() : match.end() + 12]
            if re.match(r"\s*(?:time|thing of all|place|aid)", after):
                continue
            if not state.slate:
                if re.match(r"\s*(?:ones?\b|[个款双件条只台])", after):
                    reading.missing = True
                    reading.take(match.span())
                continue
            reading.point(number)
            reading.take(match.span())
        if not state.slate:
            return
        if words.cue("compare").search(reading.rest) or re.search(r"#\d|\bnumbers?\s+\d|\bno\.?\s*\d", reading.rest):
            for match in re.finditer(
                r"(?<![\d.$€£¥])(?:#|numbers?\s+|no\.?\s*)?([1-9])(?![\d.]|\s*(?:%|stars?|星))", reading.rest
            ):
                reading.point(int(match[1]))
                reading.take(match.span())
        if words.cue("it").search(reading.rest) and not words.cue("compare").search(reading.said):
            return  # "is it waterproof" names nothing new, whatever titles have the word
        shown = list(dict.fromkeys([*state.slate, *state.focus, *(s for t in state.topics for s in reversed(t.shown))]))
        for product_id in self._vocabulary.named(reading.rest, self.known(shown)):
            reading.refer(product_id)
        left = [product.id for product in self.known(reading.references)]
        reading.missing = reading.missing or len(left) < len(reading.references)
        reading.references = left

    def _pointed(self, reading: Reading) -> None:
        """The products that marked words point at: by place, by name, or by a value that one of those shown has."""
        state, words = reading.state, reading.words
        shown = list(dict.fromkeys([*state.slate, *state.focus, *(s for t in state.topics for s in reversed(t.shown))]))
        for span, said in reading.marked("product"):
            reading.take(span.place)
            before = len(reading.references)
            first = words.table("first").search(said)
            for number in range(1, words.tables["first"][first[0]] + 1 if first else 0):
                reading.point(number)
            ordinals = [words.tables["ordinal"][match[0]] for match in words.table("ordinal").finditer(said)]
            numbers = [int(digit) for digit in re.findall(r"(?<![\d.])[1-9](?![\d.])", said)]
            for number in () if first else ordinals or numbers:
                if state.slate:
                    reading.point(number)
                else:
                    reading.missing = True
            if len(reading.references) > before or first or ordinals or numbers:
                continue
            if not reading.unknown(words.cue("it").sub(" ", said)):
                continue  # "it", "that one": what is in focus
            by_price = self._by_price(said, state.slate, words)
            named = by_price or self._vocabulary.named(said, self.known(shown), words.stop)
            for product_id in named or self._vocabulary.called(said, self.known, words.stop):
                reading.refer(product_id)
            if len(reading.references) == before:
                for product_id in self._having(said, state.slate, words):
                    reading.refer(product_id)
        if not reading.references:
            for _, said in reading.marked("ask", "want", "item"):  # "and the Respite?"
                for product_id in self._vocabulary.named(said, self.known(shown), words.stop):
                    reading.refer(product_id)
        left = [product.id for product in self.known(reading.references)]
        reading.missing = reading.missing or len(left) < len(reading.references)
        reading.references = left

    def _by_price(self, said: str, among: Iterable[str], words: Lexicon) -> list[str]:
        """The product of `among` that its price picks out: "the cheaper one"."""
        priced = sorted(self.known(among), key=lambda product: product.offer.price.amount)
        for cues, place in ((("cheaper", "cheapest"), 0), (("pricier", "dearest"), -1)):
            if priced and any(words.cue(cue).search(said) for cue in cues):
                return [priced[place].id]
        return []

    def _having(self, said: str, among: Iterable[str], words: Lexicon) -> list[str]:
        """The one product of `among` that has a value named: "the green one"; none where several have it."""
        left = self.known(among)
        for match in self._vocabulary.values(said, words):
            wanted = {value.casefold() for value in match.values}
            left = [
                product
                for product in left
                if wanted
                & {
                    v.casefold()
                    for v in (*product.options.get(match.field, ()), *product.attributes.get(match.field, ()))
                }
            ]
            if len(left) == 1:
                return [left[0].id]
        return []

    def known(self, ids: Iterable[str]) -> list[Product]:
        """The products that the shop still has: what a session saw can have left the catalogue since."""
        found = []
        for each in ids:
            with suppress(KeyError):
                found.append(self._product(each))
        return found
