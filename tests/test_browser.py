"""The chat page in a real Chromium: first over the scripted assistant, then over the real one on the demo shop."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, expect, sync_playwright
from scripted import HOSTILE, ScriptedAssistant

from assistant.config import Settings
from assistant.conversation import Assistant
from assistant.demo_shop.make import make
from assistant.store import Store
from retrieval.catalog import Money
from retrieval.encoder import open_encoder
from retrieval.feeds import import_feed
from retrieval.index import update
from ui.app import application

pytestmark = [
    pytest.mark.browser,
    # Gradio 6.31 uses what pandas 3.1 is about to drop.
    pytest.mark.filterwarnings("ignore:.*no_silent_downcasting"),
    pytest.mark.filterwarnings("ignore:The copy keyword"),
]

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESK = {"viewport": {"width": 1280, "height": 800}}

Serve = Callable[[Any, Settings], str]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """Serve an assistant in a thread; gives the page's address."""
    servers: list[uvicorn.Server] = []
    threads: list[threading.Thread] = []

    async def run(assistant: Any, settings: Settings, listening: socket.socket) -> None:
        config = uvicorn.Config(application(assistant, settings), log_level="warning", timeout_graceful_shutdown=1)
        servers.append(uvicorn.Server(config))
        await servers[-1].serve(sockets=[listening])

    def start(assistant: Any, settings: Settings) -> str:
        listening = socket.create_server(("127.0.0.1", 0))
        threads.append(threading.Thread(target=lambda: asyncio.run(run(assistant, settings, listening))))
        threads[-1].start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/"

    yield start
    for server in servers:
        server.should_exit = True
    for thread in threads:
        thread.join()


class Visit:
    """One tab; whatever it logs as an error or asks of another host fails the test in `close`."""

    def __init__(self, context: BrowserContext, address: str, store: Store) -> None:
        self.store = store
        self.complaints: list[str] = []
        self.page = context.new_page()
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        self.page.on("console", self._log)
        self.page.on("request", lambda request: self._ask(request.url, address))
        self.page.goto(address)
        self.ready()

    def _log(self, message: ConsoleMessage) -> None:
        # Gradio logs that a reload ended the requests that were under way.
        if message.type in ("error", "warning") and "signal is aborted" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _ask(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:", "blob:", "http://toy.example")):
            self.complaints.append(f"asked another host: {url}")

    def ready(self) -> None:
        expect(self.box).to_be_editable(timeout=20_000)
        expect(self.page.locator("#message .submit-button")).to_be_visible(timeout=20_000)

    @property
    def box(self) -> Locator:
        return self.page.locator("#message textarea")

    @property
    def said(self) -> Locator:
        return self.page.locator("#chat .bot-row .words")

    @property
    def heard(self) -> Locator:
        return self.page.locator("#chat .user-row .words")

    def answered(self, turns: int) -> None:
        """Wait until this many turns are stored, and the page shows the last one's words as they are stored."""
        expect(self.heard).to_have_count(turns)
        session = self.page.evaluate("sessionStorage.getItem('shopwright')")
        deadline = time.monotonic() + 30
        while (done := [turn for turn, event in self.store.replay(session) if event["type"] == "done"])[
            turns - 1 :
        ] == []:
            assert time.monotonic() < deadline, f"{len(done)} of {turns} turns are done"
            self.page.wait_for_timeout(20)
        told = [
            event["delta"] for turn, event in self.store.replay(session) if (turn, event["type"]) == (done[-1], "text")
        ]
        if told:
            expect(self.said.last).to_have_text("".join(told))
        self.ready()

    def send(self, text: str) -> None:
        """Send a message and wait until its reply is whole."""
        turns = self.heard.count()
        self.box.fill(text)
        self.box.press("Enter")
        self.answered(turns + 1)

    def close(self) -> None:
        assert self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page overflows"
        assert self.page.evaluate("window.pwned") is None
        self.page.close()
        assert self.complaints == []


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> tuple[ScriptedAssistant, str]:
    assistant = ScriptedAssistant(tmp_path_factory.mktemp("shop"))
    return assistant, serve(assistant, Settings(shop=assistant.shop, name="Larch & <i>Lantern</i>"))


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def visit(request: pytest.FixtureRequest, browser: Browser, scripted: tuple[ScriptedAssistant, str]) -> Iterator[Visit]:
    context = browser.new_context(**request.param)
    visited = Visit(context, scripted[1], scripted[0].store)
    yield visited
    visited.close()
    context.close()


def test_a_shopper_sees_cards_words_and_choices(visit: Visit) -> None:
    expect(visit.page.locator("h1")).to_have_text("Larch & <i>Lantern</i>")
    visit.send("trail shoes")
    cards = visit.page.locator(".card")
    expect(cards).to_have_count(6)
    first = cards.first
    expect(first).to_contain_text("Lynx GTX")
    expect(first.locator(".price b")).to_have_text("$89")
    expect(first.locator(".position")).to_have_text("1")
    expect(first.locator(".stock")).to_have_text("In stock")
    expect(first.locator(".reason")).to_have_text("fully waterproof")
    expect(cards.nth(2).locator(".price s")).to_have_text("$80")
    assert first.locator("img").evaluate("picture => picture.complete && picture.naturalWidth > 0")
    expect(visit.said).to_have_text(
        "Twelve fit. The Lynx GTX is the best rated. Do you run mostly on mud or on stones?"
    )
    visit.page.locator(".option", has_text="stones").click()
    expect(visit.heard.last).to_have_text("stones")
    visit.ready()
    visit.send("compare 1 and 2")
    expect(visit.page.locator(".comparison th[scope=col]")).to_have_text(["Lynx GTX", "Fell Runner"])
    visit.send("returns please")
    expect(visit.page.locator(".source blockquote")).to_have_text("Unused goods can be returned within 30 days.")


def test_an_example_is_sent_when_clicked(visit: Visit) -> None:
    example = visit.page.locator(".example").first
    text = example.inner_text()
    assert "trail running shoes" in text.lower()
    example.click()
    expect(visit.heard).to_have_text(text)
    expect(visit.said).to_contain_text("Twelve fit")


def test_markup_is_text(visit: Visit) -> None:
    said = f"<b>hostile</b> {HOSTILE}"
    visit.send(said)
    expect(visit.heard).to_have_text(said)
    expect(visit.said).to_have_text(HOSTILE)
    expect(visit.page.locator(".card .title")).to_have_text(HOSTILE)
    expect(visit.page.locator(".option")).to_have_text(HOSTILE)
    assert visit.page.locator("#chat b, #chat script, #chat .title a").count() == 1  # the price


def test_stop_ends_the_turn(visit: Visit, scripted: tuple[ScriptedAssistant, str]) -> None:
    assistant, _ = scripted
    assistant.closed.clear()
    assistant.step = lambda: time.sleep(0.1)
    try:
        visit.box.fill("slow please")
        visit.box.press("Enter")
        expect(visit.said).to_contain_text("Sentence 2.")
        visit.page.locator("#message .stop-button").click()
        assert assistant.closed.wait(2)
        visit.ready()
        expect(visit.page.locator(".note.stopped")).to_have_text("Stopped.")
        expect(visit.said).not_to_contain_text("Sentence 100.")
    finally:
        assistant.step = lambda: None
    visit.send("trail shoes")
    expect(visit.said.last).to_contain_text("Twelve fit")


def test_leaving_the_page_ends_the_turn(browser: Browser, scripted: tuple[ScriptedAssistant, str]) -> None:
    assistant, address = scripted
    assistant.closed.clear()
    assistant.step = lambda: time.sleep(0.1)
    try:
        context = browser.new_context()
        visited = Visit(context, address, assistant.store)
        visited.box.fill("slow please")
        visited.box.press("Enter")
        expect(visited.said).to_contain_text("Sentence 1.")
        context.close()
        assert assistant.closed.wait(5)
    finally:
        assistant.step = lambda: None


def test_retry_takes_the_place_of_the_last_turn(visit: Visit) -> None:
    visit.send("trail shoes")
    visit.send("returns please")
    visit.page.get_by_title("Retry").click()
    visit.ready()
    expect(visit.heard).to_have_count(2)
    expect(visit.said).to_have_count(2)
    expect(visit.said.last).to_contain_text("30 days")


def test_a_failure_is_said_and_hides_its_cause(visit: Visit) -> None:
    visit.send("break it")
    failed = visit.page.locator(".note.failed")
    expect(failed).to_contain_text("Something went wrong on our side")
    expect(visit.page.locator("body")).not_to_contain_text("/secret/path")
    visit.box.fill("   ")
    visit.box.press("Enter")
    expect(failed.last).to_contain_text("There are no words in this message")


def test_a_reload_keeps_the_conversation_and_another_tab_has_its_own(
    visit: Visit, scripted: tuple[ScriptedAssistant, str]
) -> None:
    visit.send("trail shoes")
    visit.page.reload()
    visit.ready()
    expect(visit.heard).to_have_text("trail shoes")
    expect(visit.page.locator(".card")).to_have_count(6)
    other = Visit(visit.page.context, scripted[1], visit.store)
    expect(other.page.locator(".example").first).to_be_visible()
    assert other.heard.count() == 0
    other.close()
    visit.page.locator("#new").click()
    expect(visit.heard).to_have_count(0)
    visit.page.reload()
    visit.ready()
    expect(visit.page.locator(".example").first).to_be_visible()
    assert visit.heard.count() == 0


def test_the_page_speaks_the_browsers_language(browser: Browser, scripted: tuple[ScriptedAssistant, str]) -> None:
    context = browser.new_context(locale="zh-CN", color_scheme="dark")
    visited = Visit(context, scripted[1], scripted[0].store)
    expect(visited.page.locator("#new")).to_have_text("新对话")
    expect(visited.page.locator("html")).to_have_attribute("lang", "zh")
    visited.send("防水越野跑鞋")
    expect(visited.page.locator(".card .stock").first).to_have_text("有现货")
    expect(visited.page.locator("#chat [aria-label*='<']")).to_have_count(0)
    visited.close()
    context.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> tuple[Assistant, str]:
    """The real assistant on the demo shop, with the real encoder and replies in template words."""
    shop = tmp_path_factory.mktemp("demo")
    make(shop)
    import_feed(shop / "feed.jsonl", shop / "catalog.sqlite")
    update(shop, open_encoder())
    settings = Settings.load(shop, {}, {"generator": "template"})
    assistant = Assistant.open(settings)
    return assistant, serve(assistant, settings)


def cards_agree(visit: Visit, assistant: Assistant, since: int) -> None:
    """Every product and price that the turn's words name stands on a card or in what was asked."""
    reply = visit.page.locator("#chat .bot-row").nth(since)
    said = " ".join(reply.locator(".words").all_inner_texts())
    assert said
    shown = visit.page.locator(".card .title").all_inner_texts()
    named = [product.title for product in assistant.shelf.search.catalog if product.title in said]
    assert [title for title in named if not any(title in card for card in shown)] == []
    prices = reply.locator(".card .price b").all_inner_texts()
    if prices:
        asked = " ".join(visit.heard.all_inner_texts())
        told = re.findall(r"\$\d+(?:,\d{3})*(?:\.\d\d)?", said)
        assert [price for price in told if price not in prices and price not in asked] == []
    for card in reply.locator(".card").all():
        title = card.locator(".title").inner_text()
        (product,) = [each for each in assistant.shelf.search.catalog if each.title == title]
        offers = {dollars(variant.price) for variant in product.variants}
        assert card.locator(".price b").inner_text() in offers


def dollars(price: Money) -> str:
    major = price.major
    return f"${major:,.0f}" if major == major.to_integral_value() else f"${major:,}"


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_a_conversation_of_five_turns(
    browser: Browser, demo: tuple[Assistant, str], screen: dict[str, Any], tmp_path: Path
) -> None:
    assistant, address = demo
    context = browser.new_context(**screen)
    visit = Visit(context, address, assistant.store)
    expect(visit.page.locator("h1")).to_have_text(assistant.settings.name)

    visit.send("a gift for a five-year-old, under $40")
    cards_agree(visit, assistant, 0)
    first = visit.page.locator("#chat .bot-row").first
    assert first.locator(".card").count() >= 3
    keep = screen is DESK and os.environ.get("SHOPWRIGHT_SCREENSHOT")
    kept = Path(__file__).parents[1] / "docs" / "chat.png" if keep else tmp_path / "chat.png"
    kept.parent.mkdir(exist_ok=True)
    first.locator(".card img").first.evaluate("picture => picture.decode()")
    visit.page.screenshot(path=kept)

    choice = visit.page.locator(".option").first
    text = choice.inner_text()
    choice.click()
    visit.answered(2)
    expect(visit.heard.last).to_have_text(text)
    cards_agree(visit, assistant, 1)

    visit.send("waterproof trail running shoes under $130, not black, size 9")
    cards_agree(visit, assistant, 2)
    reply = visit.page.locator("#chat .bot-row").nth(2)
    prices = [price.strip("$").replace(",", "") for price in reply.locator(".card .price b").all_inner_texts()]
    assert len(prices) >= 2
    assert all(float(price) <= 130 for price in prices)

    visit.send("compare 1 and 2")
    titles = reply.locator(".card .title").all_inner_texts()
    expect(visit.page.locator(".comparison th[scope=col]")).to_have_text(titles[:2])
    cards_agree(visit, assistant, 3)

    visit.send("do you sell guitars?")
    cards_agree(visit, assistant, 4)

    visit.send("<img src=x onerror='window.pwned=1'>")
    expect(visit.heard.last).to_have_text("<img src=x onerror='window.pwned=1'>")
    visit.close()
    context.close()
