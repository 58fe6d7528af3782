# ruff: noqa: E501 - the replies are read best one a line
"""True replies must pass sentence by sentence; planted faults must not, each found as its kind."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import pytest
from toy import GLOSSARY, PRODUCTS

from assistant.dialogue import Source
from assistant.grounding import ClaimKind, Evidence, Grounder, Verdict, sentences
from retrieval.facets import Facets
from retrieval.filters import Condition
from retrieval.glossary import Glossary, Label

SHOP = {product.id: product for product in PRODUCTS}
MORE_LABELS = """material,steel,zh,不锈钢
material,plastic,zh,塑料
material,glass,zh,玻璃
material,wood,zh,木头
material,wood,zh,木质
color,silver,zh,银色
color,moss,zh,苔绿色
field,capacity,zh,容量
field,power,zh,功率
field,volume,zh,容量
field,dishwasher safe,zh,洗碗机
field,care,zh,洗涤
"""
GROUNDER = Grounder(
    Facets.of(PRODUCTS),
    Glossary(Label(*row) for row in list(csv.reader(io.StringIO(GLOSSARY + MORE_LABELS)))[1:]),
    {product.id: product.title for product in PRODUCTS},
)
PASSAGES = (
    Source(
        "Returns",
        "How long",
        "You can return unworn items within 30 days of delivery. Refunds go to the card you paid with and take 5 to 7 "
        "working days. Sale items cannot be exchanged. Return postage is free.",
    ),
    Source(
        "Delivery",
        "Cost and time",
        "Standard delivery costs $4.90 and takes 3 to 5 working days. Express delivery costs $12.90 and takes 1 to 2 "
        "working days. Standard delivery is free for orders over $50.",
    ),
    Source("Warranty", "", "Everything we sell has a 2-year warranty."),
)


def scene(*ids: str, fitting: tuple[str, ...] | None = None, known: tuple[str, ...] = (), **more: object) -> Evidence:
    fits = ids if fitting is None else fitting
    return Evidence(products={each: SHOP[each] for each in (*ids, *fits, *known)}, slate=ids, fitting=fits, **more)  # type: ignore[arg-type]


RUNS = scene(
    "run-lynx",
    "run-fell",
    "run-brook",
    conditions=(Condition("price", maximum=10000), Condition("color", none_of=frozenset({"black"}))),
    shopper_text="trail shoes under $100, not black, size 9",
)
WET = scene("run-brook", "run-lynx", fitting=("run-brook", "run-lynx", "run-peak"), known=("run-fell",))
ONE = scene("run-brook", shopper_text="is the brook ok for wide feet? machine washable?")
KETTLES = scene("kettle-swift", "kettle-tea", "kettle-mini", known=("kettle-glass",))
PACKS = scene("pack-day", "pack-trek", "pack-school")
PANS = scene("pan-iron", "pan-steel")
TOYS = scene(
    "blocks-city",
    "blocks-farm",
    "puzzle-cat",
    fitting=("blocks-city", "blocks-farm", "puzzle-cat", "puzzle-map", "blocks-magnet"),
    shopper_text="想给五岁女儿买生日礼物，200元以内",
    facts={"": frozenset({"200元 = $27.60"})},
)
MOOR = scene("run-moor", "run-lynx", fitting=("run-lynx",))
DEAR = scene(
    "run-brook",
    fitting=(),
    conditions=(Condition("price", maximum=6000), Condition("water protection", any_of=frozenset({"waterproof"}))),
    shopper_text="anything waterproof under $60?",
)
POLICY = Evidence(
    passages=PASSAGES, facts={"": frozenset({"help@toy.example", "Toy Shop"})}, shopper_text="can I return shoes?"
)
NOTHING = Evidence(
    shopper_text="do you sell tents? I live in Norway", facts={"": frozenset({"help@toy.example", "Toy Shop"})}
)
SCENES: Mapping[str, Evidence] = {
    "runs": RUNS, "wet": WET, "one": ONE, "kettles": KETTLES, "packs": PACKS, "pans": PANS, "toys": TOYS, "moor": MOOR,
    "dear": DEAR, "policy": POLICY, "nothing": NOTHING,
}  # fmt: skip

# scene, language, reply; every sentence is true
TRUE = [
    ("runs", "en", "Three fit. The Lynx GTX in moss is fully waterproof and the best rated (4.7); the Fell Runner is $15 cheaper but only water-resistant. Do you run mostly on mud or on stones?"),
    ("runs", "en", "The cheapest is the Brook at $64. It is waterproof and comes in blue, sizes 9 and 10."),
    ("runs", "en", "I found three pairs under $100. The Brook is the cheapest at $64.00, and the Lynx GTX is the best rated at 4.7."),
    ("runs", "en", "The Lynx keeps water out and grips better; the Brook is 70 g lighter and $25 cheaper. For wet trails I'd take the Lynx."),
    ("runs", "en", "The Brook ($64), the Fell Runner ($74) and the Lynx GTX ($89) all fit."),
    ("runs", "en", "The Fell Runner is in stock in blue and gray, though gray is sold out in size 9."),
    ("runs", "en", "They range from $64 to $89. The Brook was $80, so you save $16."),
    ("runs", "en", "The Lynx and the Brook are waterproof. The Fell Runner isn't."),
    ("runs", "en", "The Lynx GTX weighs 320 g, the Fell Runner 280 g and the Brook 250 g."),
    ("runs", "en", "The Brook is lighter than the Lynx and cheaper too. It weighs 250 g."),
    ("runs", "en", "If you want something lighter, the Brook weighs 250 g."),
    ("runs", "en", "The Fell Runner is rated 4.4 by 98 reviewers, the Lynx 4.7 with 212 reviews."),
    ("runs", "en", "Two of them are waterproof: the Lynx GTX and the Brook."),
    ("runs", "en", "The second one is only water-resistant; the third is waterproof and the lightest."),
    ("runs", "en", "All three are made of mesh. Do you prefer blue or gray?"),
    ("runs", "en", "The Lynx is the heaviest at 320 g and the most expensive at $89."),
    ("runs", "en", "The Brook costs less than the Fell Runner and is better rated: 4.5 against 4.4."),
    ("runs", "en", "It's between the Lynx and the Brook: both are waterproof, and the Brook is $25 cheaper."),
    ("runs", "en", "The Lynx GTX comes in moss and black; since you don't want black, moss is the one. Moss is in stock in size 9, not in size 10."),
    ("runs", "en", "The Fell Runner and the Brook cost $74 and $64."),
    ("runs", "en", "Prices start at $64. Would you like to see the Brook first?"),
    ("runs", "en", "The Brook by Halden is $10 less than the Fell Runner by Norrvik."),
    ("runs", "en", "The Brook is 20% off at the moment, $64 instead of $80."),
    ("runs", "zh", "有三款符合。Lynx GTX防水，评分最高（4.7）；Fell Runner便宜15美元，但只是防泼水。"),
    ("runs", "zh", "最便宜的是Brook，64美元。它是防水的，有蓝色可选。"),
    ("runs", "zh", "Fell Runner 10码有现货，灰色和蓝色都可以选。"),
    ("runs", "zh", "Lynx GTX和Brook都防水，Brook比Lynx GTX轻70克，便宜25美元。"),
    ("runs", "zh", "Brook重250克，是三款里最轻的，价格也最低。"),
    ("runs", "zh", "一共找到三款100美元以内的越野跑鞋。评分最高的是Lynx GTX，4.7分，售价89美元。"),
    ("runs", "zh", "Fell Runner的灰色9码缺货，蓝色9码有货。"),
    ("runs", "zh", "Brook原价80美元，现在64美元，便宜了16美元。"),
    ("dear", "zh", "没有低于60美元的防水款，最接近的是Brook，64美元。"),
    ("runs", "zh", "第二款只是防泼水，第三款才防水。您主要跑泥地还是石子路？"),
    ("wet", "en", "The cheapest waterproof pair is the Brook at $64. Below that they are water-resistant only."),
    ("wet", "en", "Three waterproof pairs fit; here are two. The Peak Pro is the best rated at 4.9 but costs $139."),
    ("wet", "en", "The Peak Pro is $75 more than the Brook. It comes in red only."),
    ("wet", "zh", "防水的有三款，这里先看两款。Peak Pro评分4.9，比Brook贵75美元。"),
    ("one", "en", "Yes, the Brook comes in a wide last. It's $64 and in stock in sizes 9 and 10."),
    ("one", "en", "The description doesn't say whether it is machine washable. The Brook is made of mesh."),
    ("one", "en", "It doesn't come in size 8. Sizes 9 and 10 are in stock."),
    ("one", "en", "It isn't available in red. Blue is the only colour."),
    ("one", "en", "The description doesn't mention a lining. It weighs 250 g."),
    ("one", "zh", "描述里没有提到能不能机洗。Brook的材质是mesh，重量250克。"),
    ("one", "zh", "有的，Brook有9码和10码，都是蓝色，都有现货。没有黑色。"),
    ("kettles", "en", "Three kettles fit. The Mini is the cheapest at $25 and holds 600 ml; the Tea Master is the best rated, at 4.8."),
    ("kettles", "en", "The Swift holds 1.7 l, the most of the three, and has 2200 W. The Tea Master is steel."),
    ("kettles", "en", "The Clear at $49 is sold out at the moment. The Swift is $10 cheaper and in stock."),
    ("kettles", "en", "The Tea Master keeps the water at the temperature you set; it costs $40 more than the Swift."),
    ("kettles", "en", "The Swift boils a full jug in four minutes. It comes in white and black."),
    ("kettles", "en", "The Swift and the Mini are plastic; the Tea Master is steel. Is capacity or speed what matters?"),
    ("kettles", "zh", "三款都有现货。Mini最便宜，25美元，容量600毫升；Tea Master评分最高，4.8分，是不锈钢的。"),
    ("kettles", "zh", "Swift容量1.7升，是三款中最大的，功率2200瓦。Clear目前缺货。"),
    ("packs", "en", "The Trek 45 holds 45 litres and weighs 1.4 kg; the School is the lightest at 500 g. The Day 20 is $55."),
    ("packs", "en", "The Trek 45 is the only one over $100. The Day 20 comes in black and green."),
    ("packs", "zh", "Trek 45容量45升，重1.4公斤；School最轻，只有500克。Day 20有黑色和绿色。"),
    ("packs", "en", "The School is 100 g lighter than the Day 20 and $17 cheaper."),
    ("pans", "en", "The Flame 24 is dishwasher safe, the Hearth 28 is not. The Hearth 28 is cast iron and 28 cm across."),
    ("pans", "zh", "Flame 24可以用洗碗机，直径24厘米；Hearth 28是铸铁的吗？"),
    ("toys", "zh", "五岁左右比较合适的有这三样：积木适合爱动手的孩子，拼图在家随时能玩。她平时更喜欢搭东西还是画画？"),
    ("toys", "zh", "City Builder适合4岁以上，34美元，有120块；Little Farm更便宜，18美元。"),
    ("toys", "en", "Five fit, and here are three. Little Farm is $18 and from 2 years; City Builder has 120 pieces."),
    ("toys", "en", "The Sleeping Cat is the cheapest of these at $12, with 24 pieces. It is rated 4.9, though by only 9 reviewers."),
    ("moor", "en", "The Moor is sold out. The Lynx GTX is in stock at $89, $10 less."),
    ("moor", "zh", "Moor已经卖完了。Lynx GTX有现货，89美元。"),
    ("dear", "en", "Nothing waterproof under $60; the closest is $64."),
    ("dear", "en", "No waterproof pair is under $60. The Brook comes closest, at $64."),
    ("dear", "zh", "60美元以内没有防水的。最接近的是Brook，64美元。"),
    ("policy", "en", "Yes. You can return unworn items within 30 days. Refunds take 5 to 7 working days."),
    ("policy", "en", "Standard delivery is $4.90 and takes 3 to 5 working days; express is $12.90. Over $50 standard delivery is free."),
    ("policy", "en", "Sale items cannot be exchanged. Return postage is free."),
    ("policy", "en", "Everything has a 2-year warranty. You can write to help@toy.example."),
    ("policy", "zh", "30天内未使用的商品可以退货，退款需要5到7个工作日。退货免运费。"),
    ("policy", "zh", "标准配送4.90美元，3到5个工作日送达。满50美元免运费。"),
    ("policy", "en", "Our pages don't say anything about gift wrapping. I can ask a person if you like."),
    ("nothing", "en", "No tents here. For camping we carry backpacks, blankets and kettles."),
    ("nothing", "en", "We don't carry tents. We do have backpacks and wool blankets, if that helps."),
    ("nothing", "en", "Hello! I can help you find products and answer questions about delivery and returns. What are you looking for?"),
    ("nothing", "en", "I can't set prices or give discounts. Our pages don't say whether we ship to Norway."),
    ("nothing", "zh", "您好，想找点什么？我可以帮您挑选商品，也能解答配送和退货方面的问题。"),
    ("nothing", "zh", "我们没有帐篷。我们有背包、羊毛毯和电热水壶。"),
    ("nothing", "en", "You're welcome. Anything else?"),
    ("runs", "es", "Hay tres. El Brook es el más barato: cuesta 64 $ y pesa 250 g."),
    ("runs", "fr", "Trois modèles conviennent. Le Brook est le moins cher, à 64 $."),
    ("runs", "de", "Drei Paare passen. Der Brook ist am günstigsten und kostet 64 $."),
]  # fmt: skip

P, S, R, A, N, C, U, M, L, X = (
    ClaimKind.PRICE, ClaimKind.STOCK, ClaimKind.RATING, ClaimKind.ATTRIBUTE, ClaimKind.NAME, ClaimKind.COUNT,
    ClaimKind.SUPERLATIVE, ClaimKind.COMPARISON, ClaimKind.POLICY, ClaimKind.NUMBER,
)  # fmt: skip

# kind of the fault, scene, language, reply; its last sentence is false
FALSE = [
    (P, "runs", "en", "The Brook costs $74."),
    (P, "runs", "en", "The cheapest is the Brook at $69."),
    (P, "runs", "en", "The Lynx GTX is waterproof and $98."),
    (P, "runs", "en", "The Brook ($64), the Fell Runner ($89) and the Lynx GTX ($74) all fit."),
    (P, "runs", "en", "The Fell Runner and the Brook cost $64 and $74."),
    (P, "runs", "en", "They range from $54 to $89."),
    (P, "runs", "en", "Prices start at $49."),
    (P, "runs", "en", "The Brook was $90, now $64."),
    (P, "runs", "en", "The Brook is the one. It costs $74."),
    (P, "runs", "en", "The Brook costs $80."),
    (P, "runs", "en", "The Brook is 64 euros."),
    (P, "runs", "en", "The Lynx is under $80."),
    (P, "runs", "en", "The cheapest is $74."),
    (P, "runs", "en", "For $64, the Lynx keeps water out."),
    (P, "runs", "zh", "最便宜的是Brook，46美元。"),
    (P, "runs", "zh", "Brook售价64元。"),
    (P, "runs", "zh", "Lynx GTX七十四美元。"),
    (P, "runs", "zh", "Brook原价90美元，现在64美元。"),
    (P, "kettles", "zh", "Mini最便宜，52美元。"),
    (P, "kettles", "en", "The Swift is $25."),
    (P, "packs", "en", "The Day 20 is $129."),
    (P, "dear", "en", "Nothing waterproof under $60; the closest is $62."),
    (P, "dear", "en", "Nothing waterproof under $50."),
    (P, "runs", "es", "El Brook cuesta 74 $."),
    (P, "runs", "de", "Der Brook kostet 74 $."),
    (S, "runs", "en", "The Fell Runner is in stock in gray, size 9."),
    (S, "runs", "en", "The Brook is sold out."),
    (S, "moor", "en", "The Moor is in stock."),
    (S, "moor", "en", "I'd take the Moor: it is warm and waterproof."),
    (S, "moor", "zh", "Moor有现货，99美元。"),
    (S, "moor", "zh", "推荐Moor，它很保暖。"),
    (S, "moor", "en", "The Lynx GTX is out of stock."),
    (S, "runs", "en", "The Lynx GTX is available in moss, size 10."),
    (S, "runs", "zh", "Fell Runner的灰色9码有货。"),
    (S, "runs", "zh", "Brook已售罄。"),
    (S, "kettles", "en", "The Clear is available at $49."),
    (S, "kettles", "en", "The cheapest glass kettle is the Clear at $49."),
    (S, "kettles", "zh", "Clear有现货，49美元。"),
    (S, "runs", "en", "Only 3 left of the Brook."),
    (S, "one", "en", "Size 9 is sold out."),
    (S, "one", "en", "The Brook is available in size 8."),
    (S, "toys", "en", "City Builder is on pre-order."),
    (S, "kettles", "en", "All three are sold out."),
    (R, "runs", "en", "The Lynx GTX is rated 4.9."),
    (R, "runs", "en", "The Lynx GTX is the best rated (4.5)."),
    (R, "runs", "en", "The Brook has 4.7 stars."),
    (R, "runs", "en", "The Fell Runner is rated 4.4 by 212 reviewers."),
    (R, "runs", "en", "The Brook scores 4.5 out of 5 from 98 reviews."),
    (R, "runs", "zh", "Lynx GTX评分4.4。"),
    (R, "runs", "zh", "评分最高的是Lynx GTX，4.8分。"),
    (R, "kettles", "zh", "Tea Master评分最高，4.5分。"),
    (R, "kettles", "en", "The Tea Master is rated 4.0/5."),
    (R, "wet", "en", "The Peak Pro is rated 4.8 but costs $139."),
    (R, "toys", "en", "The Sleeping Cat is rated 4.9 by 90 reviewers."),
    (R, "runs", "zh", "Brook有212条评价。"),
    (A, "runs", "en", "The Fell Runner is waterproof."),
    (A, "runs", "en", "The Lynx GTX in blue is waterproof."),
    (A, "runs", "en", "The Brook comes in red."),
    (A, "runs", "en", "The Brook is only water-resistant."),
    (A, "runs", "en", "The Brook isn't waterproof."),
    (A, "runs", "en", "The Lynx GTX weighs 250 g."),
    (A, "runs", "en", "All three are waterproof."),
    (A, "runs", "en", "The Lynx and the Fell Runner are both waterproof."),
    (A, "runs", "en", "All three are made of leather."),
    (A, "runs", "en", "The Brook is made by Norrvik."),
    (A, "runs", "en", "The Brook is the cheapest. It comes in black."),
    (A, "runs", "zh", "Fell Runner是防水的。"),
    (A, "runs", "zh", "Brook有黑色可选。"),
    (A, "runs", "zh", "Brook重320克。"),
    (A, "runs", "zh", "三款都防水。"),
    (A, "runs", "zh", "Lynx GTX不防水。"),
    (A, "runs", "zh", "Brook是真皮的。"),
    (A, "one", "en", "It comes in size 8."),
    (A, "one", "en", "It doesn't come in size 9."),
    (A, "one", "en", "The description doesn't say whether it is waterproof."),
    (A, "one", "en", "The description doesn't mention a wide last."),
    (A, "one", "en", "Yes, it is machine washable."),
    (A, "one", "zh", "描述里没有提到是否防水。"),
    (A, "one", "zh", "Brook有8码。"),
    (A, "one", "en", "It is breathable and vegan."),
    (A, "kettles", "en", "The Tea Master is plastic."),
    (A, "kettles", "en", "The Swift holds 1 l."),
    (A, "kettles", "en", "The Swift has 1500 W."),
    (A, "kettles", "en", "The Swift boils a full jug in two minutes."),
    (A, "kettles", "zh", "Tea Master是塑料的。"),
    (A, "kettles", "zh", "Mini容量1.7升。"),
    (A, "packs", "en", "The School holds 20 litres."),
    (A, "packs", "en", "The Day 20 comes in blue."),
    (A, "packs", "zh", "School重1.4公斤。"),
    (A, "pans", "en", "The Hearth 28 is dishwasher safe."),
    (A, "pans", "en", "The Flame 24 is not dishwasher safe."),
    (A, "pans", "en", "The Flame 24 is cast iron."),
    (A, "pans", "zh", "Hearth 28可以用洗碗机。"),
    (A, "toys", "zh", "City Builder适合2岁以上。"),
    (A, "toys", "en", "Little Farm is from 4 years."),
    (A, "wet", "en", "The Peak Pro comes in blue."),
    (N, "runs", "en", "The Cheetah is the cheapest at $64."),
    (N, "runs", "en", "Zorblax is the cheapest at $64."),
    (N, "runs", "en", "The Peak Pro is $139."),
    (N, "runs", "en", "The Brook Pro costs $64."),
    (N, "runs", "en", "I'd take the Lynx Runner for mud."),
    (N, "runs", "en", "The Lynx GTX 2 is waterproof."),
    (N, "runs", "zh", "最便宜的是Cheetah，64美元。"),
    (N, "runs", "zh", "Peak Pro也不错。"),
    (N, "runs", "zh", "Brook Pro售价64美元。"),
    (N, "kettles", "en", "The Tea Maker is the best rated."),
    (N, "kettles", "en", "The Storm is $39."),
    (N, "packs", "en", "The Trek 65 is $129."),
    (N, "toys", "zh", "City Maker适合4岁以上。"),
    (N, "runs", "en", "The fourth one is waterproof."),
    (N, "wet", "en", "The Arctic Fox is warmer."),
    (N, "runs", "en", "We also have “Fell Flyer” for dry days."),
    (P, "runs", "en", "The Brook is the cheapest and the Lynx GTX costs $64."),
    (A, "runs", "en", "The Fell Runner, at $74, is fully waterproof."),
    (R, "runs", "en", "The Brook is rated 4.4, the Fell Runner 4.5."),
    (A, "kettles", "en", "The Swift is steel; the Tea Master is plastic."),
    (A, "packs", "en", "The Trek 45 weighs 600 g and the Day 20 1.4 kg."),
    (P, "kettles", "zh", "Swift 79美元，Tea Master 39美元。"),
    (C, "runs", "en", "Four fit."),
    (C, "runs", "en", "Two fit."),
    (C, "runs", "en", "I found five pairs under $100."),
    (C, "runs", "en", "Three of them are waterproof."),
    (C, "runs", "en", "Two are under $70."),
    (C, "runs", "zh", "有四款符合。"),
    (C, "runs", "zh", "一共找到5款越野跑鞋。"),
    (C, "runs", "zh", "其中一款防水，另外三款防泼水。"),
    (C, "wet", "en", "Two waterproof pairs fit."),
    (C, "wet", "en", "Only one fits."),
    (C, "toys", "en", "Three fit."),
    (C, "toys", "en", "Five fit, and here are four."),
    (C, "runs", "en", "Nothing fits."),
    (C, "runs", "en", "Nothing waterproof under $100."),
    (C, "runs", "zh", "没有符合的商品。"),
    (C, "one", "en", "It comes in three colours."),
    (C, "one", "en", "The Brook comes in five sizes."),
    (C, "runs", "es", "Hay cuatro modelos."),
    (C, "nothing", "en", "We don't carry backpacks."),
    (U, "runs", "en", "The Lynx GTX is the cheapest."),
    (U, "runs", "en", "The cheapest is the Fell Runner at $74."),
    (U, "runs", "en", "The Brook is the best rated."),
    (U, "runs", "en", "The Fell Runner is the lightest at 280 g."),
    (U, "runs", "en", "The Brook is the most expensive."),
    (U, "runs", "en", "The cheapest waterproof pair is the Lynx GTX at $89."),
    (U, "wet", "en", "The Lynx GTX is the best rated at 4.7."),
    (U, "wet", "en", "The Lynx GTX is the heaviest."),
    (U, "runs", "zh", "最便宜的是Fell Runner，74美元。"),
    (U, "runs", "zh", "评分最高的是Brook，4.5分。"),
    (U, "runs", "zh", "Lynx GTX是三款里最轻的。"),
    (U, "kettles", "en", "The Mini holds the most."),
    (U, "kettles", "en", "The Swift is the best rated of the three."),
    (U, "kettles", "zh", "Mini容量最大。"),
    (U, "packs", "en", "The Day 20 is the lightest."),
    (U, "packs", "en", "The School is the most durable."),
    (U, "toys", "en", "The Little Farm is the cheapest of these at $18."),
    (U, "runs", "fr", "Le Lynx est le moins cher."),
    (U, "runs", "de", "Der Lynx ist am günstigsten."),
    (M, "runs", "en", "The Fell Runner is $20 cheaper than the Lynx."),
    (M, "runs", "en", "The Lynx is lighter than the Brook."),
    (M, "runs", "en", "The Brook is 40 g lighter than the Lynx."),
    (M, "runs", "en", "The Brook costs more than the Fell Runner."),
    (M, "runs", "en", "The Lynx GTX is waterproof; the Fell Runner is $15 more expensive."),
    (M, "runs", "en", "The Fell Runner is better rated than the Brook."),
    (M, "runs", "zh", "Fell Runner比Lynx GTX便宜25美元。"),
    (M, "runs", "zh", "Lynx GTX比Brook轻70克。"),
    (M, "runs", "zh", "Brook比Fell Runner贵10美元。"),
    (M, "runs", "zh", "Fell Runner比Brook评分更高。"),
    (M, "wet", "en", "The Peak Pro is $57 more than the Brook."),
    (M, "kettles", "en", "The Mini is larger than the Swift."),
    (M, "kettles", "en", "The Tea Master costs $30 more than the Swift."),
    (M, "packs", "en", "The School is 500 g lighter than the Day 20."),
    (M, "packs", "en", "The Day 20 is heavier than the Trek 45."),
    (M, "runs", "en", "The Lynx and the Brook cost the same."),
    (M, "runs", "en", "The Lynx is softer than the Brook."),
    (M, "moor", "en", "The Moor is sold out. The Lynx GTX is $20 less."),
    (L, "policy", "en", "You can return unworn items within 60 days."),
    (L, "policy", "en", "Refunds take 3 to 5 working days."),
    (L, "policy", "en", "Standard delivery is $12.90."),
    (L, "policy", "en", "Express delivery takes 3 to 5 working days."),
    (L, "policy", "en", "Standard delivery is free for orders over $30."),
    (L, "policy", "en", "Everything has a 5-year warranty."),
    (L, "policy", "en", "Sale items can be exchanged."),
    (L, "policy", "en", "Everything has a lifetime warranty."),
    (L, "policy", "en", "You get a 10% discount on your next order."),
    (L, "policy", "en", "You can pay in installments."),
    (L, "policy", "en", "Gift wrapping is available."),
    (L, "policy", "en", "We offer a price match."),
    (L, "policy", "en", "You can write to info@toy.example."),
    (L, "policy", "zh", "60天内可以退货。"),
    (L, "policy", "zh", "退款需要3到4周。"),
    (L, "policy", "zh", "满30美元免运费。"),
    (L, "policy", "zh", "我们提供终身保修。"),
    (L, "policy", "zh", "可以分期付款。"),
    (L, "nothing", "en", "Delivery is free."),
    (L, "nothing", "en", "You can return it within 30 days."),
    (L, "runs", "en", "The Brook comes with a 2-year warranty."),
    (L, "runs", "en", "The Brook ships free."),
    (L, "runs", "zh", "Brook包邮。"),
    (X, "runs", "en", "The Brook has 12 lugs."),
    (X, "one", "en", "It has four pockets."),
    (X, "runs", "en", "The Lynx GTX is rated IP67."),
    (X, "runs", "zh", "Brook有12个鞋钉。"),
    (X, "nothing", "en", "More than 5000 shoppers trust us."),
]  # fmt: skip


def verdicts(scene_name: str, language: str, reply: str) -> list[Verdict]:
    check = GROUNDER.begin(SCENES[scene_name], language)
    return [check.check(sentence) for sentence in sentences([reply])]


@pytest.mark.parametrize(("where", "language", "reply"), TRUE)
def test_true_replies_pass(where: str, language: str, reply: str) -> None:
    failed = [
        (v.sentence, [c for c in v.claims if not c.supported])
        for v in verdicts(where, language, reply)
        if not v.grounded
    ]
    assert not failed


@pytest.mark.parametrize(("kind", "where", "language", "reply"), FALSE)
def test_planted_faults_do_not(kind: ClaimKind, where: str, language: str, reply: str) -> None:
    *before, last = verdicts(where, language, reply)
    assert all(verdict.grounded for verdict in before)
    assert not last.grounded, last.claims
