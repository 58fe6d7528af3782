"""What a message means: its intent, the thing asked for, constraints, references to earlier products.

Rules read what has a form (amounts, ordinals, sizes); the shop's vocabulary gives its words; the encoder's
similarity to worked examples decides what kind of message it is where neither does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from assistant import recipient as recipients
from assistant.amounts import amounts
from assistant.dialogue import Constraint, DialogueState, Order, Recipient
from assistant.intent import Examples, Intent
from assistant.language import detect
from assistant.lexicon import has_han, languages, lexicon
from assistant.reading import Reading, Relative, as_written, pieces
from assistant.sizes import Sizes
from assistant.vocabulary import PURPOSE, Item, Match, Vocabulary, blank, normalize, tokens
from retrieval.catalog import Availability, Money, Product
from retrieval.encoder import Encoder
from retrieval.filters import Condition

# What a unit probe says about a field: a field that measures "1 g" measures mass.
_PROBES = {
    "mass": ("1 g",),
    "length": ("1 cm",),
    "volume": ("1 l",),
    "size": ("1 l", "1 cm"),
    "time": ("1 h",),
    "power": ("1 w",),
}
_PARTS = 3  # requests of one message that are answered; more is a list, not a message
_ITEMS = 5  # things named in one message that are looked at for the one asked for: at most four are negated
_TERSE = 2  # words of a message too short to be likened to examples
_OPENING = 400  # characters of a message by which its kind is told
_STARS = re.compile(
    r"\brat(?:ed|ings?)\s+(?:(?:of|is|at least|over|above|from)\s+){0,2}([1-5](?:[.,]\d)?)\b(?:\s*\+)?(?:\s*stars?\b)?"
    r"|(?<![\w.$])([1-5](?:[.,]\d)?)\s*(?:\+\s*)?(?:stars?\b|星|分以上|分)"
    r"|评分(?:在|至少|高于|超过|不低于)?\s*([1-5](?:\.\d)?)(?:以上)?"
)
_WORDLESS = re.compile(r"^[\W\d_]*$")
_COURTESY = frozenset({Intent.GREETING, Intent.THANKS, Intent.GOODBYE, Intent.ABILITIES})
_TALK = _COURTESY | {Intent.OFF_TOPIC}


@dataclass(frozen=True)
class Understanding:
    """A message, understood.

    Attributes:
        text: the message, normalised.
        item: the thing asked for, where the catalogue has a word for it.
        unknown: words for the thing that no catalogue word explains.
        thing: True where `unknown` names a thing, and not only what a thing is for.
        search_text: the words that rank results.
        references: ids of earlier products meant, in the order they were named.
        unread: words beside the thing asked for that no catalogue word explains.
        refused: words that no product may have, and that no field of the catalogue knows.
        reduced: True where only what is sold below its list price will do.
        asked: fields a question is about.
        claims: values a question is about, as (field, values, words).
        foreign: amounts in currencies that the shop has no rate for, as said.
        converted: amounts as said, and what they are in the shop's currency.
        reset: True where the shopper wants to begin anew, whatever was looked for before.
    """

    text: str
    language: str
    formal: bool
    intent: Intent
    item: Item | None = None
    unknown: str = ""
    thing: bool = False
    search_text: str = ""
    constraints: tuple[Constraint, ...] = ()
    recipient: Recipient | None = None
    references: tuple[str, ...] = ()
    missing_reference: bool = False
    relative: tuple[Relative, ...] = ()
    order: Order | None = None
    dropped: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    claims: tuple[Match, ...] = ()
    foreign: tuple[str, ...] = ()
    converted: tuple[tuple[str, Money], ...] = ()
    unread: str = ""
    refused: tuple[str, ...] = ()
    reduced: bool = False
    gift: bool = False
    reset: bool = False


class Understander:
    """Reads messages for one shop.

    Args:
        vocabulary: the shop's words.
        encoder: gives the similarity to worked examples.
        product: id -> product, for names and relative limits; raises KeyError for one that the shop no longer has.
        currency: the shop's currency.
        rates: currency -> value of one unit in the shop's currency.

    Attributes:
        examples: the worked examples that tell kinds of message apart.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        encoder: Encoder,
        product: Callable[[str], Product],
        currency: str,
        rates: dict[str, Decimal],
    ) -> None:
        self._vocabulary = vocabulary
        self._facets = vocabulary.facets
        self._product = product
        self._currency = currency
        self._rates = rates
        self.examples = Examples(encoder)
        self._sizes = Sizes(vocabulary)

    def __call__(self, text: str, state: DialogueState) -> Understanding:
        """The message in the light of the dialogue so far."""
        said = normalize(text)
        language = detect(text, state.language)
        words = lexicon(language)
        formal = (state.formal and not ("你" in said and "您" not in said)) or "您" in said
        if _WORDLESS.match(said) and not re.search(r"\d", said):
            return Understanding(said, language, formal, Intent.NOTHING)
        reading = Reading(said, words, state)
        reset = words.cue("reset").search(said) is not None
        for match in words.cue("reset").finditer(said):
            reading.take(match.span())
        self._references(reading)
        self._rating(reading)
        self._amounts(reading)
        self._comparatives(reading)
        for cue in ("back", "compare", "more", "similar", "on_sale", "about", "present"):
            for match in words.cue(cue).finditer(reading.rest):
                reading.take(match.span())
        self._people(reading)
        self._sizes.read(reading)
        self._sizes.measures(reading)
        kind, margin = self.examples.nearest(said[:_OPENING])
        policy = kind is Intent.POLICY and margin > self.examples.certain and not reading.references
        told = not reset and not policy and self._tells(reading)
        reading.item = None if told else self._item(reading)
        self._sizes.words(reading)
        self._values(reading)
        refused = reading.refused()
        reading.asked = self._asked(reading)
        intent = (
            Intent.FIND if reset else Intent.QUESTION if told else self._intent(reading, kind, margin, bool(refused))
        )
        if told and len(reading.references) > 1 and not (reading.asked or reading.claims):
            intent = Intent.COMPARE  # "is the first better than the second?"
        if intent is Intent.QUESTION and not (reading.asked or reading.claims or reading.unknown()):
            # "And the second one?" asks what was asked of the first.
            reading.asked = list(state.asked)
            reading.claims = [Match(field, values, (0, 0), said) for field, values, said in state.claims]
        unread = reading.unread() if reading.item else reading.unknown() if intent is Intent.REFINE else ""
        known = language in languages()  # a language without a table of words is read by likeness alone
        return Understanding(
            text=said,
            language=language,
            formal=formal,
            intent=intent,
            item=reading.item,
            unknown="" if reading.item else as_written(reading.phrase(), text) if known else said,
            thing=known and reading.item is None and bool(reading.unknown(PURPOSE.split(reading.rest)[0])),
            search_text=reading.search_text(),
            constraints=tuple(reading.constraints),
            recipient=reading.recipient,
            references=tuple(reading.references),
            missing_reference=reading.missing,
            relative=tuple(reading.relative),
            order=reading.order,
            dropped=tuple(reading.dropped),
            asked=tuple(reading.asked),
            claims=tuple(reading.claims),
            foreign=tuple(reading.foreign),
            converted=tuple(reading.converted),
            unread=as_written(unread, text),
            refused=refused,
            reduced=bool(words.cue("on_sale").search(said)),
            gift=bool(words.cue("gift").search(said)),
            reset=reset,
        )

    def parts(self, text: str, state: DialogueState) -> list[str]:
        """The requests that one message makes, in order: mostly one, the message itself.

        A part stands alone when it names a thing of its own, or asks for something that is no shopping; what does
        not ("in blue, please") belongs to the part before it.
        """
        said = normalize(text)
        words = lexicon(detect(text, state.language))
        if words.cue("compare").search(said):
            return [text]
        found: list[str] = []
        alone = False  # what the part before asks for
        for strong, piece in pieces(said, words):
            thing = self._vocabulary.item(piece, words) is not None
            service = not thing and (strong or not alone) and self._service(piece)
            if not found or (alone and (thing or (strong and service))):
                found.append(piece)
                alone = thing or service
            else:
                found[-1] = f"{found[-1]} {piece}"
                alone = alone or thing or service
        return found[:_PARTS] if len(found) > 1 else [text]

    def _known(self, ids: Iterable[str]) -> list[Product]:
        """The products that the shop still has: what a session saw can have left the catalogue since."""
        found = []
        for each in ids:
            with suppress(KeyError):
                found.append(self._product(each))
        return found

    def _service(self, said: str) -> bool:
        kind, margin = self.examples.nearest(said[:_OPENING])
        return kind in (Intent.POLICY, Intent.ORDER, Intent.PERSON) and margin > self.examples.certain

    def _references(self, reading: Reading) -> None:
        state, words = reading.state, reading.words
        first = words.table("first").search(reading.rest) if state.slate else None
        if first:
            for number in range(1, words.tables["first"][first[0]] + 1):
                reading.point(number)
            reading.take(first.span())
        ordinals = words.tables["ordinal"]
        for match in words.table("ordinal").finditer(reading.rest):
            number = ordinals[match[0]]
            after = reading.rest[match.end() : match.end() + 12]
            if re.match(r"\s*(?:time|thing of all|place|aid)", after):
                continue
            if not state.slate:
                if re.match(r"\s*(?:ones?\b|[个款双件条只台])", after):
                    reading.missing = True
                    reading.take(match.span())
                continue
            reading.point(number)
            reading.take(match.span())
        if not state.slate:
            return
        if words.cue("compare").search(reading.rest) or re.search(r"#\d|\bnumbers?\s+\d|\bno\.?\s*\d", reading.rest):
            for match in re.finditer(
                r"(?<![\d.$€£¥])(?:#|numbers?\s+|no\.?\s*)?([1-9])(?![\d.]|\s*(?:%|stars?|星))", reading.rest
            ):
                reading.point(int(match[1]))
                reading.take(match.span())
        if words.cue("it").search(reading.rest) and not words.cue("compare").search(reading.said):
            return  # "is it waterproof" names nothing new, whatever titles have the word
        shown = list(dict.fromkeys([*state.slate, *state.focus, *(s for t in state.topics for s in reversed(t.shown))]))
        for product_id in self._vocabulary.named(reading.rest, self._known(shown)):
            reading.refer(product_id)
        left = [product.id for product in self._known(reading.references)]
        reading.missing = reading.missing or len(left) < len(reading.references)
        reading.references = left

    def _amounts(self, reading: Reading) -> None:
        for amount in amounts(reading.rest, reading.words, self._currency):
            reading.take(amount.span)
            if amount.currency != self._currency and amount.currency not in self._rates:
                reading.foreign.append(amount.figure)
                continue
            rate = self._rates[amount.currency] if amount.currency != self._currency else Decimal(1)
            low, high = (
                None if limit is None else Money.of(limit * rate, self._currency)
                for limit in (amount.minimum, amount.maximum)
            )
            if amount.currency != self._currency:
                reading.converted.extend((amount.figure, limit) for limit in (high or low,) if limit)
            reading.constrain(
                Condition("price", minimum=low.amount if low else None, maximum=high.amount if high else None),
                amount.span,
            )

    def _comparatives(self, reading: Reading) -> None:
        words = reading.words
        for name, field, ascending in (
            ("cheapest", "price", True),
            ("dearest", "price", False),
            ("best_rated", "rating", False),
        ):
            match = words.cue(name).search(reading.rest)
            if match:
                reading.order = Order(field, ascending)
                reading.take(match.span())
        for name, field, less in (
            ("cheaper", "price", True),
            ("pricier", "price", False),
            ("better_rated", "rating", False),
        ):
            match = words.cue(name).search(reading.rest)
            if match:
                reading.relative.append(Relative(field, less, match[0]))
                reading.take(match.span())
        for table in ("superlative", "comparative"):
            match = words.table(table).search(reading.rest)
            if not match:
                continue
            dimension, sign = words.tables[table][match[0]].split()
            measured = self._field_of(dimension, reading)
            if measured and table == "comparative":
                reading.relative.append(Relative(measured, sign == "-", match[0]))
            elif measured:
                reading.order = Order(measured, sign == "-")
            reading.take(match.span())
        match = words.cue("in_stock").search(reading.rest)
        if match:
            reading.asked.append("availability")
            reading.constrain(Condition("availability", any_of=frozenset({Availability.IN_STOCK.value})), match.span())
            reading.take(match.span())
        match = words.cue("drop").search(reading.rest)
        if match:
            reading.dropped = self._vocabulary.fields(reading.said) or ["*"]
            reading.take(match.span())

    def _field_of(self, dimension: str, reading: Reading) -> str | None:
        """The numeric field that measures a dimension: the one named, else the one most products at hand have."""
        named = self._vocabulary.fields(reading.said)
        at_hand = self._known(reading.references or reading.state.slate)
        able = [
            name
            for name, field in self._facets.fields.items()
            if field.number
            and name not in ("price", "rating")
            and "age" not in name.split()
            and "warranty" not in name
            and any(self._facets.measure(name, probe) is not None for probe in _PROBES[dimension])
        ]
        if not able:
            return None
        return max(
            able,
            key=lambda name: (
                name in named,
                sum(name in product.attributes for product in at_hand),
                sum(self._facets.fields[name].values.values()),
            ),
        )

    def _people(self, reading: Reading) -> None:
        reading.recipient, spans = recipients.read(reading.rest, reading.words)
        for span in spans:
            reading.take(span)

    def _tells(self, reading: Reading) -> bool:
        """True where the message asks about a product shown: "how many cups does it make", "tell me about the second".

        Then its nouns are what is asked about, not things to look for.
        """
        state, words, said = reading.state, reading.words, reading.said
        choosing = words.cue("compare").search(said) or words.cue("similar").search(said)
        if not (state.focus or reading.references) or reading.relative or choosing:
            return False
        pointing = bool(reading.references) or words.cue("it").search(reading.rest) is not None
        question = words.cue("question")
        begin = rf"\W*(?:{words.cue('joining').pattern}\s+)?{question.pattern}"  # "and does it ..."
        opening = question.search(said) if has_han(said) else re.match(begin, said)
        asking = opening is not None and not words.frame.search(said)
        return pointing and bool(words.cue("about").search(said) or (asking and not words.cue("vague").search(said)))

    def _item(self, reading: Reading) -> Item | None:
        values = list(self._vocabulary.values(reading.rest, reading.words))
        rest = reading.rest
        for _ in range(_ITEMS):
            item = self._vocabulary.item(rest, reading.words)
            if item is None:
                return None
            start, end = item.span
            within = (each.span for each in values if each.span[0] <= start and end <= each.span[1])
            wider = next((span for span in within if span != item.span), None)
            if wider:  # "machine" in "machine washable" is no machine
                rest = blank(rest, wider)
                continue
            reading.take(item.span)
            if not reading.negated(item.span):
                return item
            reading.constrain(Condition(item.condition.field, none_of=item.condition.any_of), item.span)
            rest = blank(rest, item.span)
        return None

    def _values(self, reading: Reading) -> None:
        self._without(reading)
        merged: dict[tuple[str, bool], list[Match]] = {}
        spans: dict[tuple[int, int], list[Match]] = {}
        for match in self._vocabulary.values(reading.rest, reading.words):
            spans.setdefault(match.span, []).append(match)
        named = self._asked(reading)
        for span, matches in spans.items():
            match = self._likeliest(matches, named)
            merged.setdefault((match.field, reading.negated(span)), []).append(match)
        for span in spans:
            reading.take(span)
        for (field, negated), matches in merged.items():
            values = frozenset().union(*(match.values for match in matches))
            said = ", ".join(match.words for match in matches)
            reading.claims.append(Match(field, values, matches[0].span, said))
            condition = Condition(field, none_of=values) if negated else Condition(field, any_of=values)
            reading.constrain(condition, *(match.span for match in matches))

    def _without(self, reading: Reading) -> None:
        """A part named by its field, to be had or not: "without a hood", where the shop's hoods can be "none"."""
        for name in self._vocabulary.fields(reading.rest):
            lacking = {v for v in self._facets.fields[name].values if v.casefold() in ("none", "no")}
            match = re.search(rf"\b{re.escape(name)}s?\b", reading.rest)
            if lacking and match and reading.negated(match.span()):
                reading.constrain(Condition(name, any_of=frozenset(lacking)), match.span())
                reading.take(match.span())

    def _likeliest(self, matches: list[Match], named: list[str]) -> Match:
        """Of the fields one phrase can belong to, one that is named, else the one that most products have it in."""

        def weight(match: Match) -> tuple[bool, int]:
            counts = self._facets.fields[match.field].values
            return match.field in named, sum(counts.get(value, 0) for value in match.values)

        return max(matches, key=weight)

    def _rating(self, reading: Reading) -> None:
        match = _STARS.search(reading.rest)
        if match:
            stars = float((match[1] or match[2] or match[3]).replace(",", "."))
            reading.constrain(Condition("rating", minimum=stars), match.span())
            reading.take(match.span())

    def _asked(self, reading: Reading) -> list[str]:
        asked = list(reading.asked)
        for meaning, phrases in reading.words.asks.items():
            if phrases.search(reading.said):
                field = self._field_of(meaning, reading) if meaning in _PROBES else meaning
                if field:
                    asked.append(field)
        asked += [name for name in self._vocabulary.fields(reading.said) if name not in ("kind", "department")]
        return list(dict.fromkeys(asked))

    def _intent(self, reading: Reading, kind: Intent | None, margin: float, refused: bool) -> Intent:
        state, words, said = reading.state, reading.words, reading.said
        if words.cue("back").search(said) and len(state.topics) > (0 if reading.item is None else 1):
            return Intent.BACK
        limited = reading.constraints or reading.relative or reading.order or refused
        shopping = bool(reading.item or limited or reading.references)
        if shopping and kind in _COURTESY:
            kind = None
        unknown = reading.unknown().split()
        plain = len(unknown) == 1 and (words.frame.search(said) or len(tokens(said)) <= _TERSE)
        if reading.references or refused or (reading.item and kind is not Intent.POLICY):
            needed = self.examples.certain
        elif kind is not Intent.POLICY and plain:
            needed = 2 * self.examples.certain  # "looking for a phone" is looked for, whatever it is like
        elif kind in _TALK:
            needed = self.examples.certain if shopping or reading.unknown() else self.examples.talk
        else:
            needed = self.examples.service if shopping else 0.0
        if kind and margin > needed:
            return kind
        if words.cue("compare").search(said) and state.slate and reading.item is None:
            return Intent.COMPARE
        other = state.topic and (state.topic.scope or state.topic.item)
        if words.cue("gift").search(said) and reading.item is None and other:
            return Intent.FIND  # anything that pleases, and no longer the one thing looked for until now
        if reading.relative and words.cue("which").search(said) and len(state.focus + state.slate) > 1:
            return Intent.COMPARE
        if reading.relative and (state.topic or reading.references):
            return Intent.REFINE
        pointing = bool(words.cue("it").search(reading.rest)) and bool(state.focus)
        questioning = bool(re.search(r"[?？]\s*$", said)) or bool(words.cue("question").search(said))
        if len(reading.references) > 1 and reading.item is None and not (reading.asked or reading.claims):
            return Intent.COMPARE
        similar = words.cue("similar").search(said) and bool(reading.references or state.focus)
        if similar and reading.item is None:
            return Intent.SIMILAR
        if (reading.references or reading.missing) and reading.item is None:
            return Intent.QUESTION
        vague = words.cue("vague").search(said) is not None
        on_sale = words.cue("on_sale").search(said) is not None
        alone = state.single and not vague and not on_sale and not words.frame.search(said)
        if questioning and reading.item is None and (pointing or alone):
            return Intent.QUESTION
        if words.cue("more").search(said) and state.topic and reading.item is None:
            return Intent.MORE
        one = re.search(r"\bones?\b|的$", said) is not None
        if reading.item is None and state.topic and (vague or reading.constraints or one or refused):
            return Intent.REFINE
        if reading.item is not None or reading.unknown():
            return Intent.FIND
        if state.topic and (shopping or reading.recipient or reading.dropped or reading.foreign or on_sale):
            return Intent.REFINE
        return Intent.FIND
