"""The command line: `shopwright VERB --shop DIR`. What a verb needs is imported when it is called.

Answers go to standard output, progress and errors to standard error. Exit status: 0 done, 1 something the operator
must mend, 2 something in the command, the feed or the settings to correct, 3 a figure of an evaluation below its bar,
130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import traceback
import unicodedata
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.config import Settings
from retrieval.errors import MerchantError, OperatorError, ShopperError, ShopwrightError

if TYPE_CHECKING:
    from assistant.conversation import Assistant
    from assistant.dialogue import Card, Event
    from assistant.notation import Notation
    from retrieval.search import Hit, Query, Search

_BATCH = 256  # queries encoded together


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status = options.run(options)
        sys.stdout.flush()
        return int(status or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has enough; Python would still try to flush the rest of it when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ShopwrightError as error:
        _complain(str(error), options.verbose)
        return 2 if isinstance(error, MerchantError | ShopperError) else 1
    except Exception as error:
        # A fault of this program: the user sees what it was, and the whole of it on request.
        _complain(f"unexpected {type(error).__name__}: {error} (-v shows where)", options.verbose)
        return 1


def _complain(message: str, verbose: bool) -> None:
    if verbose:
        traceback.print_exc()
    print(f"shopwright: {_plain(message)}", file=sys.stderr)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(f"shopwright {version('shopwright')}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--shop", type=Path, default=Path("shop"), metavar="DIR", help="the shop's folder (./shop)")
    common.add_argument("-v", "--verbose", action="store_true", help="show where an error comes from")

    parser = argparse.ArgumentParser(prog="shopwright", description="A shopping assistant that a shop runs itself.")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, parents=[common], help=text, description=text)
        added.set_defaults(run=run)
        return added

    feed = verb("import", _import, "Read a product feed into the shop's catalogue.")
    feed.add_argument("feed", type=Path, metavar="FEED", help="the feed's file")
    feed.add_argument("--format", default="auto", help="the feed's format; told from its content by default")
    feed.add_argument("--replace", action="store_true", help="drop the products that the feed does not name")

    verb("index", _index, "Index the catalogue; only products that changed are encoded.")

    search = verb("search", _search, "Find products.")
    search.add_argument("text", nargs="?", metavar="TEXT", help="what to look for")
    search.add_argument("--batch", type=Path, metavar="FILE", help="answer every line {id, query, filters} of FILE")
    search.add_argument("--k", type=int, default=10, help="how many hits at most (10)")
    search.add_argument("--filters", metavar="JSON", help='conditions to meet, as {"price": {"max": 100}}')
    search.add_argument("--json", action="store_true", help="one JSON object a line")

    ask = verb("ask", _ask, "Send one message to the assistant and print its reply.")
    ask.add_argument("text", metavar="TEXT", help="the message")
    ask.add_argument("--session", metavar="ID", help="go on with this conversation; it is made if it is new")
    ask.add_argument("--json", action="store_true", help="the reply's events, one JSON object a line")

    verb("chat", _chat, "Talk with the assistant in the terminal; Ctrl-C stops a reply, Ctrl-D ends.")

    judged = verb("eval", _eval, "Measure what the assistant is worth, and write a report.")
    judged.add_argument("suites", nargs="*", metavar="SUITE", help="only these suites")
    judged.add_argument("--report", type=Path, default=Path("report"), metavar="OUT", help="the report's folder")
    judged.add_argument("--small", action="store_true", help="a sample that takes minutes, without latency")
    judged.add_argument("--seed", type=int, default=0, help="of what is drawn at random (0)")
    judged.add_argument("--public", type=Path, metavar="DIR", help="folder of public data sets to measure on as well")
    judged.add_argument(
        "--judge-url", default="", metavar="URL", help="an OpenAI-compatible server that judges replies"
    )
    judged.add_argument("--judge-model", default="", metavar="NAME", help="the judge's model on that server")
    judged.add_argument(
        "--compare", type=Path, nargs=2, metavar=("A.json", "B.json"), help="what changed between two runs"
    )

    demo = verb("demo", _demo, "Make the demo shop where there is no shop yet, and index it.")
    serve = verb("serve", _serve, "Serve the chat page.")
    demo.add_argument("--serve", action="store_true", help="then serve the chat page")
    for serving in (serve, demo):
        serving.add_argument("--host", help="the address to serve on (127.0.0.1)")
        serving.add_argument("--port", type=int, help="the port to serve on (7860)")
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    flags = {name: getattr(options, name, None) for name in ("host", "port")}
    return Settings.load(options.shop, os.environ, flags)


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _import(options: argparse.Namespace) -> None:
    from retrieval.feeds import import_feed
    from retrieval.offers import Format

    settings = _settings(options)
    named = None
    if options.format != "auto":
        if options.format not in list(Format):
            raise MerchantError(f"--format {options.format!r} is unknown; use auto, {', '.join(Format)}")
        named = Format(options.format)
    report = import_feed(
        options.feed,
        settings.shop / "catalog.sqlite",
        format=named,
        replace=options.replace,
        **({"currency": settings.currency} if settings.currency else {}),
        progress=sys.stderr.isatty(),
    )
    print(_plain(str(report)))


def _index(options: argparse.Namespace) -> None:
    from retrieval.encoder import open_encoder
    from retrieval.index import update

    settings = _settings(options)
    done = update(settings.shop, open_encoder(settings.encoder), progress=True, chroma=settings.chroma_url)
    print(f"indexed {settings.shop}: {done.encoded} encoded, {done.kept} unchanged, {done.removed} dropped")


def _search(options: argparse.Namespace) -> None:
    from assistant.tagger import about, open_tagger
    from retrieval.encoder import open_encoder
    from retrieval.search import Filters, Query, Search

    if (options.text is None) == (options.batch is None):
        raise MerchantError("search needs a TEXT or a --batch FILE, and not both")
    if options.k < 1:
        raise MerchantError(f"--k {options.k} finds nothing; use 1 or more")
    if options.batch and options.filters:
        raise MerchantError("--filters goes with a TEXT; in a batch every line has its own filters")
    settings = _settings(options)
    search = Search.open(settings.shop, open_encoder(settings.encoder))
    tagger = open_tagger()
    if options.batch:
        identified = [(name, about(tagger, query)) for name, query in _queries(options.batch, search, options.k)]
        for start in range(0, len(identified), _BATCH):
            chunk = identified[start : start + _BATCH]
            for (name, _), results in zip(chunk, search.batch([query for _, query in chunk]), strict=True):
                hits = [{"product_id": hit.product_id, "score": hit.score} for hit in results.hits]
                print(json.dumps({"id": name, "hits": hits}, ensure_ascii=False))
        return
    conditions = _object(options.filters, "--filters") if options.filters else {}
    filters = Filters.parse(conditions, search.facets)
    results = search.search(about(tagger, Query(options.text, filters, options.k)))
    for rank, hit in enumerate(results.hits, 1):
        row = _row(rank, hit, search)
        if options.json:
            print(json.dumps(row, ensure_ascii=False))
        else:
            print(_plain("{rank}. {title}, {price} {currency}, {availability} [{product_id}]".format(**row)))
    if not options.json:
        _note(f"{len(results.hits)} of {results.total}" if results.hits else "nothing found")


def _row(rank: int, hit: Hit, search: Search) -> dict[str, Any]:
    product = search.products[hit.product_id]
    meeting = [variant for variant in product.variants if variant.id in hit.variant_ids]
    orderable = [variant for variant in meeting if variant.availability.orderable]
    offer = min(orderable or meeting, key=lambda variant: variant.price)
    return {
        "rank": rank,
        "product_id": product.id,
        "score": hit.score,
        "title": product.title,
        "price": float(offer.price.major),
        "currency": offer.price.currency,
        "availability": offer.availability,
    }


def _queries(path: Path, search: Search, k: int) -> list[tuple[str | int, Query]]:
    """The queries of a batch file with their ids; the whole file is checked before the first one is answered."""
    from retrieval.search import Filters, Query

    queries: list[tuple[str | int, Query]] = []
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise MerchantError(f"{path} cannot be read ({error}); give a file of JSON lines in UTF-8") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        record = _object(line, place)
        if unknown := sorted(record.keys() - {"id", "query", "filters"}):
            raise MerchantError(f"{place}: unknown key {unknown[0]!r}; a line has id, query and filters")
        name, text, filters = record.get("id"), record.get("query"), record.get("filters") or {}
        if isinstance(name, bool) or not isinstance(name, str | int):
            raise MerchantError(f"{place}: id is {name!r}; it must be text or a whole number")
        if not isinstance(text, str):
            raise MerchantError(f"{place}: query is {text!r}; it must be text")
        if not isinstance(filters, dict):
            raise MerchantError(f"{place}: filters is {filters!r}; it must be an object")
        try:
            queries.append((name, Query(text, Filters.parse(filters, search.facets), k)))
        except MerchantError as error:
            raise MerchantError(f"{place}: {error}") from error
    return queries


def _object(text: str, place: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise MerchantError(f"{place}: {text[:80]!r} is no JSON ({error}); write an object") from error
    if not isinstance(value, dict):
        raise MerchantError(f"{place}: {text[:80]!r} is no JSON object; write one in braces")
    return value


def _ask(options: argparse.Namespace) -> None:
    assistant = _assistant(options)
    session = assistant.store.open_session(options.session)
    with contextlib.closing(assistant.reply(session, options.text)) as events:
        if not options.json:
            _print_reply(events, _notation(assistant, session, options.text))
            return
        for event in events:
            print(json.dumps(event.to_json(), ensure_ascii=False), flush=True)


def _assistant(options: argparse.Namespace) -> Assistant:
    from assistant.conversation import Assistant

    return Assistant.open(_settings(options))


def _notation(assistant: Assistant, session: str, text: str) -> Notation:
    """How facts are written in the language of the dialogue after `text`."""
    from assistant.dialogue import DialogueState
    from assistant.language import detect
    from assistant.notation import Notation, languages

    language = detect(text, DialogueState.replay(assistant.store.replay(session)).language)
    search = assistant.shelf.search
    return Notation(language if language in languages() else "en", search.facets, search.glossary)


def _chat(options: argparse.Namespace) -> None:
    assistant = _assistant(options)
    session = assistant.store.open_session()
    _note("Ctrl-C stops a reply, Ctrl-D ends.")
    while True:
        try:
            text = input("\n> ")
        except EOFError:
            return
        with contextlib.closing(assistant.reply(session, text)) as events:
            try:
                _print_reply(events, _notation(assistant, session, text))
            except KeyboardInterrupt:
                _note("\n(stopped)")
            except ShopperError as error:
                _note(str(error))


def _print_reply(events: Iterable[Event], notation: Notation) -> None:
    from assistant.dialogue import Choices, Comparison, Done, Products, Sources, Text

    choices: tuple[str, ...] = ()
    for event in events:
        match event:
            case Products():
                for position, card in enumerate(event.cards, 1):
                    print(_plain(f"  {position}. {_line(card, notation)}"))
            case Comparison():
                for cells in (("", *event.titles), *((label, *cells) for label, cells in event.rows)):
                    print(_plain("  " + " | ".join(cells)))
            case Text():
                print(_plain(event.delta), end="", flush=True)
            case Sources():
                for source in event.sources:
                    print(_plain(f"\n  {source.title}, {source.section}: {source.quote}"), end="")
            case Choices():
                choices = event.choices
            case Done():
                print()
                if event.message:
                    _note(event.message)
    if choices:
        print(_plain("  ".join(f"[{choice}]" for choice in choices)))


def _line(card: Card, notation: Notation) -> str:
    parts = [card.title, notation.money(card.price)]
    if card.list_price and card.list_price > card.price:
        parts[-1] += f" ({notation.money(card.list_price)})"
    if card.rating:
        parts.append(f"★ {card.rating.value:.1f} ({card.rating.count})")
    parts.append(notation.availability(card.availability))
    return ", ".join(parts) + (f" · {card.reason}" if card.reason else "")


def _plain(text: str) -> str:
    """Text without control characters: what a feed or a model wrote must not steer a terminal."""
    return "".join(letter for letter in text if letter == "\n" or unicodedata.category(letter)[0] != "C")


def _demo(options: argparse.Namespace) -> None:
    from assistant.demo_shop.make import make
    from retrieval.encoder import open_encoder
    from retrieval.feeds import import_feed
    from retrieval.index import Index, update

    if not (options.shop / "catalog.sqlite").exists():
        _note(f"making the demo shop in {options.shop}")
        make(options.shop)
        _note(str(import_feed(options.shop / "feed.jsonl", options.shop / "catalog.sqlite", progress=True)))
    settings = _settings(options)
    encoder = open_encoder(settings.encoder)
    try:
        Index.open(settings.shop, encoder)
    except OperatorError as missing:
        _note(f"indexing: {missing}")
        update(settings.shop, encoder, progress=True, chroma=settings.chroma_url)
    if options.serve:
        _serve(options)


def _eval(options: argparse.Namespace) -> int:
    from eval import report
    from eval.run import bars_of, chosen, data_of, evaluate
    from eval.suite import World, writable

    if options.compare:
        print(_plain(report.changes(*options.compare)))
        return 0
    if bool(options.judge_url) != bool(options.judge_model):
        raise MerchantError("a judge needs --judge-url and --judge-model; give both or neither")
    if options.judge_url and not options.judge_url.startswith(("http://", "https://")):
        raise MerchantError(
            f"--judge-url {options.judge_url!r} is no address; write one such as http://127.0.0.1:8000/v1"
        )
    if options.seed < 0:
        raise MerchantError(f"--seed {options.seed} is below zero; use 0 or more")
    if options.public and not options.public.is_dir():
        raise MerchantError(f"--public {options.public} is no folder; name the one that holds the data sets")
    names = chosen(options.suites, options.small)
    settings = _settings(options)
    bars = bars_of(settings.shop)
    writable(options.report)
    with World.of(
        settings,
        written=data_of(settings.shop),
        public=options.public,
        seed=options.seed,
        small=options.small,
        judge_url=options.judge_url,
        judge_model=options.judge_model,
        judge_key=os.environ.get("SHOPWRIGHT_JUDGE_KEY", ""),
    ) as world:
        run = evaluate(world, names, bars)
    page, data = report.write(run, options.report)
    print(_plain(report.table(run)))
    _note(f"\n{page}\n{data}")
    return run.status


def _serve(options: argparse.Namespace) -> None:
    from ui.app import serve

    serve(_settings(options))


if __name__ == "__main__":
    sys.exit(main())
