from __future__ import annotations

from pathlib import Path

import pytest

from retrieval.errors import MerchantError
from retrieval.glossary import Glossary


def read(folder: Path, text: str | bytes) -> Glossary:
    path = folder / "glossary.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Glossary.open(path)


def test_first_label_is_for_wording_and_all_are_found(tmp_path: Path) -> None:
    glossary = read(
        tmp_path,
        "field,value,language,label\nkind,Trail shoes,zh,越野跑鞋\nkind,Trail shoes,zh,跑鞋\n"
        "kind,Trail shoes,de,Laufschuhe\nfield,kind,zh,品类\n",
    )
    assert glossary.label("kind", "trail SHOES", "zh") == "越野跑鞋"
    assert glossary.label("kind", "Trail shoes", "fr") == "Trail shoes"
    assert glossary.label("field", "kind", "zh") == "品类"
    assert glossary.labels("Kind", "Trail shoes") == (("zh", "越野跑鞋"), ("zh", "跑鞋"), ("de", "Laufschuhe"))
    assert [row.label for row in glossary.values("de")] == ["Laufschuhe"]
    assert len(list(glossary.values())) == 4


def test_a_missing_file_is_an_empty_glossary(tmp_path: Path) -> None:
    glossary = Glossary.open(tmp_path / "glossary.csv")
    assert glossary.label("color", "red", "zh") == "red"
    assert list(glossary.values()) == []
    assert glossary.fingerprint == Glossary().fingerprint


def test_byte_order_mark_blank_lines_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    glossary = read(tmp_path, "\ufefffield,value,language,label\r\n\r\ncolor,red,ZH,红色\r\n")
    assert glossary.label("color", "red", "zh") == "红色"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "row 1"),
        ("field,label\n", "field,value,language,label"),
        ("field,value,language,label\ncolor,red,zh,红\ncolor,blue,zh\n", "row 3"),
        ("field,value,language,label\ncolor,,zh,红\n", "row 2"),
        ("field,value,language,label\ncolor,red,zh,红".encode("gbk"), "UTF-8"),
    ],
)
def test_a_bad_file_is_refused_with_its_row(tmp_path: Path, text: str | bytes, named: str) -> None:
    with pytest.raises(MerchantError, match=named):
        read(tmp_path, text)


def test_the_fingerprint_changes_with_any_label(tmp_path: Path) -> None:
    one = read(tmp_path, "field,value,language,label\ncolor,red,zh,红\n").fingerprint
    assert one == read(tmp_path, "field,value,language,label\n\ncolor,red,zh,红\n").fingerprint
    assert one != read(tmp_path, "field,value,language,label\ncolor,red,zh,红色\n").fingerprint
