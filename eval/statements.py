"""Sentences that are true in a scene, each with the lies that can be told in its place.

A statement is a sentence of `grounding.toml` filled with facts of the catalogue. Its lies are the same sentence with
one fact changed, or its contrary, each checked against the catalogue to be really false: no price that another variant
has, no value that the product also has, no rank that is shared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eval.facts import Facts, Lie, Lies, Words, alike, capital, plural, prose
from eval.scenes import Passage
from retrieval.catalog import Product

# What is said of a state is plainly false of these others; a back order is not out of stock to everyone.
_CONTRARY: Mapping[str, tuple[str, ...]] = {
    "in_stock": ("out_of_stock", "out_of_stock", "backorder", "preorder"),
    "out_of_stock": ("in_stock", "in_stock", "backorder"),
    "backorder": ("in_stock",),
    "preorder": ("in_stock",),
}
_PRICES = frozenset({"price", "list", "saved", "left", "start"})
_OPTIONS = ("color", "size")
_SILENT = 0.08  # how often what the data does not say is said
_REWORDED = 0.75  # how often a policy is told in other words, where there are some
_PLACE = re.compile(r"\{(\w+)\}")
_FORMS = re.compile(r"\[(?:(b):)?([^\[\]|]*)\|([^\[\]|]*)\]")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*(?![\d.,]*\d)")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])|(?<=[。！？])")


@dataclass(frozen=True)
class Paraphrase:
    """A policy in other words: `true` says what the passage says, and each of `false` does not."""

    id: str
    passage: Passage
    true: str
    false: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """One true sentence.

    Attributes:
        kind: what it is about: price, stock, rating, attribute, count, superlative, comparison, policy or question.
        about: the id of the product it is about, "" for none or several.
        lies: fault -> the sentence with that fault.
        bare: whether it names no product, so that it can only follow a sentence about the same one.
        rendered: answers that it offers the shopper.
    """

    kind: str
    about: str
    text: str
    lies: Mapping[str, str]
    bare: bool = False
    rendered: frozenset[str] = frozenset()


def said(facts: Facts, kind: str, about: str, sentences: Sequence[str], right: Words, lies: Lies) -> Statement | None:
    """A statement in one of the sentences whose facts are all known, with one lie of each fault that it can bear."""
    usable = [each for each in sentences if slots(each) <= right.keys()]
    if not usable:
        return None
    sentence = facts.random.choice(usable)
    text = _filled(sentence, right)
    told = {}
    for fault, ways in lies.items():
        fine = [
            _filled(instead or sentence, {**right, **change})
            for instead, change in ways
            if slots(instead) <= {*right, *change} and _bare(instead or sentence) == _bare(sentence)
            if instead or slots(sentence) & change.keys()
        ]
        if false := [each for each in fine if each != text]:
            told[fault] = facts.random.choice(false)
    return Statement(kind, about, text, told, _bare(sentence) and bool(about))


def price(facts: Facts, product: Product) -> Statement | None:
    """What it costs, what it cost before, or what that leaves of the budget."""
    right, lies = facts.of(product)
    sentences = [each for each in facts.words["price"]["any"] if slots(each) & _PRICES]
    return said(facts, "price", product.id, sentences, right, lies)


def rating(facts: Facts, product: Product) -> Statement | None:
    """What buyers gave it, or how many of them."""
    return said(facts, "rating", product.id, facts.words["rating"]["any"], *facts.of(product))


def stock(facts: Facts, product: Product) -> Statement | None:
    """Whether it can be had, as a whole or in one color or size."""
    found: dict[str, list[str]] = {}
    for option, variants in [("", facts.scene.variants_of(product)), *_by_option(facts, product)]:
        states = {each.availability.value for each in variants}
        if len(states) == 1 and states <= _CONTRARY.keys():
            found.setdefault(states.pop(), []).append(option)
    if not found:
        return None
    state = facts.random.choice(sorted(found))
    option = facts.random.choice(found[state])
    right, lies = facts.of(product)

    def sentences(state: str) -> list[str]:
        return [each for each in facts.words["stock"][state] if ("option" in slots(each)) == bool(option)]

    lies = {
        "stock": [(each, {}) for other in _CONTRARY[state] for each in sentences(other)],
        "price": lies["price"],
        "name": [("", {"name": facts.invented(product)})],
    }
    return said(facts, "stock", product.id, sentences(state), {**right, "option": option}, lies)


def _by_option(facts: Facts, product: Product) -> Iterator[tuple[str, list[Any]]]:
    """Each value of an option in words, with the variants that have it."""
    for name in _OPTIONS:
        for value in product.options.get(name, ()):
            words = facts.value(name, value)
            size = f"size {words}" if facts.language == "en" else f"{words}码" if words.isascii() else words
            if words:
                having = [each for each in facts.scene.variants_of(product) if each.options.get(name) == value]
                yield (size if name == "size" else words), having


def attribute(facts: Facts, product: Product) -> Statement | None:
    """What one field of its data says, or that its data does not say something."""
    stated = [name for name, values in product.attributes.items() if facts.shop.plain(name, values)]
    # Under conditions it is open whether a color that does not meet them may be named.
    options = [] if facts.scene.variants else [name for name in _OPTIONS if name in product.options]
    if facts.random.random() < _SILENT:
        return _silence(facts, product)
    if not stated and not options:
        return None
    name = facts.random.choice([*stated, *options])
    return _option(facts, product, name) if name not in stated else _stated(facts, product, name)


def _stated(facts: Facts, product: Product, name: str) -> Statement | None:
    values = product.attributes[name]
    form = facts.form(name, values)
    words = [facts.value(name, value) for value in values]
    if not all(words) and form not in ("yes", "no"):
        return None
    right = {"name": facts.name(product), "value": str(facts.words["and"]).join(words)}
    if field := facts.shop.named(name, facts.language):
        right["field"] = field
    if form in ("yes", "no"):
        wrong: list[Lie] = [(each, {}) for each in _sentences(facts, name, "no" if form == "yes" else "yes")]
    elif form in ("measure", "number"):
        wrong = [("", {"value": facts.value(name, each)}) for each in facts.misread(values[0], product)]
    else:
        place = facts.random.randrange(len(words))
        others = facts.foreign(name, values, product)
        mixed = [[*words[:place], other, *words[place + 1 :]] for other in others]
        wrong = [("", {"value": str(facts.words["and"]).join(each)}) for each in mixed]

    moved = [
        facts.value(name, other.attributes[name][0])
        for other in facts.scene.products.values()
        if form in ("measure", "number", "word")
        and facts.form(name, other.attributes.get(name, ())) == form
        and facts.differ(name, values, other.attributes[name], product)
    ]

    def differs(other: Product) -> bool:
        return name in other.attributes and facts.differ(name, other.attributes[name], values, other)

    lies: Lies = {
        "attribute": wrong,
        "moved": [("", {"value": each}) for each in moved if each],
        "name": facts.strangers(product, differs),
    }
    return said(facts, "attribute", product.id, _sentences(facts, name, form), right, lies)


def _option(facts: Facts, product: Product, name: str) -> Statement | None:
    """A color or size it comes in, or all its colors."""
    values = product.options[name]
    words = [facts.value(name, value) for value in values]
    if not all(words):
        return None
    several = name == "color" and len(words) > 1 and facts.random.random() < 0.5
    peers = {value for each in facts.shop.kinds[product.kind] for value in each.options.get(name, ())}
    wrong = [
        facts.value(name, value)
        for value in sorted(peers)
        if not any(alike(value, own) for own in values) and not facts.mentions(product, value)
    ]
    place = facts.random.randrange(len(words))
    mixed = [facts.listed([*words[:place], each, *words[place + 1 :]]) if several else each for each in wrong if each]
    right = {"name": facts.name(product), "value": facts.listed(words) if several else words[place]}
    lies: Lies = {
        "attribute": [("", {"value": each}) for each in mixed],
        "name": [("", {"name": facts.invented(product)})],
    }
    return said(
        facts, "attribute", product.id, _sentences(facts, name, "options" if several else "option"), right, lies
    )


def _silence(facts: Facts, product: Product) -> Statement | None:
    """That the data does not say something, and the lie that it does not say what it says."""
    fields = dict.fromkeys(
        name
        for each in facts.shop.kinds[product.kind]
        for name, values in each.attributes.items()
        if facts.shop.plain(name, values)
    )
    labels = {name: label for name in fields if (label := facts.shop.named(name, facts.language))}
    known = [label for name, label in labels.items() if name in product.attributes]
    missing = [
        label
        for name, label in labels.items()
        if name not in product.attributes and not facts.mentions(product, name) and label not in known
    ]
    if not missing:
        return None
    right = {"name": facts.name(product), "field": facts.random.choice(missing)}
    lies: Lies = {"attribute": [("", {"field": each}) for each in known]}
    return said(facts, "attribute", product.id, _sentences(facts, "any", "absent"), right, lies)


def _sentences(facts: Facts, name: str, form: str) -> Sequence[str]:
    """The sentences for a field: its own, or those of fields like it."""
    tables: Mapping[str, Mapping[str, Sequence[str]]] = facts.words["attribute"]
    like = next((sort for sort, names in facts.words["fields"].items() if name in names), "any")
    found = (tables.get(table, {}).get(form) for table in (name, like, "any"))
    return next((each for each in found if each), ())


def policy(facts: Facts, paraphrases: Sequence[Paraphrase]) -> Statement | None:
    """What the page says, in its own words or in those of a paraphrase."""
    passage = facts.scene.passage
    if passage is None:
        return None
    reworded = [each for each in paraphrases if each.passage == passage]
    if reworded and facts.random.random() < _REWORDED:
        chosen = facts.random.choice(reworded)
        return Statement("policy", "", chosen.true, {"policy": facts.random.choice(chosen.false)})
    parts = [each.strip() for each in _SENTENCE.split(passage.quote) if each.strip()]
    start = facts.random.randrange(len(parts))
    quote = str(facts.words["gap"]).join(parts[start : start + facts.random.choice((1, 1, 2))])
    right = {"quote": quote, "title": passage.title, "section": passage.section or passage.title}
    lies: Lies = {"policy": [("", {"quote": each}) for each in _falsified(facts, quote, passage.quote)]}
    return said(facts, "policy", "", facts.words["policy"]["quote"], right, lies)


def _falsified(facts: Facts, quote: str, whole: str) -> Iterator[str]:
    """The quote with a number changed, or with what it allows reversed."""
    known = set(_NUMBER.findall(whole))
    for found in _NUMBER.finditer(quote):
        scaled = (str(max(1, round(float(found[0].replace(",", "")) * factor))) for factor in (0.5, 2, 3))
        if wrong := next((each for each in scaled if each not in known), ""):
            yield quote[: found.start()] + wrong + quote[found.end() :]
    words = facts.words["policy"]
    if not any(word in quote for word in words["conditional"]):
        reversed_ = (quote.replace(has, instead, 1) for has, instead in words["reversed"] if has in quote)
        yield from (each for each in reversed_ if each not in whole)


def question(facts: Facts) -> Statement | None:
    """A question between two values that products which fit have."""
    names = sorted({name for each in facts.fitting for name in each.attributes})
    for name in facts.random.sample(names, min(1, len(names))):
        values = sorted({value for each in facts.fitting for value in each.attributes.get(name, ())})
        words = [facts.value(name, value) for value in values if facts.form(name, (value,)) == "word"]
        if len(words) > 1 and all(words) and facts.shop.plain(name, values):
            one, two = facts.random.sample(words, 2)
            sentence = facts.random.choice(facts.words["question"]["any"])
            text = _filled(sentence, {"one": one, "two": two, "One": capital(one)})
            return Statement("question", "", text, {}, rendered=frozenset({one, two}))
    return None


def extra(facts: Facts, told: Statement) -> Statement | None:
    """The statement with the lie of a promise that nothing in the shop's data makes."""
    known = facts.shop.prose + "\n".join(prose(each) for each in facts.scene.products.values())
    sorts = [each for each in facts.words["extra"].values() if not any(word in known for word in each["unless"])]
    if not sorts:
        return None
    promise = facts.random.choice(facts.random.choice(sorts)["say"])
    return replace(told, lies={"extra": f"{told.text}{facts.words['gap']}{promise}"})


def _filled(sentence: str, right: Mapping[str, str]) -> str:
    """The sentence with its facts; verbs agree with the product that is their subject."""

    def form(found: re.Match[str]) -> str:
        subject = right.get(found[1] or "name") or right.get("a", "")
        return found[3] if plural(subject) else found[2]

    return capital(_PLACE.sub(lambda found: right[found[1]], _FORMS.sub(form, sentence)))


def slots(sentence: str) -> set[str]:
    """The names of the facts that a sentence says."""
    return set(_PLACE.findall(sentence))


def _bare(sentence: str) -> bool:
    return not slots(sentence) & {"name", "a"}
