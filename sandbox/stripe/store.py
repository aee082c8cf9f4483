"""The stand-in's memory: one SQLite file, so that a killed process forgets nothing it has answered.

Every change happens inside `Store.transaction()`, which never awaits: requests, timers and hosted-page posts
run one after another on the event loop, each as one atomic step.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, kind TEXT NOT NULL,
    session TEXT, body TEXT NOT NULL, hidden TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_of_a_kind ON objects (account, kind, seq);
CREATE INDEX IF NOT EXISTS objects_of_a_session ON objects (session) WHERE session IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_of_a_payment ON objects (json_extract(body, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS objects_of_a_charge ON objects (json_extract(body, '$.charge'));
CREATE TABLE IF NOT EXISTS timers (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, due REAL NOT NULL, account TEXT NOT NULL, action TEXT NOT NULL,
    arguments TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS timers_due ON timers (due);
CREATE TABLE IF NOT EXISTS answers (
    account TEXT NOT NULL, key TEXT NOT NULL, saved_at REAL NOT NULL, path TEXT NOT NULL, fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL, body TEXT NOT NULL, request_id TEXT NOT NULL, PRIMARY KEY (account, key));
CREATE TABLE IF NOT EXISTS faults (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, target TEXT, body TEXT NOT NULL,
    remaining INTEGER, draws INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, account TEXT NOT NULL, endpoint INTEGER NOT NULL,
    first_due REAL NOT NULL, due REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due);
CREATE INDEX IF NOT EXISTS deliveries_of_an_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, delivery INTEGER NOT NULL, number INTEGER NOT NULL, at REAL NOT NULL,
    url TEXT NOT NULL, status INTEGER, error TEXT);
CREATE TABLE IF NOT EXISTS requests (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, id TEXT NOT NULL, account TEXT, method TEXT NOT NULL,
    path TEXT NOT NULL, params TEXT NOT NULL, idempotency_key TEXT, fault TEXT, status INTEGER, replayed INTEGER);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value REAL NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as the API shows it (`body`), what only the stand-in knows (`hidden`), and whose it is."""

    seq: int
    account: str
    session: str | None
    body: Json
    hidden: Json


class Store:
    """Objects, timers and logs in one SQLite file. For one event loop; not safe across threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file. The store can't be used afterwards."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One atomic step; joins the step it is nested in."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Run one statement."""
        return self._db.execute(sql, values)

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a query."""
        return self._db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a query."""
        found: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
        return found

    def add(self, account: str, body: Json, *, session: str | None = None, hidden: Mapping[str, Any] = {}) -> None:
        """Keep a new object. `session` is the Checkout Session it belongs to."""
        self.execute(
            "INSERT INTO objects (id, account, kind, session, body, hidden) VALUES (?, ?, ?, ?, ?, ?)",
            body["id"], account, body["object"], session, json.dumps(body), json.dumps(dict(hidden)),
        )  # fmt: skip

    def save(self, body: Json) -> None:
        """Keep a changed object."""
        self.execute("UPDATE objects SET body = ? WHERE id = ?", json.dumps(body), body["id"])

    def hide(self, object_id: str, hidden: Json) -> None:
        """Replace what only the stand-in knows of an object."""
        self.execute("UPDATE objects SET hidden = ? WHERE id = ?", json.dumps(hidden), object_id)

    def find(self, object_id: str) -> Stored | None:
        """An object of any account, by id."""
        row = self.row("SELECT * FROM objects WHERE id = ?", object_id)
        return _stored(row) if row else None

    def select(
        self, account: str, kind: str, where: str = "1", values: Sequence[Any] = (), tail: str = "ORDER BY seq DESC"
    ) -> list[Stored]:
        """Objects of one kind, newest first unless `tail` orders otherwise. `where` and `tail` are SQL, never input."""
        sql = f"SELECT * FROM objects WHERE account = ? AND kind = ? AND {where} {tail}"  # noqa: S608
        return [_stored(row) for row in self.rows(sql, account, kind, *values)]


def _stored(row: sqlite3.Row) -> Stored:
    return Stored(row["seq"], row["account"], row["session"], json.loads(row["body"]), json.loads(row["hidden"]))
