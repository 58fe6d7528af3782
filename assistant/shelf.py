"""The shelf a topic looks at: what fits, what nearly fits and for which reason not, in the order asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from assistant.dialogue import Constraint, Topic
from assistant.recipient import Suitability
from assistant.vocabulary import Vocabulary
from retrieval.catalog import Availability, Product, Variant
from retrieval.filters import Condition, Filters
from retrieval.search import Query, Search

ORDERABLE = Condition("availability", any_of=frozenset(a.value for a in Availability if a.orderable))
_DEPTH = 200
# What a shopper gives up first when nothing fits: the later in this list, the more it matters to them.
_GIVEN_UP = ("rating", "availability", "brand", "price", "color", "size")


@dataclass(frozen=True)
class Found:
    """What the shelf holds for a topic.

    Attributes:
        ids: the best products, best first.
        fitting: ids of all products that meet the limits.
        variants: product id -> the variants that meet them together.
        exact: True where a word of the catalogue, and not mere likeness, says what counts as the thing asked for.
        failed: the constraint that had to be given up for anything to be found, or None.
        sold_out: True where what fits cannot be ordered now.
    """

    ids: tuple[str, ...]
    fitting: tuple[str, ...]
    variants: dict[str, frozenset[str]]
    exact: bool
    failed: Constraint | None = None
    sold_out: bool = False


class Shelf:
    """The products of a shop, as a dialogue asks for them."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.facets = search.facets
        products = list(search.catalog)
        self.vocabulary = Vocabulary(products, search.facets, search.glossary)
        self.suitability = Suitability(products, search.facets)
        # One topic is looked for several times in a turn, and again in the next.
        self.vector = lru_cache(1024)(lambda text: search.encoder.queries([text])[0])
        self._kind_rows = [row for row, (field, _) in enumerate(search.values) if field == "kind"]

    def product(self, product_id: str) -> Product:
        """The product with this id."""
        return self.search.products[product_id]

    def has(self, product_id: str) -> bool:
        """True where the product is still in the catalogue."""
        return product_id in self.search.products

    def variant(self, product: Product, found: Found | None = None) -> Variant:
        """The variant a card shows: the cheapest orderable one of those that fit."""
        if found and product.id in found.variants:
            fitting = [variant for variant in product.variants if variant.id in found.variants[product.id]]
            orderable = [variant for variant in fitting if variant.availability.orderable]
            if orderable or fitting:
                return min(orderable or fitting, key=lambda variant: variant.price.amount)
        return product.offer

    def find(self, topic: Topic, without: Iterable[str] = ()) -> Found:
        """What fits the topic; where nothing does, what fits all but one of its constraints."""
        found = self._find(topic, without)
        if found.fitting:
            return found
        unsold = self._find(topic, without, orderable=False)
        if unsold.fitting:
            return replace(unsold, sold_out=True)
        order = sorted(
            topic.constraints,
            key=lambda c: (
                not c.relative,
                _GIVEN_UP.index(c.condition.field) if c.condition.field in _GIVEN_UP else 2.5,
            ),
        )
        for constraint in order:
            fewer = tuple(each for each in topic.constraints if each is not constraint)
            nearly = self._find(replace(topic, constraints=fewer), without, nearest=constraint.condition)
            if nearly.fitting:
                return replace(nearly, failed=constraint)
        return found

    def _find(
        self, topic: Topic, without: Iterable[str], *, orderable: bool = True, nearest: Condition | None = None
    ) -> Found:
        conditions = list(topic.filters().conditions)
        if topic.recipient:
            fits = self.suitability.condition(topic.recipient, topic.scope is None)
            conditions += [fits] if fits else []
        conditions += [ORDERABLE] if orderable else []
        excluded = frozenset(without)
        if excluded:
            conditions.append(Condition("id", none_of=excluded))
        filters = Filters(tuple(conditions))
        if any(self._unheard_of(condition) for condition in conditions):
            return Found((), (), {}, exact=True)
        fitting = self.search.fitting(filters)
        exact = topic.scope is not None or not topic.item
        query = Query(topic.text, filters, _DEPTH, floor=topic.scope is None and bool(topic.item))
        results = self.search.search(query, self.vector(topic.text) if topic.text else None)
        ranked = [hit.product_id for hit in results.hits]
        if not exact:
            fitting = ranked
        variants = {hit.product_id: frozenset(hit.variant_ids) for hit in results.hits}
        ids = [*ranked, *(each for each in fitting if each not in variants)] if exact else ranked
        ids = self._ordered(ids, topic, nearest, variants)
        return Found(tuple(ids), tuple(fitting), variants, exact)

    def _unheard_of(self, condition: Condition) -> bool:
        """True where a condition asks for a value that no product of the shop has."""
        if not condition.any_of or condition.field == "id":
            return False
        known = {value.casefold() for value in self.facets.fields[condition.field].values}
        return not any(value.casefold() in known for value in condition.any_of)

    def _ordered(
        self, ids: Sequence[str], topic: Topic, nearest: Condition | None, variants: dict[str, frozenset[str]]
    ) -> list[str]:
        if nearest and (nearest.minimum is not None or nearest.maximum is not None):
            limit = nearest.maximum if nearest.maximum is not None else nearest.minimum or 0.0
            return sorted(ids, key=lambda each: abs(self.measure(each, nearest.field, variants, limit) - limit))
        if topic.order:
            missing = float("inf") if topic.order.ascending else float("-inf")
            order = topic.order.field
            return sorted(
                ids, key=lambda each: self.measure(each, order, variants, missing), reverse=not topic.order.ascending
            )
        return list(ids)

    def measure(
        self, product_id: str, field: str, variants: dict[str, frozenset[str]] | None = None, missing: float = 0.0
    ) -> float:
        """A product's number in a field: price in minor units (of its cheapest fitting variant), rating, or measure."""
        product = self.product(product_id)
        if field == "price":
            fitting = (variants or {}).get(product_id)
            prices = [v.price.amount for v in product.variants if not fitting or v.id in fitting]
            return min(prices or [product.offer.price.amount])
        if field == "rating":
            return product.rating.value if product.rating else missing
        values = product.attributes.get(field) or product.options.get(field) or ()
        measured = self.facets.measure(field, values[0]) if values else None
        return missing if measured is None else measured

    def near_kinds(self, text: str, k: int = 3) -> list[tuple[str, float]]:
        """The kinds of the shop nearest in meaning to some words, with their cosines, nearest first."""
        if not self._kind_rows:
            return []
        similarity = self.search.value_vectors[self._kind_rows] @ self.vector(text)
        best: dict[str, float] = {}
        for row in np.argsort(-similarity):
            best.setdefault(self.search.values[self._kind_rows[row]][1], float(similarity[row]))
        return list(best.items())[:k]
