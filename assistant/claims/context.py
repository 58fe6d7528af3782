"""What a reply may name, in the words of the shop, and what it has said so far."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from assistant.claims.cues import cues, table
from assistant.claims.prose import normalize, quantities, spaced, stem, stems
from assistant.claims.record import Library, Meaning
from assistant.evidence import Evidence, Grounds
from retrieval.facets import Facets
from retrieval.glossary import Glossary

_YES_NO = frozenset({"yes", "no", "true", "false", "是", "否"})
# Words without content of their own, and those that may start a sentence or be capitalised without being a name.
FUNCTION = frozenset(
    stem(word) for each in ("en", "zh", "es", "fr", "de") for word in spaced(table(each)["words"]["function"])
)
WEAK = frozenset(map(stem, spaced(table("en")["words"]["weak"])))
PLAIN = FUNCTION | frozenset(map(stem, spaced(table("en")["words"]["plain"])))
_SMALL = re.compile(r"[A-Za-z0-9]{1,3}")


def reach(phrases: Iterable[tuple[str, ...]]) -> dict[str, int]:
    """First word -> the length of the longest phrase that begins with it: how far a reader needs to look."""
    found: dict[str, int] = {}
    for phrase in phrases:
        found[phrase[0]] = max(found.get(phrase[0], 0), len(phrase))
    return found


class Titles:
    """What the products of the whole catalogue are called: stems -> ids, and their words."""

    def __init__(self, titles: Mapping[str, Iterable[str]]) -> None:
        self.ids: dict[tuple[str, ...], frozenset[str]] = {}
        self.of: dict[str, tuple[tuple[str, ...], ...]] = {}
        for product_id, called in titles.items():
            self.of[product_id] = tuple(filter(None, map(stems, called)))
            for phrase in self.of[product_id]:
                self.ids[phrase] = self.ids.get(phrase, frozenset()) | {product_id}
        self.words = frozenset(word for phrase in self.ids for word in phrase)
        self.reach = reach(self.ids)


class Vocabulary:
    """Phrases of one language, as stems, and what they mean in this shop."""

    def __init__(self, facets: Facets, glossary: Glossary, titles: Titles, language: str) -> None:
        self.titles = titles
        self.values: dict[tuple[str, ...], frozenset[Meaning]] = {}
        self.fields: dict[tuple[str, ...], frozenset[str]] = {}
        self.upper: set[str] = set()
        self.sizes: dict[float, frozenset[Meaning]] = {}  # what "size 42.5" means where a label says so
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
                    self._add_size(spelling, (name, value), language, facets.currency)
        for color, others in table("shared")["colors"].items():
            for spelling in (color, *others.split()):
                if stems(spelling) not in self.values:
                    self._add(spelling, ("", color))
        self.reach = reach(self.values)
        self.ordinary = frozenset(word for phrase in self.values for word in phrase) - brands
        self.brands = frozenset(brands)
        self.known = self.ordinary | self.brands | {word for phrase in self.fields for word in phrase}
        self.kinds = frozenset(
            phrase[-1]
            for phrase, meant in self.values.items()
            if any(name in ("kind", "department") for name, _ in meant)
        )

    def _add_size(self, spelling: str, meaning: Meaning, language: str, currency: str) -> None:
        found = quantities(normalize(spelling), language, currency)
        if len(found) == 1 and found[0].unit == "size":
            self.sizes[found[0].value] = self.sizes.get(found[0].value, frozenset()) | {meaning}

    def _add(self, spelling: str, meaning: Meaning) -> None:
        phrase = stems(spelling)
        lone = len(phrase) == 1
        if not phrase or len(phrase) > 6 or (lone and (phrase[0] in PLAIN or phrase[0].isdigit())):
            return
        if all(word.replace(".", "").isdigit() for word in phrase):
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
        mentioned: every product named so far, in order; `gone` those said to be sold out.
        said: what the value said last means, for "the Brook isn't".
    """

    def __init__(
        self, evidence: Evidence, library: Library, vocabulary: Vocabulary, language: str, spoken_of: Iterable[str]
    ) -> None:
        self.grounds = Grounds(evidence, library, language)
        self.vocabulary = vocabulary
        self.language = language
        self.cues = cues(language)
        known = [each for each in spoken_of if each in evidence.products]
        self.focus: tuple[str, ...] = tuple(known[-1:])
        self.group: tuple[str, ...] = tuple(known)
        self.mentioned: list[str] = known
        self.gone: set[str] = set()
        self.said: frozenset[Meaning] = frozenset()

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
        for product_id in self.grounds.evidence.products:
            read = self.grounds[product_id].read
            for phrase in dict.fromkeys((read.title, *self.vocabulary.titles.of.get(product_id, ()))):
                for start, end in itertools.combinations(range(len(phrase) + 1), 2):
                    run = phrase[start:end]
                    if product_id not in (held := found.get(run, ())):
                        found[run] = (*held, product_id)
        return found

    @cached_property
    def reach(self) -> dict[str, int]:
        """How long a name can be that begins with a word."""
        return reach(self.names)

    @cached_property
    def whole(self) -> frozenset[tuple[str, ...]]:
        """The full titles of the evidence, and whatever else its products are called."""
        known, called = self.grounds.evidence.products, self.vocabulary.titles.of
        titles = (self.grounds[each].read.title for each in known)
        return frozenset((*titles, *(phrase for each in known for phrase in called.get(each, ()))))

    def lowers(self, word: str) -> bool:
        """Whether a description writes the stem in lower case."""
        return any(word in self.grounds[each].read.lowered for each in self.grounds.evidence.products)

    def knows(self, word: str) -> bool:
        """Whether a stem may be capitalised without naming a product that is not there."""
        vocabulary, shelf = self.vocabulary, self.grounds
        if word in PLAIN or word in vocabulary.known or word in shelf.shop.vocabulary or word in self._wished:
            return True
        return any(shelf[each].knows(word) for each in shelf.evidence.products)

    @cached_property
    def _wished(self) -> frozenset[str]:
        """The words of the shopper and of the constraints."""
        values = (value for each in self.grounds.evidence.conditions for value in each.any_of | each.none_of)
        return self.grounds.shopper.vocabulary.union(*map(stems, values))
