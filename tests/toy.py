"""A toy shop whose right answers are known, and an encoder that needs no weights.

Thirty products in five departments, in USD. What tests may rely on:
- Shoes: 6 trail running shoes (`run-*`), 3 rain boots (`boot-*`), 3 sandals (`sandal-*`); with options color
  and size.
- Kitchen: 4 electric kettles (`kettle-*`), 3 frying pans (`pan-*`); Toys: 3 building blocks, 2 puzzles;
  Bags: 3 backpacks; Bedding: 3 wool blankets.
- Nothing is a tent, a telescope or a guitar.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.catalog import Availability, Catalog, Money, Product, Rating, Variant
from retrieval.index import update
from retrieval.lexical import tokens
from retrieval.search import Search

IN, OUT, PRE = Availability.IN_STOCK, Availability.OUT_OF_STOCK, Availability.PREORDER


def product(
    product_id: str,
    title: str,
    categories: Sequence[str],
    price: str,
    *,
    description: str = "",
    brand: str = "",
    rating: tuple[float, int] | None = None,
    list_price: str | None = None,
    stock: Availability = IN,
    sold_out: Iterable[str] = (),
    attributes: dict[str, tuple[str, ...]] | None = None,
    **options: Sequence[str],
) -> Product:
    """One product with a variant for each combination of `options`; `sold_out` names variants such as "black/9"."""
    combinations = [dict(zip(options, chosen, strict=True)) for chosen in itertools.product(*options.values())]
    gone = set(sold_out)
    variants = tuple(
        Variant(
            id="/".join([product_id, *chosen.values()]),
            price=Money.of(price, "USD"),
            list_price=Money.of(list_price, "USD") if list_price else None,
            availability=OUT if "/".join(chosen.values()) in gone else stock,
            title=" / ".join(chosen.values()),
            options=chosen,
        )
        for chosen in combinations
    )
    return Product(
        id=product_id,
        title=title,
        description=description,
        url=f"https://toy.example/{product_id}",
        brand=brand,
        categories=tuple(categories),
        attributes=attributes or {},
        media=(f"pictures/{product_id}.svg",),
        rating=Rating(*rating) if rating else None,
        variants=variants,
    )


RUN, BOOT, SANDAL = ("Shoes", "Trail running shoes"), ("Shoes", "Rain boots"), ("Shoes", "Sandals")
KETTLE, PAN = ("Kitchen", "Electric kettles"), ("Kitchen", "Frying pans")
BLOCKS, PUZZLE = ("Toys", "Building blocks"), ("Toys", "Puzzles")
BACKPACK, BLANKET = ("Bags", "Backpacks"), ("Bedding", "Wool blankets")


def _run(product_id: str, title: str, price: str, weight: str, water: str, **more: object) -> Product:
    return product(
        product_id,
        title,
        RUN,
        price,
        attributes={"weight": (weight,), "water protection": (water,), "material": ("mesh",)},
        **more,  # type: ignore[arg-type]
    )


PRODUCTS = [
    _run(
        "run-lynx", "Lynx GTX", "89.00", "320 g", "waterproof", brand="Norrvik", rating=(4.7, 212),
        description="A trail running shoe with a waterproof membrane and a grippy sole for mud.",
        color=("moss", "black"), size=("8", "9", "10"), sold_out=("moss/10",),
    ),
    _run(
        "run-fell", "Fell Runner", "74.00", "280 g", "water-resistant", brand="Norrvik", rating=(4.4, 98),
        description="A light trail running shoe for dry stones and fast days.",
        color=("gray", "blue"), size=("8", "9", "10"), sold_out=("gray/9",),
    ),
    _run(
        "run-brook", "Brook", "64.00", "250 g", "waterproof", brand="Halden", rating=(4.5, 51),
        description="A waterproof trail running shoe. Comes in a wide last.", list_price="80.00",
        color=("blue",), size=("9", "10"),
    ),
    _run(
        "run-peak", "Peak Pro", "139.00", "1.1 lb", "waterproof", brand="Halden", rating=(4.9, 12),
        description="A stiff trail running shoe for high mountains.", color=("red",), size=("9", "10"),
    ),
    _run(
        "run-dash", "Dash Kids", "39.00", "180 g", "water-resistant", brand="Norrvik",
        description="A small trail running shoe for children.", color=("blue", "red"), size=("1", "2"),
    ),
    _run(
        "run-moor", "Moor", "99.00", "0.35 kg", "waterproof", brand="Tarn", rating=(3.9, 7),
        description="A warm trail running shoe for winter.", color=("black",), size=("8", "9"),
        sold_out=("black/8", "black/9"),
    ),
    product("boot-puddle", "Puddle", BOOT, "45.00", brand="Tarn", rating=(4.2, 31), color=("yellow", "blue"),
            size=("8", "9"), attributes={"material": ("rubber",)}, description="A rubber boot for rain."),
    product("boot-storm", "Storm", BOOT, "60.00", brand="Tarn", rating=(4.6, 17), color=("black",), size=("9", "10"),
            attributes={"material": ("rubber",)}, description="A tall rubber boot for rain, with a lining."),
    product("boot-drizzle", "Drizzle", BOOT, "30.00", brand="Halden", color=("green",), size=("8",),
            attributes={"material": ("rubber",)}, description="An ankle boot for rain."),
    product("sandal-dune", "Dune", SANDAL, "35.00", brand="Halden", rating=(4.1, 44), color=("brown",),
            size=("8", "9"), attributes={"material": ("leather",)}, description="A leather sandal for summer."),
    product("sandal-reef", "Reef", SANDAL, "28.00", brand="Tarn", rating=(3.8, 20), color=("black", "blue"),
            size=("9",), attributes={"material": ("rubber",)}, description="A sandal for beach and water."),
    product("sandal-cove", "Cove", SANDAL, "52.00", brand="Norrvik", rating=(4.6, 63), color=("white",), size=("8",),
            attributes={"material": ("leather", "cork")}, description="A sandal with a cork bed."),
    product("kettle-swift", "Swift", KETTLE, "39.00", brand="Ember", rating=(4.5, 120), color=("white", "black"),
            attributes={"capacity": ("1.7 l",), "power": ("2200 W",), "material": ("plastic",)},
            description="An electric kettle that boils a full jug in four minutes."),
    product("kettle-tea", "Tea Master", KETTLE, "79.00", brand="Ember", rating=(4.8, 77), color=("silver",),
            attributes={"capacity": ("1 l",), "power": ("1500 W",), "material": ("steel",)},
            description="An electric kettle that keeps the water at the temperature you set."),
    product("kettle-mini", "Mini", KETTLE, "25.00", brand="Oakley Home", rating=(4.0, 15), color=("white",),
            attributes={"capacity": ("600 ml",), "power": ("1000 W",), "material": ("plastic",)},
            description="A small electric kettle for travel."),
    product("kettle-glass", "Clear", KETTLE, "49.00", brand="Oakley Home", rating=(4.3, 41), stock=OUT,
            attributes={"capacity": ("1.5 l",), "power": ("2000 W",), "material": ("glass",)},
            description="A glass electric kettle with a blue light."),
    product("pan-iron", "Hearth 28", PAN, "59.00", brand="Ember", rating=(4.7, 88),
            attributes={"diameter": ("28 cm",), "material": ("cast iron",), "dishwasher safe": ("no",)},
            description="A heavy frying pan that lasts a lifetime."),
    product("pan-steel", "Flame 24", PAN, "42.00", brand="Ember", rating=(4.2, 23),
            attributes={"diameter": ("24 cm",), "material": ("steel",), "dishwasher safe": ("yes",)},
            description="A steel frying pan for every stove."),
    product("pan-egg", "Egg Pan", PAN, "19.00", brand="Oakley Home",
            attributes={"diameter": ("180 mm",), "material": ("aluminium",)}, description="A frying pan for one egg."),
    product("blocks-city", "City Builder", BLOCKS, "34.00", brand="Plocky", rating=(4.8, 301),
            attributes={"recommended age": ("from 4 years",), "material": ("wood",), "pieces": ("120",)},
            description="Building blocks for a whole city."),
    product("blocks-farm", "Little Farm", BLOCKS, "18.00", brand="Plocky", rating=(4.6, 95),
            attributes={"recommended age": ("from 2 years",), "material": ("wood",), "pieces": ("40",)},
            description="Building blocks with animals."),
    product("blocks-magnet", "Magnet Tiles", BLOCKS, "49.00", brand="Plocky", rating=(4.7, 140), stock=PRE,
            attributes={"recommended age": ("from 3 years",), "material": ("plastic",), "pieces": ("60",)},
            description="Magnetic building blocks in clear colours."),
    product("puzzle-map", "World Map", PUZZLE, "22.00", brand="Plocky", rating=(4.4, 52),
            attributes={"recommended age": ("from 6 years",), "pieces": ("200",)},
            description="A puzzle of the world."),
    product("puzzle-cat", "Sleeping Cat", PUZZLE, "12.00", brand="Plocky", rating=(4.9, 9),
            attributes={"recommended age": ("from 3 years",), "pieces": ("24",)}, description="A puzzle of a cat."),
    product("pack-day", "Day 20", BACKPACK, "55.00", brand="Tarn", rating=(4.3, 66), color=("black", "green"),
            attributes={"volume": ("20 l",), "material": ("nylon",), "weight": ("600 g",)},
            description="A backpack for a day in the hills."),
    product("pack-trek", "Trek 45", BACKPACK, "129.00", brand="Tarn", rating=(4.8, 34), color=("blue",),
            attributes={"volume": ("45 l",), "material": ("nylon",), "weight": ("1.4 kg",)},
            description="A backpack for a week, with a hip belt."),
    product("pack-school", "School", BACKPACK, "38.00", brand="Halden", color=("red", "blue"),
            attributes={"volume": ("18 l",), "material": ("polyester",), "weight": ("500 g",)},
            description="A backpack for school books."),
    product("blanket-merino", "Merino Throw", BLANKET, "95.00", brand="Fold", rating=(4.9, 58),
            color=("gray", "cream"), attributes={"material": ("wool",), "care": ("hand wash",)},
            description="A wool blanket of soft merino."),
    product("blanket-highland", "Highland", BLANKET, "70.00", brand="Fold", rating=(4.5, 26), color=("red", "green"),
            attributes={"material": ("wool",), "care": ("dry clean",)}, description="A wool blanket with a check."),
    product("blanket-picnic", "Picnic", BLANKET, "48.00", brand="Fold", rating=(4.1, 13), color=("blue",),
            attributes={"material": ("wool", "nylon"), "care": ("machine wash",)},
            description="A wool blanket with a waterproof back."),
]  # fmt: skip

GLOSSARY = """field,value,language,label
field,color,zh,颜色
field,size,zh,尺码
field,material,zh,材质
field,weight,zh,重量
department,Shoes,zh,鞋子
department,Shoes,zh,鞋
department,Kitchen,zh,厨房用品
department,Toys,zh,玩具
department,Bags,zh,箱包
department,Bedding,zh,床上用品
kind,Trail running shoes,zh,越野跑鞋
kind,Trail running shoes,zh,跑鞋
kind,Rain boots,zh,雨靴
kind,Sandals,zh,凉鞋
kind,Electric kettles,zh,电热水壶
kind,Frying pans,zh,平底锅
kind,Building blocks,zh,积木
kind,Puzzles,zh,拼图
kind,Backpacks,zh,背包
kind,Wool blankets,zh,羊毛毯
color,black,zh,黑色
color,white,zh,白色
color,blue,zh,蓝色
color,red,zh,红色
color,green,zh,绿色
color,gray,zh,灰色
material,wool,zh,羊毛
material,leather,zh,真皮
water protection,waterproof,zh,防水
water protection,water-resistant,zh,防泼水
"""

_DIMENSIONS = 2048  # so many that words hardly ever meet


class HashingEncoder:
    """Texts that share words have similar vectors: each word adds one of two signs at places its hash names."""

    def __init__(self, name: str = "hashing") -> None:
        self.name = name
        self.fingerprint = hashlib.sha256(name.encode()).hexdigest()[:12]
        self.dimensions = _DIMENSIONS
        self.encoded: list[str] = []  # every passage ever encoded, for tests of what is encoded anew

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors: (texts, dimensions)."""
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in enumerate(texts):
            for token in tokens(text) or [""]:
                digest = hashlib.sha256(f"{self.name} {token}".encode()).digest()
                for at in range(0, 12, 3):
                    place = int.from_bytes(digest[at : at + 2]) % self.dimensions
                    vectors[row, place] += 1 if digest[at + 2] % 2 else -1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-9)

    def passages(self, texts: Sequence[str], progress: bool = False) -> NDArray[np.float32]:
        """Unit vectors: (texts, dimensions)."""
        self.encoded += texts
        return self.queries(texts)


def write(shop: Path, products: Sequence[Product] = PRODUCTS, glossary: str = GLOSSARY) -> Path:
    """Write the toy's catalogue and glossary into the folder `shop`; returns it."""
    shop.mkdir(parents=True, exist_ok=True)
    Catalog.write(shop / "catalog.sqlite", products)
    (shop / "glossary.csv").write_text(glossary, "utf-8")
    return shop


def search(shop: Path, products: Sequence[Product] = PRODUCTS) -> Search:
    """The toy shop, written into the folder `shop`, indexed with the hashing encoder and opened."""
    encoder = HashingEncoder()
    update(write(shop, products), encoder)
    return Search.open(shop, encoder)
