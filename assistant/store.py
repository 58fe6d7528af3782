"""Conversations as they are kept: sessions, and the events of their turns in order.

Events are only ever appended, so that a restart replays exactly what happened; the one exception is `erase`, which
leaves nothing. The shopper's words are redacted on their way in.
"""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from assistant.privacy import redact
from retrieval.errors import OperatorError, ShopperError

_BUSY_SECONDS = 5.0  # how long a writer waits for another before it gives up
_MINTED = re.compile(r"[A-Za-z0-9_-]{43}")  # the form of secrets.token_urlsafe(32)
_NAMED = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_DROPPED = "dropped"

# Where each event holds words of the shopper's, or of a reply to them; * stands for every item of a list. All else is
# made of the shop's own ids and values, whose numbers are barcodes and which must be found again as they are.
_WORDS = {
    "said": ("points.*.facts.*",),
    "message": ("text",),
    "text": ("delta",),
    "sought": ("topic.item", "topic.text", "topic.constraints.*.words", "topic.unwanted.*"),
    "focused": ("claims.*.2",),
    "done": ("message",),
}

_schema = MetaData()
_version = Table("schema_version", _schema, Column("number", Integer, primary_key=True))
_session = Table(
    "session",
    _schema,
    Column("id", String(64), primary_key=True),
    Column("created", DateTime(timezone=True), nullable=False),
)
_event = Table(
    "event",
    _schema,
    Column("session_id", String(64), ForeignKey("session.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("turn", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("json", Text, nullable=False),
)


def _sessions_and_events(db: Connection) -> None:
    _session.create(db)
    _event.create(db)


# Each is applied once, in order, and never edited after a release: a change to the schema is a new function here.
MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_sessions_and_events,)


class Store:
    """The sessions of one shop, kept in SQLite or in any database that SQLAlchemy reaches; safe to share by threads.

    Args:
        url: an SQLAlchemy URL, as sqlite:////srv/shop/conversations.sqlite or postgresql+psycopg://HOST/NAME.
        contact: the shop's own contact details, which redaction leaves alone.

    Raises:
        OperatorError: the database cannot be opened, is damaged, or was made by a newer version.
    """

    def __init__(self, url: str, contact: str = "") -> None:
        self._contact = contact
        try:
            parsed = make_url(url)
            # The name shown in errors: a URL may hold a password.
            self._place = parsed.database or "memory" if url.startswith("sqlite") else parsed.render_as_string()
            self._engine = create_engine(parsed)
        except (ArgumentError, NoSuchModuleError) as error:
            raise OperatorError(
                "database_url cannot be read; write one such as sqlite:////srv/shop/conversations.sqlite"
                " or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
            ) from error
        except ModuleNotFoundError as error:
            raise OperatorError(
                f"database_url {self._place} needs the package {error.name}; pip install {error.name}"
            ) from error
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _set_up_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        self._writer = self._engine.execution_options(writes=True)
        # SQLite takes one writer at a time, and one that waits sleeps between its tries, for up to a second; a lock of
        # this process hands the turn on at once. Other databases lock rows.
        sqlite = self._engine.dialect.name == "sqlite"
        self._turns: AbstractContextManager[object] = threading.RLock() if sqlite else nullcontext()
        self._migrate()

    def _migrate(self) -> None:
        with self._writing() as db:
            if db.dialect.name == "postgresql":
                # Servers that start together take turns; SQLite's write lock does so by itself.
                db.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('shopwright'))")
            if not inspect(db).has_table(_version.name):
                _version.create(db)
            done = db.scalar(select(func.max(_version.c.number))) or 0
            if done > len(MIGRATIONS):
                raise OperatorError(
                    f"the conversations in {self._place} were written by a newer shopwright (schema {done}, this one"
                    f" knows {len(MIGRATIONS)}); upgrade shopwright"
                )
            for number, migration in enumerate(MIGRATIONS[done:], done + 1):
                migration(db)
                db.execute(insert(_version).values(number=number))

    def close(self) -> None:
        """Let go of every connection; the store cannot be used afterwards."""
        self._engine.dispose()

    def open_session(self, session_id: str | None = None) -> str:
        """A session's id: a new unguessable one, or `session_id`, which is created if it is not there.

        Only the machine's own operator may name a session; what a browser sends goes through `resume`.

        Raises:
            ShopperError: the name is not 1 to 64 letters, digits, dots, hyphens or underscores.
        """
        if session_id is not None and not _NAMED.fullmatch(session_id):
            raise ShopperError(
                f"{session_id[:80]!r} cannot name a session; use 1 to 64 letters, digits, dots, hyphens or underscores"
            )
        chosen = session_id or secrets.token_urlsafe(32)
        with self._writing() as db:
            if not db.scalar(select(_session.c.id).where(_session.c.id == chosen)):
                db.execute(insert(_session).values(id=chosen, created=datetime.now(UTC)))
        return chosen

    def resume(self, session_id: str | None) -> str | None:
        """The session a browser asks for if it was minted here, otherwise None.

        A name that somebody chose is not honoured: whoever guessed it would read the conversation.
        """
        if session_id and _MINTED.fullmatch(session_id):
            with self._reading() as db:
                if db.scalar(select(_session.c.id).where(_session.c.id == session_id)):
                    return session_id
        return None

    def append(self, session_id: str, turn: int, events: Sequence[dict[str, Any]]) -> None:
        """Store events of one turn, all or none; when this returns they survive a crash.

        Raises:
            OperatorError: the session does not exist, or the database cannot be written.
        """
        now = datetime.now(UTC)
        with self._writing() as db:
            # Locking the session's row keeps two writers from taking the same position.
            if not db.scalar(select(_session.c.id).where(_session.c.id == session_id).with_for_update()):
                raise OperatorError(f"there is no session {session_id!r}; open it before appending to it")
            last = db.scalar(select(func.max(_event.c.position)).where(_event.c.session_id == session_id)) or 0
            rows = [
                {
                    "session_id": session_id,
                    "position": position,
                    "turn": turn,
                    "at": now,
                    "json": json.dumps(self._redacted(each)),  # ASCII: no database chokes on what a browser sent
                }
                for position, each in enumerate(events, last + 1)
            ]
            if rows:
                db.execute(insert(_event), rows)

    def replay(self, session_id: str) -> list[tuple[int, dict[str, Any]]]:
        """The session's events with their turn numbers, in order and without dropped turns; [] for an unknown one."""
        with self._reading() as db:
            query = select(_event.c.turn, _event.c.json).where(_event.c.session_id == session_id)
            rows = db.execute(query.order_by(_event.c.position)).all()
        events: list[tuple[int, dict[str, Any]]] = []
        for turn, line in rows:
            each = json.loads(line)
            if each["type"] == _DROPPED:
                events = [kept for kept in events if kept[0] != turn]
            else:
                events.append((turn, each))
        return events

    def drop_turn(self, session_id: str) -> None:
        """Leave the last turn out of every later replay; its events stay in the history."""
        if events := self.replay(session_id):
            self.append(session_id, events[-1][0], [{"type": _DROPPED}])

    def erase(self, session_id: str) -> None:
        """Delete a session and everything said in it, so that no byte of it stays in the database's files.

        Raises:
            OperatorError: the database cannot be written, or somebody reads it all the while: the session is gone
                then, but its words stay in the write-ahead log until `erase` is called again.
        """
        with self._writing() as db:
            db.execute(delete(_event).where(_event.c.session_id == session_id))
            db.execute(delete(_session).where(_session.c.id == session_id))
        if self._engine.dialect.name == "sqlite":
            with self._explained(), closing(self._engine.raw_connection()) as raw:
                # Waits for readers as long as any writer does.
                busy, *_ = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise OperatorError(
                    f"the session is deleted, but its words are still in {self._place}-wal, which something else has"
                    " been reading for too long; end that, then erase the session again"
                )

    def _redacted(self, each: dict[str, Any]) -> dict[str, Any]:
        # A copy as JSON: tuples become lists, and the caller's event stays as it is.
        copy: dict[str, Any] = json.loads(json.dumps(each))
        for place in _WORDS.get(each["type"], ()):
            self._redact(copy, place.split("."))
        return copy

    def _redact(self, value: Any, path: Sequence[str]) -> None:
        step, *rest = path
        every = range(len(value)) if isinstance(value, list) else list(value)
        keys = every if step == "*" else [int(step) if isinstance(value, list) else step]
        for key in keys:
            if rest:
                self._redact(value[key], rest)
            else:
                value[key] = redact(value[key], self._contact)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._turns, self._explained(), self._writer.begin() as db:
            yield db

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._explained(), self._engine.connect() as db:
            yield db

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            reason = str(error.orig if isinstance(error, DBAPIError) else error)
            cures = {
                "full": "free some space on its disk",
                "disk I/O": "see whether its disk is full or failing",
                "locked": "end whatever else holds it, then try again",
                "readonly": "make the file and its folder writable",
                "unable to open": "make its folder, and let this user write to it",
                "malformed": "restore it from a backup, or move it away to start with no conversations",
                "not a database": "restore it from a backup, or move it away to start with no conversations",
            }
            cure = next((cure for sign, cure in cures.items() if sign in reason), "see that it is up and reachable")
            raise OperatorError(f"the conversations in {self._place} cannot be used ({reason}); {cure}") from error


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own transactions would come before ours
    for pragma in (
        f"busy_timeout = {int(_BUSY_SECONDS * 1000)}",
        "journal_mode = WAL",
        "synchronous = FULL",  # a committed turn survives a power cut
        "foreign_keys = ON",
        "secure_delete = ON",  # erased words are overwritten, not only unlinked
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(db: Connection) -> None:
    # A writer takes the lock at once: one that starts by reading cannot wait for another and fails.
    db.exec_driver_sql("BEGIN IMMEDIATE" if db.get_execution_options().get("writes") else "BEGIN")
