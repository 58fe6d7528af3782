from __future__ import annotations

import json

import pytest
import toy

from retrieval.errors import MerchantError
from retrieval.facets import Facets


@pytest.fixture(scope="module")
def facets() -> Facets:
    return Facets.of(toy.PRODUCTS)


def test_fields_are_the_built_in_ones_and_what_the_products_have(facets: Facets) -> None:
    assert facets.currency == "USD"
    assert list(facets.fields)[:6] == ["price", "rating", "department", "kind", "brand", "availability"]
    assert {"color", "size", "material", "weight", "capacity"} < set(facets.fields)
    assert facets.fields["department"].values == {"Shoes": 12, "Kitchen": 7, "Toys": 5, "Bags": 3, "Bedding": 3}
    assert facets.fields["kind"].values["Rain boots"] == 3


def test_a_product_counts_once_for_a_value_that_several_variants_have(facets: Facets) -> None:
    assert facets.fields["size"].values["8"] == 7
    assert facets.fields["availability"].values == {"in_stock": 27, "out_of_stock": 4, "preorder": 1}


def test_values_that_differ_in_case_are_one(facets: Facets) -> None:
    red = toy.product("a", "A", ("X",), "1", attributes={"finish": ("Matte",)})
    also = toy.product("b", "B", ("X",), "1", attributes={"finish": ("matte", "MATTE")})
    assert Facets.of([red, also]).fields["finish"].values == {"Matte": 2}


def test_options_are_told_from_attributes(facets: Facets) -> None:
    assert {name for name, field in facets.fields.items() if field.option} == {"price", "availability", "color", "size"}


def test_a_field_of_measures_is_a_number_in_its_most_common_unit(facets: Facets) -> None:
    weight = facets.fields["weight"]
    assert (weight.number, weight.unit, weight.minimum, weight.maximum) == (True, "g", 180, 1400)
    assert (facets.fields["capacity"].unit, facets.fields["capacity"].minimum) == ("l", 0.6)
    assert facets.fields["power"].unit == "W"
    assert (facets.fields["pieces"].number, facets.fields["pieces"].unit) == (True, None)
    assert not facets.fields["color"].number
    assert not facets.fields["brand"].number
    assert (facets.fields["price"].minimum, facets.fields["price"].maximum) == (1200, 13900)


@pytest.mark.parametrize(
    ("field", "text", "amount"),
    [
        ("weight", "1.2 kg", 1200),
        ("weight", "1,2kg", 1200),
        ("weight", "1,200 g", 1200),
        ("weight", "500", 500),
        ("weight", "2 lbs", 907.18474),
        ("weight", "半斤", None),
        ("weight", "1公斤", 1000),
        ("weight", "3 W", None),
        ("weight", "heavy", None),
        ("weight", "1.2.3 kg", None),
        ("capacity", "750毫升", 0.75),
        ("color", "3", None),
        ("nothing", "3", None),
        ("pieces", "50", 50),
        ("pieces", "50 g", None),
    ],
)
def test_measure_reads_amounts_in_the_unit_of_the_field(
    facets: Facets, field: str, text: str, amount: float | None
) -> None:
    assert facets.measure(field, text) == (pytest.approx(amount) if amount is not None else None)


def test_temperatures_and_units_nobody_listed_are_measured_too() -> None:
    bags = [
        toy.product(str(at), "Bag", ("Beds", "Sleeping bags"), "1", attributes={"comfort": (warm,), "fill": (fill,)})
        for at, (warm, fill) in enumerate([("-5 °C", "600 cuin"), ("0 °C", "800 cuin"), ("41 °F", "750 cuin")])
    ]
    facets = Facets.of(bags)
    assert (facets.fields["comfort"].minimum, facets.fields["comfort"].maximum) == (-5, 5)
    assert facets.measure("comfort", "14 °F") == pytest.approx(-10)
    assert (facets.fields["fill"].unit, facets.measure("fill", "700 cuin")) == ("cuin", 700)


def test_free_text_with_some_numbers_is_no_number() -> None:
    notes = [
        toy.product(str(at), "Thing", ("X",), "1", attributes={"note": (note,)})
        for at, note in enumerate(["3", "4", "10 x 20 cm", "large"])
    ]
    assert not Facets.of(notes).fields["note"].number


def test_an_unknown_field_or_value_names_the_nearest_first(facets: Facets) -> None:
    with pytest.raises(MerchantError, match=r"'colour'.* are color,"):
        facets.field("colour")
    with pytest.raises(MerchantError, match=r"'blak'.* can be black,"):
        facets.value("color", "blak")
    with pytest.raises(MerchantError, match=r"and \d+ more$"):
        facets.field("x")
    assert facets.value(" Color ", "BLACK") == "black"
    assert facets.value("availability", "discontinued") == "discontinued"


def test_json_reads_back_to_equal_facets(facets: Facets) -> None:
    again = Facets.from_json(json.loads(json.dumps(facets.to_json())))
    assert again.currency == facets.currency
    assert dict(again.fields) == dict(facets.fields)


def test_no_products_have_no_facets() -> None:
    empty = Facets.of([])
    assert empty.currency == ""
    assert empty.fields["price"].minimum is None
