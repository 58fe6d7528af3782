"""What a message means: its intent, the thing asked for, constraints, references to earlier products.

A tagger marks the words that matter and tells what kind of message it is; rules read what has a form (amounts,
ordinals, sizes), and the shop's vocabulary gives its words. Without a tagger every word may matter, and the encoder's
similarity to worked examples decides what kind of message it is where no rule does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from assistant import recipient as recipients
from assistant.amounts import spelled
from assistant.dialogue import Constraint, DialogueState, Order, Recipient
from assistant.intent import Examples, Intent
from assistant.language import detect
from assistant.lexicon import has_han, languages, lexicon
from assistant.limits import AskedLike, Limits
from assistant.pointing import Pointing
from assistant.reading import Reading, Relative, as_written, pieces
from assistant.sizes import Sizes
from assistant.tagger import Tagger, Tags
from assistant.vocabulary import PURPOSE, Item, Match, Vocabulary, normalize, tokens
from assistant.wishes import KindLike, Meant, Wishes
from retrieval.catalog import Money, Product
from retrieval.encoder import Encoder

_PARTS = 3  # requests of one message that are answered; more is a list, not a message
_TERSE = 2  # words of a message too short to be likened to examples
_OPENING = 400  # characters of a message by which its kind is told
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
        tagger: marks the words that matter; without one, every word that the shop's catalogue knows does.
        meant: marked words and what they are said of -> the field and values they mean; see `Shelf.meant`.
        kind_like: words -> the kind that they mean by likeness; see `Shelf.same_kind`.
        asked_like: words and what they are said of -> the field they ask after; see `Shelf.asked`.

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
        tagger: Tagger | None = None,
        meant: Meant | None = None,
        kind_like: KindLike | None = None,
        asked_like: AskedLike | None = None,
    ) -> None:
        self._vocabulary = vocabulary
        self._tagger = tagger
        self._pointing = Pointing(vocabulary, product)
        self._limits = Limits(vocabulary, self._pointing.known, currency, rates, asked_like)
        self._wishes = Wishes(vocabulary, self._pointing, self._limits, meant, kind_like)
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
        tags = self._tags(said, state)
        reading = Reading(said, words, state, tags)
        reset = words.cue("reset").search(said) is not None
        for match in words.cue("reset").finditer(said):
            reading.take(match.span())
        self._pointing.read(reading)
        self._limits.read(reading)
        for cue in ("back", "compare", "more", "similar", "on_sale", "about", "present"):
            for match in words.cue(cue).finditer(reading.rest):
                reading.take(match.span())
        self._people(reading)
        if not tags:
            self._sizes.read(reading)
            self._sizes.measures(reading)
        kind, margin = (None, 0.0) if tags else self.examples.nearest(said[:_OPENING])
        policy = kind is Intent.POLICY and margin > self.examples.certain and not reading.references
        told = not reset and (
            tags.intent is Intent.QUESTION and bool(reading.references or state.focus) and not self._elsewhere(reading)
            if tags
            else not policy and self._tells(reading)
        )
        reading.item = None if told else self._wishes.item(reading)
        reading.scope = self._wishes.scope(reading)
        if tags:
            self._sizes.read(reading)
            self._sizes.counts(reading)
            self._sizes.measures(reading)
        self._sizes.words(reading)
        self._wishes.read(reading)
        refused = reading.refused()
        reading.asked = self._limits.asked(reading)
        if reset:
            intent = Intent.FIND
        elif tags:
            about_other = tags.intent is Intent.QUESTION and not told and reading.item is not None
            intent = self._settled(reading, Intent.FIND if about_other else tags.intent)
        else:
            intent = Intent.QUESTION if told else self._intent(reading, kind, margin, bool(refused))
        if told and len(reading.references) > 1 and not (reading.asked or reading.claims):
            intent = Intent.COMPARE  # "is the first better than the second?"
        asks_nothing_new = not (reading.asked or reading.claims or reading.unknown())
        if intent is Intent.QUESTION and asks_nothing_new and not words.cue("about").search(said):
            # "And the second one?" asks what was asked of the first.
            reading.asked = list(state.asked)
            reading.claims = [Match(field, values, (0, 0), said) for field, values, said in state.claims]
        unread = reading.unread() if reading.item else reading.unknown() if intent is Intent.REFINE else ""
        known = language in languages()  # a language without a table of words is read by likeness alone
        unknown, thing = self._unexplained(reading, intent, text, known)
        return Understanding(
            text=said,
            language=language,
            formal=formal,
            intent=intent,
            item=reading.item,
            unknown=unknown,
            thing=thing,
            search_text=reading.search_text(),
            constraints=tuple(reading.constraints),
            recipient=reading.recipient,
            references=tuple(reading.references),
            missing_reference=reading.missing,
            relative=tuple(reading.relative),
            order=reading.order,
            dropped=tuple(dict.fromkeys(reading.dropped)),
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
        tags = self._tags(said, state)
        if tags:
            found = [piece for piece in _cut(said, tags) if tokens(piece) or has_han(piece)]
            return found[:_PARTS] if len(found) > 1 else [text]
        words = lexicon(detect(text, state.language))
        if words.cue("compare").search(said):
            return [text]
        found = []
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

    def _tags(self, said: str, state: DialogueState) -> Tags | None:
        """The tags of a message; None where there is no tagger, or it finds no word of a wish that matters."""
        if self._tagger is None:
            return None
        tags = self._tagger(said, bool(state.slate))
        return tags if tags.spans or tags.intent not in (Intent.FIND, Intent.SIMILAR) else None

    def _settled(self, reading: Reading, intent: Intent) -> Intent:
        """The intent a tagger tells, as far as the dialogue allows it."""
        state = reading.state
        pointed = bool(reading.references or reading.missing)
        if intent is Intent.BACK and len(state.topics) <= (0 if reading.item is None else 1):
            intent = Intent.FIND
        if intent is Intent.COMPARE and len({*reading.references, *state.slate, *state.focus}) < 2:
            intent = Intent.QUESTION if pointed or state.focus else Intent.FIND
        if intent in (Intent.QUESTION, Intent.SIMILAR) and not (pointed or state.focus):
            intent = Intent.FIND
        looked_for = state.topic is not None and (state.topic.scope is not None or bool(state.topic.item))
        if intent is Intent.REFINE and not looked_for and state.focus and state.single and reading.item is None:
            intent = Intent.QUESTION  # "got it in silver?", of the one product spoken of
        if intent in (Intent.REFINE, Intent.MORE) and state.topic is None:
            intent = Intent.FIND
        wished = reading.item is not None or bool(reading.unknown(reading.only("item")))
        if intent is Intent.FIND and not wished and pointed:
            return Intent.QUESTION  # "do you still have the Lynx": what there is to say of it
        other = reading.words.cue("gift").search(reading.said) or reading.recipient
        if intent is Intent.FIND and not wished and state.topic and not other:
            return Intent.REFINE
        return intent

    def _unexplained(self, reading: Reading, intent: Intent, text: str, known: bool) -> tuple[str, bool]:
        """The words for what is asked that the catalogue does not explain, and whether they name a thing."""
        if not reading.tagged:
            words = "" if reading.item else as_written(reading.phrase(), text) if known else reading.said
            thing = known and reading.item is None and bool(reading.unknown(PURPOSE.split(reading.rest)[0]))
            return words, thing
        if intent is Intent.QUESTION:
            return as_written(reading.unknown(reading.only("ask", "want", "item")), text), False
        if reading.item:
            return "", False
        things = [said for _, said in reading.marked("item") if reading.unknown(reading.only("item"))]
        if things:
            return as_written(things[0], text), True
        return as_written(reading.unknown(reading.only("want")), text), False

    def _service(self, said: str) -> bool:
        kind, margin = self.examples.nearest(said[:_OPENING])
        return kind in (Intent.POLICY, Intent.ORDER, Intent.PERSON) and margin > self.examples.certain

    def _elsewhere(self, reading: Reading) -> bool:
        """True where a question is about a kind of thing that is not spoken of: "how tall is the armchair"."""
        item = self._vocabulary.item(reading.only("item"), reading.words, inside=False)
        spoken_of = self._pointing.known([*reading.references, *reading.state.focus, *reading.state.slate])
        if item is None or item.condition.field != "kind" or reading.references:
            return False
        return not any(product.kind in item.condition.any_of for product in spoken_of)

    def _people(self, reading: Reading) -> None:
        said = reading.only("for", "item", "want")
        for marked, words in reading.marked("for"):  # "she's six": a marked number is an age
            if re.fullmatch(rf"{spelled(reading.words)}|\d{{1,2}}", words):
                said = f"{said} {words} years old"
                reading.take(marked.place)
        reading.recipient, spans = recipients.read(said, reading.words)
        for span in spans:
            if span[1] <= len(reading.said):
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


def _cut(said: str, tags: Tags) -> list[str]:
    """The message at the marked joints, which belong to neither side."""
    pieces, start = [], 0
    for span in tags.spans:
        if span.label == "next":
            pieces.append(said[start : span.start].strip(" ,，、.。"))
            start = span.end
    return [*pieces, said[start:].strip(" ,，、")]
