"""Executions that wait for a person or a moment, where few of a workflow may run at one time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.core.asking import Asker, asking, final, place, the_open, waits
from tests.core.engines import LONG, STORED, Gate, ended
from tests.core.flows import document

from caudal_core.engine import Engine, Execution
from caudal_core.engine.waits.approvals import Decision

YES = Decision(approved=True)


def workflow(**settings: Any) -> dict[str, Any]:
    """It asks, then holds; one of it runs at one time."""
    limits = {"maxActiveExecutions": 1, **settings}
    return document({"x": "ask", "h": "held"}, "x.yes h", id="w", settings=limits)


async def _both(engine: Engine, gate: Gate, **settings: Any) -> tuple[Execution, Execution]:
    """One that waits for a person, and one that was accepted later and holds."""
    first = await engine.submit(workflow(**settings))
    await waits(first)
    second = await engine.submit(workflow(**settings))
    async with asyncio.timeout(LONG):
        await waits(second)
    (asked,) = [found for found in await the_open(engine) if found.execution == second.id]
    await engine.approvals.decide(asked.id, YES)
    await gate.entered.wait()
    return first, second


async def _decide(engine: Engine, execution: Execution) -> None:
    (asked,) = [found for found in await the_open(engine) if found.execution == execution.id]
    await engine.approvals.decide(asked.id, YES)


@STORED
async def test_one_that_waits_lets_others_run(tmp_path: Path, *, stored: bool) -> None:
    """It does not count; when it goes on it lines up, before those that were accepted later."""
    gate = Gate()
    async with asking(place(tmp_path, stored=stored), Asker(), gate.handler) as engine:
        first, second = await _both(engine, gate)
        third = await engine.submit(workflow())
        await _decide(engine, first)
        assert ("pending", "running", "pending") == (
            first.record.state,
            second.record.state,
            third.record.state,
        )
        gate.open.set()
        await ended(second)
        await ended(first)
        await waits(third)
        assert first.record.completed is not None
        assert third.record.started is not None
        assert first.record.completed <= third.record.started + 0.5
        await engine.cancel(third.id)


async def test_what_has_its_answer_and_no_turn_survives(tmp_path: Path) -> None:
    """Answered while another one has the turn: a restart goes on with both."""
    gate = Gate()
    async with asking(tmp_path, Asker(), gate.handler) as engine:
        first, second = await _both(engine, gate)
        await _decide(engine, first)
        await engine.journal.flush()
        assert "pending" == (await engine.read_back(first.id, last=0)).record.state
    gate.open.set()
    async with asking(tmp_path, Asker(), gate.handler) as engine:
        for execution in (first, second):
            assert "completed" == (await final(engine, execution.id))[0]


async def test_who_waits_for_its_turn_again_can_be_cancelled(tmp_path: Path) -> None:
    """It ends at once, though another one has the turn."""
    gate = Gate()
    async with asking(tmp_path, Asker(), gate.handler) as engine:
        first, second = await _both(engine, gate)
        await _decide(engine, first)
        assert (True, "pending") == await engine.cancel(first.id)
        assert await first.finished(2.0)
        assert ("cancelled", "running") == (first.record.state, second.record.state)
        gate.open.set()
        await ended(second)


async def test_its_time_goes_on_while_it_waits_for_its_turn_again(tmp_path: Path) -> None:
    """`timeoutSeconds` of the workflow counts from its beginning, whatever it waits for."""
    gate = Gate()
    async with asking(tmp_path, Asker(), gate.handler) as engine:
        first = await engine.submit(workflow(timeoutSeconds=1.5))
        await waits(first)
        second = await engine.submit(workflow())
        await waits(second)
        await _decide(engine, second)
        await gate.entered.wait()
        await _decide(engine, first)
        assert await first.finished(10.0)
        assert "timed out" in (first.record.error or "")
        assert "running" == second.record.state
        gate.open.set()
        await ended(second)
