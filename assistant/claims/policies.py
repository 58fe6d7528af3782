"""What a policy says, and that a sentence about it says the same: its numbers, and whether, when and for what.

A sentence is held against the passages most like it. Each axis below has two sides, such as free and paid for; where
those passages stand on one side of an axis, the sentence must not stand on the other.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection
from functools import cache

from assistant.claims import cues
from assistant.claims.claim import ClaimKind
from assistant.claims.context import FUNCTION
from assistant.claims.prose import CJK, Quantity, quantities, same, stems
from assistant.claims.reading import Reading, equal
from assistant.evidence import Passage

_DENIAL = re.compile(
    r"n't\b|\b(?:not|no|never|cannot|neither|nor|none|nothing)\b(?! (?:longer|more|later|only|less) than\b)|"
    r"不(?!仅|但|只|同|过|少|论|管|错)|无(?!论|线)|没有?|未|非(?!常)|免(?=寄)|勿|别(?!的)",
    re.IGNORECASE,
)
_BEFORE = 22  # characters within which a denial reaches a word
_PER = re.compile(
    r"\b(?:per|each|every|for each|for every)\s+([a-z]+)|(?:[$€£]\d[\d.]*|\d[\d.]*%?) (?:an?|a) ([a-z]+)|"
    r"每(?:一|个|张|笔|次)*([\u4e00-\u9fff])|[元%一](?:/|一)([件单份次个])",
    re.IGNORECASE,
)
_SUM = re.compile(r"[$€£]\s?\d|\d\s?(?:美元|元|欧元|dollars?|euros?)\b", re.IGNORECASE)
_BOUND = re.compile(
    r"\b(?:over|under|above|below|or more|or less|less than|more than|from|up to)\b|满|以[上下内]|低于|超过", re.I
)
_ALIKE = 0.8  # share of the best score from which a passage is as much what is spoken of


@cache
def _axes() -> tuple[tuple[str, re.Pattern[str], re.Pattern[str]], ...]:
    """Name, one side and the other: regular expressions for every language at once."""
    return tuple(
        (name, re.compile("|".join(each["yes"]), re.I), re.compile("|".join(each["no"]), re.I))
        for name, each in cues.table("shared")["axes"].items()
    )


@cache
def _sides(text: str) -> dict[str, int]:
    """Axis -> 1 or -1 for the side on which a text stands; 0 where it is silent or on both."""
    found: dict[str, int] = {}
    for name, yes, no in _axes():
        sides = {-1 for _ in no.finditer(text)}
        rest = no.sub(lambda one: " " * len(one[0]), text)
        for one in yes.finditer(rest):
            near = re.split(r"[,;.。]", text[max(0, one.start() - _BEFORE) : one.start()])[-1]
            near = near[-3:] if re.search(f"[{CJK}]", near) else near
            sides.add(-1 if name != "offer" and _DENIAL.search(near) else 1)
        if name == "charge" and not sides and _SUM.search(text) and not _BOUND.search(text):
            sides = {1}
        if name == "number" and -1 in sides:
            sides = {-1}  # "several codes in one order"
        found[name] = sum(sides) if len(sides) == 1 else 0
    return found


@cache
def _denies(text: str) -> bool:
    """Whether a text denies, apart from saying that there is no charge."""
    _, yes, no = next(axis for axis in _axes() if axis[0] == "charge")
    bare = re.sub(r"^\W*(?:yes|no|是的|不是|不)\W*[,.:;]", "", text)
    bare = yes.sub(" ", no.sub(" ", bare))
    return bool(_DENIAL.search(bare)) or any(_sides(bare)[axis] < 0 for axis in ("include", "need"))


def _topic(words: Collection[str]) -> frozenset[str]:
    """The beginnings of words that say what a policy is about, and not what holds."""
    told = (word for word in words if word not in FUNCTION and not word[0].isdigit())
    return frozenset(word[:6] for word in told if not _on_axis(word))


@cache
def _on_axis(word: str) -> bool:
    return word in "运费付收邮钱" or any(side.fullmatch(word) for _, *sides in _axes() for side in sides)


def _sentence(passage: Passage) -> str:
    return passage.text.raw.partition("\n")[2] or passage.text.raw


def _alike(reading: Reading) -> tuple[list[Passage], float]:
    """The passages most like the sentence, and which share of what it is about they have."""
    passages = reading.grounds.passages
    said = _topic(reading.content(0, len(reading.text)))
    topics = [_topic(one.text.vocabulary) for one in passages]
    own = [_topic(stems(_sentence(one))) for one in passages]
    frequency = Counter(word for topic in topics for word in topic)
    known = [word for word in said if word in frequency]
    if not known:
        return [], 0.0
    weight = {word: math.log(1 + len(passages) / frequency[word]) for word in known}
    scores = [
        sum(weight[word] * (1 if word in told else 0.5) for word in said & topic)  # a title is of all its sentences
        for topic, told in zip(topics, own, strict=True)
    ]
    best = max(scores)
    least = 2 if not any(re.match(f"[{CJK}]", word) for word in said) else 3
    near = [
        one
        for one, topic, score in zip(passages, topics, scores, strict=True)
        if score >= _ALIKE * best and len(said & topic) >= min(least, len(known))
    ]
    most = max(len(said & topic) for topic in topics)
    return near, most / max(len(said), least) if near else 0.0


def _concepts(text: str) -> frozenset[str]:
    return frozenset(name for name, pattern in cues.promises().items() if name != "free" and pattern.search(text))


def agrees(reading: Reading, *, concerned: bool, exempt: bool) -> None:
    """Check that a sentence about a policy says what the passages most like it say.

    Args:
        reading: the sentence.
        concerned: whether it promises what only a policy can.
        exempt: whether it speaks of what the assistant itself can do.
    """
    text = reading.text
    if reading.names or not reading.grounds.passages or reading.unsaid or (reading.idle and reading.question):
        return
    near, share = _alike(reading)
    foreign = "zh" in reading.context.language and not any(re.search(f"[{CJK}]", one.text.raw) for one in near)
    if foreign:
        own = _concepts(text)
        shared = [(len(own & _concepts(_sentence(one))), one) for one in reading.grounds.passages]
        most = max((number for number, _ in shared), default=0)
        near, share = [one for number, one in shared if number == most > 0], float(bool(most))
    if not near or share < (0.34 if concerned else 0.5) or (exempt and share < 0.6):
        return
    sides = _sides(text)
    against = [
        axis
        for axis, side in sides.items()
        if side and (known := [stood for one in near if (stood := _sides(_sentence(one))[axis])]) and side not in known
    ]
    if not foreign and share >= 0.6 and all(_denies(_sentence(one)) is not _denies(text) for one in near):
        against.append("denial")
    if not foreign and share >= 0.5 and all(map(_turned(reading), near)):
        against.append("condition")
    reading.claim(ClaimKind.POLICY, reading.original, None, not against, f"says as the policy says {against or ''}")


def _turned(reading: Reading) -> Callable[[Passage], bool]:
    """Whether a passage says "unworn" or "per item" where the sentence says "worn" or "per order"."""
    words = reading.content(0, len(reading.text))
    per = _per(reading.text)

    def turned(passage: Passage) -> bool:
        known, told = passage.text.vocabulary, _sentence(passage)
        opposite = any(
            (f"un{word}" in known and word not in known) or (word.removeprefix("un") in known and word not in known)
            for word in words
            if word.isascii() and (word.startswith("un") or f"un{word}" in known)
        )
        opposite = opposite or any(
            f"已{one}" in told for one in re.findall(r"未([\u4e00-\u9fff])", reading.text) if f"未{one}" not in told
        )
        opposite = opposite or any(
            f"未{one}" in told for one in re.findall(r"已([\u4e00-\u9fff])", reading.text) if f"已{one}" not in told
        )
        other = _per(told)
        return opposite or bool(per and other and not per & other)

    return turned


def _per(text: str) -> frozenset[str]:
    found = (next(filter(None, one.groups())) for one in _PER.finditer(text))
    return frozenset(each for one in found for each in stems(one))


def policy(reading: Reading, each: Quantity) -> bool:
    """Whether a passage has the number, and none that speaks more of the same thing has another."""
    everything = reading.grounds.passages
    passages = [
        one
        for one in everything
        if any(known.unit == each.unit and known.currency == each.currency for known in one.numbers)
    ]
    span = reading.span_of(each) or (each,)
    supporting = [
        one
        for one in passages
        if any(
            all(map(equal, span, one.numbers[at : at + len(span)])) for at in range(len(one.numbers) - len(span) + 1)
        )
    ]
    if each.unit == "size":
        supporting = [one for one in supporting if _together(reading, each, one)]
    if not supporting:
        return False
    near = reading.content(*reading.clause(each.start))
    wide = reading.content(0, len(reading.text))

    def shared(passage: Passage) -> int:
        return 2 * overlap(near, passage) + overlap(wide, passage)

    best = max(map(shared, supporting))
    if best < max((shared(one) for one in passages if one not in supporting), default=0):
        return False
    return 2 * best >= max(map(shared, everything))


def _together(reading: Reading, each: Quantity, passage: Passage) -> bool:
    """Whether the sizes of a clause stand in one clause of the passage: US 9 is EU 42.5."""
    start, end = reading.clause(each.start)
    said = [one for one in reading.numbers if one.unit == "size" and start <= one.start < end]
    for part in re.split(r"[,;:、。]|\band\b", _sentence(passage)):
        known = [one.value for one in quantities(part, reading.context.language, reading.grounds.facets.currency)]
        if all(any(same(one.value, value) for value in known) for one in said):
            return True
    return False


def overlap(said: set[str], passage: Passage) -> int:
    """How many words of a sentence a passage has, whatever their endings."""
    return len({word[:6] for word in said} & passage.beginnings)


def backed(reading: Reading, start: int, end: int) -> bool:
    """Whether a sentence of the shop's pages has most of what a part of the reply says."""
    said = reading.content(start, end)
    if not said:
        return False
    share = 0.6 if any(re.match(f"[{CJK}]", word) for word in said) else 0.5
    return any(overlap(said, one) >= max(2, share * len(said)) for one in reading.grounds.passages)


def unconditional(reading: Reading, pattern: re.Pattern[str]) -> bool:
    """Whether what is free is so without the sum that the policy asks for, or the sentence names the sum."""
    if any(each.unit == "money" for each in reading.numbers):
        return True
    granting = [one for one in reading.grounds.passages if pattern.search(one.text.raw)]
    said = reading.content(0, len(reading.text))
    best = max((overlap(said, one) for one in granting), default=0)
    nearest = [one for one in granting if overlap(said, one) == best]
    return not nearest or any(all(each.unit != "money" for each in one.numbers) for one in nearest)
