"""Values that a product has, has not, or does not state."""

from __future__ import annotations

import re
from functools import partial

from assistant.claims import cues, stock
from assistant.claims.claim import ClaimKind
from assistant.claims.context import PLAIN, WEAK, Name
from assistant.claims.prose import stems
from assistant.claims.reading import Reading, Subject, Value

_ELLIPSIS = re.compile(
    r"\s*(?:(?:is|are|does|do|has|can)(?P<not>n't| not)?|也?(?:则|就)?(?P<no>不是|没有|不行|不能)|也?(?:是|有|可以|行))"
    r"\s*(?:too|either)?\s*(?=[,.;:!。]|$)",
    re.IGNORECASE,
)
_EVERY = re.compile(
    r"\b(?:every|all|any) (?:its |the )?(?:colou?rs?|sizes?)\b|"
    r"(?:所有|全部|各种|每个|每种)(?:颜色|尺码|尺寸)|全(?:色|码)",
    re.IGNORECASE,
)
_BORROWED = 3  # words of another product's text that make a fact borrowed, where its own data has none of them
_DESCRIBED = re.compile(
    r"(?<![\w-])(?:[a-z]+(?:proof|[- ]?resistant|[- ]repellent|-free|[- ]safe|[- ]washable|friendly)|(?:un|re|"
    r"non|anti)-?[a-z]{3,}able|"
    r"breathable|foldable|washable|adjustable|removable|rechargeable|reversible|stackable|recyclable|"
    r"biodegradable|inflatable|"
    r"detachable|collapsible|extendable|refillable|vegan|organic|handmade|hypoallergenic|insulated|padded|"
    r"cordless|wireless|best-?sell\w*|popular|brand[- ]new|new arrivals?|limited[- ]edition|award[- ]\w+|"
    r"exclusive|trending|handcrafted)"
    r"(?![\w-])|防[\u4e00-\u9fff]|可机洗|可手洗|可水洗|耐[热磨高低洗用][\u4e00-\u9fff]?|抗[\u4e00-\u9fff]|透气|"
    r"保暖|可折叠|可充电|可调节|可拆卸|有机|无线|热销|爆款|新款|新品|人气|最受欢迎|限量|获奖",
    re.IGNORECASE,
)
_NOT_DESCRIBED = frozenset(
    {"reasonable", "reliable", "unable", "unavailable", "unbeatable", "refundable", "returnable", "防止", "toll-free"}
)


def attributes(reading: Reading) -> None:
    """Check every value of the shop that the sentence holds, against the product it is said of."""
    for value in reading.values:
        _attribute(reading, value)
    for name in reading.names:
        _elliptic(reading, name)
    if reading.values:
        reading.context.said = reading.values[-1].meanings


def _listed(reading: Reading, value: Value) -> bool:
    """Whether a word stands as a reason of its own: "$28: normal and vegan"."""
    before = re.search(r"(?:[:,(、和]|\band)\s*$", reading.text[: value.start])
    return bool(before and re.match(r"\s*(?:\band\b|[.,;)、和。]|$)", reading.text[value.end :]))


def _elliptic(reading: Reading, name: Name) -> None:
    """Check "the Brook isn't" and "the Brook does" with the value said last."""
    found = _ELLIPSIS.match(reading.text, name.end)
    earlier = [value.meanings for value in reading.values if value.end <= name.start]
    said = earlier[-1] if earlier else reading.context.said
    if not found or not said:
        return
    denied = bool(found["not"] or found["no"])

    def holds(one: str) -> bool:
        return reading.grounds[one].has(said) is not denied

    reading.judge(ClaimKind.ATTRIBUTE, (name.start, found.end()), reading.named(name), holds, "what was said last")


def _attribute(reading: Reading, value: Value) -> None:
    span = (value.start, value.end)
    if not reading.fresh(span):
        return
    shelf, subject = reading.grounds, reading.subject(*span)
    unsaid = any(start <= value.start < end for start, end in reading.unsaid)
    broad = all(name in ("kind", "department", "category") for name, _ in value.meanings)
    weak = value.phrase in WEAK or len(value.phrase) == 1
    if weak and not any(name in reading.fields for name, _ in value.meanings) and not _listed(reading, value):
        return
    if reading.idle or reading.missing(value.start) or (broad and not subject.named):
        return
    if not subject.named and reading.said("conditional", reading.clause(value.start)):
        return
    if not shelf.evidence.products and not unsaid:
        return
    fields = reading.vocabulary.fields.get(tuple(value.phrase.split()), frozenset())
    stated = any(reading.having(each, name) for each in subject.ids for name in fields)
    if stated and all(meant != "yes" for _, meant in value.meanings):
        return  # "4 speeds" names the field
    denied = reading.denied(value.start) and not unsaid
    if denied and reading.wished(value) and reading.said("yours", reading.clause(value.start)):
        return

    def has(one: str) -> bool:
        return shelf[one].has(value.meanings, value.around)

    def lacks(one: str) -> bool:
        return not has(one)

    if not subject.named and not reading.holds(subject, lacks if denied or unsaid else has):
        echoed = not subject.ids and (
            reading.wished(value) or shelf.shop.says(stems(reading.original[span[0] : span[1]]))
        )
        about = _about_policy(reading) and shelf.shop.says(stems(reading.original[span[0] : span[1]]))
        listed = reading.said("carries", (0, value.start)) and not subject.named
        if echoed or about or listed:
            return
    if denied and stock.stock_here(reading, value.start):
        stock.lacking(reading, span, subject, value.meanings)
    elif unsaid or denied:
        whole = Subject(subject.ids, every=bool(subject.ids), named=subject.named)
        reading.judge(ClaimKind.ATTRIBUTE, span, whole, lacks, "the data has no such value")
    else:
        reading.judge(ClaimKind.ATTRIBUTE, span, subject, has, "the data has this value")


def _about_policy(reading: Reading) -> bool:
    return bool(reading.grounds.evidence.passages) and any(one.search(reading.text) for one in cues.promises().values())


def described(reading: Reading) -> None:
    """Words shaped like attributes that are no value of the shop must stand in the product's own text."""
    taken = [(value.start, value.end) for value in reading.values]
    for found in _DESCRIBED.finditer(reading.text):
        span = found.span()
        if (
            found[0].casefold() in _NOT_DESCRIBED
            or any(start < span[1] and span[0] < end for start, end in taken)
            or reading.idle
        ):
            continue
        subject = reading.subject(*span)
        if not subject.ids or (reading.missing(span[0]) and not subject.named):
            continue
        said = stems(found[0])
        inverted = reading.denied(span[0]) or any(start <= span[0] < end for start, end in reading.unsaid)
        reading.judge(
            ClaimKind.ATTRIBUTE,
            span,
            subject,
            partial(_says, reading, said, inverted),
            "the data says so",
        )


def borrowed(reading: Reading) -> None:
    """What stands in the text of another product of the turn, and not in that of the product it is said of."""
    if reading.idle or len(reading.grounds.evidence.products) < 2:
        return
    for name in reading.names:
        end = reading.segment(name.start)[1]
        following = min((each.start for each in reading.names if each.start >= name.end), default=end)
        said = reading.content(name.end, min(following, end)) - WEAK
        subject = reading.named(name)
        if name.compared or len(said) < _BORROWED or not subject.ids:
            continue
        lacking = {word for word in said if not any(reading.grounds[one].knows(word) for one in subject.ids)}
        for other in reading.grounds.evidence.products:
            taken = {word for word in lacking if word in reading.grounds[other].read.text.vocabulary}
            if other not in subject.ids and len(taken) >= _BORROWED:
                words = reading.original[name.start : min(following, end)]
                reading.claim(ClaimKind.ATTRIBUTE, words, subject.ids[0], False, f"said of {other}: {sorted(taken)}")
                break


def every(reading: Reading) -> None:
    """Check "in every colour" and "所有尺码": each form of the product can be had."""
    for found in _EVERY.finditer(reading.text):
        subject = reading.subject(*found.span())
        if subject.ids and not reading.idle and not reading.denied(found.start()):
            reading.judge(ClaimKind.STOCK, found.span(), subject, partial(_complete, reading), "each form can be had")


def _complete(reading: Reading, product_id: str) -> bool:
    return all(each.availability.orderable for each in reading.grounds[product_id].product.variants)


def silence(reading: Reading) -> None:
    """What "the description doesn't mention" names must not stand in the data."""
    for start, end in reading.unsaid:
        cue = reading.cues["unsaid"].search(reading.text, start, end)
        if cue is None:
            continue
        subject = reading.subject(cue.start(), cue.end())
        if not subject.ids:
            continue
        said = [word for word in reading.words if cue.end() <= word.start < end and word.stem not in PLAIN]
        named = _fields_in(reading, cue.end(), end) or (
            _fields_in(reading, start, cue.start()) if "zh" in reading.context.language else frozenset()
        )
        if named:
            reading.judge(
                ClaimKind.ATTRIBUTE,
                (cue.start(), end),
                subject,
                partial(_lacks, reading, named),
                "the data has no such field",
            )
        elif said and not any(cue.end() <= value.start < end for value in reading.values):
            phrase = tuple(word.stem for word in said)
            reading.judge(
                ClaimKind.ATTRIBUTE,
                (cue.start(), end),
                subject,
                partial(_says, reading, phrase, True),
                "the data is silent",
            )


def _says(reading: Reading, phrase: tuple[str, ...], denied: bool, product_id: str) -> bool:
    return reading.grounds[product_id].states(phrase) is not denied


def _lacks(reading: Reading, fields: frozenset[str], product_id: str) -> bool:
    return not any(reading.having(product_id, name) for name in fields)


def _fields_in(reading: Reading, start: int, end: int) -> frozenset[str]:
    listed = [word.stem for word in reading.words if start <= word.start < end]
    table = reading.vocabulary.fields
    runs = (tuple(listed[at : at + size]) for at in range(len(listed)) for size in (1, 2, 3, 4))
    return frozenset(name for run in runs for name in table.get(run, ()))
