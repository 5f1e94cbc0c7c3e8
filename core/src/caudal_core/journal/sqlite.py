"""The journal's sink for SQLite: a child process that writes (see `writer_process`)."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from caudal_core.errors import Unavailable
from caudal_core.journal import writer_process
from caudal_core.journal.child import Child
from caudal_core.journal.journal import Row
from caudal_core.journal.lock import take_lock
from caudal_core.journal.writer_process import ALL, COMMIT, FEED, TELL

PRAGMAS = (
    "PRAGMA auto_vacuum=INCREMENTAL",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=5000",
)
KEPT_PAGES = 256
STEP_PAGES = 200
"""Free pages that are kept in the file, and those that are given back in one step."""


class SqliteSink:
    """Starts the writer, speaks to it, and starts it again if it dies."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "caudal.db"
        self.pragmas: Sequence[str] = PRAGMAS
        self._lock_file = folder / "caudal.lock"
        self._lock: int | None = None
        self._child = Child()
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The writer's process id."""
        return self._child.pid

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
        command = [sys.executable, "-I", "-S", str(Path(writer_process.__file__))]
        await self._child.start(command, keep=(lock,), env={})
        error = await self._child.exchange(self._opening())
        if error is not None:
            raise Unavailable(message=f"the journal cannot be opened: {error}")

    def _opening(self) -> dict[str, Any]:
        from caudal_core.journal.statements import schema, statements

        return {
            "database": str(self.database),
            "pragmas": list(self.pragmas),
            "schema": schema(),
            "statements": statements(),
        }

    def feed(self, rows: Sequence[tuple[int, Row]]) -> bool:
        """See `Sink.feed`."""
        return self._child.send((FEED, rows))

    async def commit(self, rows: Sequence[tuple[int, Row]], fed: int) -> None:
        """See `Sink.commit`. Every row may be written twice without harm."""
        async with self._turn:
            await self._commit(rows, fed)

    async def _commit(self, rows: Sequence[tuple[int, Row]], fed: int) -> None:
        try:
            if not self._child.runs and self._lock is not None:
                await self._start(self._lock)
                fed = 0
            error = await self._child.exchange((COMMIT if fed else ALL, list(rows[fed:])))
        except Unavailable:
            await self._child.stop()
            raise
        except (OSError, EOFError) as cause:
            await self._child.stop()
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
                found = await self._child.exchange((TELL, list(texts)))
        except (OSError, EOFError) as cause:
            raise Unavailable(message=f"the journal's writer has ended: {cause!r}") from cause
        if isinstance(found, str):
            raise Unavailable(message=f"the journal refuses: {found}")
        rows: list[Any] = found
        return rows

    async def close(self) -> None:
        """End the writer and let go of the folder."""
        await self._child.stop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
