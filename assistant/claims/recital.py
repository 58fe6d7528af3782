"""Words taken over as they are: a sentence of the shop's pages, a quotation, an address, what code rendered."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from assistant.claims.claim import ClaimKind
from assistant.claims.prose import CJK, NAMED, normalize, sentences, spaced, stems

if TYPE_CHECKING:
    from assistant.claims.reading import Reading

_CONTACT = re.compile(r"https?://[^\s,)]+|www\.[^\s,)]+|[\w.+-]+@[\w-]+\.[\w.-]*\w|\+\d[\d ()-]{6,}\d", re.ASCII)
_QUOTED = re.compile(r"“([^”]+)”|「([^」]+)」|『([^』]+)』|《([^》]+)》|(?<![\d\w])\"([^\"]+)\"")
_EDGE = " \n\t.,;:!?。、…'\"“”„«»「」『』()"
_LEAST, _LEAST_CJK = 3, 6  # words or Chinese characters from which a run is a quotation and no coincidence


def recited(reading: Reading, text: str) -> str:
    """`text` without the sentences of the shop's pages that stand in it word for word, which are true as they stand.

    A part of such a sentence counts where it is all that is said and is cut at commas. What is said around it is read
    like any other words; "it is not true that" denies it.
    """
    own = text.strip(_EDGE)
    for source in reading.grounds.evidence.passages:
        for sentence in sentences([source.quote]):
            given = normalize(sentence).strip(_EDGE)
            if not _long(given):
                continue
            at = text.casefold().find(given.casefold())
            if at >= 0 and _apart(text, at, at + len(given)):
                denied = re.search(r"(?:\bthat|\bif|说|认为)\W*$", text[:at]) and reading.cues["negation"].search(
                    text[:at]
                )
                reading.claim(ClaimKind.POLICY, given, None, not denied, "a sentence of the shop's pages")
                text = text[:at] + NAMED * len(given) + text[at + len(given) :]
            elif _long(own) and (at := given.casefold().find(own.casefold())) >= 0:
                before, after = given[:at].rstrip(" "), given[at + len(own) :].lstrip(" ")
                if (not before or before[-1] in ",;:、") and (not after or after[0] in ",;:、"):
                    reading.claim(ClaimKind.POLICY, own, None, True, "a part of a sentence of the shop's pages")
                    return NAMED * len(text)
    return text


def _long(text: str) -> bool:
    return len(spaced(text)) >= _LEAST or len(re.findall(f"[{CJK}]", text)) >= _LEAST_CJK


def _apart(text: str, start: int, end: int) -> bool:
    """Whether a run of a sentence begins and ends where a clause may."""
    before, after = text[:start].rstrip(" "), text[end:].lstrip(" ")
    return (not before or not before[-1].isalnum() or before.endswith((" that", " if", "说"))) and (
        not after or not after[0].isalnum()
    )


def contacts(reading: Reading, text: str) -> str:
    """Check addresses, and blank them."""
    shelf = reading.grounds
    urls = " ".join(product.url for product in shelf.evidence.products.values())
    for found in _CONTACT.finditer(text):
        given = found[0].rstrip(".").casefold()
        supported = given in shelf.shop.raw or given in shelf.shopper.raw or given in urls.casefold()
        reading.claim(ClaimKind.POLICY, found[0], None, supported, "an address the shop gives")
        text = text[: found.start()] + NAMED * len(found[0]) + text[found.end() :]
    return text


def quoted(reading: Reading) -> str:
    """Check quoted words, and blank them and what code rendered about no product: they are read as a whole."""
    shelf, text = reading.grounds, reading.text
    for fact in shelf.evidence.facts.get("", ()):
        given = normalize(fact).casefold()
        at = text.casefold().find(given) if len(spaced(given)) > 2 and not reading.names else -1
        if at >= 0:
            text = text[:at] + NAMED * len(given) + text[at + len(given) :]
    for found in _QUOTED.finditer(text):
        quote = next(group for group in found.groups() if group)
        given = quote.casefold().strip(" .,。，!！")
        if NAMED in quote or not stems(quote):
            continue
        subject = reading.subject(*found.span())
        if given in shelf.shop.raw or given in shelf.shopper.raw or stems(quote) in reading.vocabulary.values:
            reading.claim(ClaimKind.POLICY, quote, None, True, "quoted from the policies or the shopper")
        else:
            holds = partial(_quotes, reading, given)
            reading.judge(ClaimKind.ATTRIBUTE, found.span(), subject, holds, "quoted from it")
        text = text[: found.start()] + NAMED * len(found[0]) + text[found.end() :]
    return text


def _quotes(reading: Reading, words: str, product_id: str) -> bool:
    return reading.grounds[product_id].holds(words)
