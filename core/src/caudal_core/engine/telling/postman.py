"""Notices where several servers share a database: one of them delivers what all of them write."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from time import time
from typing import TYPE_CHECKING

from caudal_core.errors import Unavailable, error_text
from caudal_core.journal.notice import DUE, RECOVERY, Notice

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine

LOOK = 2.0
"""Seconds between two looks at what others have written."""

SETTLED_AFTER = 10.0
"""Seconds after which what was written here is surely in the database, if it ever will be."""

LEASE = "notices"
"""What the one that delivers holds, among the leases of triggers."""


class Postman:
    """Looks from time to time; `delivers` says whether this server is the one.

    It takes over from one that died after its lease. Whoever is told by a URL may then be told
    twice, as after a crash.
    """

    def __init__(self, engine: Engine) -> None:
        self.delivers = False
        self._engine = engine
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._work(), name="postman")

    async def close(self) -> None:
        """Let another deliver."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self.delivers:
            with suppress(Unavailable):  # then it comes to another server in time
                await self._engine.read(lambda: self._engine.storage.leases.release({LEASE}))

    async def _work(self) -> None:
        while True:
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - the next look may go well
                self.delivers = False
                text = "what others are to be told of cannot be read: %s"
                logging.getLogger(__name__).debug(text, error_text(error))
            await asyncio.sleep(LOOK)

    async def _look(self) -> None:
        engine, history = self._engine, self._engine.storage.history
        if history is None:
            return
        held: set[str] = await engine.read(lambda: engine.storage.leases.hold({LEASE}))
        self.delivers = bool(held)
        found: list[Notice] = await engine.read(history.notices)
        engine.outbox.armed_elsewhere(
            [notice for notice in found if notice.kind == RECOVERY and notice.state != DUE],
            before=time() - SETTLED_AFTER,
        )
        if self.delivers:
            for notice in found:
                if notice.state == DUE and not engine.outbox.delivery.knows(notice.id):
                    engine.outbox.delivery.add(notice)
