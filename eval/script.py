"""Scripted dialogues: what a shopper says, what must and must not come of it, and whether it did.

A dialogue is one line of dialogues.jsonl:

    {"id": "en-kettle", "language": "en", "goal": "...", "tags": ["mind"], "planted": false,
     "turns": [{"say": "...", "expect": {...}}, ...], "end": {"looking_for": WHERE}}

where WHERE is conditions as `eval.truth` reads them, and `expect` may have

    shows: true | false     cards are shown, or are not
    every: WHERE            every card shown meets it
    none: WHERE             no card shown meets it
    includes, excludes: IDS    products that are, and that are not, among the cards
    first: ID               the first card
    total: WHERE            as many products fit, by the reply, as meet it by the catalogue
    says, never: CLAIMS     all of them are made, none of them is
    cites: PAGES            a passage of each of these policy pages ("returns") is among the sources
    asks: true | false      answers to click are offered, or are not
    language: CODE          of the reply's own words; without it the dialogue's

A claim is {"claim": KIND or [KIND, ...], "product": ID, "value": TEXT}: a point of one of the kinds, about the
product and with the value where they are given; or {"text": TEXT}: just these words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from typing import Any

from assistant.plan import Point, PointKind
from eval import truth
from eval.suite import Record
from eval.talk import Reply
from retrieval.catalog import Product
from retrieval.errors import MerchantError
from retrieval.facets import Facets

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # what a session may be called
_CODE = re.compile(r"[a-z]{2}")
_NOTHING_FITS = frozenset({PointKind.NONE_FIT, PointKind.NOT_CARRIED})
_NAMED = 5  # products that a sentence names


@dataclass(frozen=True)
class Shop:
    """What is true of a shop. `pages` is the name of a policy page -> its words, in all its languages."""

    products: Mapping[str, Product]
    facets: Facets
    pages: Mapping[str, str]

    def fits(self, product_id: str, where: truth.Where) -> bool:
        """Whether a product meets the conditions."""
        return truth.fits(self.products[product_id], where, self.facets)

    def meeting(self, where: truth.Where) -> Iterator[str]:
        """The products that meet the conditions."""
        kind = where.get("kind")
        # A kind is ten products of a thousand, and nearly all conditions name one.
        among = self._of_kind.get(kind.casefold(), ()) if isinstance(kind, str) else self.products
        return (each for each in among if self.fits(each, where))

    @cached_property
    def _of_kind(self) -> Mapping[str, list[str]]:
        kinds: dict[str, list[str]] = defaultdict(list)
        for product in self.products.values():
            kinds[product.kind.casefold()].append(product.id)
        return kinds

    def fitting(self, where: truth.Where) -> frozenset[str]:
        """The products that meet the conditions and can be ordered; where none can, all that meet them."""
        every = frozenset(self.meeting(where))
        orderable = frozenset(each for each in every if self.fits(each, {**where, "in_stock": True}))
        return orderable or every

    def named(self, ids: Iterable[str]) -> str:
        """A few of the products, by title."""
        titles = sorted(self.products[each].title for each in ids)
        more = f" and {len(titles) - _NAMED} more" if len(titles) > _NAMED else ""
        return (", ".join(titles[:_NAMED]) or "nothing") + more


@dataclass(frozen=True)
class Claim:
    """Something a reply may say: a point of one of `kinds`, or certain words."""

    kinds: frozenset[PointKind] = frozenset()
    product: str = ""
    value: str = ""
    text: str = ""

    def made(self, reply: Reply, shop: Shop) -> bool:
        """Whether the reply says it: in a point, whose value then stands in the words too."""
        if self.text:
            return holds(reply.text, self.text)
        return any(self._is(point, reply, shop) for point in reply.points)

    def _is(self, point: Point, reply: Reply, shop: Shop) -> bool:
        if point.kind not in self.kinds:
            return False
        if self.product and point.product_ids and self.product not in point.product_ids:
            return False
        if self.product and not point.product_ids and point.facts.get("name") != shop.products[self.product].title:
            return False
        if not self.value:
            return True
        # A number may be told as a word, which is a fact of its own.
        told = (self.value, point.facts.get("count", self.value))
        return any(holds(fact, self.value) for fact in point.facts.values()) and any(
            holds(reply.text, each) for each in told
        )

    def __str__(self) -> str:
        if self.text:
            return f"the words {self.text!r}"
        return " ".join(filter(None, ("/".join(sorted(self.kinds)), self.product and f"of {self.product}", self.value)))


@dataclass(frozen=True)
class Verdict:
    """What came of one expectation: `missed` is "" where it was met, and else what happened instead.

    `figure` is what it counts for, and `severity` how bad it is to miss it, from 0 to 1.
    """

    figure: str
    severity: float
    missed: str


@dataclass(frozen=True)
class Turn:
    """A message, the language of the reply, and name -> value of what else is expected of it."""

    say: str
    language: str
    expect: Mapping[str, Any]

    def judge(self, reply: Reply, shop: Shop) -> Iterator[Verdict]:
        """What came of each expectation, the language excepted."""
        for name, wanted in self.expect.items():
            kind = EXPECTATIONS[name]
            yield Verdict(kind.figure, kind.severity, kind.missed(wanted, reply, shop))


@dataclass(frozen=True)
class Dialogue:
    """A scripted conversation; `looking_for` is what the assistant must be looking for at its end, if that matters."""

    id: str
    language: str
    goal: str
    tags: tuple[str, ...]
    planted: bool
    turns: tuple[Turn, ...]
    looking_for: truth.Where | None


def dialogue(shops: Mapping[bool, Shop], record: Record) -> Dialogue:
    """The dialogue of one line.

    Args:
        shops: the shop as it is (False), and, if there is one, with the planted products (True).

    Raises:
        MerchantError: anything in it that nothing reads, or that could never be met.
    """
    name = record.take("id", str)
    if not _NAME.fullmatch(name):
        raise MerchantError(f"{record.place}: id is {name!r}; use 1 to 64 letters, digits, dots, hyphens, underscores")
    planted = record.take("planted", bool, False)
    if planted not in shops:
        raise MerchantError(f"{record.place}: planted is true, and there is no planted.jsonl beside it; write one")
    shop, language, turns = shops[planted], _language(record), _objects("turns", record)
    if not turns:
        raise MerchantError(f"{record.place}: turns is empty; a dialogue has at least one")
    ended = record.take("end", dict, {})
    end = Record(f"{record.place}, end", ended)
    looking_for = _where("looking_for", end, shop) if "looking_for" in ended else None
    end.done()
    return Dialogue(
        id=name,
        language=language,
        goal=record.take("goal", str),
        tags=_texts("tags", record),
        planted=planted,
        turns=tuple(
            _turn(Record(f"{record.place}, turn {number}", turn), language, shop)
            for number, turn in enumerate(turns, 1)
        ),
        looking_for=looking_for,
    )


def _turn(record: Record, language: str, shop: Shop) -> Turn:
    say, wanted = record.take("say", str), record.take("expect", dict, {})
    record.done()
    expected = Record(record.place, wanted)
    language = _language(expected, language)
    expect = {name: kind.read(name, expected, shop) for name, kind in EXPECTATIONS.items() if name in wanted}
    expected.done()
    return Turn(say, language, expect)


def _language(record: Record, default: str | None = None) -> str:
    code = record.take("language", str, default)
    if not _CODE.fullmatch(code):
        raise MerchantError(f"{record.place}: language is {code!r}; write an ISO 639-1 code such as en or zh")
    return code


def _flag(name: str, record: Record, shop: Shop) -> bool:
    return record.take(name, bool)


def _where(name: str, record: Record, shop: Shop) -> truth.Where:
    where = record.take(name, dict)
    try:
        truth.check(where, shop.facets, shop.products)
    except MerchantError as error:
        raise MerchantError(f"{record.place}, {name}: {error}") from error
    return where


def _met(name: str, record: Record, shop: Shop) -> truth.Where:
    where = _where(name, record, shop)
    if not any(shop.meeting(where)):
        raise MerchantError(f"{record.place}, {name}: no product of the shop meets {where}; mend a condition")
    return where


def _id(name: str, record: Record, shop: Shop) -> str:
    return _known(record.take(name, str), record, shop)


def _ids(name: str, record: Record, shop: Shop) -> tuple[str, ...]:
    return tuple(_known(each, record, shop) for each in _texts(name, record))


def _known(product_id: str, record: Record, shop: Shop) -> str:
    if product_id not in shop.products:
        raise MerchantError(f"{record.place}: no product has the id {product_id!r}")
    return product_id


def _pages(name: str, record: Record, shop: Shop) -> tuple[str, ...]:
    pages = _texts(name, record)
    if unknown := sorted(set(pages) - set(shop.pages)):
        raise MerchantError(f"{record.place}: there is no page {unknown[0]!r}; there are {', '.join(shop.pages)}")
    return pages


def _claims(name: str, record: Record, shop: Shop) -> tuple[Claim, ...]:
    return tuple(
        _claim(Record(f"{record.place}, {name} {number}", each), isinstance(each.get("claim"), list), shop)
        for number, each in enumerate(_objects(name, record), 1)
    )


def _claim(record: Record, several: bool, shop: Shop) -> Claim:
    claim = Claim(text=record.take("text", str, ""))
    if not claim.text:
        kinds = _texts("claim", record) if several else (record.take("claim", str),)
        product, value = record.take("product", str, ""), record.take("value", str, "")
        if unknown := sorted(set(kinds) - set(PointKind)):
            raise MerchantError(f"{record.place}: {unknown[0]!r} is no claim; use {', '.join(PointKind)}")
        claim = Claim(frozenset(map(PointKind, kinds)), product and _known(product, record, shop), value)
    record.done()
    for words in filter(None, (claim.text, claim.value)):
        if not _tokens(words):
            raise MerchantError(f"{record.place}: {words!r} has no word and no number; write one")
    return claim


def _texts(name: str, record: Record) -> tuple[str, ...]:
    return tuple(_listed(name, record, str, "texts"))


def _objects(name: str, record: Record) -> list[dict[str, Any]]:
    return _listed(name, record, dict, "objects")


def _listed(name: str, record: Record, kind: type[Any], called: str) -> list[Any]:
    listed = record.take(name, list)
    if bad := [each for each in listed if not isinstance(each, kind)]:
        raise MerchantError(f"{record.place}: {name} has {bad[0]!r}; it must be a list of {called}")
    return listed


# How each expectation is judged: "" where the reply meets it


def _shows(wanted: bool, reply: Reply, shop: Shop) -> str:
    return "" if wanted == bool(reply.cards) else f"wanted {'cards' if wanted else 'no cards'}; {_shown(reply)}"


def _cards(verb: str, wanted: bool, where: truth.Where, reply: Reply, shop: Shop) -> str:
    bad = [card.product_id for card in reply.cards if shop.fits(card.product_id, where) is not wanted]
    return f"wanted {verb} {where}; shown all the same: {shop.named(bad)}" if bad else ""


def _includes(ids: Sequence[str], reply: Reply, shop: Shop) -> str:
    lacking = set(ids) - {card.product_id for card in reply.cards}
    return f"wanted among the cards: {shop.named(lacking)}; {_shown(reply)}" if lacking else ""


def _excludes(ids: Sequence[str], reply: Reply, shop: Shop) -> str:
    bad = set(ids) & {card.product_id for card in reply.cards}
    return f"wanted not to see {shop.named(bad)}" if bad else ""


def _first(wanted: str, reply: Reply, shop: Shop) -> str:
    right = bool(reply.cards) and reply.cards[0].product_id == wanted
    return "" if right else f"wanted {shop.named([wanted])} first; {_shown(reply)}"


def _total(where: truth.Where, reply: Reply, shop: Shop) -> str:
    wanted = len(shop.fitting(where))
    told = {int(point.facts["n"]) for point in reply.points if point.kind is PointKind.FOUND}
    if not told and any(point.kind in _NOTHING_FITS for point in reply.points):
        told = {0}  # the cards, if any, are of what comes near
    elif reply.cards:
        told.add(reply.total)
    numbers = " and ".join(map(str, sorted(told))) or "no number"
    return "" if told == {wanted} else f"wanted {wanted} to fit ({where}); told {numbers}"


def _says(claims: Sequence[Claim], reply: Reply, shop: Shop) -> str:
    lacking = "; ".join(str(claim) for claim in claims if not claim.made(reply, shop))
    return f"wanted it to say {lacking}; {_said(reply)}" if lacking else ""


def _never(claims: Sequence[Claim], reply: Reply, shop: Shop) -> str:
    bad = "; ".join(str(claim) for claim in claims if claim.made(reply, shop))
    return f"wanted it not to say {bad}; {_said(reply)}" if bad else ""


def _cites(pages: Sequence[str], reply: Reply, shop: Shop) -> str:
    quotes = [letters(source.quote) for source in reply.sources]
    lacking = ", ".join(page for page in pages if not any(quote in shop.pages[page] for quote in quotes))
    cited = "; ".join(f"{source.title}, {source.section}" for source in reply.sources) or "nothing"
    return f"wanted a passage of {lacking}; cited {cited}" if lacking else ""


def _asks(wanted: bool, reply: Reply, shop: Shop) -> str:
    offered = " | ".join(reply.choices) or "none"
    return "" if wanted == bool(reply.choices) else f"wanted {'' if wanted else 'no '}choices; offered {offered}"


def _shown(reply: Reply) -> str:
    return f"shown {', '.join(card.title for card in reply.cards) or 'nothing'}"


def _said(reply: Reply) -> str:
    points = (f"{point.kind} ({', '.join(point.facts.values())})" for point in reply.points)
    return f"said {'; '.join(points) or 'nothing'}"


@dataclass(frozen=True)
class Expectation:
    """A kind of expectation: what it counts for, how it is read from a line, and what of it a reply misses."""

    figure: str
    severity: float
    read: Callable[[str, Record, Shop], Any]
    missed: Callable[[Any, Reply, Shop], str]


EXPECTATIONS: Mapping[str, Expectation] = {
    "shows": Expectation("products right", 0.6, _flag, _shows),
    "every": Expectation("limits kept", 0.9, _met, partial(_cards, "only", True)),
    "none": Expectation("limits kept", 0.9, _where, partial(_cards, "nothing of", False)),
    "includes": Expectation("products right", 0.6, _ids, _includes),
    "excludes": Expectation("limits kept", 0.9, _ids, _excludes),
    "first": Expectation("products right", 0.6, _id, _first),
    "total": Expectation("products right", 0.6, _where, _total),
    "says": Expectation("claims made", 0.6, _claims, _says),
    "never": Expectation("claims not made", 1.0, _claims, _never),
    "cites": Expectation("sources", 0.5, _pages, _cites),
    "asks": Expectation("asks", 0.2, _flag, _asks),
}


# Words


# A number, a letter of a script that writes no spaces, or a word.
EASTERN = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af"
_TOKEN = re.compile(rf"\d+(?:[.,]\d+)*|[{EASTERN}]|[^\W\d_{EASTERN}]+")
_GROUPED = re.compile(r"\d{1,3}([.,]\d{3})+")


def holds(text: str, words: str) -> bool:
    """Whether `words` stand in `text` one after another, whatever signs are between them; numbers count as numbers."""
    have, want = _tokens(text), _tokens(words)
    starts = range(len(have) - len(want) + 1)
    return any(all(one & two for one, two in zip(have[start:], want, strict=False)) for start in starts)


def letters(text: str) -> str:
    """The letters and digits of a text, which stay the same however it is set."""
    return re.sub(r"[\W_]+", "", text.casefold())


def _tokens(text: str) -> list[frozenset[str]]:
    return [_ways(found) for found in _TOKEN.findall(text.casefold())]


def _ways(token: str) -> frozenset[str]:
    """The ways to read a token: "1,299" is 1299, and 1.299 where the comma is the decimal point."""
    if not token[0].isdecimal():
        return frozenset({token})
    whole, _, fraction = token.replace(",", ".").rpartition(".")
    read = {f"{whole.replace('.', '')}.{fraction}" if whole else token}
    if _GROUPED.fullmatch(token):
        read.add(re.sub("[.,]", "", token))
    return frozenset(str(Decimal(each).normalize()) for each in read)
