"""A workflow that says how many of its executions run at one time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.core.engines import STORED, ended, running
from tests.core.flows import document

from caudal_core import Config, Context, handler
from caudal_core.engine import Execution


class Doors:
    """A node that stays until its execution is let through, and tells who came in."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.open: set[str] = set()
        self.changed = asyncio.Condition()

        @handler("door")
        async def door(config: Config, data: Any, ctx: Context) -> Any:
            async with self.changed:
                self.inside.append(ctx.execution_id)
                self.changed.notify_all()
                await self.changed.wait_for(lambda: ctx.execution_id in self.open)
            return data

        self.handler = door

    async def let(self, *executions: Execution) -> None:
        """Let these through."""
        async with self.changed:
            self.open |= {execution.id for execution in executions}
            self.changed.notify_all()
        for execution in executions:
            await ended(execution)

    async def came(self, *executions: Execution) -> None:
        """Wait until so many have come in; these, in this order, are all."""
        async with self.changed, asyncio.timeout(30):
            await self.changed.wait_for(lambda: len(self.inside) >= len(executions))
        assert [execution.id for execution in executions] == self.inside


def workflow(most: int | None = 2, name: str = "w") -> dict[str, Any]:
    """A workflow with the door."""
    settings = {} if most is None else {"settings": {"maxActiveExecutions": most}}
    return document({"a": "door", "o": "output"}, "a o", id=name, **settings)


@STORED
async def test_more_wait_in_their_order(tmp_path: Path, *, stored: bool) -> None:
    """So many run; the rest is pending, and begins one by one as others end."""
    doors = Doors()
    async with running(tmp_path if stored else None, doors.handler) as engine:
        all_ = [await engine.submit(workflow()) for _ in range(5)]
        a, b, c, d, e = all_
        await doors.came(a, b)
        assert ["pending"] * 3 == [execution.record.state for execution in (c, d, e)]
        await engine.journal.flush()
        counted = await engine.counted()
        assert (3, 2) == (counted["pending"][0], counted["running"][0])
        await doors.let(b)
        await doors.came(a, b, c)
        await doors.let(c, a)
        await doors.came(a, b, c, d, e)
        await doors.let(d, e)
        assert {"completed"} == {execution.record.state for execution in all_}
        assert {} == engine._conductor.turns._running  # noqa: SLF001 - nothing is remembered for ever


async def test_others_do_not_wait(tmp_path: Path) -> None:
    """The limit is that of one workflow; without one all run."""
    doors = Doors()
    async with running(None, doors.handler) as engine:
        a = await engine.submit(workflow(1))
        b = await engine.submit(workflow(1))
        c = await engine.submit(workflow(1, "other"))
        d, e = [await engine.submit(workflow(None, "free")) for _ in range(2)]
        await doors.came(a, c, d, e)
        await doors.let(a, c, d, e, b)


async def test_who_waits_can_be_cancelled(tmp_path: Path) -> None:
    """It ends at once, its turn is nobody's, and those behind it keep their order."""
    doors = Doors()
    async with running(tmp_path, doors.handler) as engine:
        a, b, c = [await engine.submit(workflow(1)) for _ in range(3)]
        await doors.came(a)
        assert (True, "pending") == await engine.cancel(b.id)
        await ended(b)
        assert ("cancelled", ["cancelled"] * 2) == (
            b.record.state,
            [run.shown for run in b.runs],
        )
        assert "pending" == c.record.state
        await doors.let(a)
        await doors.came(a, c)
        await doors.let(c)


async def test_who_waits_keeps_its_place_over_a_restart(tmp_path: Path) -> None:
    """After a restart what ran goes on first, and the others wait again in their order."""
    first = Doors()
    async with running(tmp_path, first.handler) as engine:
        before = [await engine.submit(workflow(1)) for _ in range(3)]
        await first.came(before[0])
    second = Doors()
    async with running(tmp_path, second.handler) as engine:
        a, b, c = (found for execution in before if (found := engine.live(execution.id)))
        await second.came(a)
        assert ("pending", "pending") == (b.record.state, c.record.state)
        await second.let(a)
        await second.came(a, b)
        await second.let(b)
        await second.came(a, b, c)
        await second.let(c)
