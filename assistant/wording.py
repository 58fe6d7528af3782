"""A plan in words that are always right: fixed wordings per language, filled with the plan's facts.

The wordings stand in `phrases/LANGUAGE.toml`:

    join = " "                                          # between two points
    [words]                                             # words that follow the register of the plan
    you = { formal = "Sie", familiar = "du" }
    [best]                                              # one table per kind of point
    any = ["{name} at {price} fits best: {reason}.", "{name} fits best."]
    [found]                                             # `one` where the fact n is 1, `none` at 0, otherwise `many`
    optional = ["what"]                                 # facts that a wording may as well leave out
    one = ["One fits."]
    many = ["{Count} fit.", "For {what}, {count} fit."]

`{name}` is the fact called name, `{Name}` the same with a capital first letter. Of the wordings whose facts the point
all has, those that say the most facts, the optional ones aside, are taken in turn, from reply to reply.
"""

from __future__ import annotations

import re
import tomllib
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from assistant.plan import Point, PointKind, ReplyPlan
from retrieval.errors import OperatorError

_PLACE = re.compile(r"\{(\w+)\}")
_FORMS = ({"any"}, {"one", "many"}, {"none", "one", "many"})


@dataclass(frozen=True)
class Phrases:
    """The wordings of one language."""

    language: str
    join: str
    words: Mapping[str, Mapping[str, str]]
    wordings: Mapping[PointKind, Mapping[str, Sequence[str]]]

    def say(self, point: Point, formal: bool, turn: int) -> str:
        """`point` in words. Two turns that follow each other choose different wordings where there are several.

        Raises:
            OperatorError: every wording needs a fact that the point lacks.
        """
        forms = self.wordings[point.kind]
        form = {"0": "none", "1": "one"}.get(point.facts.get("n", ""), "many")
        form = form if form in forms else "many" if "many" in forms else "any"
        facts = {name: " ".join(text.split()) for name, text in point.facts.items()}
        facts = {name: text for name, text in facts.items() if text}
        fitting = [wording for wording in forms[form] if self._facts(wording) <= facts.keys()]
        if not fitting:
            raise OperatorError(
                f"no wording of {point.kind} in phrases/{self.language}.toml does with the facts "
                f"{', '.join(facts) or '(none)'}; add one to [{point.kind}] {form}"
            )
        optional = forms.get("optional", ())
        said = [len(self._facts(wording).difference(optional)) for wording in fitting]
        richest = [wording for wording, n in zip(fitting, said, strict=True) if n == max(said)]
        wording = richest[(zlib.crc32(point.kind.encode()) + turn) % len(richest)]
        register = "formal" if formal else "familiar"
        return _fill(wording, {word: forms[register] for word, forms in self.words.items()} | facts)

    def _facts(self, wording: str) -> set[str]:
        return {name.lower() for name in _PLACE.findall(wording)} - self.words.keys()


def languages() -> frozenset[str]:
    """The ISO 639-1 codes of the languages that have wordings."""
    folder = files("assistant").joinpath("phrases")
    return frozenset(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


@cache
def phrases(language: str) -> Phrases:
    """The wordings of `language`.

    Raises:
        OperatorError: the language has none, or its table lacks a kind of point.
    """
    if language not in languages():
        raise OperatorError(
            f"no wordings for the language {language!r}; there are some for {', '.join(sorted(languages()))}: plan the "
            f"reply in one of these, or add assistant/phrases/{language}.toml"
        )
    table = tomllib.loads(files("assistant").joinpath("phrases", f"{language}.toml").read_text("utf-8"))
    join, words = table.pop("join"), table.pop("words", {})
    if table.keys() != set(PointKind) or any(forms.keys() - {"optional"} not in _FORMS for forms in table.values()):
        raise OperatorError(
            f"phrases/{language}.toml needs one table, of `any` or of `one` and `many`, for each kind of point; amiss: "
            f"{', '.join(sorted(table.keys() ^ set(PointKind))) or 'the names in a table'}"
        )
    return Phrases(language, join, words, {PointKind(kind): forms for kind, forms in table.items()})


def word(plan: ReplyPlan) -> Iterator[str]:
    """The reply, a piece per point; the pieces follow each other as they are."""
    table = phrases(plan.language)
    said: Counter[PointKind] = Counter()
    for place, point in enumerate(plan.points):
        sentence = table.say(point, plan.formal, plan.seed + said[point.kind])
        said[point.kind] += 1
        yield (table.join if place else "") + sentence


def _fill(wording: str, facts: Mapping[str, str]) -> str:
    """`wording` with its places filled. What a fact contains is text, never a place."""
    text = ""
    for part, literal in enumerate(_PLACE.split(wording)):
        if part % 2:
            fact = facts[literal.lower()]
            text += fact[:1].upper() + fact[1:] if literal[0].isupper() else fact
        elif literal[:1] in (".", "。") and text.endswith((".", "。", "!", "?", "！", "？")):
            text += literal[1:]  # the fact brought its own full stop
        else:
            text += literal
    return text
