"""Public search sets as shops of their own: what is sold there, and queries whose answers are known.

- ShoppingBench's development requests (Wang et al. 2025, https://github.com/yjwjy/ShoppingBench, Apache-2.0): each
  asks for one known product, among the products of all requests.
- Pairs of offers for product matching, Abt-Buy (Köpcke, Thor and Rahm, VLDB 2010) and the shoes of WDC, which come
  from shops in many languages (Primpeli, Peeters and Bizer, WWW 2019): an offer's title asks for the same product as
  other shops offer it.

Nothing of either is part of the project.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eval.judgments import BEST, Judgment
from eval.suite import Record, Unmeasured, records
from retrieval.catalog import Availability, Money, Product, Variant
from retrieval.errors import MerchantError

_PRODUCTS = 1_200  # of one set, so that it is encoded within half a minute
_QUERIES = 250

_PAIR = re.compile(r"(?P<one>.*)\t(?P<other>.*)\t(?P<same>[01])")
_FIELD = re.compile(r"COL (\w+) VAL(.*?)(?=\sCOL \w+ VAL|$)")
_LANGUAGE = re.compile(r"\"@([A-Za-z]{2})")
_MARKS = re.compile(r"\"(@[A-Za-z-]*)?")


@dataclass(frozen=True)
class PublicSet:
    """A public set as a shop: its products, and queries judged on them."""

    name: str
    products: tuple[Product, ...]
    judgments: tuple[Judgment, ...]


@dataclass(frozen=True)
class _Request:
    query: str
    wanted: tuple[Product, ...]


def shoppingbench(name: str, folder: Path) -> PublicSet:
    """ShoppingBench's requests for one product; those for several are split by the dialogue, not by a search.

    A product has the attributes that requests ask for; there are no others.

    Args:
        name: what the set is called in the report.
        folder: the folder of public data sets.

    Raises:
        Unmeasured: it is not there.
        MerchantError: lines that are wrong, each with file and line.
    """
    files = [_present(folder / "shoppingbench_dev" / file) for file in ("product_dev.jsonl", "voucher_dev.jsonl")]
    requests = list(records(files, _request))
    products = {product.id: product for request in requests for product in request.wanted}
    single = {request.wanted[0].id: request.query for request in requests if len(request.wanted) == 1}
    judgments = (Judgment(product_id, "en", query, {}, {product_id: BEST}) for product_id, query in single.items())
    return PublicSet(name, tuple(products.values()), tuple(judgments))


def _request(record: Record) -> _Request:
    query = record.take("query", str)
    rewards = record.take("reward", list) if record.take("voucher", dict, {}) else [record.take("reward", dict)]
    # What follows the first paragraph is the rule of a voucher.
    return _Request(query.split("\n\n")[0], tuple(_wanted(record.place, each) for each in rewards))


def _wanted(place: str, reward: Any) -> Product:
    if not isinstance(reward, dict):
        raise MerchantError(f"{place}: a reward is {reward!r}; it must be an object")
    record = Record(place, reward)
    attributes: dict[str, tuple[str, ...]] = {}
    for field in ("attributes", "sku_options"):
        for each in record.take(field, list, []):
            for name, values in each.items():
                attributes[name.replace("_", " ")] = tuple(values) if isinstance(values, list) else (values,)
    brand = " ".join(attributes.pop("brand", ()))
    return _product(record.take("product_id", str), " ".join(record.take("title", list)), "", brand, attributes)


class _Offer(NamedTuple):
    title: str
    description: str
    language: str


def matching(name: str, folder: Path, dataset: str) -> PublicSet:
    """Offers of product matching: what answers an offer's title are the offers labelled as the same product.

    Labels are taken to be transitive: offers that match a third one match each other.

    Args:
        name: what the set is called in the report.
        folder: the folder of public data sets.
        dataset: the set's folder within product_matching.

    Raises:
        Unmeasured: it is not there.
        MerchantError: a line that is wrong, with its file.
    """
    files = [_present(folder / "product_matching" / dataset / file) for file in ("train.txt", "valid.txt")]
    pairs = [pair for file in files for pair in _pairs(file)]
    same = _components((one, other) for one, other, label in pairs if label)
    sought = _drawn([one for one in dict.fromkeys(one for one, _, _ in pairs) if one in same], _QUERIES)
    asked = set(sought)  # an offer does not answer itself
    offered = [other for other in dict.fromkeys(other for _, other, _ in pairs) if other not in asked]
    wanted = {same[one] for one in sought}
    answers = [offer for offer in offered if same.get(offer) in wanted]
    others = [offer for offer in offered if same.get(offer) not in wanted]
    kept = set(answers[:_PRODUCTS] + _drawn(others, max(0, _PRODUCTS - len(answers))))
    ids = {offer: f"offer-{number}" for number, offer in enumerate(offered) if offer in kept}
    judgments = []
    for number, one in enumerate(sought):
        grades = {ids[offer]: BEST for offer in answers if offer in kept and same[offer] == same[one]}
        if grades:
            judgments.append(Judgment(f"query-{number}", one.language, one.title, {}, grades))
    products = (_product(product_id, offer.title, offer.description) for offer, product_id in ids.items())
    return PublicSet(name, tuple(products), tuple(judgments))


def _pairs(file: Path) -> Iterator[tuple[_Offer, _Offer, bool]]:
    try:
        lines = file.read_text("utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise MerchantError(f"{file} cannot be read ({error}); fetch it again") from error
    for number, line in enumerate(lines, 1):
        pair = _PAIR.fullmatch(line)
        if pair is None:
            raise MerchantError(
                f"{file}, line {number}: {line[:60]!r} is no pair; it has two offers and 0 or 1, by tabs"
            )
        yield _offer(pair["one"]), _offer(pair["other"]), pair["same"] == "1"


def _offer(text: str) -> _Offer:
    fields = {name: " ".join(_MARKS.sub(" ", value).split()) for name, value in _FIELD.findall(text)}
    spoken = _LANGUAGE.search(text)
    title = fields.get("title") or fields.get("name", "")
    return _Offer(title, fields.get("description", ""), spoken[1].lower() if spoken else "")


def _components(pairs: Iterable[tuple[_Offer, _Offer]]) -> dict[_Offer, _Offer]:
    """Offer -> the offer that stands for all that are the same as it."""
    above: dict[_Offer, _Offer] = {}

    def top(offer: _Offer) -> _Offer:
        while above.setdefault(offer, offer) != offer:
            offer = above[offer]
        return offer

    for one, other in pairs:
        above[top(one)] = top(other)
    return {offer: top(offer) for offer in above}


def _drawn(offers: list[_Offer], most: int) -> list[_Offer]:
    """At most so many of the offers, always the same ones, in their order."""
    places = np.random.default_rng(0).permutation(len(offers))[:most]
    return [offers[place] for place in sorted(places)]


def _product(
    product_id: str,
    title: str,
    description: str,
    brand: str = "",
    attributes: Mapping[str, tuple[str, ...]] | None = None,
) -> Product:
    # No search reads a price, and a variant must have one.
    variant = Variant(product_id, Money(0, "USD"), Availability.IN_STOCK)
    return Product(product_id, title, (variant,), description, brand=brand, attributes=attributes or {})


def _present(file: Path) -> Path:
    if not file.exists():
        raise Unmeasured(f"{file} is not there")
    return file


# name in the report -> what reads it from the folder of public data sets
SETS: Mapping[str, Callable[[str, Path], PublicSet]] = {
    "shoppingbench": shoppingbench,
    "Abt-Buy": partial(matching, dataset="Abt-Buy"),
    "WDC shoes": partial(matching, dataset="wdc_shoes"),
}
