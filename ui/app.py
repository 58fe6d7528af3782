"""The chat page: Gradio over `Assistant.reply`, with no logic of its own.

What is shown is always drawn from events, those of the store and then those of the running turn, so that a reload or
a restart shows the same conversation. A browser tab keeps its session's id and nothing else.
"""

from __future__ import annotations

import socket
import statistics
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import closing
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from assistant.language import detect
from retrieval.catalog import Money
from retrieval.errors import OperatorError, ShopperError
from ui.transcript import Message, Transcript, shopper, words

if TYPE_CHECKING:
    from assistant.config import Settings
    from assistant.conversation import Assistant
    from retrieval.search import Search

Stored = tuple[int, Mapping[str, Any]]

# Turns at once; the rest wait in line. Turns of different shoppers mostly wait for the model, which takes its own
# turns, so this bounds memory and not speed.
_AT_ONCE = 16
_STOPPING_SECONDS = 5
_STARTS = 4  # examples to click at the start

# The tab's own storage: two tabs are two conversations, and a reload of one keeps it.
_RECALL = "() => sessionStorage.getItem('shopwright')"
_REMEMBER = "(id) => { if (id) sessionStorage.setItem('shopwright', id); }"
_FORGET = "() => { sessionStorage.removeItem('shopwright'); }"
# Gradio labels every message with its own source, which a screen reader would read out as markup.
_UNLABEL = """() => {
  const unlabel = () => document.querySelectorAll('#chat [data-testid=user], #chat [data-testid=bot]')
    .forEach((message) => message.removeAttribute('aria-label'));
  const changes = {subtree: true, childList: true, attributeFilter: ['aria-label']};
  new MutationObserver(unlabel).observe(document.body, changes);
}"""
# A screen keyboard that opens by itself would hide the page.
_SPEAK = """(language) => {
  document.documentElement.lang = language;
  if (matchMedia('(pointer: fine)').matches) document.querySelector('#message textarea').focus();
}"""


def serve(settings: Settings) -> None:
    """Serve the chat page until the process is told to end.

    Raises:
        OperatorError: the address cannot be listened on.
    """
    from assistant.conversation import Assistant

    listening = _listen(settings.host, settings.port)
    assistant = Assistant.open(settings)
    app = application(assistant, settings)
    address = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(f"{settings.name} is served on http://{address}:{settings.port}", flush=True)
    print(f"replies are worded by: {assistant.speaker}", flush=True)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3))
    server.run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        raise OperatorError(
            f"cannot serve on {host} port {port} ({error}); end what uses it, or choose another with --host and --port"
        ) from error


def application(assistant: Assistant, settings: Settings) -> FastAPI:
    """The whole web application: the chat page at /, and the shop's pictures under /pictures."""
    app = FastAPI(title=settings.name, docs_url=None, redoc_url=None, openapi_url=None)
    pictures = settings.shop / "pictures"
    if pictures.is_dir():
        app.mount("/pictures", _Pictures(directory=pictures))
    mounted: FastAPI = gr.mount_gradio_app(
        app,
        page(assistant, settings),
        path="",
        footer_links=[],
        show_error=False,
        ssr_mode=False,
        theme=_theme(),
        css=resources.files("ui").joinpath("page.css").read_text("utf-8"),
        js=_UNLABEL,
    )
    return mounted


class _Pictures(StaticFiles):
    """Files under one folder; an SVG that is opened by itself may not run a script."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response


def _theme() -> gr.themes.Base:
    # Named fonts of the system only: the page asks no other server for anything.
    return gr.themes.Base(
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Noto Sans CJK SC", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
        radius_size=gr.themes.sizes.radius_lg,
    )


def page(assistant: Assistant, settings: Settings) -> gr.Blocks:
    """The chat page as Gradio blocks."""
    store, search = assistant.store, assistant.shelf.search
    transcript = Transcript(search.facets, search.glossary)
    asked = _asked_about(search)
    running: dict[str, threading.Event] = {}

    def opening(language: str) -> dict[str, Any]:
        own = words(language)
        notation = transcript.notation(language)
        texts = [
            each.format(kind=notation.value("kind", kind), price=notation.money(price))
            for each, (kind, price) in zip(own["starts"], asked, strict=False)
        ]
        return gr.update(
            placeholder=f"## {own['greeting']}\n{own['hint']}", examples=[{"text": text} for text in texts]
        )

    def resumed(session: str | None) -> tuple[str, list[Stored]]:
        """The session that a browser asks for with its events; ("", []) where it is none of this page's."""
        known = store.resume(session)
        return (known, list(store.replay(known))) if known else ("", [])

    def opened(session: str | None, request: gr.Request) -> Iterator[Any]:
        language = _preferred(request.headers.get("accept-language", ""))
        own = words(language)
        try:
            session, events = resumed(session)
        except OperatorError as error:
            events = [_failed(1, error)]
        yield (
            session,
            language,
            {**opening(language), "value": transcript.messages(events, language=language)},
            gr.update(placeholder=own["placeholder"], label=own["placeholder"], interactive=True),
            gr.update(value=own["new"]),
        )

    def renewed() -> tuple[str, list[Message], Any]:
        return "", [], _idle()

    def sent(session: str, language: str, text: str) -> Iterator[Any]:
        yield from answered(session, language, text)

    def picked(session: str, language: str, choice: gr.SelectData) -> Iterator[Any]:
        yield from answered(session, language, choice.value["text"] if isinstance(choice.value, dict) else choice.value)

    def retried(session: str, language: str) -> Iterator[Any]:
        yield from answered(session, language, None)

    def answered(session: str, language: str, text: str | None) -> Iterator[Any]:
        """A turn as it goes on: the answer to `text`, or where that is None, to the last message again."""
        number = 1
        drawn: list[Message] = []
        events: list[Stored] = [] if text is None else [(number, shopper(text, detect(text)))]
        over = threading.Event()
        try:
            known, before = resumed(session)
            session = known or store.open_session()  # not before there is something to keep
            last = before[-1][0] if before else 0
            if text is None:
                number = last
                events = [each for each in before if each[0] == last and each[1]["type"] == "message"]
                before = [each for each in before if each[0] != last]
            else:
                number = last + 1
                spoken = next((event["language"] for _, event in reversed(before) if event["type"] == "message"), None)
                events = [(number, shopper(text, detect(text, spoken)))]
            drawn = transcript.messages(before, language=language)
            running[session] = over
            yield session, drawn + transcript.messages(events, language=language), _busy(clear=text is not None)
            with closing(assistant.retry(session) if text is None else assistant.reply(session, text)) as reply:
                for event in reply:
                    events.append((number, event.to_json()))
                    yield session, drawn + transcript.messages(events, language=language), gr.skip()
        except Exception as error:
            events.append(_failed(number, error))
        finally:
            if running.get(session) is over:
                del running[session]
            over.set()
        yield session, drawn + transcript.messages(events, language=language), _idle()

    def stopped(session: str, language: str) -> tuple[list[Message], Any]:
        if over := running.get(session):
            over.wait(_STOPPING_SECONDS)  # until what was said so far is stored
        try:
            _, events = resumed(session)
        except OperatorError as error:
            events = [_failed(1, error)]
        return transcript.messages(events, language=language), _idle()

    blocks = gr.Blocks(title=settings.name, analytics_enabled=False, fill_height=True)
    with blocks:
        session = gr.Textbox(visible="hidden")
        language = gr.Textbox("en", visible="hidden")
        with gr.Row(elem_id="header"):
            gr.HTML(_heading(settings.name))
            new = gr.Button(words("en")["new"], elem_id="new", size="sm", min_width=0, scale=0)
        chat = gr.Chatbot(
            elem_id="chat",
            show_label=False,
            label=settings.name,
            container=False,
            height=None,
            scale=1,
            buttons=[],
            latex_delimiters=[],
            render_markdown=False,
            sanitize_html=True,
            allow_tags=False,
            feedback_options=None,
            layout="bubble",
        )
        message = gr.Textbox(
            elem_id="message",
            show_label=False,
            container=False,
            lines=1,
            max_lines=6,
            interactive=False,  # until the session is known
            submit_btn=True,
        )

        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        told: dict[str, Any] = {"outputs": [session, chat, message], "concurrency_limit": _AT_ONCE, **quiet}
        told["concurrency_id"] = "turn"
        blocks.load(opened, [session], [session, language, chat, message, new], js=_RECALL, **quiet).then(
            None, [language], js=_SPEAK, **quiet
        )
        turns: list[Any] = [
            message.submit(sent, [session, language, message], **told),
            chat.option_select(picked, [session, language], **told),
            chat.example_select(picked, [session, language], **told),
            chat.retry(retried, [session, language], **told),
        ]
        session.change(None, [session], js=_REMEMBER, **quiet)
        message.stop(None, cancels=turns, **quiet).then(stopped, [session, language], [chat, message], **quiet)
        new.click(None, cancels=turns, **quiet).then(renewed, None, [session, chat, message], **quiet).then(
            None, js=_FORGET, **quiet
        )
    return blocks


def _busy(*, clear: bool) -> Any:
    running = gr.update(submit_btn=False, stop_btn=True)
    return {**running, "value": ""} if clear else running


def _idle() -> Any:
    return gr.update(submit_btn=True, stop_btn=False)


def _failed(turn: int, error: Exception) -> Stored:
    """How a turn that failed ends: a shopper is told what to do about it, or else only that it failed."""
    if not isinstance(error, ShopperError):
        traceback.print_exception(error)  # for the operator
    return turn, {"type": "done", "status": "failed", "message": str(error) if isinstance(error, ShopperError) else ""}


def _heading(name: str) -> str:
    return f"<h1>{escape(name)}</h1>"


def _preferred(accepted: str) -> str:
    """The browser's first language that the page has words for, from its Accept-Language header."""
    for each in accepted.split(","):
        code = each.split(";")[0].split("-")[0].strip().lower()
        if code and (code == "en" or words(code) is not words("en")):
            return code
    return "en"


def _asked_about(search: Search) -> list[tuple[str, Money]]:
    """A kind of each of the largest departments with a round price that about half of it is under."""
    departments: dict[str, dict[str, list[Money]]] = {}  # prices by kind
    for product in search.products.stream():
        departments.setdefault(product.department, {}).setdefault(product.kind, []).append(product.offer.price)
    found = []
    largest = sorted(departments.values(), key=lambda kinds: sum(map(len, kinds.values())), reverse=True)
    for kinds in largest[:_STARTS]:
        kind, prices = max(kinds.items(), key=lambda each: len(each[1]))
        found.append((kind, _round(Money(int(statistics.median(each.amount for each in prices)), prices[0].currency))))
    return found


def _round(price: Money) -> Money:
    """The price, rounded up to one significant figure or to its half: 37.20 to 40, 112 to 150."""
    step = 5 * 10 ** max(len(str(price.amount)) - 2, 0)
    return Money(-(-price.amount // step) * step, price.currency)
