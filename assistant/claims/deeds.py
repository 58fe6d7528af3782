"""What the shop or the assistant is said to do, to give or to have done: true only where the shop's pages say so.

An assistant talks, looks things up, sorts and shows; its words may claim that of it. Whatever else "we" or "I" have
done, will do or give, and what other people are said to think of a product, needs a passage that says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from assistant.claims import policies
from assistant.claims.claim import ClaimKind
from assistant.claims.context import FUNCTION, PLAIN
from assistant.claims.cues import known, table
from assistant.claims.prose import CJK, NAMED, spaced, stem
from assistant.claims.reading import Reading

_AGENT = re.compile(
    r"\b(?P<who>we|i|(?:our|my) (?:own )?[a-z]+|(?:the|a) (?:shop|store|team|staff|warehouse|colleagues?|manager))"
    r"(?P<helps>(?:'ve|'ll|'d|'re|'m|'s)?(?: (?:have|has|had|will|would|can|could|do|did|are|am|is|was|were|may|"
    r"might|should|shall|be|been|just|already|also|always|even|gladly|happily|now|then|still|only|really|usually|often|"
    r"personally|certainly|simply|first|happy|glad|going|to|able|both))*)"
    r" (?P<verb>[a-z]+)(?P<rest>[^,.;]*)"
)
_DENIED = re.compile(
    r"(?:n't|\bnot|\bnever|\bcannot|\bunable)\b|不能|无法|没办法|没法|不会|没有?(?=[把给帮替为])", re.IGNORECASE
)
_HAS = re.compile(r"'ve\b|\b(?:have|has|had)\b")
_WOULD = re.compile(r"'d\b|\b(?:would|should|might)\b")
_IS = re.compile(r"'(?:m|re|s)\b|\b(?:am|are|is|was|were|be|been)\b")
_HELPFUL = frozenset(spaced("help assist answer tell know reach"))  # what the people of a shop may be said to do
_PAST = frozenset(
    spaced(
        "put set sent made held kept given thrown brought bought paid sold told left taken got gotten found read seen "
        "had been said gone chosen shown understood stuck meant cut written spoken begun become built cast come done "
        "drawn driven fallen felt flown forgiven hidden hit known laid led lent let lost met worn won woven wrapped "
        "gave took threw wrote spoke began did drew drove knew wore went came"
    )
)


@cache
def _words(name: str) -> frozenset[str]:
    return frozenset(spaced(table("en")["deeds"][name]))


@cache
def _pattern(language: str, name: str) -> re.Pattern[str]:
    phrases = table(language)["deeds"][name]
    return re.compile(phrases if isinstance(phrases, str) else "|".join(phrases), re.IGNORECASE)


def deeds(reading: Reading) -> None:
    """Check what the shop and the assistant are said to do, and what comes along with a product."""
    if reading.question or reading.idle or reading.unsaid:
        return
    language = known(reading.context.language)
    if language == "zh":
        found = _chinese(reading.text)
    elif language == "en":
        found = _english(reading.text)
    else:
        return
    for start, end in found:
        if not policies.backed(reading, *reading.clause(start)) and not policies.backed(reading, 0, len(reading.text)):
            reading.claim(ClaimKind.POLICY, reading.original[start:end], None, False, "no page says that this is done")
    if language == "en":
        _along(reading)


def _english(text: str) -> Iterator[tuple[int, int]]:
    for found in _AGENT.finditer(text.casefold()):
        span = found.span("who")[0], found.span("verb")[1]
        verb, helps = found["verb"], found["helps"]
        if (
            (verb in FUNCTION and verb not in _PAST)
            or _DENIED.search(found[0])
            or _pattern("en", "idioms").search(f"{helps} {verb}{found['rest']}")
        ):
            continue
        crew = _pattern("en", "crew").fullmatch(found["who"].partition(" ")[2])
        if found["who"].startswith(("our", "my")) and not crew and (_IS.search(helps) or not helps):
            if verb.endswith(("ed", "ing")) and verb not in _words("done") and _verb_of(verb) not in _words("talk"):
                yield span
            continue
        if crew and verb not in _HELPFUL:
            yield span
            continue
        if _WOULD.search(helps) and not _HAS.search(helps):
            continue
        past = verb in _PAST or (verb.endswith("ed") and len(verb) > 4 and verb not in ("need", "indeed"))
        if past and not (_IS.search(helps) and not _HAS.search(helps)):
            if verb not in _words("done"):
                yield span
        elif _HAS.search(helps) and not (_IS.search(helps) and verb.endswith("ing")):
            continue  # possession: "we have three"
        elif _IS.search(helps):
            going = " to" in helps and not verb.endswith("ing")
            if (verb.endswith("ing") or going) and _verb_of(verb) not in _words("talk"):
                yield span
        elif verb not in _words("talk") and stem(verb) not in PLAIN and verb.removesuffix("s") not in _words("talk"):
            yield span
    for name in ("people", "passive", "receipt"):
        yield from (found.span() for found in _pattern("en", name).finditer(text))


def _verb_of(form: str) -> str:
    """ "comparing" -> "compare", "getting" -> "get", where those are words an assistant may say of itself."""
    base = re.sub(r"(?:ing|ed)$", "", form)
    forms = (base, f"{base}e", base[:-1] if base[-1:] == base[-2:-1] else base)
    return next((each for each in forms if each in _words("talk")), base)


def _chinese(text: str) -> Iterator[tuple[int, int]]:
    talk, said = _pattern("zh", "talk"), _pattern("zh", "said")
    for found in re.finditer(r"(?:帮|给|替|为)(?:您|你)们?(?:先|再|都|也|一起|一下)*(?=[\u4e00-\u9fff])", text):
        rest = text[found.end() :]
        if (
            not talk.match(rest)
            and not re.match(r"的|[您你]|把|和|带|几|[一两三]", rest)
            and not _denied(text, found.start())
        ):
            yield found.start(), min(found.end() + 4, len(text))
    for found in _pattern("zh", "agent").finditer(text):
        rest = text[found.end() :]
        before = text[: found.start()][-1:]
        if before in ("给", "告", "诉", "问", "让", "联", "系", "知", "和", "跟", "找", "到", "向", "请"):
            continue
        if not talk.match(rest) and not said.match(rest) and not _denied(text, found.end()):
            yield found.start(), min(found.end() + 4, len(text))
    for found in _pattern("zh", "taken").finditer(text):
        if not _pattern("zh", "handled").search(found[0]):
            yield found.span()
    for found in _pattern("zh", "already").finditer(text):
        if re.match(f"[{CJK}]", text[found.end() : found.end() + 1]):
            yield found.start(), min(found.end() + 4, len(text))


def _denied(text: str, position: int) -> bool:
    return bool(_DENIED.search(text[max(0, position - 8) : position + 3]))


def _along(reading: Reading) -> None:
    """Check "comes with a spare pair of laces": most of what comes along must stand in the data of the product."""
    for found in _pattern("en", "along").finditer(reading.text):
        end = re.search(
            rf"[,.;({NAMED}]| (?:and|but|for|when|if|so|at|than|that|which) |$", reading.text[found.end() :]
        )
        until = found.end() + (end.start() if end else 0)
        said = reading.content(found.end(), until) - PLAIN
        head = [word.stem for word in reading.words if word.stem in said and found.end() <= word.start < until][-1:]
        subject = reading.subject(*found.span())
        counted = any(found.end() <= each.start < until and each.unit for each in reading.numbers)
        if not said or not reading.grounds.shown or counted or reading.denied(found.start()):
            continue

        def has(one: str, said: set[str] = said, head: list[str] = head) -> bool:
            known = reading.grounds[one].knows
            return 2 * sum(map(known, said)) >= len(said) and all(map(known, head))

        if not any(map(reading.grounds.shop.vocabulary.__contains__, said)):
            reading.judge(
                ClaimKind.ATTRIBUTE, (found.start(), until), subject, has, "the data says that it comes along"
            )
