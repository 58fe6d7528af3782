"""What a released reply claims, checked against the catalogue and the policy pages without the product's own checker.

Read are the cards, the table, the quoted passages and the points of a reply, each bound to its product, and its words
(`eval.assertions`). Only what can be decided is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from assistant.dialogue import Card, Topic
from assistant.plan import Point, PointKind
from eval.assertions import MONEY, Assertions, Claim, Names, amount, data, holds, numbers, prices
from eval.scenes import Shop
from eval.talk import Reply
from retrieval.catalog import Money, Product

__all__ = ["Audit", "Claim"]

_PRICED = frozenset({"best", "cheapest", "alternative", "closest", "offer", "about", "yes", "buy"})
_STATED = ("reason", "but", "facts", "value")  # facts of a point that say something of its product
_UNITS = (Decimal("0.01"), Decimal(1))  # what an amount is rounded to when it is turned into another currency


class Audit:
    """Checks the replies of one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._names = Names(shop)

    def claims(self, reply: Reply, heard: Sequence[str], topic: Topic | None = None) -> list[Claim]:
        """What the reply claims.

        Args:
            heard: the shopper's messages so far, this one among them.
            topic: what the shopper looks for after this turn, where that is known.
        """
        said = Assertions(self._names, reply, heard, topic)
        return [
            *(claim for card in reply.cards for claim in self._card(card, said)),
            *self._table(reply, said),
            *(said.quote(source.quote) for source in reply.sources),
            *(claim for point in reply.points for claim in self._point(point, said)),
            *said.text(),
        ]

    def _card(self, card: Card, said: Assertions) -> Iterator[Claim]:
        product = self._shop.products.get(card.product_id)
        variant = next((each for each in product.variants if each.id == card.variant_id), None) if product else None
        if product is None or variant is None:
            yield Claim(f"card {card.title}", f"there is no {card.product_id!r} with a variant {card.variant_id!r}")
            return
        shown: Mapping[str, tuple[object, object]] = {
            "title": (card.title, product.title),
            "price": (card.price, variant.price),
            "stock": (card.availability, variant.availability),
            "rating": (card.rating, product.rating),
            "list price": (card.list_price, card.list_price and variant.list_price),
        }
        for what, (given, true) in shown.items():
            if given is not None:
                yield Claim(f"card {card.title}: {what} {given}", "" if given == true else f"it is {true}")
        for name, values in card.options.items():
            extra = sorted(set(values) - set(product.options.get(name, ())))
            yield Claim(f"card {card.title}: {name}", f"it does not come in {', '.join(extra)}" if extra else "")
        yield from said.stated(card.reason, product)

    def _table(self, reply: Reply, said: Assertions) -> Iterator[Claim]:
        table = reply.comparison
        for place, product_id in enumerate(table.product_ids if table else ()):
            product = self._shop.products.get(product_id)
            if table is None or product is None:
                yield Claim(f"column {place + 1}", f"no product has the id {product_id!r}")
                continue
            yield said.name(table.titles[place], product)
            for label, cells in table.rows:
                for claim in said.stated(cells[place], product):
                    yield Claim(f"{product.title}, {label}: {claim.words}", claim.untrue)

    def _point(self, point: Point, said: Assertions) -> Iterator[Claim]:
        products = [self._shop.products[each] for each in point.product_ids if each in self._shop.products]
        if len(products) < len(point.product_ids):
            yield Claim(f"point {point.kind}", f"there are no products {', '.join(point.product_ids)}")
        for name, product in zip(("name", "other"), products, strict=False):
            if name in point.facts:
                yield said.name(point.facts[name], product)
        if len(products) == 1:
            for fact in _STATED:
                yield from said.stated(point.facts.get(fact, ""), products[0])
        if products and point.kind in _PRICED:
            yield from _offered(point, products[0], said)
        yield from self._of_product(point, products, said) if products else self._of_none(point, said)

    def _of_product(self, point: Point, products: Sequence[Product], said: Assertions) -> Iterator[Claim]:
        """What a point says of its products by its kind."""
        product, facts = products[0], point.facts
        match point.kind:
            case PointKind.CHEAPEST:
                yield from said.cheapest(product)
            case PointKind.SAYS:
                quote = facts.get("quote", "")
                true = holds(product.description, quote)
                yield Claim(f"{product.title}: “{quote}”", "" if true else "its description does not say so")
            case PointKind.UNKNOWN if name := self._names.field(facts.get("claim", ""), said.notation):
                has = name in product.attributes or name in product.options
                yield Claim(f"{product.title} does not state its {name}", "it does" if has else "")
            case PointKind.YES | PointKind.NO:
                has_it = self._has(facts.get("claim", ""), product, said)
                if has_it is not None:
                    true = has_it is (point.kind is PointKind.YES)
                    yield Claim(
                        f"{point.kind}, {facts['claim']}: {product.title}", "" if true else "by the data not so"
                    )
            case PointKind.DIFFERENCE if len(products) > 1:
                yield self._difference(facts.get("difference", ""), product, products[1], said)
            case _:
                return

    def _of_none(self, point: Point, said: Assertions) -> Iterator[Claim]:
        """What a point about no product says by its kind."""
        facts, fitting = point.facts, said.fitting if said.single else None
        match point.kind:
            case PointKind.FOUND if fitting is not None:
                yield Claim(f"{facts['n']} fit", "" if facts["n"] == str(len(fitting)) else f"it is {len(fitting)}")
            case PointKind.SUGGEST if said.single:
                shown = len(said.reply.cards)
                yield Claim(f"{facts['n']} shown", "" if int(facts["n"]) <= shown else f"it is {shown}")
            case PointKind.NONE_FIT if fitting is not None and said.topic:
                # Limits may have been given up for the nearest to be found; then what fits is no longer known.
                limits = said.notation.join([said.notation.limit(each) for each in said.topic.constraints])
                if limits == facts.get("limit"):
                    untrue = f"{self._shop.products[next(iter(fitting))].title} is" if fitting else ""
                    yield Claim(f"nothing is {limits}", untrue)
            case PointKind.POLICY:
                yield said.quote(facts.get("quote", ""))
            case PointKind.CONVERTED:
                given, money = numbers(facts.get("given", "")), MONEY.search(facts.get("price", ""))
                turned = [each * rate for each in given for rate in self._shop.settings.rates.values()]
                right = {each.quantize(unit, ROUND_HALF_UP) for each in turned for unit in _UNITS}
                if given and money:
                    untrue = "" if amount(money) in right else "no rate of the shop gives that"
                    yield Claim(f"{facts['given']} is {facts['price']}", untrue)
            case PointKind.NOT_CARRIED:
                what = facts.get("what", "").casefold()
                kinds = {said.notation.value("kind", kind).casefold() for kind in self._shop.kinds}
                has = what in kinds | {kind.casefold() for kind in self._shop.kinds}
                yield Claim(f"no {what} are carried", "the shop has this kind of product" if has else "")
            case _:
                return

    def _has(self, claim: str, product: Product, said: Assertions) -> bool | None:
        """Whether a product has what was asked for: a field of yes and no, or a value; None where it cannot be told."""
        name = self._names.field(claim, said.notation)
        own = {(field, value.casefold()) for field, values in data(product) for value in values}
        if name:
            answers = {value.casefold() for value in self._shop.facets.fields[name].values}
            known = name in product.attributes and answers <= {"yes", "no"}
            return (name, "yes") in own if known else None
        named = self._names.labels(said.language)[1].get(claim.casefold(), ())
        told = {each in own for each in named if each[0] in {field for field, _ in own}}
        return told.pop() if len(told) == 1 else None

    def _difference(self, told: str, one: Product, two: Product, said: Assertions) -> Claim:
        """Every amount of a difference, with its direction, as the data of the two products gives it."""
        say = said.notation.say
        true = []
        gap = one.offer.price.amount - two.offer.price.amount
        if gap:
            money = said.notation.money(Money(abs(gap), one.offer.price.currency))
            true.append(say("cheaper" if gap < 0 else "dearer", d=money))
        for name, field in self._shop.facets.fields.items():
            mine, theirs = self._shop.amount(name, one), self._shop.amount(name, two)
            if mine is not None and theirs is not None and mine != theirs:
                more = f"{abs(mine - theirs):g} {field.unit}"
                true.append(say("lighter" if mine < theirs else "heavier", d=more))
        if one.rating and two.rating:
            ours, others = f"{one.rating.value:.1f}", f"{two.rating.value:.1f}"
            true.append(say("rated_higher" if ours > others else "rated_lower", a=ours, b=others))
        rest = told
        for each in true:
            rest = rest.replace(each, "")
        wrong = any(letter.isdigit() for letter in rest)
        return Claim(f"{one.title} against {two.title}: {told}", f"the data says {'; '.join(true)}" if wrong else "")


def _offered(point: Point, product: Product, said: Assertions) -> Iterator[Claim]:
    """Price and stock, which one variant must have together."""
    price, stock = point.facts.get("price", ""), point.facts.get("stock", "")
    if found := MONEY.search(price):
        having = [each for each in product.variants if each.price.major == amount(found)]
        yield Claim(f"{product.title} is {price}", "" if having else f"it is {sorted(map(str, prices(product)))}")
        states = {said.notation.availability(each.availability) for each in having}
        if stock and having:
            yield Claim(
                f"{product.title} is {stock}", "" if stock in states else f"it is {' or '.join(sorted(states))}"
            )
