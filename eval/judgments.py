"""Queries whose answers are known: written down by people, or put together from a shop's own catalogue.

Either way the answers follow from what the catalogue says of its products, never from what a search returns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from eval.suite import Record, Unmeasured
from eval.truth import Where, check, fits
from retrieval.catalog import Product
from retrieval.errors import MerchantError
from retrieval.facets import Facets, readings
from retrieval.filters import Filters
from retrieval.glossary import Glossary

BEST = 3  # exactly what was asked for; 2 is the right kind with a wish missed, 1 is near
_MADE = 200  # queries made from a catalogue
_WISHES = 2  # values at most that such a query asks for, beside the kind
_COMMON = 0.5  # a value that a larger share of its kind has says too little to be asked for
_REFUSED = {"no", "none"}


@dataclass(frozen=True)
class Judgment:
    """One query and what answers it.

    Attributes:
        filters: hard conditions, as of `shopwright search`.
        grades: id of each product that answers it, and meets the filters -> how well, from 1 to `BEST`; empty where
            it asks for what the shop does not carry.
    """

    id: str
    language: str
    query: str
    filters: Mapping[str, Any]
    grades: Mapping[str, int]

    @property
    def best(self) -> frozenset[str]:
        """The products of the highest grade there is."""
        return frozenset(each for each, grade in self.grades.items() if grade == max(self.grades.values()))


class Rule(NamedTuple):
    """Products that meet `where` have the grade `grade`."""

    grade: int
    where: Where


class Labels:
    """Which products answer a query, by the catalogue's own record of them."""

    def __init__(self, products: Mapping[str, Product], facets: Facets) -> None:
        self.products = products
        self.facets = facets
        self._of_kind: dict[str, list[Product]] = {}
        for product in products.values():
            self._of_kind.setdefault(product.kind.casefold(), []).append(product)

    def of_kind(self, kind: str) -> Sequence[Product]:
        """The products of a kind, whatever its case."""
        return self._of_kind.get(kind.casefold(), ())

    def grades(self, rules: Sequence[Rule], filters: Where) -> dict[str, int]:
        """Product id -> grade, by the first rule that fits one of the variants that meet the filters."""
        # A filter takes "in stock" at its word, where a condition asks whether it can be ordered.
        in_stock = {"availability": "in_stock"} if "in_stock" in filters else {}
        wanted = {name: value for name, value in filters.items() if name != "in_stock"} | in_stock
        grades: dict[str, int] = {}
        for grade, where in rules:
            for product in self._among(where):
                if product.id not in grades and fits(product, where, self.facets, self._meeting(product, wanted)):
                    grades[product.id] = grade
        return grades

    def _among(self, where: Where) -> Iterable[Product]:
        """The products that can meet `where` at all: most conditions name a kind."""
        match where.get("kind"):
            case str(kind):
                return self.of_kind(kind)
            case list(kinds):
                return [product for kind in kinds for product in self.of_kind(str(kind))]
            case _:
                return self.products.values()

    def _meeting(self, product: Product, filters: Where) -> list[str] | None:
        """The ids of the variants that meet the filters; None for all of them."""
        if not filters:
            return None
        return [each.id for each in product.variants if fits(product, filters, self.facets, [each.id])]


def judgment(labels: Labels, record: Record) -> Judgment:
    """The judgment of one line of judgments.jsonl, or of judgments.LANGUAGE.jsonl.

    A line has `id`, `language`, `query`, perhaps `filters`, and one of `grades`, {product id: grade}; `relevant`, a
    list of {grade, where} of which the first that fits a product is its grade; and `absent: true`, where it asks for
    what the shop does not carry.

    Raises:
        MerchantError: an unknown product, field or value, a grade there is not, or nothing that answers the query.
    """
    name, language, query = (record.take(field, str) for field in ("id", "language", "query"))
    filters, graded = record.take("filters", dict, {}), record.take("grades", dict, {})
    relevant, absent = record.take("relevant", list, []), record.take("absent", bool, False)
    if not query.strip():
        raise MerchantError(f"{record.place}: the query is empty; write what a shopper would")
    if (bool(graded), bool(relevant), absent).count(True) != 1:
        raise MerchantError(f"{record.place}: write one of grades, relevant or absent, and something in it")
    Filters.parse(filters, labels.facets)
    rules = [Rule(_grade(grade, record.place), {"id": [each]}) for each, grade in graded.items()]
    rules += [_rule(each, f"{record.place}, rule {number}") for number, each in enumerate(relevant, 1)]
    for rule in rules:
        check(rule.where, labels.facets, labels.products)
    grades = labels.grades(rules, filters)
    if barred := sorted(graded.keys() - grades.keys()):
        raise MerchantError(f"{record.place}: {barred[0]!r} does not meet the filters; leave it out, or mend them")
    if not grades and not absent:
        raise MerchantError(f"{record.place}: nothing in the catalogue is relevant; mend the rules or leave it out")
    return Judgment(name, language, query, filters, grades)


def _rule(value: Any, place: str) -> Rule:
    if not isinstance(value, dict):
        raise MerchantError(f"{place} is {value!r}; write an object with grade and where")
    record = Record(place, value)
    rule = Rule(_grade(record.take("grade", int), place), record.take("where", dict))
    record.done()
    if not rule.where:
        raise MerchantError(f"{place}: where is empty and takes every product; name a condition")
    return rule


def _grade(value: Any, place: str) -> int:
    if isinstance(value, bool) or value not in range(1, BEST + 1):
        raise MerchantError(f"{place}: a grade is {value!r}; it is from 1, near, to {BEST}, exactly what was asked for")
    return int(value)


def made(labels: Labels, glossary: Glossary, seed: int) -> list[Judgment]:
    """Queries put together from the words for some products' kinds, brands and attributes.

    What answers one are the products that have all these values and, after them, the others of the kind. The words are
    the catalogue's own, language "", or the glossary's in one of its languages; no shopper wrote them.

    Raises:
        Unmeasured: no product has a kind, a brand or an attribute.
    """
    asked = _Asked(labels, glossary, np.random.default_rng(seed))
    products = list(labels.products.values())
    judgments: dict[str, Judgment] = {}
    for place in asked.random.permutation(len(products)):
        if each := asked.of(products[place]):
            judgments.setdefault(each.query.casefold(), each)
        if len(judgments) == _MADE:
            break
    if not judgments:
        raise Unmeasured("no query can be made from the catalogue: no product has a kind, a brand or an attribute")
    return list(judgments.values())


class _Asked:
    """Puts queries together from the words for what a product is."""

    def __init__(self, labels: Labels, glossary: Glossary, random: np.random.Generator) -> None:
        self._labels = labels
        self._glossary = glossary
        self.random = random
        self._called: dict[tuple[str, str, str], list[str]] = {}
        for row in glossary.values():
            self._called.setdefault((row.language, row.field, row.label.casefold()), []).append(row.value)
        self._having = Counter(
            (product.kind, *value) for product in labels.products.values() for value in self._values(product)
        )

    def of(self, product: Product) -> Judgment | None:
        """A query that the product answers, in one of the languages there are words for; None where it has no words."""
        kind = product.kind
        languages = ["", *sorted({language for language, _ in self._glossary.labels("kind", kind)})]
        language = languages[self.random.integers(len(languages))]
        most = max(1, _COMMON * len(self._labels.of_kind(kind)))
        values = self._values(product)
        wishes: dict[str, tuple[str, list[str]]] = {}  # field -> a word, and the values that it can mean
        for at in self.random.permutation(len(values)):
            field, value = values[at]
            word = self._word(field, value, language)
            if word and self._having[kind, field, value] <= most:
                wishes.setdefault(field, (word, self._meant(field, value, word, language)))
        chosen = dict(list(wishes.items())[: self.random.integers(1, _WISHES + 1)])
        thing = self._word("kind", kind, language)
        query = " ".join(filter(None, [*(word for word, _ in chosen.values()), thing]))
        if not query:
            return None
        like = {"kind": self._meant("kind", kind, thing, language)} if kind else {}
        wanted = like | {field: values for field, (_, values) in chosen.items()}
        rules = [Rule(BEST, wanted), *([Rule(1, like)] if like else [])]
        name = f"{product.id}, {language}" if language else product.id
        return Judgment(name, language, query, {}, self._labels.grades(rules, {}))

    def _values(self, product: Product) -> list[tuple[str, str]]:
        """What a shopper could ask of a product in words: (field, value), amounts and refusals left out."""
        found = [*readings(product), *product.options.items()]
        values = (
            (field, value)
            for field, values in found
            for value in values
            if field not in ("department", "kind") and value.casefold() not in _REFUSED
            if not any(letter.isdigit() for letter in value)
        )
        return list(dict.fromkeys(values))

    def _word(self, field: str, value: str, language: str) -> str:
        """What a value is called: a field that is just there goes by its own name. "" where there is no word."""
        if value.casefold() == "yes":
            field, value = "field", field
        if not language:
            return value
        called = [label for spoken, label in self._glossary.labels(field, value) if spoken == language]
        return called[self.random.integers(len(called))] if called else ""

    def _meant(self, field: str, value: str, word: str, language: str) -> list[str]:
        """The values that a word can mean: the one it was taken from, and others of the field that go by it."""
        return sorted({value, *self._called.get((language, field, word.casefold()), ())})
