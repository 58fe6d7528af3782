"""The slate: which of the products that fit are shown, in what order, each with a reason that is true of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from assistant.dialogue import Card, Topic
from assistant.notation import Notation
from assistant.shelf import Found, Shelf
from retrieval.catalog import Product, Variant

SLATE = 5
_REASONS = 3
_CONSIDERED = 500  # of what fits, the best that a slate is chosen from
_RIVALS = 100  # of what fits, the products that a reason is held against
_CODES = 24  # a value longer than this is prose, not a reason
_ASKABLE = (2, 6)  # a question offers between these many answers
_UNASKED = frozenset({"id", "price", "rating", "availability", "department", "brand", "size", "warranty"})


@dataclass(frozen=True)
class Slate:
    """The products shown, in order, and the cheapest of all that fit when it is worth naming."""

    cards: tuple[Card, ...]
    total: int
    cheapest: str | None = None


@dataclass(frozen=True)
class Split:
    """A question whose answer changes what is shown: the field it asks after, and its answers in the catalogue."""

    field: str
    values: tuple[str, ...]


def slate(
    found: Found, topic: Topic, shelf: Shelf, notation: Notation, size: int = SLATE, without: Iterable[str] = ()
) -> Slate:
    """The slate for a topic: the best first, one of a kind where the request is open, none of `without`."""
    seen = frozenset(without)
    ids = [each for each in found.ids if each not in seen][:_CONSIDERED]
    if topic.scope is None and not topic.item:
        ids = list(_spread(ids, shelf, 1))
    chosen = ids[:size]
    cheapest = None
    if len(found.fitting) > 1 and not found.nearly:
        cheapest = min(found.fitting, key=lambda each: found.prices[each])
        if cheapest not in chosen and cheapest not in seen and found.exact and topic.scope is not None and chosen:
            chosen[-1] = cheapest
    # Among the cards of several requests, "the best rated here" would speak of all of them.
    among = chosen if size == SLATE else ()
    cards = tuple(card(shelf.product(each), topic, found, among, shelf, notation) for each in chosen)
    return Slate(cards, len(found.fitting), cheapest if cheapest in chosen else None)


def _spread(ids: Sequence[str], shelf: Shelf, most: int) -> Iterator[str]:
    """The ids with at most `most` of a kind first, the others after them."""
    seen: Counter[str] = Counter()
    later = []
    for each in ids:
        kind = shelf.product(each).kind
        seen[kind] += 1
        if seen[kind] <= most:
            yield each
        else:
            later.append(each)
    yield from later


def card(
    product: Product, topic: Topic | None, found: Found | None, among: Sequence[str], shelf: Shelf, notation: Notation
) -> Card:
    """The product as a shopper sees it, with a reason that answers the topic."""
    variant = shelf.variant(product, found)
    reduced = variant.list_price and variant.list_price.amount > variant.price.amount
    return Card(
        product_id=product.id,
        variant_id=variant.id,
        title=product.title,
        price=variant.price,
        list_price=variant.list_price if reduced else None,
        availability=variant.availability,
        rating=product.rating,
        reason=" · ".join(reasons(product, variant, topic, found, among, shelf, notation)[:_REASONS]),
        picture=next(iter(variant.media or product.media), ""),
        url=product.url,
        options=product.options,
    )


def reasons(
    product: Product,
    variant: Variant,
    topic: Topic | None,
    found: Found | None,
    among: Sequence[str],
    shelf: Shelf,
    notation: Notation,
) -> list[str]:
    """Facts about the product that answer the need, most telling first; none of them is praise.

    First what sets it apart on the slate, then the values the shopper asked for that this product has, then what it
    states and most of what fits does not; how it is rated where there is nothing else to say.
    """
    told: dict[str, None] = {}
    others = [each for each in among if each != product.id]
    if others:
        prices = found.prices if found else None
        if product.rating and all(product.rating.value > (shelf.measure(each, "rating") or 0.0) for each in others):
            told[notation.say("best_rated")] = None
        if all(variant.price.amount < (shelf.measure(each, "price", prices) or 0.0) for each in others):
            told[notation.say("cheapest")] = None
    stated = dict(product.attributes)
    stated |= {name: (value,) for name, value in variant.options.items()}
    asked = [constraint.condition for constraint in topic.constraints] if topic else []
    for condition in asked:
        wanted = {value.casefold() for value in condition.any_of}
        for value in stated.get(condition.field, ()):
            if value.casefold() in wanted or condition.minimum is not None or condition.maximum is not None:
                told[_phrase(condition.field, value, notation)] = None
    rivals = [shelf.product(each) for each in found.fitting[:_RIVALS]] if found else []
    for name, values in product.attributes.items():
        text = values[0]
        if name in shelf.suitability.fields or text.casefold() in ("no", "none") or len(text) > _CODES:
            continue
        known = shelf.facets.fields.get(name)
        if known is None or name in _UNASKED or (rivals and known.number):  # a number by itself is no reason
            continue
        if len(rivals) > 1 and 2 * sum(text in each.attributes.get(name, ()) for each in rivals) > len(rivals):
            continue
        told[_phrase(name, text, notation)] = None
    return list(told) or list(filter(None, [notation.rating(product)]))


def _phrase(field: str, value: str, notation: Notation) -> str:
    if value.casefold() in ("yes", "true"):
        return notation.field(field)
    if field == "size":
        return notation.say("size", value=value)
    if field == "color":
        return notation.say("in", value=notation.value(field, value))
    if value.isdigit():
        key = "pair" if " " in notation.field(field) else "numbered"  # "24 pieces", but "minimum players: 2"
        return notation.say(key, field=notation.field(field), value=value)
    return notation.value(field, value)


def split(found: Found, topic: Topic, shelf: Shelf) -> Split | None:
    """The field that divides what fits most evenly, where asking would change the slate; None where it would not.

    A field qualifies when most of the products state it and it has few values; the one with the highest entropy
    (Shannon 1948) is asked.
    """
    if len(found.fitting) <= SLATE:
        return None
    sample = [shelf.product(each) for each in found.fitting[:500]]
    settled = {constraint.condition.field for constraint in topic.constraints} | _UNASKED | shelf.suitability.fields
    settled |= {topic.scope.field} if topic.scope and len(topic.scope.any_of) == 1 else set()
    best: tuple[float, Split] | None = None
    for name, field in shelf.facets.fields.items():
        if name in settled or field.number or "color" in name or {v.casefold() for v in field.values} <= {"yes", "no"}:
            continue
        stated = [(p.kind,) if name == "kind" else p.attributes.get(name, ()) for p in sample]
        if sum(len(values) > 1 for values in stated) > 0.2 * len(sample):
            continue  # what has several values at once does not divide
        counts = Counter(value for values in stated for value in values[:1] if value)
        total = counts.total()
        if total < 0.7 * len(sample) or not _ASKABLE[0] <= len(counts) <= (40 if name == "kind" else _ASKABLE[1]):
            continue
        entropy = -sum(n / total * math.log2(n / total) for n in counts.values())
        weight = entropy + (2.0 if name == "kind" else 0.0)  # what sort of thing comes before how it is made
        if entropy > 0.5 and (best is None or weight > best[0]):
            best = (weight, Split(name, tuple(value for value, _ in counts.most_common(4))))
    return best[1] if best else None
