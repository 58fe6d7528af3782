"""Messages that teach the assistant to read: written by hand with marked spans and slots, filled from catalogues.

A line of `said/*.txt` is

    f question | and [product the second one], does it come in [ask {color}]?

its context (o: nothing shown yet, f: products on the screen, e: either), its intents, and the text, in which
`[label words]` marks a span and `{slot}` is filled with a word of a shop. `[next and]` joins two requests, whose
intents are then written `find+policy`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from assistant.intent import Intent
from assistant.tagger import LABELS, Span
from assistant.vocabulary import normalize
from retrieval.catalog import Product
from retrieval.errors import MerchantError
from retrieval.glossary import Glossary

SLOTS = ("kind", "value", "color", "size", "brand", "name", "price", "field", "gone")
_LINE = re.compile(r"([oef]) ([a-z_]+(?:\+[a-z_]+)*) \| (.+)")
_PART = re.compile(r"\[(\w+) ([^\[\]]+)\]|([^\[\]]+)")
_SLOT = re.compile(r"\{(\w+)\}")
_NUMBERS = (5, 8, 10, 12, 15, 20, 25, 30, 35, 40, 45, 50, 60, 75, 80, 90, 100, 120, 150, 200, 250, 300, 500, 1000)
_LONGEST = 28  # characters of a catalogue's word that somebody would say
_AMOUNTS = {
    "en": ("${n}", "${n}", "$ {n}", "{n} dollars", "{n} bucks", "{n}", "{n} usd", "usd {n}", "£{n}", "€{n}",
           "{n} euros", "{n} quid", "{n}$", "${n}.99", "{n} pounds", "{n} eur"),
    "zh": ("{n}元", "{n}块", "{n}块钱", "{n}美元", "{n}刀", "${n}", "{n}", "¥{n}", "{n}人民币", "{n}美金", "{n}rmb"),
    "es": ("{n} euros", "{n} €", "{n}€", "{n} dólares", "${n}", "{n}"),
    "fr": ("{n} euros", "{n} €", "{n}€", "{n} dollars", "{n} balles", "{n}"),
    "de": ("{n} euro", "{n} €", "{n}€", "{n} dollar", "{n}"),
}  # fmt: skip
_GONE = {
    "en": "lawn mowers, a piano, car tyres, fishing rods, wedding dresses, a sewing machine, aquariums, skis, a kayak, "
    "printer ink, chainsaws, golf clubs, a trampoline, contact lenses, garage doors, a telescope, bathtubs, drones, "
    "cat litter, snow shovels, a hot tub, saxophones, roof tiles, paint, beer, cigarettes, train tickets, wipers",
    "zh": "割草机, 钢琴, 轮胎, 鱼竿, 婚纱, 缝纫机, 鱼缸, 滑雪板, 墨盒, 电锯, 高尔夫球杆, 蹦床, 隐形眼镜, 望远镜, 浴缸, "
    "无人机, 猫砂, 啤酒, 香烟, 火车票, 皮划艇, 雨刷, 油漆, 吉他",
    "es": "cortacéspedes, un piano, neumáticos, cañas de pescar, una máquina de coser, esquís, tinta, cerveza",
    "fr": "tondeuses, un piano, des pneus, cannes à pêche, une machine à coudre, des skis, de la bière, un drone",
    "de": "rasenmäher, ein klavier, autoreifen, angelruten, eine nähmaschine, ski, druckertinte, bier, eine drohne",
}


@dataclass(frozen=True)
class Example:
    """A message as the assistant gets it, with what it means; `shown` is True where products are on the screen."""

    text: str
    shown: bool
    intent: Intent | None
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Template:
    """One line: parts are (label or "", text with slots)."""

    language: str
    contexts: str
    intents: tuple[Intent, ...]
    parts: tuple[tuple[str, str], ...]


def templates() -> list[Template]:
    """All lines of `said/*.txt`; the language is the beginning of the file's name.

    Raises:
        MerchantError: a malformed line, with its file and number.
    """
    found = []
    folder = resources.files("finetune").joinpath("said")
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                found.append(_template(line, file.name.split("_")[0], f"{file.name}, line {number}"))
    return found


def _template(line: str, language: str, place: str) -> Template:
    match = _LINE.fullmatch(line.strip())
    if not match:
        raise MerchantError(f"{place}: {line[:60]!r} is no message; write CONTEXT INTENT | TEXT")
    parts = [(label or "", marked or plain) for label, marked, plain in _PART.findall(match[3])]
    wrong = [label for label, _ in parts if label and label not in LABELS]
    wrong += [slot for _, text in parts for slot in _SLOT.findall(text) if slot not in SLOTS]
    wrong += [name for name in match[2].split("+") if name not in list(Intent)]
    if wrong or "".join(found[0] for found in _PART.finditer(match[3])) != match[3]:
        raise MerchantError(f"{place}: {', '.join(wrong) or 'a bracket'} is not known; see finetune/messages.py")
    return Template(language, match[1], tuple(Intent(name) for name in match[2].split("+")), tuple(parts))


class Words:
    """What fills the slots: the words of a shop, in one language."""

    def __init__(self, products: Sequence[Product], glossary: Glossary, language: str) -> None:
        labels: dict[tuple[str, str], list[str]] = {}
        for row in glossary.values():
            if row.language == language:
                labels.setdefault((row.field, row.value), []).append(row.label)

        def said(field: str, values: Iterable[str]) -> list[str]:
            found = []
            for value in dict.fromkeys(values):
                called = labels.get((field, value), [])
                found += called if called or language != "en" else [value]
                found += [value] if language == "en" and called else []
            return [normalize(each) for each in found if len(each) <= _LONGEST and not each.isdigit()]

        options = [(name, value) for each in products for name, values in each.options.items() for value in values]
        attributes = [
            (name, value) for each in products for name, values in each.attributes.items() for value in values
        ]
        pairs = list(dict.fromkeys([*attributes, *options]))
        flags = {name for name, value in pairs if value.casefold() == "yes"}
        fields = dict.fromkeys(name for name, _ in pairs if "size" not in name)
        self.of: dict[str, list[str]] = {
            "kind": said("kind", (each.kind for each in products)),
            "value": [
                word
                for name in fields
                if name not in flags and "color" not in name
                for word in said(
                    name,
                    (value for field, value in pairs if field == name and value.casefold() not in ("no", "none")),
                )
            ] + said("field", flags),
            "color": said("color", (value for name, value in pairs if "color" in name)),
            "size": [normalize(value) for name, value in pairs if "size" in name.split() and len(value) <= 8],
            "brand": [normalize(each) for each in dict.fromkeys(each.brand for each in products) if each],
            "field": said("field", fields),
        }  # fmt: skip
        if language == "en":
            self.of["kind"] += [word.removesuffix("s") for word in self.of["kind"] if word.endswith("s")]
        self.titles = [normalize(each.title) for each in products]

    def __bool__(self) -> bool:
        return bool(self.of["kind"])


def fill(template: Template, words: Words, chance: random.Random) -> Example | None:
    """The template with its slots filled; None where the shop has no such word."""
    text, spans, cuts = "", [], []
    for label, part in template.parts:
        said = _SLOT.sub(lambda match: _word(match[1], template.language, words, chance), part)
        if "\0" in said:
            return None
        if label == "next":
            cuts.append((len(text), len(text) + len(said)))
        if label:
            spans.append(Span(label, len(text), len(text) + len(said)))
        text += said
    shown = template.contexts == "f" or (template.contexts == "e" and chance.random() < 0.5)
    return _tidy(text, shown, template.intents, spans)


def parts(template: Template, words: Words, chance: random.Random) -> Iterator[Template]:
    """Each request of a template of several, as a template of its own."""
    if len(template.intents) > 1:
        pieces: list[list[tuple[str, str]]] = [[]]
        for label, text in template.parts:
            if label == "next":
                pieces.append([])
            else:
                pieces[-1].append((label, text))
        if len(pieces) == len(template.intents):
            for intent, piece in zip(template.intents, pieces, strict=True):
                yield Template(template.language, template.contexts, (intent,), tuple(piece))


def _word(slot: str, language: str, words: Words, chance: random.Random) -> str:
    if slot == "price":
        number = chance.choice(
            (5, 8, 10, 12, 15, 20, 25, 30, 35, 40, 45, 50, 60, 75, 80, 90, 100, 120, 150, 200, 250, 300, 500, 1000)
        )
        return chance.choice(_AMOUNTS[language]).replace("{n}", str(number))
    if slot == "gone":
        return chance.choice(_GONE[language].split(", "))
    if slot == "name":
        return _name(chance.choice(words.titles), chance) if words.titles else "\0"
    if slot == "size" and (not words.of["size"] or chance.random() < 0.3):
        return chance.choice(("s", "m", "l", "xl", "xxl", "8", "9", "9.5", "10", "38", "42", "44", "6", "7.5"))
    return chance.choice(words.of[slot]) if words.of.get(slot) else "\0"


def _name(title: str, chance: random.Random) -> str:
    """What somebody calls a product: a word or two of its title, or its beginning."""
    said = [word for word in title.split() if word.isalpha()] or title.split()
    first = chance.randrange(min(2, len(said)))
    return " ".join(said[first : first + chance.choice((1, 1, 2, 2, 3))])


def _tidy(text: str, shown: bool, intents: tuple[Intent, ...], spans: Sequence[Span]) -> Example:
    """The message as `normalize` leaves it, the spans moved with it."""
    out, places = "", []
    for letter in text:
        places.append(len(out))
        folded = normalize(letter) if not letter.isspace() else " "
        out += "" if folded == " " and (not out or out.endswith(" ")) else folded
    places.append(len(out))
    moved = tuple(Span(each.label, places[each.start], places[each.end]) for each in spans)
    return Example(out.rstrip(), shown, intents[0] if len(intents) == 1 else None, moved)


def corpus(
    lines: Iterable[Template], shops: Iterable[tuple[Sequence[Product], Glossary]], copies: int, seed: int
) -> Iterator[Example]:
    """Every template `copies` times, filled from the shops in turn; those of several requests also part by part."""
    chance = random.Random(seed)
    known: Mapping[str, list[Words]] = {
        language: [words for products, glossary in shops if (words := Words(products, glossary, language))]
        for language in _AMOUNTS
    }
    for template in lines:
        shelf = known[template.language] or known["en"]
        for each in (template, *parts(template, shelf[0], chance)):
            for _ in range(copies):
                example = fill(each, chance.choice(shelf), chance)
                if example and example.text:
                    yield example
