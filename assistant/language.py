"""Which language the shopper writes.

Decided in the order of what can be trusted: the script, letters and function words that few languages share, and
last the letter statistics of the package langdetect. Its profiles are summed over the whole text here: its own
`detect` samples them, so that a few words get a different answer from run to run.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

DEFAULT = "en"

# Scripts by the name that Unicode gives their letters, with the language that a shopper most likely writes in it.
_SCRIPTS = {
    "CJK": "zh",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "CYRILLIC": "ru",
    "ARABIC": "ar",
    "HEBREW": "he",
    "THAI": "th",
    "GREEK": "el",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "ARMENIAN": "hy",
    "GEORGIAN": "ka",
    "KHMER": "km",
    "LAO": "lo",
    "MYANMAR": "my",
    "SINHALA": "si",
    "ETHIOPIC": "am",
}

# Letters of the Arabic script that Arabic itself does not write.
_ARABIC = {"fa": "پچژگکی", "ur": "ٹڈڑںہھے"}

_CHINESE_WORDS = re.compile("[的了吗嗎呢吧有没沒这這那哪我你您想要买買请請问問不是個个给給能可以什么麼多少款还還]")
_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NOISE = re.compile(r"https?://\S+|\S+@\S+|<[^>]*>|[A-Za-z]*\d[A-Za-z\d]*")
_RARE = -10.0  # the profiles leave out what makes up less than about e⁻⁹ of the letters
_SPELLING = -4.0  # a word said outweighs any spelling
_ENOUGH = 2000  # characters looked at: a longer message says no more about its language


def detect(text: str, previous: str | None = None) -> str:
    """The ISO 639-1 code of the language that `text` is written in; `zh` for Chinese in either script.

    `previous` is the language of the dialogue so far. A message which could be several languages, or none (a size,
    a product name, a number), stays in it; one that is clearly another language switches. The default is English.
    """
    text = unicodedata.normalize("NFKC", text[:_ENOUGH])
    text = _NOISE.sub(" ", text)
    scripts = Counter(script for letter in text if (script := _script(letter)) in _SCRIPTS or script == "LATIN")
    if not scripts:
        return previous or DEFAULT
    latin = scripts.pop("LATIN", 0)
    if not scripts:
        return _latin(text, previous)
    other = _of_script(text, scripts, previous)
    if latin and _written_in_latin(text, scripts, previous):
        return _latin(text, previous)
    return other


@cache
def _script(letter: str) -> str:
    """The first word of the letter's Unicode name: LATIN, CJK, HANGUL."""
    return unicodedata.name(letter, "").split(" ", 1)[0]


def _written_in_latin(text: str, scripts: Counter[str], previous: str | None) -> bool:
    """Whether the sentence is Latin and the rest of it quoted: "do you have the 茶壶 in blue?"."""
    words = [token.casefold() for token in _TOKEN.findall(text) if _script(token[0]) == "LATIN"]
    grammar = max(_word_scores(words).values(), default=0.0)
    if scripts["CJK"]:
        grammar -= len(_CHINESE_WORDS.findall(text)) + (scripts["HIRAGANA"] + scripts["KATAKANA"]) / 2
    else:
        grammar -= sum(_script(token[0]) != "LATIN" for token in _TOKEN.findall(text))
    return grammar > (0 if previous is None or previous in _tables()["latin"] else 1)


def _of_script(text: str, scripts: Counter[str], previous: str | None) -> str:
    kana = scripts["HIRAGANA"] + scripts["KATAKANA"]
    if scripts["CJK"] + kana:
        if kana and not (kana <= 2 and len(_CHINESE_WORDS.findall(text)) >= 2):
            return "ja"
        # Two characters such as 在庫 or 赤 are words of both languages.
        if previous == "ja" and scripts["CJK"] <= 4 and not _CHINESE_WORDS.search(text):
            return "ja"
        if scripts["CJK"] >= scripts.most_common(1)[0][1]:
            return "zh"
    script = scripts.most_common(1)[0][0]
    if script == "CYRILLIC":
        return _cyrillic(text, previous)
    if script == "ARABIC":
        marks = {language: sum(text.count(letter) for letter in letters) for language, letters in _ARABIC.items()}
        if marks["ur"] > 1 or (marks["ur"] and previous == "ur"):
            return "ur"
        return "fa" if marks["fa"] else (previous if previous in ("fa", "ur", "ar") else "ar")
    return _SCRIPTS.get(script, previous or DEFAULT)


def _cyrillic(text: str, previous: str | None) -> str:
    words = [token.casefold() for token in _TOKEN.findall(text)]
    scores: dict[str, float] = {
        language: 2.0 * sum(letter in its["letters"] for word in words for letter in word)
        + sum(word in its["words"].split() for word in words)
        + (previous == language)
        for language, its in _tables()["cyrillic"].items()
    }
    # ъ is common in Bulgarian and rare in Russian, but Russian has letters that Bulgarian lacks.
    if any(letter in "ыэё" for word in words for letter in word):
        scores["bg"] = 0.0
    return max(scores, key=lambda language: scores[language])


def _latin(text: str, previous: str | None) -> str:
    words = [token.casefold().replace("’", "'") for token in _TOKEN.findall(text) if _script(token[0]) == "LATIN"]
    said = _word_scores(words)
    for letters, languages in _tables()["letters"].items():
        if any(letter in letters for letter in text.casefold()):
            for language in languages:
                said[language] += 0.9 / math.sqrt(len(languages))
    spelled = _spelling(words)
    scores = {language: 4.0 * said[language] + spelled[language] for language in said}
    best = max(scores, key=lambda language: scores[language])
    if previous is None:
        scores[DEFAULT] += 2.0
        return max(scores, key=lambda language: scores[language])
    if best == previous:
        return previous
    # A switch needs words of the other language that the dialogue's own would not explain.
    margin = said[best] - said.get(previous, 0.0)
    clear = margin >= 1.5 or (margin >= 1.0 and len(words) >= 3)
    return best if clear else previous


def _word_scores(words: Iterable[str]) -> dict[str, float]:
    scores = dict.fromkeys(_tables()["latin"], 0.0)
    for word in words:
        for language, weight in _function_words().get(word, ()):
            scores[language] += weight
    return scores


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(files("assistant").joinpath("language.toml").read_text("utf-8"))


@cache
def _function_words() -> Mapping[str, tuple[tuple[str, float], ...]]:
    table: dict[str, list[tuple[str, float]]] = {}
    for language, words in _tables()["latin"].items():
        for weight, kind in ((1.0, "telling"), (0.5, "common")):
            for word in words[kind].split():
                table.setdefault(word, []).append((language, weight))
    # A word of several languages tells less of each.
    return {word: tuple((name, weight / len(of) ** 0.3) for name, weight in of) for word, of in table.items()}


def _spelling(words: Iterable[str]) -> dict[str, float]:
    """How well the spelling of `words` fits each language: 0 for the best, less for the others."""
    profiles = _profiles()
    totals = dict.fromkeys(profiles, 0.0)
    for word in words:
        padded = f" {word} "
        grams = [padded[start : start + size] for size in (2, 3) for start in range(len(padded) - size + 1)]
        for language, profile in profiles.items():
            # Grams overlap, so that each is worth about a third of an independent observation.
            totals[language] += sum(profile.get(gram, _RARE) for gram in grams) / 3
    best = max(totals.values(), default=0.0)
    return {language: max(total - best, _SPELLING) for language, total in totals.items()}


@cache
def _profiles() -> Mapping[str, Mapping[str, float]]:
    """Natural logarithms of how often each pair and triple of letters occurs, by language."""
    profiles = {}
    for language in _tables()["latin"]:
        profile = json.loads(files("langdetect").joinpath("profiles", language).read_text("utf-8"))
        counts: dict[str, float] = defaultdict(float)
        for gram, n in profile["freq"].items():
            if len(gram) > 1:
                counts[gram.casefold()] += n / profile["n_words"][len(gram) - 1]
        profiles[language] = {gram: max(math.log(share), _RARE) for gram, share in counts.items()}
    return profiles
