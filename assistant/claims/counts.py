"""How many there are, what there is not, and what else the shop is said to carry."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection
from functools import partial

from assistant.claims import policies, promises
from assistant.claims.claim import ClaimKind
from assistant.claims.prose import CJK, NAMED, Quantity, same, spaced, stems, words
from assistant.claims.reading import Reading

_PRODUCT_NOUNS = frozenset(
    spaced(
        "option pick product item model pair choice result match style one of fit that which more other in "
        "are have cost come under to left below above is good great close possible"
    )
)


_REVIEWED = re.compile(r"\b(?:review|rat(?:ed|ing|er)|scor|opinion)|评价|评论|点评|打分|评分", re.IGNORECASE)


def count(reading: Reading, each: Quantity) -> None:
    """Check a number of products, of values of an option, or of something a product has."""
    shelf, evidence, text = reading.grounds, reading.grounds.evidence, reading.text
    after, before = text[each.end :], text[: each.start]
    following = words(after)[:3]
    if each.value == 1 and (each.spelled or each.unit == "count"):
        alone = re.search(r"(?:(?<!the )\bonly|\bjust|\bexactly|只有|仅有?|就)\s*$", before, re.I)
        if not alone and not re.match(r"\s*(?:fits|matches|product)\b", after):
            return
    asked = reading.idle and reading.question and each.value <= len(reading.grounds.shown)
    if asked or re.match(r"\s*(?:reasons?|things|ways|points|questions?|differences?|words)\b", after):
        return
    subject = reading.subject(each.start, each.end)
    if _REVIEWED.search(text) and reading.holds(subject, lambda one: reading.grounds[one].reviews == each.value):
        reading.claim(ClaimKind.RATING, reading.quote(each), None, True, "its reviews")
        return
    listed = tuple(dict.fromkeys(one for name in reading.names for one in name.ids))
    led = [name for name in reading.names if name.end <= each.start and name.start >= reading.segment(each.start)[0]]
    named_field = next(
        (
            name
            for size in (1, 2, 3)
            if not (following and following[0].stem in _PRODUCT_NOUNS)
            for name in reading.vocabulary.fields.get(tuple(w.stem for w in following[:size]), ())
        ),
        None,
    )
    if named_field and subject.ids and reading.grounds.facets.fields[named_field].number:

        def own(one: str) -> bool:
            return reading.grounds[one].read.measure(named_field) == each.value

        reading.judge(ClaimKind.NUMBER, (each.start, each.end), subject, own, f"its {named_field}")
        return
    if named_field and subject.ids:
        reading.judge(
            ClaimKind.COUNT,
            (each.start, each.end),
            subject,
            lambda one: len(reading.having(one, named_field)) == each.value,
            f"values of {named_field}",
        )
        return
    bare = [name for name in reading.fields if shelf.facets.fields[name].number and not shelf.facets.fields[name].unit]
    if bare and subject.ids and reading.holds(subject, partial(_measures, reading, bare, each.value)):
        reading.claim(ClaimKind.NUMBER, reading.quote(each), subject.ids[0], True, f"its {' or '.join(bare)}")
        return
    apart = re.search(r"(?:[,(]|\bin)\s*$", before) and re.match(r"\s*(?:[,):.]|for\b|and\b|$)", after)
    if apart and subject.ids and reading.holds(subject, partial(_optional, reading, reading.quote(each))):
        reading.claim(ClaimKind.ATTRIBUTE, reading.quote(each), subject.ids[0], True, "an option of it")
        return
    phrase = following[0].stem if following and following[0].start <= 1 else ""
    noun = (
        not phrase
        or phrase in _PRODUCT_NOUNS | reading.vocabulary.kinds
        or any(value.start == each.end + following[0].start for value in reading.values)
    )
    if each.unit == "count":
        noun = text[each.end - 1] in "款双件种样" or not led
    carried = (
        not led
        and subject.ids
        and bool(reading.cues["pronoun"].search(text[reading.clause(each.start)[0] : each.start]))
    )
    if (led or carried) and not noun and not re.search(r"(?:one|any|each|all) of (?:the )?$", before, re.I):
        plain(reading, each)
        return
    if (
        not each.spelled
        and each.unit == ""
        and not following
        and not re.search(r"\w\s*$", before)
        and reading.echoed(each)
    ):
        return
    allowed = set(evidence.counts.values())
    clause = reading.clause(each.start)
    narrowing = [
        value for value in reading.values if clause[0] <= value.start < clause[1] and not reading.denied(value.start)
    ]
    limits = [
        one for one in reading.numbers if one is not each and clause[0] <= one.start < clause[1] and reading.limit(one)
    ]
    if re.match(r"\s*(?:里|中|之中|当中)", after) or re.search(r"\bof (?:the|these|those)\s*$", before, re.I):
        narrowing, limits = [], []  # "of the three" counts them all
    stocked = reading.said("stock_in", clause) or reading.said("stock_any", clause)

    def number(pool: Collection[str]) -> set[int]:
        kept = [one for one in pool if one in evidence.products]
        for value in narrowing:
            if any(name not in ("kind", "department") for name, _ in value.meanings):
                kept = [one for one in kept if shelf[one].has(value.meanings, value.around)]
        kept = [one for one in kept if all(reading.meets(one, limit) for limit in limits)]
        sold = [one for one in kept if not shelf[one].orderable]
        if reading.said("stock_out", clause):
            return {len(sold)}
        return {len(kept) - len(sold)} if stocked else {len(kept)}

    fitting, shown = evidence.fitting or evidence.slate, shelf.shown
    direct = re.compile(rf"\s*(?:款|双|件|种|个)?\s*(?:{reading.cues['further'].pattern})", re.I)
    if direct.match(after) or re.search(rf"(?:{reading.cues['further'].pattern})(?:有)?\s*$", before, re.I):
        told = {*reading.context.mentioned, *listed}
        rest = [
            [one for one in pool if one not in gone] for pool in (fitting, shown) for gone in (told, set(shown)) if gone
        ]
        allowed |= {count for pool in rest for count in number(pool)}
    else:
        fits, points = reading.said("fitting", clause), reading.said("shown", clause)
        if fits or not points:
            allowed |= number(fitting)
        if points or not fits:
            allowed |= (
                number(shown)
                | {len(listed)}
                | ({len(reading.context.group)} if len(reading.context.group) > 1 else set())
            )
        if fits and not evidence.fitting:
            allowed |= number(shown)
        allowed |= {len(listed)} if len(listed) > 1 and re.search(r"[:—]", after) else set()
    echoed = reading.echoed(each) and not led and (reading.idle or reading.said("yours", clause))
    counted = each.value in allowed
    why = f"counted {sorted(allowed)}"
    reading.claim(
        ClaimKind.COUNT,
        reading.quote(each),
        None,
        counted or echoed or (not led and not noun and policies.policy(reading, each)),
        why,
    )


def _measures(reading: Reading, fields: Collection[str], value: float, product_id: str) -> bool:
    return any(reading.grounds[product_id].read.measure(name) == value for name in fields)


def _optional(reading: Reading, value: str, product_id: str) -> bool:
    return any(value in values for values in reading.grounds[product_id].product.options.values())


def plain(reading: Reading, each: Quantity) -> None:
    """A number of no unit: it must stand in the data of its product."""
    subject = reading.subject(each.start, each.end)

    def holds(one: str) -> bool:
        return any(same(each.value, known.value / known.scale) for _, known in reading.grounds[one].read.numbers)

    if not subject.named and (reading.echoed(each) or policies.policy(reading, each)):
        reading.claim(ClaimKind.NUMBER, reading.quote(each), None, True, "the shopper's own, or in the policies")
    elif subject.ids:
        reading.judge(ClaimKind.NUMBER, (each.start, each.end), subject, holds, "a number of it")
    else:
        reading.claim(ClaimKind.NUMBER, reading.quote(each), None, False, "no source")


def absent(reading: Reading) -> None:
    """Check that there is nothing of the kind where the sentence says so."""
    seen: set[tuple[int, int]] = set()
    for found in reading.cues["absent"].finditer(reading.text):
        segment = reading.segment(found.start())
        if (
            segment in seen
            or reading.question
            or not reading.missing(found.start())
            or reading.cues["conditional"].search(reading.text)
        ):
            continue
        seen.add(segment)
        compared = (rank for rank in reading.cues.ranks if not rank.superlative)
        if any(rank.pattern.search(reading.text, *segment) for rank in compared):
            continue  # "nothing cheaper": of those before
        values = [value for value in reading.values if _within(reading, value.start, segment)]
        limits = [one for one in reading.numbers if _within(reading, one.start, segment) and reading.limit(one)]
        shelf = reading.grounds
        pool = dict.fromkeys((*shelf.evidence.fitting, *shelf.evidence.slate))
        if values or limits:
            against = [
                one
                for one in pool
                if one in shelf.evidence.products
                and all(shelf[one].has(value.meanings, value.around) for value in values)
                and all(reading.meets(one, limit) for limit in limits)
            ]
            rest = reading.text[values[-1].end :] if values else ""
            kinds = [
                (name, value) for each in values for name, value in each.meanings if name in ("kind", "department")
            ]
            carried = kinds and len(values) == 1 and not limits and not found[0].casefold().startswith("none")
            if carried and re.match(r"\s*(?:here|at all|at the moment|for now|in stock|吗)?\s*(?:[.,;!。]|$)", rest):
                reading.claim(
                    ClaimKind.COUNT,
                    reading.original[segment[0] : segment[1]],
                    None,
                    False,
                    f"the shop has {kinds[0][1]}",
                )
            else:
                reading.claim(
                    ClaimKind.COUNT,
                    reading.original[segment[0] : segment[1]],
                    None,
                    not against,
                    f"against: {against}",
                )
        elif reading.said("fitting", segment):
            reading.claim(
                ClaimKind.COUNT,
                reading.original[segment[0] : segment[1]],
                None,
                not shelf.evidence.fitting,
                "none fits",
            )


def _within(reading: Reading, position: int, segment: tuple[int, int]) -> bool:
    return segment[0] <= position < segment[1] and reading.missing(position)


def carries(reading: Reading) -> None:
    """What the shop is said to carry must be among its words."""
    for found in reading.cues["carries"].finditer(reading.text):
        if reading.denied(found.end()) or reading.question or promises.UNABLE.search(reading.text[: found.end()]):
            continue
        tail = re.split(
            r"[.;!?。]|, (?:if|so|but|and we)\b|\b(?:for|that|which|in|under|from|starting|with|to|as|on|at|where)\b",
            reading.text[found.end() :],
        )[0]
        if re.search(f"[{CJK}]", tail):
            tail = tail.split(",")[0]  # Chinese lists with 、
        vocabulary = reading.vocabulary
        rendered = reading.grounds.shop
        for item in re.split(r",|、|\band\b|\bor\b|和|以及|或|还有|等|\by\b|\bet\b|\bund\b", tail):
            listed = stems(item)
            numbered = any(found.end() <= one.start and reading.quote(one) in item for one in reading.numbers)
            if not listed or NAMED in item or numbered or rendered.says(listed):
                continue
            if re.search(f"[{CJK}]", item):
                known = any(listed[-size:] in vocabulary.values for size in range(1, len(listed) + 1)) or _any_value(
                    reading, listed
                )
            else:
                known = reading.context.knows(listed[-1]) or any(
                    listed[-size:] in vocabulary.values for size in range(1, len(listed) + 1)
                )
                known = known or listed[-1] in reading.vocabulary.titles.words
            reading.claim(ClaimKind.ATTRIBUTE, item, None, known, "a word of the shop")


def _any_value(reading: Reading, listed: tuple[str, ...]) -> bool:
    runs = itertools.combinations(range(len(listed) + 1), 2)
    return any(listed[start:end] in reading.vocabulary.values for start, end in runs if end - start > 1)
