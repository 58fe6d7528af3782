"""What shoppers write, where nothing is said about what should come back: a shop's own conversations, or made ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from eval.suite import Record, Unmeasured, World
from retrieval.catalog import Product
from retrieval.errors import MerchantError

# What is written at each turn, in several ways; places are filled from the catalogue.
_PHRASES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "en": (
        (
            "{kind} under {price}",
            "i'm looking for {kind}, {price} at most",
            "do you have {kind} for less than {price}?",
        ),
        ("anything cheaper?", "show me more", "what else is there"),
        ("{value}", "rather {value}", "only {value} please"),
        ("how much is the second one?", "is the first one in stock?", "tell me more about the first one"),
        ("compare 1 and 2", "what's the difference between the first two?", "which of them is better rated?"),
        ("what about {other}", "I also need {other}", "ok, {other} then. up to {limit}"),
        ("under {limit}", "between {low} and {limit}", "i can spend {limit}"),
        ("the best rated", "the cheapest one", "something like the first"),
        ("back to {kind}", "no, {kind} again please", "do you have telescopes?"),
        ("how long does delivery take?", "can i send it back if it doesn't fit?", "thanks, that's all"),
    ),
    "zh": (
        ("{kind}，{price}以内", "想买{kind}，预算{price}", "有没有{price}以下的{kind}"),
        ("有便宜点的吗", "还有别的吗", "再看看其他的"),
        ("{value}", "要{value}的", "有{value}的吗"),
        ("第二个多少钱", "第一个有货吗", "介绍一下第一个"),
        ("比较一下1和2", "前两个有什么区别", "哪个评分高"),
        ("{other}呢", "还想看看{other}", "那{other}有吗，{limit}以内"),
        ("{limit}以内", "{low}到{limit}之间", "最多{limit}"),
        ("评分最高的", "最便宜的是哪个", "有没有和第一个差不多的"),
        ("回到刚才的{kind}", "还是看{kind}吧", "你们卖望远镜吗"),
        ("多久能到货", "不合适可以退吗", "谢谢，不用了"),
    ),
}
_CHINESE = 3  # one made conversation of so many, where the shop has Chinese names for its kinds


@dataclass(frozen=True)
class Conversation:
    """The messages of one shopper, in order, and the language of the first."""

    id: str
    language: str
    messages: tuple[str, ...]


def conversation(record: Record) -> Conversation:
    """The conversation of one line of turns.jsonl: {"id": "kettle", "language": "en", "turns": ["a kettle", ...]}."""
    name, language = record.take("id", str), record.take("language", str)
    messages = record.take("turns", list)
    if not messages or not all(isinstance(each, str) for each in messages):
        raise MerchantError(f"{record.place}: turns is {messages!r}; it must be a list of messages, not empty")
    return Conversation(name, language, tuple(messages))


def conversations(world: World, count: int) -> list[Conversation]:
    """`count` conversations: those of the shop's turns.jsonl, then made ones.

    Raises:
        MerchantError: the file is malformed.
    """
    try:
        written = world.read("turns", conversation)
    except Unmeasured:
        written = []
    return [*written[:count], *(made(world, place) for place in range(count - len(written)))]


def made(world: World, place: int) -> Conversation:
    """A conversation of ten messages about products of the shop that the seed and `place` draw."""
    random = np.random.default_rng((world.seed, place))
    products, glossary = list(world.products.values()), world.search.glossary
    one, two = (products[row] for row in random.integers(len(products), size=2))
    chinese = place % _CHINESE == _CHINESE - 1 and glossary.label("kind", one.kind, "zh") != one.kind
    language = "zh" if chinese else "en"

    def called(product: Product) -> str:
        return glossary.label("kind", product.kind, language).lower() if product.kind else product.title

    fields = list(_fields(one))
    name, value = fields[int(random.integers(len(fields)))] if fields else ("kind", called(one))
    facts = {
        "kind": called(one),
        "other": called(two),
        "value": glossary.label(name, value, language),
        "price": _round(one, 1.2),
        "low": _round(two, 0.4),
        "limit": _round(two, 1.3),
    }
    said = (ways[int(random.integers(len(ways)))] for ways in _PHRASES[language])
    return Conversation(f"made-{place + 1:02}", language, tuple(each.format_map(facts) for each in said))


def _fields(product: Product) -> Iterator[tuple[str, str]]:
    """What a shopper can ask a product for: the values of its options and attributes."""
    for name, values in (*product.options.items(), *product.attributes.items()):
        yield from ((name, value) for value in values)


def _round(product: Product, share: float) -> str:
    """A round amount near a share of the product's price, with its currency."""
    price = float(product.offer.price.major) * share
    step = 10 ** max(0, math.floor(math.log10(price)) - 1) * 5 if price > 1 else 1
    return f"{math.ceil(price / step) * step} {product.offer.price.currency}"
