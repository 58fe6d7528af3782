"""The web application without a browser; tests/test_browser.py has the page as a shopper sees it."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
import toy
from fastapi import FastAPI
from scripted import ScriptedAssistant
from starlette.testclient import TestClient

from assistant.config import Settings
from assistant.conversation import Assistant
from retrieval.catalog import Money
from retrieval.errors import OperatorError
from ui import app


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    shop = tmp_path_factory.mktemp("shop")
    assistant = ScriptedAssistant(shop)
    (shop / "pictures" / "secret").symlink_to(shop / "conversations.sqlite")

    async def build() -> FastAPI:
        return app.application(assistant, Settings(shop=shop, name="Larch <b>"))

    # Where no event loop runs, Gradio makes some and closes none.
    with TestClient(asyncio.run(build())) as opened:
        yield opened


def test_the_page_is_served_without_another_host(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "Larch \\u003cb" in page.text
    assert 'src="http' not in page.text
    assert "fonts.googleapis" not in page.text
    assert client.get("/docs").status_code == 404


def test_pictures_are_served_inert(client: TestClient) -> None:
    picture = client.get("/pictures/1.svg")
    assert picture.status_code == 200
    assert picture.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in picture.headers["content-security-policy"]
    assert picture.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/pictures/../conversations.sqlite",
        "/pictures/%2e%2e/conversations.sqlite",
        "/pictures/..%2fconversations.sqlite",
        "/pictures//etc/passwd",
        "/pictures/secret",
        "/pictures/",
        "/conversations.sqlite",
        "/gradio_api/file=conversations.sqlite",
    ],
)
def test_nothing_else_of_the_shop_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (403, 404)


def test_the_examples_come_from_the_shops_own_shelf(tmp_path: Path) -> None:
    asked = app._asked_about(toy.search(tmp_path))
    kinds = {product.kind for product in toy.PRODUCTS}
    assert len(asked) == 4
    assert asked[0][0] == "Trail running shoes"
    assert {kind for kind, _ in asked} <= kinds


@pytest.mark.parametrize(
    ("amount", "rounded"), [(3720, 4000), (11200, 15000), (5000, 5000), (99, 100), (7, 10), (1, 5)]
)
def test_an_example_price_is_round(amount: int, rounded: int) -> None:
    assert app._round(Money(amount, "USD")) == Money(rounded, "USD")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("ru,de;q=0.5", "de"),
        ("EN-gb", "en"),
        ("ru", "en"),
        ("", "en"),
        (";;,*;q=x", "en"),
    ],
)
def test_the_page_takes_the_browsers_language(header: str, language: str) -> None:
    assert app._preferred(header) == language


@pytest.fixture
def scripted(tmp_path: Path) -> ScriptedAssistant:
    return ScriptedAssistant(tmp_path)


@pytest.fixture
def act(scripted: ScriptedAssistant) -> Callable[..., Any]:
    """Call what the page does on an event, by name; gives the last of what it shows."""

    async def build() -> gr.Blocks:
        return app.page(cast("Assistant", scripted), Settings(shop=scripted.shop))

    acts = {each.name: each.fn for each in asyncio.run(build()).fns.values() if each.fn}

    def call(name: str, *inputs: Any) -> Any:
        shown = acts[name](*inputs)
        return list(shown)[-1] if isinstance(shown, Generator) else shown

    return call


BROWSER = SimpleNamespace(headers={"accept-language": "en"})


def sessions(scripted: ScriptedAssistant) -> int:
    with closing(sqlite3.connect(scripted.shop / "conversations.sqlite")) as db:
        return int(db.execute("SELECT count(*) FROM session").fetchone()[0])


def test_a_visit_stores_nothing_until_something_is_said(scripted: ScriptedAssistant, act: Callable[..., Any]) -> None:
    session, *_ = act("opened", None, BROWSER)
    assert (session, act("renewed")[0]) == ("", "")
    assert sessions(scripted) == 0
    session, messages, _ = act("sent", session, "en", "returns")
    assert "You have 30 days" in str(messages)
    assert sessions(scripted) == 1
    assert act("opened", session, BROWSER)[0] == session
    again, messages, _ = act("retried", session, "en")
    assert (again, len(scripted.store.replay(session))) == (session, 4)
    assert str(messages).count("You have 30 days") == 1
    assert "You have 30 days" in str(act("stopped", session, "en")[0])


@pytest.mark.parametrize("name", ["opened", "retried", "stopped", "sent"])
def test_a_named_session_is_nobodys_to_read(
    scripted: ScriptedAssistant, act: Callable[..., Any], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    named = scripted.store.open_session("till-3")
    list(scripted.reply(named, "returns secret"))
    before = scripted.store.replay(named)
    more = {"opened": [BROWSER], "sent": ["en", "trail shoes"]}.get(name, ["en"])
    shown = act(name, named, *more)
    assert "secret" not in str(shown)
    assert named not in shown
    assert scripted.store.replay(named) == before


@pytest.mark.parametrize("name", ["opened", "retried", "stopped", "sent", "picked"])
def test_conversations_that_cannot_be_read_are_told(
    scripted: ScriptedAssistant, act: Callable[..., Any], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    session = scripted.store.open_session()
    scripted.store.close()
    for file in scripted.shop.glob("conversations.sqlite*"):
        file.unlink()
    (scripted.shop / "conversations.sqlite").write_text("this is a shopping list, " * 100)
    picked = SimpleNamespace(value="mud")
    more = {"opened": [BROWSER], "sent": ["en", "trail shoes"], "picked": ["en", picked]}.get(name, ["en"])
    shown = str(act(name, session, *more))
    assert 'role="alert"' in shown
    assert "conversations.sqlite" not in shown
    assert "restore it from a backup" in capsys.readouterr().err


def test_a_port_in_use_is_explained() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OperatorError, match=f"cannot serve on 127.0.0.1 port {port}.*--port"):
            app._listen("127.0.0.1", port)
    with pytest.raises(OperatorError, match="cannot serve on no such host"):
        app._listen("no such host", 7860)
