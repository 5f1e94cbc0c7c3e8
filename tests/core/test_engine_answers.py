"""An answer and the end of the time for it, in one moment: what is told is what happens."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.core.asking import Asker, asking, place, question, the_open, waits
from tests.core.databases import query
from tests.core.engines import LONG, STORED, Gate, ended, running, states, until
from tests.core.flows import document

from caudal_core import Config, Context, handler
from caudal_core.engine import Engine
from caudal_core.engine.sharing.requests import Requests
from caudal_core.engine.waits import dormant
from caudal_core.engine.waits.approvals import Decision
from caudal_core.errors import Conflict

YES = Decision(approved=True)


async def _decided(engine: Engine, approval_id: str) -> bool:
    try:
        await engine.approvals.decide(approval_id, YES)
    except Conflict:
        return False
    return True


@STORED
async def test_no_answer_while_it_waits_for_a_slot(tmp_path: Path, *, stored: bool) -> None:
    """The time is over though the node cannot go on yet: whoever answers then hears so."""
    gate, asker = Gate(), Asker()
    nodes: dict[str, Any] = {"x": {"type": "ask", "config": {"seconds": 0.3}}, "h": "held"}
    workflow = document(nodes, settings={"maxConcurrency": 1})
    async with asking(place(tmp_path, stored=stored), asker, gate.handler) as engine:
        execution = await engine.submit(workflow)
        await until(execution, lambda: states(execution.runs).get("x") == "waiting")
        await gate.entered.wait()
        (asked,) = await the_open(engine)
        await asyncio.sleep(0.6)
        assert not await _decided(engine, asked.id)
        gate.open.set()
        await ended(execution)
    assert [True] == [reply.late for reply in asker.replies]


async def test_an_answer_on_its_way_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was given in time; that its time is over before it is committed changes nothing."""
    asker = Asker()
    async with asking(tmp_path, asker) as engine:
        execution = await engine.submit(question(seconds=0.6))
        await until(execution, lambda: states(execution.runs).get("x") == "waiting")
        (asked,) = await the_open(engine)
        commit = engine.journal._sink.commit  # noqa: SLF001 - a slow disk

        async def slow(*rows: Any) -> Any:
            await asyncio.sleep(0.8)
            return await commit(*rows)

        monkeypatch.setattr(engine.journal._sink, "commit", slow)  # noqa: SLF001
        assert await _decided(engine, asked.id)
        await ended(execution)
    assert [True] == [reply.approved for reply in asker.replies]


async def test_an_answer_while_it_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look into the database and going on no answer is lost."""
    asker, read = Asker(), dormant.read_waits
    has_read, go_on = threading.Event(), threading.Event()

    def slow(*given: Any) -> Any:
        found = read(*given)
        has_read.set()
        go_on.wait(LONG)
        return found

    monkeypatch.setattr(dormant, "read_waits", slow)
    async with asking(tmp_path, asker) as engine:
        execution = await engine.submit(question(seconds=1.2))
        await waits(execution)
        (asked,) = await the_open(engine)
        assert await asyncio.to_thread(has_read.wait, LONG)  # it is being taken up
        deciding = asyncio.create_task(_decided(engine, asked.id))
        await asyncio.sleep(0.05)
        go_on.set()
        told = await deciding
        await ended(execution)
    assert [told] == [reply.approved for reply in asker.replies]


@STORED
async def test_a_node_that_waited_is_cancelled_beside_one_that_runs(
    tmp_path: Path, *, stored: bool
) -> None:
    """After the end of its execution nothing is shown as waiting, and nobody is asked."""
    gate = Gate()
    async with asking(place(tmp_path, stored=stored), Asker(), gate.handler) as engine:
        execution = await engine.submit(document({"x": "ask", "h": "held"}))
        await until(execution, lambda: states(execution.runs).get("x") == "waiting")
        await gate.entered.wait()
        await engine.cancel(execution.id)
        await ended(execution)
        assert {"x": "cancelled", "h": "cancelled"} == states(execution.runs)
        assert [] == await the_open(engine)


async def test_what_can_go_on_nowhere_and_is_cancelled_waits_for_nobody(tmp_path: Path) -> None:
    """Its handlers are gone; with it end its nodes, its timers and what people were asked."""
    gate, asker = Gate(), Asker()
    nodes: dict[str, Any] = {"x": "ask", "a": "pass", "h": "held", "o": "sends", "z": "pass"}

    @handler("sends", effect="at_most_once")
    async def sends(config: Config, data: Any, ctx: Context) -> Any:
        await asyncio.sleep(30)

    async with asking(tmp_path, asker, gate.handler, sends) as engine:
        execution = await engine.submit(document(nodes, "h z"))
        await until(execution, lambda: {"x", "a", "o", "h"} <= states(execution.runs).keys())
        await gate.entered.wait()
    async with running(tmp_path) as engine:
        assert (True, "running") == await engine.cancel(execution.id)
        view = await engine.view(execution.id)
        assert ("cancelled", 1, 1) == (
            view.record.state,
            view.record.completed_nodes,
            view.record.failed_nodes,
        )
        assert {
            "x": "cancelled",
            "a": "completed",
            "h": "cancelled",
            "z": "cancelled",
            "o": "interrupted",
        } == states(view.runs)
        assert [] == await the_open(engine)
        assert [(0,)] == query(tmp_path, "SELECT count(*) FROM timer")


@pytest.mark.usefixtures("both")
async def test_an_answer_where_its_execution_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told at once, not when this server looks at what was decided at others."""

    async def nothing(_: Requests) -> None:
        """See none of it."""

    monkeypatch.setattr(Requests, "look", nothing)
    gate, nodes = Gate(), {"x": "ask", "y": "pass", "h": "held"}
    async with asking(tmp_path, Asker(), gate.handler) as engine:
        execution = await engine.submit(document(nodes, "x.yes y"))
        await until(execution, lambda: states(execution.runs).get("x") == "waiting")
        await gate.entered.wait()
        (asked,) = await the_open(engine)
        await engine.approvals.decide(asked.id, YES)
        async with asyncio.timeout(5):
            await until(execution, lambda: states(execution.runs).get("y") == "completed")
        gate.open.set()
        await ended(execution)
