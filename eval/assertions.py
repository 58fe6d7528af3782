"""What the words of a reply assert, and whether the catalogue, the policy pages or the shopper's own words bear it out.

Read are amounts of money, amounts with a unit, ratings, counts, names, the catalogue's values and quotations. An amount
may also be the shopper's own, turned into the shop's currency, or a difference between products of the same turn. What
cannot be decided is not asserted: a sentence that denies something is not read for the values that it names.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any

from assistant.dialogue import Topic
from assistant.notation import Notation, languages
from assistant.plan import PointKind
from eval.facts import proper_name, prose, unbranded
from eval.scenes import Shop, book
from eval.talk import Reply
from eval.truth import fits
from retrieval.catalog import Availability, Money, Product
from retrieval.filters import Condition

_CENT = Decimal("0.01")
_NAMED = "§"  # stands where a product was named
_DIGITS = r"\d[\d.,]*\d|\d"
MONEY = re.compile(
    rf"(?:US\$|[$€£¥￥])\s?({_DIGITS})|(\d[\d.,\u202f]*\d|\d)\s?(?:€|dollars?\b|euros?\b|USD|EUR|GBP|CNY|美元|欧元|元)"
)
_MEASURE = re.compile(r"(?<![A-Za-z\d.,])(\d+(?:[.,]\d+)?)\s?(°[CFcf]|[℃℉%]|[A-Za-z]{1,12}\b|[一-鿿]{1,3})")
_NUMBER = re.compile(rf"(?<![A-Za-z\d.,])({_DIGITS})(?![A-Za-z\d%])")
_OF_FIVE = re.compile(r"\b(?:out of|sur|de|von) 5\b|满分5分")  # the scale of a rating
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n")
_QUOTED = re.compile("[“「](.+?)[”」]", re.DOTALL)
_LATIN = re.compile(r"[A-Za-z][A-Za-z\d'’.-]*(?: [A-Za-z\d'’.&-]+)*")
_CAPITALS = re.compile(r"(?<=[\w,;:] )[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)+")
_QUOTE, _NAME, _LABEL = 12, 3, (4, 2)  # letters from which a quote, a name, a Latin or Han label can be told
_FROM = 3  # "one" and "two" count too many other things
_CLOSE = 1e-3
_ANSWERED = (PointKind.FOUND, PointKind.SUGGEST, PointKind.NONE_FIT, PointKind.NOT_CARRIED)
_ECHOED = ("quote", "question", "what", "limit", "limits", "claim", "given")  # the shopper's words, or told apart
_LIMITS = ("limit", "limits", "first", "second")


@dataclass(frozen=True)
class Claim:
    """One thing that a reply says and that can be decided; `untrue` says why it is not so, "" where it is."""

    words: str
    untrue: str = ""


class Names:
    """What the products of a shop and their values are called."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.called: dict[str, Product] = {}
        several = set()  # what several products are called is no one's name
        for product in shop.products.values():
            for name in {product.title, proper_name(product), unbranded(product)}:
                if self.called.setdefault(name, product) is not product:
                    several.add(name)
        for name in several:
            del self.called[name]
        self._longest = sorted(self.called, key=len, reverse=True)
        self._labels: dict[str, tuple[re.Pattern[str], Mapping[str, frozenset[tuple[str, str]]]]] = {}

    def named(self, text: str) -> tuple[list[Product], str]:
        """The products that a text names, and the text without their names."""
        found = {}
        for name in self._longest:
            if name in text:
                product = self.called[name]
                found[product.id] = product
                text = text.replace(name, _NAMED)
        return list(found.values()), text

    def fits(self, name: str, product: Product) -> bool:
        """Whether a product can be called so, and no other."""
        if name == product.title or self.called.get(name) is product:
            return True
        alone = sum(name.casefold() in each.title.casefold() for each in self.shop.products.values()) == 1
        return alone and name.casefold() in product.title.casefold()

    @cached_property
    def words(self) -> str:
        """All text of the shop, casefolded: where a name may come from."""
        own = (f"{each.brand}\n{prose(each)}" for each in self.shop.products.values())
        pages = (f"{each.title}\n{each.section}" for each in self.shop.passages)
        labels = (each.label for each in self.shop.glossary.values())
        settings = self.shop.settings
        return "\n".join((*own, *pages, *labels, self.shop.prose, settings.name, settings.contact)).casefold()

    def labels(self, language: str) -> tuple[re.Pattern[str], Mapping[str, frozenset[tuple[str, str]]]]:
        """A pattern of all names of values in a language, and what each of them names: (field, value)."""
        if language not in self._labels:
            found: dict[str, set[tuple[str, str]]] = {}
            for name, field in self.shop.facets.fields.items():
                for value in field.values if name != "availability" else ():
                    label = self.shop.glossary.label(name, value, language)
                    for word in {value.casefold(), label.casefold()}:
                        if len(word) >= _LABEL[not word.isascii()] and not re.match(r"[\d.-]", word):
                            found.setdefault(word, set()).add((name, value.casefold()))
                # What is "foldable" is not of the type "folding".
                if field.values and {value.casefold() for value in field.values} <= {"yes", "no"}:
                    for word in (name, self.shop.glossary.label("field", name, language).casefold()):
                        found.setdefault(word, set()).add((name, "yes"))
            words = sorted(found, key=len, reverse=True)
            either = "|".join(rf"\b{re.escape(each)}\b" if each.isascii() else re.escape(each) for each in words)
            named = {word: frozenset(values) for word, values in found.items()}
            self._labels[language] = re.compile(either or r"(?!)"), named
        return self._labels[language]

    def field(self, words: str, notation: Notation) -> str:
        """The field that is called so in the reply's language or in English; "" for none."""
        folded = words.casefold()
        for name in self.shop.facets.fields:
            labels = {label.casefold() for _, label in self.shop.glossary.labels("field", name)}
            if folded in {name, notation.field(name).casefold(), *labels}:
                return name
        return ""


class Assertions:
    """The words of one reply, and what they may rest on.

    Args:
        heard: the shopper's messages so far.
        topic: what the shopper looks for after this turn, where that is known.
    """

    def __init__(self, names: Names, reply: Reply, heard: Iterable[str], topic: Topic | None) -> None:
        self.names, self.shop, self.reply, self.topic = names, names.shop, reply, topic
        self.heard = " ".join(heard).casefold()
        self.language = reply.language if reply.language in languages() else "en"
        self.notation = Notation(self.language, self.shop.facets, self.shop.glossary)
        self._words: Mapping[str, Sequence[str]] = book()["audit"].get(self.language, {})
        ids = [card.product_id for card in reply.cards]
        ids += [each for point in reply.points for each in point.product_ids]
        ids += reply.comparison.product_ids if reply.comparison else ()
        known = (self.shop.products[each] for each in ids if each in self.shop.products)
        self.products = list({each.id: each for each in (*known, *names.named(reply.text)[0])}.values())
        self._heard = set(numbers(self.heard))
        self._cited = {number for source in reply.sources for number in numbers(source.quote)}
        # Of several requests in one message, the topic is that of the last.
        self.single = sum(point.kind in _ANSWERED for point in reply.points) < 2

    def text(self) -> Iterator[Claim]:
        """What the text says, sentence by sentence; what it quotes is told apart from what it says."""
        text = self.reply.text
        for found in _QUOTED.finditer(text):
            if len(found[1]) >= _QUOTE:
                yield self.quote(found[1])
        facts = [point.facts.get(name, "") for point in self.reply.points for name in _ECHOED]
        settings = self.shop.settings
        for apart in (*(found[0] for found in _QUOTED.finditer(text)), *facts, settings.contact, settings.name):
            text = re.sub(rf"(?<![A-Za-z\d.,]){re.escape(apart)}(?![A-Za-z\d])", " ", text) if apart else text
        for sentence in _SENTENCE.split(text):
            named, rest = self.names.named(sentence)
            yield from (Claim(f"the name {each.title}") for each in named)
            yield from self._strange(rest)
            rest = yield from self._amounts(rest, named or self.products)
            yield from self._counts(rest, named or self.products)
            if len(named) == 1:
                yield from self._of(rest, named[0])

    def stated(self, text: str, product: Product) -> Iterator[Claim]:
        """What a piece of text says of one product."""
        rest = yield from self._amounts(text, [product])
        yield from self._of(rest, product)

    def quote(self, quote: str) -> Claim:
        """Whether words stand on a page of the shop, in a description, or were the shopper's."""
        pages = [each.quote for each in self.shop.passages]
        own = [each.description for each in self.products]
        titles = {title for each in self.shop.passages for title in (each.title, each.section)}
        theirs = set(quote.casefold().split()) <= set(re.findall(r"[\w'’-]+", self.heard)) or quote in self.heard
        known = quote in titles or theirs or any(holds(each, quote) for each in (*pages, *own))
        return Claim(f"“{quote}”", "" if known else "it stands on no page and in no description")

    def name(self, name: str, product: Product) -> Claim:
        """Whether a product is called so."""
        return Claim(f"the name {name}", "" if self.names.fits(name, product) else f"that is {product.title}")

    def cheapest(self, product: Product) -> Iterator[Claim]:
        """Whether nothing that fits costs less; nothing is claimed where it cannot be told what fits."""
        if self.fitting and product.id in self.fitting and self.single:
            least = min(self.fitting, key=lambda each: min((self.fitting or {})[each]))
            true = min(self.fitting[product.id]) == min(self.fitting[least])
            yield Claim(f"{product.title} is the cheapest", "" if true else f"{self.shop.products[least].title} is")

    @cached_property
    def fitting(self) -> Mapping[str, list[int]] | None:
        """Products that meet what the shopper looks for -> prices of the variants that do; None: it cannot be told."""
        topic = self.topic
        if topic is None or topic.scope is None or topic.recipient or topic.unwanted or topic.reduced:
            return None
        wheres = [{each.field: _where(each, self.shop.facets.currency)} for each in topic.filters().conditions]
        found: dict[str, list[int]] = {}
        for product in self.shop.products.values():
            among = [each for each in product.variants if each.availability.orderable]
            for where in wheres:
                among = [each for each in among if fits(product, where, self.shop.facets, [each.id])]
            if among:
                found[product.id] = [each.price.amount for each in among]
        return found

    def _amounts(self, text: str, about: Sequence[Product]) -> Generator[Claim, None, str]:
        """The amounts that a text says of some products; returns the text without them."""
        for found in MONEY.finditer(text):
            value = amount(found)
            if self._is_money(value, about):
                yield Claim(found[0])
            elif value not in self._understood:
                yield Claim(found[0], f"no price or difference of {_titles(about)}, and not the shopper's amount")
        text = MONEY.sub(" ", text)
        for pattern in self._words.get("rated", ()):
            for found in re.finditer(pattern, text):
                true = Decimal(found[1]) in self._ratings(about) | self._heard
                yield Claim(f"rated {found[1]}", "" if true else f"not the rating of {_titles(about)}")
            text = re.sub(pattern, " ", text)
        for pattern in self._words.get("reviews", ()):
            for found in re.finditer(pattern, text):
                true = decimal(found[1]) in {Decimal(each.rating.count) for each in about if each.rating}
                yield Claim(found[0], "" if true else f"not the reviews of {_titles(about)}")
            text = re.sub(pattern, " ", text)
        spans = []
        for found in _MEASURE.finditer(text):
            if found[2] == "in" and re.match(r"\s+[a-z]", text[found.end() :]):
                continue  # "size 9 in stock"
            unit, measured = self._measured(found, about)
            if measured is not None:
                end = found.start(2) + len(unit)
                yield Claim(text[found.start() : end], "" if measured else f"nothing of {_titles(about)} measures that")
                spans.append((found.start(), end))
        for start, end in reversed(spans):
            text = f"{text[:start]} {text[end:]}"
        return text

    def _is_money(self, value: Decimal, about: Iterable[Product]) -> bool:
        """Whether an amount is a price, the shopper's, or a difference of these."""
        own = {price for each in about for price in prices(each)}
        turned = {each * rate for each in self._heard for rate in self.shop.settings.rates.values()}
        theirs = {each.quantize(unit, ROUND_HALF_UP) for each in turned for unit in (_CENT, Decimal(1))} | self._heard
        others = {price for each in self.products for price in prices(each)} | theirs
        return value in own | theirs | self._cited or any(abs(one - two) == value for one in own for two in others)

    def _measured(self, found: re.Match[str], about: Sequence[Product]) -> tuple[str, bool | None]:
        """The unit of an amount, and `_is_measure`; where no space ends a word, the longest that is a unit."""
        unit = found[2]
        for size in range(len(unit), 0, -1) if "一" <= unit[0] <= "鿿" else (len(unit),):
            measured = self._is_measure(found[1], unit[:size], about)
            if measured is not None:
                return unit[:size], measured
        return unit, None

    def _is_measure(self, number: str, unit: str, about: Sequence[Product]) -> bool | None:
        """Whether a product measures so much, or two differ by it; None where that is no measure at all."""
        read = {
            name: measured
            for name, field in self.shop.facets.fields.items()
            if field.unit and (measured := self.shop.facets.measure(name, f"{number} {unit}")) is not None
        }
        if not read:
            return None
        written = rf"(?<![\d.]){re.escape(number)}[\s-]?{re.escape(unit.casefold())}"
        values = [(name, value) for each in about for name, own in data(each) for value in own]
        labels = [label.casefold() for name, value in values for _, label in self.shop.glossary.labels(name, value)]
        if decimal(number) in self._heard | self._cited or any(
            re.search(written, words) for words in (*map(prose, about), *labels)
        ):
            return True
        for name, measured in read.items():
            own = [each for product in about for each in self._measures(name, product)]
            others = [each for product in self.products for each in self._measures(name, product)]
            gaps = [abs(one - two) for one in own for two in others]
            told = self._told(name, about)  # "30度" where the care says "at 30 °C"
            if any(abs(each - measured) <= _CLOSE * max(abs(measured), 1) for each in (*own, *gaps, *told)):
                return True
        return False

    def _measures(self, name: str, product: Product) -> list[float]:
        values = (*product.attributes.get(name, ()), *product.options.get(name, ()))
        return [measured for each in values if (measured := self.shop.facets.measure(name, each)) is not None]

    def _told(self, name: str, about: Iterable[Product]) -> list[float]:
        """What amounts in the words of some products come to in the unit of a field."""
        words = "\n".join(re.sub(r"(?<=\d)-(?=[a-z])", " ", prose(each)) for each in about)
        written = [f"{found[1]} {found[2]}" for found in _MEASURE.finditer(words)]
        return [measured for each in written if (measured := self.shop.facets.measure(name, each)) is not None]

    def _ratings(self, about: Iterable[Product]) -> set[Decimal]:
        """The ratings that may be said of some products; beside a rival, also the rival's."""
        beside = any(point.kind is PointKind.DIFFERENCE for point in self.reply.points)
        rated = [each.rating for each in (self.products if beside else about) if each.rating]
        return {Decimal(f"{each.value:.1f}") for each in rated}

    def _counts(self, text: str, about: Sequence[Product]) -> Iterator[Claim]:
        """Numbers with nothing behind them, in digits and words."""
        known = {Decimal(len(self.reply.cards)), Decimal(self.reply.total), Decimal(len(self.products))}
        known |= {Decimal(place) for place in range(1, len(self.reply.cards) + 1)}
        known |= {number for point in self.reply.points for number in numbers(point.facts.get("n", ""))}
        known |= {number for each in about for number in numbers(prose(each))}
        known |= {Decimal(each.rating.count) for each in about if each.rating}
        known |= self._heard | self._cited | self._ratings(self.products)
        words: Sequence[str] = book().get(self.language, {}).get("numbers", ())
        said = [(found[1], amount(found)) for found in _NUMBER.finditer(_OF_FIVE.sub(" ", text))]
        for n, word in enumerate(words):
            pattern = rf"(?i)\b{word}\b" if word.isascii() else rf"{word}(?=[款个种双件样])"
            if n >= _FROM and re.search(pattern, text):
                said.append((word, Decimal(n)))
        for written, number in said:
            yield Claim(f"the number {written}", "" if number in known else "nothing here is so many")

    def _of(self, text: str, product: Product) -> Iterator[Claim]:
        """What a text without amounts says of one product: its rank, its stock and its values."""
        if self.single:
            yield from self._first(text.casefold(), product)
        if self._denies(text):
            return
        for state in Availability:
            for words in (self.notation.availability(state), *self._words.get(state.value, ())):
                if words in text:
                    true = any(each.availability is state for each in product.variants)
                    yield Claim(f"{product.title} is {words}", "" if true else "no variant of it is")
                    text = text.replace(words, " ")
        pattern, labels = self.names.labels(self.language)
        own = {(name, value.casefold()) for name, values in data(product) for value in values}
        kind = f"{self.notation.value('kind', product.kind)} {product.kind} {product.department}".casefold()
        for found in pattern.finditer(text.casefold()):
            word = found[0]
            true = bool(labels[word] & own) or word in prose(product) or word in kind
            fields = {name for name, _ in labels[word]}
            rival = fields == {"brand"} and any(word == each.brand.casefold() for each in self.products)
            if true or not (rival or word in self.heard):
                had = [f"{name}: {', '.join(values)}" for name, values in data(product) if name in fields]
                yield Claim(f"{product.title}: {word}", "" if true else f"it has {'; '.join(had) or 'no such thing'}")

    def _first(self, text: str, product: Product) -> Iterator[Claim]:
        """Whether no other card beats what is called the cheapest or best rated here."""
        cards = [each for each in self.reply.cards if each.product_id in self.shop.products]
        if any(word in text for word in self._words.get("cheapest", ())):
            own = min(price for price in prices(product))
            better = [each.title for each in cards if each.price.major < own]
            yield Claim(f"{product.title} is the cheapest", f"{better[0]} is" if better else "")
        if any(word in text for word in self._words.get("best", ())):
            mine = product.rating.value if product.rating else 0.0
            better = [each.title for each in cards if each.rating and each.rating.value > mine]
            yield Claim(f"{product.title} is the best rated", f"{better[0]} is" if better else "")

    def _strange(self, text: str) -> Iterator[Claim]:
        """Names in a sentence that are nowhere in the shop: they were made up."""
        for found in (_LATIN if self.language == "zh" else _CAPITALS).finditer(text):
            name = found[0].strip(" .,").casefold()
            if len(name) >= _NAME and name not in self.heard:
                known = name in self.names.words or name == self.shop.facets.currency.casefold()
                yield Claim(f"the name {found[0]}", "" if known else "nothing in the shop is called that")

    @cached_property
    def _understood(self) -> set[Decimal]:
        """The limits as they were understood: where they were given in words, whether rightly cannot be told here."""
        said = [point.facts.get(name, "") for point in self.reply.points for name in _LIMITS]
        conditions = self.topic.filters().conditions if self.topic else ()
        limits = [limit for each in conditions if each.field == "price" for limit in (each.minimum, each.maximum)]
        known = {Money(round(limit), self.shop.facets.currency).major for limit in limits if limit is not None}
        return known | {amount(found) for text in said for found in MONEY.finditer(text)}

    def _denies(self, text: str) -> bool:
        if self.language == "zh":
            return any(word in text for word in self._words["denial"])
        return not self._words or not set(re.findall(r"[\w'’]+", text.casefold())).isdisjoint(self._words["denial"])


def data(product: Product) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every field of a product with its values."""
    yield from (("kind", (product.kind,)), ("department", (product.department,)), ("brand", (product.brand,)))
    yield from (*product.attributes.items(), *product.options.items())


def prices(product: Product) -> set[Decimal]:
    """All prices and list prices of a product."""
    listed = {each.list_price.major for each in product.variants if each.list_price}
    return listed | {each.price.major for each in product.variants}


def holds(text: str, quote: str) -> bool:
    """Whether a text has the quote word for word; where lines break does not matter."""
    return bool(quote.strip()) and " ".join(quote.split()).strip(" .。") in " ".join(text.split())


def numbers(text: str) -> list[Decimal]:
    """The numbers in a text, in digits."""
    return [decimal(found) for found in re.findall(_DIGITS, text)]


def amount(found: re.Match[str]) -> Decimal:
    """The number of a match that has it in one of its groups."""
    return decimal(next(group for group in found.groups() if group))


def decimal(written: str) -> Decimal:
    """A number as people write it: "1,299.00", "12,50"."""
    if re.fullmatch(r"\d{1,3}(?:[.,\u202f]\d{3})+", written):
        return Decimal(re.sub(r"\D", "", written))
    whole, _, cents = written.replace(",", ".").replace("\u202f", "").rpartition(".")
    return Decimal(f"{whole.replace('.', '') or 0}.{cents}") if whole else Decimal(cents)


def _titles(products: Sequence[Product]) -> str:
    return " or ".join(each.title for each in products[:3]) or "anything shown"


def _where(condition: Condition, currency: str) -> Mapping[str, Any]:
    """A condition as `eval.truth` reads it."""
    forms: dict[str, Any] = {"any": sorted(condition.any_of), "not": sorted(condition.none_of)}
    scale = float(Money(1, currency).major) if condition.field == "price" else 1.0
    for form, limit in (("min", condition.minimum), ("max", condition.maximum)):
        if limit is not None:
            forms[form] = limit * scale
    return {form: each for form, each in forms.items() if each != []}
