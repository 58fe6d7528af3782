"""Amounts of money in a message: several notations, currencies, ranges and number words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache

from assistant.lexicon import Lexicon, alternatives, has_han, lexicon

# Signs and words for currencies, casefolded. "$" and "¥" are settled by the shop's own currency.
_CURRENCIES = {
    "USD": "us$ usd dollar dollars bucks buck 美元 美金 美刀 刀 dólares dolares dólar us-dollar",
    "CNY": "cny rmb yuan 元 块钱 块 人民币 元钱",
    "EUR": "€ eur euro euros 欧元 欧",
    "GBP": "£ gbp quid sterling 英镑",
    "JPY": "jpy yen 日元 円",
    "HKD": "hk$ hkd 港币 港元",
    "TWD": "nt$ twd 台币 新台币",
    "CAD": "c$ ca$ cad 加元",
    "AUD": "a$ au$ aud 澳元",
    "KRW": "₩ krw won 韩元",
    "INR": "₹ inr rupees rupee rs",
    "PHP": "₱ php",
    "CHF": "chf francs sfr",
    "BRL": "r$ brl reais",
    "MXN": "mx$ mxn",
    "SEK": "sek kronor",
    "NOK": "nok",
    "DKK": "dkk",
    "THB": "thb baht 泰铢",
    "SGD": "sgd",
    "NZD": "nzd",
    "PLN": "zł pln",
    "RUB": "₽ rub рублей руб",
}
_CODE = {word: code for code, words in _CURRENCIES.items() for word in words.split()}
_DOLLARS = frozenset({"USD", "CAD", "AUD", "HKD", "TWD", "SGD", "NZD", "MXN"})
_WORDS = "|".join(sorted(map(re.escape, [*_CODE, "$", "¥", "peso", "pesos"]), key=len, reverse=True))
_CURRENCY = rf"(?:{_WORDS})(?![a-z])"
CURRENCY = re.compile(rf"\s?{_CURRENCY}")  # directly behind a number
_DIGITS = r"-?\d{1,3}(?:[,.'\u202f]\d{3})+(?:[.,]\d{1,2})?(?!\d)|-?\d+(?:[.,]\d{1,2}(?!\d))?"
HAN_NUMBER = "零一二两三四五六七八九十百千万"
_HAN_NUMBER = rf"[{HAN_NUMBER}]+"
_HAN_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"两": 2}
_HAN_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10000}
_NEAR = 24  # characters within which a word limits a number
_OTHER_UNIT = re.compile(r"[a-z%\"′″°]|[码号岁克升米瓦件个只双寸]|公斤|毫升|厘米|小时")
_NO_UNIT = re.compile(r"(?:or|and|tops|max|maximum|budget|please|for|in)\b")
LARGEST = Decimal(10) ** 12  # an amount beyond this is a slip of the finger; it still compares correctly


@dataclass(frozen=True)
class Amount:
    """A price limit as said: major units, None where open.

    `span` is its place in the text with the words that limit it, and `figure` is the amount alone.
    """

    minimum: Decimal | None
    maximum: Decimal | None
    currency: str
    span: tuple[int, int]
    figure: str


def number(text: str) -> Decimal:
    """The value of a number as written: "1,299.00", "1.299,00", "2k", "一百五", "两千"."""
    text = text.strip()
    if re.fullmatch(_HAN_NUMBER, text):
        return _han_number(text)
    scale = Decimal(1)
    if text[-1] in "kK千":
        text, scale = text[:-1], Decimal(1000)
    elif text[-1] == "万":
        text, scale = text[:-1], Decimal(10000)
    text = text.replace("'", "").replace("\u202f", "").strip()
    comma, point = text.rfind(","), text.rfind(".")
    decimal = max(comma, point)
    if decimal >= 0 and len(text) - decimal - 1 == 3 and (comma < 0 or point < 0):
        decimal = -1  # one kind of mark, three digits after it: it groups thousands
    whole = re.sub(r"[,.]", "", text[:decimal] if decimal >= 0 else text)
    value = Decimal(f"{whole or 0}.{text[decimal + 1 :] or 0}" if decimal >= 0 else whole)
    return max(min(value * scale, LARGEST), -LARGEST)


def _han_number(text: str) -> Decimal:
    total = section = digit = 0
    last_unit = 1
    for character in text:
        if character in _HAN_DIGITS:
            digit = _HAN_DIGITS[character]
            if character == "零":
                last_unit = 10  # 一百零五 is 105, 一百五 is 150
        elif character == "万":
            total, section, digit, last_unit = (total + section + digit) * 10000, 0, 0, 10000
        else:
            last_unit = _HAN_UNITS[character]
            section, digit = section + (digit or 1) * last_unit, 0
    if digit and last_unit >= 100 and text[-2:-1] in _HAN_UNITS:
        digit *= last_unit // 10
    return Decimal(total + section + digit)


def currency_of(word: str, shop: str) -> str:
    """The ISO 4217 code that a sign or word means in a shop that sells in `shop`."""
    word = word.casefold()
    if word == "$" or word.startswith(("dollar", "buck")):
        return shop if shop in _DOLLARS else "USD"
    if word == "¥":
        return shop if shop in ("CNY", "JPY") else "CNY"
    if word in ("peso", "pesos"):
        return shop if shop in ("PHP", "MXN", "CLP", "COP", "ARS") else "MXN"
    return _CODE[word]


@cache
def spelled(words: Lexicon) -> str:
    """Regular expression source of a number in words: "twenty-five", "two hundred and fifty", "2 thousand"."""
    table = {word: value for word, value in words.tables["number"].items() if not has_han(word)}
    units = alternatives(word for word, value in table.items() if value < 20)
    tens = alternatives(word for word, value in table.items() if 20 <= value < 100)
    hundreds = alternatives(word for word, value in table.items() if 100 <= value < 1000)
    thousands = alternatives(word for word, value in table.items() if value >= 1000)
    joining = alternatives(_conjunctions(words))
    # "treinta y cinco" is 35, where English has no "thirty and five".
    inner = alternatives(_conjunctions(words) - _conjunctions(lexicon("en")))
    small = rf"(?:{tens}(?:[\s-]+(?:{inner}[\s-]+)?{units})?|{units})"
    times = r"\d{1,3}(?:\.\d)?|\ban?"
    rest = rf"[\s-]+(?:{joining}\s+)?"
    whole = rf"(?![\s-]+(?:{hundreds}|{thousands}))"  # "one hundred and two hundred" are two numbers
    below = rf"(?:(?:(?:{small}|{times})[\s-]+)?{hundreds}(?:{rest}{small}{whole})?|{small})"
    return rf"(?:(?:(?:{below}|{times})[\s-]+)?{thousands}(?:{rest}{below}{whole})?|{below})"


def value(text: str, words: Lexicon) -> Decimal:
    """The value of a number in digits or in words."""
    if has_han(text) or not re.search(r"[^\W\d_]{2}", text):
        return number(text)
    total = current = Decimal(0)
    for part in re.split(r"[\s-]+", text):
        known = words.tables["number"].get(part)
        if part[0].isdigit():
            current = Decimal(part)
        elif known is None:
            continue  # "a hundred", "and"
        elif known >= 1000:
            total, current = total + (current or 1) * known, Decimal(0)
        elif known == 100:
            current = (current or 1) * known
        else:
            current += known
    return total + current


def amounts(text: str, words: Lexicon, shop: str) -> Iterator[Amount]:
    """Price limits in a casefolded message, in order.

    A number counts as money when it carries a currency, or when a word such as "under" or "以内" limits it and no
    unit of another kind follows. "And" makes a range of two numbers only after a word such as "between".
    """
    forms = _forms(words)
    place = 0
    while match := forms.money.search(text, place):
        start, end = match.span()
        before = text[max(0, start - _NEAR) : start].rstrip()
        lead = forms.between.search(before)
        upper = match["value2"]
        if upper and match["joint"] in _conjunctions(words) and not lead:
            upper, end = None, max(match.end("value"), match.end("post"))
        place = end
        after = text[end : end + _NEAR].lstrip()
        signs = [sign for sign in match.group("pre", "post", *(("pre2", "post2") if upper else ())) if sign]
        if not signs and _OTHER_UNIT.match(after) and not _NO_UNIT.match(after):
            continue
        first = value(match["value"], words)
        first = -first if match["minus"] else first
        currency = currency_of(signs[0], shop) if signs else shop
        amount = Amount(None, None, currency, (start, end), text[start:end])
        if upper:
            low, high = sorted((first, value(upper, words)))
            if signs or lead or forms.below_after.match(after):
                begin = start - (len(text[:start]) - len(text[:start].rstrip())) - len(lead[0]) if lead else start
                yield replace(amount, minimum=low, maximum=high, span=(begin, end))
            continue
        found = _limit(before, after, forms)
        if not found and not signs:
            continue
        kind, left, right = found or ("below", 0, 0)
        begin = start - (len(text[max(0, start - _NEAR) : start]) - len(before)) - left if left else start
        finish = end + (len(text[end : end + _NEAR]) - len(after)) + right if right else end
        amount = replace(amount, span=(begin, finish))
        if kind == "below":
            yield replace(amount, maximum=first)
        elif kind == "above":
            yield replace(amount, minimum=first)
        else:
            yield replace(amount, minimum=first * Decimal("0.75"), maximum=first * Decimal("1.25"))


def amount(text: str, words: Lexicon, shop: str) -> tuple[Decimal, str] | None:
    """The amount of money that a text is, and its currency: in the shop's where it has none of its own.

    None where there is no number in it, or one of another unit.
    """
    match = _forms(words).money.search(text)
    if not match:
        return None
    end = max(match.end("value"), match.end("post"))
    after = text[end:].lstrip()
    signs = [sign for sign in match.group("pre", "post") if sign]
    if not signs and re.search(r"[^\W\d_]|[\"″'′°%]", after):
        return None
    return value(match["value"], words), currency_of(signs[0], shop) if signs else shop


@dataclass(frozen=True)
class _Forms:
    """The patterns of amounts in one language; `limits` are by kind, what stands before and what after a number."""

    money: re.Pattern[str]
    between: re.Pattern[str]
    below_after: re.Pattern[str]
    limits: dict[str, tuple[re.Pattern[str], re.Pattern[str]]]


@cache
def _forms(words: Lexicon) -> _Forms:
    figure = rf"{spelled(words)}|(?:{_DIGITS})\s?(?:k(?![a-z])|千|万)?|{_HAN_NUMBER}"
    one = rf"(?P<minus>-)?(?:(?P<pre>{_CURRENCY})\s?)?(?P<value>{figure})(?:\s?(?P<post>{_CURRENCY}))?"
    second = (
        one.replace("<minus>", "<minus2>")
        .replace("<pre>", "<pre2>")
        .replace("<value>", "<value2>")
        .replace("<post>", "<post2>")
    )
    limits = {}
    for kind in ("below", "above", "approx"):
        phrases = _longest(words.cues[kind])
        limits[kind] = (re.compile(rf"(?<![a-z])(?:{phrases})$"), re.compile(rf"(?:{phrases})(?![a-z])"))
    return _Forms(
        re.compile(rf"(?<![a-z0-9.]){one}(?:\s*(?P<joint>{_longest(words.cues['to'])})\s*{second})?"),
        re.compile(rf"(?:{_longest(words.cues['between'])})$"),
        re.compile(_longest(words.cues["below"])),
        limits,
    )


def _longest(phrases: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(phrases, key=len, reverse=True)))


def _conjunctions(words: Lexicon) -> set[str]:
    """The words for "and", of the alphabetic languages."""
    return {word for word in words.cues["joining"] if word.isalpha() and not has_han(word)}


def _limit(before: str, after: str, forms: _Forms) -> tuple[str, int, int] | None:
    """The kind of limit beside a number, and how many characters of it stand before and after."""
    best: tuple[str, int, int] | None = None
    for kind, (leading, trailing) in forms.limits.items():
        left, right = leading.search(before), trailing.match(after)
        for found, is_left in ((left, True), (right, False)):
            if found and len(found[0]) > (best[1] + best[2] if best else 0):
                best = (kind, len(found[0]), 0) if is_left else (kind, 0, len(found[0]))
    return best
