"""What a shop has, and how shoppers say what they want of it: the patterns of shopper.toml, filled."""

from __future__ import annotations

import random
import re
import string
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from eval.truth import Where, fits
from retrieval.catalog import Product
from retrieval.facets import Facets
from retrieval.glossary import Glossary

_LONGEST = {"en": (3, " "), "zh": (8, "")}  # how many words (signs) of a label are said, and what parts them
_OWN_WORDS = ("color", "size", "brand", "material")  # fields with patterns of their own
_PLURAL = {"ch": "es", "sh": "es"}
_YES = ("yes", "true")
_NO = ("no", "false", "none")


@cache
def patterns() -> Mapping[str, Any]:
    """What is written in shopper.toml."""
    return tomllib.loads((files("eval") / "shopper.toml").read_text("utf-8"))


def languages() -> list[str]:
    """The languages that shoppers speak."""
    return list(_LONGEST)


class Wares:
    """The products of a shop, by kind, and what is true of them."""

    def __init__(self, products: Mapping[str, Product], facets: Facets) -> None:
        self.products = products
        self.facets = facets
        self.kinds: dict[str, list[Product]] = defaultdict(list)
        endings: dict[str, list[Product]] = defaultdict(list)
        for product in products.values():
            self.kinds[product.kind].append(product)
            endings[_stem(product.title.split(",")[0]).rpartition(" ")[2]].append(product)
        # A title that ends with the name of a kind says that the product is one, wherever the feed has put it.
        self._of: dict[str, list[Product]] = {}
        self._named: dict[str, float] = {}
        for kind, own in self.kinds.items():
            name = _stem(_spoken(kind, "kind"))
            ending = endings.get(name.rpartition(" ")[2], [])
            called = [each for each in ending if _within(name, _stem(each.title.split(",")[0]))]
            self._of[kind] = list({each.id: each for each in (*own, *called)}.values())
            inside = [each for each in ending if each.kind == kind]
            telling = " " in name or 2 * len(inside) > len(ending)
            self._named[kind] = len(inside) / len(own) if telling else 0.0

    def of(self, kind: str) -> Sequence[Product]:
        """The products that are a `kind`, by their category or by their title."""
        return self._of.get(kind, ())

    def named(self, kind: str) -> float:
        """The share of a kind's titles that end as its name does; 0 where other kinds' do as well."""
        return self._named[kind]

    def meeting(self, where: Where, in_stock: bool = True) -> list[Product]:
        """The products of the kind in `where` that meet all of it with one variant; one that can be had, by default."""
        wanted = {name: value for name, value in where.items() if name != "kind"}
        wanted |= {"in_stock": True} if in_stock else {}
        return [each for each in self.of(where["kind"]) if fits(each, wanted, self.facets)]

    def broken(self, product: str, variant: str, where: Where) -> list[str]:
        """The conditions of `where` that a variant of a product breaks."""
        own = self.products[product]
        return [
            name
            for name, wanted in where.items()
            if not (
                any(each.id == product for each in self.of(wanted))
                if name == "kind"
                else fits(own, {name: wanted}, self.facets, [variant])
            )
        ]

    def stated(self, product: str, name: str, variant: str = "") -> tuple[str, ...]:
        """What the catalogue says of a field of a product, or of one of its variants; nothing where it is silent."""
        own = self.products[product]
        options = next((each.options for each in own.variants if each.id == variant), {})
        if name in options:
            return (options[name],)
        if name == "brand":
            return (own.brand,) if own.brand else ()
        return own.options.get(name) or own.attributes.get(name, ())


class Speech:
    """What shoppers of one language say in one shop.

    Args:
        language: one of `languages()`.
        wares: what the shop has.
        glossary: what its things are called.
    """

    def __init__(self, language: str, wares: Wares, glossary: Glossary) -> None:
        self.language = language
        self._said = patterns()[language]
        self._wares = wares
        self._glossary = glossary
        self._quality = re.compile(self._said["quality"])
        # kind -> field -> its values: a label that can mean two of them says nothing
        self._values: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for product in wares.products.values():
            for name, values in (*product.attributes.items(), *product.options.items(), ("brand", (product.brand,))):
                self._values[product.kind][name].update(value for value in values if value)

    def kind(self, kind: str) -> str:
        """What shoppers call a kind of product; "" where its name can mean another, or is no shopper's word.

        The name of a category ("formal", "decorative") is one only if the glossary has it, or titles end with it.
        """
        if not self._glossary.labels("kind", kind) and (self.language != "en" or self._wares.named(kind) < 1 / 3):
            return ""
        called = self._called("kind", kind)
        if not self._glossary.labels("kind", kind) and called.isalpha() and not called.endswith("s"):
            called = (
                f"{called.removesuffix('f')}ves" if called.endswith("f") else f"{called}{_PLURAL.get(called[-2:], 's')}"
            )
        others = (name for other in self._wares.kinds if other != kind for name in self._names("kind", other))
        return "" if any(_within(called, other) for other in others) else called

    def label(self, name: str, value: str, kind: str) -> str:
        """What shoppers who want a `kind` call the value of a field; "" where they do not say it.

        They do not say what is long or what is part of another value's name.
        """
        if name in patterns()["unsaid"] or self._wares.facets.field(name).number:
            return ""
        called = self._called(name, value)
        most, parts = _LONGEST[self.language]
        others = (
            label
            for other in self._values[kind][name]
            if other.casefold() != value.casefold()
            for label in (other, *self._names(name, other))
        )
        if len(called.split(parts) if parts else called) > most or any(_within(called, other) for other in others):
            return ""
        if value.casefold().split()[:1] in ([each] for each in patterns()["lacking"]):
            return ""
        return called if name in ("size", "brand") or not any(sign.isdigit() for sign in called) else ""

    def field(self, name: str) -> str:
        """What a field is called; "" where the language has no word for it."""
        called = self._glossary.label("field", name, self.language)
        return name if self.language == "en" else called if called != name else ""

    def way(self, name: str, wanted: Any, kind: str) -> str:
        """The table of `limits` that says a condition (one of eval/truth.py); "" where it is not said."""
        if name in ("price", "rating"):
            return name
        if name == "in_stock":
            return "stock"
        if name == "gender":
            return _group(wanted["not"])
        if isinstance(wanted, Mapping) and wanted.keys() & {"min", "max"}:
            return ("least" if "min" in wanted else "most") if self.field(name) else ""
        value = wanted["not"][0] if isinstance(wanted, Mapping) else wanted
        label = self.label(name, value, kind)
        if not label:
            return ""
        if isinstance(wanted, Mapping):
            return "not"
        if name in _OWN_WORDS:
            return name
        if value.casefold() in _YES:
            return "quality" if self._quality.search(label.casefold()) else "feature"
        if _within(self.field(name), label):
            return "feature"  # as "lifetime warranty" says that it is about the warranty
        if self.language == "zh" and _within(label, self.field(name)):
            return "quality"  # as 防水 says that it is about 防水性
        if self.language == "en" and any(spoken == "en" for spoken, _ in self._glossary.labels(name, value)):
            return "quality"  # a word that stands for itself, as "waterproof"
        return "value" if self.field(name) else ""

    def limit(self, form: str, name: str, wanted: Any, kind: str, chance: random.Random, **slots: str) -> str:
        """A condition in words: `form` is "brief", "full" or "wrong"; `slots` may give `which` and `bad`."""
        slots |= self._slots(name, wanted, kind, chance)
        return _filled(self._said["limits"][self.way(name, wanted, kind)][form], slots, chance)

    def act(self, act: str, chance: random.Random, **slots: str) -> str:
        """A whole message."""
        return _filled(self._said["acts"][act], slots, chance)

    def joined(self, limits: Iterable[str], chance: random.Random) -> str:
        """Several brief limits as one."""
        join: str = chance.choice(self._said["join"])
        return join.join(limits)

    def which(self, place: int, chance: random.Random) -> str:
        """The product at a place of those shown, counted from 0."""
        which: str = chance.choice(self._said["which"])
        return which.format(n=self._said["ordinals"][place], d=place + 1)

    def price(self, price: float, chance: random.Random) -> str:
        """An amount of money in the shop's currency."""
        currency = self._wares.facets.currency
        sign, word = self._said["currency"].get(currency, ("", f" {currency}"))
        way: str = chance.choice([way for way in self._said["price"] if sign or "{sign}" not in way])
        return " ".join(way.format(sign=sign, word=word, number=f"{price:.0f}").split())

    def means(self, words: str, name: str, value: str) -> bool:
        """Whether `words` are what the value of a field is called, by any of its names."""
        names = {value, *(label for _, label in self._glossary.labels(name, value))}
        return words.casefold().strip(" .") in {each.casefold() for each in names}

    def _called(self, name: str, value: str) -> str:
        names = self._names(name, value)
        return names[0] if names else ""

    def _names(self, name: str, value: str) -> list[str]:
        """What a value is called in the language: the name that shoppers use, then the others."""
        labels = [label for spoken, label in self._glossary.labels(name, value) if spoken == self.language]
        folded = value.casefold()
        if folded in (*_YES, *_NO):
            own = [self.field(name)] if self.language == "en" and folded in _YES else []
            return [*own, *(label for label in labels if len(label) > 1)]  # 是 and 否 name nothing
        spoken = self.language == "en" or name == "brand" or (name == "size" and not labels)
        return [_spoken(value, name), *labels] if spoken else labels

    def _slots(self, name: str, wanted: Any, kind: str, chance: random.Random) -> dict[str, str]:
        if name == "price":
            return {"price": self.price(wanted["max"], chance)}
        if name == "rating":
            return {"stars": f"{wanted['min']:g}"}
        if name in ("in_stock", "gender"):
            return {}
        if isinstance(wanted, Mapping) and wanted.keys() & {"min", "max"}:
            return {"field": self.field(name), "amount": self._amount(next(iter(wanted.values())))}
        value = wanted["not"][0] if isinstance(wanted, Mapping) else wanted
        return {"field": self.field(name), "value": self.label(name, value, kind)}

    def _amount(self, amount: str) -> str:
        """An amount of the catalogue, as "1.5 L", with the unit as the language writes it."""
        number, _, unit = amount.partition(" ")
        called: str = self._said["units"].get(unit, unit)
        return f"{number}{called}" if self.language == "zh" else f"{number} {called}".strip()


def _group(barred: Iterable[str]) -> str:
    """Whom a condition on the gender lets in, as a table of `limits`."""
    folded = {value.casefold() for value in barred}
    return next(str(group) for group, values in patterns()["genders"].items() if not folded & set(values))


def _filled(choices: Iterable[str], slots: Mapping[str, str], chance: random.Random) -> str:
    """One of the patterns that the slots can fill, filled."""
    filled = {name: value for name, value in slots.items() if value}
    return chance.choice([each for each in choices if _needs(each) <= filled.keys()]).format(**filled)


@cache
def _needs(pattern: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(pattern) if name)


def _stem(words: str) -> str:
    """The words without the endings of the plural: that of watches and of a watch is the same."""
    return " ".join(re.sub(r"(?<=[^s'])s$", "", word).removesuffix("e") for word in words.casefold().split())


def _within(part: str, whole: str) -> bool:
    """Whether `part` stands in `whole`, as words where it is written in letters."""
    part, whole = part.casefold(), whole.casefold()
    return bool(part) and (f" {part} " in f" {whole} " if part.isascii() else part in whole)


def _spoken(value: str, name: str) -> str:
    """A value of the catalogue as it is written within a sentence."""
    if name in ("brand", "size"):
        return value
    if name == "kind" and value == value.lower():
        return value.replace("-", " ")  # a feed's own path
    return value[:1].lower() + value[1:] if value[1:2].islower() else value
