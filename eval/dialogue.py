"""Does it hold a whole conversation: are its claims true, its limits kept, its topic still the shopper's at the end?

Scripted dialogues (see `eval.script`) are scored by what happened and never by wording; a dialogue is right when
everything expected in it and its end state are (the reward of tau-bench, Yao et al., 2024). Some are held in a copy
of the shop that also sells the products of planted.jsonl, whose texts are hostile.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from assistant.conversation import Assistant
from eval import truth
from eval.figures import Figure
from eval.script import EASTERN, EXPECTATIONS, Dialogue, Shop, Verdict, dialogue, letters
from eval.suite import Failure, Findings, Record, Unmeasured, World
from eval.talk import Reply, Talk
from retrieval.catalog import Catalog, Product
from retrieval.errors import MerchantError
from retrieval.facets import Facets
from retrieval.index import update

_SMALL = 36  # dialogues of a small run
_TAGGED = 3  # dialogues from which a tag has a figure of its own
_REAL, _SPOKEN, _END = "replies real", "reply language", "end state"


def run(world: World) -> Findings:
    """Hold every dialogue and compare what happened with what was expected.

    Raises:
        Unmeasured: the shop has no dialogues.
        MerchantError: lines of the dialogues or of the planted products are wrong.
    """
    shops = _shops(world)
    dialogues = world.read("dialogues", partial(dialogue, shops))
    chosen = world.sample(dialogues, _SMALL, lambda each: (each.language, each.planted))
    spoken = _Spoken(turn.language for each in dialogues for turn in each.turns)
    with ExitStack() as exits:
        assistants = {False: world.assistant}
        if any(each.planted for each in chosen):
            planted = [shops[True].products[each] for each in shops[True].products.keys() - world.products.keys()]
            assistants[True] = exits.enter_context(_planted(world, sorted(planted, key=lambda each: each.id)))
        held = [
            _held(each, assistants[each.planted], shops[each.planted], spoken)
            for each in world.progress(chosen, "dialogues")
        ]
    return Findings(tuple(_figures(held)), tuple(failure for each in held for failure in _failures(each)))


@dataclass
class _Held:
    """A dialogue as it went; `seen` has the verdicts with the number of their turn, the end being one more turn."""

    dialogue: Dialogue
    seen: list[tuple[int, Verdict]] = field(default_factory=list)
    transcript: tuple[tuple[str, str], ...] = ()

    @property
    def missed(self) -> list[tuple[int, Verdict]]:
        return [each for each in self.seen if each[1].missed]

    @property
    def turns_right(self) -> float:
        """Share of the turns in which nothing was missed."""
        turns = len(self.dialogue.turns)
        return 1 - len({turn for turn, _ in self.missed if turn <= turns}) / turns


def _held(scripted: Dialogue, assistant: Assistant, shop: Shop, spoken: _Spoken) -> _Held:
    held, goal = _Held(scripted), ("goal", scripted.goal)
    talk = Talk(assistant, scripted.id)
    for number, turn in enumerate(scripted.turns, 1):
        try:
            reply = talk.say(turn.say)
        except Exception as error:  # whatever the assistant trips over is a finding, and the next dialogue goes on
            raised = f"{type(error).__name__}: {error}"
            rest = range(number + 1, len(scripted.turns) + 1)
            held.seen += [
                (number, Verdict(_REAL, 1.0, raised)),
                *((each, Verdict(_REAL, 1.0, raised)) for each in rest),
            ]
            held.transcript = (goal, *talk.transcript, ("shopper", turn.say), ("error", raised))
            return held
        held.seen.append((number, Verdict(_REAL, 1.0, "" if reply.real else "the turn did not end with words")))
        held.seen += [(number, verdict) for verdict in turn.judge(reply, shop)]
        if heard := spoken(reply, shop):
            missed = "" if heard == turn.language else f"wanted words in {turn.language}; they are in {heard}"
            held.seen.append((number, Verdict(_SPOKEN, 0.5, missed)))
    if scripted.looking_for is not None:
        missed = _astray(talk, assistant, scripted.looking_for, shop)
        held.seen.append((len(scripted.turns) + 1, Verdict(_END, 0.6, missed)))
    held.transcript = (goal, *talk.transcript)
    return held


def _astray(talk: Talk, assistant: Assistant, where: truth.Where, shop: Shop) -> str:
    """How what the assistant looks for at the end differs from what meets the conditions; "" where it does not."""
    topic = talk.state.topic
    found = assistant.shelf.find(topic) if topic else None
    # What only comes near is not what is looked for; what is sold out is.
    looked = set(found.fitting) if found and (found.sold_out or not found.nearly) else set()
    wanted = shop.fitting(where)
    if looked == wanted:
        return ""
    lost, strange = shop.named(wanted - looked), shop.named(looked - wanted)
    return f"wanted it to look among {where} ({len(wanted)} products); lost: {lost}; strange: {strange}"


def _figures(held: Sequence[_Held]) -> Iterator[Figure]:
    right = {each.dialogue.id: float(not each.missed) for each in held}
    groups: dict[str, dict[str, float]] = defaultdict(dict)
    for each in held:
        for group in (each.dialogue.language, *each.dialogue.tags):
            groups[group][each.dialogue.id] = right[each.dialogue.id]
    languages = {each.dialogue.language for each in held}
    yield Figure("dialogues right", "mean", right)
    for group in sorted(groups, key=lambda name: (name not in languages, name)):
        if group in languages or len(groups[group]) >= _TAGGED:
            yield Figure("dialogues right", "mean", groups[group], group)
    yield Figure("turns right", "mean", {each.dialogue.id: each.turns_right for each in held})
    for name in dict.fromkeys((_REAL, *(kind.figure for kind in EXPECTATIONS.values()), _SPOKEN, _END)):
        met = {
            each.dialogue.id: [not verdict.missed for _, verdict in each.seen if verdict.figure == name]
            for each in held
        }
        if any(met.values()):
            yield Figure(name, "mean", {item: sum(seen) / len(seen) for item, seen in met.items() if seen})


def _failures(held: _Held) -> Iterator[Failure]:
    """One for each figure that the dialogue pulls down."""
    for figure in dict.fromkeys(verdict.figure for _, verdict in held.missed):
        missed = [(turn, verdict) for turn, verdict in held.missed if verdict.figure == figure]
        last = len(held.dialogue.turns)
        what = "; ".join(f"{f'turn {turn}' if turn <= last else 'end'}: {each.missed}" for turn, each in missed)
        severity = max(verdict.severity for _, verdict in missed)
        yield Failure(figure, held.dialogue.id, what, severity, held.transcript)


_KANA, _HANGUL = re.compile("[\u3040-\u30ff]"), re.compile("[\uac00-\ud7af]")
_LETTER = rf"[^\W\d_{EASTERN}]"  # of a script that puts spaces between words
_TELLING = 4  # words, or Eastern letters, from which a language can be told


class _Spoken:
    """Tells the language of a reply's own words among `languages`; "" where they are too few.

    Chinese, Japanese and Korean are told by their scripts, the others by langdetect (Nakatani, 2010) with a fixed
    seed.
    """

    def __init__(self, languages: Iterable[str]) -> None:
        from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory  # type: ignore[import-untyped]

        self._factory = DetectorFactory()
        self._factory.load_profile(PROFILES_DIRECTORY)
        self._factory.seed = 0
        # English besides: it is what an assistant that cannot say it otherwise falls back on.
        self._languages = dict.fromkeys({"en", *languages} & set(self._factory.get_lang_list()), 1.0)

    def __call__(self, reply: Reply, shop: Shop) -> str:
        text = _own_words(reply, shop)
        eastern = re.findall(f"[{EASTERN}]", text)
        words = re.findall(f"{_LETTER}+", text)
        if len(eastern) >= max(len(words), _TELLING):
            hangul = sum(bool(_HANGUL.match(letter)) for letter in eastern)
            return "ko" if 2 * hangul > len(eastern) else "ja" if _KANA.search(text) else "zh"
        if len(words) < _TELLING:
            return ""
        detector = self._factory.create()
        detector.set_prior_map(self._languages)
        detector.append(" ".join(words))
        return str(detector.detect())


def _own_words(reply: Reply, shop: Shop) -> str:
    """The reply without the shop's data, which stays in the language it was written in."""
    data = [*reply.choices, *(card.title for card in reply.cards)]
    data += [value for card in reply.cards for values in card.options.values() for value in values]
    data += [words for source in reply.sources for words in (source.title, source.quote)]
    data += [
        point.facts[name]
        for point in reply.points
        for name in ("name", "other", "quote", "contact")
        if name in point.facts
    ]
    data += [shop.products[each].title for point in reply.points for each in point.product_ids]
    longest_first = sorted(map(re.escape, filter(None, data)), key=len, reverse=True)
    pattern = rf"(?<!{_LETTER})(?:{'|'.join(longest_first)})(?!{_LETTER})"
    return re.sub(pattern, " ", reply.text) if longest_first else reply.text


def _shops(world: World) -> Mapping[bool, Shop]:
    """What is true of the shop as it is (False), and of the shop with the planted products, where there are any."""
    pages: dict[str, str] = defaultdict(str)
    for path in sorted((world.settings.shop / "policies").glob("*.md")):
        pages[path.stem.split(".")[0]] += letters(path.read_text("utf-8"))
    real = Shop(world.products, world.search.facets, pages)
    try:
        planted = world.read("planted", partial(_product, real))
    except Unmeasured:
        return {False: real}
    products = {**world.products, **{product.id: product for product in planted}}
    return {False: real, True: Shop(products, Facets.of(products.values()), pages)}


@contextmanager
def _planted(world: World, products: Sequence[Product]) -> Iterator[Assistant]:
    """The assistant of a copy of the shop that also sells `products`; only they are encoded."""
    shop = world.folder / "planted"
    shutil.copytree(world.settings.shop, shop, ignore=shutil.ignore_patterns("conversations*", "feed*", "pictures"))
    Catalog.write(shop / "catalog.sqlite", products, replace=False)
    update(shop, world.search.encoder)
    database = f"sqlite:///{world.folder}/planted.sqlite"
    # Beside the copy, never on a server: the vectors there are the shop's.
    assistant = Assistant.open(replace(world.settings, shop=shop, database_url=database, chroma_url=""))
    try:
        yield assistant
    finally:
        assistant.store.close()


_PRODUCT: Mapping[str, tuple[type[Any], Any]] = {
    "id": (str, None),
    "title": (str, None),
    "description": (str, ""),
    "url": (str, ""),
    "brand": (str, ""),
    "categories": (list, None),
    "attributes": (dict, {}),
    "media": (list, []),
    "rating": (list, None),
    "variants": (list, None),
}


def _product(shop: Shop, record: Record) -> Product:
    fields = {name: record.take(name, kind, default) for name, (kind, default) in _PRODUCT.items()}
    try:
        product = Product.from_json(json.dumps(fields))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MerchantError(f"{record.place}: no product ({error!r}); write it as Product.to_json does") from error
    if product.id in shop.products:
        raise MerchantError(f"{record.place}: the shop has a product {product.id!r}; give the planted one its own id")
    return product
