"""Amounts of money in a message: several notations, currencies, ranges and number words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from assistant.lexicon import Lexicon

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
    "PLN": "zł pln",
    "RUB": "₽ rub рублей руб",
}
_CODE = {word: code for code, words in _CURRENCIES.items() for word in words.split()}
_DOLLARS = frozenset({"USD", "CAD", "AUD", "HKD", "TWD", "SGD", "NZD", "MXN"})
_WORDS = "|".join(sorted(map(re.escape, [*_CODE, "$", "¥", "peso", "pesos"]), key=len, reverse=True))
_CURRENCY = rf"(?:{_WORDS})(?![a-z])"
_DIGITS = r"-?\d{1,3}(?:[,.'\u202f]\d{3})+(?:[.,]\d{1,2})?(?!\d)|-?\d+(?:[.,]\d{1,2}(?!\d))?"
_HAN_NUMBER = r"[零一二两三四五六七八九十百千万]+"
_HAN_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"两": 2}
_HAN_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10000}
LARGEST = Decimal(10) ** 12  # an amount beyond this is a slip of the finger; it still compares correctly


@dataclass(frozen=True)
class Amount:
    """A price limit as said: major units, None where open.

    `span` is its place in the text, `words` are its words, and `figure` is the amount alone, without the limit.
    """

    minimum: Decimal | None
    maximum: Decimal | None
    currency: str
    span: tuple[int, int]
    words: str
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


def amounts(text: str, words: Lexicon, shop: str) -> Iterator[Amount]:
    """Price limits in a casefolded message, in order.

    A number counts as money when it carries a currency, or when a word such as "under" or "以内" limits it and no
    unit of another kind follows.
    """
    spelled = words.numbers
    value = rf"(?:{_DIGITS})\s?(?:k(?![a-z])|千|万)?|{_HAN_NUMBER}|{spelled}(?:\s+hundred)?"
    one = rf"(?:(?P<pre>{_CURRENCY})\s?)?(?P<value>{value})(?:\s?(?P<post>{_CURRENCY}))?"
    joint = "|".join(map(re.escape, words.cues["to"]))
    second = one.replace("<pre>", "<pre2>").replace("<value>", "<value2>").replace("<post>", "<post2>")
    pattern = re.compile(rf"(?<![a-z0-9.]){one}(?:\s*(?:{joint})\s*{second})?")
    limits = {name: words.cues[name] for name in ("below", "above", "approx")}
    for match in pattern.finditer(text):
        signs = [sign for sign in match.group("pre", "post", "pre2", "post2") if sign]
        first = _value(match["value"], words)
        start, end = match.span()
        before, after = text[max(0, start - 24) : start].rstrip(), text[end : end + 24].lstrip()
        if not signs and re.match(r"[a-z%\"′″°]|[码号岁克升米瓦件个只双寸]|公斤|毫升|厘米|小时", after):
            follows = re.match(r"(?:or|and|tops|max|maximum|budget|please|for|in)\b", after)
            if not follows:
                continue
        currency = currency_of(signs[0], shop) if signs else shop
        amount = Amount(None, None, currency, (start, end), text[start:end], text[start:end])
        if match["value2"]:
            low, high = sorted((first, _value(match["value2"], words)))
            lead = re.search(rf"(?:{'|'.join(map(re.escape, words.cues['between']))})$", before)
            tail = re.match("|".join(map(re.escape, limits["below"])), after)
            if signs or lead or tail:
                begin = start - (len(text[:start]) - len(text[:start].rstrip())) - len(lead[0]) if lead else start
                yield replace(amount, minimum=low, maximum=high, span=(begin, end), words=text[begin:end])
            continue
        found = _limit(before, after, limits)
        if not found and not signs:
            continue
        kind, left, right = found or ("below", 0, 0)
        begin = start - (len(text[max(0, start - 24) : start]) - len(before)) - left if left else start
        finish = end + (len(text[end : end + 24]) - len(after)) + right if right else end
        amount = replace(amount, span=(begin, finish), words=text[begin:finish].strip())
        if kind == "below":
            yield replace(amount, maximum=first)
        elif kind == "above":
            yield replace(amount, minimum=first)
        else:
            yield replace(amount, minimum=first * Decimal("0.75"), maximum=first * Decimal("1.25"))


def _limit(before: str, after: str, limits: dict[str, tuple[str, ...]]) -> tuple[str, int, int] | None:
    """The kind of limit beside a number, and how many characters of it stand before and after."""
    best: tuple[str, int, int] | None = None
    for kind, phrases in limits.items():
        for phrase in phrases:
            longest = best[1] + best[2] if best else 0
            if len(phrase) <= longest:
                continue
            if re.search(rf"(?<![a-z]){re.escape(phrase)}$", before):
                best = (kind, len(phrase), 0)
            elif re.match(rf"{re.escape(phrase)}(?![a-z])", after):
                best = (kind, 0, len(phrase))
    return best


def _value(text: str, words: Lexicon) -> Decimal:
    spelled = words.tables["number"]
    total = Decimal(0)
    if any(part in spelled for part in text.split()):
        for part in text.split():
            if part == "hundred":
                total = (total or Decimal(1)) * 100
            else:
                total += spelled[part]
        return total
    return number(text)
