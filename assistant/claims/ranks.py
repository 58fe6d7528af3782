"""Superlatives, comparisons and differences: measured, over what they are said to be over."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import partial

from assistant.claims import policies
from assistant.claims.claim import ClaimKind
from assistant.claims.cues import Rank
from assistant.claims.prose import NAMED, Quantity, same, spaced, stem, stems
from assistant.claims.reading import Reading, Subject, Value, equal

_SAME = re.compile(
    r"\b(?:the )?same (?P<same>price|weight|rating)|costs? the same|"
    r"\b(?:just )?as (?P<as>little|much|cheap|expensive|affordable|light|heavy|well[- ]rated|highly[- ]rated) as\b|"
    r"价格(?:相同|一样)|一样(?:的)?(?P<zh>价格|便宜|贵|重|轻|评分)",
    re.IGNORECASE,
)
_SAME_METRIC = {"weight": "weight", "light": "weight", "heavy": "weight", "重": "weight", "轻": "weight"}
_SAME_METRIC |= dict.fromkeys(("rating", "评分", "well rated", "well-rated", "highly rated", "highly-rated"), "rating")
_TIMES = re.compile(
    r"\b(?:(?P<half>half|a third|a quarter)|(?P<times>twice|double|triple|(?:two|three|four|\d+) times))\b"
    r"(?! (?:size|a|an|zip))|(?P<zh>一半|[两二三四五\d]+倍|翻倍)",
    re.IGNORECASE,
)
_RATIO = {"half": 0.5, "a third": 1 / 3, "a quarter": 0.25, "twice": 2.0, "double": 2.0, "triple": 3.0, "一半": 0.5}
_RATIO |= {"翻倍": 2.0, "two times": 2.0, "three times": 3.0, "four times": 4.0}
_RATIO |= {f"{number}倍": value for value, number in enumerate("二三四五", 2)} | {"两倍": 2.0}
_NOBODY = re.compile(
    r"\b(?:nobody|no one|none|nothing|no (?:other )?[\w-]+)\b(?: \w+){0,3} *$|没有?[^,。;]{0,12}(?:比[^,。;]*)?$",
    re.I,
)
_OTHERS = re.compile(
    r"\b(?:every(?:thing)?(?: other)?|all (?:the )?(?:others?|rest)|the (?:others?|rest|other (?:two|three|four))|"
    r"both others|any other)\b[^,.;]*$|(?:其他|其它|其余|别的|另外?)[^,。;]*$",
    re.IGNORECASE,
)
_THAN_ALL = re.compile(
    r"[^,.;]{0,14}\bthan (?:any|all|every|everything|either|both|the (?:others?|rest))\b(?! \ue000)", re.IGNORECASE
)
_BARE = re.compile(r"比[^,。;]*?(?P<word>便宜|贵|轻|重|大|小)(?=[,。;!]|$|得多|多了|不少|很多)")
_BARE_METRIC = {"便宜": ("price", -1), "贵": ("price", 1), "轻": ("weight", -1), "重": ("weight", 1)}
_BARE_METRIC |= {"大": ("size", 1), "小": ("size", -1)}
_OF_THESE = re.compile(
    r"of (?:the|these|those|your|all) (?:two|three|four|five|six|seven|\d+|pairs?|options|ones)|of (?:them|these|"
    r"those|both)|"
    r"between the two|[这两三四五六]+[款者个件双种]?(?:里|中|之中|当中)|其中",
    re.IGNORECASE,
)
_EST = re.compile(
    r"\b(?:most|least) (?P<most>[a-z-]{4,})|\b(?P<est>[a-z]{3,}est)\b|最(?P<zh>[\u4e00-\u9fff]{1,2})", re.IGNORECASE
)
_MOST_OF = re.compile(
    r"\b(?P<adj>longest|most|fewest|highest|lowest|biggest|largest|smallest|shortest|least|best|greatest) "
    r"(?P<field>[a-z]+(?: [a-z]+)?)|(?P<lead>[\u4e00-\u9fff]{1,6}?)(?:也|都|又|是)?最(?P<zh>[长久多高大低少短小])|"
    r"最(?P<of>[长久多高大低少短小])的(?P<tail>[\u4e00-\u9fff]{1,6})",
    re.IGNORECASE,
)
_LEAST = frozenset(spaced("fewest lowest smallest shortest least 低 少 短 小"))
_NOT_EST = frozenset(
    spaced(
        "best rest test west forest interest request honest latest nearest closest modest earliest suggest "
        "guest chest invest vest nest harvest quest contest protest digest arrest crest zest finest "
        "rainforest interest disinterest"
    )
)
_NOT_MOST = frozenset(
    spaced("likely people often important orders products of items shoppers customers things cases likely")
)
_NOT_ZUI = re.compile("近|接|后|终|多|少|好|爱|初|新|早|快|迟|晚|先|佳|常")
_ER = re.compile(r"\bmore (?P<more>[a-z-]+) than\b|\b(?P<er>[a-z]{3,}er) than\b", re.IGNORECASE)
_NOT_ER = frozenset(spaced("other rather later sooner earlier never whether over under either higher lower"))
_REDUCED = re.compile(
    r"\b(?:was|before|usual\w*|normal\w*|list price|instead of|down from|original\w*)\b|原价|原来|之前|降", re.I
)


def _of_fields(reading: Reading) -> Iterator[tuple[Rank, tuple[int, int]]]:
    """Superlatives of a numeric field of the shop: "the longest warranty", "续航最久"."""
    for found in _MOST_OF.finditer(reading.text):
        adjective = next(filter(None, (found["adj"], found["zh"], found["of"]))).casefold()
        told = found["field"] or found["lead"] or found["tail"]
        ends = range(len(told), 1, -1) if found["field"] else range(len(told), 0, -1)
        parts = [told[:end] for end in ends] if not found["lead"] else [told[-end:] for end in ends]
        for name in (name for part in parts for name in reading.vocabulary.fields.get(stems(part), ())):
            if reading.grounds.facets.fields[name].number and name not in ("price", "rating"):
                yield Rank(_MOST_OF, name, -1 if adjective in _LEAST else 1, True), found.span()
                break


def superlatives(reading: Reading) -> None:
    """Check who is the cheapest, the best rated, the lightest."""
    for rank, span in _of_fields(reading):
        subject = _ranked(reading, span)
        if reading.fresh(span) and subject.ids and not reading.idle:
            reading.done.append(span)
            holds = partial(_ranks, reading, rank, span, reading.denied(span[0]))
            reading.judge(ClaimKind.SUPERLATIVE, span, subject, holds, f"{rank.metric}, of those that fit")
    for rank in reading.cues.ranks:
        for found in rank.pattern.finditer(reading.text):
            span = found.span()
            if not rank.superlative or not reading.fresh(span):
                continue
            reading.done.append(span)
            subject = _ranked(reading, span)
            valued = any(each.unit == "money" for each in reading.numbers)
            if not subject.ids or reading.idle or (not subject.named and valued and rank.metric == "price"):
                continue
            denied = reading.denied(span[0])
            why = f"{rank.metric}, {'highest' if rank.sign > 0 else 'lowest'} of those that fit"
            reading.judge(
                ClaimKind.SUPERLATIVE,
                span,
                subject,
                partial(_ranks, reading, rank, span, denied),
                why,
            )
    for found in _EST.finditer(reading.text):
        word = (found["most"] or found["est"] or found["zh"]).casefold()
        if not reading.fresh(found.span()) or word in _NOT_EST | _NOT_MOST or (found["zh"] and _NOT_ZUI.match(word)):
            continue
        subject = reading.subject(*found.span())
        if subject.ids and not reading.idle:
            said = stems(found[0])
            reading.judge(
                ClaimKind.SUPERLATIVE,
                found.span(),
                subject,
                partial(_says, reading, said),
                "said so",
            )


def _ranks(reading: Reading, rank: Rank, span: tuple[int, int], denied: bool, product_id: str) -> bool:
    return leads(reading, product_id, rank, span) is not denied


def _says(reading: Reading, phrase: tuple[str, ...], product_id: str) -> bool:
    return reading.grounds[product_id].tells(phrase)


def _mentions(reading: Reading, stems_of: set[str], product_id: str) -> bool:
    return any(map(reading.grounds[product_id].knows, stems_of))


def only(reading: Reading) -> None:
    """Check that nothing else is so: "the only waterproof pair", "only the Brook is waterproof"."""
    for found in re.finditer(rf"\bthe only\b|唯一(?:的|一)?|(?:\bonly |只有)(?=(?:the )?{NAMED})", reading.text):
        alone = reading.text[found.end() : found.end() + 5].endswith(NAMED) or reading.text[found.end() :][:1] == NAMED
        if alone:
            name = next(name for name in reading.names if name.start >= found.end())
            subject, end = reading.named(name), reading.segment(name.end)[1]
            values = [
                value for value in reading.values if name.end <= value.start < end and not reading.denied(value.start)
            ]
        else:
            values, subject = _narrowing(reading, found.span()), reading.subject(*found.span())
        limits = [one for one in reading.numbers if one.start >= found.end() and reading.limit(one)]
        if not subject.ids or not (values or limits):
            continue
        pool = dict.fromkeys((*reading.grounds.pool, *reading.grounds.shown))
        holders = {
            one
            for one in pool
            if all(reading.grounds[one].has(value.meanings, value.around) for value in values)
            and all(reading.meets(one, limit) for limit in limits)
        }
        reading.claim(
            ClaimKind.SUPERLATIVE, found[0], subject.ids[0], holders == set(subject.ids), f"held by {holders}"
        )


def _ranked(reading: Reading, span: tuple[int, int]) -> Subject:
    """Of whom a superlative is said: "the cheapest is the Brook" or "the Brook is the cheapest"."""
    clause_end = reading.segment(span[0])[1]
    for name in reading.names:
        if span[1] <= name.start < clause_end and not name.compared:
            gap = reading.text[span[1] : name.start]
            if re.search(
                r"(?:\bis|\bare|'s|\bwould be|\bes|\best|\bist|是|为|[:,(—-])\s*(?:the |el |la |le |der |die |das )?$",
                gap,
            ):
                return reading.named(name) if not re.search(r"[,;]", gap.rstrip(" ,")[:-1]) else reading.subject(*span)
            break
    return reading.subject(*span)


def leads(reading: Reading, product_id: str, rank: Rank, span: tuple[int, int]) -> bool:
    """Whether a superlative at this place is true of a product."""
    shelf, evidence = reading.grounds, reading.grounds.evidence
    metric, sign = rank.metric, rank.sign
    if metric == "best":
        best = evidence.best or (shelf.shown[0] if evidence.slate else "")
        return product_id == best if best else product_id in shelf.pool
    pools = [shelf.pool, tuple(each for each in shelf.pool if shelf[each].orderable)]
    narrowed = _narrowing(reading, span)
    if narrowed:
        wider = tuple(dict.fromkeys((*shelf.pool, *shelf.shown)))
        pools.append(tuple(each for each in wider if all(shelf[each].has(value.meanings) for value in narrowed)))
    if _OF_THESE.search(reading.text):
        here = tuple(dict.fromkeys(each for name in reading.names for each in name.ids))
        pools += [shelf.shown, *((group,) if len(group := here or reading.context.group) > 1 else ())]
    return any(shelf.leads(product_id, metric, sign, pool, reading.fields) for pool in pools)


def _narrowing(reading: Reading, span: tuple[int, int]) -> list[Value]:
    """The values that narrow a superlative: "the cheapest waterproof pair", "防水款里最便宜的"."""
    after = re.split(rf"\b(?:is|are|at|costs?)\b|是|{NAMED}|[,;:]", reading.text[span[1] :])[0]
    until = span[1] + len(after)
    return [
        value
        for value in reading.values
        if span[1] <= value.start < until
        or (
            value.end <= span[0]
            and re.fullmatch(r"\s*的?[款鞋]?[的]?(?:里面?|中|当中)[,]?", reading.text[value.end : span[0]])
        )
    ]


def comparatives(reading: Reading) -> None:
    """Check comparisons without an amount: cheaper, lighter than, the same price."""
    for found in _BARE.finditer(reading.text):
        span = found.span("word")
        if reading.fresh(span) and not reading.idle:
            reading.done.append(span)
            compare(reading, span, *_BARE_METRIC[found["word"]])
    for rank in reading.cues.ranks:
        for found in rank.pattern.finditer(reading.text):
            span = found.span()
            if rank.superlative or not reading.fresh(span):
                continue
            reading.done.append(span)
            if reading.idle or reading.said("conditional", reading.clause(span[0])) or reading.missing(span[0]):
                continue
            compare(reading, span, rank.metric, rank.sign)
    for found in _SAME.finditer(reading.text):
        if not reading.fresh(found.span()) or re.search(
            r"(?:twice|half|times|thrice)\s$", reading.text[: found.start()]
        ):
            continue
        word = (found["same"] or found["as"] or found["zh"] or "price").casefold()
        weighed = word in ("little", "much") and re.search(r"weigh", reading.text[: found.start()], re.I)
        metric = "weight" if weighed else _SAME_METRIC.get(word, "price")
        ids = reading.pair(found.span())
        measures = reading.grounds.measures(metric)
        alike = any(
            None not in known and len(known) == 1 for known in ({measure(each) for each in ids} for measure in measures)
        )
        alike = (alike and len(ids) > 1) is not reading.denied(found.start())
        reading.claim(ClaimKind.COMPARISON, found[0], None, alike, f"equal {metric}")
    for found in _TIMES.finditer(reading.text):
        _multiple(reading, found)
    for found in _ER.finditer(reading.text):
        word = (found["more"] or found["er"]).casefold()
        if not reading.fresh(found.span()) or word in _NOT_ER or reading.idle:
            continue
        base = {stem(word), stem(word.removesuffix("er")), stem(word.removesuffix("r")), stem(word[:-3])}
        subject = reading.subject(*found.span())
        reading.judge(
            ClaimKind.COMPARISON,
            found.span(),
            subject,
            partial(_mentions, reading, base if subject.ids else set()),
            "the data says so of it",
        )


def _multiple(reading: Reading, found: re.Match[str]) -> None:
    """Check "half the price of the Lynx" and "twice as heavy": a product is that many times another, about."""
    word = next(group for group in found.groups() if group).casefold()
    ratio = _RATIO.get(word) or float(next(iter(re.findall(r"\d+", word)), 0))
    subject = reading.subject(*found.span())
    names = tuple(each for name in reading.names for each in name.ids)
    others = [each for each in (*names, *reading.context.mentioned) if each not in subject.ids]
    about = re.search(
        r"price|cost|cheap|expensive|weigh|heav|light|size|large|big|capacity|价|贵|便宜|重|轻|容量|大",
        reading.text,
        re.I,
    )
    if not subject.ids or not about or reading.idle:
        return
    metric = "weight" if re.search(r"weigh|heav|light|重|轻", reading.text, re.I) else "price"
    metric = "size" if re.search(r"size|large|big|capacity|容量|大", reading.text, re.I) else metric
    measures = reading.grounds.measures(metric)

    def holds(one: str) -> bool:
        pairs = ((measure(one), measure(other)) for measure in measures for other in others)
        return any(left and right and abs(left / right - ratio) <= 0.05 * ratio for left, right in pairs)

    reading.judge(ClaimKind.COMPARISON, found.span(), subject, holds, f"{ratio:g} times another's {metric}")


def compare(reading: Reading, span: tuple[int, int], metric: str, sign: int, by: Quantity | None = None) -> None:
    """Check that the subject at this place has more of a metric (sign 1) or less (-1) than what it is compared with."""
    shelf, subject = reading.grounds, reading.subject(*span)
    given = [name for name in reading.names if name.compared]
    ids = tuple(each for each in subject.ids if not any(each in name.ids for name in given)) or (
        () if given and subject.named else subject.ids
    )
    named = {each for name in reading.names if not name.compared for each in name.ids}
    if subject.named and not ids and named.intersection(*(name.ids for name in given)):
        reading.claim(ClaimKind.COMPARISON, reading.original[span[0] : span[1]], None, False, "compared with itself")
        return
    subject = Subject(ids, subject.every, subject.named)
    if not ids and not given and by is None:
        return
    leads_in = (reading.text[: span[0]], reading.text[: span[0]] + re.split(NAMED, reading.text[slice(*span)])[0])
    lone = (given and len(given) == len(reading.names)) or (not given and by is None)
    against = next(
        (way for pattern, way in ((_NOBODY, 1), (_OTHERS, -1)) if lone and any(map(pattern.search, leads_in))), 0
    )
    if not given and re.match(_THAN_ALL, reading.text[span[1] :]):
        against = 1
    if against and (given or ids):
        ids, sign = given[0].ids if given else ids, sign * against
        held = any(shelf.leads(each, metric, sign, shelf.pool, reading.fields) for each in ids)
        reading.claim(
            ClaimKind.SUPERLATIVE, reading.original[span[0] : span[1]], ids[0], held, f"none beats its {metric}"
        )
        return
    others, _ = reading.others(subject, span)
    denied = reading.denied(span[0])
    pool = ids or tuple(each for each in shelf.shown if each not in others)

    def true_of(each: str) -> bool:
        against = [other for other in others if other != each]
        return any(shelf.differ(each, other, metric, sign, by, reading.fields) for other in against) is not denied

    what = "less" if sign < 0 else "more" if sign else "apart"
    amount = f" by {by.value:g}" if by else ""
    reading.judge(ClaimKind.COMPARISON, span, Subject(pool, subject.every), true_of, f"{metric} {what}{amount}")


def _loosely(reading: Reading, each: Quantity) -> int:
    """The sign of "重30克" after a 比 in an earlier clause, where it would be false as a weight; 0 for none."""
    lead = reading.text[: each.start]
    found = re.search(r"(?:([重高长宽大多])|[低短窄小少])了?$", lead)
    if not found or each.unit in ("", "money", "rating") or not re.search(r"比[^,。;]*[,。;]", lead):
        return 0
    subject = reading.subject(each.start, each.end)
    if reading.holds(subject, lambda one: any(equal(each, known) for _, known in reading.grounds[one].read.numbers)):
        return 0
    return 1 if found[1] else -1


def delta(reading: Reading, each: Quantity) -> bool:
    """Check a difference ("$15 cheaper", "轻70克"); False where the number is none."""
    metric = {"money": "price"}.get(each.unit, each.unit)
    if metric == "" and each.step < 1:
        metric = "rating"
    if metric in ("", "count", "size", "age", "percent") or reading.limit(each):
        return False
    if reading.near("off_after", each, after=True) or reading.near("off_before", each):
        reduced = reading.holds(
            reading.subject(each.start, each.end),
            lambda one: any(same(each.value, amount) for amount, _ in reading.grounds[one].reductions),
        )
        if reduced or reading.near("off_after", each, after=True):
            if each.unit == "money":
                reading.claim(
                    ClaimKind.PRICE,
                    reading.quote(each),
                    None,
                    reduced or policies.policy(reading, each),
                    "less than the list price",
                )
                return True
            return False
    loose = _loosely(reading, each)
    sign = loose or next(
        (
            value
            for name, value in (("less", -1), ("more", 1), ("apart", 0))
            if reading.near(f"{name}_after", each, after=True) or reading.near(f"{name}_before", each)
        ),
        None,
    )
    if sign is None and reading.near("off_before", each):
        sign = -1
    if sign is None:
        return False
    start, end = each.start, each.end
    for cue, after in itertools.product(("less", "more", "apart"), (True, False)):
        pattern = reading.cues[f"{cue}_{'after' if after else 'before'}"]
        if after and (found := pattern.match(reading.text[each.end :])):
            end = max(end, each.end + found.end())
        elif not after and (found := pattern.search(reading.text[: each.start])):
            start = min(start, found.start())
    reading.done.append((start, end))
    subject = reading.subject(start, end)
    reduced = reading.holds(
        subject, lambda one: any(same(each.value, cut) for cut, _ in reading.grounds[one].reductions)
    )
    if sign < 0 and each.unit == "money" and reduced and _REDUCED.search(reading.text):
        reading.claim(ClaimKind.PRICE, reading.quote(each), None, True, "less than the list price")
    elif sign == 0:
        ids = reading.pair((start, end))
        ids = ids if len(ids) > 1 else reading.grounds.shown
        pairs = itertools.combinations(ids, 2)
        held = any(reading.grounds.differ(one, two, metric, 0, each, reading.fields) for one, two in pairs)
        reading.claim(ClaimKind.COMPARISON, reading.quote(each), None, held, "the difference of two products")
    else:
        compare(reading, (start, end), metric, sign, each)
    return True
