"""How prose states facts: sentences, quantities, ranks, stock and promises, as data tables per language.

General language knowledge only; what a shop sells comes from its catalogue. A language without a table is read with
the English one, so its digits, names and values are still checked.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from assistant.claims.cues import known, table

NAMED = "\ue000"  # fills what has been read as a name; no word, no letter, no space
CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{CJK}]|[^\W{CJK}_]+(?:['’][^\W{CJK}_]+)*|\d")


def spaced(table: str) -> list[str]:
    """The words of a table written with spaces between them."""
    return table.split()


@dataclass(frozen=True, slots=True)
class Word:
    """A stemmed word, or one Chinese character, and where it stands."""

    stem: str
    start: int
    end: int


@cache
def stem(word: str) -> str:
    """`word` casefolded, without a possessive or plural ending; close enough to compare prose with data."""
    word = word.casefold().removesuffix("'s").removesuffix("’s")
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def words(text: str) -> list[Word]:
    """The words of `text` in order."""
    return [Word(stem(found[0]), found.start(), found.end()) for found in _WORD.finditer(text)]


def stems(text: str) -> tuple[str, ...]:
    """The stems alone: equal for "Trail shoes" and "trail shoe"."""
    return tuple(word.stem for word in words(normalize(text)))


def normalize(text: str) -> str:
    """Full-width forms, odd spaces, apostrophes and emphasis marks in their plain form."""
    apart = text.replace("，", "， ")  # else "$64，250 g" would read as $64,250
    text = unicodedata.normalize("NFKC", apart).replace("’", "'").replace("‘", "'")
    return re.sub(r"[*_`\u200b-\u200f]", "", text)


# --- sentences ------------------------------------------------------------------------------------------------------

_ABBREVIATIONS = frozenset(
    spaced("e.g i.e dr mr mrs ms prof st vs approx incl excl ca fig vol z.b d.h u.a p.ej p.ex sr sra bzw inkl")
)
_NUMBERED = frozenset(["no", "nos", "nr", "art", "núm"])
_OPEN, _CLOSE = "“「『（《【(", "”」』）》】)"
_LONGEST = 400  # characters without an end; past this a run is cut, so that a runaway model cannot hold a reply


def sentences(pieces: Iterable[str]) -> Iterator[str]:
    """Cut a stream of text into sentences, each with the space after it, as soon as it is known to be complete.

    Joined again they are the text, less white space at its end. A run of 400 characters without an end is cut.
    """
    buffer = ""
    for piece in pieces:
        buffer += piece
        while cut := _cut(buffer):
            yield buffer[:cut]
            buffer = buffer[cut:]
    while cut := _cut(buffer + "\n"):
        if not buffer[:cut].strip():
            return
        yield buffer[:cut]
        buffer = buffer[cut:]


def _cut(text: str) -> int:
    """Where the first sentence of `text` ends, 0 where none is complete."""
    lead = len(text) - len(text.lstrip())
    for found in re.finditer(r"[。！？]+|[.!?…]+|\n", text[lead:]):
        start, end = found.start() + lead, found.end() + lead
        if found[0] == "\n":
            return end
        while (
            end < len(text) and text[end] in "”」』）》】)\"'’*" and not (text[end] in "\"'" and text[end - 1] == " ")
        ):
            end += 1
        before = text[lead:start]
        if any(before.count(mark) > text[lead:end].count(close) for mark, close in zip(_OPEN, _CLOSE, strict=True)):
            continue
        if found[0][0] in "。！？":
            return end + (len(text) > end and text[end] == " ")
        if end == len(text):
            break
        if not text[end].isspace():
            continue
        rest = text[end:].lstrip()
        last = re.split(r"[\s(]", before)[-1].casefold()
        if found[0] == ".":
            if last in _ABBREVIATIONS or before.strip().isdigit() or re.fullmatch(r"(?:[a-z]\.)+[a-z]", last):
                continue
            if last in _NUMBERED:
                if not rest and "\n" not in text[end:]:
                    break
                if rest[:1].isdigit():
                    continue
        elif found[0] in ("...", "…", ".."):
            if not rest and "\n" not in text[end:]:
                break
            if rest[:1].islower():
                continue
        return end + 1
    if len(text) > _LONGEST:
        space = text.rfind(" ", lead, _LONGEST)
        return space + 1 if space > lead else _LONGEST
    return 0


# --- quantities -----------------------------------------------------------------------------------------------------

_CURRENCIES = {
    "USD": "US$|USD|U.S. dollars?|US dollars?|美元|美金|dólares estadounidenses|US-Dollar",
    "EUR": "€|EUR|euros?|欧元",
    "GBP": "£|GBP|英镑|pounds? sterling",
    "CNY": "CNY|RMB|CN¥|yuan|元人民币|人民币|元|块钱|块(?!积|状)",
    "JPY": "JPY|JP¥|yen|日元|円",
    "HKD": r"HK\$|HKD|港币|港元",
    "TWD": r"NT\$|TWD|新台币|台币",
    "CAD": r"C\$|CA\$|CAD|加元",
    "AUD": r"A\$|AU\$|AUD|澳元",
    "KRW": "₩|KRW|won|韩元",
    "INR": "₹|INR|rupees?",
    "CHF": "CHF|Franken|francs?",
    "SEK": "SEK|kronor",
    "BRL": r"R\$|BRL",
    "$": r"\$|dollars?|bucks?|dólares|刀",
    "¥": "¥",
}
_DOLLARS = frozenset({"USD", "CAD", "AUD", "HKD", "TWD", "NZD", "SGD", "MXN"})

# dimension -> spellings: size in the dimension's base unit
_UNITS: dict[str, dict[str, float]] = {
    "weight": {
        "mg|毫克": 0.001,
        "g|gr|grams?|grammes?|gramos?|gramm|克": 1,
        "kg|kilos?|kilograms?|kilogramm|公斤|千克": 1000,
        "斤": 500,
        "lbs?|pounds?|磅": 453.59237,
        "oz|ounces?|盎司": 28.349523,
    },
    "length": {
        "mm|毫米|millimet(?:er|re)s?": 1,
        "cm|厘米|公分|centimet(?:er|re)s?|centímetros?|zentimeter": 10,
        "m|met(?:er|re)s?|metros?|米": 1000,
        "km|公里|千米|kilomet(?:er|re)s?": 1e6,
        'inch(?:es)?|in(?= (?:wide|long|tall|high|deep|across)\\b|\\.? *(?:[x×,;)]|$))|"|″|英寸|寸': 25.4,
        "ft|foot|feet|英尺": 304.8,
        "miles?|英里": 1.609344e6,
    },
    "volume": {
        "ml|毫升|millilit(?:er|re)s?": 1,
        "cl": 10,
        "l|lit(?:er|re)s?|litros?|升": 1000,
        "fl\\.? ?oz": 29.5735,
        "cups?": 240,
    },
    "power": {"w|watts?|瓦": 1, "kw": 1000},
    "voltage": {"v|volts?|伏": 1},
    "charge": {"mah|毫安时?": 1, "ah|安时": 1000},
    "energy": {"wh": 1, "kwh": 1000},
    "frequency": {"hz|赫兹?": 1, "khz": 1000, "mhz": 1e6, "ghz": 1e9},
    "data": {"mb": 1, "gb": 1024, "tb": 1048576},
    "light": {"lm|lumens?|流明": 1},
    "sound": {"db(?:\\(?a\\)?)?|decibels?|分贝": 1},
    "temperature": {"°c|℃|degrees? c(?:elsius)?|摄氏度": 1, "°f|degrees? f(?:ahrenheit)?": 1.0001},
    "angle": {"°|degrees?|度": 1},
    "hours": {
        "s|secs?|seconds?|秒钟?|segundos?|sekunden?": 1 / 3600,
        "min|mins|minutes?|分钟|minutos?|minuten": 1 / 60,
        "h|hrs?|hours?|个?小时|horas?|heures?|stunden?": 1,
    },
    "days": {
        "(?:(?:working|business|calendar) )?days?|个?工作日|天|日内|días?(?: (?:laborables|hábiles))?|jours?"
        "(?: ouvr(?:és|ables))?|(?:werk|arbeits)?tagen?|(?:werk|arbeits)tage": 1,
        "weeks?|周|个?星期|semanas?|semaines?|wochen?": 7,
    },
    "months": {
        "mo|months?|个月|mes(?:es)?|mois|monaten?|monate": 1,
        "years?(?!s?[- ]olds?)|yrs?(?!s?[- ]olds?)|年|años?|ans?|années?|jahren?|jahre": 12,
    },
    "age": {"(?:years?|yrs?)[- ]olds?|years? of age|岁|周岁": 1},
    "clock": {"a\\.?m\\.?|p\\.?m\\.?|o'clock|uhr|点钟?": 1},
    "date": {"月(?!份)|日(?!内)|号(?=前|之前|起|到|至|送达|发货)": 1},
    "percent": {"%|percent|per cent|prozent|por ciento|pour cent": 1},
    "off": {"折": 1},
    "rating": {
        r"[- ]?stars?|(?: stars?)? ?/ ?5(?![\d.])|(?<=\.\d)(?: stars?)? of (?:5|five)|"
        r"(?: stars?)? out of (?:5|five)|颗?星|分(?!钟|之|贝|期|类|体|开|为)|"
        r"estrellas?|étoiles?|sternen?|sterne| ?(?:von|sur|de|sobre) 5": 1
    },
    "reviews": {
        "(?:customer |buyer |shopper |verified )?(?:reviews?|ratings?|reviewers?)|reseñas?|avis|bewertungen|opiniones|"
        "(?:other )?(?:people|customers|buyers|shoppers|owners|users|voters)"
        "(?= (?:(?:have|has|had|already|so far) )*(?:rat|review|scor|vot|left |wrote |written |gave |given ))|"
        "[条个]?(?:评论|评价|点评)|[位名个]?(?:买家|顾客|用户|客人|客户|网友|人|购买者)(?:都|已经?|曾|共)*"
        "(?:[给为对][^,。;]{0,40}?)?(?:参与|留下|写下?|给出?|做出?|打出?)?[过了]*的?"
        "(?:评价|评论|点评|评分|打?[过了]*分)": 1
    },
    "size": {"码|号(?!码|召)": 1},
    "count": {"[款件种双条只台套把张支瓶盒本样项位根顶副枚颗]|个(?!工作日|小时|月|星期)|对(?!于|比|应|\\d)": 1},
}
_UNIT = [
    (re.compile(rf"(?:{spelling})(?![^\W{CJK}\d_])", re.IGNORECASE), dimension, size)
    for dimension, spellings in _UNITS.items()
    for spelling, size in spellings.items()
]
_UNIT_AT = re.compile(
    r"(?:[\s\u00a0\u202f]|-(?=[a-z]))?(?:("
    + "|".join(f"(?:{one})" for group in _UNITS.values() for one in group)
    + rf")(?![^\W{CJK}\d_]))",
    re.IGNORECASE,
)
_MONEY_AFTER = re.compile(
    "[\\s\u00a0\u202f-]?(?:" + "|".join(f"({one})" for one in _CURRENCIES.values()) + rf")(?![^\W{CJK}_])",
    re.IGNORECASE,
)
_MONEY_BEFORE = re.compile(r"(?:" + "|".join(f"({one})" for one in _CURRENCIES.values()) + r")\s?$", re.IGNORECASE)
_SIZE_BEFORE = re.compile(
    r"(?:\b(?:sizes?|US|EU|UK|EUR|tallas?|tailles?|größen?|pointure)|尺码|码数|尺寸)(?: (?:US|EU|UK|EUR))?[\s:]*$", re.I
)
_RATING_BEFORE = re.compile(
    r"(?:\b(?:rat(?:ed|ing|es)|scor(?:ed?|es|ing)|stars|valorad[oa]|puntuación|valoración|noté[es]?|note|"
    r"bewertet|bewertung|averag(?:es?|ing))"
    r"(?: (?:is|of|at|it|a|an|average|con|de|mit|von|ist|es|est))*|(?:评分|评价|得分|口碑)(?:也|都|均)?(?:为|是|"
    r"有|高达|达到?|在)?|\brat(?:es?|ed)(?: the)? \ue000+(?: at)?)[\s:(]*$",
    re.IGNORECASE,
)
_MONTH_BEFORE = re.compile(
    r"\b(?:jan(?:uary)?|feb(?:ruary)?|march|april|may|june|july|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|"
    r"dec(?:ember)?)\.? $",
    re.IGNORECASE,
)
_ORDINAL_BEFORE = re.compile(r"(?:第|\b(?:no\.|nr\.|number|option|#)\s?|#)$", re.IGNORECASE)
_ORDINAL_AFTER = re.compile(r"(?:st|nd|rd|th)\b")
_JOINT = re.compile(r"\s*(?:to|-|–|—|~|到|至|bis|a|à|x|×|y|et|und|and|or|或|和|/)\s*", re.IGNORECASE)

_HAN = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_HAN_UNIT = {"十": 10, "百": 100, "千": 1000, "万": 10000}


@cache
def measured_in(unit: str | None) -> tuple[str, float]:
    """The dimension that a unit of the catalogue measures and its size in the base unit: ("weight", 1000) for "kg".

    ("", 1) for a unit that is not known.
    """
    if unit == "in":  # in prose it is an inch only by what follows it
        return "length", 25.4
    return next(((name, size) for pattern, name, size in _UNIT if unit and pattern.fullmatch(unit)), ("", 1.0))


@cache
def _number_words(language: str) -> dict[str, int]:
    numbers = table(known(language)).get("numbers") or table("en")["numbers"]
    ones, tens = spaced(numbers["ones"]), spaced(numbers["tens"])
    words = {word: value for value, word in enumerate(ones)} | {word: 10 * value for value, word in enumerate(tens, 3)}
    for ten, one in itertools.product((ones[20], *tens[:-1]), ones[1:10]):
        words |= {f"{ten}{dash}{one}": words[ten] + words[one] for dash in numbers.get("joints", [])}
    words |= numbers.get("others", {})
    return {word: value for word, value in words.items() if word != "_"}


@cache
def _number_at(language: str) -> re.Pattern[str]:
    spelled = "|".join(sorted(map(re.escape, _number_words(language)), key=len, reverse=True))
    return re.compile(
        r"(?<![A-Za-z0-9_])(?<!\d[.,])(?P<digits>\d{1,3}(?:[,.'\u202f\u00a0]\d{3})+(?:[.,]\d{1,2})?(?!\d)|"
        r"\d+(?:[.,]\d+)?)"
        rf"|(?P<han>[零〇一二两三四五六七八九十百千万]+)|(?<![^\W{CJK}])(?P<word>{spelled})(?![^\W{CJK}])",
        re.IGNORECASE,
    )


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in prose with what it counts.

    `unit` is a dimension (value in its base unit: g, mm, ml, hours, days, months), "money" (value in major units of
    `currency`), "rating", "reviews", "percent", "off", "size", "age", "count" (a Chinese measure word), "ordinal",
    or "" for none. `scale` is the size of the unit written, `step` what the last digit written is worth, both in the
    base unit; `spelled` says that the number is a word.
    """

    value: float
    unit: str
    currency: str
    scale: float
    step: float
    start: int
    end: int
    spelled: bool


def same(left: float, right: float, step: float = 0.0) -> bool:
    """Whether two numbers are equal, or `right` rounds to `left` at the precision `step`."""
    return abs(left - right) <= max(step * 0.5001, 1e-6 * max(1.0, abs(left)))


def _read_digits(text: str) -> tuple[float, float]:
    text = re.sub(r"['\u202f\u00a0]", "", text)
    point = max(text.rfind("."), text.rfind(","))
    if point < 0:
        return float(text), 1.0
    mixed = "." in text and "," in text
    grouped = len(text) - point - 1 == 3 and not text.startswith("0")
    if not mixed and (grouped or text.count(text[point]) > 1):
        return float(re.sub("[.,]", "", text)), 1.0
    whole, decimals = re.sub("[.,]", "", text[:point]), text[point + 1 :]
    return float(f"{whole}.{decimals}"), 10.0 ** -len(decimals)


def _read_han(text: str) -> float:
    total = section = digit = 0
    unit = 1
    for character in text:
        if character in _HAN:
            digit, unit = _HAN[character], (10 if _HAN[character] == 0 else unit)
        elif character == "万":
            total, section, digit, unit = (total + section + digit) * 10000, 0, 0, 10000
        else:
            unit = _HAN_UNIT[character]
            section, digit = section + (digit or 1) * unit, 0
    if digit and unit >= 100:
        digit *= unit // 10
    return float(total + section + digit)


def _currency(groups: tuple[str | None, ...], shop: str) -> str:
    code = next(code for code, found in zip(_CURRENCIES, groups, strict=True) if found)
    if code == "$":
        return shop if shop in _DOLLARS else "USD"
    if code == "¥":
        return shop if shop in ("CNY", "JPY") else "CNY"
    return code


def quantities(text: str, language: str, shop: str) -> list[Quantity]:
    """The numbers of normalised `text` in order; `shop` is the currency that "$" means where it can.

    Chinese numerals count only before a unit or after 第: they are part of too many other words.
    """
    found: list[Quantity] = []
    position = 0
    pattern = _number_at(language)
    while number := pattern.search(text, position):
        start, end = number.span()
        position = end
        spelled = not number["digits"]
        if number["digits"]:
            value, step = _read_digits(number["digits"])
        elif number["han"]:
            value, step = _read_han(number["han"]), 1.0
        else:
            value, step = float(_number_words(language)[number["word"].casefold()]), 1.0
        last = found[-1].end if found else 0  # a unit belongs to one number: in "4美元一件" not to the second
        before, unit, currency, scale = text[max(last, start - 40) : start], "", "", 1.0
        if not spelled and re.match(r"千|万|[kK](?![A-Za-z])" if _MONEY_BEFORE.search(before) else "千|万", text[end:]):
            thousands = 10000 if text[end] == "万" else 1000
            value, step, end = value * thousands, step * thousands, end + 1
        if money := _MONEY_BEFORE.search(before):
            unit, currency, start = "money", _currency(money.groups(), shop), start - len(money[0])
        elif money := _MONEY_AFTER.match(text, end):
            unit, currency, end = "money", _currency(money.groups(), shop), money.end()
            if money[0].strip() == "块" and shop != "CNY":  # also the measure word for pieces
                unit, currency = "count", ""
        elif _MONTH_BEFORE.search(before):
            unit = "date"
        elif _ORDINAL_BEFORE.search(before) or (not spelled and _ORDINAL_AFTER.match(text, end)):
            unit = "ordinal"
        elif before.endswith("百分之"):
            unit, start = "percent", start - 3
        elif size := _SIZE_BEFORE.search(before):
            unit, start = "size", start - len(size[0])
            if mark := re.match(r"码|号", text[end:]):
                end += len(mark[0])
        elif before.endswith("满分"):  # the scale of a rating, no rating
            position = end + (text[end : end + 1] == "分")
            continue
        elif measured := _UNIT_AT.match(text, end):
            unit, scale = next(
                (name, size)
                for pattern, name, size in _UNIT
                if (one := pattern.match(text, measured.start(1))) and one.end() == measured.end(1)
            )
            end = measured.end()
            if unit == "off":  # 8折 and 85折 are 20 % and 15 % off
                value, unit = 100 - value * (10 if value < 10 else 1), "percent"
        elif rating := _RATING_BEFORE.search(before):
            unit = "rating" if value <= 5 else ""
            start = start - len(rating[0]) if unit else start
        if number["han"] and (unit == "clock" and text[end - 1] == "点"):
            continue
        if number["han"] and (not unit or (unit == "rating" and value > 5)):
            continue
        found.append(Quantity(value * scale, unit, currency, scale, step * scale, start, end, spelled))
        position = end
    return _shared(found, text)


def _shared(found: list[Quantity], text: str) -> list[Quantity]:
    """The unit of a range, written once ("3 to 5 days", "$64 to 79", "10 x 15 cm"), given to both its ends."""
    for index in range(len(found) - 1, 0, -1):
        left, right = found[index - 1], found[index]
        joint = _JOINT.fullmatch(text, left.end, right.start)
        if joint and right.unit and not left.unit and not (left.spelled and joint[0].strip() in ("and", "or")):
            found[index - 1] = replace(
                left,
                unit=right.unit,
                currency=right.currency,
                value=left.value * right.scale,
                step=left.step * right.scale,
                scale=right.scale,
            )
    for index in range(1, len(found)):
        left, right = found[index - 1], found[index]
        if left.unit in ("money", "size") and not right.unit and _JOINT.fullmatch(text, left.end, right.start):
            found[index] = replace(right, unit=left.unit, currency=left.currency)
    return found
