"""One product against another, where the measure and the direction stand apart: "评分比…高", "$89 against $64"."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import replace

from assistant.claims import ranks
from assistant.claims.claim import ClaimKind
from assistant.claims.prose import NAMED, Quantity, same, stems
from assistant.claims.reading import Reading, Subject, equal

_NAME = rf"(?:the |款)?{NAMED}+(?:'s)?"
_VERSUS = re.compile(
    rf"(?P<left>,? ?(?:for|of|on) {_NAME})?[\s,(:]*(?P<joint>as against|against|versus|vs\.?|to|over|on|not|"
    rf"compared (?:with|to)|rather than|instead of|对比?|比|而不是|相比)\s*(?:(?:for|only|just|at) )*"
    rf"(?P<right>{_NAME}\s*(?:的|is |at )?)?\s*的?",
    re.IGNORECASE,
)
_OF_RIGHT = re.compile(rf"\s*(?:for|of|on|from|的)\s*(?P<right>{_NAME})", re.IGNORECASE)
_COMPARING = re.compile(
    r"\b(?:more|less|fewer|\w+er|above|below|ahead|behind|beats?|outscores?|better|worse|against|than)\b|"
    r"比|更|高|低|贵|便宜",
    re.IGNORECASE,
)
_MORE, _LESS = "高好多大长重贵久宽厚响吵强", "低差少小短轻窄薄弱便宜静"
_THAN = re.compile(
    rf"(?P<before>[\u4e00-\u9fff]{{1,8}})?[,、]?比(?:起|买|选)?[^,。;{NAMED}]{{0,6}}{NAMED}+"
    rf"(?P<after>[\u4e00-\u9fff]{{0,10}}?)"
    rf"(?P<adj>便宜|安静|[{_MORE}{_LESS}])(?:一?[点些]|得多|多了|不少|很多|了)?(?![\d一二两三四五六七八九十约出元])"
)
_OVER = dict.fromkeys(("高于", "超过", "高过", "胜过", "好于", "优于", "多于", "大于", "重于", "领先"), 1)
_OVER |= dict.fromkeys(("低于", "不如", "不及", "比不上", "赶不上", "少于", "小于", "轻于", "逊于", "落后", "输给"), -1)
_PAST = re.compile(rf"(?P<before>[\u4e00-\u9fff]{{0,10}}?)(?P<verb>{'|'.join(_OVER)})于?了?{NAMED}+")
_METRICS = {"评分": "rating", "得分": "rating", "口碑": "rating", "星级": "rating", "价": "price", "重量": "weight"}
_METRICS |= {"噪音": "sound", "噪声": "sound", "声音": "sound", "功率": "power", "容量": "size", "体积": "size"}
_OWN = {"贵": "price", "便宜": "price", "重": "weight", "轻": "weight", "大": "size", "小": "size", "安静": "sound"}
_AS = re.compile(
    rf"\b(?:none|nothing|nobody|no one|no other|no)\b[^,.;{NAMED}]{{0,30}}?"
    rf"\b(?P<verb>scores?|rates?|rated|reviewed|is|are|does|costs?|weighs?|has)\b[^,.;{NAMED}]{{0,10}}?"
    rf"\bas (?P<how>well|high|highly|good|little|much|cheap|light|heavy|quiet|many|few)"
    rf"(?:[- ]rated| reviewed| reviews)? as {_NAME}",
    re.IGNORECASE,
)
_PREFER = re.compile(
    rf"\b(?:customers|shoppers|reviewers|buyers|people|ratings|reviews|they)\b[^.;{NAMED}]*"
    rf"\b(?:prefer|put|rank|rate|place|score|have)\w*\b[^,.;{NAMED}]*{_NAME}[^.;{NAMED}]*?"
    rf"\b(?P<way>above|over|ahead of|higher than|better than|to|below|behind|under|lower than)\s+{_NAME}",
    re.IGNORECASE,
)


def opposed(reading: Reading) -> None:
    """Check "$89 against $64 for the Brook": each amount is of its own product."""
    for left, right in itertools.pairwise(reading.numbers):
        if not right.unit and left.unit not in ("", "money", *_UNPAIRED):  # "60 minutes against 40"
            scale = left.scale
            right = replace(right, unit=left.unit, value=right.value * scale, step=right.step * scale, scale=scale)
        gap = _VERSUS.fullmatch(reading.text, left.end, right.start)
        unlike = left.unit != right.unit or left.currency != right.currency or left.unit in _UNPAIRED
        if not gap or unlike or not reading.fresh((left.start, right.end)):
            continue
        after = _OF_RIGHT.match(reading.text, right.end)
        second = _named(reading, gap, "right") or (_named(reading, after, "right") if after else ())
        first = _named(reading, gap, "left")
        told = dict.fromkeys(each for name in reading.names for each in name.ids)
        if not (second or first) and (len(told) < 2 or not _COMPARING.search(reading.text)):
            continue
        if gap["joint"] in ("to", "on", "over", "not") and not (second or len(told) == 2):
            continue
        subjects = [name.ids for name in reading.names if not name.compared and name.ids not in (second,)]
        first = first or next(iter(subjects), ()) or tuple(each for each in reading.context.focus if each not in second)
        second = second or next((name.ids for name in reading.names if name.ids != first), ())
        if len(first) != 1 or len(second) != 1:
            continue
        for each, ids in ((left, first), (right, second)):
            kind = _KINDS.get(each.unit, ClaimKind.NUMBER)
            reading.judge(kind, (each.start, each.end), Subject(ids), _states(reading, each), "its own")
            reading.done.append((each.start, each.end))


_UNPAIRED = frozenset({"size", "age", "count", "date", "ordinal"})
_KINDS = {"money": ClaimKind.PRICE, "rating": ClaimKind.RATING, "reviews": ClaimKind.RATING}


def _named(reading: Reading, found: re.Match[str], group: str) -> tuple[str, ...]:
    start, end = found.span(group)
    return next((name.ids for name in reading.names if start <= name.start < end), ())


def _states(reading: Reading, each: Quantity) -> Callable[[str], bool]:
    """Whether a product has an amount: a price, its rating or reviews, or any number in its data."""

    def states(one: str) -> bool:
        record = reading.grounds[one]
        if each.unit == "money":
            return any(same(each.value, price) for price in record.prices)
        rated = each.unit in ("rating", "") and each.value <= 5 and record.rating is not None
        if rated and same(each.value, record.rating or 0, each.step if each.step < 1 else 0):
            return True
        if each.unit in ("reviews", "") and record.reviews == each.value:
            return True
        known = record.read.numbers
        return any(equal(each, one) or (not each.unit and same(each.value, one.value / one.scale)) for _, one in known)

    return states


def compared(reading: Reading) -> None:
    """Check "评分比A高", "评分高于A", "no other scores as well as A" and "shoppers put A above B"."""
    if reading.idle:
        return
    for found in _THAN.finditer(reading.text):
        adjective = found["adj"]
        sign = -1 if adjective in ("便宜", "安静") or adjective in _LESS else 1
        told = f"{found['before'] or ''} {found['after']}"
        if metric := _metric(reading, told, adjective):
            _judge(reading, found.span(), metric, -1 if adjective == "安静" else sign)
    for found in _PAST.finditer(reading.text):
        metric = _metric(reading, found["before"], found["verb"][0])
        if metric:
            _judge(reading, found.span(), metric, _OVER[found["verb"]])
    for found in _AS.finditer(reading.text):
        how, weighed = found["how"].casefold(), found["verb"].casefold().startswith("weigh")
        metric = {"cheap": "price", "light": "weight", "heavy": "weight", "quiet": "sound"}.get(how, "rating")
        metric = ("weight" if weighed else "price") if how in ("little", "much") else metric
        metric = "reviews" if how in ("many", "few") else metric
        given = next((name.ids for name in reading.names if found.start() <= name.start < found.end()), ())
        sign = -1 if how in ("little", "cheap", "light", "quiet", "few") else 1
        if given and reading.fresh(found.span()):
            reading.done.append(found.span())
            held = any(reading.grounds.leads(one, metric, sign, reading.grounds.pool) for one in given)
            reading.claim(ClaimKind.SUPERLATIVE, found[0], given[0], held, f"none has its {metric}")
    for found in _PREFER.finditer(reading.text):
        ids = [name.ids for name in reading.names if found.start() <= name.start < found.end()]
        way = -1 if found["way"].casefold() in ("below", "behind", "under", "lower than") else 1
        if len(ids) == 2 and reading.fresh(found.span()):
            held = all(reading.grounds.differ(one, two, "rating", way) for one in ids[0] for two in ids[1])
            reading.claim(ClaimKind.COMPARISON, found[0], ids[0][0], held, "rated higher")


def _metric(reading: Reading, told: str, adjective: str) -> str:
    """What a comparison measures: "" where it does not say."""
    reviewed = re.search(r"评价|评论|点评", told)
    if reviewed and (adjective in "多少" or re.search(r"数|人", told)):
        return "reviews"
    for word, metric in _METRICS.items():
        if word in told:
            return metric
    if reviewed:
        return "rating"
    for length in range(6, 0, -1):
        for start in range(len(told) - length + 1):
            for name in reading.vocabulary.fields.get(stems(told[start : start + length]), ()):
                if reading.grounds.facets.fields[name].number:
                    return name
    if adjective in _OWN:
        return _OWN[adjective]
    return "rating" if re.search(r"评分|得分|口碑|评价", reading.text) and adjective in "高低好差不超胜优" else ""


def _judge(reading: Reading, span: tuple[int, int], metric: str, sign: int) -> None:
    """Check that the product before has more than the one named last, or that none has, or that all others have."""
    if not reading.fresh(span):
        return
    reading.done.append(span)
    ranks.compare(reading, span, metric, sign)
