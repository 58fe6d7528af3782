"""Names and model numbers that nothing in the evidence knows."""

from __future__ import annotations

import re
from functools import partial

from assistant.claims.claim import ClaimKind
from assistant.claims.context import PLAIN
from assistant.claims.prose import stems
from assistant.claims.reading import BEGINS, Reading

_CODE = re.compile(r"(?<![\w.@/-])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{2,}(?:-[A-Za-z0-9]+)*(?![\w@])", re.ASCII)
_CAPITAL = re.compile(r"(?<![A-Za-zÀ-ÿ0-9'.-])[A-ZÀ-Þ][A-Za-zÀ-ÿ0-9']*(?:-[A-Za-zÀ-ÿ0-9]+)*")
_STARTER = re.compile(
    r"\s(?:is|are|costs?|has|have|comes?|weighs?|fits?|keeps?|does|isn't|holds?|would|can|was)\b|'s\b"
)
_TITLED = re.compile(r"\s+(?!I\b)[A-Z][a-z]+\b|\s*(?:,|at|for|\()\s*[$€£¥]")
_NEXT = re.compile(r"\s([A-Z][A-Za-zÀ-ÿ]+)")
_UNITLIKE = re.compile(
    r"[A-Z]|X{0,3}[SL]|USD|EUR|GBP|CNY|RMB|JPY|US|EU|UK|OK|I'(?:m|d|ll|ve)|[kKM]?[WVA]h?|m?Ah|GB|TB|MB|[MG]?Hz|L"
)


def codes(reading: Reading) -> None:
    """Model numbers and grades such as IP67 stand in the data, or are the shopper's."""
    shelf = reading.grounds
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
    return reading.grounds[product_id].holds(code)


def strangers(reading: Reading) -> None:
    """Capitalised words that nothing in the evidence knows are taken for products that are not there."""
    reply, text = reading.context, reading.text
    for found in _CAPITAL.finditer(text):
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
        if neighbour and not any(all(map(reading.grounds[one].knows, stems(found[0]))) for one in neighbour.ids):
            reading.claim(ClaimKind.NAME, found[0], None, False, "no part of the name before it")
            continue
        parts = stems(found[0])
        if all(map(reply.knows, parts)) or _is_ordinary(reading, found, parts):
            continue
        reading.claim(ClaimKind.NAME, found[0], None, False, "no product, brand or word of the evidence")


def _is_ordinary(reading: Reading, found: re.Match[str], parts: tuple[str, ...]) -> bool:
    """Whether a capital is owed to the place or the language, and not to a name.

    At the start of a sentence a word is a name if it is the subject, priced or followed by another capital; German
    writes every noun with a capital, so there only words of titles and pairs of unknown words are names.
    """
    reply, text = reading.context, reading.text
    titled = any(part in reply.vocabulary.titles.words for part in parts)
    if reply.language.startswith("de"):
        following = _NEXT.match(text, found.end())
        paired = following is not None and not all(map(reply.knows, stems(following[1])))
        return not paired and (not titled or all(map(reply.lowers, parts)))
    if reply.language.startswith("zh") or not BEGINS.search(text[: found.start()]):
        return any(part in PLAIN for part in parts)
    gerund = re.search(r"[a-z]ing$", found[0]) is not None
    subject = _STARTER.match(text, found.end()) or _TITLED.match(text, found.end())
    return gerund or subject is None
