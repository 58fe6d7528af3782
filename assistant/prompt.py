"""The prompt a reply plan becomes: the same for every model, and for tuning.

    language: en, formal
    found: three; trail shoes
    cheapest: Brook = $64.00
    reply:

What follows `reply:` is one line: a space, then the words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from assistant.plan import Point, ReplyPlan

# The order in which a line says its facts, whatever order the plan holds them in; others follow by name.
_ORDER = (
    *("n", "count", "what", "limits", "limit", "names", "name", "other", "title", "quote", "given", "currency"),
    *("claim", "field", "value", "price", "stock", "but", "reason", "difference", "facts", "kinds", "first", "second"),
)
# Facts that belong to the one before: "weight = 320 g", "Brook = $64.00".
_EQUAL = {("field", "value"), ("name", "price"), ("given", "price")}


@dataclass(frozen=True)
class Prompt:
    """`prefix` is the same for every plan of a language, so that a model can keep it read; `plan` is this turn's."""

    prefix: str
    plan: str

    @property
    def text(self) -> str:
        """The whole prompt."""
        return self.prefix + self.plan


def render_prompt(plan: ReplyPlan, examples: bool = True) -> Prompt:
    """The prompt for `plan`.

    Args:
        plan: what the reply will say.
        examples: whether instructions and worked examples go first. A model that is tuned to plans needs neither,
            and its prefix is empty.
    """
    register = "formal" if plan.formal else "familiar"
    lines = [f"language: {plan.language}, {register}", *(_line(point) for point in plan.points), "reply:"]
    return Prompt(_prefix(plan.language) if examples else "", "\n".join(lines))


def _line(point: Point) -> str:
    """`best: Brook = $64.00; 320 g`: one line whatever the facts hold, since they are data."""
    said = point.facts.keys() - ({"n"} if "count" in point.facts else set())  # the count is n in words
    names = sorted(said, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))
    text = ""
    for place, name in enumerate(names):
        joint = " = " if place and (names[place - 1], name) in _EQUAL else "; "
        text += (joint if place else " ") + " ".join(point.facts[name].split())
    return f"{point.kind}:{text}"


@cache
def _prefix(language: str) -> str:
    folder = files("assistant").joinpath("prompts")
    examples = folder.joinpath(f"examples_{language}.txt")
    if not examples.is_file():
        examples = folder.joinpath("examples_en.txt")  # they show the form; the plan names the language
    return folder.joinpath("instructions.txt").read_text("utf-8") + "\n" + examples.read_text("utf-8") + "\n"
