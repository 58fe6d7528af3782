"""Questions about products that were shown: what the data says of one, and how several compare."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from assistant.claims.prose import sentences
from assistant.dialogue import Comparison, DialogueState, Focused
from assistant.language import detect
from assistant.notation import Notation
from assistant.plan import Answer, Point, PointKind, facts_of
from assistant.recommend import card, reasons
from assistant.shelf import Shelf
from assistant.understand import Understanding
from assistant.vocabulary import Match, stems
from retrieval.catalog import Product, Variant

_ROWS = 7  # lines of a comparison: more are not read
_COMPARED = 3


class Questions:
    """Answers to questions about products of one shop."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def about(self, understanding: Understanding, state: DialogueState, notation: Notation) -> Answer:
        """What the data says of the products meant: the values asked for, the fields asked after, or what each is."""
        targets = [each for each in understanding.references or state.focus if self._shelf.has(each)][:_COMPARED]
        if not targets:
            return Answer((lost_reference(state, notation),))
        points: list[Point] = []
        for each in targets:
            points += self._told(self._shelf.product(each), understanding, notation)
        ids = tuple(targets)
        # A card that is on the screen is not shown again: "the second one" goes on meaning the second of the slate.
        new = [each for each in ids if each not in state.slate]
        cards = tuple(card(self._shelf.product(each), state.topic, None, new, self._shelf, notation) for each in new)
        claims = tuple((claim.field, claim.values, claim.words) for claim in understanding.claims)
        focus = Focused(ids, understanding.asked, claims, single=len(ids) == 1)
        return Answer(tuple(points), cards=cards, total=len(cards), focus=focus, product_ids=ids)

    def _told(self, product: Product, understanding: Understanding, notation: Notation) -> list[Point]:
        points = []
        name = self._shelf.name(product.id)
        claimed = {claim.field for claim in understanding.claims}
        options = [claim for claim in understanding.claims if claim.field in product.options]
        if options:
            points.append(self._option(product, options, notation))
        for claim in understanding.claims:
            if claim not in options:
                points.append(self._claim(product, claim.field, claim.values, claim.words, notation))
        for asked in understanding.asked:
            if asked in claimed or any(wide in claimed and asked in stems(wide) for wide in claimed):
                continue
            points.append(self._value(product, asked, notation))
        points = list({(point.kind, tuple(point.facts.items())): point for point in points}.values())
        known = [point for point in points if point.kind is not PointKind.UNKNOWN]
        if known:
            return known[:3]
        words = understanding.unknown.split()
        quote = _sentence(product.description, words)
        if quote:
            return [Point(PointKind.SAYS, {"name": name, "quote": quote}, (product.id,))]
        if points:
            return points[:1]
        if words:
            return [Point(PointKind.UNKNOWN, {"name": name, "claim": understanding.unknown}, (product.id,))]
        return self._described(product, notation)

    def _claim(
        self, product: Product, field_name: str, values: frozenset[str], words: str, notation: Notation
    ) -> Point:
        wanted = {value.casefold() for value in values}
        had = product.options.get(field_name) or product.attributes.get(field_name) or ()
        facts = {"name": self._shelf.name(product.id), "claim": words}
        if not had:
            return Point(PointKind.UNKNOWN, facts, (product.id,))
        matching = [value for value in had if value.casefold() in wanted]
        if not matching and {value.casefold() for value in had} <= {"yes", "no"}:
            return Point(PointKind.NO, facts, (product.id,))
        if not matching:
            return Point(PointKind.NO, {**facts, "value": notation.values(field_name, had[:8])}, (product.id,))
        return Point(PointKind.YES, facts, (product.id,))

    def _option(self, product: Product, claims: Sequence[Match], notation: Notation) -> Point:
        """Whether one variant has all the options asked for together, and whether it can be had."""
        wanted = {claim.field: {value.casefold() for value in claim.values} for claim in claims}
        said = notation.join([claim.words for claim in claims])
        facts = {"name": self._shelf.name(product.id), "claim": said}

        def has(variant: Variant, fields: Iterable[str]) -> bool:
            return all(variant.options.get(field, "").casefold() in wanted[field] for field in fields)

        variants = [variant for variant in product.variants if has(variant, wanted)]
        if not variants:
            last = claims[-1].field
            rest = [v for v in product.variants if has(v, wanted.keys() - {last})] or product.variants
            had = list(dict.fromkeys(v.options[last] for v in rest if last in v.options and v.availability.orderable))
            return Point(PointKind.NO, facts_of(**facts, value=notation.values(last, had[:8])), (product.id,))
        orderable = [variant for variant in variants if variant.availability.orderable]
        chosen = min(orderable or variants, key=lambda variant: variant.price.amount)
        facts["value"] = notation.join([notation.value(field, chosen.options[field]) for field in wanted])
        facts |= {"stock": notation.availability(chosen.availability), "price": notation.money(chosen.price)}
        return Point(PointKind.YES, facts, (product.id,))

    def _value(self, product: Product, field_name: str, notation: Notation) -> Point:
        name = self._shelf.name(product.id)
        if field_name in ("price", "availability"):
            return self._offer(product, notation)
        if field_name == "rating":
            value = notation.rating(product)
        else:
            options = [
                value
                for value in product.options.get(field_name, ())
                if any(v.options.get(field_name) == value and v.availability.orderable for v in product.variants)
            ]
            value = notation.values(field_name, options or product.attributes.get(field_name, ()))
        if not value:
            facts = {"name": name, "claim": notation.field(field_name)}
            return Point(PointKind.UNKNOWN, facts, (product.id,))
        facts = {"name": name, "field": notation.field(field_name), "value": value}
        return Point(PointKind.VALUE, facts, (product.id,))

    def _offer(self, product: Product, notation: Notation) -> Point:
        offer = product.offer
        facts = {
            "name": self._shelf.name(product.id),
            "price": notation.money(offer.price),
            "stock": notation.availability(offer.availability),
        }
        return Point(PointKind.OFFER, facts, (product.id,))

    def _described(self, product: Product, notation: Notation) -> list[Point]:
        """What a product is: in the words of its description where that is in the shopper's language."""
        said = list(sentences([product.description]))[:2]
        if not said or detect(product.description) != notation.language:
            return [self._about(product, notation)]
        quote = " ".join(sentence.strip() for sentence in said)
        return [
            Point(PointKind.SAYS, {"name": self._shelf.name(product.id), "quote": quote}, (product.id,)),
            self._offer(product, notation),
        ]

    def _about(self, product: Product, notation: Notation) -> Point:
        told = notation.join(reasons(product, product.offer, None, None, (), self._shelf, notation)[:4])
        price = notation.money(product.offer.price)
        facts = facts_of(name=self._shelf.name(product.id), facts=told, price=price)
        return Point(PointKind.ABOUT, facts, (product.id,))

    def compare(self, understanding: Understanding, state: DialogueState, notation: Notation) -> Answer:
        """How up to three products differ, in words and as a table."""
        ids = understanding.references if len(understanding.references) > 1 else (*state.focus, *state.slate)
        ids = tuple(dict.fromkeys(each for each in ids if self._shelf.has(each)))[:_COMPARED]
        products = [self._shelf.product(each) for each in ids]
        if len(products) < 2:
            return Answer((lost_reference(state, notation),))
        orders = [(each.field, each.less) for each in understanding.relative[:1]]
        orders = orders or [(order.field, order.ascending) for order in [understanding.order] if order]
        for field, ascending in orders:
            sign = 1 if ascending else -1
            measured = {each.id: self._shelf.measure(each.id, field) for each in products}
            products = [each for each in products if measured[each.id] is not None] or products
            products.sort(key=lambda each: sign * (measured[each.id] or 0.0))
        first, name = products[0], self._shelf.name(products[0].id)
        points = []
        for field, _ in orders:
            value = self._value(first, field, notation)
            points += [value] if value.kind is not PointKind.UNKNOWN else []
        for other in products[1:]:
            told = notation.differences(first, other, first.offer, other.offer)[:2]
            facts = facts_of(name=name, other=self._shelf.name(other.id), difference=notation.join(told))
            if told:
                points.append(Point(PointKind.DIFFERENCE, facts, (first.id, other.id)))
            else:
                points.append(self._about(other, notation))
        ids = tuple(product.id for product in products)
        table = Comparison(ids, tuple(product.title for product in products), self._rows(products, notation))
        return Answer(tuple(points), comparison=table, focus=Focused(ids, single=False), product_ids=ids)

    def _rows(self, products: list[Product], notation: Notation) -> tuple[tuple[str, tuple[str, ...]], ...]:
        rows: list[tuple[str, tuple[str, ...]]] = [
            (notation.field("price"), tuple(notation.money(product.offer.price) for product in products)),
            (notation.field("rating"), tuple(notation.rating(product) or "–" for product in products)),
        ]
        names = dict.fromkeys(name for product in products for name in (*product.options, *product.attributes))
        counted: list[tuple[int, str, tuple[str, ...]]] = []
        for name in names:
            cells = tuple(
                notation.values(name, product.options.get(name) or product.attributes.get(name) or ()) or "–"
                for product in products
            )
            known = sum(cell != "–" for cell in cells)
            counted.append((2 * (len(set(cells)) > 1) + (known == len(products)), name, cells))
        counted.sort(key=lambda row: -row[0])
        rows += [(notation.field(name), cells) for _, name, cells in counted[: _ROWS - len(rows)]]
        return tuple(rows)


def lost_reference(state: DialogueState, notation: Notation) -> Point:
    """That it is not clear which of the products shown is meant."""
    shown = len(state.slate)
    return Point(PointKind.NO_REFERENCE, {"n": str(shown), "count": notation.count(shown)})


def _sentence(description: str, words: Iterable[str]) -> str:
    """The sentence of a description that holds most of the words asked about, at least half of them, or ""."""
    wanted = set(stems(" ".join(words)))
    if not wanted:
        return ""
    best, most = "", (len(wanted) + 1) // 2 - 1
    for sentence in sentences([description]):
        shared = len(wanted & set(stems(sentence)))
        if shared > most:
            best, most = sentence.strip(), shared
    return best
