"""Knows the next moment for which an execution waits, and takes up what is due."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from caudal_core.errors import error_text

LOOK = 30.0
"""Seconds after which the journal is asked anew: clocks are set, and others may write to it."""

AT_ONCE = 100
"""Executions that are taken up at one time."""


class Waiters(Protocol):
    """Where the moments come from."""

    async def due(self) -> list[str]:
        """The executions whose moment has come, some of them if there are many."""

    async def seconds(self) -> float | None:
        """Seconds to the next moment; null: there is none."""


class Alarm:
    """One task. `take_up` is given the ids of executions whose moment has come."""

    def __init__(
        self, waiters: Waiters, take_up: Callable[[Sequence[str]], Awaitable[None]]
    ) -> None:
        self._waiters = waiters
        self._take_up = take_up
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; what is due already is taken up at once."""
        self._task = asyncio.get_running_loop().create_task(self._work(), name="alarm")

    def changed(self) -> None:
        """There may be an earlier moment now."""
        self._changed.set()

    async def close(self) -> None:
        """Take up nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            self._changed.clear()
            seconds = LOOK
            try:
                if await self._round():
                    continue
                left = await self._waiters.seconds()
                seconds = LOOK if left is None else min(LOOK, max(0.0, left))
            except Exception as error:  # noqa: BLE001 - a database that does not answer is asked again
                log = logging.getLogger(__name__)
                log.warning("what is due cannot be read: %s", error_text(error))
                seconds = 1.0
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _round(self) -> bool:
        """Take up what is due; whether there was anything."""
        due = await self._waiters.due()
        for start in range(0, len(due), AT_ONCE):
            await self._take_up(due[start : start + AT_ONCE])
        return bool(due)
