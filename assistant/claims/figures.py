"""Numbers with a unit: prices, ratings, percentages, sizes, ages, measures."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

from assistant.claims import counts, cues, pairs, policies, promises, ranks, stock
from assistant.claims.claim import ClaimKind
from assistant.claims.prose import Quantity, same, stems
from assistant.claims.reading import Reading, Subject, equal
from assistant.claims.record import contains

_LIMIT = r"(?:your\b|(?:the|that) (?:limit|budget|maximum|ceiling|cap)\b)"
_REMAINS_AFTER = re.compile(
    r"\s*(?:of (?:your|the|that) [^,.;]{0,24}(?:left|over|unspent|to spare)|"
    r"(?:is |would be |to be )?(?:left|to spare|remain\w*|unspent)|(?:of|from|out of) (?:your|the) (?=[$€£\d])|"
    rf"(?:below|under|within|inside|short of|less than) {_LIMIT}|的?(?:余|剩|结余))",
    re.IGNORECASE,
)
_REMAINS_BEFORE = re.compile(
    r"(?:(?:leaves?|leaving|left with)(?: you)?(?: with)?|(?:within|under|below|inside) (?:your|the) \w+ by|"
    r"(?:还|会|能|可)?(?:剩下?|余下?|结余|富余)|(?:比|离)(?:您的?|你的?)?(?:预算|上限)(?:还)?(?:低|少|便宜|差)了?)\s*$",
    re.IGNORECASE,
)
_OVERRUN_AFTER = re.compile(rf"\s*(?:over|above|beyond|past|more than) {_LIMIT}", re.IGNORECASE)
_OVERRUN_BEFORE = re.compile(
    r"(?:(?:over|above|exceeds?|past) (?:your|the) \w+ by|"
    r"(?:比(?:您的?|你的?)?(?:预算|上限)(?:还)?(?:高|多|贵)|超(?:出|过|了)?(?:预算|上限)?)了?)\s*$",
    re.IGNORECASE,
)


def numbers(reading: Reading) -> None:
    """Check every number of the sentence that is not part of something read already."""
    judges: dict[str, Callable[[Reading, Quantity], None]] = {
        "money": _money,
        "rating": _rating,
        "reviews": _reviews,
        "percent": _percent,
        "size": _size,
        "age": _age,
        "count": counts.count,
        "ordinal": _ordinal,
        "": _bare,
    }
    pairs.compared(reading)
    pairs.opposed(reading)
    for each in reading.numbers:
        if any(start <= each.start and each.end <= end for start, end in reading.done):
            continue
        if each.unit == "money" and _remains(reading, each, reading.subject(each.start, each.end)):
            continue
        if not (_of_name(reading, each) or _rendered(reading, each) or ranks.delta(reading, each)):
            judges.get(each.unit, _measured)(reading, each)


def _of_name(reading: Reading, each: Quantity) -> bool:
    """Check a number right after a name, as in "Lynx GTX 2"; False where it is none."""
    name = next((name for name in reversed(reading.names) if name.end <= each.start), None)
    if not name or each.unit or each.spelled or reading.text[name.end : each.start] not in (" ", "-"):
        return False
    known = any(reading.grounds[one].knows(reading.quote(each)) for one in name.ids)
    listed = re.match(r"\s*(?:,|and|\)|$)", reading.text[each.end :])
    if (each.step < 1 and each.value <= 5) or (known and listed):
        return False
    reading.claim(ClaimKind.NAME, reading.quote(each), name.ids[0], known, "a number of the name")
    return True


def _ordinal(reading: Reading, each: Quantity) -> None:
    if not each.spelled and reading.text[each.start - 1 : each.start] not in ("第", "#"):
        counts.plain(reading, each)


def _rendered(reading: Reading, each: Quantity) -> bool:
    """Whether code rendered this amount for no product; a count so stands alone, money is a conversion."""
    if reading.names or not any(equal(each, known) for known in reading.grounds.shop_numbers):
        return False
    converted = any(one.unit == "money" and one.currency != each.currency for one in reading.numbers)
    counted = not each.unit and reading.quote(each) in reading.grounds.evidence.facts.get("", ())
    if (each.unit == "money" and converted) or counted or each.unit not in ("", "money"):
        reading.claim(_kind(each), reading.quote(each), None, True, "rendered by code")
        return True
    return False


def _money(reading: Reading, each: Quantity) -> None:
    shelf, span = reading.grounds, (each.start, each.end)
    subject = reading.subject(*span)
    lowest = min(
        (shelf[one].price for one in subject.ids or shelf.pool if one in shelf.evidence.products), default=None
    )
    if each.currency != shelf.facets.currency:
        supported = reading.echoed(each) or policies.policy(reading, each)
        reading.claim(
            ClaimKind.PRICE, reading.quote(each), None, supported, f"the shop sells in {shelf.facets.currency}"
        )
    elif limit := reading.limit(each):
        _limited(reading, each, subject, limit, lambda one: shelf[one].price)
    elif _ranged(reading, each, subject):
        return
    elif _least(reading, each, subject):
        pools = [subject.ids] if subject.named else [shelf.pool, shelf.shown, subject.ids]
        starts = [min(price for one in pool for price in shelf[one].prices) for pool in pools if pool]
        supported = any(same(each.value, start) for start in starts) or (
            lowest is not None and same(each.value, lowest)
        )
        reading.claim(
            ClaimKind.PRICE, reading.quote(each), None, supported or policies.policy(reading, each), "the lowest price"
        )
    elif reading.near("was", each):
        ahead = next((name.ids for name in reading.names if name.start >= each.end), ())
        reading.judge(
            ClaimKind.PRICE,
            span,
            subject,
            lambda one: (
                any(same(each.value, old) for old in shelf[one].list_prices)
                or (one in ahead and any(same(each.value, price) for price in shelf[one].prices))
            ),
            "list price",
        )
    else:
        _priced(reading, each, subject)


def _priced(reading: Reading, each: Quantity, subject: Subject) -> None:
    shelf, span = reading.grounds, (each.start, each.end)

    def costs(one: str) -> bool:
        return any(same(each.value, price) for price in shelf[one].prices)

    paired = reading.respectively(each)
    if paired:
        reading.judge(ClaimKind.PRICE, span, Subject((paired,)), costs, "its price")
        return
    extreme = next(
        (
            (rank, found.span())
            for rank in reading.cues.ranks
            if rank.superlative and rank.metric == "price"
            if (found := rank.pattern.search(reading.text, *reading.segment(each.start)))
        ),
        None,
    )
    if extreme and not subject.named:
        leaders = [one for one in shelf.pool if one in shelf.evidence.products and ranks.leads(reading, one, *extreme)]
        reading.judge(
            ClaimKind.PRICE,
            span,
            Subject(tuple(leaders)),
            lambda one: one in leaders and costs(one),
            "the price of the one that leads",
        )
        return
    if subject.every and not reading.holds(subject, costs) and subject.named:
        subject = Subject(subject.ids[-1:], named=True) if _adjacent(reading, each) else subject
    if not reading.holds(subject, costs) and not subject.named:
        if policies.policy(reading, each) or (
            reading.echoed(each) and (reading.said("yours", (0, len(reading.text))) or reading.idle)
        ):
            reading.claim(ClaimKind.PRICE, reading.quote(each), None, True, "in the policies, or the shopper's own")
            return
    elif (
        subject.named
        and policies.policy(reading, each)
        and any(one.search(reading.text) for one in cues.promises().values())
    ):
        reading.claim(ClaimKind.PRICE, reading.quote(each), None, True, "in the policies")
        return
    reading.judge(ClaimKind.PRICE, span, subject, costs, "its price")


def _least(reading: Reading, each: Quantity, subject: Subject) -> bool:
    """Whether an amount is where prices start, and not the list price after "reduced from"."""
    if reading.near("from_after", each, after=True):
        return True
    former = reading.near("was", each) and reading.holds(
        subject, lambda one: any(same(each.value, old) for old in reading.grounds[one].list_prices)
    )
    return reading.near("from", each) and not former


def _remains(reading: Reading, each: Quantity, subject: Subject) -> bool:
    """Check "$6 of your $40 would be left" and "$5 below your limit"; False where nothing is said to remain."""
    own = [known.value for known in reading.grounds.echoes if known.unit == "money"]
    before, after = reading.text[: each.start], reading.text[each.end :]
    if not own or not subject.ids:
        return False
    if re.search(r"(?:\byour|\b(?:of|from|out of) (?:the|that)|您的|你的)\s*$", before, re.I) and reading.echoed(each):
        reading.claim(ClaimKind.PRICE, reading.quote(each), None, True, "the shopper's own limit")
        return True
    over = _OVERRUN_AFTER.match(after) or _OVERRUN_BEFORE.search(before)
    if not (over or _REMAINS_AFTER.match(after) or _REMAINS_BEFORE.search(before)):
        return False
    sign = -1 if over else 1

    def remains(one: str) -> bool:
        prices = reading.grounds[one].prices
        return any(same(each.value, sign * (limit - price)) for limit in own for price in prices)

    reading.judge(ClaimKind.PRICE, (each.start, each.end), subject, remains, "what the price leaves of the limit")
    return True


def _adjacent(reading: Reading, each: Quantity) -> bool:
    name = next((name for name in reversed(reading.names) if name.end <= each.start), None)
    return bool(name and re.fullmatch(r"\s*(?:at|for|[,(:])?\s*", reading.text[name.end : each.start], re.I))


def _limited(
    reading: Reading, each: Quantity, subject: Subject, sign: int, value: Callable[[str], float | None]
) -> None:
    def within(one: str) -> bool:
        number = value(one)
        return number is not None and sign * number >= sign * each.value

    free = not subject.named or reading.missing(each.start) or reading.said("yours", reading.segment(each.start))
    if free and reading.echoed(each):
        reading.claim(_kind(each), reading.quote(each), None, True, "the shopper's own limit")
    elif reading.missing(each.start):
        own = [known for known in reading.grounds.echoes if known.unit == each.unit]
        reading.claim(_kind(each), reading.quote(each), None, not own, "the shopper's limit, where one was given")
    elif not subject.named and policies.policy(reading, each):
        reading.claim(_kind(each), reading.quote(each), None, True, "in the policies")
    else:
        reading.judge(_kind(each), (each.start, each.end), subject, within, "within the limit")


def _ranged(reading: Reading, each: Quantity, subject: Subject) -> bool:
    """Check an end of "from $64 to $94"; False where the number is no end of a range."""
    for left, right in itertools.pairwise(reading.numbers):
        if each not in (left, right):
            continue
        gap = reading.text[left.end : right.start]
        between = re.search(r"(?:between|entre|zwischen)\s*$", reading.text[: left.start], re.I)
        if left.unit != right.unit or not re.fullmatch(
            r"\s*(?:to|up to|-|–|—|~|到|至|bis|a|à)\s*" + ("|\\s*(?:and|y|et|und)\\s*" if between else ""),
            gap,
            re.I,
        ):
            continue
        pools = [subject.ids] if subject.named else [reading.grounds.pool, reading.grounds.shown, subject.ids]
        extremes = [
            (min(prices), max(prices))
            for pool in pools
            if (prices := [price for one in pool for price in reading.grounds[one].prices])
        ]
        supported = any(same(left.value, low) and same(right.value, high) for low, high in extremes)
        supported = supported or (reading.echoed(left) and reading.echoed(right) and not subject.named)
        reading.claim(
            ClaimKind.PRICE,
            reading.quote(each),
            None,
            supported or policies.policy(reading, each),
            "the lowest to the highest price",
        )
        return True
    return False


def _rating(reading: Reading, each: Quantity) -> None:
    subject, shelf = reading.subject(each.start, each.end), reading.grounds
    if re.search(r"(?:against|versus|vs\.?|compared (?:with|to)|对|比)\s*$", reading.text[: each.start], re.I):
        subject = Subject(reading.others(subject, (each.start, each.end))[0])
    if limit := reading.limit(each):
        _limited(reading, each, subject, limit, lambda one: shelf[one].rating)
        return

    def rated(one: str) -> bool:
        value = shelf[one].rating
        return value is not None and same(each.value, value, each.step if each.step < 1 else 0)

    paired = reading.respectively(each)
    reading.judge(
        ClaimKind.RATING, (each.start, each.end), Subject((paired,)) if paired else subject, rated, "its rating"
    )


def _reviews(reading: Reading, each: Quantity) -> None:
    subject = reading.subject(each.start, each.end)
    if limit := reading.limit(each):
        _limited(reading, each, subject, limit, lambda one: reading.grounds[one].reviews)
        return
    reading.judge(
        ClaimKind.RATING,
        (each.start, each.end),
        subject,
        lambda one: reading.grounds[one].reviews == each.value,
        "its reviews",
    )


def _percent(reading: Reading, each: Quantity) -> None:
    subject = reading.subject(each.start, each.end)

    def holds(one: str) -> bool:
        record = reading.grounds[one]
        return any(same(each.value, share, 1) for _, share in record.reductions) or any(
            equal(each, known) for _, known in record.read.numbers
        )

    if policies.policy(reading, each) or (
        reading.echoed(each)
        and not subject.named
        and (reading.idle or reading.said("yours", (0, len(reading.text))) or promises.UNABLE.search(reading.text))
    ):
        reading.claim(ClaimKind.POLICY, reading.quote(each), None, True, "in the policies")
    elif subject.ids:
        reading.judge(ClaimKind.NUMBER, (each.start, each.end), subject, holds, "a number of it")
    else:
        reading.claim(ClaimKind.POLICY, reading.quote(each), None, False, "in no policy")


def _size(reading: Reading, each: Quantity) -> None:
    subject = reading.subject(each.start, each.end)
    number = " ".join(stems(f"{each.value:g}"))
    denied = reading.denied(each.start) or any(start <= each.start < end for start, end in reading.unsaid)

    meanings = reading.vocabulary.sizes.get(each.value, frozenset())

    def comes(one: str) -> bool:
        values = (value for group in reading.grounds[one].read.values.values() for value in group)
        found = any(contains(value, number) for value in values)
        return (found or reading.grounds[one].has(meanings)) is not denied

    if not subject.named and reading.grounds.passages and policies.policy(reading, each):
        reading.claim(ClaimKind.POLICY, reading.quote(each), None, True, "in the policies")
    elif subject.ids and reading.denied(each.start) and stock.stock_here(reading, each.start):
        stock.lacking(reading, (each.start, each.end), subject, {("", number), *meanings})
    elif not subject.ids or (not subject.named and (reading.idle or reading.missing(each.start))):
        reading.claim(
            ClaimKind.ATTRIBUTE,
            reading.quote(each),
            None,
            reading.echoed(each) or any(map(comes, reading.grounds.shown)),
            "asked for",
        )
    else:
        reading.judge(ClaimKind.ATTRIBUTE, (each.start, each.end), subject, comes, "a size of it")


def _age(reading: Reading, each: Quantity) -> None:
    subject = reading.subject(each.start, each.end)

    def suits(one: str) -> bool:
        ages = reading.grounds[one].read.ages
        if not ages:
            return False
        if reading.near("above_before", each) or reading.near("above_after", each, after=True):
            return ages[0] == each.value
        return ages[0] <= each.value and (len(ages) < 2 or each.value <= ages[-1])

    if not subject.named and reading.echoed(each):
        reading.claim(ClaimKind.NUMBER, reading.quote(each), None, True, "the shopper's own")
    else:
        reading.judge(ClaimKind.ATTRIBUTE, (each.start, each.end), subject, suits, "the age it is for")


def _measured(reading: Reading, each: Quantity) -> None:
    shelf, subject, span = reading.grounds, reading.subject(each.start, each.end), (each.start, each.end)
    named = {name for name in reading.fields if name in shelf.facets.fields and shelf.facets.fields[name].number}
    if limit := reading.limit(each):
        measures = shelf.measures(each.unit, named)
        _limited(
            reading, each, subject, limit, lambda one: next((n for m in measures if (n := m(one)) is not None), None)
        )
        return

    def holds(one: str) -> bool:
        known = shelf[one].read.numbers
        filled = {name for name, number in known if number.unit == each.unit} & named
        return any(equal(each, number) for name, number in known if not filled or name in filled)

    paired = reading.respectively(each)
    if paired:
        subject = Subject((paired,), named=True)
    if not reading.holds(subject, holds):
        if policies.policy(reading, each):
            reading.claim(ClaimKind.POLICY, reading.quote(each), None, True, "in the policies")
            return
        if not subject.named and reading.echoed(each):
            reading.claim(ClaimKind.NUMBER, reading.quote(each), None, True, "the shopper's own")
            return
    timed = each.unit in ("days", "hours", "months") and not subject.named
    reading.judge(ClaimKind.POLICY if timed else ClaimKind.ATTRIBUTE, span, subject, holds, "a number of it")


def _bare(reading: Reading, each: Quantity) -> None:
    rated = each.step < 1 and each.value <= 5
    if rated:
        if (
            any(rank.metric == "rating" and rank.pattern.search(reading.text) for rank in reading.cues.ranks)
            or re.match(r"\s*\)", reading.text[each.end :])
            or reading.said("yours", (0, 0))
            or any(rank.pattern.search(reading.text) for rank in reading.cues.ranks)
            or re.search(r"rat(?:ed|ing)|scor|review|评分|评价|分", reading.text)
        ):
            _rating(reading, each)
        else:
            subject = reading.subject(each.start, each.end)
            known = [reading.grounds[one].rating for one in subject.ids]
            (_rating if each.value in known else counts.plain)(reading, each)
    elif each.step < 1 or each.value != int(each.value):
        counts.plain(reading, each)
    else:
        counts.count(reading, each)


def _kind(each: Quantity) -> ClaimKind:
    kinds = {
        "money": ClaimKind.PRICE,
        "rating": ClaimKind.RATING,
        "reviews": ClaimKind.RATING,
        "percent": ClaimKind.POLICY,
    }
    return kinds.get(each.unit, ClaimKind.NUMBER)
