"""What shoppers call the demo shop's departments, kinds, colors and attributes, in five languages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from assistant.demo_shop.tables import departments, rows, table, words
from retrieval.catalog import Product

LANGUAGES = ("zh", "es", "fr", "de", "en")


def glossary(products: Iterable[Product]) -> Iterator[tuple[str, str, str, str]]:
    """Rows (field, value, language, label): what shoppers call the shop's fields and values, best label first."""
    for department in departments():
        named = [("department", department["department"], department)]
        named += [("kind", entry["name"], entry) for entry in department["kinds"]]
        for field, value, entry in named:
            for language in LANGUAGES:
                yield from ((field, value, language, label) for label in words(entry.get(language, "")))
    families = {row["family"]: row for row in rows("families")}
    for row in rows("colors"):
        for language in LANGUAGES:
            own = [label for label in row[language].split("|") if label]
            wider = [
                family if language == "en" else families[family][language] for family in row["families"].split("|")
            ]
            for label in dict.fromkeys([*own, *wider]):
                if label.casefold() != row["color"].casefold() or language != "en":
                    yield "color", row["color"], language, label
    shoes = table("common")["sizes"]["shoes"]
    for size, european in zip(shoes["values"], shoes["european"], strict=True):
        for language, label in (("zh", "{}码"), ("es", "talla {}"), ("fr", "pointure {}"), ("de", "Größe {}")):
            yield "size", size, language, label.format(european)
        yield "size", size, "en", f"EU {european}"
    spoken = table("words")
    for language in LANGUAGES:
        for field, values in spoken.get(language, {}).items():
            for value, labels in values.items():
                yield from ((field, value, language, label) for label in words(labels))
    for field in _yes_no(products):  # the field's own names are ways to say yes
        names = spoken["zh"]["field"][field]
        yield from ((field, "yes", "zh", label) for label in ["是", *words(names)])
        yield field, "no", "zh", "否"
        yield from ((field, "yes", "en", label) for label in [field, *words(spoken["en"]["field"].get(field, ""))])


def _yes_no(products: Iterable[Product]) -> list[str]:
    """The attributes that are answered with yes or no."""
    values: dict[str, set[str]] = {}
    for product in products:
        for name, stated in product.attributes.items():
            values.setdefault(name, set()).update(stated)
    return [name for name, stated in values.items() if stated <= {"yes", "no"}]
