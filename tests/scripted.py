"""A scripted assistant over the toy shop: the real store and events, and replies that are known beforehand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from types import SimpleNamespace

import toy

from assistant.dialogue import Card, Choices, Comparison, Done, Event, Message, Products, Source, Sources, Status, Text
from assistant.language import detect
from assistant.store import Store
from retrieval.catalog import Product
from retrieval.errors import OperatorError, ShopperError

HOSTILE = '<img src=x onerror="window.pwned=1">**bold** <script>window.pwned=2</script> $x$ `code` [a](javascript:b)'


class ScriptedAssistant:
    """Answers by the first word of a message: see `_events`. `steps` are taken between a slow reply's sentences."""

    def __init__(self, shop: Path) -> None:
        self.shop = shop
        self.search = toy.search(shop)
        self.shelf = SimpleNamespace(search=self.search)
        self.store = Store(f"sqlite:///{shop / 'conversations.sqlite'}")
        self.closed = threading.Event()
        self.step: Callable[[], object] = lambda: None
        pictures = shop / "pictures"
        pictures.mkdir(exist_ok=True)
        for number, colour in enumerate(("#c98f5b", "#5b8a72", "#6a7fa8", "#a86a72", "#8a7a5b", "#7a6aa8")):
            (pictures / f"{number}.svg").write_text(
                '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200"><rect width="200" height="200" '
                f'fill="#f1ece4"/><path d="M30 130q40-70 80-30t60 10v30H30z" fill="{colour}"/></svg>'
            )

    def card(self, product: Product, number: int = 0, reason: str = "") -> Card:
        offer = product.offer
        return Card(
            product_id=product.id,
            variant_id=offer.id,
            title=product.title,
            price=offer.price,
            availability=offer.availability,
            reason=reason,
            list_price=offer.list_price,
            rating=product.rating,
            picture=f"pictures/{number % 6}.svg",
            url=product.url,
        )

    def reply(self, session_id: str, text: str) -> Generator[Event, None, None]:
        if not text.strip():
            raise ShopperError("There are no words in this message; write what you are looking for.")
        replayed = self.store.replay(session_id)
        turn = replayed[-1][0] + 1 if replayed else 1
        language = detect(text)
        told: list[Event] = [Message(text=text, language=language)]
        status = Status.STOPPED
        try:
            for event in self._events(text):
                told.append(event)
                yield event
            status = Status.COMPLETE
            told.append(Done(turn=turn, status=status, language=language))
            yield told[-1]
        finally:
            if status is Status.STOPPED:
                told.append(Done(turn=turn, status=status, language=language))
                self.closed.set()
            self.store.append(session_id, turn, [event.to_json() for event in told])

    def retry(self, session_id: str) -> Generator[Event, None, None]:
        event = [each for each in self.store.replay(session_id) if each[1]["type"] == "message"][-1][1]
        self.store.drop_turn(session_id)
        yield from self.reply(session_id, event["text"])

    def _events(self, text: str) -> Generator[Event, None, None]:
        products: Sequence[Product] = list(self.search.products.values())
        match text.split()[0].casefold():
            case "slow":
                for number in range(200):
                    yield Text(f"Sentence {number}. ")
                    self.step()
            case "break":
                yield Text("Half of a ")
                raise OperatorError("/secret/path is broken")
            case "compare":
                first, second = products[:2]
                yield Comparison(
                    product_ids=(first.id, second.id),
                    titles=(first.title, second.title),
                    rows=(("Price", ("$89.00", "$64.00")), ("Weight", ("320 g", "250 g"))),
                )
                yield Text("The first keeps water out; the second is lighter.")
            case "returns":
                yield Text("You have 30 days to send it back.")
                yield Sources((Source("Returns", "How long", "Unused goods can be returned within 30 days."),))
            case "<b>hostile</b>":
                card = self.card(products[0])
                yield Products((Card(**{**vars(card), "title": HOSTILE, "url": "javascript:window.pwned=3"}),), 1)
                yield Text(HOSTILE)
                yield Choices((HOSTILE,))
            case _:
                cards = [
                    self.card(product, number, reason="fully waterproof" if number == 0 else "")
                    for number, product in enumerate(products[:6])
                ]
                yield Products(tuple(cards), 12)
                self.step()
                yield Text(f"Twelve fit. The {cards[0].title} is the best rated. ")
                self.step()
                yield Text("Do you run mostly on mud or on stones?")
                yield Choices(("mud", "stones", "both"))
