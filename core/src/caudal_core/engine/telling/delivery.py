"""Delivers notices when they are due, each until it has gone through, for a day at most."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable, Mapping
from random import random
from time import time
from typing import TYPE_CHECKING, Any, Protocol

from caudal_core.engine.once import Key
from caudal_core.errors import CallRefused, NotAvailable, NotFound, error_text
from caudal_core.journal.notice import CALLBACK, DELIVERED, DUE, FAILED, Notice
from caudal_core.journal.statements import Statement
from caudal_core.values import decode

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine
    from caudal_core.engine.execution import Execution

AT_ONCE = 16
"""Notices that are delivered at one time."""

FIRST_WAIT = 1.0
LONGEST_WAIT = 3_600.0
"""Seconds before the next attempt, twice as many each time."""

ATTEMPTS = 36
"""How often it is tried, which takes a day: the first twelve within 70 minutes, then every hour."""

CHARACTERS = 1_000
"""Characters of an error that are kept."""

Find = Callable[[str], Awaitable[tuple[Mapping[str, Any], str | None]]]
"""Gives a workflow's JSON by its id, and the hash of its text if known; raises if there is none."""


class Caller(Protocol):
    """Calls URLs."""

    async def call(self, notice: Notice, told: Mapping[str, Any] | None) -> None:
        """Call `notice.target` with what is told; null stands for the execution's status.

        Raises what says why that failed, `CallRefused` where trying again makes no sense.
        """


class Delivery:
    """A task that waits for what is due next is there only while something is.

    `find` is where workflows are looked for, `caller` what calls URLs; `taken` is told of each
    notice when its delivery begins.
    """

    def __init__(self, engine: Engine, taken: Callable[[Notice], None]) -> None:
        self.find: Find = self._stored
        self.caller: Caller | None = None
        self._engine = engine
        self._taken = taken
        self._heap: list[tuple[float, str]] = []
        self._notices: dict[str, Notice] = {}
        self._changed = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._delivering: set[str] = set()

    @property
    def waiting(self) -> int:
        """How many notices are still to be delivered, those under way among them."""
        return len(self._notices) + len(self._under_way)

    def knows(self, notice_id: str) -> bool:
        """Whether it is to be delivered here, or is being."""
        return notice_id in self._notices or notice_id in self._delivering

    def add(self, notice: Notice) -> None:
        """Deliver it when it is due; a notice that waits already is delivered in this form."""
        self._notices[notice.id] = notice
        heapq.heappush(self._heap, (notice.due or 0.0, notice.id))
        self._changed.set()
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name="notices")

    def drop(self, notice_id: str) -> None:
        """Deliver one no more."""
        self._notices.pop(notice_id, None)

    async def close(self) -> None:
        """Leave the rest to the next engine."""
        tasks = [*self._under_way, *([self._worker] if self._worker else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self) -> None:
        while self._heap or self._under_way:
            self._changed.clear()
            wait = self._begin_due()
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue
        self._worker = None

    def _begin_due(self) -> float | None:
        """Begin with all that is due; the seconds until the next one is, null: not known."""
        while self._heap and len(self._under_way) < AT_ONCE:
            due, notice_id = self._heap[0]
            if (left := due - time()) > 0:
                return left
            heapq.heappop(self._heap)
            if (notice := self._notices.pop(notice_id, None)) is not None:
                task = asyncio.create_task(self._deliver(notice))
                self._under_way.add(task)
                task.add_done_callback(self._ended)
        return None

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._changed.set()

    # -- one notice ------------------------------------------------------------------------------

    async def _deliver(self, notice: Notice) -> None:
        self._taken(notice)
        self._delivering.add(notice.id)
        try:
            if not self._engine.storage.exclusive and not await self._brought_up(notice):
                return
            if notice.calls:
                await self._call(notice)
            else:
                await self._execute(notice)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            if not self._engine.closing:
                self._missed(notice, error)
                await self._engine.journal.flush()
        finally:
            self._delivering.discard(notice.id)

    async def _brought_up(self, notice: Notice) -> bool:
        """Take over what other servers have written of it; false where it has been delivered."""
        history = self._engine.storage.history
        found = await self._engine.read(lambda: history and history.notice(notice.id))
        if found is None or found.state != DUE:
            return False
        notice.count, notice.told = found.count, found.told
        return True

    async def _call(self, notice: Notice) -> None:
        if self.caller is None:
            raise NotAvailable("this engine calls no URLs")
        await self.caller.call(notice, None if notice.kind == CALLBACK else self._told(notice))
        notice.attempts, notice.error, notice.state = notice.attempts + 1, None, DELIVERED
        if notice.kind == CALLBACK:
            self._engine.journal.write(Statement.NOTICE, notice.row())
        else:
            self._drop(notice)
        await self._engine.journal.flush()

    async def _execute(self, notice: Notice) -> None:
        """Execute the workflow that is told; whoever did so before has the same key."""
        key = Key(f"notice:{notice.id}", notice.id)
        asked = await self._engine.once.submit(
            key, lambda: self._prepared(notice), beside=lambda: self._drop(notice)
        )
        if asked.repeated:
            self._drop(notice)

    async def _prepared(self, notice: Notice) -> Execution:
        document, digest = await self.find(notice.target)
        return await self._engine.prepare(
            document,
            self._told(notice),
            workflow_id=notice.target,
            digest=digest,
            organization=notice.organization,
            labels={"noticeOf": notice.execution} if notice.execution else None,
            origin="notice",
        )

    def _told(self, notice: Notice) -> dict[str, Any]:
        told: dict[str, Any] = decode(notice.told or b"{}")
        return {"kind": notice.kind, **told, "count": notice.count}

    def _drop(self, notice: Notice) -> None:
        self._engine.journal.write(Statement.DROP_NOTICE, (notice.id,))

    def _missed(self, notice: Notice, error: Exception) -> None:
        """Try it again later, or give up."""
        now = time()
        notice.attempts += 1
        notice.error = error_text(error)[:CHARACTERS]
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (notice.attempts - 1))
        wait *= 1 + random() / 10  # noqa: S311 - nothing secret about it
        over = isinstance(error, CallRefused) or notice.attempts >= ATTEMPTS
        notice.state, notice.due = (FAILED, None) if over else (DUE, now + wait)
        text = "a notice (%s of %s) was not delivered: %s; %s"
        then = "it is given up" if over else f"it is tried again in {wait:.0f} s"
        log = logging.getLogger(__name__)
        log.warning(text, notice.kind, notice.execution, notice.error, then)
        self._engine.journal.write(Statement.NOTICE, notice.row(), None if over else notice)

    async def _stored(self, workflow_id: str) -> tuple[Mapping[str, Any], str | None]:
        found = await self._engine.library.find(workflow_id)
        if found is None:
            raise NotFound(kind="Workflow", id=workflow_id)
        stored, document = found
        return document, stored.hash
