"""Names and model numbers that nothing in the evidence knows."""

from __future__ import annotations

import re
from functools import partial

from assistant.claims.context import PLAIN
from assistant.claims.prose import stem, stems
from assistant.claims.reading import BEGINS, ClaimKind, Reading

_CODE = re.compile(r"(?<![\w.@/-])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{2,}(?:-[A-Za-z0-9]+)*(?![\w@])", re.ASCII)
_CAPITAL = re.compile(r"(?<![A-Za-zÀ-ÿ0-9'.-])[A-ZÀ-Þ][A-Za-zÀ-ÿ0-9']*(?:-[A-Za-zÀ-ÿ0-9]+)*")
_STARTER = re.compile(
    r"\s(?:is|are|costs?|has|have|comes?|weighs?|fits?|keeps?|does|isn't|holds?|would|can|was)\b|'s\b"
)
_UNITLIKE = re.compile(
    r"[A-Z]|X{0,3}[SL]|USD|EUR|GBP|CNY|RMB|JPY|US|EU|UK|OK|I'(?:m|d|ll|ve)|[kKM]?[WVA]h?|m?Ah|GB|TB|MB|[MG]?Hz|L"
)


def codes(reading: Reading) -> None:
    """Model numbers and grades such as IP67 stand in the data, or are the shopper's."""
    shelf = reading.shelf
    taken = [(each.start, each.end) for each in reading.numbers]
    for found in _CODE.finditer(reading.text):
        if (
            any(start < found.end() and found.start() < end for start, end in taken)
            or stems(found[0]) in reading.vocabulary.values
        ):
            continue
        code, subject = found[0].casefold(), reading.subject(*found.span())
        if code in shelf.shop.raw or (not subject.named and code in shelf.shopper.raw):
            reading.claim(ClaimKind.NUMBER, found[0], None, True, "given by the shop or the shopper")
        elif subject.ids:
            reading.judge(
                ClaimKind.ATTRIBUTE,
                found.span(),
                subject,
                partial(_holds, reading, code),
                "in the data",
            )
        else:
            reading.claim(ClaimKind.NUMBER, found[0], None, False, "no source")


def _holds(reading: Reading, code: str, product_id: str) -> bool:
    return reading.shelf[product_id].holds(code)


def strangers(reading: Reading) -> None:
    """Capitalised words that nothing in the evidence knows are taken for products that are not there."""
    reply, text = reading.context, reading.text
    german = reply.language.startswith("de")
    for found in _CAPITAL.finditer(text):
        word = stem(found[0])
        begins = bool(BEGINS.search(text[: found.start()])) and "zh" not in reply.language
        numeric = any(one.start < found.end() and found.start() < one.end for one in reading.numbers)
        if numeric or not reading.fresh(found.span()) or _UNITLIKE.fullmatch(found[0]):
            continue
        neighbour = next(
            (
                name
                for name in reading.names
                if name.end <= found.start() and re.fullmatch(r" |-", text[name.end : found.start()])
            ),
            None,
        )
        if neighbour and not any(all(map(reading.shelf[one].knows, stems(found[0]))) for one in neighbour.ids):
            reading.claim(ClaimKind.NAME, found[0], None, False, "no part of the name before it")
            continue
        parts = set(stems(found[0])) or {word}
        if all(map(reply.knows, parts)) or (not begins and not german and parts & PLAIN):
            continue
        if begins or german:
            subject = _STARTER.match(text, found.end())
            if not (parts & reply.vocabulary.titles.words) and not (subject and not german):
                continue
            if not subject and reply.lowers(word):
                continue
            if not subject and not german:
                continue
        if re.search(r"[a-z]ing$", found[0]) and begins:
            continue
        reading.claim(ClaimKind.NAME, found[0], None, False, "no product, brand or word of the evidence")
