"""Executions that only wait: they leave memory, and come back when there is something to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from time import time
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from caudal_core.engine.execution import Execution
from caudal_core.engine.recovery.recovery import Recovery, Resume
from caudal_core.engine.waits.alarm import Alarm
from caudal_core.engine.waits.waiting import Found, deadline, next_due, read_waits

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine
    from caudal_core.journal.history import History

PAGE = 256
LONGEST_FLUSH = 10.0


class Dormant:
    """`resume` goes on with an execution.

    One that somebody watches stays in memory as long as that lasts, so that whoever watches sees it
    go on; where the journal keeps nothing all stay.
    """

    def __init__(self, engine: Engine, recovery: Recovery, resume: Resume) -> None:
        self._engine = engine
        self._recovery = recovery
        self._resume = resume
        self._kept: dict[str, Execution] = {}
        self._watched: WeakValueDictionary[str, Execution] = WeakValueDictionary()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._looked = 0.0
        self.alarm = Alarm(self, self._take_up_all)

    def add(self, execution: Execution) -> None:
        """It is committed that this one only waits; then any server may go on with it."""
        execution.record.state = "waiting"
        for run in execution.runs:
            run.rest()
        if self._engine.storage.exclusive:
            self._watched[execution.id] = execution
        else:
            self._engine.follower.keep(execution)
        if self._history is None:
            self._kept[execution.id] = execution
        self.alarm.changed()

    def find(self, execution_id: str) -> Execution | None:
        """The execution, if it is in memory."""
        return self._watched.get(execution_id)

    def all(self) -> list[Execution]:
        """Those that are in memory."""
        return list(self._watched.values())

    @property
    def _history(self) -> History | None:
        return self._engine.storage.history

    async def take_up(self, execution_id: str) -> None:
        """Go on with an execution that waits; with any other nothing is done."""
        await self._alone(execution_id, self._take_up)

    async def _take_up_all(self, identities: Sequence[str]) -> None:
        """The same for many: those of which nothing is in memory are read together."""
        engine, together, others = self._engine, list[str](), list[str]()
        for key in identities:
            apart = key in self._busy or engine.live(key) is not None
            (others if apart or not engine.storage.exclusive else together).append(key)
        tasks: list[Awaitable[None]] = [self.take_up(key) for key in others]
        if together:
            tasks.append(self._busy_with(together, self._take_up_together(together)))
        await asyncio.gather(*tasks)

    async def _take_up_together(self, identities: Sequence[str]) -> None:
        engine = self._engine
        await engine.journal.flush(most=LONGEST_FLUSH)
        if not engine.closing:
            await self._recovery.take_up(*identities)

    async def watch(self, execution_id: str) -> Execution | None:
        """The execution that waits, in memory as long as the caller holds it."""
        if self.find(execution_id) is None and self._history is not None:
            found: list[Execution] = []  # held until the caller has it

            async def load(_: str) -> None:
                if self._engine.live(execution_id) is not None:
                    return
                execution = await self._recovery.load(execution_id)
                if execution is not None:
                    self._watched[execution_id] = execution
                    found.append(execution)

            await self._alone(execution_id, load)
        return self._engine.live(execution_id)

    async def settled(self, execution_id: str) -> None:
        """Wait until nobody reads the execution to go on with it."""
        while (other := self._busy.get(execution_id)) is not None:
            await asyncio.wait({other})

    async def _alone(
        self, execution_id: str, work: Callable[[str], Coroutine[Any, Any, None]]
    ) -> None:
        """Do what makes an object of the execution, one caller after the other."""
        await self.settled(execution_id)
        await self._busy_with([execution_id], work(execution_id))

    def _busy_with(
        self, identities: Sequence[str], work: Coroutine[Any, Any, None]
    ) -> Awaitable[None]:
        """Do it while nobody else makes objects of these; it goes on without the caller."""
        task = asyncio.get_running_loop().create_task(work)
        self._busy.update(dict.fromkeys(identities, task))

        def ended(_: asyncio.Task[None]) -> None:
            for key in identities:
                self._busy.pop(key, None)

        task.add_done_callback(ended)
        return asyncio.shield(task)

    async def _take_up(self, execution_id: str) -> None:
        engine = self._engine
        execution = engine.live(execution_id)
        if engine.closing or (execution is not None and not execution.dormant):
            return
        await engine.journal.flush(most=LONGEST_FLUSH)  # what is read now is all there is
        if execution is None:
            await self._recovery.take_up(execution_id)
            return
        storage = engine.storage
        found: Found = await engine.read(lambda: read_waits(storage, execution_id))
        if not engine.closing:
            self._kept.pop(execution_id, None)
            self._watched.pop(execution_id, None)
            self._resume(execution, found)

    # -- what the alarm asks ---------------------------------------------------------------------

    async def due(self) -> list[str]:
        """The executions whose moment has come."""
        history, now = self._history, time()
        self._looked = now
        if self._engine.fault is not None and not self._engine.storage.exclusive:
            return []
        if history is None:
            return [key for key, kept in self._kept.items() if (_moment(kept) or now + 1) <= now]
        after, found = (0.0, ""), dict[str, None]()
        while len(found) < PAGE:
            position = after
            page: list[tuple[float, str]]
            page = await self._engine.read(lambda: history.waits.due(now, position, PAGE))  # noqa: B023
            found |= {key: None for _, key in page if self._is_free(key)}
            if len(page) < PAGE:
                break
            after = page[-1]
        return list(found)

    def _is_free(self, execution_id: str) -> bool:
        """Whether it may be taken up: it waits indeed, and nothing has kept it from going on."""
        if execution_id in self._recovery.stalled:
            return False
        execution = self._engine.live(execution_id)
        return execution is None or execution.dormant

    async def seconds(self) -> float | None:
        """Seconds to the next moment."""
        history, now, looked = self._history, time(), self._looked
        if history is None:
            moments = [moment for kept in self._kept.values() if (moment := _moment(kept))]
            return min(moments) - now if moments else None
        found: float | None = await self._engine.read(lambda: history.waits.next_due(looked))
        return None if found is None else found - now


def _moment(execution: Execution) -> float | None:
    """When it goes on although nobody answers; null: never."""
    moments = [found for found in (next_due(execution), deadline(execution)) if found is not None]
    return min(moments, default=None)
