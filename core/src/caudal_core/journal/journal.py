"""The journal: rows go in at once, and whoever must know is told when they are committed.

One writer gathers what all executions want written. While a batch is being committed the next one
gathers, so that one wait for the disk carries many rows. Rows that nobody waits for ride along and
wait `RIDE_ALONG` seconds at most, or `SOON` seconds where they end something. Of many rows every
`FEED` are handed to the sink ahead of their commit, so that it need not begin with them when
somebody waits. Rows are committed in the order in which they were written.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from caudal_core.errors import Unavailable

RIDE_ALONG = 0.01
SOON = 0.002
FEED = 64
CLOSE_SECONDS = 5.0
Row = tuple[Any, ...]
Told = Callable[[Sequence[Any]], None]
Measured = Callable[[float, int], None]


class Lost(NamedTuple):
    """What a commit has left out: rows of executions that are no longer this server's.

    `owner` is the name under which this server is believed to be dead, if it is.
    """

    executions: Collection[str]
    owner: str | None = None


class Sink(Protocol):
    """Where batches go."""

    async def open(self) -> None:
        """Get ready; raises `Unavailable` if that is not possible."""

    def feed(self, rows: Sequence[tuple[int, Row]]) -> bool:
        """Take rows of the next commit ahead of it; false where that is not possible now."""

    async def commit(self, rows: Sequence[tuple[int, Row]], fed: int) -> Lost | None:
        """Write all rows in one transaction; returns once they will survive a power cut.

        The first `fed` of them were fed already. After a failure nothing counts as fed. Where
        several servers write, what it has left out is returned.
        """

    async def shrink(self) -> bool:
        """Give a little of what is free back to the system; whether there is more."""

    async def close(self) -> None:
        """Let go of everything."""


class MemorySink:
    """Keeps nothing: for tests, and for measuring what durability costs."""

    async def open(self) -> None:
        """Nothing to do."""

    def feed(self, rows: Sequence[tuple[int, Row]]) -> bool:
        """Nothing to do."""
        return bool(rows)

    async def commit(self, rows: Sequence[tuple[int, Row]], fed: int) -> None:
        """Nothing to do."""

    async def shrink(self) -> bool:
        """Nothing to do."""
        return False

    async def close(self) -> None:
        """Nothing to do."""


class Journal:
    """Gathers rows and hands them to the sink in batches.

    `told(subjects)` is called on the event loop after each commit with what was given to `write`,
    in order. A commit that fails is tried again until it succeeds: nothing is dropped and nobody
    is told meanwhile; `fault` then says what is wrong. `measured` gets the seconds and the rows of
    each commit. `lost` is told, before anybody else, what a commit has left out.
    """

    def __init__(
        self,
        sink: Sink,
        told: Told = lambda _: None,
        measured: Measured = lambda _, __: None,
        lost: Callable[[Lost], None] = lambda _: None,
    ) -> None:
        self.told = told
        self._measured = measured
        self._lost = lost
        self.fault: str | None = None
        self._sink = sink
        self._rows: list[tuple[int, Row]] = []
        self._fed = 0
        self._subjects: list[Any] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._told_next: list[asyncio.Future[None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._within = RIDE_ALONG
        self._urgent = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._committing = False

    async def open(self) -> None:
        """Open the sink and begin to write."""
        await self._sink.open()
        self._task = asyncio.create_task(self._work(), name="journal")

    async def close(self) -> None:
        """Commit what is left, then let go; what cannot be committed is given up after a while."""
        with contextlib.suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.flush()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._sink.close()
        for waiter in (*self._told_next, *self._waiters):
            _resolve(waiter, Unavailable(message="the journal has closed"))

    def write(
        self,
        statement: int,
        row: Row,
        subject: Any = None,
        *,
        urgent: bool = False,
        within: float = RIDE_ALONG,
    ) -> None:
        """Put one row in; `subject` is told of when it is committed.

        That begins at once where it is urgent, else within so many seconds.
        """
        rows = self._rows
        rows.append((statement, row))
        if len(rows) - self._fed >= FEED:
            self._feed(rows)
        if subject is not None:
            self._subjects.append(subject)
        if urgent:
            self._urgent.set()
        elif self._timer is None or within < self._within:
            self._begin_within(within)

    def _begin_within(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._within = seconds
        self._timer = asyncio.get_running_loop().call_later(seconds, self._urgent.set)

    def _feed(self, rows: list[tuple[int, Row]]) -> None:
        # While a commit is tried again its rows come first: the sink would drop what is fed ahead.
        if self.fault is None and self._sink.feed(rows[self._fed :]):
            self._fed = len(rows)

    async def flush(self, *, most: float | None = None) -> None:
        """Wait until all that was written so far is committed.

        `Unavailable` if the journal has closed, or if that takes more than `most` seconds.
        """
        if self._task is not None and self._task.done():
            raise Unavailable(message=self.fault or "the journal has closed")
        if not self._rows and not self._committing:
            return
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._waiters.append(waiter)
        self._urgent.set()
        timer = None if most is None else loop.call_later(most, self._late, waiter)
        try:
            await waiter
        finally:
            if timer is not None:
                timer.cancel()

    def _late(self, waiter: asyncio.Future[None]) -> None:
        if waiter.done():
            return
        if self.fault is None:  # until a commit succeeds
            self.fault = "the journal does not answer"
        _resolve(waiter, Unavailable(message=self.fault))

    async def shrink(self) -> bool:
        """Give a little of what is free back to the system; whether there is more."""
        return await self._sink.shrink()

    async def _work(self) -> None:
        try:
            while True:
                await self._urgent.wait()
                self._urgent.clear()
                rows, fed, subjects, self._told_next = self._swap()
                self._committing = True
                if rows:
                    await self._commit(rows, fed)
                self._committing = False
                self.told(subjects)
                del rows, subjects  # nothing is kept while there is nothing to do
                for waiter in self._told_next:
                    _resolve(waiter)
        except Exception as error:
            self.fault = f"the journal has failed: {error!r}"
            for waiter in (*self._told_next, *self._waiters):
                _resolve(waiter, Unavailable(message=self.fault))
            raise

    def _swap(self) -> tuple[list[tuple[int, Row]], int, list[Any], list[asyncio.Future[None]]]:
        """Take what is waiting; what comes from now on belongs to the next batch."""
        taken = self._rows, self._fed, self._subjects, self._waiters
        self._rows, self._fed, self._subjects, self._waiters = [], 0, [], []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return taken

    async def _commit(self, rows: list[tuple[int, Row]], fed: int) -> None:
        delay = 0.05
        begin = perf_counter()
        while True:
            try:
                lost = await self._sink.commit(rows, fed)
            except Unavailable as error:
                self.fault = error.text()
                fed = self._fed = 0
                await asyncio.sleep(delay)
                delay = min(2.0, delay * 2)
            else:
                self.fault = None
                self._measured(perf_counter() - begin, len(rows))
                if lost is not None:
                    self._lost(lost)
                return


def _resolve(waiter: asyncio.Future[None], error: Exception | None = None) -> None:
    if waiter.done():
        return
    if error is None:
        waiter.set_result(None)
    else:
        waiter.set_exception(error)
