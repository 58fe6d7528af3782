"""Replies of one to three true sentences, and the same replies with one fault planted in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from eval.facts import Facts
from eval.rankings import comparison, count, superlative, total
from eval.scenes import Passage, Scene, Shop, mark
from eval.statements import Paraphrase, Statement, attribute, extra, policy, price, question, rating, stock
from retrieval.catalog import Product

# What can be planted -> the kinds of statements that it is planted in.
FAULTS: Mapping[str, tuple[str, ...]] = {
    "price": ("price", "price", "stock", "comparison"),
    "stock": ("stock",),
    "rating": ("rating", "rating", "price", "comparison"),
    "attribute": ("attribute",),
    "policy": ("policy",),
    "name": ("price", "rating", "attribute", "stock", "superlative"),
    "moved": ("price", "rating", "attribute", "comparison"),
    "count": ("count",),
    "superlative": ("superlative",),
    "comparison": ("comparison",),
    "extra": ("price", "stock", "rating", "attribute", "count", "superlative", "policy"),
}
_OF_PRODUCT: Mapping[str, Callable[[Facts, Product], Statement | None]] = {
    "price": price,
    "stock": stock,
    "rating": rating,
    "attribute": attribute,
}
_OF_SEVERAL: Mapping[str, Callable[[Facts], Statement | None]] = {
    "count": count,
    "superlative": superlative,
    "comparison": comparison,
}
_OF_PASSAGE = 2  # faults planted in one passage of a page
_TRIES = 40  # scenes drawn for each reply that is wanted
_OPENED, _OPENED_BARE, _FOLLOWED = 0.4, 0.9, 0.35  # how often a sentence goes before or after
_COUNTED, _ASKED = 0.6, 0.4  # how often it then says how many fit, or asks something


@dataclass(frozen=True)
class Case:
    """A reply that is true in its scene, and the same reply with one fault.

    Attributes:
        kind: what the statement is about that the fault is planted in.
        changed: that statement before and after.
    """

    id: str
    language: str
    kind: str
    fault: str
    scene: Scene
    true: str
    planted: str
    changed: tuple[str, str]


def plant(shop: Shop, paraphrases: Sequence[Paraphrase], language: str, fault: str, n: int, seed: int) -> list[Case]:
    """Up to `n` replies with a fault of one kind, the same for the same seed; fewer where the shop has no more."""
    random = Random(f"{seed} {language} {fault}")
    cases: list[Case] = []
    seen: set[str] = set()
    pages: Counter[Passage | None] = Counter()
    for _ in range(n * _TRIES):
        if len(cases) == n:
            break
        kind = random.choice(FAULTS[fault])
        scene = shop.scene(language, random, kind)
        case = _case(Facts(shop, scene, random), paraphrases, kind, fault) if scene else None
        if case is None or case.planted in seen:
            continue
        name = f"{language}-{fault}-{mark(case.true, case.planted)}"
        if name in seen:  # two replies with the same mark
            continue
        if fault == "policy":  # a page says the same in every scene
            if case.changed[1] in seen or pages[case.scene.passage] == _OF_PASSAGE:
                continue
            pages[case.scene.passage] += 1
        seen |= {name, case.planted, case.changed[1]} if fault == "policy" else {name, case.planted}
        cases.append(replace(case, id=name))
    return cases


def _case(facts: Facts, paraphrases: Sequence[Paraphrase], kind: str, fault: str) -> Case | None:
    """A reply around a statement of a kind that can bear the fault; None where the scene has none."""
    scene, random = facts.scene, facts.random
    told = policy(facts, paraphrases) if kind == "policy" else _statement(facts, kind)
    told = extra(facts, told) if told and fault == "extra" else told
    if told is None or fault not in told.lies:
        return None
    before = _before(facts, told) if random.random() < (_OPENED_BARE if told.bare else _OPENED) else None
    if told.bare and scene.focus != told.about and not (before and before.about == told.about):
        return None
    after = _after(facts, told) if random.random() < _FOLLOWED else None
    parts = [each for each in (before, told, after) if each]

    def joined(sentence: str) -> str:
        return str(facts.words["gap"]).join(sentence if each is told else each.text for each in parts)

    return Case(
        id="",
        language=scene.language,
        kind=told.kind,
        fault=fault,
        scene=replace(scene, rendered=scene.rendered.union(*(each.rendered for each in parts))),
        true=joined(told.text),
        planted=joined(told.lies[fault]),
        changed=(told.text, told.lies[fault]),
    )


def _statement(facts: Facts, kind: str, product: Product | None = None) -> Statement | None:
    """A true statement, about the product, the one asked about, or any on the screen."""
    if kind in _OF_SEVERAL:
        return _OF_SEVERAL[kind](facts)
    focus = facts.scene.products.get(facts.scene.focus)
    return _OF_PRODUCT[kind](facts, product or focus or facts.random.choice(facts.shown))


def _before(facts: Facts, told: Statement) -> Statement | None:
    """A sentence to open with; where the next one names no product, it is about the same."""
    if told.kind == "policy":
        return None
    if facts.fitting and told.kind != "count" and not told.bare and facts.random.random() < _COUNTED:
        return total(facts)
    return _beside(facts, told, facts.scene.products.get(told.about))


def _after(facts: Facts, told: Statement) -> Statement | None:
    """A sentence to end with; it names its product, for the one before may name another once a fault is in it."""
    asked = facts.fitting and facts.random.random() < _ASKED
    return question(facts) if asked else _beside(facts, told, None)


def _beside(facts: Facts, told: Statement, product: Product | None) -> Statement | None:
    other = _statement(facts, facts.random.choice(list(_OF_PRODUCT)), product)
    return other if other and other.kind != told.kind and not other.bare else None
