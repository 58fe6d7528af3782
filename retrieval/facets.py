"""What can be filtered on: the fields of a shop's products, their values, and numbers with units."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from retrieval.catalog import Availability, Product
from retrieval.errors import MerchantError

BUILT_IN = frozenset({"price", "department", "kind", "brand", "rating", "availability"})

# Share of a field's distinct values that must be numbers of one dimension for the field to be a number.
_NUMERIC = 0.8
# Names listed in an error message: enough to find one's own, few enough to read.
_NAMED = 12

# Size in the dimension's base unit, then its spellings. General language knowledge, not a shop's words.
_DIMENSIONS = {
    "mass": "0.001 mg 毫克; 1 g gr gram grams gramme grammes 克; 1000 kg kilo kilos kilogram kilograms 千克 公斤;"
    "500 斤; 453.59237 lb lbs pound pounds 磅; 28.349523125 oz ounce ounces 盎司",
    "length": "1 mm 毫米; 10 cm 厘米 公分; 1000 m metre metres meter meters 米; 1000000 km 公里 千米;"
    "25.4 in inch inches \" ″ 英寸 寸; 304.8 ft foot feet ' ′ 英尺; 914.4 yd yard yards; 1609344 mi mile miles 英里",
    "volume": "1 ml 毫升; 10 cl; 100 dl; 1000 l liter liters litre litres 升; 29.5735295625 floz;"
    "946.352946 qt quart quarts; 3785.411784 gal gallon gallons 加仑",
    "power": "1 w watt watts 瓦; 1000 kw 千瓦",
    "voltage": "0.001 mv; 1 v volt volts 伏; 1000 kv",
    "charge": "1 mah 毫安时; 1000 ah 安时",
    "energy": "1 wh 瓦时; 1000 kwh 千瓦时",
    "sound": "1 db decibel decibels dezibel 分贝",
    "frequency": "1 hz 赫兹; 1000 khz; 1000000 mhz; 1000000000 ghz",
    "data": "1 mb; 1024 gb; 1048576 tb",
    "pressure": "1 mbar; 1000 bar bars; 68.9476 psi",
    "time": "1 s sec secs second seconds 秒; 60 min mins minute minutes 分钟; 3600 h hr hrs hour hours 小时;"
    "86400 d day days 天; 604800 week weeks 周; 2629800 mo month months 个月 月; 31557600 y yr yrs year years 年 岁",
}
# unit -> (dimension, size, where its zero lies), the latter two in the dimension's base unit
_UNITS = {
    spelling: (dimension, float(entry.split()[0]), 0.0)
    for dimension, entries in _DIMENSIONS.items()
    for entry in entries.split(";")
    for spelling in entry.split()[1:]
}
_UNITS |= dict.fromkeys(("°c", "℃", "celsius", "degrees", "degree", "grad", "度", "摄氏度"), ("temperature", 1.0, 0.0))
_UNITS |= dict.fromkeys(("°f", "℉", "fahrenheit", "华氏度"), ("temperature", 5 / 9, -160 / 9))

_NUMBER = re.compile(r"([-+−]?\d[\d.,]*)\s*([^\W\d_]{1,12}|[\"″'′%]|°[CFcf]|[℃℉])?\.?", re.UNICODE)
_GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")


def _read(text: str) -> tuple[float, str] | None:
    """The number and unit ("" for none) that are the whole of `text`, or None."""
    found = _NUMBER.fullmatch(text.strip().replace("fl oz", "floz").replace("fl. oz", "floz"))
    if not found:
        return None
    digits = found[1].replace("−", "-")
    digits = digits.replace(",", "") if _GROUPED.fullmatch(digits) else digits.replace(",", ".")
    try:
        return float(digits), found[2] or ""
    except ValueError:
        return None


def _dimension_of(unit: str) -> str:
    folded = unit.casefold()
    return _UNITS[folded][0] if folded in _UNITS else folded


def _convert(number: float, unit: str, to: str) -> float | None:
    """`number` of `unit` in the unit `to`; a number without a unit is taken to be in `to`."""
    unit, to = unit.casefold(), to.casefold()
    if unit in ("", to):
        return number
    if _dimension_of(unit) != _dimension_of(to) or unit not in _UNITS or to not in _UNITS:
        return None
    _, size, offset = _UNITS[unit]
    _, wanted, zero = _UNITS[to]
    return round((number * size + offset - zero) / wanted, 9)


@dataclass(frozen=True)
class Field:
    """One filter.

    `values` maps each value, in the catalogue's spelling, to the number of products that have it; it is empty for
    price and rating. `number` says that values can be compared: `minimum` and `maximum` are then in `unit` (the
    unit most of the values are written in, None for bare numbers), and in minor units of the currency for price.
    `option` says that the variants of a product can differ in it.
    """

    name: str
    values: Mapping[str, int] = field(default_factory=dict)
    number: bool = False
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    option: bool = False


def readings(product: Product) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The named text values of a product as a whole: department, kind, brand, attributes; no field twice."""
    own = {"department": product.department, "kind": product.kind, "brand": product.brand}
    yield from ((name, (value,)) for name, value in own.items() if value)
    yield from ((name, values) for name, values in product.attributes.items() if name not in BUILT_IN)


class Facets:
    """The fields of a shop and how a value of each is read."""

    def __init__(self, currency: str, fields: Mapping[str, Field]) -> None:
        self.currency = currency
        self.fields = fields
        self._spellings = {name: {value.casefold(): value for value in found.values} for name, found in fields.items()}

    @classmethod
    def of(cls, products: Iterable[Product]) -> Self:
        """The facets of `products`, read once as a stream."""
        currency = ""
        counts: dict[str, Counter[str]] = {name: Counter() for name in ("department", "kind", "brand", "availability")}
        spelling: dict[tuple[str, str], str] = {}
        prices: list[int] = []
        ratings: list[float] = []
        options = {"price", "availability"}
        for product in products:
            options.update(name for name in product.options if name not in BUILT_IN)
            currency = product.offer.price.currency
            prices += (variant.price.amount for variant in product.variants)
            if product.rating:
                ratings.append(product.rating.value)
            present: dict[tuple[str, str], str] = {}
            for name, values in (*readings(product), *_options(product)):
                present.update({(name, value.casefold()): value for value in values})
            for variant in product.variants:
                present["availability", variant.availability.value] = variant.availability.value
            for (name, folded), value in present.items():
                counts.setdefault(name, Counter())[folded] += 1
                spelling.setdefault((name, folded), value)
        fields = {
            "price": Field("price", number=True, minimum=min(prices, default=None), maximum=max(prices, default=None)),
            "rating": Field(
                "rating", number=True, minimum=min(ratings, default=None), maximum=max(ratings, default=None)
            ),
        }
        for name, counter in counts.items():
            fields[name] = _field(name, {spelling[name, folded]: count for folded, count in counter.most_common()})
        return cls(currency, {name: replace(found, option=name in options) for name, found in fields.items()})

    def field(self, name: str) -> Field:
        """The field called `name`, whatever its case.

        Raises:
            MerchantError: no product has such a field; names those there are, nearest first.
        """
        known = self.fields.get(name.strip().casefold())
        if known is None:
            raise MerchantError(f"no product has {name!r}; the filters of this shop are {_nearest(name, self.fields)}")
        return known

    def value(self, name: str, value: str) -> str:
        """The catalogue's spelling of `value` of the field `name`, whatever its case.

        Raises:
            MerchantError: no such field, or no product has this value; names those there are, nearest first.
        """
        known = self.field(name)
        if known.name == "availability" and value.casefold() in {status.value for status in Availability}:
            return value.casefold()
        spelled = self._spellings[known.name].get(value.casefold())
        if spelled is None:
            if not known.values:
                raise MerchantError(f"{name} is compared by amount; give it a min or a max instead of {value!r}")
            raise MerchantError(f"no product has the {name} {value!r}; it can be {_nearest(value, known.values)}")
        return spelled

    def measure(self, name: str, text: str) -> float | None:
        """The number that `text` says, in the unit of the field `name`; "1.2 kg" is 1200.0 where that is g.

        A number without a unit is taken to be in the field's. None where `text` is no number, or one of another
        dimension, or the field is no number.
        """
        known = self.fields.get(name)
        found = _read(text)
        if known is None or not known.number or found is None:
            return None
        return _convert(*found, known.unit or "")

    def to_json(self) -> dict[str, Any]:
        """JSON values that `from_json` reads back to equal facets."""
        return {"currency": self.currency, "fields": [vars(each) for each in self.fields.values()]}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The facets that `to_json` wrote."""
        return cls(record["currency"], {each["name"]: Field(**each) for each in record["fields"]})


def _options(product: Product) -> Iterator[tuple[str, tuple[str, ...]]]:
    return ((name, values) for name, values in product.options.items() if name not in BUILT_IN)


def _field(name: str, values: dict[str, int]) -> Field:
    read = [found for found in map(_read, values) if found]
    if name in BUILT_IN or not read:
        return Field(name, values)
    dimension, count = Counter(_dimension_of(unit) for _, unit in read).most_common(1)[0]
    if count < _NUMERIC * len(values):
        return Field(name, values)
    unit = Counter(unit for _, unit in read if _dimension_of(unit) == dimension).most_common(1)[0][0]
    numbers = [number for number in (_convert(*found, unit) for found in read) if number is not None]
    return Field(name, values, number=True, unit=unit or None, minimum=min(numbers), maximum=max(numbers))


def _nearest(word: str, names: Iterable[str]) -> str:
    """At most a dozen `names`, those most like `word` first."""
    folded = word.casefold()
    listed = list(names)
    listed.sort(key=lambda name: difflib.SequenceMatcher(None, folded, name.casefold()).ratio(), reverse=True)
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return ", ".join(listed[:_NAMED]) + more
