"""The shelf a topic looks at: what fits, what nearly fits and for which reason not, in the order asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from assistant.dialogue import Constraint, Topic
from assistant.lexicon import has_han, lexicon
from assistant.names import names
from assistant.recipient import Suitability
from assistant.vocabulary import Vocabulary, stems
from retrieval.catalog import Availability, Product, Variant
from retrieval.filters import Condition, Filters
from retrieval.search import Query, Search

ORDERABLE = Condition("availability", any_of=frozenset(a.value for a in Availability if a.orderable))
_DEPTH = 200
_SHOWABLE = 2000  # products whose variants are looked up: more than any dialogue pages through
_NAMED_ONLY = frozenset({"color", "size", "brand", "occasion"})  # whose values are said, not described
_ASKED = 0.92  # cosine from which words ask after a field, by its name
_MEANT, _APART = 0.89, 0.008  # cosine from which words mean a value, and by how much the next field must be behind
_ALIKE = 0.005  # values of a field whose names are as near as this are meant together
_SAME = 0.95  # cosine from which words and the name of a kind mean the same thing
_WORD = 4  # letters from which a word inside another is no accident
_SHARE = 0.8  # of the nearest products, from which a word means their kind
_FUSION = 10  # a shelf is short: its first places should weigh much more than its last
_AVERAGE, _REVIEWS = 4.0, 20
# What a shopper gives up first when nothing fits: the later in this list, the more it matters to them.
_GIVEN_UP = ("rating", "availability", "brand", "price", "color", "size")


@dataclass(frozen=True)
class Found:
    """What the shelf holds for a topic.

    Attributes:
        ids: the best products, best first.
        fitting: ids of all products that meet the limits.
        prices: product id -> price in minor units of its cheapest variant that meets them, for all that fit.
        variants: product id -> the variants that meet them together, for the products that may be shown.
        exact: True where a word of the catalogue, and not mere likeness, says what counts as the thing asked for.
        failed: the constraints that had to be given up for anything to be found.
        sold_out: True where what fits cannot be ordered now.
        lost_recipient: True where nothing was found for the person asked for.
        full_price: True where nothing that fits is reduced.
        widened: True where the department was searched because the kind asked for has nothing.
    """

    ids: tuple[str, ...]
    fitting: tuple[str, ...]
    prices: Mapping[str, int]
    variants: dict[str, frozenset[str]]
    exact: bool
    failed: tuple[Constraint, ...] = ()
    sold_out: bool = False
    lost_recipient: bool = False
    widened: bool = False
    full_price: bool = False

    @property
    def nearly(self) -> bool:
        """True where this is not what was asked for, but what comes nearest to it."""
        return bool(self.failed) or self.sold_out or self.lost_recipient or self.widened or self.full_price


class Shelf:
    """The products of a shop, as a dialogue asks for them."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.facets = search.facets
        products = list(search.catalog)
        self.vocabulary = Vocabulary(products, search.facets, search.glossary)
        self.suitability = Suitability(products, search.facets)
        self._names = names(products)
        cheaper = (p.id for p in products if p.offer.list_price and p.offer.list_price > p.offer.price)
        self._reduced = Condition("id", any_of=frozenset(cheaper))
        self._departments = {product.kind: product.department for product in products}
        # One topic is looked for several times in a turn, and again in the next.
        self.vector = lru_cache(1024)(lambda text: search.encoder.queries([text])[0])
        self._kind_rows = [row for row, (field, _) in enumerate(search.values) if field == "kind"]

    def product(self, product_id: str) -> Product:
        """The product with this id."""
        return self.search.products[product_id]

    def name(self, product_id: str) -> str:
        """What the product is called in a sentence."""
        return self._names[product_id]

    def has(self, product_id: str) -> bool:
        """True where the product is still in the catalogue."""
        return product_id in self.search.products

    def understands(self, condition: Condition) -> bool:
        """True where the catalogue has the condition's field, and the values that it forbids."""
        if condition.field == "id":
            return True
        field = self.facets.fields.get(condition.field)
        if field is None:
            return False
        known = {value.casefold() for value in field.values}
        return all(value.casefold() in known for value in condition.none_of)

    def variant(self, product: Product, found: Found | None = None) -> Variant:
        """The variant a card shows: the cheapest orderable one of those that fit."""
        if found and product.id in found.variants:
            fitting = [variant for variant in product.variants if variant.id in found.variants[product.id]]
            orderable = [variant for variant in fitting if variant.availability.orderable]
            if orderable or fitting:
                return min(orderable or fitting, key=lambda variant: variant.price.amount)
        return product.offer

    def find(self, topic: Topic) -> Found:
        """What fits the topic; where nothing does, what comes nearest, with what had to be given up for it.

        Given up in this order: stock, one constraint, all constraints, the narrow kind for its department, whom it
        is for.
        """
        found = self._find(topic)
        if found.fitting:
            return found
        unsold = self._find(topic, orderable=False)
        if unsold.fitting:
            return replace(unsold, sold_out=True)
        for fewer, failed in self._fewer(topic):
            nearly = self._find(fewer, nearest=failed[0].condition if len(failed) == 1 else None)
            if nearly.fitting:
                lost = topic.recipient is not None and fewer.recipient is None
                full = topic.reduced and not fewer.reduced
                wide = fewer.scope != topic.scope
                return replace(nearly, failed=failed, lost_recipient=lost, widened=wide, full_price=full)
        return found

    def similar(self, product: Product, k: int = 5) -> Found:
        """Products of the same kind nearest in meaning to one."""
        filters = Filters((ORDERABLE, Condition("kind", any_of=frozenset({product.kind}))))
        ids = tuple(hit.product_id for hit in self.search.similar(product.id, filters, k).hits)
        prices = self.search.prices(filters)
        variants = self.search.variants(filters, ids)
        return Found(ids, ids, {each: prices[each] for each in ids}, variants, exact=False)

    def _fewer(self, topic: Topic) -> Iterator[tuple[Topic, tuple[Constraint, ...]]]:
        """The topic with less and less asked of it, and what is no longer asked."""
        every = topic.constraints
        order = sorted(
            every,
            key=lambda c: (
                not c.relative,
                _GIVEN_UP.index(c.condition.field) if c.condition.field in _GIVEN_UP else 2.5,
            ),
        )
        if topic.reduced:
            yield replace(topic, reduced=False), ()
        for constraint in order:
            yield replace(topic, constraints=tuple(each for each in every if each is not constraint)), (constraint,)
        if len(every) > 1:
            yield replace(topic, constraints=()), every
        if topic.recipient and topic.scope and topic.scope.field == "kind":
            departments = frozenset(self._departments[kind] for kind in topic.scope.any_of if kind in self._departments)
            wide = replace(topic, scope=Condition("department", any_of=departments))
            yield wide, ()
            yield replace(wide, constraints=()), every
        if topic.recipient:
            yield replace(topic, recipient=None), ()

    def _find(self, topic: Topic, *, orderable: bool = True, nearest: Condition | None = None) -> Found:
        young = topic.recipient is not None and topic.recipient.stage in ("child", "baby")
        if young and topic.scope and topic.scope.field == "kind":
            topic = replace(topic, scope=replace(topic.scope, any_of=self._narrower(topic.scope.any_of)))
        conditions = list(topic.filters().conditions)
        if topic.recipient:
            fits = self.suitability.condition(topic.recipient, topic.scope is None)
            conditions += [fits] if fits else []
        conditions += [ORDERABLE] if orderable else []
        conditions += [self._reduced] if topic.reduced else []
        unwanted = frozenset().union(*map(self.search.mentioning, topic.unwanted))
        conditions += [Condition("id", none_of=unwanted)] if unwanted else []
        filters = Filters(tuple(conditions))
        if any(self._unheard_of(condition) for condition in conditions):
            return Found((), (), {}, {}, exact=True)
        prices = self.search.prices(filters)
        exact = topic.scope is not None or not topic.item
        floor = topic.scope is None and bool(topic.item)
        query = Query(topic.text, filters, _DEPTH, floor, thing=topic.item)
        results = self.search.search(query, self.vector(topic.text) if topic.text else None)
        ranked = [hit.product_id for hit in results.hits]
        if not exact:
            prices = {each: prices[each] for each in ranked}
        # A few products are ranked by more than the text; of very many, only the first can be shown.
        ids = self._ordered(ranked, [each for each in prices if each not in set(ranked)], topic, nearest, prices)
        variants = self.search.variants(filters, ids[:_SHOWABLE])
        return Found(tuple(ids), tuple(prices), prices, variants, exact)

    def _narrower(self, kinds: frozenset[str]) -> frozenset[str]:
        """Some kinds, with those that say whom the same thing is for: rain jackets, and kids' rain jackets."""
        people = {word for phrase in lexicon("en").tables["recipient"] for word in stems(phrase)}
        wanted = [frozenset(stems(kind)) for kind in kinds]
        named = {kind: frozenset(stems(kind)) for kind in self._departments}
        return kinds | {kind for kind, words in named.items() for each in wanted if each < words <= each | people}

    def _unheard_of(self, condition: Condition) -> bool:
        """True where a condition asks for a value that no product of the shop has."""
        if not condition.any_of or condition.field == "id":
            return False
        known = {value.casefold() for value in self.facets.fields[condition.field].values}
        return not any(value.casefold() in known for value in condition.any_of)

    def _ordered(
        self,
        ranked: list[str],
        others: list[str],
        topic: Topic,
        nearest: Condition | None,
        prices: Mapping[str, int],
    ) -> list[str]:
        """The ids in the order asked for; what has no value for it comes last."""
        ids = [*ranked, *others]
        if nearest and (nearest.minimum is not None or nearest.maximum is not None):
            limit = nearest.maximum if nearest.maximum is not None else nearest.minimum or 0.0
            return self._by(ids, lambda each: abs(each - limit), nearest.field, prices)
        if topic.order:
            sign = 1 if topic.order.ascending else -1
            return self._by(ids, lambda each: sign * each, topic.order.field, prices)
        return [*self._preferred(ranked), *others] if topic.scope else ids

    def _by(self, ids: list[str], rank: Callable[[float], float], field: str, prices: Mapping[str, int]) -> list[str]:
        measured = {each: self.measure(each, field, prices) for each in ids}
        known = {each: rank(value) for each, value in measured.items() if value is not None}
        return [*sorted(known, key=lambda each: known[each]), *(each for each in ids if each not in known)]

    def _preferred(self, ids: Sequence[str]) -> list[str]:
        """Among what is equally the thing asked for, likeness and rating count the same: fused by reciprocal rank.

        Ratings of few reviews are drawn to the middle, as if each product had some average reviews more.
        """

        def rated(product_id: str) -> float:
            rating = self.product(product_id).rating
            value, count = (rating.value, rating.count) if rating else (0.0, 0)
            return (value * count + _AVERAGE * _REVIEWS) / (count + _REVIEWS)

        ranks = {each: place for place, each in enumerate(sorted(ids, key=rated, reverse=True))}
        fused = {each: 1 / (_FUSION + place) + 1 / (_FUSION + ranks[each]) for place, each in enumerate(ids)}
        return sorted(ids, key=lambda each: -fused[each])

    def measure(self, product_id: str, field: str, prices: Mapping[str, int] | None = None) -> float | None:
        """A product's number in a field, None where the data has none.

        Args:
            product_id: the product.
            field: "price" in minor units, "rating", or a numeric field in its unit.
            prices: what counts as the price, where some of its variants do not fit.
        """
        if field == "price" and prices and product_id in prices:
            return prices[product_id]
        product = self.product(product_id)
        if field == "price":
            return product.offer.price.amount
        if field == "rating":
            return product.rating.value if product.rating else None
        values = product.attributes.get(field) or product.options.get(field) or ()
        return self.facets.measure(field, values[0]) if values else None

    def mention(self, ids: Iterable[str], words: str) -> bool:
        """True where one of the products has one of the words anywhere in its data."""
        wanted = set(stems(words)) or {words}
        texts = (self.product(each).to_json().casefold() for each in ids)
        return any(word in text for text in texts for word in wanted)

    def meant(self, text: str, scope: Condition) -> tuple[str, frozenset[str]] | None:
        """The field and values that some words mean for products of `scope`, by likeness to the values' names.

        "keeps the water warm" means keep warm: yes, for kettles. None where nothing is near, or two fields are.
        """
        fields = self.vocabulary.stated(scope) - _NAMED_ONLY - self.suitability.fields
        rows = [row for row, (field, _) in enumerate(self.search.values) if field in fields]
        if not rows:
            return None
        similarity = self.search.value_vectors[rows] @ self.vector(text)
        best = int(np.argmax(similarity))
        field = self.search.values[rows[best]][0]
        others = [
            float(each) for row, each in zip(rows, similarity, strict=True) if self.search.values[row][0] != field
        ]
        if similarity[best] < _MEANT or similarity[best] - max(others, default=0.0) < _APART:
            return None
        alike = np.flatnonzero(similarity >= similarity[best] - _ALIKE)
        return field, frozenset(
            value for place in alike for name, value in [self.search.values[rows[place]]] if name == field
        )

    def asked(self, text: str, scope: Condition) -> str | None:
        """The field of products of `scope` that words ask after, by likeness to its name: "how wide" is width."""
        named = [(float(self.vector(text) @ self.vector(name)), name) for name in sorted(self.vocabulary.stated(scope))]
        best, *others = sorted(named, reverse=True) or [(0.0, "")]
        return best[1] if best[0] >= _ASKED and (not others or best[0] - others[0][0] >= _APART) else None

    def near_kinds(self, text: str, k: int = 3) -> list[str]:
        """The kinds of the shop's products nearest to some words, nearest first."""
        shares = self._near(text)
        return sorted(shares, key=lambda kind: -shares[kind])[:k]

    def _near(self, text: str) -> dict[str, float]:
        """The kinds of the products nearest to some words, each with its share of them."""
        hits = self.search.search(Query(text, Filters((ORDERABLE,)), 20, floor=False), self.vector(text)).hits
        weights: dict[str, float] = defaultdict(float)
        for place, hit in enumerate(hits):
            weights[self.product(hit.product_id).kind] += 1 / (_FUSION + place)
        weights.pop("", None)
        total = sum(weights.values())
        return {kind: weight / total for kind, weight in weights.items()}

    def carries(self, text: str) -> float:
        """How sure it is, by likeness to its products alone, that the shop carries such a thing: 0 to 1."""
        return self.search.carries(text, self.vector(text))

    def same_kind(self, text: str) -> str | None:
        """The kind that some words mean, by their likeness to its name in any language; None where none is so near."""
        if not self._kind_rows:
            return None
        word = (stems(text) or ("",))[-1]
        if len(word) >= _WORD:  # "phone" is meant by "smartphones"
            for kind in self._departments:
                if any(word in part for part in stems(kind)):
                    return kind
        if has_han(text):
            # A bare Chinese word is far from an English kind's name, yet its nearest products may be all of one kind.
            shares = self._near(text)
            kind, share = max(shares.items(), key=lambda item: item[1], default=("", 0.0))
            if kind and share >= _SHARE:
                return kind
        similarity = self.search.value_vectors[self._kind_rows] @ self.vector(text)
        best = int(np.argmax(similarity))
        return self.search.values[self._kind_rows[best]][1] if similarity[best] >= _SAME else None
