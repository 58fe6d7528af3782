"""What only a policy can say: free, refund, within 30 days."""

from __future__ import annotations

import re

from assistant.claims import cues
from assistant.claims.claim import ClaimKind
from assistant.claims.prose import Quantity
from assistant.claims.reading import Reading, equal
from assistant.evidence import Passage

UNABLE = re.compile(
    r"\b(?:i|we) (?:can't|cannot|can not|am not able|'m not able|don't|do not)\b|我(?:们)?(?:不能|无法|没办法|"
    r"不可以|没有权限)",
    re.I,
)


def policy(reading: Reading, each: Quantity) -> bool:
    """Whether a passage has the number, and none that speaks more of the same thing has another."""
    passages = [
        one
        for one in reading.grounds.passages
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
    if not supporting:
        return False
    clause = reading.clause(each.start)
    near = reading.content(*clause)
    wide = reading.content(0, len(reading.text))

    def shared(passage: Passage) -> int:
        return 2 * _overlap(near, passage) + _overlap(wide, passage)

    best = max(map(shared, supporting))
    return best >= max((shared(one) for one in passages if one not in supporting), default=0)


def promises(reading: Reading) -> None:
    """Check that what only a policy can promise stands in one, and is not turned into its opposite."""
    shelf, text = reading.grounds, reading.text
    exempt = (
        reading.idle or bool(reading.unsaid) or bool(UNABLE.search(text)) or reading.said("abilities", (0, len(text)))
    )
    promised = False
    for concept, pattern in cues.promises().items():
        found = pattern.search(text)
        if not found or (
            concept == "delivery"
            and re.match(r"ships?$", found[0], re.I)
            and re.search(r"ready to $", text[: found.start()])
        ):
            continue
        if re.search(r"[a-z]$|-$", text[: found.start()]) or not reading.fresh(found.span()):
            continue
        if exempt and concept not in ("free", "lifetime"):
            continue
        subject = reading.subject(*found.span())
        own = any(pattern.search(shelf[one].read.everything.raw) for one in subject.ids)
        reduced = concept == "discount" and any(shelf[one].list_prices for one in subject.ids or shelf.shown)
        supported = (
            bool(pattern.search(shelf.shop.raw))
            or own
            or reduced
            or (exempt and bool(pattern.search(shelf.shopper.raw)))
        )
        if concept == "free" and supported and not own and not exempt:
            supported = _unconditional(reading, pattern)
        promised = promised or not (own or reduced)
        reading.claim(ClaimKind.POLICY, found[0], None, supported, "in the policies")
    if promised and not exempt:
        _polarity(reading)


def _overlap(said: set[str], passage: Passage) -> int:
    """How many words of a sentence a passage has, whatever their endings."""
    return len({word[:6] for word in said} & passage.beginnings)


def _unconditional(reading: Reading, pattern: re.Pattern[str]) -> bool:
    """Whether what is free is so without the sum that the policy asks for, or the sentence names the sum."""
    if any(each.unit == "money" for each in reading.numbers):
        return True
    granting = [one for one in reading.grounds.passages if pattern.search(one.text.raw)]
    said = reading.content(0, len(reading.text))
    best = max((_overlap(said, one) for one in granting), default=0)
    nearest = [one for one in granting if _overlap(said, one) == best]
    return not nearest or any(all(each.unit != "money" for each in one.numbers) for one in nearest)


def _polarity(reading: Reading) -> None:
    """A policy must not be turned into its opposite: the passage most like the sentence denies as it does."""
    said = reading.content(0, len(reading.text))
    scored = [(_overlap(said, one), one) for one in reading.grounds.passages]
    best = max((score for score, _ in scored), default=0)
    if best < 2 or best < len(said) * 0.6:
        return
    denied = bool(reading.cues["negation"].search(reading.text))
    alike = [one for score, one in scored if score == best]
    agrees = any(one.denied is denied for one in alike)
    reading.claim(ClaimKind.POLICY, reading.original, None, agrees, "says as the policy says")
