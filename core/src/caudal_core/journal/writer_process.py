"""The process that writes to SQLite. It needs the standard library and nothing else.

It reads frames from a socket and writes them to the database. A thread would not do: beside a
handler that computes it waits for the interpreter's lock at every row. It inherits the lock of the
data folder, as it may outlive a killed server by the moment that its last commit takes.

A frame is its length in eight bytes and a marshalled value; both ends are the same interpreter and
nobody else holds the socket. The first frame is the opening
`{"database", "pragmas", "schema", "statements"}`, every other
`(kind, [(statement's number, row), …])`: `FEED` adds rows to the transaction, `COMMIT` adds the
last ones and ends it, `ALL` drops what was fed before and is a transaction of its own. `TELL`
carries texts of SQL instead of rows, such as pragmas, which are run as they stand. All but `FEED`
are answered, with null (`TELL`: the rows of its last text), or a text that says what went wrong.
"""

from __future__ import annotations

import contextlib
import marshal
import signal
import socket
import sqlite3
import struct
import sys
from itertools import groupby
from operator import itemgetter
from typing import Any

FEED, COMMIT, ALL, TELL = range(4)


def main() -> None:
    """Serve the socket whose descriptor is the first argument until it closes."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with (
        contextlib.suppress(BrokenPipeError),  # an answer that nobody waits for any more
        socket.socket(fileno=int(sys.argv[1])) as peer,
        peer.makefile("rwb") as stream,
    ):
        opening = read_frame(stream)
        if opening is None:
            return
        database, error = open_database(opening)
        with contextlib.suppress(OSError):  # the other end may be gone already
            write_frame(stream, error)
            if database is not None:
                serve(stream, database, opening["statements"])
        if database is not None:
            database.close()


def read_frame(stream: Any) -> Any:
    """The next value, or nothing at the end of the stream."""
    head = stream.read(8)
    if len(head) < 8:
        return None
    (size,) = struct.unpack("!Q", head)
    body = stream.read(size)
    return marshal.loads(body) if len(body) == size else None  # noqa: S302 - from our own parent


def write_frame(stream: Any, value: Any) -> None:
    """Send one value."""
    body = marshal.dumps(value)
    stream.write(struct.pack("!Q", len(body)) + body)
    stream.flush()


def open_database(opening: dict[str, Any]) -> tuple[sqlite3.Connection | None, str | None]:
    """Open the database and bring its tables into being, or say what is wrong."""
    try:
        database = sqlite3.connect(opening["database"], isolation_level=None)
        for pragma in opening["pragmas"]:
            database.execute(pragma).fetchall()
        database.execute("BEGIN IMMEDIATE")
        for statement in opening["schema"]:
            database.execute(statement)
        database.execute("COMMIT")
    except (OSError, sqlite3.Error) as error:
        return None, str(error)
    return database, None


def serve(stream: Any, database: sqlite3.Connection, statements: list[str]) -> None:
    """Write frame after frame until the other end is gone."""
    error: str | None = None
    while (frame := read_frame(stream)) is not None:
        kind, rows = frame
        if kind == TELL:
            write_frame(stream, tell(database, rows))
            continue
        if kind == ALL:
            rollback(database)
            error = None
        error = error or write(database, statements, rows, commit=kind != FEED)
        if kind == FEED:
            continue
        write_frame(stream, error)
        error = None


def write(
    database: sqlite3.Connection, statements: list[str], rows: list[Any], *, commit: bool
) -> str | None:
    """Add rows, in their order, to the transaction; what went wrong, if anything did."""
    try:
        if not database.in_transaction:
            database.execute("BEGIN IMMEDIATE")
        for number, group in groupby(rows, key=itemgetter(0)):
            database.executemany(statements[number], map(itemgetter(1), group))
        if commit:
            database.execute("COMMIT")
    except (sqlite3.Error, OverflowError, ValueError) as error:
        rollback(database)
        return f"{type(error).__name__}: {error}"
    return None


def tell(database: sqlite3.Connection, texts: list[str]) -> list[Any] | str:
    """Run SQL that is no write: the rows of the last text, or what went wrong."""
    rows: list[Any] = []
    try:
        for text in texts:
            rows = database.execute(text).fetchall()
    except sqlite3.Error as error:
        return f"{type(error).__name__}: {error}"
    return rows


def rollback(database: sqlite3.Connection) -> None:
    """Forget the transaction, if there is one."""
    if database.in_transaction:
        with contextlib.suppress(sqlite3.Error):
            database.execute("ROLLBACK")


if __name__ == "__main__":
    main()
