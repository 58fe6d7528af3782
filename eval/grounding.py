"""Does an untrue word reach a shopper: which planted faults the checker catches, and what replies really claim.

Two questions, asked apart. The checker of the product is given replies that are true in a scene, and the same replies
with one fault planted. And conversations are held with the assistant itself, whose every word is then audited against
the catalogue and the policy pages by code that the product does not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from assistant.grounding import Grounder, sentences
from eval.audit import Audit, Claim
from eval.faults import FAULTS, Case, plant
from eval.figures import Figure
from eval.scenes import LANGUAGES, Shop, book, mark
from eval.statements import Paraphrase, slots
from eval.suite import Failure, Findings, Record, Unmeasured, World
from eval.talk import Talk
from eval.turns import Conversation
from retrieval.catalog import Money
from retrieval.errors import MerchantError, ShopperError

_PLANTED = {"en": 56, "zh": 38}  # of each kind of fault; 1,034 in all
_SMALL = 150
_SEVERITY: Mapping[str, float] = {
    "price": 1.0,
    "stock": 1.0,
    "policy": 1.0,
    "extra": 1.0,
    "name": 0.9,
    "moved": 0.9,
    "rating": 0.8,
    "attribute": 0.8,
    "superlative": 0.7,
    "comparison": 0.7,
    "count": 0.6,
}
_ROUNDS, _FEW = 2, 12  # how often each script is filled; conversations of each sort in a small run
_REFUSED = 0.4  # a true reply that is replaced by a plainer one


@dataclass(frozen=True)
class Audited:
    """One turn of a conversation with the assistant, and what its reply claims."""

    id: str
    talk: str
    language: str
    claims: tuple[Claim, ...]
    transcript: tuple[tuple[str, str], ...]


def run(world: World) -> Findings:
    """Measure; see the module."""
    search = world.search
    shop = Shop(world.products, search.facets, search.glossary, world.settings)
    cases, notes = _cases(world, shop)
    called = {each: (product.title, world.assistant.shelf.name(each)) for each, product in world.products.items()}
    checked = _checked(world, cases, Grounder(search.facets, search.glossary, called))
    talks, left_out = _talks(world, shop)
    turns = _audited(world, shop, talks)
    return Findings(
        figures=(*_figures(cases, checked), *_audit_figures(turns)),
        failures=(*_failures(shop, cases, checked), *_untrue(turns)),
        notes=(*notes, *left_out),
    )


def _cases(world: World, shop: Shop) -> tuple[list[Case], list[str]]:
    """The replies with planted faults, and what had to be left out."""
    notes = []
    languages = [language for language in LANGUAGES if shop.speaks(language)]
    if len(languages) < len(LANGUAGES):
        notes.append("No replies in Chinese: the glossary has no Chinese names for the kinds of products.")
    try:
        paraphrases = world.read("policies", lambda record: _paraphrase(record, shop))
    except Unmeasured:
        paraphrases = []
        if shop.passages:
            notes.append("Policies are told in their own words only: the shop has no policies.jsonl of other words.")
    cases = []
    for language in languages:
        for fault in FAULTS:
            made = plant(shop, paraphrases, language, fault, _PLANTED[language], world.seed)
            cases += made
            if len(made) < _PLANTED[language]:
                notes.append(f"Only {len(made)} replies with a false {fault} in {language}: the shop has no more data.")
    if not cases:
        raise Unmeasured("no true sentence could be made of this catalogue; its products need kinds and prices")
    return world.sample(cases, _SMALL, lambda case: (case.language, case.fault)), notes


def _paraphrase(record: Record, shop: Shop) -> Paraphrase:
    page, language, rests = record.take("page", str), record.one_of("language", LANGUAGES), record.take("rests", str)
    on_page = [each for each in shop.passages if each.page == page and each.language == language]
    resting = [each for each in on_page if rests in each.quote]
    if len(resting) != 1:
        pages = sorted({each.page for each in shop.passages})
        raise MerchantError(
            f"{len(resting)} paragraphs of the page {page!r} in {language} say {rests!r}; quote exactly one, of one of "
            f"the pages {', '.join(pages)}"
        )
    made = Paraphrase(record.take("id", str), resting[0], record.take("true", str), tuple(record.take("false", list)))
    if not made.false or not all(isinstance(each, str) for each in made.false):
        raise MerchantError(f"{record.place}: false is {list(made.false)!r}; give a list of one or more sentences")
    return made


def _checked(world: World, cases: Sequence[Case], grounder: Grounder) -> Mapping[str, tuple[bool, bool]]:
    """Case -> whether the checker lets the true reply pass, and the planted one."""

    def passes(case: Case, reply: str) -> bool:
        check = grounder.begin(case.scene.evidence(world.search.facets), case.language, case.scene.context)
        return all(check.check(sentence).grounded for sentence in sentences([reply]))

    return {
        case.id: (passes(case, case.true), passes(case, case.planted)) for case in world.progress(cases, "checking")
    }


def _figures(cases: Sequence[Case], checked: Mapping[str, tuple[bool, bool]]) -> Iterator[Figure]:
    languages = {case.id: case.language for case in cases}
    caught = {name: float(not planted) for name, (_, planted) in checked.items()}
    passed = {name: float(true) for name, (true, _) in checked.items()}
    # Of each pair of replies: a fault refused, a true reply refused, a fault that passed.
    refused = {name: (float(not bad), float(not good), float(bad)) for name, (good, bad) in checked.items()}
    yield from Figure.by("faults caught", "mean", caught, {case.id: case.fault for case in cases})
    yield from _groups(Figure.by("faults caught", "mean", caught, languages))
    yield from Figure.by("refused that were false", "precision", refused, languages)
    yield from Figure.by("F1 of refusing", "F1", refused, languages)
    yield from Figure.by("true replies passed", "mean", passed, {case.id: case.kind for case in cases})
    yield from _groups(Figure.by("true replies passed", "mean", passed, languages))


def _talks(world: World, shop: Shop) -> tuple[list[Conversation], list[str]]:
    """Conversations made from the catalogue, the shoppers' parts of the shop's dialogues, and what was left out."""
    notes = []
    filled = [
        talk
        for language, scripts in book()["talk"].items()
        if shop.speaks(language)
        for round_ in range(_ROUNDS)
        for place, script in enumerate(scripts, 1)
        if (talk := _filled(shop, language, script, f"{world.seed} {language} {round_ * len(scripts) + place}"))
    ]
    made = list({talk.id: talk for talk in filled}.values())  # a script without slots is the same each round
    try:
        written = [each for each in world.read("dialogues", _said) if each]
    except Unmeasured:
        written = []
    except MerchantError as error:  # the faults that are planted need no dialogues
        written = []
        notes.append(f"The messages of the dialogues are not audited: {'; '.join(str(error).splitlines())}")
    return [
        *world.sample(made, _FEW, lambda talk: talk.language),
        *world.sample(written, _FEW, lambda talk: talk.language),
    ], notes


def _said(record: Record) -> Conversation | None:
    """The messages of a dialogue; None where it is held in another shop."""
    name, language, turns = record.take("id", str), record.take("language", str), record.take("turns", list)
    elsewhere = record.take("planted", bool, False)
    record.take("goal", str, "")
    record.take("tags", list, [])
    record.take("end", dict, {})
    if not turns:
        raise MerchantError(f"{record.place}: turns is empty; a dialogue has at least one")
    for number, turn in enumerate(turns, 1):
        if not isinstance(turn, dict):
            raise MerchantError(f'{record.place}: turn {number} is {turn!r}; write an object with a "say"')
        if not isinstance(turn.get("say"), str):
            raise MerchantError(f'{record.place}: turn {number} says nothing; write what the shopper says in its "say"')
    return None if elsewhere else Conversation(name, language, tuple(turn["say"] for turn in turns))


def _filled(shop: Shop, language: str, script: Sequence[str], seed: str) -> Conversation | None:
    """A script with words of one kind of the shop's products; None where none has them all."""
    random = Random(seed)
    wanted = {slot for message in script for slot in slots(message)}
    kinds = sorted(kind for kind in shop.kinds if kind and shop.kind(kind, language))
    for kind in random.sample(kinds, len(kinds)):
        products = shop.kinds[kind]
        price = random.choice(products).offer.price
        colors = [value for each in products for value in each.options.get("color", ())]
        values = [
            (field, value)
            for each in products
            for field, had in each.attributes.items()
            for value in had
            if shop.plain(field, had) and value.isalpha() and value.casefold() not in ("yes", "no")
        ]
        field, value = random.choice(values) if values else ("", "")
        words = {
            "kind": shop.kind(kind, language),
            "other": shop.kind(random.choice(kinds), language),
            "color": shop.label("color", random.choice(colors), language).lower() if colors else "",
            "value": shop.label(field, value, language) if field else "",
            "limit": shop.money(_rounded(price, 1.2), language),
            "low": shop.money(_rounded(price, 0.5), language),
        }
        if all(words[slot] for slot in wanted):
            messages = tuple(message.format(**words) for message in script)
            return Conversation(f"audit-{language}-{mark(*messages)}", language, messages)
    return None


def _rounded(price: Money, factor: float) -> Money:
    """An amount about so many times a price, as people name one."""
    return Money.of(max(1, round(float(price.major) * factor)), price.currency)


def _audited(world: World, shop: Shop, talks: Sequence[Conversation]) -> list[Audited]:
    """Each turn of the conversations, held with the assistant, and what it claims."""
    audit = Audit(shop)
    turns = []
    for talk in world.progress(talks, "auditing"):
        held = Talk(world.assistant, f"audited-{talk.id}")
        for place, message in enumerate(talk.messages):
            try:
                reply = held.say(message)
            except ShopperError:  # too long a message: nothing was released
                continue
            claims = audit.claims(reply, talk.messages[: place + 1], held.state.topic)
            turns.append(Audited(f"{talk.id}/{place + 1}", talk.id, talk.language, tuple(claims), held.transcript))
    return turns


def _audit_figures(turns: Sequence[Audited]) -> Iterator[Figure]:
    languages = {turn.id: turn.language for turn in turns}
    claims = {turn.id: float(len(turn.claims)) for turn in turns}
    untrue = {turn.id: float(sum(bool(claim.untrue) for claim in turn.claims)) for turn in turns}
    if turns:
        yield from Figure.by("ungrounded claims released", "sum", untrue, languages, less=True)
        yield from Figure.by("claims audited", "sum", claims, languages)


def _untrue(turns: Sequence[Audited]) -> Iterator[Failure]:
    """One failure for each conversation, under its first turn that claims something untrue."""
    wrong: dict[str, list[Audited]] = {}
    for turn in turns:
        if any(claim.untrue for claim in turn.claims):
            wrong.setdefault(turn.talk, []).append(turn)
    for found in wrong.values():
        told = [
            f"{claim.words} ({claim.untrue}), turn {turn.id.rpartition('/')[2]}"
            for turn in found
            for claim in turn.claims
            if claim.untrue
        ]
        what = f"released, and not so: {'; '.join(dict.fromkeys(told))}"
        yield Failure("ungrounded claims released", found[0].id, what, 1.0, found[-1].transcript)


def _groups(figures: Sequence[Figure]) -> Sequence[Figure]:
    """The figures of the groups alone."""
    return [figure for figure in figures if figure.group]


def _failures(shop: Shop, cases: Sequence[Case], checked: Mapping[str, tuple[bool, bool]]) -> Iterator[Failure]:
    for case in cases:
        good, bad = checked[case.id]
        told = tuple(case.scene.told(shop.facets))
        before, after = case.changed
        if bad:
            what = f"a false {case.fault} passed: “{after}” where “{before}” is true"
            transcript = (*told, ("reply with the fault", case.planted))
            yield Failure("faults caught", case.id, what, _SEVERITY[case.fault], transcript)
        if not good:
            what = f"a true reply about {case.kind} was refused"
            yield Failure("true replies passed", case.id, what, _REFUSED, (*told, ("true reply", case.true)))
