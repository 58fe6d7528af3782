"""One sentence of a reply: what it names, and of whom each of its claims is made."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from assistant.claims import recital
from assistant.claims.claim import Claim, ClaimKind
from assistant.claims.context import FUNCTION, PLAIN, Context, Name
from assistant.claims.prose import CJK, NAMED, Quantity, quantities, same, stems, words
from assistant.claims.record import Meaning

BEGINS = re.compile(r"(?:^|[.!?:;\"“「(•\n—–])\W*$")
_ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
_ORDINAL = re.compile(
    rf"\bthe (?P<word>{'|'.join(_ORDINALS)})(?: (?:one|pair|option|product|pick|choice)\b|(?= (?:is|has|costs?|"
    rf"comes?)\b))"
    rf"|(?:\bnumber |\bno\. ?|\boption |#)(?P<number>\d{{1,2}})(?![\d.])"
    rf"|第(?P<han>[一二三四五六七八九十]|\d{{1,2}})(?:款|个|双|件|种|条|台|把|样)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Value:
    """A phrase that means values of the shop."""

    phrase: str
    meanings: frozenset[Meaning]
    start: int
    end: int
    around: tuple[tuple[str, ...], ...]  # the phrase with a word before it, and with one after it


@dataclass(frozen=True)
class Subject:
    """The products a claim is said of: of each where `every`, else of at least one; `named` in the sentence itself."""

    ids: tuple[str, ...] = ()
    every: bool = False
    named: bool = False


class Reading:
    """One sentence, read.

    Attributes:
        original: the sentence; `text` is the same with names and addresses blanked, at the same places.
        names, numbers, values, fields: what it holds; `words` its stems.
        hard, soft: places where a clause ends: where another subject may begin, and at commas too.
        unsaid: the clauses that say that the data is silent.
        found: the claims checked so far; `done` the places they were read from.
    """

    def __init__(self, context: Context, text: str) -> None:
        self.context = context
        self.grounds = context.grounds
        self.vocabulary = context.vocabulary
        self.cues = context.cues
        self.original = text
        self.found: list[Claim] = []
        self.done: list[tuple[int, int]] = []
        text = recital.recited(self, text)
        self.names = self._names(text)
        for name in self.names:
            text = text[: name.start] + NAMED * (name.end - name.start) + text[name.end :]
        self.text = recital.contacts(self, text)
        self.question = bool(re.search(r"[?？]\W*$", text) or re.search(r"[吗呢][?？。]?$", text))
        self.hard = [found.end() for found in self.cues["hard"].finditer(self.text)]
        self.soft = sorted(
            {
                *self.hard,
                *(found.end() for found in re.finditer(r",(?!\d{3}(?!\d))|:(?!\d)|、|\band\b|\bund\b", self.text)),
            }
        )
        self.text = recital.quoted(self)
        self.numbers = quantities(self.text, context.language, self.grounds.facets.currency)
        self.words = words(self.text)
        self.values = self._values()
        self.numbers = [
            one
            for one in self.numbers
            if not any(each.start <= one.start and one.end <= each.end for each in self.values)
        ]
        self.fields = self._fields()
        self.unsaid = [self.segment(found.start()) for found in self.cues["unsaid"].finditer(self.text)]

    def _names(self, text: str) -> list[Name]:
        found: list[Name] = []
        listed, reply = words(text), self.context
        position = 0
        while position < len(listed):
            first = listed[position].stem
            longest = max(reply.reach.get(first, 0), reply.vocabulary.titles.reach.get(first, 0))
            for length in range(min(longest, len(listed) - position), 0, -1):
                run = listed[position : position + length]
                phrase = tuple(word.stem for word in run)
                start, end = run[0].start, run[-1].end
                if phrase in reply.names and self._is_name(phrase, text, start, end):
                    found.append(Name(reply.names[phrase], start, end, self._compared(text, start, end)))
                    break
                others = reply.vocabulary.titles.ids.get(phrase)
                if others and phrase not in reply.names and self._is_name(phrase, text, start, end, other=True):
                    self.claim(
                        ClaimKind.NAME, text[start:end], None, False, "a product of the shop, but not of this turn"
                    )
                    self.done.append((start, end))
                    break
            else:
                length = 1
            position += length
        found = self._adjoined(found, text)
        slate = self.grounds.evidence.slate
        for ordinal in _ORDINAL.finditer(text):
            number = ordinal["number"] or ordinal["han"] or str(_ORDINALS.index(ordinal["word"].casefold()) + 1)
            place = int(number) if number.isdigit() else "零一二三四五六七八九十".index(number)
            start, end = ordinal.span()
            if any(name.start < end and start < name.end for name in found):
                continue
            if 0 < place <= len(slate) and slate[place - 1] in self.grounds.evidence.products:
                found.append(Name((slate[place - 1],), start, end, self._compared(text, start, end)))
            else:
                self.claim(ClaimKind.NAME, ordinal[0], None, False, f"{len(slate)} products were shown")
        return sorted(found, key=lambda name: name.start)

    def _adjoined(self, found: list[Name], text: str) -> list[Name]:
        """Names with one space between are one: of the product they share, or of none ("Lynx Runner")."""
        joined: list[Name] = []
        for name in found:
            if not joined or text[joined[-1].end : name.start] not in (" ", "-"):
                joined.append(name)
                continue
            last = joined.pop()
            shared = tuple(each for each in last.ids if each in name.ids)
            if not shared:
                self.claim(ClaimKind.NAME, text[last.start : name.end], None, False, "parts of two names")
            joined.append(Name(shared or last.ids, last.start, name.end, last.compared))
        return joined

    def _is_name(self, phrase: tuple[str, ...], text: str, start: int, end: int, *, other: bool = False) -> bool:
        reply = self.context
        whole = other or phrase in reply.whole
        if re.match(f"[{CJK}]", text[start]):
            apart = (start == 0 or text[start - 1] == " ") and (end == len(text) or not text[end].isalnum())
            return (whole and len(phrase) > 1) or (not other and (len(phrase) > 3 or (apart and len(phrase) > 1)))
        telling = [
            word for word in phrase if word not in reply.vocabulary.ordinary and word not in PLAIN and len(word) > 1
        ]
        capital = text[start].isupper() or (text[start].isdigit() and len(phrase) > 1)
        if all(word in reply.vocabulary.brands for word in telling) and not whole:
            return bool(telling) and capital and bool(re.search(r"\bthe\s+$", text[:start], re.I)) and len(phrase) > 0
        if whole:
            return len(phrase) > 2 or capital or (len(phrase) > 1 and bool(telling))
        if not telling or all(word.isdigit() for word in telling):
            return False
        if capital and BEGINS.search(text[:start]) and len(phrase) == 1:
            return not reply.lowers(phrase[0])
        return capital

    def _compared(self, text: str, start: int, end: int) -> bool:
        return bool(self.cues["object"].search(text[:start]) or re.match(r"\s*(?:相比|比起来|比(?=\s*,))", text[end:]))

    def _values(self) -> list[Value]:
        found: list[Value] = []
        vocabulary, listed = self.vocabulary, self.words
        position = 0
        while position < len(listed):
            length = 1
            longest = vocabulary.reach.get(listed[position].stem, 0)
            for size in range(min(longest, len(listed) - position), 0, -1):
                run = listed[position : position + size]
                phrase = tuple(word.stem for word in run)
                meanings = vocabulary.values.get(phrase)
                start, end = run[0].start, run[-1].end
                if not meanings or (phrase[0] in vocabulary.upper and not self.original[start:end].isupper()):
                    continue
                if any(NAMED in self.text[a.end : b.start] for a, b in itertools.pairwise(run)):
                    continue
                if any(one.start < start < one.end or one.start < end < one.end for one in self.numbers):
                    continue
                if any(one.start == start and one.end == end for one in self.numbers):
                    continue
                around = []
                if position:
                    around.append((listed[position - 1].stem, *phrase))
                if position + size < len(listed):
                    around.append((*phrase, listed[position + size].stem))
                found.append(Value(" ".join(phrase), meanings, start, end, tuple(around)))
                length = size
                break
            position += length
        return found

    def _fields(self) -> frozenset[str]:
        """The fields that the sentence names."""
        table, listed = self.vocabulary.fields, [word.stem for word in self.words]
        runs = (
            tuple(listed[at : at + size])
            for at in range(len(listed))
            for size in (1, 2, 3, 4)
            if at + size <= len(listed)
        )
        return frozenset(name for run in runs for name in table.get(run, ()))

    def segment(self, position: int) -> tuple[int, int]:
        """The clause around a place, cut where another subject may begin."""
        start = max((cut for cut in self.hard if cut <= position), default=0)
        return start, min((cut for cut in self.hard if cut > position), default=len(self.text))

    def clause(self, position: int) -> tuple[int, int]:
        """The clause around a place, cut at commas too."""
        start = max((cut for cut in self.soft if cut <= position), default=0)
        return start, min((cut for cut in self.soft if cut > position), default=len(self.text))

    def said(self, cue: str, span: tuple[int, int]) -> bool:
        """Whether a cue stands in a part of the sentence."""
        return bool(self.cues[cue].search(self.text[span[0] : span[1]]))

    @cached_property
    def _groups(self) -> dict[int, tuple[str, ...]]:
        """The end of a list of names, as in "the Lynx and the Brook" -> all of them."""
        joint = re.compile(
            rf"[\s,(*]*(?:{self.cues['and'].pattern})?[\s,]*(?:{self.cues['article'].pattern})?\s*",
            re.IGNORECASE,
        )
        groups: dict[int, tuple[str, ...]] = {}
        for left, right in itertools.pairwise(self.names):
            gap = self.text[left.end : right.start]
            if left.compared or right.compared:
                continue
            if gap.strip() and joint.fullmatch(gap) and not (len(left.ids) > 1 or len(right.ids) > 1):
                listed = groups.get(left.end, left.ids)
                if right.ids[0] in listed:
                    words = self.original[left.start : right.end]
                    self.claim(ClaimKind.NAME, words, right.ids[0], False, "the same product twice")
                groups[right.end] = (*listed, *right.ids)
        return groups

    def _last_of(self, first: Name) -> Name:
        """The end of the list of names that a name begins."""
        for left, right in itertools.pairwise(self.names):
            if left == first and right.end in self._groups:
                first = right
        return first

    def named(self, name: Name) -> Subject:
        """The product of a name, or of all names of the list that it ends."""
        if name.end in self._groups:
            return Subject(self._groups[name.end], every=True, named=True)
        return Subject(name.ids, named=True)

    def subject(self, start: int, end: int) -> Subject:
        """The products that a claim at this place is said of; none where it is said of no product."""
        text = self.text
        ahead = next((name for name in self.names if name.start >= end), None)
        if ahead and re.fullmatch(r"(?:\s|的|-)*(?:for (?:the )?)?", text[end : ahead.start]):
            return Subject(ahead.ids, named=True)
        before = [name for name in self.names if name.end <= start]
        clause = self.clause(start)
        gap = text[before[-1].end : start] if before else ""
        near = re.fullmatch(r"\s*(?:in|from|by|with)\s+(?:the |size )?|\s+size", gap, re.IGNORECASE)
        if before and before[-1].compared and before[-1].start >= clause[0]:
            if near:
                return Subject(before[-1].ids, named=True)
            ids = (*before[-1].ids, *(each for name in before if not name.compared for each in name.ids))
            return Subject(ids, named=True)
        subjects = [name for name in before if not name.compared]
        inside = next((name for name in self.names if end <= name.start < clause[1] and not name.compared), None)
        if subjects and subjects[-1].end > clause[0]:
            return Subject(subjects[-1].ids, named=True) if near else self.named(subjects[-1])
        if inside:
            return self.named(inside)
        lead = text[clause[0] : clause[1]]
        if subjects:
            apart = self.cues["some"].search(lead) and not self.cues["they"].search(lead)
            if apart and self.segment(start)[0] > subjects[-1].end:
                return Subject(tuple(self.grounds.evidence.products))
            return self.named(subjects[-1])
        return self._carried(start, end, lead)

    def _carried(self, start: int, end: int, lead: str) -> Subject:
        """Who is meant where no name stands before the claim."""
        reply, shown = self.context, self.grounds.shown
        listed = next((name for name in self.names if name.start >= end), None)
        if listed and re.fullmatch(r"[^:]*:\s*(?:the )?", self.text[end : listed.start], re.IGNORECASE):
            return self.named(self._last_of(listed))
        if self.cues["every"].search(lead):
            both = reply.group if len(reply.group) > 1 else shown
            return Subject(both, every=True)
        if self.cues["some"].search(lead):
            if len(reply.group) > 1:
                return Subject(reply.group, every=True)
            alone = reply.focus and self.cues["they"].search(lead)  # shoes are "they", one pair or not
            return Subject(reply.focus if alone else tuple(self.grounds.evidence.products))
        later = next((name for name in self.names if name.start >= end and not name.compared), None)
        if later and not self.cues["pronoun"].search(lead) and self.segment(start)[1] >= later.start:
            return self.named(later)
        if reply.focus:
            return Subject(reply.focus)
        if len(self.grounds.evidence.products) == 1:
            return Subject(tuple(self.grounds.evidence.products))
        return Subject()

    def others(self, subject: Subject, span: tuple[int, int]) -> tuple[tuple[str, ...], bool]:
        """What a comparison is with, and whether the sentence names it."""
        start, end = self.segment(span[0])
        given = [name for name in self.names if name.compared and start <= name.start < end]
        if given:
            return given[0].ids, True
        own = set(subject.ids)
        here = [each for name in self.names if name.end <= span[0] for each in name.ids if each not in own]
        later = [each for name in self.names if name.start >= span[1] for each in name.ids]
        earlier = [each for each in (*here, *self.context.mentioned) if each not in own]
        earlier = earlier or [each for each in later if each not in own]
        return tuple(earlier or (each for each in self.grounds.evidence.products if each not in own)), False

    def claim(self, kind: ClaimKind, text: str, product_id: str | None, supported: bool, why: str) -> None:
        """Record a claim."""
        self.found.append(Claim(kind, text.strip(), product_id, supported, why))

    def judge(
        self, kind: ClaimKind, span: tuple[int, int], subject: Subject, true_of: Callable[[str], bool], why: str
    ) -> bool:
        """Record a claim that must be true of its subject, or of something shown where it has none."""
        ids = subject.ids or self.grounds.shown
        held = [each for each in ids if true_of(each)]
        supported = bool(held) and (len(held) == len(ids) or not subject.every)
        product_id = ids[0] if len(ids) == 1 else (held[0] if held and not subject.every else None)
        self.claim(kind, self.original[span[0] : span[1]], product_id, supported, why)
        return supported

    def fresh(self, span: tuple[int, int]) -> bool:
        """Whether nothing has been read at this place yet."""
        return not any(start < span[1] and span[0] < end for start, end in self.done)

    @cached_property
    def idle(self) -> bool:
        """A question or a condition that names no product claims nothing about one."""
        if self.names:
            return False
        asks = self.question and bool(self.cues["question"].search(self.text) or not re.search(r"[,;:]", self.text))
        return asks or bool(self.cues["conditional"].search(self.text))

    def denied(self, start: int) -> bool:
        """Whether a denial in the same clause reaches this place."""
        lead = self.text[max(self.clause(start)[0], start - 30) : start]
        offset = start - len(lead)
        denials = [
            found
            for found in self.cues["negation"].finditer(lead)
            if not any(each.start <= offset + found.start() < each.end for each in self.values)
        ]
        return bool(denials) and not self.cues["only"].search(lead, denials[-1].end())

    def pair(self, span: tuple[int, int]) -> tuple[str, ...]:
        """The products that an equality or a difference is between."""
        here = tuple(dict.fromkeys(each for name in self.names for each in name.ids))
        if len(here) > 1:
            return here
        return tuple(dict.fromkeys((*self.subject(*span).ids, *(here or self.context.group))))

    def quote(self, each: Quantity) -> str:
        """The words of a number."""
        return self.original[each.start : each.end]

    def near(self, cue: str, each: Quantity, *, after: bool = False) -> bool:
        """Whether a cue stands right before a number, or right after it."""
        if after:
            return bool(self.cues[cue].match(self.text[each.end :]))
        lead = self.text[: each.start]
        return bool(self.cues[cue].search(re.sub(r"(?:about|around|roughly|约|大约|only)\s*$", "", lead)))

    def limit(self, each: Quantity) -> int:
        """-1 where the number is an upper limit, 1 a lower one, 0 none."""
        if self.near("below_before", each) or self.near("below_after", each, after=True):
            return -1
        return int(self.near("above_before", each) or self.near("above_after", each, after=True))

    def span_of(self, each: Quantity) -> tuple[Quantity, Quantity] | None:
        """Both ends of a range that a number is an end of."""
        for left, right in itertools.pairwise(self.numbers):
            if each in (left, right) and left.unit == right.unit:
                gap = self.text[left.end : right.start]
                if re.fullmatch(r"\s*(?:to|up to|-|–|—|~|到|至|bis|a|à)\s*", gap, re.IGNORECASE):
                    return left, right
        return None

    def echoed(self, each: Quantity) -> bool:
        """Whether the shopper gave this number."""
        return any(equal(each, known) for known in self.grounds.echoes)

    def holds(self, subject: Subject, true_of: Callable[[str], bool]) -> bool:
        """Whether something is true of a subject, or of something shown where there is none."""
        ids = subject.ids or self.grounds.shown
        held = [one for one in ids if true_of(one)]
        return bool(held) and (len(held) == len(ids) or not subject.every)

    def respectively(self, each: Quantity) -> str | None:
        """The product of a value in "A and B cost $1 and $2"."""
        for end, ids in self._groups.items():
            following = [one for one in self.numbers if one.unit == each.unit and one.start >= end]
            stop = next((name.start for name in self.names if name.start >= end), len(self.text))
            following = [one for one in following if one.end <= stop]
            if len(following) == len(ids) and each in following:
                return ids[following.index(each)]
        reply = self.context
        alike = [one for one in self.numbers if one.unit == each.unit]
        if not self.names and len(reply.group) == len(alike) > 1 and each in alike:  # "they cost $89 and $64"
            return reply.group[alike.index(each)] if self.cues["they"].search(self.text) else None
        return None

    def having(self, product_id: str, name: str) -> tuple[str, ...]:
        """The values that a product has for a field."""
        product = self.grounds[product_id].product
        return product.options.get(name) or product.attributes.get(name) or ()

    def meets(self, product_id: str, limit: Quantity) -> bool:
        """Whether a product is within a limit that the sentence states."""
        record, sign = self.grounds[product_id], self.limit(limit)
        if limit.unit in ("money", "rating", "reviews"):
            numbers = [{"money": record.price, "rating": record.rating, "reviews": record.reviews}[limit.unit]]
        else:
            numbers = [measure(product_id) for measure in self.grounds.measures(limit.unit)]
        return any(number is not None and sign * number >= sign * limit.value for number in numbers)

    def content(self, start: int, end: int) -> set[str]:
        """The words with content of a part, numbers left out."""
        listed = (word.stem for word in self.words if start <= word.start < end)
        return {word for word in listed if word not in FUNCTION and not word[0].isdigit()}

    def wished(self, value: Value) -> bool:
        """Whether the shopper's constraints or words hold the value."""
        wished = {
            (one.field, each.casefold())
            for one in self.grounds.evidence.conditions
            for each in one.any_of | one.none_of
        }
        if any((name, each.casefold()) in wished for name, each in value.meanings):
            return True
        return self.grounds.shopper.says(stems(self.original[value.start : value.end]))

    def missing(self, position: int) -> bool:
        """Whether the clause says that there is no such product."""
        start, end = self.segment(position)
        first = next((name.start for name in self.names if start <= name.start < end), None)
        if first is not None:
            end = max(self.clause(first)[0], start)
        if not start <= position < end or self.cues["unsaid"].search(self.text, start, end):
            return False
        found = self.cues["absent"].search(self.text, start, end)
        return found is not None and not self.cues["pronoun"].search(self.text[start : found.start()])


def equal(said: Quantity, known: Quantity) -> bool:
    """Whether a quantity is the one that the data has, at the precision it is said with."""
    if said.unit == "age" and known.unit == "months":
        return same(said.value * 12, known.value)
    if said.unit != known.unit or said.currency != known.currency:
        return False
    exact = said.unit in ("money", "count", "size", "percent", "reviews", "")
    return same(said.value, known.value, 0 if exact or said.step >= said.scale else said.step)
