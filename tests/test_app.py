"""The web application without a browser; tests/test_browser.py has the page as a shopper sees it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import toy
from fastapi import FastAPI
from scripted import ScriptedAssistant
from starlette.testclient import TestClient

from assistant.config import Settings
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


def test_a_port_in_use_is_explained() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OperatorError, match=f"cannot serve on 127.0.0.1 port {port}.*--port"):
            app._listen("127.0.0.1", port)
    with pytest.raises(OperatorError, match="cannot serve on no such host"):
        app._listen("no such host", 7860)
