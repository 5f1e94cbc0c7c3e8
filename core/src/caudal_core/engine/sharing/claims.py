"""Takes executions that nobody has: new ones of a server that died, and those that waited."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from caudal_core.engine.recovery.recovery import Recovery
from caudal_core.journal.servers import Servers

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine

AT_ONCE = 100
"""Executions that are claimed in one transaction; others get a share of what is left."""

READING = 4
"""Executions that are read back at one time."""

Run = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs what blocks in a thread that nothing else keeps busy."""


class Claims:
    """Only those whose handlers are here; what cannot go on here is given back."""

    def __init__(self, engine: Engine, servers: Servers, recovery: Recovery, run: Run) -> None:
        self._engine = engine
        self._run = run
        self._servers = servers
        self._recovery = recovery
        self._mine: set[str] = set()
        self._back: set[str] = set()
        self._before: dict[str, asyncio.Future[None]] = {}
        self.cut_off = -inf
        """When it was last noticed that the database does not answer, by the monotonic clock."""

    async def round(self) -> None:
        """Take up what nobody has, as much as there is room for; nothing where no work is taken."""
        engine = self._engine
        await self._bury()
        await self._give_back()
        seen: list[str] = []
        while not engine.closing and engine.fault is None:
            room = min(AT_ONCE, engine.options.max_queued - len(engine.unfinished))
            if room <= 0:
                return
            passed = tuple(seen)
            found = await self._run(lambda: self._servers.free(passed, room))  # noqa: B023
            seen += [free.id for free in found]
            self._forget(set(seen), whole=len(found) < room)
            types = await self._types({free.plan_hash for free in found})
            here = [
                free.id
                for free in found
                if self._has_handlers(free.id, types[free.plan_hash])
                and free.id not in self._recovery.stalled
            ]
            if here:
                await self._take(here)
            if len(found) < room:
                return

    async def _bury(self) -> None:
        """Nothing is theirs any more that were not heard of for too long.

        Where this server itself was cut off from the database until now, so were others, which
        have not been heard of either and are about to be.
        """
        if monotonic() - self.cut_off < self._servers.seconds:
            return
        for name in await self._run(self._servers.bury):
            text = "the server %s was not heard of: others go on with what it had"
            logging.getLogger(__name__).warning(text, name)

    def _forget(self, free: set[str], *, whole: bool) -> None:
        """What was kept from going on and is free no more is somebody else's business."""
        if whole:
            stalled = self._recovery.stalled
            for gone in stalled.keys() - free:
                del stalled[gone]

    def _has_handlers(self, execution_id: str, types: Collection[str]) -> bool:
        missing = sorted(set(types) - self._engine.registry.handlers.keys())
        if missing:
            names = ", ".join(f"'{name}'" for name in missing)
            why = f"it waits for another server: here there is no handler for the type {names}"
            self._recovery.stalled[execution_id] = why
        return not missing

    async def _types(self, plans: Collection[str]) -> dict[str, set[str]]:
        """The types of the nodes of each plan."""
        history = self._engine.storage.history
        assert history is not None  # noqa: S101 - there are servers, so there is a database

        def read() -> dict[str, set[str]]:
            return {
                digest: {node.type for node in history.plan(digest).values()} for digest in plans
            }

        found: dict[str, set[str]] = await self._run(read)
        return found

    async def _take(self, wanted: list[str]) -> None:
        claimed = set(await self._run(lambda: self._servers.claim(wanted)))
        mine = [execution_id for execution_id in wanted if execution_id in claimed]
        self._mine.update(mine)
        gate, loop = asyncio.Semaphore(READING), asyncio.get_running_loop()

        async def take_up(execution_id: str, before: asyncio.Future[None] | None) -> None:
            async with gate:
                try:
                    if before is not None:
                        self._before[execution_id] = before
                    await self._engine.take_up(execution_id)
                finally:
                    self._before.pop(execution_id, None)
                    turns[execution_id].set_result(None)

        turns = {execution_id: loop.create_future() for execution_id in mine}
        befores = (None, *turns.values())
        try:
            await asyncio.gather(*map(take_up, mine, befores))
        finally:
            self._back |= self._mine.intersection(mine)
            self._mine.difference_update(mine)

    async def turn(self, execution_id: str) -> None:
        """Wait until those that were claimed with this one, and accepted before it, go on."""
        before = self._before.get(execution_id)
        if before is not None:
            await before

    async def claim(self, execution_id: str) -> bool:
        """Whether an execution that is about to be read is this server's from now on."""
        if execution_id in self._mine:
            self._mine.discard(execution_id)
            return True
        servers = self._servers
        if self._engine.fault is not None:
            return False
        plan_hash = await self._run(lambda: servers.plan_of(execution_id))
        if plan_hash is None:
            return False
        types = await self._types([plan_hash])
        if not self._has_handlers(execution_id, types[plan_hash]):
            return False
        return bool(await self._run(lambda: servers.claim([execution_id])))

    async def give_up(self, execution_id: str) -> None:
        """End one that is to be cancelled and that no server can go on with, if it is free."""
        engine = self._engine
        if await self._run(lambda: self._servers.claim([execution_id])):
            record = (await engine.view(execution_id, last=0)).record
            await self._recovery.give_up(record, "cancelled", None)
            await engine.journal.flush()

    def give_back(self, execution_id: str) -> None:
        """One that was claimed cannot go on here: others may have it."""
        self._back.add(execution_id)

    async def _give_back(self) -> None:
        back = set(self._back)
        if back:
            await self._run(lambda: self._servers.let_go(back))
            self._back -= back
