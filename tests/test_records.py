"""Reading files: container, encoding and compression told from the bytes, and broken files refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from retrieval.errors import MerchantError
from retrieval.records import RECORD_LIMIT, FeedFile, Record, Shape

RSS = (
    '<rss xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>'
    "<item><title>Plain</title><g:title>Näher</g:title><g:id>1</g:id><g:tag>a</g:tag><g:tag>b</g:tag></item>"
    "<item><g:id>2</g:id><g:detail><g:name>n</g:name></g:detail><description><p>x</p></description></item>"
    "</channel></rss>"
)


def records(tmp_path: Path, content: str | bytes, name: str = "feed") -> list[Record]:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(FeedFile(path))


def values(tmp_path: Path, content: str | bytes, name: str = "feed") -> list[dict[str, Any]]:
    return [dict(record.fields) for record in records(tmp_path, content, name)]


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|"])
def test_a_table_with_any_delimiter(tmp_path: Path, delimiter: str) -> None:
    text = "ID |Title |Price\r\n\r\n1|Näher|5\r\n2|\r\n".replace("|", delimiter)
    found = records(tmp_path, text)
    assert [(record.row, dict(record.fields)) for record in found] == [
        (3, {"id": "1", "title": "Näher", "price": "5"}),
        (4, {"id": "2", "title": ""}),
    ]


def test_a_cell_holds_delimiters_quotes_and_lines(tmp_path: Path) -> None:
    assert values(tmp_path, 'id,title\n1,"a, ""b""\nc"\n2,5" nails\n') == [
        {"id": "1", "title": 'a, "b"\nc'},
        {"id": "2", "title": '5" nails'},
    ]


def test_a_row_with_other_cells_than_the_header_is_at_fault(tmp_path: Path) -> None:
    long, merged, good = records(tmp_path, "id,title\n1,a,b\n2;b\n3,c\n")
    assert long.fault is not None
    assert "3 cells and the header 2" in long.fault.cure
    assert merged.fault is not None
    assert (good.row, good.fault) == (4, None)


def test_columns_of_one_name_are_a_list(tmp_path: Path) -> None:
    assert values(tmp_path, "id,image,image,image\n1,a,,b\n") == [{"id": "1", "image": ["a", "b"]}]


@pytest.mark.parametrize(
    ("content", "noted"),
    [
        ("id,title\n1,Größe\n".encode("utf-8-sig"), ""),
        ("id,title\n1,Größe\n".encode("utf-16"), ""),
        ("id,title\n1,Größe\n".encode("latin-1"), "Latin-1"),
        ("id,title\n1,Größe\n".encode(), ""),
    ],
)
def test_encodings(tmp_path: Path, content: bytes, noted: str) -> None:
    path = tmp_path / "feed"
    path.write_bytes(content)
    feed = FeedFile(path)
    assert [dict(record.fields) for record in feed] == [{"id": "1", "title": "Größe"}]
    assert noted in "".join(feed.notes)
    assert bool(feed.notes) == bool(noted)


def test_chinese_from_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "feed"
    path.write_bytes("id,title\n1,儿童积木，五岁以上\n".encode("gb18030"))
    feed = FeedFile(path)
    assert [record.fields["title"] for record in feed] == ["儿童积木，五岁以上"]
    assert "GB18030" in feed.notes[0]


def test_a_stray_byte_does_not_turn_the_rest_into_latin_1(tmp_path: Path) -> None:
    lines = "".join(f"{number},Größe für Mädchen\n" for number in range(20)).encode()
    path = tmp_path / "feed"
    path.write_bytes(b"id,title\n" + lines + b"x,Caf\xe9 noir\n")
    feed = FeedFile(path)
    titles = [record.fields["title"] for record in feed]
    assert titles[0] == "Größe für Mädchen"
    assert titles[-1] == "Caf\ufffd noir"
    assert "not UTF-8" in feed.notes[0]


def test_xml_by_item_with_google_names_first(tmp_path: Path) -> None:
    first, second = values(tmp_path, RSS)
    assert first == {"title": "Näher", "id": "1", "tag": ["a", "b"]}
    assert (second["id"], second["detail"]) == ("2", {"name": "n"})
    assert "<p>x</p>" in second["description"]


@pytest.mark.parametrize("declared", ["", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-8"?>'])
def test_xml_in_latin_1_whatever_it_declares(tmp_path: Path, declared: str) -> None:
    found = values(tmp_path, (declared + RSS).encode("latin-1"))
    assert found[0] == {"title": "Näher", "id": "1", "tag": ["a", "b"]}
    honest = '<?xml version="1.0" encoding="ISO-8859-1"?>' + RSS
    assert values(tmp_path, honest.encode("latin-1"))[0] == found[0]


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        ('{"id": 1}\n{"id": 2}\n', Shape.LINES),
        ('\ufeff{"id": 1}\r\n\r\n{"id": 2}', Shape.LINES),
        ('[{"id": 1}, {"id": 2}]', Shape.JSON),
        ('{"meta": {"a": [1]}, "products": [{"id": 1}, {"id": 2}]}', Shape.JSON),
        ('{\n "@context": "x",\n "@graph": [\n{"id": 1},\n{"id": 2}\n]\n}\n', Shape.JSON),
        ('<html><script type="application/ld+json">[{"id": 1}, {"id": 2}]</script></html>', Shape.HTML),
        (
            '<!DOCTYPE html><p><script type="application/ld+json; charset=utf-8">{"id": 1}</script>'
            '<script>x</script><script type="application/ld+json">{"id": 2}</script>',
            Shape.HTML,
        ),
    ],
)
def test_json_in_its_containers(tmp_path: Path, content: str, shape: Shape) -> None:
    path = tmp_path / "feed"
    path.write_text(content, "utf-8")
    feed = FeedFile(path)
    assert feed.shape is shape
    assert [dict(record.fields) for record in feed] == [{"id": 1}, {"id": 2}]


def test_json_items_larger_than_a_read(tmp_path: Path) -> None:
    long = "x" * 1_500_000
    assert values(tmp_path, f'[{{"id": "{long}"}}, {{"id": 12345}}, {{"id": "{long}"}}]')[1] == {"id": 12345}


def test_a_bad_json_line_is_at_fault_alone(tmp_path: Path) -> None:
    deep = "[" * 100_000
    found = records(tmp_path, f'{{"id": 1}}\n{{"id": \n[1]\n{{"id": {deep}\n{{"id": 2}}\n', "feed.jsonl")
    assert [(record.row, record.fault is None) for record in found] == [
        (1, True),
        (2, False),
        (3, False),
        (4, False),
        (5, True),
    ]


def test_gzip(tmp_path: Path) -> None:
    assert values(tmp_path, gzip.compress(b"id,title\n1,a\n"), "feed.csv.gz") == [{"id": "1", "title": "a"}]


ENTITIES = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
EXTERNAL = '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b" \r\n ", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"PK\x03\x04rest", "Excel"),
        (bytes(1000), "not text"),
        (b'id,title\n1,"a\n2,b\n', "row 2 and never closes"),
        (b"id,title,price\n1,a,5\n2,b", "stops in row 3"),
        (b'{"id": 1}\n{"id": 2', "middle of line 2"),
        (b'[{"id": 1}, {"id": 2}', "after item 2"),
        (b'[{"id": 1}, {"id": ', "after item 1"),
        (b'{"products": [{"id": 1}', "after item 1"),
        (b'[{"id": 1}] trailing', "JSON"),
        ("id,title\n1,ä\n2,ö".encode()[:-1], "middle of a character"),
        (RSS[:200].encode(), "not well-formed XML"),
        (RSS.replace(' xmlns:g="http://base.google.com/ns/1.0"', "").encode(), "not well-formed XML"),
        (b"<urlset><url/></urlset>", "<urlset>"),
        ((ENTITIES + RSS.replace("Plain", "&b;")).encode(), "DTD"),
        ((EXTERNAL + RSS.replace("Plain", "&a;")).encode(), "DTD"),
        (gzip.compress(b"id,title\n1,a\n" * 1000)[:-20], "gzip"),
        (b"\x1f\x8brubbish", "gzip"),
        (b"<html><body>No data</body></html>", "ld\\+json"),
        (b"id,title\n1," + b"x" * (RECORD_LIMIT + 1) + b"\n", "line 2"),
    ],
)
def test_broken_as_a_whole(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(MerchantError, match=why):
        records(tmp_path, content)


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(MerchantError, match="no feed at"):
        FeedFile(tmp_path / "missing.csv")
    with pytest.raises(MerchantError, match="a folder"):
        FeedFile(tmp_path)
