"""Makes the demo shop from the tables beside this file: the same bytes on every run, on every machine.

`tables/` holds one TOML file per department: its kinds, and for each kind what it may be made of, how it is priced
and the sentences that may describe it. Every product draws from those by a hash of its own name, so a new product,
value or sentence leaves the other products as they were. A sentence is used only where the product states everything
the sentence says, which is what keeps descriptions and attributes in agreement.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

from assistant.demo_shop.pictures import STYLES, Look, paint
from assistant.demo_shop.tables import Attributes, Kind, Sentence, fill, kinds, rows, table
from assistant.demo_shop.words import glossary
from retrieval.catalog import Availability, Money, Product, Rating, Variant

T = TypeVar("T")

FOLDER = Path(__file__).parent
SITE = "https://larchandlantern.example/products/"
OWNERS = {"women": "women's", "men": "men's", "girls": "girls'", "boys": "boys'", "kids": "kids'"}


@dataclass(frozen=True)
class Chance:
    """The luck of one product: the same purpose gives the same draw, whatever else the tables hold."""

    key: str

    def share(self, *purpose: object) -> float:
        """A number in [0, 1), evenly spread."""
        text = "\0".join([self.key, *map(str, purpose)])
        return int.from_bytes(blake2b(text.encode(), digest_size=7).digest(), "big") / 2**56

    def ranked(self, purpose: str, options: Sequence[T]) -> list[T]:
        """The options, best drawn first; an option added later moves none of the others."""
        seen: dict[str, int] = {}
        drawn = []
        for position, option in enumerate(options):
            nth = seen[str(option)] = seen.get(str(option), 0) + 1  # a repeated option has that many chances
            drawn.append((self.share(purpose, option, nth), -position))
        return [options[-position] for _, position in sorted(drawn, reverse=True)]

    def pick(self, purpose: str, options: Sequence[T]) -> T:
        """One option; one that is listed twice is twice as likely."""
        return self.ranked(purpose, options)[0]


def _attributes(kind: Kind, chance: Chance, level: float) -> Attributes:
    """What the product is; `level` in [0, 1) is how dear it is within its kind."""
    drawn: dict[str, tuple[str, ...]] = {}
    for names, spec in kind.attributes.items():
        if isinstance(spec, str):
            drawn[names] = (spec,)
        elif isinstance(spec, dict):
            share = chance.share("amount", names)
            if spec.get("grows"):
                share = 0.75 * level + 0.25 * share
            value = spec["from"] + spec["step"] * round(share * (spec["to"] - spec["from"]) / spec["step"])
            drawn[names] = (f"{value:.6g} {spec['unit']}".strip(),)
        elif isinstance(spec[0], list):  # "material / care" = [["wool", "hand wash"], ...]: values that go together
            for name, value in zip(names.split(" / "), chance.pick(names, spec), strict=True):
                drawn |= {name: (value,)} if value else {}
        elif names == "occasion":
            chosen = chance.ranked(names, spec)[:2]
            drawn[names] = tuple(value for value in spec if value in chosen)
        else:
            drawn[names] = (chance.pick(names, spec),)
    shown = re.findall(r"\{([^}#]+)#?\}", kind.table["title"] + kind.table["picture"])
    kept = {*table("common")["keep"], *shown}
    return {name: value for name, value in drawn.items() if name in kept or chance.share("omit", name) >= 0.1}


def _description(kind: Kind, chance: Chance, attributes: Attributes) -> str:
    """Three or four sentences that say different things, all of them true of these attributes."""
    lead = next(each for each in chance.ranked("lead", kind.leads) if each.fits(attributes))
    said = set(lead.presumes)

    def choose(purpose: str, sentences: Sequence[Sentence], wanted: int) -> list[str]:
        chosen: list[str] = []
        for each in chance.ranked(purpose, sentences):
            if len(chosen) < wanted and each.fits(attributes) and not said & set(each.presumes):
                said.update(each.presumes)
                chosen.append(each.fill(attributes))
        return chosen

    closes = chance.share("closes") < 0.55
    facts = choose("fact", kind.facts, 1 if closes and chance.share("length") < 0.5 else 2)
    details = choose("detail", kind.details, 2)
    middle = [*facts[:1], *details[:1], *facts[1:]] if chance.share("order") < 0.6 else [*details[:1], *facts]
    closing = choose("closing", kind.closings, 1 if closes or len(middle) < 2 else 0)
    spare = details[1:] if len(middle) + len(closing) < 2 else []
    return " ".join([lead.fill(attributes), *middle, *spare, *closing])


def _retail(amount: float, chance: Chance) -> int:
    """A price a shop would print, in cents, near `amount` dollars."""
    if amount >= 400:
        return 1000 * round(amount / 10) - 100 * chance.pick("ending", (0, 1, 1))
    if amount >= 120:
        return 500 * round(amount / 5) - 100 * chance.pick("ending", (0, 0, 1))
    return 100 * max(int(amount), 1) + chance.pick("ending", (0, 0, 50, 50, 95, 99, 99))


def _availability(chance: Chance) -> Availability | None:
    """The one state of all variants, or None where each has its own."""
    share = chance.share("stock")
    for limit, state in (
        (0.015, Availability.OUT_OF_STOCK),
        (0.020, Availability.DISCONTINUED),
        (0.028, Availability.PREORDER),
        (0.040, Availability.BACKORDER),
    ):
        if share < limit:
            return state
    return None


def _rating(chance: Chance) -> Rating | None:
    if chance.share("unrated") < 0.03:
        return None
    spread = sum(chance.share("rating", nth) for nth in range(3)) / 3
    return Rating(min(round(3.2 + 1.75 * spread**0.7, 1), 4.9), round(4 * 450 ** chance.share("reviews")))


def _looks(kind: Kind, chance: Chance, attributes: Attributes) -> dict[str, Look]:
    """Color -> picture, for the colors the product comes in; a kind without colors to choose from is drawn in one."""
    entry = kind.table
    pool = entry.get("colors") or entry["tones"]
    fewest, most = entry.get("shades", (2, 4)) if "colors" in entry else (1, 1)
    count = fewest + int(chance.share("shades") * (min(most, len(pool)) - fewest + 1))
    shape = fill(entry["picture"], attributes).lower().replace(" ", "-")
    pattern = attributes.get("pattern", ("solid",))[0]
    style = chance.pick("style", range(STYLES))
    return {color: Look(shape, color, pattern, style) for color in chance.ranked("color", pool)[:count]}


def _variants(kind: Kind, chance: Chance, looks: Mapping[str, Look], amount: float, slug: str) -> tuple[Variant, ...]:
    """Every color in every size; `amount` is the price of the first size, in dollars."""
    sizes = table("common")["sizes"][kind.table["sizes"]] if "sizes" in kind.table else {"values": [""]}
    factors = sizes.get("factors", [1.0] * len(sizes["values"]))
    off = chance.pick("reduction", (0.1, 0.15, 0.2, 0.25, 0.3, 0.4)) if chance.share("reduced") < 0.12 else 0.0
    state = _availability(chance)
    code = f"{kind.name[:2].upper()}{int(chance.share('sku') * 90000) + 10000}"
    alone = len(looks) * len(factors) == 1
    variants = []
    for color, look in looks.items():
        for size, factor in zip(sizes["values"], factors, strict=True):
            options = {"color": color} if "colors" in kind.table else {}
            options |= {"size": size} if size else {}
            key = "-".join(re.sub(r"[^a-z0-9.]+", "-", value.lower()) for value in options.values()) or "1"
            gone = chance.share("gone", color, size) < (0.03 if alone else 0.075)
            price = _retail(amount * factor, chance)
            before = price + max(1, round(price * off / (1 - off) / 100)) * 100
            variants.append(
                Variant(
                    id=f"{slug}-{key}",
                    price=Money(price, "USD"),
                    list_price=Money(before, "USD") if off else None,
                    availability=state or (Availability.OUT_OF_STOCK if gone else Availability.IN_STOCK),
                    title=" / ".join(options.values()),
                    sku=f"{code}-{key}".upper(),
                    options=options,
                    media=(look.path,) if len(looks) > 1 else (),  # else it is the product's
                )
            )
    return tuple(variants)


def _product(kind: Kind, name: str) -> tuple[Product, list[Look]]:
    """A product, and the pictures its media name."""
    chance = Chance(f"{kind.name}/{name}")
    level = chance.share("price")
    attributes = _attributes(kind, chance, level)
    brand = chance.pick("brand", kind.brands)
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    looks = _looks(kind, chance, attributes)
    low, high = kind.table["price"]
    amount = low * (high / low) ** level
    for condition, percent in table("common")["markup"].items():
        if Sentence.of(f"[{condition}]").fits(attributes):
            amount *= 1 + percent / 100
    owner = "kids" if attributes.get("age group") == ("kids",) else ""
    who = OWNERS.get(attributes.get("gender", ("",))[0], OWNERS.get(owner, ""))
    named = {**attributes, "brand": (brand,), "name": (name,), "who": (who,)}
    product = Product(
        id=slug,
        title=fill(kind.table["title"], named),
        description=_description(kind, chance, attributes),
        url=SITE + slug,
        brand=brand,
        categories=(kind.department, kind.name),
        attributes=attributes,
        media=tuple(look.path for look in looks.values()),
        rating=_rating(chance),
        variants=_variants(kind, chance, looks, amount, slug),
    )
    return product, list(looks.values())


@cache
def _shelf() -> list[tuple[Product, list[Look]]]:
    return [_product(kind, name) for kind in kinds() for name in kind.names]


def products() -> Iterator[Product]:
    """Every product of the demo shop, department by department."""
    return (product for product, _ in _shelf())


def _feed(product: Product) -> dict[str, Any]:
    """The product as a record of the OpenAI/ACP product feed, nested form, prices in minor units."""

    def money(amount: Money | None) -> dict[str, Any] | None:
        return {"amount": amount.amount, "currency": amount.currency} if amount else None

    return {
        "id": product.id,
        "title": product.title,
        "description": product.description,
        "url": product.url,
        "brand": product.brand,
        "categories": [{"taxonomy": "merchant", "value": " > ".join(product.categories)}],
        "attributes": product.attributes,
        "rating": product.rating and {"value": product.rating.value, "count": product.rating.count},
        "media": product.media,
        "options": [{"name": name, "values": values} for name, values in product.options.items()],
        "variants": [
            {
                "id": variant.id,
                "title": variant.title,
                "sku": variant.sku,
                "price": money(variant.price),
                "list_price": money(variant.list_price),
                "availability": {"status": variant.availability},
                "options": variant.options,
                "media": variant.media,
            }
            for variant in product.variants
        ],
    }


def make(shop: Path) -> None:
    """Write the demo shop into the folder `shop`: feed.jsonl, glossary.csv, shop.toml, policies/ and pictures/."""
    (shop / "pictures").mkdir(parents=True, exist_ok=True)
    looks: dict[Look, None] = {}
    with (shop / "feed.jsonl").open("w", encoding="utf-8", newline="\n") as feed:
        for product, pictures in _shelf():
            looks |= dict.fromkeys(pictures)
            feed.write(json.dumps(_feed(product), ensure_ascii=False) + "\n")
    hues = {row["color"]: row["hex"] for row in rows("colors")}
    for look in looks:
        (shop / look.path).write_text(paint(look, hues[look.color]), encoding="utf-8")
    with (shop / "glossary.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("field", "value", "language", "label"))
        writer.writerows(dict.fromkeys(glossary(products())))
    shutil.copyfile(FOLDER / "shop.toml", shop / "shop.toml")
    shutil.copytree(FOLDER / "policies", shop / "policies", dirs_exist_ok=True)
