"""Statements about several products at once: how many, which is first, and how two compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from eval.facts import Facts, Lie, Lies, alike, plural
from eval.statements import Statement, said
from retrieval.catalog import Product

_QUANTIFIED = 0.6  # how often it is said how many of those shown have something, where all that fit are shown
_CONTRASTED = 0.3  # how often two are put side by side, rather than one above the other
_ABOUT = 4  # a wrong count is off by no more
_FACTORS = (0.5, 1.5, 2, 3)


def count(facts: Facts) -> Statement | None:
    """How many fit, or how many of those that fit have something."""
    if not facts.fitting:
        return None
    whole = set(facts.scene.fitting) == set(facts.scene.slate)
    some = _quantified(facts) if whole and facts.random.random() < _QUANTIFIED else None
    return some or total(facts)


def total(facts: Facts) -> Statement | None:
    """How many of the shop's products fit."""
    n, shown = len(facts.scene.fitting), len(facts.scene.slate)
    kind = facts.shop.kind(facts.scene.kind, facts.language)
    right = facts.number("n", n)
    if facts.language != "en" or plural(kind):
        right["kind"] = kind
    if shown < n:
        right |= facts.number("shown", shown)
    if facts.scene.where.keys() == {"kind", "price"}:
        right["only"] = facts.limit
    # The number of cards might be taken for what is meant.
    wrong = [each for each in range(max(2, n - _ABOUT), n + _ABOUT + 1) if each not in (n, shown)]
    lies: Lies = {"count": [("", facts.number("n", each)) for each in wrong]}
    return said(facts, "count", "", facts.words["count"]["total"], right, lies)


def _quantified(facts: Facts) -> Statement | None:
    """How many of those shown have something: all, none, or so many of them."""
    n = len(facts.fitting)
    found = list(_shared(facts))
    if not found:
        return None
    # Every number of them is as likely to come up as any other.
    k = facts.random.choice(sorted({having for having, _, _ in found}))
    _, many, one = facts.random.choice([each for each in found if each[0] == k])
    forms: Mapping[str, Sequence[str]] = facts.words["count"]
    right = {**facts.number("n", n), **facts.number("k", k), "does": one if k == 1 else many, "one_does": one}
    right["Every"] = forms["every"][n > 2].format(n=right["n"])
    # That two of five do is not false where three do; more is.
    lies: list[Lie] = [
        (sentence, {**facts.number("k", more), "does": one if more == 1 else many})
        for more in range(k + 1, n)
        for sentence in forms["some"]
    ]
    lies += [(sentence, {"does": many}) for sentence in forms["all"] if k < n]
    lies += [(sentence, {"does": many}) for sentence in forms["none"] if k > 0]
    sentences = forms["all"] if k == n else forms["none"] if k == 0 else forms["some"]
    return said(facts, "count", "", sentences, right, {"count": lies})


def _shared(facts: Facts) -> Iterator[tuple[int, str, str]]:
    """What some product of the kind has: how many of those that fit do, and what several and one do then."""
    for name in sorted({name for each in facts.fitting for name in each.attributes}):
        does = _does(facts, name)
        had = [each.attributes.get(name, ()) for each in facts.fitting]
        if does is None or any(len(values) != 1 or not facts.shop.plain(name, values) for values in had):
            continue
        own = [values[0] for values in had]
        peers = (value for each in facts.shop.kinds[facts.scene.kind] for value in each.attributes.get(name, ()))
        for value in dict.fromkeys([*own, *peers]):
            words = facts.value(name, value)
            if value.casefold() == "no" or any(value != each and alike(value, each) for each in own):
                continue
            if words or value.casefold() == "yes":
                field = facts.shop.named(name, facts.language)
                many, one = (each.format(value=words, field=field) for each in does)
                yield own.count(value), many, one


def _does(facts: Facts, name: str) -> Sequence[str] | None:
    """What several products, and one, do where they have a field."""
    like = next((sort for sort, names in facts.words["fields"].items() if name in names), name)
    found: Sequence[str] | None = facts.words["does"].get(name) or facts.words["does"].get(like)
    return found


def superlative(facts: Facts) -> Statement | None:
    """Which of those that fit is first in something that all of them have, and no two of them equally."""
    found = []
    for metric, sentences in facts.words["superlative"].items():
        name, way = metric.rsplit(" ", 1)
        amounts = {each.id: amount for each in facts.fitting if (amount := facts.measure(name, each)) is not None}
        if len(amounts) < len(facts.fitting) or not amounts:
            continue
        ranked = sorted(facts.fitting, key=lambda each: amounts[each.id], reverse=way == "most")
        if amounts[ranked[0].id] != amounts[ranked[1].id]:
            opposite = facts.words["superlative"].get(f"{name} {'least' if way == 'most' else 'most'}", ())
            found.append((name, sentences, opposite, ranked))
    if not found:
        return None
    name, sentences, opposite, (first, *others) = facts.random.choice(found)
    lies: Lies = {
        "superlative": [*(("", _named(facts, name, each)) for each in others), *((each, {}) for each in opposite)],
        "name": facts.strangers(first, lambda _: True),
    }
    return said(facts, "superlative", first.id, sentences, _named(facts, name, first), lies)


def _named(facts: Facts, metric: str, product: Product) -> dict[str, str]:
    """What is said of a product that is first in a metric."""
    return {**facts.of(product)[0], "value": facts.measured(metric, product)}


def comparison(facts: Facts) -> Statement | None:
    """How two products compare in a number, or what each of them is."""
    focus = facts.scene.focus
    pairs = [(a, b) for a in facts.shown for b in facts.shown if a is not b and focus in ("", a.id, b.id)]
    a, b = facts.random.choice(pairs)
    found = []
    for metric, sentences in facts.words["comparison"].items():
        name, way = metric.rsplit(" ", 1)
        one, two = facts.measure(name, a), facts.measure(name, b)
        if one is not None and two is not None and one != two:
            found.append((name, sentences, abs(one - two), (one > two) == (way == "more")))
    if not found or facts.random.random() < _CONTRASTED:
        return _contrast(facts, a, b)
    name, sentences, gap, in_order = facts.random.choice(found)
    a, b = (a, b) if in_order else (b, a)
    right = {"a": facts.name(a), "b": facts.name(b), "x": facts.measured(name, a), "y": facts.measured(name, b)}
    swapped = {"a": right["b"], "b": right["a"], "x": right["y"], "y": right["x"]}
    gaps = [each for factor in _FACTORS if (each := facts.gap(name, gap * factor))]
    lies: Lies = {
        "comparison": [("", swapped), *(("", each) for each in gaps)],
        "moved": [("", {"x": right["y"], "y": right["x"]})],
    }
    return said(facts, "comparison", "", sentences, {**right, **facts.gap(name, gap)}, lies)


def _contrast(facts: Facts, a: Product, b: Product) -> Statement | None:
    """Two products side by side in one field."""
    found: list[tuple[str, str, str]] = []
    for name in ("price", "rating"):
        if facts.measure(name, a) != facts.measure(name, b):
            found.append((name, facts.measured(name, a), facts.measured(name, b)))
    for name, values in a.attributes.items():
        others, form = b.attributes.get(name, ()), facts.form(name, values)
        plain = facts.shop.plain(name, values) and form in ("measure", "word") and facts.form(name, others) == form
        if plain and facts.differ(name, values, others, a) and facts.differ(name, others, values, b):
            found.append((name, facts.value(name, values[0]), facts.value(name, others[0])))
    found = [each for each in found if all(each) and facts.shop.named(each[0], facts.language)]
    if not found:
        return None
    name, x, y = facts.random.choice(found)
    wrong = [change[name] for _, change in facts.of(a)[1].get(name, ()) if name in change]
    right = {"a": facts.name(a), "b": facts.name(b), "x": x, "y": y, "field": facts.shop.named(name, facts.language)}
    table: Mapping[str, Sequence[str]] = facts.words["contrast"]
    lies: Lies = {"moved": [("", {"x": y, "y": x})], name: [("", {"x": each}) for each in wrong]}
    return said(facts, "comparison", "", table.get(name, table["any"]), right, lies)
