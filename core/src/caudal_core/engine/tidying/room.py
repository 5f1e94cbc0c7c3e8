"""Watches how much room there is, so that what runs has some left to end in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

LOOK_EVERY = 2.0
"""Seconds between two looks."""

MIB = 1024**2


class Room:
    """`free` gives the bytes that are free (null: not known), in a thread by `in_thread`.

    Below `reserve` bytes `fault` says so: new work is refused, what runs goes on into the reserve.
    """

    def __init__(
        self,
        free: Callable[[], int | None],
        reserve: int,
        in_thread: Callable[[Callable[[], Any]], Awaitable[Any]],
    ) -> None:
        self.fault: str | None = None
        self._free = free
        self._reserve = reserve
        self._in_thread = in_thread
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look once, and from then on from time to time."""
        if self._reserve:
            await self.look()
            self._task = asyncio.create_task(self._watch(), name="room")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await self.look()

    async def look(self) -> None:
        """See how much is free now."""
        try:
            free = await self._in_thread(self._free)
        except OSError as error:
            self._say(f"the data folder cannot be looked at: {error}")
            return
        if free is None or free >= self._reserve:
            self._say(None)
        else:
            self._say(
                f"the disk has {free // MIB:,} MiB left, and {self._reserve // MIB:,} MiB are kept "
                "for what runs already; make room, or set CAUDAL_DISK_RESERVE lower"
            )

    def _say(self, fault: str | None) -> None:
        if (fault is None) != (self.fault is None):
            log = logging.getLogger(__name__)
            log.warning("%s", fault or "the disk has room again")
        self.fault = fault

    def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
