"""Scenes for the checker: what a shopper asked, what is on the screen, and what may be said, by the catalogue alone."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

from assistant.config import Settings
from assistant.dialogue import Source
from assistant.evidence import Evidence
from eval.truth import Where, fits
from retrieval.catalog import Money, Product, Variant
from retrieval.facets import Facets
from retrieval.filters import Filters
from retrieval.glossary import Glossary

LANGUAGES = ("en", "zh")
_SHOWN = 4  # cards of a slate
_FEW = 2  # products that must fit for there to be anything to compare
_MANY = 14  # beyond, a scene says nothing that a smaller one does not
_TRIES = 30
_LONG = 30  # a value longer than this is prose
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_PAGE = re.compile(r"^(.+?)(?:\.([a-z]{2}))?$")
_AMOUNT = re.compile(r"([-−]?\d[\d.,]*)\s*([^\d\s].*)?")


@cache
def book() -> Mapping[str, Any]:
    """The sentences of `grounding.toml`."""
    return tomllib.loads(files("eval").joinpath("grounding.toml").read_text("utf-8"))


def mark(*texts: str) -> str:
    """Six letters that tell texts from others: an item is named so, for runs are compared item by item."""
    return sha256("\n".join(texts).encode()).hexdigest()[:6]


@dataclass(frozen=True)
class Passage:
    """A paragraph of one of the shop's pages; `page` is the file's name without language and ending."""

    page: str
    language: str
    title: str
    section: str
    quote: str

    @property
    def source(self) -> Source:
        """The passage as a reply cites it."""
        return Source(self.title, self.section, self.quote)


def passages(folder: Path) -> tuple[Passage, ...]:
    """The paragraphs of the Markdown pages in `folder`, without their marks; none where there is no such folder."""
    found = []
    for path in sorted(folder.glob("*.md")):
        named = _PAGE.match(path.stem)
        page, language = (named[1], named[2] or "en") if named else (path.stem, "en")
        title, section = page, ""
        for block in re.split(r"\n\s*\n", path.read_text("utf-8").replace("\r\n", "\n")):
            lines = block.strip().split("\n")
            while lines and (heading := _HEADING.match(lines[0])):
                title, section = (heading[2], "") if len(heading[1]) == 1 else (title, heading[2])
                del lines[0]
            quote = " ".join(re.sub(r"^\s*[-*]\s+", "", line).replace("**", "").strip() for line in lines).strip()
            if quote:
                found.append(Passage(page, language, title, section, quote))
    return tuple(found)


@dataclass(frozen=True)
class Scene:
    """A turn that a reply could answer.

    Attributes:
        products: id -> every product that may be spoken of.
        slate: ids of the cards on the screen of this turn.
        fitting: ids of all products of the shop that meet `where`; empty where the turn asks about one product.
        variants: id -> the variants that meet `where`, for those that fit.
        where: the shopper's conditions, the kind among them.
        focus: the product asked about, or "".
        heard: what the shopper wrote.
        rendered: strings about no product that the plan of such a reply would hold.
    """

    language: str
    kind: str
    products: Mapping[str, Product]
    heard: str
    where: Where
    slate: tuple[str, ...] = ()
    fitting: tuple[str, ...] = ()
    variants: Mapping[str, frozenset[str]] | None = None
    focus: str = ""
    passage: Passage | None = None
    rendered: frozenset[str] = frozenset()

    def variants_of(self, product: Product) -> list[Variant]:
        """The variants whose price and stock may be said."""
        chosen = (self.variants or {}).get(product.id)
        return [each for each in product.variants if chosen is None or each.id in chosen]

    def offer(self, product: Product) -> Variant:
        """The variant whose price stands on the card."""
        among = self.variants_of(product)
        orderable = [each for each in among if each.availability.orderable]
        return min(orderable or among, key=lambda each: each.price.amount)

    @property
    def context(self) -> tuple[str, ...]:
        """The products last spoken of."""
        return (self.focus,) if self.focus else ()

    def evidence(self, facets: Facets) -> Evidence:
        """All that the reply may rest on, as a turn of the assistant would give it."""
        limits = {name: wanted for name, wanted in self.where.items() if name != "kind"}
        return Evidence(
            products=self.products,
            slate=self.slate,
            fitting=self.fitting,
            variants=dict(self.variants or {}),
            conditions=Filters.parse(limits, facets).conditions,
            shopper_text=self.heard,
            passages=(self.passage.source,) if self.passage else (),
            facts={"": self.rendered},
            best=self.focus or next(iter(self.slate), ""),
        )

    def told(self, facets: Facets) -> Iterator[tuple[str, str]]:
        """The scene in words: what was asked, what was shown, and the data of it."""
        yield "shopper", self.heard
        if self.fitting:
            yield f"cards ({len(self.fitting)} fit)", "\n".join(self._line(self.products[each]) for each in self.slate)
        others = [each for each in self.products if each not in self.slate]
        if others:
            yield "may be spoken of", "\n".join(self._line(self.products[each]) for each in others)
        if self.passage:
            yield f"page: {self.passage.title}, {self.passage.section}", self.passage.quote

    def _line(self, product: Product) -> str:
        offer = self.offer(product)
        rated = f", rated {product.rating.value} by {product.rating.count}" if product.rating else ""
        reduced = f", was {offer.list_price}" if offer.list_price else ""
        had = "; ".join(f"{name}: {', '.join(values)}" for name, values in product.attributes.items())
        return f"{product.title}: {offer.price}{reduced}, {offer.availability}{rated}; {had}"


class Shop:
    """One shop's data, as scenes are drawn from it."""

    def __init__(
        self,
        products: Mapping[str, Product],
        facets: Facets,
        glossary: Glossary,
        settings: Settings,
    ) -> None:
        self.products = products
        self.facets = facets
        self.glossary = glossary
        self.settings = settings
        self.passages = passages(settings.shop / "policies")
        self.kinds: dict[str, list[Product]] = defaultdict(list)
        for product in products.values():
            self.kinds[product.kind].append(product)

    @cached_property
    def words(self) -> Mapping[str, int]:
        """Word of a title or brand, casefolded -> how many products have it there."""
        counts: dict[str, int] = defaultdict(int)
        for product in self.products.values():
            for word in set(re.findall(r"\w+", f"{product.title} {product.brand}".casefold())):
                counts[word] += 1
        return counts

    @cached_property
    def prose(self) -> str:
        """All that the shop's pages say, casefolded."""
        return "\n".join(each.quote for each in self.passages).casefold()

    def label(self, field: str, value: str, language: str) -> str:
        """What a value is called; "" where the language has no name for it."""
        if language == "en":
            return value
        amount = _AMOUNT.fullmatch(value)
        if amount:
            unit = book()[language]["units"].get(amount[2] or "", amount[2] or "")
            return f"{amount[1]}{' ' if unit.isascii() and unit else ''}{unit}"
        label = self.glossary.label(field, value, language)
        return label if label != value else ""

    def named(self, field: str, language: str) -> str:
        """What a field is called; "" where the language has no name for it."""
        if language == "en":
            return field
        label = self.glossary.label("field", field, language)
        return label if label != field else ""

    def kind(self, kind: str, language: str) -> str:
        """What a kind of product is called; "" where the language has no name for it."""
        lower = kind[:1].lower() + kind[1:] if kind[1:2].islower() else kind  # a T-shirt keeps its T
        return lower if language == "en" else self.label("kind", kind, language)

    def speaks(self, language: str) -> bool:
        """Whether scenes can be drawn in a language: the kinds have names in it."""
        return any(kind and self.kind(kind, language) for kind in self.kinds)

    def money(self, amount: Money, language: str, random: Random | None = None) -> str:
        """An amount as people write it: "$64", and with `random` also "$64.00" or "64 dollars"."""
        whole = amount.major == amount.major.to_integral_value()
        short = f"{amount.major:,.0f}" if whole else f"{amount.major:,}"
        sign = book()["signs"].get(amount.currency)
        signed = f"{sign}{short}" if sign else f"{short} {amount.currency}"
        word = book()[language]["currencies"].get(amount.currency)
        if random is None or random.random() < 0.6:
            return signed
        if word and random.random() < 0.6:
            return f"{short} {word}" if language == "en" else f"{short}{word}"
        return f"{sign}{amount.major:,.2f}" if sign else signed

    def scene(self, language: str, random: Random, about: str) -> Scene | None:
        """A scene in which a statement `about` one of the kinds of statements may be found; None where none came up."""
        for _ in range(_TRIES):
            kinds = [kind for kind, products in self.kinds.items() if kind and len(products) > _FEW]
            kind = random.choice(kinds) if kinds else ""
            if not kind or not self.kind(kind, language):
                continue
            single = about in ("policy", "attribute", "rating", "price") and random.random() < 0.4
            single |= about == "stock" and random.random() < 0.75
            scene = self._question(kind, language, random) if single else self._slate(kind, language, random)
            if scene and about == "policy":
                return self._asked(scene, language, random)
            if scene:
                return scene
        return None

    def _slate(self, kind: str, language: str, random: Random) -> Scene | None:
        """Products of a kind that meet up to two conditions."""
        among = self.kinds[kind]
        where: dict[str, Any] = {"kind": kind}
        limits = ""
        for _ in range(random.choice((0, 1, 1, 2))):
            name, wanted, words = self._condition(among, language, random)
            if name and name not in where:
                where[name] = wanted
                limits += words
        orderable = {each.id: [v.id for v in each.variants if v.availability.orderable] for each in among}
        variants = {
            each.id: frozenset(v for v in orderable[each.id] if fits(each, where, self.facets, [v])) for each in among
        }
        fitting = tuple(each.id for each in among if variants[each.id])
        if not _FEW <= len(fitting) <= _MANY:
            return None
        slate = tuple(random.sample(fitting, min(len(fitting), _SHOWN)))
        called = self.kind(kind, language)
        heard = random.choice(book()[language]["shopper"]["seek"]).format(kind=called, limits=limits)
        said = {called, limits.strip(" ,，"), str(len(fitting)), self.settings.name, self.settings.contact}
        return Scene(
            language=language,
            kind=kind,
            products={each: self.products[each] for each in (*slate, *fitting)},
            heard=heard,
            where=where,
            slate=slate,
            fitting=fitting,
            variants={each: variants[each] for each in fitting},
            rendered=frozenset(said - {""}),
        )

    def _question(self, kind: str, language: str, random: Random) -> Scene:
        """One product asked about, of a few of its kind that were shown before."""
        known = random.sample(self.kinds[kind], min(len(self.kinds[kind]), _SHOWN))
        heard = random.choice(book()[language]["shopper"]["ask"]).format(name=known[0].title)
        return Scene(
            language=language,
            kind=kind,
            products={each.id: each for each in known},
            heard=heard,
            where={"kind": kind},
            focus=known[0].id,
            rendered=frozenset({self.settings.name, self.settings.contact} - {""}),
        )

    def _asked(self, scene: Scene, language: str, random: Random) -> Scene | None:
        """The scene with a question about one of the shop's pages."""
        pages = [each for each in self.passages if each.language == language]
        if not pages:
            return None
        passage = random.choice(pages)
        section = (passage.section or passage.title).casefold()
        asked = random.choice(book()[language]["shopper"]["policy"]).format(section=section)
        return Scene(
            **{
                **vars(scene),
                "passage": passage,
                "heard": asked,
                "rendered": scene.rendered | {passage.quote, passage.title},
            }
        )

    def _condition(self, among: Sequence[Product], language: str, random: Random) -> tuple[str, Any, str]:
        """A condition that some of the products meet: field, what it must be, and the words for it; "" where none."""
        limits: Mapping[str, str] = book()[language]["limit"]
        product = random.choice(among)
        if random.random() < 0.4:
            limit = Money.of(int(product.offer.price.major * 5 // 4 // 5 + 1) * 5, self.facets.currency)
            return "price", {"max": float(limit.major)}, limits["price"].format(limit=self.money(limit, language))
        stated = [*((name, product.options[name][0]) for name in ("color", "size") if name in product.options)]
        stated += [(name, values[0]) for name, values in product.attributes.items() if self.plain(name, values)]
        if not stated:
            return "", None, ""
        name, value = random.choice(stated)
        yes = value.casefold() == "yes"
        words = self.named(name, language) if yes else self.label(name, value, language)
        if not words or value.casefold() == "no":
            return "", None, ""
        form = "yes" if yes else name if name in limits else "word"
        return name, value, limits[form].format(value=words, field=words)

    def plain(self, name: str, values: Sequence[str]) -> bool:
        """Whether an attribute is one fact that can be said and be wrong: not a matter of taste, not prose."""
        known = self.facets.fields.get(name)
        return (
            known is not None
            and name not in book()["vague"]
            and all(value.casefold() != "none" and len(value) <= _LONG for value in values)
        )

    def amount(self, field: str, product: Product) -> float | None:
        """The product's number in a numeric field, in the field's unit."""
        values = product.attributes.get(field, ())
        return self.facets.measure(field, values[0]) if len(values) == 1 else None
