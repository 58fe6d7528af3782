"""Does it hold a whole conversation: are its claims true, its limits kept and its topic the shopper's?

Dialogues are scripted, one a line of dialogues.jsonl: what the shopper says, and what must and must not come of it.
They are scored by what happened (the products shown, the points said, the end state) and never by wording; a
dialogue is right when everything in it is (the reward of tau-bench, Yao et al., 2024). Some are held in a copy of the
shop that also sells what planted.jsonl has, whose texts are hostile.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property, partial
from typing import Any

from assistant.conversation import Assistant
from assistant.plan import Point, PointKind
from eval import truth
from eval.figures import Figure
from eval.suite import Failure, Findings, Record, Unmeasured, World
from eval.talk import Reply, Talk
from retrieval.catalog import Catalog, Product
from retrieval.errors import MerchantError
from retrieval.facets import Facets
from retrieval.index import update

_SMALL = 48  # dialogues of a small run
_TAGGED = 3  # dialogues that a tag must have for a figure of its own
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # of a session
_REAL, _END, _SPOKEN = "real replies", "end state", "reply language"


@dataclass(frozen=True)
class Shop:
    """A shop to talk with, and what is true of it.

    Attributes:
        pages: name of a policy page -> its words, in all languages.
        open: its assistant, which is only needed when a dialogue is held.
    """

    products: Mapping[str, Product]
    facets: Facets
    pages: Mapping[str, str]
    open: Callable[[], Assistant]

    @cached_property
    def assistant(self) -> Assistant:
        """The shop's assistant."""
        return self.open()

    def fits(self, product_id: str, where: truth.Where) -> bool:
        """Whether a product meets the conditions."""
        return truth.fits(self.products[product_id], where, self.facets)

    def fitting(self, where: truth.Where) -> frozenset[str]:
        """The products that meet the conditions, of which those that cannot be ordered count only if none can."""
        orderable = frozenset(each for each in self.products if self.fits(each, {**where, "in_stock": True}))
        return orderable or frozenset(each for each in self.products if self.fits(each, where))


@dataclass(frozen=True)
class Claim:
    """Something a reply may say: a point of one of `kinds`, about a product, with a value; or just certain words."""

    kinds: frozenset[PointKind] = frozenset()
    product: str = ""
    value: str = ""
    text: str = ""

    def made(self, reply: Reply, shop: Shop) -> bool:
        """Whether the reply says it."""
        if self.text:
            return _holds(reply.text, self.text)
        return any(self._is(point, reply, shop) for point in reply.points)

    def _is(self, point: Point, reply: Reply, shop: Shop) -> bool:
        if point.kind not in self.kinds:
            return False
        if self.product and not _about(point, self.product, shop):
            return False
        if not self.value:
            return True
        if not any(_holds(fact, self.value) for fact in point.facts.values()):
            return False
        word = point.facts.get("count")  # a number may be told as a word
        return _holds(reply.text, self.value) or bool(word and _holds(reply.text, word))

    def __str__(self) -> str:
        if self.text:
            return f"the words {self.text!r}"
        parts = "/".join(sorted(self.kinds)), self.product and f"about {self.product}", self.value
        return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class Turn:
    """A message, the language its reply must be in, and name -> value of what else is expected; see `EXPECTATIONS`."""

    say: str
    language: str
    expect: Mapping[str, Any]


@dataclass(frozen=True)
class Dialogue:
    """A scripted conversation; `looking_for` says what the assistant must be looking for at its end, if it matters."""

    id: str
    language: str
    goal: str
    tags: tuple[str, ...]
    planted: bool
    turns: tuple[Turn, ...]
    looking_for: truth.Where | None


@dataclass(frozen=True)
class Expectation:
    """What a reply can be expected to do.

    Attributes:
        figure: the figure it counts for.
        severity: how bad it is where it is not met.
        read: makes it from the JSON value, or raises a MerchantError.
        missed: "" where the reply meets it, else what happened instead.
    """

    figure: str
    severity: float
    read: Callable[[str, Record, Shop], Any]
    missed: Callable[[Any, Reply, Shop], str]


def run(world: World) -> Findings:
    """Hold every dialogue and compare what happened with what was expected.

    Raises:
        Unmeasured: the shop has no dialogues.
        MerchantError: lines of the dialogues or of the planted products are wrong.
    """
    with ExitStack() as exits:
        shops = _shops(world, exits)
        dialogues = world.read("dialogues", partial(_dialogue, shops))
        chosen = world.sample(dialogues, _SMALL, lambda each: (each.language, each.planted))
        spoken = _Spoken({"en", *(each.language for each in dialogues)})
        return _findings([_held(each, shops[each.planted], spoken) for each in world.progress(chosen, "dialogues")])


# What happened


@dataclass
class _Outcome:
    """How a dialogue went: (turn, figure, severity, what was missed or ""), the end being the turn after the last."""

    dialogue: Dialogue
    seen: list[tuple[int, str, float, str]] = field(default_factory=list)
    transcript: tuple[tuple[str, str], ...] = ()

    @property
    def right(self) -> bool:
        return not any(missed for *_, missed in self.seen)

    @property
    def turns_right(self) -> float:
        """Share of the turns in which everything was right."""
        turns = len(self.dialogue.turns)
        wrong = {turn for turn, _, _, missed in self.seen if missed and turn <= turns}
        return 1 - len(wrong) / turns


def _held(dialogue: Dialogue, shop: Shop, spoken: _Spoken) -> _Outcome:
    outcome = _Outcome(dialogue)
    talk = Talk(shop.assistant, dialogue.id)
    for number, turn in enumerate(dialogue.turns, 1):
        try:
            reply = talk.say(turn.say)
        except Exception as error:  # whatever the assistant trips over is a finding, and the next dialogue is held
            raised = f"{type(error).__name__}: {error}"
            outcome.seen += [
                (each, _REAL, 1.0, raised if each == number else f"not reached after turn {number}")
                for each in range(number, len(dialogue.turns) + 1)
            ]
            outcome.transcript = (*talk.transcript, ("shopper", turn.say), ("error", raised))
            return outcome
        outcome.seen.append((number, _REAL, 1.0, "" if reply.real else "the turn did not end with words"))
        for name, wanted in turn.expect.items():
            expectation = EXPECTATIONS[name]
            missed = expectation.missed(wanted, reply, shop)
            outcome.seen.append((number, expectation.figure, expectation.severity, missed))
        if heard := spoken(reply, shop):
            missed = "" if heard == turn.language else f"wanted words in {turn.language}; they are in {heard}"
            outcome.seen.append((number, _SPOKEN, 0.5, missed))
    if dialogue.looking_for is not None:
        outcome.seen.append((len(dialogue.turns) + 1, _END, 0.6, _astray(talk, dialogue.looking_for, shop)))
    outcome.transcript = talk.transcript
    return outcome


def _astray(talk: Talk, where: truth.Where, shop: Shop) -> str:
    """How what the assistant looks for at the end differs from what meets the conditions."""
    topic = talk.state.topic
    found = shop.assistant.shelf.find(topic) if topic else None
    # What comes near is not what is looked for; what is sold out is.
    looked = set(found.fitting) if found and (found.sold_out or not found.nearly) else set()
    wanted = shop.fitting(where)
    if looked == wanted:
        return ""
    lost, strange = _named(wanted - looked, shop), _named(looked - wanted, shop)
    return f"wanted to be looking among {where} ({len(wanted)} products); lacks {lost}, has besides {strange}"


# Expectations, and how each is checked


def _shows(wanted: bool, reply: Reply, shop: Shop) -> str:
    if wanted == bool(reply.cards):
        return ""
    return f"wanted {'cards' if wanted else 'no cards'}; {_shown(reply)}"


def _every(where: truth.Where, reply: Reply, shop: Shop) -> str:
    bad = [card.product_id for card in reply.cards if not shop.fits(card.product_id, where)]
    return f"wanted only {where}; shown besides: {_named(bad, shop)}" if bad else ""


def _none(where: truth.Where, reply: Reply, shop: Shop) -> str:
    bad = [card.product_id for card in reply.cards if shop.fits(card.product_id, where)]
    return f"wanted nothing of {where}; shown all the same: {_named(bad, shop)}" if bad else ""


def _includes(ids: Sequence[str], reply: Reply, shop: Shop) -> str:
    lacking = set(ids) - {card.product_id for card in reply.cards}
    return f"wanted among the cards: {_named(lacking, shop)}; {_shown(reply)}" if lacking else ""


def _excludes(ids: Sequence[str], reply: Reply, shop: Shop) -> str:
    bad = set(ids) & {card.product_id for card in reply.cards}
    return f"wanted not to see {_named(bad, shop)}" if bad else ""


def _first(wanted: str, reply: Reply, shop: Shop) -> str:
    if reply.cards and reply.cards[0].product_id == wanted:
        return ""
    return f"wanted {_named([wanted], shop)} first; {_shown(reply)}"


def _total(where: truth.Where, reply: Reply, shop: Shop) -> str:
    wanted = len(shop.fitting(where))
    given = {int(point.facts["n"]) for point in reply.points if point.kind is PointKind.FOUND}
    if not given and any(point.kind in (PointKind.NONE_FIT, PointKind.NOT_CARRIED) for point in reply.points):
        given = {0}
    elif reply.cards:
        given.add(reply.total)
    if given == {wanted}:
        return ""
    return f"wanted {wanted} to fit ({where}); told {' and '.join(map(str, sorted(given))) or 'no number'}"


def _says(claims: Sequence[Claim], reply: Reply, shop: Shop) -> str:
    lacking = [str(claim) for claim in claims if not claim.made(reply, shop)]
    return f"wanted it to say {'; '.join(lacking)}; {_said(reply)}" if lacking else ""


def _never(claims: Sequence[Claim], reply: Reply, shop: Shop) -> str:
    bad = [str(claim) for claim in claims if claim.made(reply, shop)]
    return f"wanted it not to say {'; '.join(bad)}; {_said(reply)}" if bad else ""


def _cites(pages: Sequence[str], reply: Reply, shop: Shop) -> str:
    quotes = [_letters(source.quote) for source in reply.sources]
    lacking = [page for page in pages if not any(quote in shop.pages[page] for quote in quotes)]
    cited = ", ".join(f"{source.title}, {source.section}" for source in reply.sources) or "nothing"
    return f"wanted a passage of {', '.join(lacking)}; cited {cited}" if lacking else ""


def _asks(wanted: bool, reply: Reply, shop: Shop) -> str:
    if wanted == bool(reply.choices):
        return ""
    return f"wanted {'choices' if wanted else 'no choices'} to click; offered {' | '.join(reply.choices) or 'none'}"


def _shown(reply: Reply) -> str:
    return f"shown {', '.join(card.title for card in reply.cards) or 'nothing'}"


def _said(reply: Reply) -> str:
    return f"said {', '.join(f'{point.kind} {dict(point.facts)}' for point in reply.points) or 'nothing'}"


def _named(ids: Iterable[str], shop: Shop) -> str:
    """A few products by title."""
    titles = sorted(shop.products[each].title for each in ids)
    more = f" and {len(titles) - 5} more" if len(titles) > 5 else ""
    return (", ".join(titles[:5]) or "nothing") + more


def _about(point: Point, product_id: str, shop: Shop) -> bool:
    if point.product_ids:
        return product_id in point.product_ids
    return point.facts.get("name") == shop.products[product_id].title


# Words


_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W\d_]+")
_HAN, _KANA, _HANGUL = (re.compile(f"[{letters}]") for letters in ("\u3400-\u9fff", "\u3040-\u30ff", "\uac00-\ud7af"))
_TELLING = 4  # words, or letters of East Asian scripts, from which a language can be told


def _holds(text: str, words: str) -> bool:
    """Whether `words` stand in `text` one after another, whatever stands between them; numbers count as numbers."""
    have, want = _tokens(text), _tokens(words)
    return any(
        all(one & two for one, two in zip(have[start : start + len(want)], want, strict=True))
        for start in range(len(have) - len(want) + 1)
    )


def _tokens(text: str) -> list[frozenset[str]]:
    """Words and numbers, each with the ways to read it: "1,299" is 1299, and 1.299 in other countries."""
    return [_ways(found) for found in _TOKEN.findall(text.casefold())]


def _ways(token: str) -> frozenset[str]:
    if not token[0].isdigit():
        return frozenset({token})
    joined = re.sub(r"[.,]", "", token)
    head, _, tail = token.replace(",", ".").rpartition(".")
    decimal = f"{head.replace('.', '')}.{tail}" if head else joined
    grouped = re.fullmatch(r"\d{1,3}([.,]\d{3})+", token)
    return frozenset(str(Decimal(each).normalize()) for each in (decimal, *([joined] if grouped else [])))


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


class _Spoken:
    """Tells the language of a reply's own words, among `languages`; "" where they are too few.

    East Asian languages are told by their script, the others by langdetect (Nakatani, 2010) with a fixed seed.
    """

    def __init__(self, languages: Iterable[str]) -> None:
        from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory  # type: ignore[import-untyped]

        self._factory = DetectorFactory()
        self._factory.load_profile(PROFILES_DIRECTORY)
        self._factory.seed = 0
        self._prior = dict.fromkeys(set(languages) & set(self._factory.get_lang_list()), 1.0)

    def __call__(self, reply: Reply, shop: Shop) -> str:
        text = _own_words(reply, shop)
        words = re.findall(r"[^\W\d_]+", re.sub(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", " ", text))
        kana, han, hangul = (len(script.findall(text)) for script in (_KANA, _HAN, _HANGUL))
        if kana + han + hangul >= max(len(words), _TELLING):
            return "ko" if hangul > kana + han else "ja" if kana else "zh"
        if len(words) < _TELLING:
            return ""
        detector = self._factory.create()
        detector.set_prior_map(self._prior)
        detector.append(" ".join(words))
        return str(detector.detect())


def _own_words(reply: Reply, shop: Shop) -> str:
    """The reply without what is the shop's data, which stays in the language it was written in."""
    data = [card.title for card in reply.cards]
    data += [value for card in reply.cards for values in card.options.values() for value in values]
    data += [source.quote for source in reply.sources] + [source.title for source in reply.sources]
    data += [point.facts[name] for point in reply.points for name in ("name", "other", "quote") if name in point.facts]
    data += [shop.products[each].title for point in reply.points for each in point.product_ids]
    data += reply.choices
    text = reply.text
    for each in sorted(filter(None, data), key=len, reverse=True):
        text = re.sub(rf"(?<![^\W\d_]){re.escape(each)}(?![^\W\d_])", " ", text)
    return text


# The figures


def _findings(outcomes: Sequence[_Outcome]) -> Findings:
    right = {each.dialogue.id: float(each.right) for each in outcomes}
    languages = {each.dialogue.id: each.dialogue.language for each in outcomes}
    figures = Figure.by("dialogues right", "mean", right, languages)
    tagged: dict[str, dict[str, float]] = defaultdict(dict)
    for outcome in outcomes:
        for tag in outcome.dialogue.tags:
            tagged[tag][outcome.dialogue.id] = right[outcome.dialogue.id]
    figures += [
        Figure("dialogues right", "mean", seen, tag)
        for tag, seen in sorted(tagged.items())
        if len(seen) >= _TAGGED and tag not in languages.values()
    ]
    figures.append(Figure("turns right", "mean", {each.dialogue.id: each.turns_right for each in outcomes}))
    met: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for outcome in outcomes:
        for _, figure, _, missed in outcome.seen:
            met[figure][outcome.dialogue.id].append(not missed)
    figures += [
        Figure(name, "mean", {item: sum(each) / len(each) for item, each in met[name].items()})
        for name in dict.fromkeys((_REAL, *(each.figure for each in EXPECTATIONS.values()), _SPOKEN, _END))
        if name in met
    ]
    return Findings(tuple(figures), tuple(failure for each in outcomes for failure in _failures(each)))


def _failures(outcome: _Outcome) -> Iterator[Failure]:
    """One for each figure that something missed pulls down."""
    for figure in dict.fromkeys(figure for _, figure, _, missed in outcome.seen if missed):
        missed = [each for each in outcome.seen if each[1] == figure and each[3]]
        what = "; ".join(f"turn {turn}: {what}" for turn, _, _, what in missed)
        worst = max(severity for _, _, severity, _ in missed)
        yield Failure(figure, outcome.dialogue.id, what, worst, outcome.transcript)


# The files


def _shops(world: World, exits: ExitStack) -> Mapping[bool, Shop]:
    """The shop as it is (False), and with the planted products (True)."""
    settings, facets = world.settings, world.search.facets
    pages: dict[str, str] = defaultdict(str)
    for path in sorted((settings.shop / "policies").glob("*.md")):
        pages[path.stem.split(".")[0]] += _letters(path.read_text("utf-8"))
    real = Shop(world.products, facets, pages, lambda: world.assistant)
    try:
        planted = world.read("planted", partial(_product, real))
    except Unmeasured:
        return {False: real}

    def plant() -> Assistant:
        assistant = _planted(world, planted)
        exits.callback(assistant.store.close)
        return assistant

    products = {**world.products, **{product.id: product for product in planted}}
    return {False: real, True: Shop(products, Facets.of(products.values()), pages, plant)}


def _planted(world: World, products: Sequence[Product]) -> Assistant:
    """The assistant of a copy of the shop that also sells `products`, of which only they are encoded."""
    shop = world.folder / "planted"
    left = shutil.ignore_patterns("conversations*", "feed*", "pictures")
    shutil.copytree(world.settings.shop, shop, ignore=left)
    Catalog.write(shop / "catalog.sqlite", products, replace=False)
    update(shop, world.search.encoder)
    database = f"sqlite:///{world.folder}/planted.sqlite"
    return Assistant.open(replace(world.settings, shop=shop, database_url=database, chroma_url=""))


_PRODUCT: Mapping[str, tuple[type, Any]] = {
    "id": (str, None),
    "title": (str, None),
    "description": (str, ""),
    "url": (str, ""),
    "brand": (str, ""),
    "categories": (list, None),
    "attributes": (dict, {}),
    "media": (list, []),
    "rating": (list, None),
    "variants": (list, None),
}


def _product(shop: Shop, record: Record) -> Product:
    fields = {name: record.take(name, kind, default) for name, (kind, default) in _PRODUCT.items()}
    try:
        product = Product.from_json(json.dumps(fields))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MerchantError(
            f"{record.place}: this is no product ({error!r}); write what Product.to_json does"
        ) from error
    if product.id in shop.products:
        raise MerchantError(f"{record.place}: the shop has a product {product.id!r}; give what is planted its own id")
    return product


def _dialogue(shops: Mapping[bool, Shop], record: Record) -> Dialogue:
    name = record.take("id", str)
    if not _NAME.fullmatch(name):
        raise MerchantError(f"{record.place}: id is {name!r}; use 1 to 64 letters, digits, dots, hyphens, underscores")
    planted = record.take("planted", bool, False)
    if planted not in shops:
        raise MerchantError(f"{record.place}: planted is true, and there is no planted.jsonl beside it; write one")
    shop = shops[planted]
    turns = _objects("turns", record)
    if not turns:
        raise MerchantError(f"{record.place}: turns is empty; a dialogue has one or more")
    end = _nested(record, "end", record.take("end", dict, {}))
    looking_for = end.take("looking_for", dict, {})
    _conditions(end, looking_for, shop)
    end.done()
    language = record.take("language", str)
    return Dialogue(
        id=name,
        language=language,
        goal=record.take("goal", str),
        tags=_texts("tags", record),
        planted=planted,
        turns=tuple(
            _turn(_nested(record, f"turn {number}", turn), language, shop) for number, turn in enumerate(turns, 1)
        ),
        looking_for=looking_for or None,
    )


def _nested(record: Record, name: str, fields: Mapping[str, Any]) -> Record:
    return Record(f"{record.place}, {name}", fields)


def _objects(name: str, record: Record) -> list[Mapping[str, Any]]:
    objects = record.take(name, list)
    if bad := [each for each in objects if not isinstance(each, dict)]:
        raise MerchantError(f"{record.place}: {name} has {bad[0]!r}; it must be a list of objects")
    return objects


def _turn(record: Record, language: str, shop: Shop) -> Turn:
    say = record.take("say", str)
    wanted = record.take("expect", dict, {})
    record.done()
    expected = Record(record.place, wanted)
    language = expected.take("language", str, language)
    expect = {name: EXPECTATIONS[name].read(name, expected, shop) for name in EXPECTATIONS if name in wanted}
    expected.done()
    return Turn(say, language, expect)


def _yes(name: str, record: Record, shop: Shop) -> bool:
    return record.take(name, bool)


def _where(name: str, record: Record, shop: Shop) -> truth.Where:
    where = record.take(name, dict)
    _conditions(record, where, shop)
    return where


def _met_where(name: str, record: Record, shop: Shop) -> truth.Where:
    where = _where(name, record, shop)
    if not shop.fitting(where):
        raise MerchantError(f"{record.place}: no product of the shop meets {name} {where}; mend a condition")
    return where


def _conditions(record: Record, where: truth.Where, shop: Shop) -> None:
    try:
        truth.check(where, shop.facets, shop.products)
    except MerchantError as error:
        raise MerchantError(f"{record.place}: {error}") from error


def _ids(name: str, record: Record, shop: Shop) -> tuple[str, ...]:
    ids = _texts(name, record)
    for each in ids:
        _known(each, record, shop)
    return ids


def _id(name: str, record: Record, shop: Shop) -> str:
    return _known(record.take(name, str), record, shop)


def _known(product_id: str, record: Record, shop: Shop) -> str:
    if product_id not in shop.products:
        raise MerchantError(f"{record.place}: no product has the id {product_id!r}")
    return product_id


def _pages(name: str, record: Record, shop: Shop) -> tuple[str, ...]:
    pages = _texts(name, record)
    if unknown := sorted(set(pages) - set(shop.pages)):
        raise MerchantError(f"{record.place}: there is no page {unknown[0]!r}; there are {', '.join(shop.pages)}")
    return pages


def _texts(name: str, record: Record) -> tuple[str, ...]:
    texts = record.take(name, list)
    if bad := [each for each in texts if not isinstance(each, str)]:
        raise MerchantError(f"{record.place}: {name} has {bad[0]!r}; it must be a list of texts")
    return tuple(texts)


def _claims(name: str, record: Record, shop: Shop) -> tuple[Claim, ...]:
    return tuple(
        _claim(_nested(record, f"{name} {number}", each), isinstance(each.get("claim"), list), shop)
        for number, each in enumerate(_objects(name, record), 1)
    )


def _claim(record: Record, several: bool, shop: Shop) -> Claim:
    text = record.take("text", str, "")
    if text:
        claim = Claim(text=text)
    else:
        kinds = _texts("claim", record) if several else (record.take("claim", str),)
        product, value = record.take("product", str, ""), record.take("value", str, "")
        if unknown := sorted(set(kinds) - set(PointKind)):
            raise MerchantError(f"{record.place}: {unknown[0]!r} is no claim; use {', '.join(PointKind)}")
        claim = Claim(frozenset(map(PointKind, kinds)), product and _known(product, record, shop), value)
    record.done()
    for words in (claim.text, claim.value):
        if words and not _tokens(words):
            raise MerchantError(f"{record.place}: {words!r} has no word and no number")
    return claim


EXPECTATIONS: Mapping[str, Expectation] = {
    "shows": Expectation("products right", 0.6, _yes, _shows),
    "every": Expectation("limits kept", 0.9, _met_where, _every),
    "none": Expectation("limits kept", 0.9, _where, _none),
    "includes": Expectation("products right", 0.6, _ids, _includes),
    "excludes": Expectation("limits kept", 0.9, _ids, _excludes),
    "first": Expectation("products right", 0.6, _id, _first),
    "total": Expectation("products right", 0.6, _where, _total),
    "says": Expectation("claims made", 0.6, _claims, _says),
    "never": Expectation("claims not made", 1.0, _claims, _never),
    "cites": Expectation("sources", 0.5, _pages, _cites),
    "asks": Expectation("asks", 0.2, _yes, _asks),
}
