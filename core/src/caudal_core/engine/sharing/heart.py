"""Renews the lease of this server, from a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from time import monotonic

from caudal_core.errors import Unavailable, error_text

BEATS = 3
"""How many times in a lease it is renewed."""

AGAIN = 0.5
"""Seconds after which a renewal that failed is tried again."""

PULSE = 0.5
"""Seconds between two signs of life of the event loop."""

PATIENCE = 4
"""How many leases long the event loop may do nothing. A handler that blocks it for a while must not
cost all that runs; a loop that hangs must not keep its work from others for ever."""

Outcome = bool | Unavailable
"""Whether this server is believed to live, or why nobody could be asked."""


class Heart:
    """`renew` blocks; it says whether this server is believed to live, or raises `Unavailable`.

    `told(begun, outcome)` is called in the thread with when that began, by the monotonic clock, and
    what came of it. `seconds` is the lease.
    """

    def __init__(
        self,
        renew: Callable[[], bool],
        seconds: float,
        told: Callable[[float, Outcome], None],
    ) -> None:
        self._renew = renew
        self._seconds = seconds
        self._told = told
        self._sign = monotonic()
        self._stopped = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._beat, name="caudal-heart", daemon=True)

    def start(self) -> None:
        """Renew from now on."""
        self._task = asyncio.get_running_loop().create_task(self._pulse(), name="pulse")
        self._thread.start()

    def close(self) -> None:
        """Renew no more."""
        self._stopped.set()
        if self._task is not None:
            self._task.cancel()

    async def _pulse(self) -> None:
        while True:
            self._sign = monotonic()
            await asyncio.sleep(PULSE)

    def _beat(self) -> None:
        renewed = True  # it has just been granted
        while not self._stopped.wait(self._seconds / BEATS if renewed else AGAIN):
            begun, renewed = monotonic(), False
            if begun - self._sign > PATIENCE * self._seconds:
                continue  # whatever runs here does not go on
            outcome: Outcome
            try:
                outcome = renewed = self._renew()
            except Unavailable as error:
                outcome = error
            except Exception as error:  # noqa: BLE001 - whatever it is, the next one may go well
                outcome = Unavailable(message=error_text(error))
            self._told(begun, outcome)
