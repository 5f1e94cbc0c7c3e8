"""The journal's sink for SQLite: a child process that writes (see `writer_process`)."""

from __future__ import annotations

import asyncio
import marshal
import os
import socket
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from caudal_core.errors import Unavailable
from caudal_core.journal import writer_process
from caudal_core.journal.journal import Row
from caudal_core.journal.lock import take_lock
from caudal_core.journal.writer_process import ALL, COMMIT, FEED, TELL

PRAGMAS = (
    "PRAGMA auto_vacuum=INCREMENTAL",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=5000",
)
FRAME_HEAD = 8
KEPT_PAGES = 256
STEP_PAGES = 200
"""Free pages that are kept in the file, and those that are given back in one step."""


class SqliteSink:
    """Starts the writer, speaks to it, and starts it again if it dies."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "caudal.db"
        self._lock_file = folder / "caudal.lock"
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The writer's process id."""
        return self._process.pid if self._process else None

    async def open(self) -> None:
        """Lock the folder and start the writer.

        `InUse` names who holds the folder, `Unavailable` says what else is wrong. The lock is kept
        while the writer is started again.
        """
        if self._lock is None:
            self._lock = take_lock(self._lock_file)
        try:
            await self._bring_up()
            await self._start(self._lock)
        except BaseException:
            await self.close()
            raise

    async def _bring_up(self) -> None:
        from caudal_core.journal.schema import bring_up

        try:
            await asyncio.get_running_loop().run_in_executor(None, bring_up, self.database)
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(message=f"the journal cannot be opened: {error}") from error

    async def _start(self, lock: int) -> None:
        ours, theirs = socket.socketpair()
        script = str(Path(writer_process.__file__))
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own script; it returns at once
                [sys.executable, "-I", "-S", script, str(theirs.fileno())],
                pass_fds=[theirs.fileno(), lock],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={},
            )
        self._reader, self._writer = await asyncio.open_connection(sock=ours)
        error = await self._exchange(self._opening())
        if error is not None:
            raise Unavailable(message=f"the journal cannot be opened: {error}")

    def _opening(self) -> dict[str, Any]:
        from caudal_core.journal.statements import schema, statements

        return {
            "database": str(self.database),
            "pragmas": list(PRAGMAS),
            "schema": schema(),
            "statements": statements(),
        }

    def feed(self, rows: Sequence[tuple[int, Row]]) -> bool:
        """See `Sink.feed`."""
        if self._writer is None or self._writer.is_closing():
            return False
        self._send((FEED, rows))
        return True

    async def commit(self, rows: Sequence[tuple[int, Row]], fed: int) -> None:
        """See `Sink.commit`. Every row may be written twice without harm."""
        async with self._turn:
            await self._commit(rows, fed)

    async def _commit(self, rows: Sequence[tuple[int, Row]], fed: int) -> None:
        try:
            if self._writer is None and self._lock is not None:
                await self._start(self._lock)
                fed = 0
            error = await self._exchange((COMMIT if fed else ALL, list(rows[fed:])))
        except Unavailable:
            await self._stop()
            raise
        except (OSError, EOFError) as cause:
            await self._stop()
            raise Unavailable(message=f"the journal's writer has ended: {cause!r}") from cause
        if error is not None:
            raise Unavailable(message=f"the journal cannot be written: {error}")

    async def shrink(self) -> bool:
        """See `Sink.shrink`. Some pages are kept, as they are soon needed again."""
        [[free]] = await self.tell("PRAGMA freelist_count")
        if free <= KEPT_PAGES:
            return False
        [[left]] = await self.tell(
            f"PRAGMA incremental_vacuum({min(STEP_PAGES, free - KEPT_PAGES)})",
            "PRAGMA freelist_count",
        )
        if KEPT_PAGES < left < free:
            return True
        await self.tell("PRAGMA wal_checkpoint(PASSIVE)")  # the file is cut when the log is in it
        return False

    async def tell(self, *texts: str) -> list[Any]:
        """Run SQL that is no write, such as pragmas, between commits; the rows of the last one.

        `Unavailable` if it fails. It holds for the writer that runs now.
        """
        try:
            async with self._turn:
                found = await self._exchange((TELL, list(texts)))
        except (OSError, EOFError) as cause:
            raise Unavailable(message=f"the journal's writer has ended: {cause!r}") from cause
        if isinstance(found, str):
            raise Unavailable(message=f"the journal refuses: {found}")
        rows: list[Any] = found
        return rows

    async def _exchange(self, value: Any) -> Any:
        if self._writer is None or self._reader is None:
            raise EOFError
        self._send(value)
        await self._writer.drain()
        (size,) = struct.unpack("!Q", await self._reader.readexactly(FRAME_HEAD))
        return marshal.loads(await self._reader.readexactly(size))  # noqa: S302 - our child

    def _send(self, value: Any) -> None:
        try:
            body = marshal.dumps(value)
        except ValueError:
            body = marshal.dumps(_plain(value))
        if self._writer is not None:
            self._writer.write(struct.pack("!Q", len(body)) + body)

    async def close(self) -> None:
        """End the writer and let go of the folder."""
        await self._stop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def _stop(self) -> None:
        """Close the socket, which ends the writer, and wait for it."""
        writer, process = self._writer, self._process
        self._writer = self._reader = self._process = None
        if writer is not None:
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)
        if process is not None:
            await asyncio.get_running_loop().run_in_executor(None, _end, process)


def _plain(value: Any) -> Any:
    """The same with the members of enums as the texts and numbers that they are."""
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    if isinstance(value, str):
        return str.__str__(value)
    return int(value) if isinstance(value, int) else value


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
