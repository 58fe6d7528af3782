"""What a reply may name, in the words of the shop, and what it has said so far."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from assistant.claims.cues import cues, table
from assistant.claims.prose import CJK, spaced, stem, stems
from assistant.evidence import Evidence, Meaning, Shelf
from retrieval.facets import Facets
from retrieval.glossary import Glossary

_YES_NO = frozenset({"yes", "no", "true", "false", "是", "否"})
# Words without content of their own, and those that may start a sentence or be capitalised without being a name.
FUNCTION = frozenset(map(stem, spaced(table("en")["words"]["function"])))
PLAIN = FUNCTION | frozenset(map(stem, spaced(table("en")["words"]["plain"])))
_SMALL = re.compile(r"[A-Za-z0-9]{1,3}")


class Vocabulary:
    """Phrases of one language, as stems, and what they mean in this shop."""

    def __init__(self, facets: Facets, glossary: Glossary, language: str) -> None:
        self.values: dict[tuple[str, ...], frozenset[Meaning]] = {}
        self.fields: dict[tuple[str, ...], frozenset[str]] = {}
        self.upper: set[str] = set()
        brands: set[str] = set()
        base = language.split("-")[0]
        labels: dict[tuple[str, str], list[str]] = {}
        for row in glossary.values():
            if row.language in (language, base, "en"):
                labels.setdefault((row.field.casefold(), row.value.casefold()), []).append(row.label)
        for name, each in facets.fields.items():
            spellings = (name, *labels.get(("field", name.casefold()), ()))
            yes_no = bool(each.values) and {value.casefold() for value in each.values} <= _YES_NO
            for spelling in spellings:
                if yes_no:
                    self._add(spelling, (name, "yes"))
                self.fields[stems(spelling)] = self.fields.get(stems(spelling), frozenset()) | {name}
            if yes_no or each.number or name in ("price", "rating", "availability"):
                continue
            for value in each.values:
                if name == "brand":
                    brands.update(stems(value))
                for spelling in (value, *labels.get((name.casefold(), value.casefold()), ())):
                    self._add(spelling, (name, value))
        for color, others in table("shared")["colors"].items():
            for spelling in (color, *others.split()):
                if stems(spelling) not in self.values:
                    self._add(spelling, ("", color))
        self.longest = max(map(len, (*self.values, *self.fields)), default=1)
        self.ordinary = frozenset(word for phrase in self.values for word in phrase) - brands
        self.brands = frozenset(brands)
        self.kinds = frozenset(
            phrase[-1]
            for phrase, meant in self.values.items()
            if any(name in ("kind", "department") for name, _ in meant)
        )

    def _add(self, spelling: str, meaning: Meaning) -> None:
        phrase = stems(spelling)
        lone = len(phrase) == 1
        if not phrase or len(phrase) > 6 or (lone and (phrase[0] in PLAIN or phrase[0].isdigit())):
            return
        if all(word.replace(".", "").isdigit() for word in phrase) or (lone and re.fullmatch(f"[{CJK}]", phrase[0])):
            return
        if lone and _SMALL.fullmatch(spelling) and spelling.isupper():
            self.upper.add(phrase[0])
        self.values[phrase] = self.values.get(phrase, frozenset()) | {meaning}


@dataclass(frozen=True)
class Name:
    """A mention of products: one id, or several that share the words used."""

    ids: tuple[str, ...]
    start: int
    end: int
    compared: bool  # what another is compared with: "than the Lynx"


class Context:
    """The state of one reply: `focus` is what "it" means, `group` what "both" means.

    Attributes:
        shelf: the evidence, ready to be asked.
        titles: stems of the titles of the whole catalogue -> product ids; `title_words` are their words.
        mentioned: every product named so far, in order; `gone` those said to be sold out.
    """

    def __init__(
        self,
        evidence: Evidence,
        facets: Facets,
        vocabulary: Vocabulary,
        titles: Mapping[tuple[str, ...], frozenset[str]],
        title_words: frozenset[str],
        language: str,
        spoken_of: Iterable[str],
    ) -> None:
        self.shelf = Shelf(evidence, facets, language)
        self.vocabulary = vocabulary
        self.titles = titles
        self.title_words = title_words
        self.language = language
        self.cues = cues(language)
        known = [each for each in spoken_of if each in evidence.products]
        self.focus: tuple[str, ...] = tuple(known[-1:])
        self.group: tuple[str, ...] = tuple(known)
        self.mentioned: list[str] = known
        self.gone: set[str] = set()

    def after(self, names: Sequence[Name]) -> None:
        """Remember whom a sentence spoke of."""
        subjects = [name for name in names if not name.compared] or names
        if subjects:
            self.focus = subjects[-1].ids
            self.group = tuple(dict.fromkeys(each for name in names for each in name.ids))
            self.mentioned += (each for each in self.group if each not in self.mentioned)

    @cached_property
    def names(self) -> dict[tuple[str, ...], tuple[str, ...]]:
        """Every run of words in a title of the evidence -> the products it is in."""
        found: dict[tuple[str, ...], tuple[str, ...]] = {}
        for product_id, product in self.shelf.evidence.products.items():
            phrase = stems(product.title)
            for start, end in itertools.combinations(range(len(phrase) + 1), 2):
                run = phrase[start:end]
                if product_id not in (held := found.get(run, ())):
                    found[run] = (*held, product_id)
        return found

    @cached_property
    def longest(self) -> int:
        """Words in the longest title of the evidence."""
        return max(map(len, self.names), default=0)

    @cached_property
    def whole(self) -> frozenset[tuple[str, ...]]:
        """The full titles of the evidence."""
        return frozenset(stems(product.title) for product in self.shelf.evidence.products.values())

    @cached_property
    def lowered(self) -> frozenset[str]:
        """Words that the descriptions write in lower case: ordinary ones, though a title may use them."""
        texts = " ".join(product.description for product in self.shelf.evidence.products.values())
        return frozenset(map(stem, re.findall(r"(?<!\w)[a-zà-þ][\w'-]*", texts)))

    @cached_property
    def known(self) -> frozenset[str]:
        """Stems that may be capitalised without naming a product that is not there."""
        evidence, found = self.shelf.evidence, set(PLAIN)
        for product_id in evidence.products:
            found |= self.shelf[product_id].everything.vocabulary
        found |= (
            self.shelf.shop.vocabulary
            | self.shelf.shopper.vocabulary
            | self.vocabulary.ordinary
            | self.vocabulary.brands
        )
        found.update(word for phrase in self.vocabulary.fields for word in phrase)
        for condition in evidence.conditions:
            found.update(word for value in condition.any_of | condition.none_of for word in stems(value))
        return frozenset(found)
