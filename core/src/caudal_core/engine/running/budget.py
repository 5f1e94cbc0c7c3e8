"""One time slice of the event loop, shared by all executions."""

from __future__ import annotations

import asyncio
from time import perf_counter

SLICE = 0.005


class LoopBudget:
    """Says when the loop must be given back.

    Inline nodes never suspend, so executions would take turns of any length. All of them together
    get `SLICE` seconds in one round of the loop; a new round begins with a full budget.
    """

    __slots__ = ("_loop", "_until")

    def __init__(self) -> None:
        self._until: float | None = None
        self._loop = asyncio.get_running_loop()

    def spent(self) -> bool:
        """Whether the caller should now `await asyncio.sleep(0)`."""
        now = perf_counter()
        if self._until is None:
            self._until = now + SLICE
            self._loop.call_soon(self._renew)
            return False
        return now > self._until

    def _renew(self) -> None:
        self._until = None
