"""The life of an execution: submitted, watched, cancelled, read back."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from tests.core.flows import HANDLERS, document, fail, give

from caudal_core import Config, Context, Handler, Outputs, Records, handler
from caudal_core.engine import Engine, EngineOptions, Execution, FolderStorage
from caudal_core.errors import InvalidWorkflow, NodeTimeout, NotFound, Overloaded, Unavailable
from caudal_core.graph import build_graph
from caudal_core.journal import NodeRun
from caudal_core.registry import Registry
from caudal_core.testing import memory_engine

STORED = pytest.mark.parametrize("stored", [False, True], ids=["memory", "folder"])
LONG = 30.0


@asynccontextmanager
async def running(folder: Path | None, *more: Handler, **options: Any) -> AsyncIterator[Engine]:
    """An engine, over a folder if there is one."""
    storage = FolderStorage(folder) if folder else None
    made = Engine(Registry.of(*HANDLERS, *more), storage=storage, options=EngineOptions(**options))
    async with made:
        yield made


class Gate:
    """Handlers that stay where they are until they are let go."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        self.calls: list[str] = []

        @handler("held")
        async def held(config: Config, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            self.entered.set()
            await self.open.wait()
            return data

        self.handler = held


async def ended(execution: Execution) -> Execution:
    """The execution, once it has ended."""
    assert await execution.finished(LONG)
    return execution


async def until(execution: Execution, condition: Callable[[], bool]) -> None:
    """Wait for a change of an execution."""
    async with asyncio.timeout(LONG):
        while not condition():
            await execution.change(execution.version, LONG)


def states(runs: Sequence[NodeRun]) -> dict[str, str]:
    """The status of every node."""
    return {run.node_id: run.shown for run in runs}


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


# -- watch ----------------------------------------------------------------------------------------


@STORED
async def test_watching(tmp_path: Path, *, stored: bool) -> None:
    """Whoever waits for a change is woken by it; nothing is shown that is not committed."""
    gate = Gate()
    async with running(tmp_path if stored else None, gate.handler) as engine:
        execution = await engine.submit(document({"a": give(1), "b": "held", "c": "pass"}, "b c"))
        await until(execution, lambda: len(execution.committed) > 0)
        assert ["a"] == [run.node_id for run in execution.committed]
        assert ("running", 1, 0) == (
            execution.record.state,
            execution.record.completed_nodes,
            execution.record.failed_nodes,
        )
        assert not await execution.change(execution.version, 0.01)
        assert not await execution.finished(0.01)
        gate.open.set()
        await ended(execution)
        assert ["a", "b", "c"] == [run.node_id for run in execution.committed]
        assert await execution.change(execution.version - 1, 0)


async def test_what_a_node_says_while_it_runs() -> None:
    """Log and progress of a running node are seen within a second."""
    gate = threading.Event()

    @handler("talker")
    def talker(config: Config, data: Any, ctx: Context) -> None:
        ctx.log.info("halfway")
        ctx.progress(1, 2, "rows")
        gate.wait(LONG)

    async with running(None, talker) as engine:
        execution = await engine.submit(document({"a": "talker"}))
        try:
            await until(execution, lambda: bool(execution.runs))
            version = execution.version
            assert await execution.change(version, 5) or execution.runs[0].notes is not None
            await asyncio.sleep(0.5)
            notes = execution.runs[0].notes
            assert notes is not None
            assert {"done": 1, "total": 2, "message": "rows"} == notes.progress
            assert [{"level": "info", "message": "halfway"}] == notes.log
            assert version < execution.version
        finally:
            gate.set()
        await ended(execution)


@STORED
async def test_listeners_hear_what_is_committed(tmp_path: Path, *, stored: bool) -> None:
    """A listener is told of every run that was settled, once, then of the end; not afterwards."""
    heard: list[tuple[str | None, str]] = []

    def listener(execution: Execution, runs: Sequence[NodeRun]) -> None:
        heard.extend((run.node_id, run.shown) for run in runs)
        if execution.record.finished:
            heard.append((None, execution.record.state))

    async with running(tmp_path if stored else None) as engine:
        unlisten = engine.listen(listener)
        workflow = document({"a": give(1), "x": fail(), "y": "pass"}, "x y")
        await ended(await engine.submit(workflow))
        unlisten()
        await ended(await engine.submit(workflow))
    expected = [("a", "completed"), ("x", "failed"), ("y", "skipped"), (None, "failed")]
    assert expected == heard


async def test_a_listener_that_breaks_harms_nothing() -> None:
    """What a listener raises is logged; executions end and the others hear of them."""
    heard: list[str] = []

    def broken(execution: Execution, runs: Sequence[NodeRun]) -> None:
        raise ValueError

    async with running(None) as engine:
        engine.listen(broken)
        engine.listen(lambda execution, _: heard.append(execution.record.state))
        await ended(await engine.submit(document({"a": give(1)})))
        await ended(await engine.submit(document({"a": give(1)})))
        assert None is engine.journal.fault
    assert 2 == heard.count("completed")


class Hooks:
    """A registry with a plugin that listens."""

    def __init__(self) -> None:
        from caudal_core import hookimpl
        from caudal_core.registry.candidate import new_manager

        self.heard: list[tuple[str, ...]] = []
        manager = new_manager()
        heard = self.heard

        class Plugin:
            @hookimpl
            def caudal_node_finished(self, node_id: str, status: str) -> None:
                heard.append((node_id, status))

            @hookimpl
            def caudal_execution_finished(self, workflow_id: str, status: str) -> None:
                heard.append(("execution", workflow_id, status))

        manager.register(Plugin())
        plain = Registry.of(*HANDLERS, keyed, flaky)
        self.registry = Registry(plain.handlers, plain.plugins, hooks=manager.hook)


@handler("keyed", effect="keyed")
async def keyed(config: Config, data: Any, ctx: Context) -> str:
    """Do something that carries its key."""
    return ctx.idempotency_key


@handler("flaky")
async def flaky(config: Config, data: Any, ctx: Context) -> None:
    """Fail the first time."""
    if ctx.attempt == 1:
        raise ValueError


async def test_plugins_hear_how_nodes_ended() -> None:
    """A plugin is told of a node when it has ended, not before, and of the execution's end."""
    hooks = Hooks()
    async with Engine(hooks.registry) as engine:
        nodes = {"k": "keyed", "f": {"type": "flaky", "retries": 1}}
        await ended(await engine.submit(document(nodes, "k f", id="w")))
    assert [("k", "completed"), ("f", "completed"), ("execution", "w", "completed")] == hooks.heard


# -- view -----------------------------------------------------------------------------------------


async def test_nobody_knows_it() -> None:
    """An id that never was is not found, whoever asks."""
    async with running(None) as engine:
        with pytest.raises(NotFound, match="Execution e1 not found"):
            await engine.view("e1")
        with pytest.raises(NotFound):
            await engine.cancel("e1")
        assert None is engine.live("e1")


@handler("speaker", outputs=("yes", "no"))
def speaker(config: Config, data: Any, ctx: Context) -> Outputs:
    """Say much."""
    ctx.log.warning("odd row")
    rows = Records([{"price": 1.5}], metadata={"price": {"unit": "€"}})
    ctx.say("two ports", true_count=1, rows=rows)
    return Outputs(yes=rows, no=2**70)


def told(run: NodeRun) -> dict[str, Any]:
    """All that a run shows."""
    left, came = (run.outputs or {}).items(), (run.input or {}).items()
    outputs = {port: (load.data, load.size, load.rows) for port, load in left}
    inputs = {port: (load.data, load.rows) for port, load in came}
    return {
        "id": run.id,
        "node": (run.node_id, run.type, run.label, run.attempt),
        "state": (run.state, run.shown, run.seq, run.started, run.duration),
        "said": (run.message, run.report, run.error, run.notes.log if run.notes else []),
        "metadata": {port: dict(load.metadata) for port, load in (run.outputs or {}).items()},
        "outputs": outputs,
        "inputs": {} if run.state == "skipped" else inputs,
    }


async def test_read_back_it_is_the_same(tmp_path: Path) -> None:
    """An execution that is no longer in memory shows the same as when it was."""
    nodes = {
        "a": give([{"n": 1}]),
        "b": give([{"n": 2}]),
        "m": {"type": "pass", "label": "Both"},
        "s": "speaker",
        "x": fail("no", onError="branch"),
        "f": {"type": "flaky", "retries": 1},
        "z": fail(),
        "skipped": "pass",
        "big": give([{"text": "x" * 1000, "n": n} for n in range(200)]),
        "after": "pass",
    }
    ways = ["a m", "b m", "m s", "s.yes x", "x.error f", "x skipped", "big after"]
    async with running(tmp_path, speaker, flaky) as engine:
        execution = await ended(await engine.submit(document(nodes, *ways), {"day": 1}))
        live = await engine.view(execution.id)
        before = [told(run) for run in live.runs], live.record
    async with running(tmp_path, speaker, flaky) as engine:
        assert None is engine.live(execution.id)
        view = await engine.view(execution.id)
        assert before[0] == [told(run) for run in view.runs]
        for name in ("state", "final", "final_info", "error", "started", "completed", "labels"):
            assert getattr(before[1], name) == getattr(view.record, name)
        record = view.record
        assert (11, 8, 2) == (len(view.runs), record.completed_nodes, record.failed_nodes)
        last = await engine.view(execution.id, last=3)
        assert [run.id for run in view.runs[-3:]] == [run.id for run in last.runs]


async def test_large_values_are_kept_elsewhere(tmp_path: Path) -> None:
    """A value above 64 kB is a blob; what shows it is a preview, and the whole can be had."""
    table = [{"text": "x" * 1000, "n": n} for n in range(200)]
    async with running(tmp_path) as engine:
        workflow = document({"a": give(table), "b": "pass"}, "a b")
        execution = await ended(await engine.submit(workflow))
        for found in (execution.runs[0], (await engine.view(execution.id)).runs[0]):
            (payload,) = (found.outputs or {}).values()
            assert payload.ref is not None
            assert (200, table[:20]) == (payload.rows, payload.data)
            assert table == await engine.data(payload)
    blobs = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    assert 1 == len(blobs)


async def test_ended_executions_are_light(tmp_path: Path) -> None:
    """What stays in memory of an ended execution are previews, of inputs and merged values too."""
    table = [{"text": "x" * 1000} for _ in range(200)]
    nodes = {"root": "pass", "a": give(table), "b": give(table), "m": "pass"}
    async with running(tmp_path) as engine:
        workflow = document(nodes, "a m", "b m")
        execution = await ended(await engine.submit(workflow, {"table": table}))
        payloads = [
            load
            for run in execution.runs
            for load in [*(run.input or {}).values(), *(run.outputs or {}).values()]
        ]
        assert 100_000 > max(len(repr(load.data)) for load in payloads)
        assert 100_000 > max(len(load.encoded or b"") for load in payloads)


async def test_few_ended_executions_are_kept(tmp_path: Path) -> None:
    """Only the last ended executions stay in memory; the others are read back."""
    async with running(tmp_path, keep_finished=2) as engine:
        ids = [(await ended(await engine.submit(document({"a": give(n)})))).id for n in range(5)]
        assert [False] * 3 + [True] * 2 == [engine.live(key) is not None for key in ids]
        view = await engine.view(ids[0])
        assert ("completed", b"0") == (view.record.state, view.record.final)


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
        assert (True, "running") == await engine.cancel(execution.id)
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


# -- one node by itself ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pass", "passThread", "passAsync"])
@pytest.mark.parametrize("data", [None, {"a": 1}, [1, 2], "text"])
async def test_run_node(kind: str, data: Any) -> None:
    """A node runs by itself on what it is given, recorded nowhere."""
    async with memory_engine(*HANDLERS) as engine:
        result = await engine.run_node({"id": "n", "type": kind}, data)
        assert {"out": data} == {port: load.data for port, load in result.ports.items()}
        assert [] == list(engine.remembered)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"A": 1, "B": 2}, {"A": 1, "B": 2}),
        ({"B": 2}, {"B": 2}),
        ({"A": 1, "x": 2}, {"A": {"A": 1, "x": 2}}),
        ([1], {"A": [1]}),
    ],
)
async def test_run_node_of_several_ports(data: Any, expected: Any) -> None:
    """An object that has only names of ports as keys is taken by port."""
    async with memory_engine(*HANDLERS) as engine:
        result = await engine.run_node({"id": "n", "type": "join"}, data)
        assert expected == result.ports["out"].data


async def test_run_node_fails_as_its_handler() -> None:
    """What the handler raises is raised, and a node that is wrong is refused."""
    async with memory_engine(*HANDLERS) as engine:
        with pytest.raises(Exception, match="broken; mend it"):
            await engine.run_node({"id": "n", "type": "fail"})
        with pytest.raises(InvalidWorkflow, match="teleport"):
            await engine.run_node({"id": "n", "type": "teleport"})


async def test_run_node_with_a_limit() -> None:
    """The time limit of a node holds when it runs by itself."""
    async with memory_engine(sleeps) as engine:
        with pytest.raises(NodeTimeout, match=r"timed out after 0\.05 s"):
            await engine.run_node({"id": "n", "type": "sleeps", "timeoutSeconds": 0.05})


async def test_run_node_of_a_comment() -> None:
    """Even a comment can be run by itself."""
    async with memory_engine(*HANDLERS) as engine:
        result = await engine.run_node({"id": "n", "type": "comment"}, 1)
        assert 1 == result.ports["out"].data


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
    async with running(None) as engine:
        graph = build_graph(document({"a": "keyed"}), Registry.of(keyed))
        assert "completed" == (await ended(await engine.submit(graph))).record.state
