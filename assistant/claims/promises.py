"""What only a policy can say: free, refund, within 30 days."""

from __future__ import annotations

import re

from assistant.claims import cues, deeds, policies
from assistant.claims.claim import ClaimKind
from assistant.claims.reading import Reading

UNABLE = re.compile(
    r"\b(?:i|we) (?:can't|cannot|can not|am not able|'m not able|don't|do not)\b|我(?:们)?(?:不能|无法|没办法|"
    r"不可以|没有权限)",
    re.I,
)

_TOLD = frozenset({"gift", "deadline", "ordered", "pay_later"})  # pages tell of these in words of their own


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
            or (concept in _TOLD and policies.backed(reading, *reading.segment(found.start())))
            or (exempt and bool(pattern.search(shelf.shopper.raw)))
        )
        if concept == "free" and supported and not own and not exempt:
            supported = policies.unconditional(reading, pattern)
        promised = promised or not (own or reduced)
        reading.claim(ClaimKind.POLICY, found[0], None, supported, "in the policies")
    policies.agrees(reading, concerned=promised, exempt=exempt)
    deeds.deeds(reading)
