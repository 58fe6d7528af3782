"""What answers each kind of message: products, facts about one, a comparison, a passage, or a question back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from assistant.config import Settings
from assistant.dialogue import (
    Card,
    Constraint,
    DialogueState,
    Focused,
    Order,
    Topic,
)
from assistant.intent import Intent
from assistant.notation import Notation
from assistant.plan import Answer, Point, PointKind, facts_of
from assistant.policy import Policies
from assistant.question import Questions, lost_reference
from assistant.reading import Relative
from assistant.recommend import SLATE, Split, reasons, slate, split
from assistant.shelf import Found, Shelf
from assistant.understand import Understanding
from assistant.vocabulary import normalize, stems
from retrieval.catalog import Availability, Product
from retrieval.filters import Condition

# Confidence that the shop carries a thing its catalogue has no word for: from here it may be it, from there it is.
_LIKELY, _SURE = 0.5, 0.93
_ANEW = 2  # limits of a message that names its thing, from which it is a whole request
_SEEKING = frozenset({Intent.FIND, Intent.REFINE, Intent.MORE, Intent.BACK})


class Answers:
    """The answers of one shop.

    Args:
        shelf: its products.
        policies: its pages.
        settings: its name and contact.
    """

    def __init__(self, shelf: Shelf, policies: Policies, settings: Settings) -> None:
        self._shelf = shelf
        self._policies = policies
        self._settings = settings
        questions = Questions(shelf)
        small: Mapping[Intent, PointKind] = {
            Intent.THANKS: PointKind.THANKS,
            Intent.GOODBYE: PointKind.GOODBYE,
            Intent.OFF_TOPIC: PointKind.OFF_TOPIC,
            Intent.NO_POWER: PointKind.NO_POWER,
            Intent.ORDER: PointKind.NO_ORDERS,
            Intent.PERSON: PointKind.PERSON,
            Intent.NOTHING: PointKind.NOTHING_SAID,
        }
        self._table: Mapping[Intent, Callable[[Understanding, DialogueState, Notation], Answer]] = {
            Intent.SIMILAR: self._similar,
            Intent.QUESTION: questions.about,
            Intent.COMPARE: questions.compare,
            Intent.POLICY: self._policy,
            Intent.BUY: self._buy,
            Intent.GREETING: self._welcome,
            Intent.ABILITIES: self._welcome,
            **{intent: self._small(kind) for intent, kind in small.items()},
        }

    def __call__(
        self, understanding: Understanding, state: DialogueState, notation: Notation, size: int = SLATE
    ) -> Answer:
        """The answer to a message in the light of the dialogue so far, with at most `size` cards."""
        lost = understanding.missing_reference
        if lost and (not understanding.references or understanding.intent is Intent.COMPARE):
            return Answer((lost_reference(state, notation),))
        if understanding.intent in _SEEKING:
            return self._seek(understanding, state, notation, size)
        return self._table[understanding.intent](understanding, state, notation)

    def _seek(self, understanding: Understanding, state: DialogueState, notation: Notation, size: int) -> Answer:
        shelf = self._shelf
        if understanding.reset and not understanding.item:
            return replace(self._ask_back([], notation), topic=(len(state.topics), Topic()))
        silent = self._unmeasured(understanding, state, notation)
        if silent:
            return Answer((silent,), product_ids=silent.product_ids)
        index, topic = self._topic(understanding, state)
        notes = self._notes(understanding, notation)
        clash = _contradiction(topic, notation)
        if clash:
            point, first, second = clash
            kept = tuple(each for each in topic.constraints if each not in (first, second))
            return Answer((*notes, point), topic=(index, replace(topic, constraints=kept)))
        asked_for = (
            topic.item,
            topic.scope,
            topic.constraints,
            topic.recipient,
            topic.order,
            topic.reduced,
            topic.unwanted,
        )
        wanted = any(asked_for) or understanding.gift
        if not wanted:
            return self._ask_back(notes, notation)
        more = understanding.intent is Intent.MORE
        found = shelf.find(topic)
        what = _what(topic, notation)
        if not understanding.thing and not found.ids and not topic.scope and topic.item:
            return self._ask_back(notes, notation)
        unheard = understanding.thing and topic.item and topic.scope is None
        sure = self._shelf.carries(topic.item) if unheard else 1.0
        if sure < _LIKELY:
            return self._nothing(topic, index, notes, notation)
        seen = topic.shown if more else ()
        if set(found.ids) <= set(seen) or (more and found.nearly):
            if more:
                return Answer((*notes, Point(PointKind.NO_MORE, facts_of(what=what))), topic=(index, topic))
            return self._nothing(topic, index, notes, notation)
        shown = slate(found, topic, shelf, notation, size, seen)
        ids = tuple(each.product_id for each in shown.cards)
        points = list(notes)
        choices: tuple[str, ...] = ()
        if sure < _SURE:
            points.append(Point(PointKind.NEAR, {"what": topic.item}))
        elif found.nearly:
            points += self._nearly(found, topic, shown.cards, notation)
            # "Cheaper" is answered when the cheapest has been named; other limits stand until the shopper lifts them.
            kept = tuple(each for each in topic.constraints if not (each.relative and each in found.failed))
            topic = replace(topic, constraints=kept)
        else:
            among = ids if size == SLATE else ()
            points += self._fitting(found, topic, shown.cards, shown.cheapest, notation, among)
            if understanding.unread and topic.scope and not shelf.mention(ids, understanding.unread):
                points.append(Point(PointKind.UNREAD, {"claim": understanding.unread}))
            asked = None if more else split(found, topic, shelf)
            if asked:
                points.append(Point(PointKind.ASK, {"question": _question(asked, notation)}))
                choices = tuple(notation.value(asked.field, value) for value in asked.values)
        topic = replace(topic, shown=tuple(dict.fromkeys((*topic.shown, *ids))))
        return Answer(
            tuple(points),
            cards=shown.cards,
            total=shown.total,
            found=found,
            choices=choices,
            topic=(index, topic),
            focus=Focused(ids[:1], single=len(ids) == 1),
            product_ids=ids,
        )

    def _unmeasured(self, understanding: Understanding, state: DialogueState, notation: Notation) -> Point | None:
        """That the data does not say what a comparative compares with: "lighter" than what has no weight."""
        anchors = [each for each in understanding.references or state.focus if self._shelf.has(each)]
        for relative in understanding.relative if anchors else ():
            if self._shelf.measure(anchors[0], relative.field) is None:
                facts = {"name": self._shelf.name(anchors[0]), "claim": notation.field(relative.field)}
                return Point(PointKind.UNKNOWN, facts, (anchors[0],))
        return None

    def _similar(self, understanding: Understanding, state: DialogueState, notation: Notation) -> Answer:
        """Products like one that was shown."""
        product = self._shelf.product((understanding.references or state.focus)[0])
        topic = Topic(scope=Condition("kind", any_of=frozenset({product.kind})), text=product.title)
        found = self._shelf.similar(product)
        what = facts_of(what=notation.value("kind", product.kind))
        if not found.ids:
            return Answer((Point(PointKind.NO_MORE, what),))
        shown = slate(found, topic, self._shelf, notation)
        ids = tuple(each.product_id for each in shown.cards)
        n = len(ids)
        return Answer(
            (Point(PointKind.SUGGEST, {"n": str(n), "count": notation.count(n), **what}),),
            cards=shown.cards,
            total=n,
            found=found,
            topic=(len(state.topics), replace(topic, shown=ids)),
            focus=Focused(ids[:1], single=len(ids) == 1),
            product_ids=ids,
        )

    def _topic(self, understanding: Understanding, state: DialogueState) -> tuple[int, Topic]:
        item, current = understanding.item, state.topic
        if understanding.intent is Intent.BACK and state.topics:
            index = self._earlier(understanding, state)
            return index, self._merged(state.topics[index], understanding, state)
        # A thing named while anything would do ("a gift for my son" ... "have you got puzzles?") narrows the request.
        open_request = current and not current.scope and not current.item
        theirs = understanding.recipient is None or (current and understanding.recipient == current.recipient)
        same = current and item and (current.scope == item.condition or (open_request and theirs))
        # Who names the thing again with all that it must be says everything anew.
        anew = same and understanding.intent is Intent.FIND and len(understanding.constraints) >= _ANEW
        if current and (understanding.intent in (Intent.REFINE, Intent.MORE) or (same and not anew)):
            return state.current, self._merged(current, understanding, state)
        topic = Topic(
            item=item.words if item else understanding.unknown if not understanding.gift else "",
            scope=item.condition if item else None,
            text=understanding.search_text,
            constraints=understanding.constraints,
            recipient=understanding.recipient,
            order=understanding.order,
            reduced=understanding.reduced,
            unwanted=understanding.refused,
        )
        if topic.item and topic.scope is None:
            kind = self._shelf.same_kind(topic.item)
            if kind:
                topic = replace(topic, scope=Condition("kind", any_of=frozenset({kind})))
        return len(state.topics), topic

    def _earlier(self, understanding: Understanding, state: DialogueState) -> int:
        """The topic gone back to: the one the message names, else the one before the present."""
        said = set(stems(understanding.text))
        others = [index for index in range(len(state.topics)) if index != state.current]
        for index in reversed(others):
            topic = state.topics[index]
            if understanding.item and topic.scope == understanding.item.condition:
                return index
            if said & set(stems(topic.item)) or (topic.item and normalize(topic.item) in understanding.text):
                return index
        return others[-1] if others else state.current

    def _merged(self, topic: Topic, understanding: Understanding, state: DialogueState) -> Topic:
        kept = list(topic.constraints)
        if understanding.dropped == ("*",):
            kept = kept[:-1]
        kept = [each for each in kept if each.condition.field not in understanding.dropped]
        new = []
        for constraint in understanding.constraints:
            for old in [old for old in kept if _replaces(constraint.condition, old.condition)]:
                kept.remove(old)
                constraint = replace(constraint, condition=_bounded(constraint.condition, old.condition))
            new.append(constraint)
        merged = replace(
            topic,
            constraints=(*kept, *new),
            recipient=understanding.recipient or topic.recipient,
            order=understanding.order or topic.order,
            reduced=understanding.reduced or topic.reduced,
            unwanted=tuple(dict.fromkeys((*topic.unwanted, *understanding.refused))),
            text=f"{topic.text} {understanding.search_text}".strip(),
        )
        if understanding.item and (understanding.intent is Intent.REFINE or merged.scope is None):
            merged = replace(merged, item=understanding.item.words, scope=understanding.item.condition)
        anchors = [each for each in understanding.references or state.focus if self._shelf.has(each)]
        for relative in understanding.relative if anchors else ():
            merged = self._beyond(merged, anchors[0], relative, bool(understanding.references))
        return merged

    def _beyond(self, topic: Topic, anchor: str, relative: Relative, referred: bool) -> Topic:
        """The topic limited to what has less, or more, of a field than the anchor has."""
        shelf = self._shelf
        product = shelf.product(anchor)
        if referred and product.kind:
            topic = replace(topic, scope=Condition("kind", any_of=frozenset({product.kind})), item="")
        value = shelf.measure(anchor, relative.field)
        if value is None:  # nothing can be lighter than what has no weight in the data
            return topic
        step = 1.0 if relative.field == "price" else 1e-6 + abs(value) * 1e-9
        if relative.less:
            condition = Condition(relative.field, maximum=value - step)
        else:
            condition = Condition(relative.field, minimum=value + step)
        kept = tuple(old for old in topic.constraints if not (old.relative and _replaces(condition, old.condition)))
        order = Order(relative.field, ascending=relative.less)
        constraint = Constraint(condition, relative.words, relative=True)
        return replace(topic, constraints=(*kept, constraint), order=order)

    def _fitting(
        self,
        found: Found,
        topic: Topic,
        cards: tuple[Card, ...],
        cheapest: str | None,
        notation: Notation,
        among: tuple[str, ...],
    ) -> list[Point]:
        first = self._shelf.product(cards[0].product_id)
        total = len(found.fitting)
        sure = found.exact and topic.scope is not None
        limits = notation.listed([notation.limit(each) for each in topic.constraints if not each.relative])
        what = facts_of(what=_what(topic, notation), limits=limits)
        points = []
        if sure:
            points.append(Point(PointKind.FOUND, {"n": str(total), "count": notation.count(total), **what}))
        else:
            n = len(cards)
            points.append(Point(PointKind.SUGGEST, {"n": str(n), "count": notation.count(n), **what}))
        variant = self._shelf.variant(first, found)
        # An open request is not answered by what only repeats it.
        why = (
            reasons(first, variant, topic, found, among, self._shelf, notation)
            if sure
            else reasons(first, variant, None, found, (), self._shelf, notation)
        )
        name, price = self._shelf.name(first.id), notation.money(cards[0].price)
        facts = facts_of(name=name, price=price, reason=notation.join(why[:2]))
        ascending = topic.order == Order("price", True)
        if ascending and total > 1:
            points.append(Point(PointKind.CHEAPEST, facts_of(**{**facts, "reason": ""}), (first.id,)))
        else:
            points.append(Point(PointKind.BEST, facts, (first.id,)))
        named = next((each for each in cards if each.product_id == cheapest), None)
        if named and not ascending and sure and named is not cards[0] and named.price < cards[0].price:
            facts = {"name": self._shelf.name(named.product_id), "price": notation.money(named.price)}
            points.append(Point(PointKind.CHEAPEST, facts, (named.product_id,)))
        return points

    def _nearly(self, found: Found, topic: Topic, cards: tuple[Card, ...], notation: Notation) -> list[Point]:
        """That nothing fits, which limit is in the way, and what comes nearest."""
        first = self._shelf.product(cards[0].product_id)
        facts = {"name": self._shelf.name(first.id), "price": notation.money(cards[0].price)}
        only = found.failed[0] if len(found.failed) == 1 else None
        if only and only.relative and only.condition.field == "price":
            kind = PointKind.CHEAPEST if only.condition.maximum is not None else PointKind.BEST
            return [Point(kind, facts, (first.id,))]
        limits = [notation.limit(each) for each in topic.constraints]
        if topic.recipient and (found.lost_recipient or found.widened):
            limits.append(notation.recipient(topic.recipient))
        if found.full_price:
            limits.append(notation.say("on_sale"))
        if found.sold_out:
            limits.append(notation.availability(Availability.IN_STOCK))
        but = notation.availability(cards[0].availability) if found.sold_out else self._instead(first, only, notation)
        return [
            Point(PointKind.NONE_FIT, facts_of(what=_what(topic, notation), limit=notation.join(limits))),
            Point(PointKind.CLOSEST, facts_of(**facts, but=but), (first.id,)),
        ]

    def _instead(self, product: Product, failed: Constraint | None, notation: Notation) -> str:
        """What the product has in place of what was asked for; "" for a price, which is said anyway."""
        name = failed.condition.field if failed else "price"
        if name == "price":
            return ""
        if name == "rating":
            return notation.say("rating", value=f"{product.rating.value:.1f}") if product.rating else ""
        had = product.options.get(name) or product.attributes.get(name) or ()
        if {value.casefold() for value in had} <= {"yes", "no"}:
            return ""
        return notation.values(name, had[:4])

    def _nothing(self, topic: Topic, index: int, notes: list[Point], notation: Notation) -> Answer:
        if topic.item and topic.scope is None:
            near = [notation.value("kind", kind) for kind in self._shelf.near_kinds(topic.item)]
            points = [*notes, Point(PointKind.NOT_CARRIED, {"what": _plural(topic.item, notation)})]
            points += [Point(PointKind.INSTEAD, {"kinds": notation.join(near)})] if near else []
            return Answer(tuple(points), choices=tuple(near))
        limits = notation.join([notation.limit(each) for each in topic.constraints if not each.relative])
        point = Point(PointKind.NONE_FIT, facts_of(what=_what(topic, notation), limit=limits))
        return Answer((*notes, point), topic=(index, topic))

    def _ask_back(self, notes: list[Point], notation: Notation) -> Answer:
        question = Point(PointKind.ASK, {"question": notation.say("ask_department")})
        return Answer((*notes, question), choices=self._departments(notation))

    def _departments(self, notation: Notation, k: int = 4) -> tuple[str, ...]:
        counts = self._shelf.facets.fields["department"].values
        ordered = sorted(counts, key=lambda value: -counts[value])
        return tuple(notation.value("department", value) for value in ordered[:k])

    def _notes(self, understanding: Understanding, notation: Notation) -> list[Point]:
        notes = [
            Point(PointKind.CONVERTED, {"given": given, "price": notation.money(money)})
            for given, money in understanding.converted
        ]
        notes += [
            Point(PointKind.NO_RATE, {"given": given, "currency": self._shelf.facets.currency})
            for given in understanding.foreign
        ]
        return notes

    def _policy(self, understanding: Understanding, state: DialogueState, notation: Notation) -> Answer:
        passage = self._policies.find(understanding.text, understanding.language)
        if passage is None:
            return Answer((Point(PointKind.NO_POLICY, facts_of(contact=self._settings.contact)),))
        source = passage.source
        point = Point(PointKind.POLICY, {"quote": source.quote, "title": source.title})
        return Answer((point,), sources=(source,))

    def _buy(self, understanding: Understanding, state: DialogueState, notation: Notation) -> Answer:
        wanted = [each for each in understanding.references or state.focus if self._shelf.has(each)][:1]
        facts = {}
        for each in wanted:
            facts = {"name": self._shelf.name(each), "price": notation.money(self._shelf.product(each).offer.price)}
        return Answer((Point(PointKind.BUY, facts, tuple(wanted)),), product_ids=tuple(wanted))

    def _welcome(self, understanding: Understanding, state: DialogueState, notation: Notation) -> Answer:
        kind = PointKind.GREETING if understanding.intent is Intent.GREETING else PointKind.ABILITIES
        departments = self._departments(notation)
        facts = {"shop": self._settings.name, "departments": notation.join(departments)}
        return Answer((Point(kind, facts),), choices=departments)

    def _small(self, kind: PointKind) -> Callable[[Understanding, DialogueState, Notation], Answer]:
        def answer(understanding: Understanding, state: DialogueState, notation: Notation) -> Answer:
            return Answer((Point(kind, facts_of(contact=self._settings.contact)),))

        return answer


def _plural(words: str, notation: Notation) -> str:
    """A lone English noun in the plural, as one denies it: "no tents"."""
    if notation.language != "en" or not re.fullmatch(r"[a-z]+[^s\W\d]", words):
        return words
    if re.search(r"[^aeiou]y$", words):
        return words[:-1] + "ies"
    return words + ("es" if re.search(r"(?:x|ch|sh|z)$", words) else "s")


def _what(topic: Topic, notation: Notation) -> str:
    """The thing asked for: in the shopper's words, or as the shop names its kind where those are no plural."""
    kinds = tuple(topic.scope.any_of) if topic.scope and topic.scope.field == "kind" else ()
    singular = notation.language == "en" and not topic.item.endswith("s")
    if len(kinds) == 1 and (singular or not topic.item):
        return notation.value("kind", kinds[0])
    return topic.item


def _question(asked: Split, notation: Notation) -> str:
    if asked.field == "kind":
        return notation.say("ask_kind")
    return notation.say("ask_field", field=notation.field(asked.field))


def _replaces(new: Condition, old: Condition) -> bool:
    """True where a later condition takes an earlier one's place."""
    if new.field != old.field:
        return False
    if new.any_of and (old.any_of or old.none_of & new.any_of):
        return True
    if new.none_of and old.any_of & new.none_of:
        return True
    low, high = new.minimum, new.maximum
    if low is not None and (old.minimum is not None or (old.maximum is not None and old.maximum < low)):
        return True
    return high is not None and (old.maximum is not None or (old.minimum is not None and old.minimum > high))


def _bounded(new: Condition, old: Condition) -> Condition:
    """The later condition with the other bound of the earlier one, where both can hold: "$70 to $100", "under $80"."""
    if new.maximum is not None and new.minimum is None and old.minimum is not None and old.minimum <= new.maximum:
        return replace(new, minimum=old.minimum)
    if new.minimum is not None and new.maximum is None and old.maximum is not None and old.maximum >= new.minimum:
        return replace(new, maximum=old.maximum)
    return new


def _contradiction(topic: Topic, notation: Notation) -> tuple[Point, Constraint, Constraint] | None:
    """Two constraints that exclude each other and the point that says so, or None."""
    for place, first in enumerate(topic.constraints):
        for second in topic.constraints[place + 1 :]:
            if _excludes(first.condition, second.condition):
                facts = {"first": notation.limit(first), "second": notation.limit(second)}
                return Point(PointKind.CONTRADICTION, facts), first, second
    return None


def _excludes(first: Condition, second: Condition) -> bool:
    if first.field != second.field:
        return False
    for one, other in ((first, second), (second, first)):
        if one.minimum is not None and other.maximum is not None and one.minimum > other.maximum:
            return True
        if one.any_of and one.any_of <= other.none_of:
            return True
    return False
