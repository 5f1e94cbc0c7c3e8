"""What of the work on a shared database is this server's, and for how long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from caudal_core.engine.execution import Execution
from caudal_core.engine.recovery.recovery import Recovery
from caudal_core.engine.sharing.claims import Claims
from caudal_core.engine.sharing.heart import AGAIN, Heart, Outcome
from caudal_core.engine.sharing.requests import Requests
from caudal_core.errors import Unavailable, error_text
from caudal_core.journal.servers import Servers
from caudal_core.runner.pool import ThreadPool

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine

LOOK = 0.5
"""Seconds between two looks at what others want; work that nobody has is looked for every second
time."""

_log = logging.getLogger(__name__)


class Ownership:
    """Renews the lease of this server, takes up what nobody has, hears of what others want.

    `lose(ids)` is told which executions another server has now; null: all.
    """

    def __init__(
        self,
        engine: Engine,
        servers: Servers,
        recovery: Recovery,
        lose: Callable[[Collection[str] | None], None],
    ) -> None:
        self._threads = ThreadPool(3, "caudal-lease")
        self.claims = Claims(engine, servers, recovery, self._threads.run)
        self._engine = engine
        self._servers = servers
        self._requests = Requests(engine, servers, self._threads.run)
        self._lose = lose
        self._heart = Heart(self._renew, servers.seconds, self._beaten)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked = ""
        self._renewed = monotonic()
        self._dead = False
        self._cut_off = False
        self._closed = False
        self._held: set[Execution] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Take up what nobody has; from then on keep what is this server's."""
        self._loop = asyncio.get_running_loop()
        self._heart.start()
        if self.fault is None:
            await self.claims.round()
        self._begin(self._watch(), "claims")

    def _begin(self, work: Any, name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Claim nothing more; what is this server's stays so."""
        for task in list(self._tasks):
            if task.get_name() == "claims":
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        """Let others take over what is left."""
        if self._closed:
            return
        self._closed = True
        self._heart.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            async with asyncio.timeout(2):
                await self._threads.run(self._servers.leave)
        except (TimeoutError, Unavailable) as error:
            _log.warning("others take over after the lease: %s", error_text(error))
        self._threads.close()

    # -- the lease ---------------------------------------------------------------------------------

    @property
    def fault(self) -> str | None:
        """Why this server may start nothing, if so."""
        if self._dead:
            return "this server was not heard of for too long; it is about to begin anew"
        late = monotonic() - self._renewed
        if late <= self._servers.seconds:
            return self._servers.wrong_clock
        return f"the lease could not be renewed for {late:.0f} s: others may take over the work"

    def holds(self, execution: Execution) -> bool:
        """Whether it must not go on now; then it is woken once that is over."""
        if self.fault is None:
            return False
        self._held.add(execution)
        return True

    def _renew(self) -> bool:
        self._asked = self._servers.owner
        return self._servers.renew()

    def _beaten(self, begun: float, outcome: Outcome) -> None:
        """A renewal has gone well or not; called in a thread.

        What it says of this server is true at once, so that a loop that was blocked knows it first.
        """
        if outcome is True:
            self._renewed = max(self._renewed, begun)
        with suppress(RuntimeError):  # the loop has closed
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._heard, self._asked, outcome)

    def _heard(self, owner: str, outcome: Outcome) -> None:
        if self._dead or self._closed:
            return
        if isinstance(outcome, Unavailable):
            self.claims.cut_off = monotonic()
            level = logging.DEBUG if self._cut_off else logging.WARNING  # once, not twice a second
            _log.log(level, "the lease could not be renewed: %s", error_text(outcome))
            self._cut_off = True
            return
        if self._cut_off:
            self._cut_off = False
            _log.warning("the database answers again")
        if not outcome:
            self.died(owner)
        elif self.fault is None:
            self._release()

    def _release(self) -> None:
        held, self._held = self._held, set()
        for execution in held:
            execution.wake.set()

    def died(self, owner: str) -> None:
        """Others believe that the server of this name is dead, and go on with what it had."""
        if owner != self._servers.owner or self._dead:
            return
        self._dead = True
        _log.warning("this server was not heard of for too long: what it had is given up")
        self._lose(None)
        self._begin(self._revive(), "revive")

    async def _revive(self) -> None:
        """Begin anew under another name; what was written under the old one goes nowhere."""
        while True:
            begun = monotonic()
            try:
                await self._threads.run(self._servers.register)
                break
            except Unavailable as error:
                _log.warning("the server cannot begin anew: %s", error_text(error))
                await asyncio.sleep(AGAIN)
        # What was accepted meanwhile under the old name is found to be lost by what writes it.
        await self._engine.journal.flush()
        self._renewed, self._dead = begun, False
        self._release()
        _log.warning("this server has begun anew")

    # -- what others want, and what nobody has -----------------------------------------------------

    async def _watch(self) -> None:
        turn = 0
        while True:
            await asyncio.sleep(LOOK)
            turn += 1
            if self.fault is not None:
                continue
            try:
                await self._requests.look()
                if turn % 2 == 0:
                    await self.claims.round()
            except Unavailable as error:
                _log.debug("the database was not asked: %s", error_text(error))
            except Exception:  # noqa: BLE001 - whatever it is, the next look may go well
                _log.exception("the executions of others could not be looked after")

    @asynccontextmanager
    async def alone(self, key: str) -> AsyncIterator[None]:
        """Hold a key, which no other server can meanwhile. `Unavailable`."""
        held = self._servers.alone(key)
        await self._engine.read(held.__enter__)
        try:
            yield
        finally:
            await self._engine.read(lambda: held.__exit__(None, None, None))

    async def cancel(self, execution_id: str) -> tuple[bool, str]:
        """Cancel one that is not run here; see `Engine.cancel`."""
        return await self._requests.cancel(execution_id, self.claims)
