from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import toy

from retrieval import index as index_module
from retrieval.catalog import Catalog, Money, Product
from retrieval.errors import MerchantError, OperatorError
from retrieval.glossary import Glossary
from retrieval.index import Index, passage, update, words
from retrieval.lexical import Lexicon, tokens
from retrieval.vectors import Vectors

RUN = "Trail running shoes"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return toy.write(tmp_path / "shop", toy.PRODUCTS[:8])


def test_rows_of_every_part_belong_together(shop: Path) -> None:
    encoder = toy.HashingEncoder()
    update(shop, encoder)
    index = Index.open(shop, encoder)
    assert index.ids == [product.id for product in toy.PRODUCTS[:8]]
    assert list(index.products.values()) == toy.PRODUCTS[:8]
    assert list(index.products.stream()) == toy.PRODUCTS[:8]
    np.testing.assert_allclose(index.vectors, encoder.queries([passage(each) for each in toy.PRODUCTS[:8]]))
    assert index.collection.ids() == set(index.keys)
    for row, vector in enumerate(index.vectors):
        (key, similarity), *_ = index.collection.nearest(vector, 3)
        assert (index.row_of_key[key], similarity) == (row, pytest.approx(1, abs=1e-5))
    assert index.columns.starts[-1] == sum(len(product.variants) for product in toy.PRODUCTS[:8])


def test_products_are_looked_up_without_reading_and_only_some_are_kept(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_KEPT", 2)
    update(shop, toy.HashingEncoder())
    products = Index.open(shop, toy.HashingEncoder()).products
    read = []
    real = Product.from_json
    monkeypatch.setattr(Product, "from_json", lambda text: read.append(text) or real(text))
    assert "run-lynx" in products
    assert "nothing" not in products
    assert read == []
    first = products["run-lynx"]
    assert products["run-lynx"] is first
    assert len(read) == 1
    assert [products[each].id for each in products] == list(products)
    assert products["run-lynx"] == first
    assert len(read) == 9


def test_every_name_of_a_value_is_encoded_beside_it(shop: Path) -> None:
    encoder = toy.HashingEncoder()
    update(shop, encoder)
    index = Index.open(shop, encoder)
    named = dict.fromkeys(index.value_texts[row] for row, pair in enumerate(index.values) if pair == ("kind", RUN))
    assert list(named) == [RUN, "越野跑鞋", "跑鞋"]
    np.testing.assert_allclose(index.value_vectors, encoder.queries(index.value_texts), atol=1e-6)
    assert {field for field, _ in index.values} == {"department", "kind", "color", "material", "water protection"}


def test_only_what_changed_is_encoded_anew(shop: Path) -> None:
    encoder = toy.HashingEncoder()
    first = update(shop, encoder)
    assert (first.encoded, first.kept, first.removed) == (8, 0, 0)
    cheaper = replace(
        toy.PRODUCTS[0],
        variants=tuple(replace(variant, price=Money(100, "USD")) for variant in toy.PRODUCTS[0].variants),
    )
    renamed = replace(toy.PRODUCTS[1], title="Hill Runner")
    encoder.encoded.clear()
    Catalog.write(shop / "catalog.sqlite", [toy.PRODUCTS[9], *toy.PRODUCTS[2:7], renamed, cheaper])
    second = update(shop, encoder)
    assert (second.encoded, second.kept, second.removed) == (2, 6, 2)
    assert encoder.encoded == [passage(toy.PRODUCTS[9]), passage(renamed)]
    index = Index.open(shop, encoder)
    np.testing.assert_allclose(index.vectors, encoder.queries([passage(each) for each in index.products.values()]))
    assert index.collection.ids() == set(index.keys)
    assert index.products["run-lynx"].offer.price.amount == 100


def test_another_encoder_encodes_everything_anew(shop: Path) -> None:
    update(shop, toy.HashingEncoder())
    other = toy.HashingEncoder("other")
    assert update(shop, other).encoded == 8
    index = Index.open(shop, other)
    np.testing.assert_allclose(index.value_vectors, other.queries(index.value_texts), atol=1e-6)


def test_a_missing_index_names_the_command_that_makes_it(shop: Path) -> None:
    with pytest.raises(OperatorError, match=f"no index .* shopwright index --shop {shop}"):
        Index.open(shop, toy.HashingEncoder())


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        ("catalogue", "catalogue: indexed [0-9a-f]+, now"),
        ("glossary", "glossary: indexed"),
        ("encoder", r"encoder: indexed hashing .* now other"),
        ("template", r"text template: indexed \d, now 99"),
    ],
)
def test_a_mismatched_index_is_refused_and_says_what_differs(
    shop: Path, monkeypatch: pytest.MonkeyPatch, spoil: str, named: str
) -> None:
    encoder = toy.HashingEncoder()
    update(shop, encoder)
    if spoil == "catalogue":
        Catalog.write(shop / "catalog.sqlite", toy.PRODUCTS[:7])
    elif spoil == "glossary":
        (shop / "glossary.csv").write_text("field,value,language,label\n", "utf-8")
    elif spoil == "encoder":
        encoder = toy.HashingEncoder("other")
    else:
        monkeypatch.setattr(index_module, "TEMPLATE", 99)
    with pytest.raises(OperatorError, match=rf"{named}.*shopwright index --shop {shop}"):
        Index.open(shop, encoder)
    update(shop, encoder)
    Index.open(shop, encoder)


@pytest.mark.parametrize(
    "broken", ["stamp.json", "rows.json", "arrays.npz", "vectors.npy", "lexicon", "chroma", "chroma/chroma.sqlite3"]
)
def test_a_broken_index_is_refused_and_made_anew(shop: Path, broken: str) -> None:
    encoder = toy.HashingEncoder()
    update(shop, encoder)
    path = shop / "index" / (shop / "index" / "current").read_text() / broken
    shutil.rmtree(path) if path.is_dir() else path.write_bytes(b"{")
    with pytest.raises(OperatorError, match="shopwright index --shop"):
        Index.open(shop, encoder)
    update(shop, encoder)
    assert len(Index.open(shop, encoder).ids) == 8


def test_vectors_lost_from_chroma_are_noticed(shop: Path) -> None:
    encoder = toy.HashingEncoder()
    update(shop, encoder)
    index = Index.open(shop, encoder)
    index.collection.delete(index.keys[:1])
    with pytest.raises(OperatorError, match="Chroma holds 7 of the 8 products"):
        Index.open(shop, encoder)
    index.collection.close()
    update(shop, encoder)
    assert Index.open(shop, encoder).collection.ids() == set(index.keys)


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    tests = Path(__file__).parent
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": f"{tests.parent}:{tests}"},
        capture_output=True,
        text=True,
        timeout=120,
    )


# Runs an update in a process of its own that kills itself before the nth change of a name or wait for the disk.
KILLED = """
import os, signal, sys
from pathlib import Path
import toy
from retrieval import index
from retrieval.catalog import Catalog

left = int(sys.argv[2])

def before(call):
    def wrapped(*arguments, **named):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **named)
    return wrapped

for owner, name in [(index.os, "fsync"), (index.os, "replace"), (index.Path, "rename"), (index.np, "save"),
                    (index.np, "savez"), (index.Vectors, "add"), (index.Vectors, "delete"), (index.shutil, "rmtree"),
                    (index.Path, "write_text")]:
    setattr(owner, name, before(getattr(owner, name)))
index.update(Path(sys.argv[1]), toy.HashingEncoder())
"""


@pytest.mark.parametrize("moment", [0, 1, 2, 3, 6, 10, 11, 12, 13, 35, 36, 37, 38])
def test_a_kill_at_any_moment_leaves_the_old_index_or_the_new(shop: Path, moment: int) -> None:
    encoder = toy.HashingEncoder()
    update(shop, encoder)
    Catalog.write(shop / "catalog.sqlite", toy.PRODUCTS[2:12])
    done = run(KILLED, str(shop), str(moment))
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    index = Index(shop / "index" / (shop / "index" / "current").read_text())
    assert index.ids in ([each.id for each in toy.PRODUCTS[:8]], [each.id for each in toy.PRODUCTS[2:12]])
    assert index.collection.ids() == set(index.keys)
    assert len(list(index.products.stream())) == len(index.vectors) == len(index.ids)
    index.collection.close()
    update(shop, encoder)
    assert Index.open(shop, encoder).ids == [each.id for each in toy.PRODUCTS[2:12]]
    assert not list((shop / "index").glob("*.new"))


def test_the_index_before_stays_for_those_who_still_read_it(shop: Path) -> None:
    encoder = toy.HashingEncoder()
    update(shop, encoder)
    reading = Index.open(shop, encoder)
    for products in (toy.PRODUCTS[2:10], toy.PRODUCTS[4:12]):
        Catalog.write(shop / "catalog.sqlite", products)
        update(shop, encoder)
        if products is toy.PRODUCTS[2:10]:
            assert len(reading.collection) == 8
    assert reading.products["run-lynx"] == toy.PRODUCTS[0]
    assert len([path for path in (shop / "index").iterdir() if path.is_dir()]) == 2


def test_two_runs_at_once_are_refused(shop: Path) -> None:
    (shop / "index").mkdir()
    with (shop / "index" / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(OperatorError, match="another run is indexing"):
            update(shop, toy.HashingEncoder())
    update(shop, toy.HashingEncoder())


def test_a_failure_leaves_the_index_in_use_and_no_draft(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = toy.HashingEncoder()
    update(shop, encoder)
    with monkeypatch.context() as full:
        full.setattr(index_module.np, "savez", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left")))
        with pytest.raises(OperatorError, match=r"No space left.*last good one is untouched"):
            update(shop, encoder)
    assert Index.open(shop, encoder).ids
    assert not list((shop / "index").glob("*.new"))


def test_an_empty_catalogue_and_a_missing_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="shopwright import"):
        update(tmp_path, toy.HashingEncoder())
    toy.write(tmp_path, [])
    with pytest.raises(MerchantError, match="is empty"):
        update(tmp_path, toy.HashingEncoder())


# In a process of its own, because Chroma's client never closes its connections and the tests take warnings for errors.
SERVED = """
import sys
from pathlib import Path
import toy
from retrieval.catalog import Catalog
from retrieval.index import Index, update

shop, url, encoder = Path(sys.argv[1]), sys.argv[2], toy.HashingEncoder()
update(shop, encoder, chroma=url)
first = Index.open(shop, encoder)
print((first.folder / "chroma").exists(), first.collection.ids() == set(first.keys))
Catalog.write(shop / "catalog.sqlite", toy.PRODUCTS[2:12])
print(update(shop, encoder, chroma=url).encoded)
second = Index.open(shop, encoder)
print(second.stamp["collection"] == first.stamp["collection"], second.collection.ids() == set(second.keys))
print(second.ids[second.row_of_key[second.collection.nearest(second.vectors[3], 1)[0][0]]] == second.ids[3])
"""


def test_a_chroma_server_holds_the_vectors_instead_of_the_folder(shop: Path, chroma_url: str) -> None:
    done = run(SERVED, str(shop), chroma_url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False", "True", "4", "True", "True", "True"]


@pytest.fixture(scope="module")
def chroma_url(tmp_path_factory: pytest.TempPathFactory) -> object:
    import socket
    import time

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = Path(sys.executable).with_name("chroma")
    folder = tmp_path_factory.mktemp("chroma")
    arguments = [str(command), "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        for _ in range(100):
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
        server.terminate()


def test_a_chroma_server_that_is_not_there_is_named(shop: Path) -> None:
    with pytest.raises(OperatorError, match=r"http://127\.0\.0\.1:9"):
        update(shop, toy.HashingEncoder(), chroma="http://127.0.0.1:9")
    assert not list((shop / "index").glob("*.new"))


def test_the_stamp_says_what_the_floor_is(shop: Path) -> None:
    update(shop, toy.HashingEncoder())
    folder = shop / "index" / (shop / "index" / "current").read_text()
    stamp = json.loads((folder / "stamp.json").read_text())
    assert len(stamp["relevance"]["weights"]) == 4
    assert all(scale > 0 for scale in stamp["relevance"]["scales"])


def test_texts_leave_out_what_filters_serve(tmp_path: Path) -> None:
    text = passage(toy.PRODUCTS[0])
    assert "Lynx GTX" in text
    assert "moss" in text
    assert "89" not in text
    assert "size" not in text
    assert "320 g" not in text
    assert "dishwasher safe" in passage(next(each for each in toy.PRODUCTS if each.id == "pan-steel"))
    assert "dishwasher safe" not in passage(next(each for each in toy.PRODUCTS if each.id == "pan-iron"))
    toy.write(tmp_path)
    said = words(toy.PRODUCTS[0], Glossary.open(tmp_path / "glossary.csv"))
    assert {"越野跑鞋", "鞋子", "防水", "黑色"} <= set(said.splitlines())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Running SHOES", ["run", "shoe"]),
        ("Men's café", ["men", "cafe"]),
        ("ＧＴＸ １２", ["gtx", "12"]),
        ("500ml, 1.5 l", ["500", "ml", "1.5", "l"]),
        ("防水鞋", ["防", "水", "鞋", "防水", "水鞋"]),
        ("红色backpack", ["红", "色", "红色", "backpack"]),
        ("кроссовки", ["кроссовки"]),
        ("❤️ !!", []),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_match_weighs_rare_words_and_survives_saving(tmp_path: Path) -> None:
    lexicon = Lexicon.of(["red shoe", "blue shoe", "blue lamp shoe", ""])
    lexicon.save(tmp_path / "lexicon")
    for each in (lexicon, Lexicon.open(tmp_path / "lexicon")):
        scores, shares = each.match("the red shoe shoe")
        assert scores.argmax() == 0
        assert shares[0] > shares[1] > shares[3] == 0
        assert shares.max() < 1
        assert each.match("lamp")[1].tolist() == [0, 0, 1, 0]
        assert each.match("nothing")[0].max() == 0
        assert each.match("")[1].max() == 0


def test_vectors_name_a_folder_without_a_collection(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no Chroma collection"):
        Vectors(tmp_path, "products")
