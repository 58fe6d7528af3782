from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from assistant import store as store_module
from assistant.dialogue import Constraint, DialogueState, Done, Focused, Recipient, Sought, Status, Text, Topic
from assistant.store import Store
from retrieval.errors import OperatorError, ShopperError
from retrieval.filters import Condition


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "conversations.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with closing(Store(f"sqlite:///{path}")) as opened:
        yield opened


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "text": text}


def test_replay_gives_events_in_order_and_survives_a_restart(store: Store, path: Path) -> None:
    session = store.open_session()
    store.append(session, 1, [message("rain jacket"), {"type": "text", "delta": "Three fit. "}])
    store.append(session, 2, [message("在 200 元以内 \U0001f600 \ud800 \x00")])
    store.append(session, 2, [])
    expected = [
        (1, message("rain jacket")),
        (1, {"type": "text", "delta": "Three fit. "}),
        (2, message("在 200 元以内 \U0001f600 \ud800 \x00")),
    ]
    assert store.replay(session) == expected
    store.close()
    with closing(Store(f"sqlite:///{path}")) as reopened:
        assert reopened.replay(session) == expected


def test_sessions_are_unguessable_and_apart(store: Store) -> None:
    first, second = store.open_session(), store.open_session()
    assert first != second
    assert len(first) == 43
    store.append(first, 1, [message("mine")])
    assert store.replay(second) == []
    assert store.replay("nobody") == []


def test_a_browser_resumes_only_what_was_minted_here(store: Store) -> None:
    minted = store.open_session()
    named = store.open_session("till-3")
    assert store.open_session("till-3") == named == "till-3"
    assert store.resume(minted) == minted
    for asked in (None, "", named, "A" * 43, "' OR 1=1 --", minted + "x"):
        assert store.resume(asked) is None


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "a/b", "名", "a\n"])
def test_a_bad_session_name_is_named(store: Store, name: str) -> None:
    with pytest.raises(ShopperError, match="cannot name a session"):
        store.open_session(name)


def test_appending_to_no_session_is_an_error(store: Store) -> None:
    with pytest.raises(OperatorError, match="no session 'ghost'"):
        store.append("ghost", 1, [message("hello")])


def test_a_dropped_turn_leaves_the_replay_but_not_the_history(store: Store, path: Path) -> None:
    session = store.open_session()
    store.append(session, 1, [message("first")])
    store.append(session, 2, [message("second")])
    store.drop_turn(session)
    assert store.replay(session) == [(1, message("first"))]
    store.append(session, 2, [message("second, again")])
    assert store.replay(session) == [(1, message("first")), (2, message("second, again"))]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM event").fetchone() == (4,)
    for _ in range(3):
        store.drop_turn(session)
    assert store.replay(session) == []


def test_what_a_reply_says_of_the_shoppers_words_is_redacted(store: Store) -> None:
    session = store.open_session()
    point = {"kind": "not_carried", "facts": {"what": "pens for ann@example.com"}, "product_ids": []}
    topic = {"item": "", "text": "", "constraints": [], "unwanted": ["ann@example.com"]}
    store.append(session, 1, [{"type": "said", "points": [point]}, {"type": "sought", "index": 0, "topic": topic}])
    (_, said), (_, sought) = store.replay(session)
    assert said["points"][0]["facts"] == {"what": "pens for [e-mail]"}
    assert sought["topic"]["unwanted"] == ["[e-mail]"]


def test_personal_data_is_redacted_but_the_shops_words_are_not(path: Path) -> None:
    with closing(Store(f"sqlite:///{path}", contact="help@shop.example")) as store:
        session = store.open_session()
        card = {"type": "products", "cards": [{"title": "Ink 212-555-0187"}], "total": 1}
        reply = Text("To ann@example.com, then.").to_json()
        failed = Done(1, Status.FAILED, "en", "no ann@example.com").to_json()
        store.append(session, 1, [message("I'm ann@example.com"), card, reply, failed, message("to help@shop.example")])
        assert [each for _, each in store.replay(session)] == [
            message("I'm [e-mail]"),
            card,
            Text("To [e-mail], then.").to_json(),
            Done(1, Status.FAILED, "en", "no [e-mail]").to_json(),
            message("to help@shop.example"),
        ]
    assert not any(b"ann@example" in file.read_bytes() for file in path.parent.iterdir())


def test_ids_and_values_that_look_like_telephone_numbers_stay(store: Store) -> None:
    session, number, told = store.open_session(), "0306400003", "call me 0306400003"
    named = Condition("id", any_of=frozenset({number}), none_of=frozenset({"0306400004"}))
    topic = Topic(
        item=told,
        scope=named,
        text=told,
        constraints=(Constraint(named, told),),
        recipient=Recipient(),
        shown=(number,),
    )
    focused = Focused((number,), asked=(number,), claims=(("model", frozenset({number}), told),))
    store.append(session, 1, [Sought(0, topic).to_json(), focused.to_json()])
    clean = "call me [phone]"
    state = DialogueState.replay(store.replay(session))
    assert state.topic == replace(topic, item=clean, text=clean, constraints=(Constraint(named, clean),))
    assert (state.focus, state.asked) == ((number,), (number,))
    assert state.claims == (("model", frozenset({number}), clean),)


def test_an_append_is_all_or_nothing(store: Store) -> None:
    session = store.open_session()
    with pytest.raises(TypeError):
        store.append(session, 1, [message("kept?"), {"type": "text", "delta": object()}])
    assert store.replay(session) == []


def test_writers_at_once_lose_nothing(store: Store) -> None:
    session = store.open_session()

    def write(writer: int) -> None:
        for turn in range(10):
            store.append(session, turn, [message(f"{writer}.{turn}"), message("and")])

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    said = [each["text"] for _, each in store.replay(session)]
    assert len(said) == 80
    assert all(said[place + 1] == "and" for place in range(0, 80, 2))


def test_erased_means_no_byte_left(store: Store, path: Path) -> None:
    session, other = store.open_session(), store.open_session()
    store.append(session, 1, [message("confidential wish")])
    store.append(other, 1, [message("ordinary wish")])
    store.erase(session)
    assert store.replay(session) == []
    assert store.resume(session) is None
    assert store.replay(other) == [(1, message("ordinary wish"))]
    written = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"ordinary wish" in written
    assert b"confidential" not in written


def test_words_that_a_reader_holds_back_from_erasing_are_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_BUSY_SECONDS", 0.2)
    with closing(Store(f"sqlite:///{path}")) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        session = store.open_session()
        store.append(session, 1, [message("confidential wish")])
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM event").fetchone()
        with pytest.raises(OperatorError, match=r"conversations\.sqlite-wal.*then erase the session again"):
            store.erase(session)
        other.execute("ROLLBACK")
        store.erase(session)
        assert not any(b"confidential" in file.read_bytes() for file in path.parent.iterdir())


def test_erasing_waits_for_a_reader_who_is_soon_done(store: Store, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        session = store.open_session()
        store.append(session, 1, [message("confidential wish")])
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM event").fetchone()
        reader = threading.Timer(0.5, other.execute, ["ROLLBACK"])
        reader.start()
        store.erase(session)
        reader.join()
        assert not any(b"confidential" in file.read_bytes() for file in path.parent.iterdir())


def test_a_full_disk_is_explained_and_nothing_is_lost(path: Path) -> None:
    def shrink(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 20").close()

    event.listen(Engine, "connect", shrink)
    try:
        with closing(Store(f"sqlite:///{path}")) as store:
            session = store.open_session()
            store.append(session, 1, [message("kept")])
            with pytest.raises(OperatorError, match=r"conversations\.sqlite.*full.*free some space"):
                store.append(session, 2, [message("x" * 200_000)])
            assert store.replay(session) == [(1, message("kept"))]
    finally:
        event.remove(Engine, "connect", shrink)


def test_a_damaged_file_is_explained(path: Path) -> None:
    path.write_text("this is a shopping list, " * 100)
    with pytest.raises(OperatorError, match=r"not a database.*restore it from a backup"):
        Store(f"sqlite:///{path}")


def test_a_missing_folder_is_explained(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"unable to open.*make its folder"):
        Store(f"sqlite:///{tmp_path / 'gone' / 'conversations.sqlite'}")


def test_a_held_lock_is_explained(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_BUSY_SECONDS", 0)
    with closing(Store(f"sqlite:///{path}")) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        session = store.open_session()
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperatorError, match=r"locked.*end whatever else holds it"):
            store.append(session, 1, [message("hello")])
        assert store.replay(session) == []
        other.execute("ROLLBACK")
        store.append(session, 1, [message("hello")])


@pytest.mark.parametrize("url", ["shop.sqlite", "nosuch://host/name", "postgresql+nosuch://host/name", ""])
def test_a_bad_url_is_explained(url: str) -> None:
    with pytest.raises(OperatorError, match="database_url cannot be read"):
        Store(url)


def test_no_password_in_an_error() -> None:
    with pytest.raises(OperatorError) as caught:
        Store("postgresql+psycopg://ann:secret@127.0.0.1:1/shop")
    assert "secret" not in str(caught.value)


def test_migrations_run_once_and_in_order(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Store(f"sqlite:///{path}")) as store:
        session = store.open_session()
        store.append(session, 1, [message("before")])

    ran = []
    added = (*store_module.MIGRATIONS, lambda db: ran.append(db.exec_driver_sql("SELECT 2").scalar()))
    monkeypatch.setattr(store_module, "MIGRATIONS", added)
    for _ in range(2):
        with closing(Store(f"sqlite:///{path}")) as store:
            assert store.replay(session) == [(1, message("before"))]
    assert ran == [2]

    monkeypatch.undo()
    with pytest.raises(OperatorError, match=r"newer shopwright.*upgrade"):
        Store(f"sqlite:///{path}")
