"""The process that writes to PostgreSQL. It needs the standard library and psycopg, nothing else.

It speaks as `writer_process` does. The opening is `{"path", "connect", "session", "statements",
"fences", "accepting", "shared"}`; every other frame `(kind, [(statement's number, row), …],
owner)`. Rows that are fed wait here until they are committed: a transaction is open for as long as
its statements take. A commit is answered with a text that says what went wrong, or with `[lost,
dead]`: the executions whose rows were left out as they are not `owner`'s, and whether `owner` is
not believed to live any more.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

ALIVE = "SELECT 1 FROM server WHERE id = $1 FOR KEY SHARE"
"""While this is held nobody can take anything over from the server."""

OWNERS = "SELECT id, owner FROM execution WHERE id = ANY($1)"

Rows = list[tuple[int, Any]]


def main() -> None:
    """Serve the socket whose descriptor is the last argument until it closes."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    # What it says there of connections that were lost is in the answers too.
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)
    frames = _frames()
    with (
        contextlib.suppress(BrokenPipeError),
        socket.socket(fileno=int(sys.argv[1])) as peer,
        peer.makefile("rwb") as stream,
    ):
        opening = frames.read_frame(stream)
        if opening is None:
            return
        sys.path.append(opening["path"])
        writer = Writer(opening)
        frames.write_frame(stream, writer.connect())
        fed: Rows = []
        while (frame := frames.read_frame(stream)) is not None:
            kind, rows, owner = frame
            if kind == frames.ALL:
                fed = []
            fed += rows
            if kind != frames.FEED:
                frames.write_frame(stream, writer.commit(fed, owner))
                fed = []


def _frames() -> Any:
    """The module that has the frames: this one is no part of a package here."""
    path = Path(__file__).with_name("writer_process.py")
    spec = importlib.util.spec_from_file_location("writer_process", path)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - it lies beside this one
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Writer:
    """One connection, made again where it was lost."""

    def __init__(self, opening: dict[str, Any]) -> None:
        self._opening = opening
        self._statements: list[str] = opening["statements"]
        self._fences: list[Any] = opening["fences"]
        self._shared = frozenset(opening["shared"])
        self._connection: psycopg.Connection[Any] | None = None

    def connect(self) -> str | None:
        """Connect, or say what is wrong."""
        import psycopg

        try:
            self._connected()
        except psycopg.Error as error:
            return _cause(error)
        return None

    def _connected(self) -> psycopg.Connection[Any]:
        import psycopg
        from psycopg.types.numeric import Int8Dumper

        if self._connection is None or self._connection.closed:
            made = psycopg.connect(
                **self._opening["connect"], cursor_factory=psycopg.RawCursor, autocommit=True
            )
            for setting in self._opening["session"]:
                made.execute(setting)
            made.autocommit = False
            made.prepare_threshold = 0
            # One type for whole numbers of any size, so that a statement is prepared once.
            made.adapters.register_dumper(int, Int8Dumper)
            self._connection = made
        return self._connection

    def commit(self, rows: Rows, owner: str) -> str | list[Any]:
        """Write all rows that are the owner's in one transaction."""
        import psycopg

        try:
            try:
                return self._commit(rows, owner)
            except (psycopg.DataError, UnicodeEncodeError):
                # A text with a character that PostgreSQL has not would hold up all others for ever.
                self._roll_back()
                return self._commit(_writable(rows), owner)
        except (psycopg.Error, OverflowError, UnicodeEncodeError) as error:
            self._roll_back()
            return _cause(error)

    def _commit(self, rows: Rows, owner: str) -> list[Any]:
        connection = self._connected()
        lost, alive = self._lost(connection, rows, owner)
        if lost:
            rows = [row for row in rows if self._guarded(row) not in lost]
        statements = self._statements
        with connection.pipeline():
            cursor = connection.cursor()
            for number, group in groupby(self._ordered(rows), key=itemgetter(0)):
                cursor.executemany(statements[number], list(map(itemgetter(1), group)))
            connection.commit()
        return [sorted(lost), not alive]

    def _ordered(self, rows: Rows) -> Rows:
        """With what two servers may insert at one time first, and in one order.

        Else each could wait for what the other one has inserted. Nothing else depends on its place.
        """
        shared = self._shared
        if not any(row[0] in shared for row in rows):
            return rows
        first = [row for row in rows if row[0] in shared]
        first.sort(key=lambda row: (row[0], row[1][0]))
        return first + [row for row in rows if row[0] not in shared]

    def _lost(
        self, connection: psycopg.Connection[Any], rows: Rows, owner: str
    ) -> tuple[set[str], bool]:
        """The executions that rows are about and that are not the owner's; whether that lives."""
        wanted = {guarded for row in rows if (guarded := self._guarded(row)) is not None}
        accepted = dict(self._accepted(rows))
        if not wanted and not accepted:
            return set(), True
        with connection.pipeline():
            alive = connection.execute(ALIVE, (owner,))
            found = connection.execute(OWNERS, ([*wanted, *accepted],))
            lives = alive.fetchone() is not None
            owners = accepted | dict(found.fetchall())
        if not lives:
            return wanted | accepted.keys(), False
        return {key for key in wanted | accepted.keys() if owners.get(key) != owner}, True

    def _guarded(self, row: tuple[int, Any]) -> str | None:
        """The execution whose owner alone may write this row."""
        number, values = row
        fence = self._fences[number]
        if fence is None:
            return None
        place, free, only = fence
        if free is not None and values[free[0]] == free[1]:
            return None
        if only is not None and values[only[0]] != only[1]:
            return None
        found: str | None = values[place]
        return found

    def _accepted(self, rows: Rows) -> Iterator[tuple[str, str]]:
        """The executions that come into being, with their owners."""
        number, execution, owner = self._opening["accepting"]
        for statement, values in rows:
            if statement == number:
                yield values[execution], values[owner]

    def _roll_back(self) -> None:
        """Forget the transaction; a connection that cannot do that is let go of."""
        connection = self._connection
        if connection is None:
            return
        try:
            connection.rollback()
        except Exception:  # noqa: BLE001 - whatever it is, another connection is made
            with contextlib.suppress(Exception):
                connection.close()
            self._connection = None


def _writable(rows: Rows) -> Rows:
    """The same with a mark for each character that no text of PostgreSQL can hold."""
    return [(number, tuple(map(writable, values))) for number, values in rows]


def writable(value: Any) -> Any:
    """The same, with a mark for each character that no text of PostgreSQL can hold."""
    if not isinstance(value, str) or (value.isascii() and "\0" not in value):
        return value
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _cause(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


if __name__ == "__main__":
    main()
