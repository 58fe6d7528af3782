from __future__ import annotations

from decimal import Decimal

import pytest

from assistant.amounts import amounts, currency_of, number
from assistant.lexicon import lexicon


def read(text: str, language: str = "en", shop: str = "USD") -> list[tuple[str | None, str | None, str]]:
    return [
        (
            str(each.minimum) if each.minimum is not None else None,
            str(each.maximum) if each.maximum is not None else None,
            each.currency,
        )
        for each in amounts(text.casefold(), lexicon(language), shop)
    ]


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("waterproof trail shoes under $100, not black, size 9", (None, "100", "USD")),
        ("between 50 and 80 dollars", ("50", "80", "USD")),
        ("$50-$80", ("50", "80", "USD")),
        ("$80 to $50", ("50", "80", "USD")),
        ("at least 100 bucks", ("100", None, "USD")),
        ("my budget is 1,299.50", (None, "1299.50", "USD")),
        ("about €30", ("22.50", "37.50", "EUR")),
        ("1.299,00 €", (None, "1299.00", "EUR")),
        ("less than fifty dollars", (None, "50", "USD")),
        ("under two hundred", (None, "200", "USD")),
        ("under twenty five dollars", (None, "25", "USD")),
        ("under twenty-five dollars", (None, "25", "USD")),
        ("at most seventeen dollars", (None, "17", "USD")),
        ("two hundred and fifty dollars", (None, "250", "USD")),
        ("under a hundred and nineteen", (None, "119", "USD")),
        ("under two thousand three hundred and five dollars", (None, "2305", "USD")),
        ("under 1.5 thousand dollars", (None, "1500.0", "USD")),
        ("between one hundred and two hundred dollars", ("100", "200", "USD")),
        ("between two hundred and fifty and three hundred dollars", ("250", "300", "USD")),
        ("twenty to twenty-five dollars", ("20", "25", "USD")),
        ("for 50 and 80 dollars", (None, "80", "USD")),
        ("under $1.5k", (None, "1500.0", "USD")),
        ("20 euros or less", (None, "20", "EUR")),
        ("shoes 100$", (None, "100", "USD")),
        ("for 2 people under 40", (None, "40", "USD")),
        ("price under -5", (None, "-5", "USD")),
        ("boots under -$20", (None, "-20", "USD")),
        ("想给五岁女儿买生日礼物，200元以内", (None, "200", "CNY")),
        ("50到80元", ("50", "80", "CNY")),
        ("一百五以内", (None, "150", "USD")),
        ("不超过两百块", (None, "200", "CNY")),
        ("预算300", (None, "300", "USD")),
        ("100刀以内", (None, "100", "USD")),
        ("5000以上", ("5000", None, "USD")),
    ],
)
def test_an_amount_is_read_in_many_notations(text: str, limits: tuple[str | None, str | None, str]) -> None:
    assert read(text) == [limits]


@pytest.mark.parametrize(
    "text",
    [
        "size 9",
        "a 40 inch screen",
        "under 300 g",
        "3 items",
        "model 13 pro",
        "less than 20%",
        "20-30",
        "five-year-old",
        "42码",
        "2 to 4 people",
    ],
)
def test_a_number_that_is_no_money_is_left_alone(text: str) -> None:
    assert read(text) == []


def test_two_limits_stay_two() -> None:
    assert read("over $200 and under $50") == [("200", None, "USD"), (None, "50", "USD")]


def test_an_absurd_amount_is_capped_and_still_compares() -> None:
    ((_, maximum, _),) = read("under $" + "9" * 40)
    assert maximum is not None
    assert Decimal(maximum) == 10**12


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,299.00", "1299.00"),
        ("1.299,00", "1299.00"),
        ("12,5", "12.5"),
        ("1,000", "1000"),
        ("一百零五", "105"),
        ("一百五", "150"),
        ("两千三", "2300"),
        ("十二", "12"),
        ("三万", "30000"),
        ("2k", "2000"),
    ],
)
def test_a_number_as_written(text: str, value: str) -> None:
    assert number(text) == Decimal(value)


def test_a_sign_means_the_shops_own_currency_where_it_can() -> None:
    assert currency_of("$", "CAD") == "CAD"
    assert currency_of("$", "EUR") == "USD"
    assert currency_of("¥", "JPY") == "JPY"
    assert currency_of("¥", "USD") == "CNY"
    assert currency_of("pesos", "PHP") == "PHP"


@pytest.mark.parametrize(
    ("text", "language", "maximum"),
    [
        ("menos de treinta y cinco euros", "es", "35"),
        ("moins de cent vingt euros", "fr", "120"),
        ("unter hundert euro", "de", "100"),
    ],
)
def test_a_number_in_words_is_read_whole(text: str, language: str, maximum: str) -> None:
    assert read(text, language) == [(None, maximum, "EUR")]
