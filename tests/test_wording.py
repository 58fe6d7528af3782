from __future__ import annotations

import re
from itertools import pairwise

import pytest

from assistant.plan import Point, PointKind, ReplyPlan
from assistant.wording import languages, phrases, word
from retrieval.errors import OperatorError

FACTS: dict[PointKind, tuple[str, ...]] = {
    PointKind.TOPIC: ("what",),
    PointKind.FOUND: ("n", "count", "what", "limits"),
    PointKind.SUGGEST: ("n", "count", "what", "limits"),
    PointKind.BEST: ("name", "price", "reason"),
    PointKind.CHEAPEST: ("name", "price"),
    PointKind.ALTERNATIVE: ("name", "price", "difference"),
    PointKind.NONE_FIT: ("what", "limit"),
    PointKind.CLOSEST: ("name", "price", "but"),
    PointKind.NOT_CARRIED: ("what",),
    PointKind.INSTEAD: ("kinds",),
    PointKind.NO_MORE: ("what",),
    PointKind.VALUE: ("name", "field", "value"),
    PointKind.YES: ("name", "claim", "value", "stock", "price"),
    PointKind.NO: ("name", "claim", "value"),
    PointKind.SAYS: ("name", "quote"),
    PointKind.UNKNOWN: ("name", "claim"),
    PointKind.OFFER: ("name", "price", "stock"),
    PointKind.ABOUT: ("name", "price", "facts"),
    PointKind.DIFFERENCE: ("name", "other", "difference"),
    PointKind.POLICY: ("quote", "title"),
    PointKind.NO_POLICY: ("contact",),
    PointKind.NO_REFERENCE: ("n", "count"),
    PointKind.GREETING: ("shop", "departments"),
    PointKind.UNREAD: ("claim",),
    PointKind.BUY: ("name", "price"),
    PointKind.CONVERTED: ("given", "price"),
    PointKind.NO_RATE: ("given", "currency"),
    PointKind.CONTRADICTION: ("first", "second"),
    PointKind.NEAR: ("what",),
    PointKind.ASK: ("question",),
    PointKind.ABILITIES: ("departments",),
    PointKind.NO_ORDERS: ("contact",),
    PointKind.PERSON: ("contact",),
}
# Facts that a wording may leave out.
OPTIONAL = {"n", "what", "limits", "shop", "currency"}
# Facts that may be missing, one at a time or, where a kind has others, all of them.
MAY_LACK = {
    "what",
    "reason",
    "limit",
    "but",
    "claim",
    "stock",
    "title",
    "currency",
    "departments",
    "contact",
    "other",
    "limits",
}
MAY_LACK |= {"first", "second", "names", "shop", "count"}
ALL = [(language, kind) for language in sorted(languages()) for kind in PointKind]


def say(language: str, kind: PointKind, facts: dict[str, str], seed: int = 0, formal: bool = True) -> str:
    return "".join(word(ReplyPlan(language, (Point(kind, facts),), formal=formal, seed=seed)))


def full(kind: PointKind) -> dict[str, str]:
    return {fact: "7" if fact == "n" else f"THE {fact.upper()} 42" for fact in FACTS.get(kind, ())}


@pytest.mark.parametrize(("language", "kind"), ALL)
def test_every_wording_of_a_full_point_says_every_fact_and_leaves_no_place(language: str, kind: PointKind) -> None:
    facts = full(kind)
    for seed in range(8):
        text = say(language, kind, facts, seed)
        assert not set("{}") & set(text)
        assert "  " not in text
        assert not re.search(r"[.。]{2}|[!！]", text)
        for fact, value in facts.items():
            if fact not in OPTIONAL and (kind, fact) not in {
                (PointKind.YES, "claim"),
                (PointKind.GREETING, "departments"),
            }:
                assert value in text, (fact, text)


@pytest.mark.parametrize(("language", "kind"), ALL)
def test_words_do_with_the_facts_there_are(language: str, kind: PointKind) -> None:
    facts = full(kind)
    may_lack = (
        MAY_LACK - {"what", "claim"} if kind in (PointKind.TOPIC, PointKind.UNREAD, PointKind.NEAR) else MAY_LACK
    )  # said to name them
    assert say(language, kind, {fact: value for fact, value in facts.items() if fact not in may_lack})
    for lacking in may_lack & facts.keys():
        assert say(language, kind, {fact: value for fact, value in facts.items() if fact != lacking})
    if kind in (PointKind.BEST, PointKind.CHEAPEST, PointKind.ALTERNATIVE, PointKind.CLOSEST):
        assert say(language, kind, {"name": "A"})
        assert say(language, kind, {"name": "A", "price": "$1"})


@pytest.mark.parametrize(("language", "kind"), ALL)
def test_wordings_differ_from_turn_to_turn(language: str, kind: PointKind) -> None:
    heard = [say(language, kind, full(kind), seed) for seed in range(6)]
    assert len(set(heard)) >= (3 if language in ("en", "zh") else 2)
    assert all(first != second for first, second in pairwise(heard))


def test_two_points_of_a_kind_in_one_reply_are_worded_differently() -> None:
    points = tuple(Point(PointKind.ALTERNATIVE, {"name": name, "price": "$9", "difference": "blue"}) for name in "AA")
    first, second = word(ReplyPlan("en", points))
    assert first != second.strip()


def test_sentences_are_joined_as_the_language_does() -> None:
    points = (Point(PointKind.THANKS), Point(PointKind.GOODBYE))
    assert "".join(word(ReplyPlan("en", points))).count(". ") == 1
    assert " " not in "".join(word(ReplyPlan("zh", points)))


def test_number() -> None:
    assert say("en", PointKind.FOUND, {"n": "1"}) != say("en", PointKind.FOUND, {"n": "2"})
    assert "2" in say("en", PointKind.FOUND, {"n": "2"})
    assert say("en", PointKind.FOUND, {"n": "3", "count": "three"}, seed=0)[0].isupper()
    assert "{" not in say("zh", PointKind.NO_REFERENCE, {"n": "0", "count": "零"})


def test_register() -> None:
    assert any("您" in say("zh", PointKind.GREETING, {}, seed) for seed in range(4))
    assert all("您" not in say("zh", PointKind.GREETING, {}, seed, formal=False) for seed in range(4))
    assert "Sie" in say("de", PointKind.GREETING, {})
    assert "du" in say("de", PointKind.GREETING, {}, formal=False)


@pytest.mark.parametrize("name", ["{price}", "{name.__class__}", "{0}", "%s {", "a\nb", "<b>x</b>", "{you}"])
def test_facts_are_text(name: str) -> None:
    text = say("zh", PointKind.CHEAPEST, {"name": name, "price": "$1"})
    assert " ".join(name.split()) in text
    assert text.count("$1") == 1


def test_a_fact_that_ends_a_sentence_is_not_ended_twice() -> None:
    for seed in range(4):
        assert "wide.”" in say("en", PointKind.SAYS, {"name": "A", "quote": "It runs wide."}, seed)
        assert "Inc.." not in say("en", PointKind.CHEAPEST, {"name": "Pots Inc.", "price": "$3"}, seed)
        assert "why?”" in say("en", PointKind.POLICY, {"title": "FAQ", "quote": "And why?"}, seed)


def test_language_without_wordings() -> None:
    with pytest.raises(OperatorError, match=r"'fi'.*de, en, es, fr, zh"):
        next(word(ReplyPlan("fi", (Point(PointKind.THANKS),))))
    with pytest.raises(OperatorError, match="language"):
        phrases("../en")


def test_point_without_the_facts_it_needs() -> None:
    with pytest.raises(OperatorError, match=r"best.*price"):
        say("en", PointKind.BEST, {"price": "$3"})
