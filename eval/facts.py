"""What is true of a scene's products, in words, and what would be false of them yet look much like it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

from eval.scenes import Scene, Shop, book
from retrieval.catalog import Money, Product

_SYMBOL = 2  # letters of a unit that is written alike in every language: g, ml, cm
_AMOUNT = re.compile(r"([-−]?\d[\d.,]*)\s*([^\d\s].*)?")
_STEPS = (-12, -9, -7, -5, -4, -3, 3, 4, 5, 7)  # tenths of a rating; one that is off by less may be a rounding
_FACTORS = (0.4, 0.5, 0.75, 0.8, 1.25, 1.5, 2, 3)
_TELLING = 0.03  # of a price: what is off by less may be a rounding
_SHORT = 0.35  # how often a product is called by less than its whole title
_PLAIN = 0.7  # how often an amount is written as in the catalogue, or a count as a word

Words = dict[str, str]
Lie = tuple[str, Mapping[str, str]]  # the sentence, "" for the one that is true, and the facts that change in it
Lies = dict[str, list[Lie]]


class Facts:
    """The facts of one scene, as a reply would word them; the same `random` always words them the same."""

    def __init__(self, shop: Shop, scene: Scene, random: Random) -> None:
        self.shop, self.scene, self.random = shop, scene, random
        self.language = scene.language
        self.words: Mapping[str, Any] = book()[scene.language]

    @property
    def shown(self) -> list[Product]:
        """The products on the screen."""
        return [self.scene.products[each] for each in self.scene.slate] or list(self.scene.products.values())

    @property
    def fitting(self) -> list[Product]:
        """The products that meet the shopper's conditions; none where one product is asked about."""
        return [self.scene.products[each] for each in self.scene.fitting]

    def of(self, product: Product) -> tuple[Words, Lies]:
        """What can be said of a product's price and rating, and what of it would be false: fault -> lies."""
        facts, lies = self._priced(product)
        rated, wrong = self._rated(product)
        taken = _prices(product)

        def differs(other: Product) -> bool:
            if taken & _prices(other):
                return False
            if product.rating is None:
                return True
            return (
                other.rating is not None
                and abs(other.rating.value - product.rating.value) > 0.15
                and other.rating.count != product.rating.count
            )

        both = {fault: [*lies.get(fault, ()), *wrong.get(fault, ())] for fault in (*lies, *wrong)}
        return {"name": self.name(product), **facts, **rated}, {**both, "name": self.strangers(product, differs)}

    def _priced(self, product: Product) -> tuple[Words, Lies]:
        offer, among, taken = self.scene.offer(product), self.scene.variants_of(product), _prices(product)
        right: dict[str, int] = {}
        facts: Words = {}
        if len({each.price for each in among}) > 1:
            cheapest = min(each.price.amount for each in among)
            right = {"start": cheapest} if offer.price.amount == cheapest else {}
        else:
            right["price"] = offer.price.amount
            if offer.list_price and offer.list_price > offer.price and len({each.list_price for each in among}) == 1:
                right |= {"list": offer.list_price.amount, "saved": offer.list_price.amount - offer.price.amount}
            limit = self.scene.where.get("price", {}).get("max")
            left = Money.of(str(limit), offer.price.currency).amount - offer.price.amount if limit is not None else 0
            if left > 0:
                right["left"] = left
                facts["limit"] = self.limit
        facts |= {name: self.money(amount) for name, amount in right.items()}
        lies: Lies = {
            "price": [
                ("", {name: self.money(wrong)})
                for name, amount in right.items()
                for wrong in self._misprinted(amount)
                if wrong not in (taken if name in ("price", "list", "start") else {amount})
            ],
            "moved": [
                ("", {"price": self.money(amount)})
                for each in self.scene.products.values()
                if (amount := self.scene.offer(each).price.amount) not in taken
            ],
        }
        return facts, lies

    def _misprinted(self, right: int) -> list[int]:
        """Wrong amounts of money, in minor units, that look like the right one."""
        unit = Money.of(1, self.shop.facets.currency).amount
        digits = str(right // unit)
        turned = [int(digits[:-2] + digits[-1] + digits[-2]) * unit + right % unit] if len(digits) > 1 else []
        moved = [right + step * unit for step in (-20, -10, -5, 5, 10, 30)]
        scaled = [round(right * factor / unit) * unit + right % unit for factor in (0.6, 0.8, 1.2, 1.5)]
        return [each for each in (*turned, *moved, *scaled) if each > 0 and abs(each - right) > _TELLING * right]

    def _rated(self, product: Product) -> tuple[Words, Lies]:
        if product.rating is None or product.rating.count < 2:
            return {}, {}
        tenths, count = round(product.rating.value * 10), product.rating.count
        stars = [tenths + step for step in _STEPS if 10 <= tenths + step <= 50]
        counts = [each for each in (count * 2, count + 17, count // 2 + 2) if abs(each - count) > 1]
        others = [each.rating for each in self.scene.products.values() if each.rating]
        lies: Lies = {
            "rating": [
                *(("", {"rating": f"{each / 10:.1f}"}) for each in stars),
                *(("", {"reviews": f"{each:,}"}) for each in counts),
            ],
            "moved": [
                *(("", {"rating": f"{each.value:.1f}"}) for each in others if abs(each.value * 10 - tenths) > 1.5),
                *(("", {"reviews": f"{each.count:,}"}) for each in others if abs(each.count - count) > 1),
            ],
        }
        return {"rating": f"{tenths / 10:.1f}", "reviews": f"{count:,}"}, lies

    def strangers(self, product: Product, differs: Callable[[Product], bool]) -> list[Lie]:
        """Names that do not belong: of a product that is not spoken of and `differs`, or of none at all."""
        others = [
            each for each in self.shop.kinds[product.kind] if each.id not in self.scene.products and differs(each)
        ]
        names = [self.random.choice(others).title] if others else []
        return [("", {"name": each}) for each in (*names, self.invented(product))]

    def invented(self, product: Product) -> str:
        """The product's name with its rarest word replaced by one that the catalogue does not have."""
        counts = self.shop.words
        words = re.findall(r"[^\W\d_]{3,}", product.title) or [product.title]
        rarest = min(words, key=lambda word: (counts.get(word.casefold(), 0), -len(word)))
        new = [word for word in book()["invented"] if word.casefold() not in counts]
        return product.title.replace(rarest, self.random.choice(new), 1)

    def name(self, product: Product) -> str:
        """The product's title, now and then without its brand or without what comes after its own name."""
        if self.random.random() > _SHORT or not product.brand:
            return product.title
        short = self.random.choice((unbranded(product), proper_name(product)))
        alone = sum(short.casefold() in each.title.casefold() for each in self.shop.products.values()) == 1
        return short if " " in short and alone else product.title

    def measure(self, name: str, product: Product) -> float | None:
        """The product's number for a metric: price in minor units, rating, reviews or a field; None for none or many.

        A rating counts as it is said, in tenths: two that look the same are the same.
        """
        if name == "price":
            prices = {each.price.amount for each in self.scene.variants_of(product)}
            return float(prices.pop()) if len(prices) == 1 else None
        if name == "rating":
            return round(product.rating.value, 1) if product.rating else None
        if name == "reviews":
            return float(product.rating.count) if product.rating and product.rating.count > 1 else None
        return self.shop.amount(name, product)

    def measured(self, name: str, product: Product) -> str:
        """The product's number for a metric in words; "" where it has none."""
        amount = self.measure(name, product)
        if amount is None:
            return ""
        if name == "price":
            return self.money(int(amount))
        if name in ("rating", "reviews"):
            return f"{amount:.1f}" if name == "rating" else f"{amount:,.0f}"
        return self.value(name, product.attributes[name][0])

    def gap(self, name: str, gap: float) -> Words:
        """A difference as the fact "gap"; none for what is not said as a difference."""
        if name == "price":
            return {"gap": self.money(round(gap))}
        known = self.shop.facets.fields.get(name)
        return {"gap": self.value(name, f"{round(gap, 3):g} {known.unit}")} if known and known.unit else {}

    def value(self, name: str, value: str) -> str:
        """A value in words of the scene's language; "" where it has none for it."""
        amount = _AMOUNT.fullmatch(value)
        if amount and amount[2] and self.random.random() > _PLAIN:
            word = self.words["units"].get(amount[2])
            if self.language == "zh" and len(amount[2]) <= _SYMBOL:
                return value
            if self.language == "en" and word and amount[1] != "1":
                return f"{amount[1]} {word}"
        label = self.shop.label(name, value, self.language)
        return label.lower() if name == "color" else label

    def form(self, name: str, values: Sequence[str]) -> str:
        """How a field's values are said: yes, no, measure, number, word, or words for several."""
        if len(values) != 1:
            return "words"
        folded = values[0].casefold()
        if folded in ("yes", "no"):
            return folded
        amount = _AMOUNT.fullmatch(folded)
        known = self.shop.facets.fields.get(name)
        if amount and known and known.number:
            return "measure" if amount[2] else "number"
        return "word"

    def misread(self, value: str, product: Product) -> Iterator[str]:
        """The amount with another number, which the product's data has nowhere."""
        amount = _AMOUNT.fullmatch(value)
        if amount is None:
            return
        number = float(amount[1].replace("−", "-").replace(",", ""))
        decimals = len(amount[1].partition(".")[2])
        for factor in _FACTORS:
            wrong = f"{number * factor:.{decimals}f}"
            text = f"{wrong} {amount[2]}" if amount[2] else wrong
            if abs(float(wrong) - number) > 0.1 * abs(number) and float(wrong) > 1 and not self.mentions(product, text):
                yield text

    def foreign(self, name: str, values: Sequence[str], product: Product) -> list[str]:
        """Values of a field, in words, that are false of the product: those of its kind, else of any."""
        near = {value for each in self.shop.kinds[product.kind] for value in each.attributes.get(name, ())}
        for pool in (near, self.shop.facets.fields[name].values):
            words = [
                self.value(name, value)
                for value in sorted(pool)
                if self.form(name, (value,)) == "word"
                and self.shop.plain(name, (value,))
                and self.differ(name, values, (value,), product)
            ]
            if fine := [word for word in words if word]:
                return fine
        return []

    def differ(self, name: str, own: Sequence[str], others: Sequence[str], product: Product) -> bool:
        """Whether what the others say would be plainly false of a product that has its `own` values."""
        one, two = (self.shop.facets.measure(name, each[0]) if len(each) == 1 else None for each in (own, others))
        if one is not None and two is not None:
            return abs(one - two) > 0.05 * abs(one)
        pairs = [(mine, theirs) for mine in own for theirs in others]
        labels = [tuple(self.shop.label(name, each, self.language) for each in pair) for pair in pairs]
        return not (
            any(mine and theirs and (mine in theirs or theirs in mine) for mine, theirs in labels)
            or any(alike(mine, theirs) for mine, theirs in pairs)
            or any(self.mentions(product, each) for each in others if each.casefold() not in ("yes", "no"))
        )

    def mentions(self, product: Product, words: str) -> bool:
        """Whether the product's data has the words anywhere."""
        return re.search(r"(?<!\w)" + re.escape(words.casefold()) + r"(?!\w)", prose(product)) is not None

    def number(self, name: str, n: int) -> Words:
        """A count as a fact, in a word or digits, and with a capital under the name in capitals."""
        words: Sequence[str] = self.words["numbers"]
        text = words[n] if n < len(words) and self.random.random() < _PLAIN else str(n)
        return {name: text, name.upper(): capital(text)}

    @property
    def limit(self) -> str:
        """The most that the shopper would pay."""
        limit = Money.of(str(self.scene.where["price"]["max"]), self.shop.facets.currency)
        return self.shop.money(limit, self.language)

    def money(self, amount: int) -> str:
        """An amount in minor units, in one of the ways to write it."""
        return self.shop.money(Money(amount, self.shop.facets.currency), self.language, self.random)

    def listed(self, words: Sequence[str]) -> str:
        """The words as a list: "a, b and c"."""
        joined = str(self.words["comma"]).join(words[:-1])
        return f"{joined}{self.words['and']}{words[-1]}" if joined else words[-1]


def prose(product: Product) -> str:
    """All words of the product's data, casefolded."""
    values = [value for values in (*product.attributes.values(), *product.options.values()) for value in values]
    return "\n".join((product.title, product.description, *product.categories, *values)).casefold()


def alike(one: str, two: str) -> bool:
    """Whether two values are so near that a product with the one may be said to have the other."""
    first, second = one.casefold(), two.casefold()
    numbers = re.findall(r"\d+", first), re.findall(r"\d+", second)
    if {first, second} == {"yes", "no"} or (all(numbers) and numbers[0] != numbers[1]):
        return False
    shared = set(re.findall(r"\w{3,}", first)) & set(re.findall(r"\w{3,}", second))
    near = any(_among(first, values) and _among(second, values) for values in book()["alike"])
    return first == second or bool(shared) or near


def _among(value: str, near: Sequence[str]) -> bool:
    return any(re.search(r"(?<!\w)" + re.escape(each) + r"(?!\w)", value) for each in near)


def _prices(product: Product) -> set[int]:
    """All prices and list prices of a product, in minor units."""
    listed = {each.list_price.amount for each in product.variants if each.list_price}
    return listed | {each.price.amount for each in product.variants}


def unbranded(product: Product) -> str:
    """ "Oatridge bowls" for "Glazeby Oatridge bowls, set of 2": without the brand and what follows a comma."""
    return product.title.removeprefix(f"{product.brand} ").split(",")[0]


def proper_name(product: Product) -> str:
    """ "Glazeby Oatridge" for "Glazeby Oatridge bowls, set of 2": what is written with capitals after the brand."""
    words = product.title.split(" ")
    capitals = next((place for place, word in enumerate(words) if not word[:1].isupper()), len(words))
    return " ".join(words[:capitals]) if product.title.startswith(f"{product.brand} ") else product.title


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def plural(name: str) -> bool:
    """Whether an English product name is a plural: "Oatridge bowls, set of 2" is."""
    head = re.split(r",| (?:for|with|in|of|and) ", name)[0].split()
    return bool(head) and re.search(r"[^sui'’]s$", head[-1]) is not None
