"""The shop's own words: which kinds, values and fields a phrase can mean in this catalogue, in any language it labels.

Nothing here is a list of product words: every phrase comes from the catalogue, its glossary, or, for a word that
neither knows, from the encoder's similarity to the catalogue's values.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from assistant.lexicon import HAN, Lexicon, has_han
from retrieval.catalog import Product
from retrieval.facets import Facets
from retrieval.filters import Condition
from retrieval.glossary import Glossary
from retrieval.lexical import stem

BLANK = "\x00"  # fills what an earlier reader of the message has understood
_TOKEN = re.compile(rf"[^\W_{HAN}]+(?:['’.][^\W_{HAN}]+)*")
_COMPOUND = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)+")
_LONG, _SIMILAR = 5, 0.84  # letters of a word whose spelling may be mended, and how similar the right one must be
_OF = re.compile(r"\b(?:de|del|d'|du|des|à|para|pour|di|da)\b")
_NAMESAKES = 30  # products that one name can mean before it means none
_PHRASE = 40  # characters that the words for one thing span at most
_BUILT_IN = frozenset({"kind", "department", "price", "rating", "availability", "brand", "id"})
_YES = frozenset({"yes", "true", "1"})
_NO = frozenset({"no", "false", "0"})
_PREPOSITION = re.compile(
    r"\b(?:for|with|in|to|from|of|by|at|that|which|who|and|made|para|con|pour|avec|für|mit)\b|[,.;:!?，。；：！？、]"
)
PURPOSE = re.compile(r"\b(?:for|to|para|pour|für|zum|zur)\b|适合|给|送")  # what follows says what a thing is for


def normalize(text: str) -> str:
    """Text as the readers of a message see it: NFKC, casefolded, control characters as spaces, no run of spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    spaced = "".join(" " if unicodedata.category(c) in ("Cc", "Cf") else c for c in folded)
    return " ".join(spaced.split())


def blank(text: str, span: tuple[int, int]) -> str:
    """`text` with what lies in `span` marked as understood; lengths stay."""
    return text[: span[0]] + BLANK * (span[1] - span[0]) + text[span[1] :]


@dataclass(frozen=True)
class Token:
    """A word without spaces inside, its stem and its place."""

    stem: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """The words of the non-Chinese part of normalised text."""
    found = [(m[0].removesuffix("'s"), m.start(), m.end()) for m in _TOKEN.finditer(text)]
    return [Token(stem(word), start, end) for word, start, end in found]


def stems(text: str) -> tuple[str, ...]:
    """The stems of a phrase."""
    return tuple(token.stem for token in tokens(normalize(text)))


@dataclass(frozen=True)
class Match:
    """A phrase of the message that names values of one field."""

    field: str
    values: frozenset[str]
    span: tuple[int, int]
    words: str


@dataclass(frozen=True)
class Item:
    """The thing a shopper asks for: the words used, and what in the catalogue they mean."""

    words: str
    condition: Condition
    span: tuple[int, int]


class Vocabulary:
    """Phrases of one shop.

    Args:
        products: the whole catalogue.
        facets: its fields and values.
        glossary: labels and synonyms.
    """

    def __init__(self, products: Iterable[Product], facets: Facets, glossary: Glossary) -> None:
        self.facets = facets
        self._values: dict[tuple[str, ...], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._loose: dict[tuple[str, ...], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._han: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._kinds: dict[tuple[str, ...], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._heads: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        self._kind_words: dict[str, str] = {}
        self._han_kinds: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._titles: dict[str, set[str]] = defaultdict(set)
        self._names: set[str] = set()
        self._title_heads: Counter[str] = Counter()
        self._fields: dict[str, set[str]] = defaultdict(set)
        self._flags: set[str] = set()
        self._full: set[tuple[str, ...]] = set()  # whole values, where `_values` has parts of them too
        for name, known in facets.fields.items():
            self._add_field(name, name)
            for _, label in glossary.labels("field", name):
                self._add_field(name, label)
            if name in ("kind", "department"):
                for value in known.values:
                    for label in (value, *(label for _, label in glossary.labels(name, value))):
                        self._add_kind(name, value, label)
            elif name not in _BUILT_IN - {"brand"} and not known.number:
                flag = {value.casefold() for value in known.values} <= _YES | _NO
                self._flags |= {name} if flag else set()
                for value in known.values:
                    labels = [label for _, label in glossary.labels(name, value)]
                    if flag and value.casefold() in _YES:
                        labels += [name, *(label for _, label in glossary.labels("field", name))]
                    for label in labels if flag else (value, *labels):
                        self._add_value(name, value, label)
        self._sizes: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._stated: dict[tuple[str, str], set[str]] = defaultdict(set)
        for product in products:
            for place in (("kind", product.kind), ("department", product.department)):
                self._stated[place].update(product.attributes, product.options)
            for name, values in product.options.items():
                if "size" in name.split():
                    for place in (("kind", product.kind), ("department", product.department)):
                        self._sizes[place][name].update(values)
            words = stems(product.title)
            for word in words:
                self._titles[word].add(product.id)
            named = [word for word in words if not word[0].isdigit()]
            if named:
                self._title_heads[named[-1]] += 1
            self._names.add(" ".join(words))
        self._labels = [
            (label if has_han(label) else f" {' '.join(stems(label))} ", sorted(self._fields[label]))
            for label in sorted(self._fields, key=len, reverse=True)
        ]
        self._field_names = frozenset(label for label, names in self._labels if not set(names) <= self._flags)
        self._han_pattern = _longest(self._han)
        self._han_kind_pattern = _longest(self._han_kinds)

    def _add_field(self, name: str, label: str) -> None:
        self._fields[normalize(label)].add(name)

    def _add_value(self, field: str, value: str, label: str) -> None:
        if has_han(label):
            self._han[normalize(label)][field].add(value)
            return
        words = stems(label)
        self._full.add(words)
        # The whole phrase, its head ("organic cotton" is meant by "cotton"), or a beginning of two words and more.
        parts = {words} | {words[i:] for i in range(1, len(words))} | {words[:i] for i in range(2, len(words))}
        for part in parts:
            if part and not (len(part) == 1 and (len(part[0]) < 2 or part[0].isdigit())):
                self._values[part][field].add(value)
            if len(part) > 1:
                self._loose[_beginnings(part)][field].add(value)

    def _add_kind(self, field: str, value: str, label: str) -> None:
        if has_han(label):
            self._han_kinds[normalize(label)][field].add(value)
            return
        words = tuple(word for word in stems(label) if word not in ("and", "or"))
        if words:
            self._kinds[words][field].add(value)
            # "hervidores de agua", "chaussures de trail": where a name is joined so, its first word is the thing.
            head = words[0] if _OF.search(normalize(label)) else words[-1]
            self._heads[head].add(words)
            self._kind_words |= {
                token.stem: normalize(label)[token.start : token.end] for token in tokens(normalize(label))
            }

    def item(self, text: str, words: Lexicon, inside: bool = True) -> Item | None:
        """The thing asked for in what is left of a message, or None where no catalogue word names one.

        Tried in order: kinds and departments, then the head nouns of titles and, `inside`, other rare words of them.
        The part before a preposition is tried first: a bag for a yoga mat is a bag.
        """
        found = self._han_item(text, words)
        if found:
            return found
        content = [token for token in tokens(text) if text[token.start : token.end] not in words.stop]
        for tries in (self._kind, partial(self._title_head, inside=inside)):
            for segment in _segments(text, content):
                found = tries(text, segment)
                if found:
                    return found
        return None

    def _han_head(self, text: str, words: Lexicon) -> Item | None:
        """The kinds whose names end as a word of the message does: 靴子 is any 靴."""
        content = words.stop_han.sub(lambda match: BLANK * len(match[0]), text)
        for match in sorted(re.finditer(f"[{HAN}]+", content), key=lambda match: -len(match[0])):
            core = match[0].removesuffix("子")
            if len(core) == 1 and re.search(f"[{HAN}]$", text[: match.start()]):
                continue  # the end of another word, whose beginning is a function word elsewhere: 支架
            fields: dict[str, set[str]] = defaultdict(set)
            for label in self._han_kinds if core else ():
                if label.endswith(core):
                    for field, values in self._han_kinds[label].items():
                        fields[field] |= values
            if fields:
                return self._kind_item(match[0], fields, match.span())
        return None

    def _han_item(self, text: str, words: Lexicon) -> Item | None:
        found = list(self._han_kind_pattern.finditer(text))
        if not found:
            return self._han_head(text, words)
        best = max(found, key=lambda match: (len(match[0]), match.start()))
        return self._kind_item(best[0], self._han_kinds[best[0]], best.span())

    def _kind(self, text: str, content: Sequence[Token]) -> Item | None:
        """The kinds whose head noun is said and that share most words with what is said; one named in full first."""
        # "over-ear" shares nothing with "in-ear": of a compound all parts count, or none.
        compounds = [stems(match[0]) for match in _COMPOUND.finditer(text)]
        said = {token.stem for token in content}
        best: tuple[tuple[int, bool], int] = ((0, False), -1)
        chosen: list[tuple[str, ...]] = []
        for index, token in enumerate(content):
            for phrase in self._heads.get(token.stem, ()):
                broken = {word for parts in compounds if not set(parts) <= set(phrase) for word in parts}
                shared = sum(word in said and word not in broken - {token.stem} for word in phrase)
                rank = ((shared, shared == len(phrase)), index)
                if rank > best:
                    best, chosen = rank, []
                if rank == best:
                    chosen.append(phrase)
        if not chosen:
            return None
        fields: dict[str, set[str]] = defaultdict(set)
        for phrase in chosen:
            for field, values in self._kinds[phrase].items():
                fields[field] |= values
        words = {word for phrase in chosen for word in phrase}
        head = content[best[1]]
        used = [token for token in content if token.stem in words and token.start <= head.start] or [head]
        span = (used[0].start, head.end)
        if BLANK in text[slice(*span)] or span[1] - span[0] > _PHRASE:
            span = (head.start, head.end)
        return self._kind_item(text[slice(*span)], fields, span)

    def _kind_item(self, words: str, fields: dict[str, set[str]], span: tuple[int, int]) -> Item:
        field = "kind" if "kind" in fields else "department"
        return Item(" ".join(words.split()), Condition(field, any_of=frozenset(fields[field])), span)

    def _title_head(self, text: str, content: Sequence[Token], *, inside: bool) -> Item | None:
        named = [token for token in content if self._title_heads[token.stem]]
        # A word inside few titles names a thing too: "mascara" in "Essence Mascara Lash Princess".
        few = max(3, len(self._names) // 50)
        named = named or [t for t in content if inside and 0 < len(self._titles.get(t.stem, ())) <= few]
        if not named:
            return None
        head = named[-1]
        found = set(self._titles[head.stem])
        start = head.start
        for token in reversed(content[: content.index(head)]):  # words before it narrow it while anything is left
            narrowed = found & self._titles.get(token.stem, set())
            if not narrowed or BLANK in text[token.start : start]:
                break
            found, start = narrowed, token.start
        return Item(text[start : head.end], Condition("id", any_of=frozenset(found)), (start, head.end))

    def sizes(self, scope: Condition) -> dict[str, set[str]]:
        """Field -> sizes that the kinds or departments of `scope` come in."""
        found: dict[str, set[str]] = defaultdict(set)
        for value in scope.any_of:
            for name, sizes in self._sizes.get((scope.field, value), {}).items():
                found[name] |= sizes
        return found

    def spelled(self, text: str) -> str:
        """The text with each long word that no kind is called by as the most similar one that a kind is called by."""

        def nearest(match: re.Match[str]) -> str:
            word = match[0]
            if len(word) < _LONG or has_han(word) or stem(word) in self._heads or stem(word) in self._kind_words:
                return word
            return next(iter(difflib.get_close_matches(word, self._kind_words.values(), 1, _SIMILAR)), word)

        return re.sub(r"[^\W\d_]+", nearest, text)

    def stated(self, scope: Condition | None) -> set[str]:
        """The fields that products of the kinds or departments of `scope` state; none where it is none."""
        return (
            {name for value in scope.any_of for name in self._stated.get((scope.field, value), ())} if scope else set()
        )

    def values(self, text: str, words: Lexicon) -> Iterator[Match]:
        """Phrases of the message that name values of the catalogue's fields, longest first, without overlap.

        A run of Chinese that is part of a label counts too: "机洗" is meant by "可机洗".
        """
        taken = text
        for match in self._han_pattern.finditer(text):
            for field, values in self._han[match[0]].items():
                yield Match(field, frozenset(values), match.span(), match[0])
            taken = blank(taken, match.span())
        content = words.stop_han.sub(lambda match: BLANK * len(match[0]), taken)
        for match in re.finditer(f"[{HAN}]{{2,}}", content):
            meant: dict[str, set[str]] = defaultdict(set)
            for label in (label for label in self._han if match[0] in label):
                for field, values in self._han[label].items():
                    meant[field] |= values
            for field, values in meant.items():
                yield Match(field, frozenset(values), match.span(), match[0])
            taken = blank(taken, match.span()) if meant else taken
        found = tokens(taken)
        for length in range(min(6, len(found)), 0, -1):
            for index in range(len(found) - length + 1):
                part = found[index : index + length]
                start, end = part[0].start, part[-1].end
                if BLANK in taken[start:end] or (re.search(r"[,.;!?]", text[start:end].strip(".")) and length > 1):
                    continue
                if all(text[token.start : token.end] in words.stop for token in part):
                    continue
                phrase = tuple(token.stem for token in part)
                if f" {' '.join(phrase)} " in self._field_names and phrase not in self._full:
                    continue
                fields = self._values.get(phrase) or (self._loose.get(_beginnings(phrase)) if length > 1 else None)
                if fields:
                    for field, values in fields.items():
                        yield Match(field, frozenset(values), (start, end), text[start:end])
                    taken = blank(taken, (start, end))

    def whole(self, words: str) -> bool:
        """True where the words are the name of a value, and not a part of one."""
        return has_han(words) or stems(words) in self._full

    def fields(self, text: str) -> list[str]:
        """Fields whose name or label stands in the text, longest label first."""
        flat = f" {' '.join(stems(text))} "
        found = [name for label, names in self._labels if label in (text if has_han(label) else flat) for name in names]
        return list(dict.fromkeys(found))

    def called_field(self, name: str) -> set[str]:
        """The stems of the words, and the Chinese labels, that a field goes by."""
        labels = [label for label, names in self._fields.items() if name in names]
        return {word for label in labels for word in ([label] if has_han(label) else stems(label))}

    def named(self, text: str, among: Sequence[Product], stop: Container[str] = ()) -> list[str]:
        """Products of `among` that the text names by words of their title which set them apart from the others.

        Words of `stop` name none, whatever titles have them.
        """
        found = [token for token in tokens(text) if text[token.start : token.end] not in stop]
        said = {token.stem for token in found if (token.stem,) not in self._values}
        titles = {product.id: stems(product.title) for product in among}
        spread = Counter(word for words in titles.values() for word in set(words))
        scores: dict[str, int] = {}
        for product in among:
            kind = set(stems(product.kind))
            own = [
                word
                for word in dict.fromkeys(titles[product.id])
                if word in said and word not in kind and spread[word] <= max(1, len(among) // 4)
            ]
            rare = [word for word in own if len(self._titles[word]) <= max(3, len(self._names) // 100)]
            if rare and not all(word.isdigit() for word in rare):
                scores[product.id] = len(own)
        best = max(scores.values(), default=0)
        return [each for each, score in scores.items() if score == best]

    def called(self, text: str, known: Callable[[Iterable[str]], Sequence[Product]], stop: Container[str]) -> list[str]:
        """Products of the whole shop that the text names by rare words of their titles; `known` reads products."""
        likely = {
            each
            for token in tokens(text)
            if text[token.start : token.end] not in stop
            and 0 < len(self._titles.get(token.stem, ())) <= max(3, len(self._names) // 100)
            for each in self._titles[token.stem]
        }
        return self.named(text, known(sorted(likely)), stop) if 0 < len(likely) <= _NAMESAKES else []


def _beginnings(words: tuple[str, ...]) -> tuple[str, ...]:
    """What forms of the same words share: "machine wash" and "machine washable"."""
    return tuple(word[:4] for word in words)


def _segments(text: str, content: list[Token]) -> Iterator[list[Token]]:
    """The content words up to the first preposition or mark, then each further part, then all of them."""
    bounds = [match.start() for match in _PREPOSITION.finditer(text)] + [len(text)]
    start = 0
    parts = []
    for bound in bounds:
        part = [token for token in content if start <= token.start < bound]
        if part:
            parts.append(part)
        start = bound
    yield from parts
    if len(parts) > 1:
        yield content


def _longest(phrases: Iterable[str]) -> re.Pattern[str]:
    ordered = sorted(phrases, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered)) if ordered else r"(?!)")
