from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import toy

from assistant.config import Settings
from assistant.conversation import Assistant
from assistant.generate import TemplateGenerator
from assistant.intent import Intent
from assistant.shelf import Shelf
from assistant.store import Store
from assistant.tagger import Tags
from assistant.understand import Understander
from retrieval.search import Search

SHOP_TOML = """
name = "Toy Shop"
contact = "help@toy.example"
currency = "USD"
generator = "template"

[rates]
as_of = 2026-11-20
CNY = 0.14
EUR = 1.08
"""

RETURNS = """# Returns

## How long you have

You can return anything within 30 days of delivery for a full refund.

## Who pays

We pay for the return label within the country.
"""


def _unmarked(text: str, shown: bool) -> Tags:
    """A tagger that marks nothing: every word of a message may matter, as it does without one."""
    return Tags((), ((Intent.FIND, 1.0),))


@pytest.fixture(autouse=True)
def _no_weights(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain tests read no weights."""
    if not any(request.node.get_closest_marker(name) for name in ("models", "browser")):
        for place in ("assistant.conversation", "assistant.tagger"):
            monkeypatch.setattr(f"{place}.open_tagger", lambda: _unmarked)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    toy.search(folder)
    (folder / "shop.toml").write_text(SHOP_TOML, "utf-8")
    (folder / "policies").mkdir()
    (folder / "policies" / "returns.md").write_text(RETURNS, "utf-8")
    return folder


@pytest.fixture(scope="session")
def search(shop: Path) -> Search:
    return Search.open(shop, toy.HashingEncoder())


@pytest.fixture(scope="session")
def settings(shop: Path) -> Settings:
    return Settings.load(shop, {})


@pytest.fixture(scope="session")
def shelf(search: Search) -> Shelf:
    return Shelf(search)


@pytest.fixture(scope="session")
def understand(shelf: Shelf, search: Search, settings: Settings) -> Understander:
    return Understander(shelf.vocabulary, search.encoder, shelf.product, "USD", dict(settings.rates))


@pytest.fixture
def assistant(settings: Settings, search: Search, tmp_path: Path) -> Iterator[Assistant]:
    store = Store(f"sqlite:///{tmp_path}/conversations.sqlite")
    yield Assistant(settings, search, store, TemplateGenerator())
    store.close()
