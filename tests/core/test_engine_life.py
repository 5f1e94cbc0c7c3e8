"""The life of an execution: submitted, cancelled."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from tests.core.engines import LONG, STORED, Gate, ended, running, states, until
from tests.core.flows import HANDLERS, document, give

from caudal_core import Config, Context, handler
from caudal_core.engine import Engine, FolderStorage
from caudal_core.engine.execution import Execution
from caudal_core.engine.running.attempts import Attempts
from caudal_core.engine.running.drive import Drive
from caudal_core.errors import InvalidWorkflow, Overloaded, Unavailable
from caudal_core.graph import build_graph
from caudal_core.journal import NodeRun
from caudal_core.registry import Registry

# -- submit ---------------------------------------------------------------------------------------


async def test_what_is_submitted_is_on_disk(tmp_path: Path) -> None:
    """When `submit` returns the execution can be read from the database by anybody."""
    gate = Gate()
    async with running(tmp_path, gate.handler) as engine:
        execution = await engine.submit(
            document({"a": "held"}, id="w1", name="Meters"),
            {"x": 1},
            organization="acme",
            labels={"userId": "42"},
        )
        with closing(sqlite3.connect(tmp_path / "caudal.db")) as database:
            row = database.execute(
                "SELECT id, workflow_id, workflow_name, organization, inputs, labels FROM execution"
            ).fetchone()
        assert (execution.id, "w1", "Meters", "acme", b'{"x":1}', b'{"userId":"42"}') == row
        gate.open.set()
        await ended(execution)


@STORED
async def test_a_graph_can_be_submitted(tmp_path: Path, *, stored: bool) -> None:
    """A graph that was checked before is run without being checked again."""
    async with running(tmp_path if stored else None) as engine:
        graph = await engine.graph(document({"a": give(1)}), workflow_id="w2")
        execution = await ended(await engine.submit(graph))
        assert ("w2", b"1") == (execution.record.workflow_id, execution.record.final)


async def test_an_ended_execution_leaves_no_circle() -> None:
    """What drove it is let go with its last reference: the collector finds nothing of it."""
    async with running(None) as engine:
        with left_over(Drive, Attempts) as left:
            await ended(await engine.submit(document({"a": give(1)})))
            await asyncio.sleep(0)
        assert 0 == left[0]


async def test_a_forgotten_execution_leaves_no_circle(tmp_path: Path) -> None:
    """What is no longer kept in memory is freed at once, runs and all, not by the collector."""
    async with running(tmp_path, keep_finished=1) as engine:
        with left_over(Execution, NodeRun) as left:
            for _ in range(3):
                await ended(await engine.submit(document({"a": give(1), "b": give(2)})))
        assert 1 + 2 == left[0]


@contextmanager
def left_over(*types: type) -> Iterator[list[int]]:
    """How many objects of these types are there at the end beyond those of other tests."""

    def count() -> int:
        return sum(isinstance(item, types) for item in gc.get_objects())

    found: list[int] = []
    gc.collect()
    gc.disable()
    try:
        before = count()
        yield found
        found.append(count() - before)
    finally:
        gc.enable()


async def test_an_invalid_workflow_is_not_accepted(tmp_path: Path) -> None:
    """A workflow with problems raises them, and nothing is recorded."""
    async with running(tmp_path) as engine:
        with pytest.raises(InvalidWorkflow, match="teleport"):
            await engine.submit(document({"a": "teleport"}))
        assert [] == list(engine.unfinished)


async def test_too_many_are_refused() -> None:
    """Over the bound a submission is refused before it is accepted, with when to try again."""
    gate = Gate()
    async with running(None, gate.handler, max_queued=2) as engine:
        first = [await engine.submit(document({"a": "held"})) for _ in range(2)]
        with pytest.raises(Overloaded) as caught:
            await engine.submit(document({"a": "held"}))
        assert "2 executions are waiting, the limit is 2" == caught.value.text()
        assert caught.value.params["seconds"] > 0
        gate.open.set()
        for execution in first:
            await ended(execution)
        gate.open.set()
        await ended(await engine.submit(document({"a": "held"})))


async def test_a_closing_engine_accepts_nothing() -> None:
    """While it stops the engine refuses what is new and says why."""
    engine = Engine(Registry.of(*HANDLERS))
    await engine.start()
    await engine.close()
    with pytest.raises(Unavailable, match="stopping"):
        await engine.submit(document({"a": give(1)}))


async def test_closing_twice(tmp_path: Path) -> None:
    """An engine that was closed can be closed again."""
    async with running(tmp_path) as engine:
        await ended(await engine.submit(document({"a": give(1)})))
        await engine.close()


async def test_closing_waits_for_what_runs() -> None:
    """With `drain` what runs gets that time to end."""

    @handler("brief")
    async def brief(config: Config, data: Any, ctx: Context) -> None:
        await asyncio.sleep(0.05)

    engine = Engine(Registry.of(brief))
    await engine.start()
    execution = await engine.submit(document({"a": "brief", "b": "brief"}, "a b"))
    await engine.close(drain=LONG)
    assert "completed" == execution.record.state


async def test_a_second_engine_is_refused(tmp_path: Path) -> None:
    """Two engines cannot use one folder; the second is told who has it, the first goes on."""
    async with running(tmp_path) as first:
        second = Engine(Registry.of(*HANDLERS), storage=FolderStorage(tmp_path))
        with pytest.raises(Unavailable) as caught:
            await second.start()
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        assert f"in use by {holder}" in caught.value.text()
        execution = await ended(await first.submit(document({"a": give(1)})))
        assert "completed" == execution.record.state


# -- cancel ---------------------------------------------------------------------------------------


@handler("sleeps")
async def sleeps(config: Config, data: Any, ctx: Context) -> None:
    """Wait in good order."""
    await asyncio.sleep(1000)


@handler("deaf")
async def deaf(config: Config, data: Any, ctx: Context) -> str:
    """Not hear that it is cancelled, for a few seconds."""
    until = monotonic() + 4
    while monotonic() < until:
        try:
            await asyncio.sleep(until - monotonic())
        except asyncio.CancelledError:
            continue
    return "too late"


STUCK = threading.Event()


@handler("stuck")
def stuck(config: Config, data: Any, ctx: Context) -> str:
    """Not come back from something that cannot be stopped."""
    STUCK.wait(4)
    return "too late"


@handler("spins")
def spins(config: Config, data: Any, ctx: Context) -> None:
    """Compute until somebody cancels."""
    while not ctx.cancelled:
        pass


@handler("retried")
async def retried(config: Config, data: Any, ctx: Context) -> None:
    """Fail."""
    raise ValueError


CANCELLABLE: dict[str, Any] = {
    "sleeps": "sleeps",
    "deaf": "deaf",
    "stuck": "stuck",
    "spins": "spins",
    "between attempts": {"type": "retried", "retries": 3, "retryDelaySeconds": 1000},
}


@STORED
@pytest.mark.parametrize("case", CANCELLABLE)
async def test_cancel_whatever_runs(tmp_path: Path, case: str, *, stored: bool) -> None:
    """A cancelled execution has ended within two seconds, whatever its nodes are doing."""
    nodes = {"a": give(1), "x": CANCELLABLE[case], "y": "pass"}
    more = (sleeps, deaf, stuck, spins, retried)
    async with running(tmp_path if stored else None, *more) as engine:
        execution = await engine.submit(document(nodes, "x y"))
        await until(execution, lambda: len(execution.committed) > (case == "between attempts"))
        asked = monotonic()
        assert await engine.cancel(execution.id) in ((True, "running"), (True, "waiting"))
        assert await execution.finished(2.0)
        assert monotonic() - asked < 2.2
        assert ("cancelled", None) == (execution.record.state, execution.record.error)
        assert {"a": "completed", "x": "cancelled", "y": "cancelled"} == states(execution.runs)
        assert (False, "cancelled") == await engine.cancel(execution.id)
        assert len(execution.runs) == len({run.id for run in execution.runs})


async def test_a_failed_attempt_stays_when_cancelled(tmp_path: Path) -> None:
    """The record of an attempt that failed before is not overwritten by the cancelling."""
    nodes = {"x": {"type": "retried", "retries": 3, "retryDelaySeconds": 1000}}
    async with running(tmp_path, retried) as engine:
        execution = await engine.submit(document(nodes))
        await until(execution, lambda: len(execution.committed) == 1)
        await engine.cancel(execution.id)
        await ended(execution)
    async with running(tmp_path, retried) as engine:
        view = await engine.view(execution.id)
        found = [(run.attempt, run.state) for run in view.runs]
        assert [(1, "failed"), (2, "cancelled")] == found


async def test_what_comes_too_late_is_dropped(tmp_path: Path) -> None:
    """What an abandoned handler returns changes nothing any more."""
    release = threading.Event()

    @handler("late")
    def late(config: Config, data: Any, ctx: Context) -> str:
        release.wait(LONG)
        ctx.say("too late")
        return "too late"

    async with running(tmp_path, late) as engine:
        execution = await engine.submit(document({"x": "late", "y": "pass"}, "x y"))
        await until(execution, lambda: bool(execution.runs))
        await engine.cancel(execution.id)
        await ended(execution)
        release.set()
        await ended(await engine.submit(document({"x": "late"})))
        assert {"x": "cancelled", "y": "cancelled"} == states(execution.runs)


async def test_an_effect_in_flight_is_interrupted() -> None:
    """If an effect must not be repeated, nobody knows whether the cancelled one happened."""
    started = asyncio.Event()

    @handler("sms", effect="at_most_once")
    async def sms(config: Config, data: Any, ctx: Context) -> None:
        started.set()
        await asyncio.sleep(1000)

    async with running(None, sms) as engine:
        execution = await engine.submit(document({"a": "sms", "b": "sms"}, "a b"))
        await asyncio.wait_for(started.wait(), LONG)
        await engine.cancel(execution.id)
        await ended(execution)
        assert {"a": "interrupted", "b": "cancelled"} == states(execution.runs)
        assert "INTERRUPTED" == (execution.runs[0].error or {})["code"]


async def test_others_go_on() -> None:
    """Cancelling one execution touches no other."""
    gate = Gate()
    async with running(None, gate.handler) as engine:
        first, second = [await engine.submit(document({"a": "held"})) for _ in range(2)]
        await engine.cancel(first.id)
        await ended(first)
        gate.open.set()
        assert "completed" == (await ended(second)).record.state


async def test_cancelling_what_has_ended() -> None:
    """An execution that has ended cannot be cancelled; the status it has is told."""
    async with running(None) as engine:
        done = await ended(await engine.submit(document({"a": give(1)})))
        assert (False, "completed") == await engine.cancel(done.id)
        assert "completed" == done.record.state


async def test_cancelled_before_it_began() -> None:
    """Cancelled at once, an execution runs none of its nodes."""
    gate = Gate()
    async with running(None, gate.handler) as engine:
        execution = await engine.submit(document({"a": "held", "b": "held"}, "a b"))
        assert (await engine.cancel(execution.id))[0]
        await ended(execution)
        assert ("cancelled", {"a": "cancelled", "b": "cancelled"}) == (
            execution.record.state,
            states(execution.runs),
        )


# -- reload ---------------------------------------------------------------------------------------


async def test_reload_is_for_what_comes() -> None:
    """After a reload new executions use the new handlers; what runs goes on with its own."""
    gate = Gate()

    @handler("pass", light=True)
    def other(config: Config, data: Any, ctx: Context) -> str:
        return "new"

    async with running(None, gate.handler) as engine:
        workflow = document({"a": "held", "b": "pass"}, "a b")
        old = await engine.submit(workflow, {"x": 1})
        engine.reload(Registry.of(gate.handler, other))
        new = await engine.submit(workflow, {"x": 1})
        gate.open.set()
        assert (b'{"x":1}', b'"new"') == (
            (await ended(old)).record.final,
            (await ended(new)).record.final,
        )


async def test_a_graph_of_another_registry() -> None:
    """A graph brings its handlers along."""

    @handler("other", light=True)
    def other(config: Config, data: Any, ctx: Context) -> None:
        pass

    async with running(None) as engine:
        graph = build_graph(document({"a": "other"}), Registry.of(other))
        assert "completed" == (await ended(await engine.submit(graph))).record.state
