"""Executions watched while they run, and read back afterwards."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.core.engines import LONG, STORED, Gate, ended, running, until
from tests.core.flows import HANDLERS, document, fail, give

from caudal_core import Config, Context, Outputs, Records, handler
from caudal_core.engine import Engine, Execution
from caudal_core.errors import NotFound
from caudal_core.journal import NodeRun
from caudal_core.registry import Registry

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
