"""What can be had and in which form, and that nothing sold out is offered."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable

from assistant.claims.claim import ClaimKind
from assistant.claims.prose import NAMED, stems
from assistant.claims.reading import Reading, Subject
from assistant.claims.record import Meaning


def stock(reading: Reading) -> None:
    """Check what is said to be in stock, available, sold out or to come."""
    for cue in ("scarce", "stock_out", "stock_later", "stock_in", "stock_any"):
        for found in reading.cues[cue].finditer(reading.text):
            span = found.span()
            if not reading.fresh(span):
                continue
            reading.done.append(span)
            if reading.idle and not reading.names:
                continue
            if cue == "scarce":
                reading.claim(ClaimKind.STOCK, found[0], None, False, "the data has no number of pieces")
                continue
            _stocked(reading, cue, span)


def _stocked(reading: Reading, cue: str, span: tuple[int, int]) -> None:
    if any(start <= span[0] < end for start, end in reading.unsaid) or (
        cue == "stock_any" and reading.missing(span[0])
    ):
        return
    if (
        cue == "stock_any"
        and reading.text[span[0] :].casefold().startswith("we ")
        and reading.said("stock_out", (span[1], len(reading.text)))
    ):
        return  # "we have the Clear in glass, but it's sold out"
    subject = reading.subject(*span)
    gone = (cue == "stock_out") is not (cue != "stock_any" and reading.denied(span[0]) and cue != "stock_later")
    if cue == "stock_any" and reading.denied(span[0]):
        gone = True
    options = _options(reading, span, gone)
    if not subject.ids and not reading.grounds.shown:
        supported = (
            bool(reading.grounds.shop.raw)
            and reading.original[span[0] : span[1]].casefold() in reading.grounds.shop.raw
        )
        reading.claim(ClaimKind.STOCK, reading.original[span[0] : span[1]], None, supported, "in the policies")
        return

    def holds(one: str) -> bool:
        if cue == "stock_later":
            return any(each.availability.value in ("backorder", "preorder") for each in reading.grounds[one].variants)
        if not gone:
            return _ready(reading, one, options, now=cue == "stock_in") is True
        forms = _apart(options)
        return not any(_ready(reading, one, form, now=False) for form in forms)

    supported = reading.judge(ClaimKind.STOCK, span, subject, holds, "not orderable" if gone else "orderable")
    if gone and supported:
        reading.context.gone.update(subject.ids)


def _options(reading: Reading, span: tuple[int, int], gone: bool) -> list[frozenset[Meaning]]:
    """What options a stock word speaks of: those before it in its clause, or "in moss, size 9" after it.

    Each is a set of field and value, of which the product has one if it has the option; the field "" is any.
    """
    stocks = [
        found.span()
        for cue in ("stock_in", "stock_out", "stock_any")
        for found in reading.cues[cue].finditer(reading.text)
        if found.end() <= span[0] or found.start() >= span[1]
    ]
    cuts = [found.end() for found in re.finditer(r",(?!\d{3})|;", reading.text)]
    segment = reading.segment(span[0])
    floor = max((end for _, end in stocks if end <= span[0]), default=0)
    start = max((cut for cut in (*cuts, segment[0]) if cut <= span[0]), default=0)
    found = _chosen(reading, max(start, floor), span[0], gone)
    after = rf"\s*(?:(?:the )?{NAMED}+(?: left)?,? )?(?:now |right now |currently |left )?(?:in|for|as)\b"
    if re.match(after, reading.text[span[1] :]):
        found += _chosen(reading, span[1], min((one for one, _ in stocks if one >= span[1]), default=segment[1]), gone)
    return found or _chosen(reading, max(segment[0], floor), span[0], gone)


def stock_here(reading: Reading, position: int) -> bool:
    """Whether the clause around a place speaks of stock."""
    return reading.said("stock_in", reading.segment(position)) or reading.said("stock_any", reading.segment(position))


def lacking(reading: Reading, span: tuple[int, int], subject: Subject, meanings: Collection[Meaning]) -> None:
    """Check "in stock in moss, not in size 10": that form is not to be had."""
    segment = reading.segment(span[0])
    form = [
        *_chosen(reading, segment[0], segment[1]),
        frozenset((name, " ".join(stems(value))) for name, value in meanings),
    ]
    reading.judge(
        ClaimKind.STOCK, span, subject, lambda one: _ready(reading, one, form, now=False) is not True, "not orderable"
    )


def _ready(reading: Reading, product_id: str, options: Collection[frozenset[Meaning]], *, now: bool) -> bool | None:
    """Whether each of the options can be had; None where the product does not come in one of them."""
    record = reading.grounds[product_id]
    chosen: dict[str, frozenset[str]] = {}
    for meanings in options:
        names = {name for name, _ in meanings}
        held = {
            (name, value)
            for name in record.product.options
            for field, value in meanings
            if field in ("", name) and any(f" {value} " in f" {each} " for each in record.read.values[name])
        }
        if not held and ("" in names or names & record.product.options.keys()):
            return None
        for name, value in held:
            chosen[name] = chosen.get(name, frozenset()) | {value}
    return record.stocked(chosen, now=now)


def _chosen(reading: Reading, start: int, end: int, denied: bool = False) -> list[frozenset[Meaning]]:
    found = [
        frozenset((name, " ".join(stems(value))) for name, value in each.meanings)
        for each in reading.values
        if start <= each.start < end and (denied or not reading.denied(each.start))
    ]
    given = (each for each in reading.numbers if each.unit == "size" and start <= each.start < end)
    sizes = (each for each in given if denied or not reading.denied(each.start))
    return found + [
        frozenset(
            {
                ("", " ".join(stems(f"{each.value:g}"))),
                *((name, " ".join(stems(value))) for name, value in reading.vocabulary.sizes.get(each.value, ())),
            }
        )
        for each in sizes
    ]


def offered(reading: Reading) -> None:
    """A product that cannot be ordered must not be offered."""
    told = reading.cues["stock_out"].search(reading.text) or reading.cues["stock_later"].search(reading.text)
    ranked = any(claim.kind is ClaimKind.SUPERLATIVE for claim in reading.found)
    offers = ranked or reading.cues["offer"].search(reading.text) or reading.cues["fitting"].search(reading.text)
    if told or not offers or reading.unsaid:
        return
    for name in reading.names:
        sold_out = not any(reading.grounds[each].orderable for each in name.ids)
        if sold_out and not name.compared and not reading.context.gone.intersection(name.ids):
            words = reading.original[name.start : name.end]
            reading.claim(ClaimKind.STOCK, words, name.ids[0], False, "offered, but sold out")


def _apart(options: Iterable[frozenset[Meaning]]) -> list[tuple[frozenset[Meaning], ...]]:
    """Options of different fields together, those of one field each for itself: moss and black in 9 -> two forms."""
    fields: dict[frozenset[str], list[frozenset[Meaning]]] = {}
    for option in options:
        fields.setdefault(frozenset(name for name, _ in option), []).append(option)
    return list(itertools.product(*fields.values()))
