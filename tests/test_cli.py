from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import toy
from scripted import ScriptedAssistant

import assistant.conversation
import assistant.demo_shop.make
import retrieval.encoder
import ui.app
from retrieval.errors import OperatorError
from ui import cli

ROOT = Path(__file__).parents[1]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    toy.search(folder)
    return folder


@pytest.fixture
def run(shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on the toy shop: its exit status, output and complaints."""
    monkeypatch.setattr(retrieval.encoder, "open_encoder", lambda name: toy.HashingEncoder())
    monkeypatch.setattr(assistant.conversation.Assistant, "open", lambda settings: ScriptedAssistant(settings.shop))

    def command(*arguments: str | Path, at: Path = shop) -> tuple[int, str, str]:
        try:
            status = cli.main([*map(str, arguments), "--shop", str(at)])
        except SystemExit as left:
            status = int(left.code or 0)
        return status, *capsys.readouterr()

    return command


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_search_prints_an_object_a_line(run: Run) -> None:
    status, out, err = run("search", "waterproof trail running shoe", "--k", "3", "--json")
    assert (status, err) == (0, "")
    hits = lines(out)
    assert [hit["rank"] for hit in hits] == [1, 2, 3]
    assert list(hits[0]) == ["rank", "product_id", "score", "title", "price", "currency", "availability"]
    first = toy.PRODUCTS[[product.id for product in toy.PRODUCTS].index(hits[0]["product_id"])]
    assert hits[0]["title"] == first.title
    assert hits[0]["price"] == float(first.offer.price.major)
    assert (hits[0]["currency"], hits[0]["availability"]) == ("USD", "in_stock")


def test_search_meets_its_filters(run: Run) -> None:
    filters = {"price": {"max": 80}, "kind": "Trail running shoes"}
    status, out, _ = run("search", "shoe", "--filters", json.dumps(filters), "--json")
    assert status == 0
    assert lines(out)
    assert all(hit["price"] <= 80 and hit["product_id"].startswith("run-") for hit in lines(out))


def test_search_is_readable_too(run: Run) -> None:
    status, out, err = run("search", "electric kettle", "--k", "1")
    assert status == 0
    assert out.startswith("1. ")
    assert " USD, in_stock [kettle-" in out
    assert err.startswith("1 of ")


def test_a_batch_answers_every_line(run: Run, tmp_path: Path) -> None:
    batch = tmp_path / "queries.jsonl"
    rows = [
        {"id": "a", "query": "electric kettle"},
        {"id": 2, "query": "shoe", "filters": {"price": {"max": 80}}},
        {"id": "c", "query": "", "filters": {"kind": "Sandals"}},
    ]
    batch.write_text("\ufeff" + "\r\n".join(map(json.dumps, rows)) + "\n\n", "utf-8")
    status, out, err = run("search", "--batch", batch, "--json", "--k", "2")
    assert (status, err) == (0, "")
    answers = lines(out)
    assert [answer["id"] for answer in answers] == ["a", 2, "c"]
    assert answers[0]["hits"][0]["product_id"].startswith("kettle-")
    assert all(hit.keys() == {"product_id", "score"} for answer in answers for hit in answer["hits"])
    assert all(len(answer["hits"]) == 2 for answer in answers)
    single = lines(run("search", "electric kettle", "--json", "--k", "2")[1])
    assert [hit["product_id"] for hit in single] == [hit["product_id"] for hit in answers[0]["hits"]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "line 2: '{' is no JSON"),
        ("[1]", "line 2: '[1]' is no JSON object"),
        ('{"id": 1, "query": 3}', "line 2: query is 3; it must be text"),
        ('{"query": "x"}', "line 2: id is None; it must be text or a whole number"),
        ('{"id": 1, "query": "x", "filter": {}}', "line 2: unknown key 'filter'; a line has id, query and filters"),
        ('{"id": 1, "query": "x", "filters": [1]}', "line 2: filters is [1]; it must be an object"),
        ('{"id": 1, "query": "x", "filters": {"colour": "red"}}', "line 2: "),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_answered(run: Run, tmp_path: Path, row: str, message: str) -> None:
    batch = tmp_path / "queries.jsonl"
    batch.write_text(f'{{"id": 1, "query": "shoe"}}\n{row}\n', "utf-8")
    status, out, err = run("search", "--batch", batch, "--json")
    assert (status, out) == (2, "")
    assert f"queries.jsonl, {message}" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["search"], 2, "search needs a TEXT or a --batch FILE"),
        (["search", "x", "--batch", "y"], 2, "and not both"),
        (["search", "x", "--k", "0"], 2, "--k 0 finds nothing"),
        (["search", "x", "--k", "many"], 2, "invalid int value"),
        (["search", "x", "--filters", "{"], 2, "--filters: '{' is no JSON"),
        (["search", "x", "--filters", '{"sise": "9"}'], 2, "size"),
        (["search", "--batch", "nowhere.jsonl"], 2, "nowhere.jsonl cannot be read"),
        (["import", "nowhere.xml"], 2, "nowhere.xml"),
        (["import", "x", "--format", "excel"], 2, "--format 'excel' is unknown; use auto, google"),
        (["ask", "  "], 2, "There are no words"),
        (["ask", "hello", "--session", "a b"], 2, "cannot name a session"),
        (["ask", "break it"], 1, "/secret/path is broken"),
        (["fly"], 2, "invalid choice: 'fly'"),
        ([], 2, "VERB"),
    ],
)
def test_an_error_is_readable(run: Run, arguments: list[str], status: int, message: str) -> None:
    got, _, err = run(*arguments)
    assert got == status
    assert message in err
    assert "Traceback" not in err


def test_a_shop_that_is_not_there_is_explained(run: Run, tmp_path: Path) -> None:
    for verb, cure in ((["search", "x"], "shopwright index"), (["index"], "shopwright import")):
        status, _, err = run(*verb, at=tmp_path)
        assert status == 1
        assert cure in err
    (tmp_path / "shop.toml").write_text("nane = 'x'")
    status, _, err = run("index", at=tmp_path)
    assert status == 2
    assert "did you mean 'name'?" in err


def test_the_trace_is_shown_on_request(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(settings: Any) -> None:
        raise OperatorError("the model is gone")

    monkeypatch.setattr(assistant.conversation.Assistant, "open", fail)
    status, _, err = run("ask", "hello", "-v")
    assert status == 1
    assert "Traceback" in err
    assert err.endswith("shopwright: the model is gone\n")


def test_import_and_index(run: Run, tmp_path: Path) -> None:
    feed = tmp_path / "feed.tsv"
    feed.write_text(
        "id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\n"
        "a\tBlue kettle\tBoils water\thttps://x.example/a\thttps://x.example/a.jpg\tin stock\t15.00 USD\n"
        "b\tRed kettle\tBoils water\thttps://x.example/b\thttps://x.example/b.jpg\tin stock\tdear\n"
        "c\tTea pot\tHolds tea\thttps://x.example/c\thttps://x.example/c.jpg\tin stock\t9.50 USD\n"
    )
    shop = tmp_path / "shop"
    status, out, _ = run("import", feed, at=shop)
    assert status == 0
    assert "2 of 3 rows are good" in out
    status, out, _ = run("index", at=shop)
    assert (status, out) == (0, f"indexed {shop}: 2 encoded, 0 unchanged, 0 dropped\n")
    status, out, _ = run("index", at=shop)
    assert "0 encoded, 2 unchanged" in out
    assert lines(run("search", "kettle", "--json", at=shop)[1])[0]["price"] == 15.0


def test_demo_makes_the_shop_once(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def make(shop: Path) -> None:
        made.append(shop)
        shop.mkdir(exist_ok=True)
        product = {"id": "a", "title": "Blue kettle", "price": "15.00 USD", "availability": "in_stock", "link": "x"}
        (shop / "feed.jsonl").write_text(json.dumps(product) + "\n")

    served = []
    monkeypatch.setattr(assistant.demo_shop.make, "make", make)
    monkeypatch.setattr(ui.app, "serve", served.append)
    shop = tmp_path / "demo"
    for _ in range(2):
        assert run("demo", at=shop)[0] == 0
    assert (made, served) == ([shop], [])
    (shop / "shop.toml").write_text('name = "Kettles"\nport = 8000')
    assert run("demo", "--serve", "--port", "9000", at=shop)[0] == 0
    assert [(settings.name, settings.port) for settings in served] == [("Kettles", 9000)]
    assert "0 encoded, 1 unchanged" in run("index", at=shop)[1]


def test_ask_prints_the_events(run: Run) -> None:
    status, out, _ = run("ask", "trail shoes", "--session", "till-3", "--json")
    assert status == 0
    events = lines(out)
    assert [event["type"] for event in events] == ["products", "text", "text", "choices", "done"]
    assert events[0]["cards"][0]["price"] == {"amount": 8900, "currency": "USD"}
    assert events[-1]["turn"] == 1
    assert lines(run("ask", "returns", "--session", "till-3", "--json")[1])[-1]["turn"] == 2
    assert lines(run("ask", "returns", "--json")[1])[-1]["turn"] == 1


def test_ask_is_readable_too(run: Run) -> None:
    status, out, _ = run("ask", "trail shoes")
    assert status == 0
    assert "  1. Lynx GTX, $89, ★ 4.7 (212), in stock · fully waterproof\n" in out
    assert "  3. Brook, $64 ($80), " in out
    assert "Twelve fit." in out
    assert out.endswith("[mud]  [stones]  [both]\n")
    assert "  Price | $89.00 | $64.00\n" in run("ask", "compare them")[1]
    assert "Returns, How long: Unused goods" in run("ask", "returns")[1]


def test_a_number_alone_is_answered_in_the_dialogues_language(run: Run) -> None:
    assert "有现货" in run("ask", "我想买越野跑鞋", "--session", "till-4")[1]
    assert "有现货" in run("ask", "42?", "--session", "till-4")[1]
    assert "in stock" in run("ask", "42?")[1]


def test_chat_goes_on_until_the_input_ends(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter(["trail shoes", "  ", "returns"])

    def read(prompt: str) -> str:
        try:
            return next(said)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", read)
    status, out, err = run("chat")
    assert status == 0
    assert out.index("Twelve fit.") < out.index("You have 30 days")
    assert "There are no words" in err


def test_what_a_feed_wrote_cannot_steer_the_terminal() -> None:
    assert cli._plain("a\x1b[2Jb\x07\u202ec\nd\t“好” é") == "a[2Jbc\nd“好” é"


def _python(code: str, **more: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60, check=False, **more
    )


def test_help_is_quick_and_light() -> None:
    code = (
        "import sys; from ui.cli import main\n"
        "try: main(['search', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'chromadb', 'gradio', 'numpy', 'openai'} & sys.modules.keys()\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = _python(code)
    assert done.returncode == 0, done.stderr
    assert "--batch FILE" in done.stdout


def test_a_reader_that_has_enough_is_no_error() -> None:
    code = (
        "import sys, os, ui.cli\n"
        "ui.cli._index = lambda options: print('x' * 1_000_000)\n"
        "sys.exit(ui.cli.main(['index']))"
    )
    command = f'"{sys.executable}" -c "$CODE" | head -c 1; exit "${{PIPESTATUS[0]}}"'
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CODE": code}
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "x", "")
