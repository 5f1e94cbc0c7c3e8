"""Executions that leave memory while they wait, and waits that outlive the engine."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from pathlib import Path
from typing import Any

import pytest
from tests.core.asking import Asker, asking, final, question, the_open, waits
from tests.core.databases import query
from tests.core.engines import LONG, ended, running, states
from tests.core.flows import document

from caudal_core import Config, Context, Question, Reply, Wait, handler
from caudal_core.engine.recovery import recovery
from caudal_core.engine.waits.approvals import Decision

pytestmark = pytest.mark.usefixtures("both")


async def test_one_that_waits_leaves_memory(tmp_path: Path) -> None:
    """Nothing of it is kept, without waiting for the collector; it can still be watched."""
    async with asking(tmp_path, Asker()) as engine:
        execution = await engine.submit(question())
        await waits(execution)
        execution_id, found = execution.id, weakref.ref(execution)
        gc.disable()
        try:
            del execution
            async with asyncio.timeout(LONG):
                while found() is not None:  # noqa: ASYNC110 - nothing tells of it
                    await asyncio.sleep(0)  # the tasks that held it end
        finally:
            gc.enable()
        assert engine.live(execution_id) is None
        view = await engine.view(execution_id)
        assert ("waiting", {"a": "completed", "x": "waiting"}) == (
            view.record.state,
            states(view.runs),
        )
        assert 1 == view.record.completed_nodes
        watched = await engine.watch(execution_id)
        assert watched is not None
        assert watched is await engine.watch(execution_id)
        (asked,) = await the_open(engine)
        await engine.approvals.decide(asked.id, Decision(approved=True))
        assert "completed" == (await ended(watched)).record.state


async def test_a_question_survives_a_restart(tmp_path: Path) -> None:
    """The next engine leaves it where it is until it is answered, and then goes on once."""
    asker = Asker()
    async with asking(tmp_path, asker) as engine:
        execution = await engine.submit(question())
        await waits(execution)
        execution_id = execution.id
    async with asking(tmp_path, asker) as engine:
        assert engine.live(execution_id) is None
        (asked,) = await the_open(engine)
        await engine.approvals.decide(asked.id, Decision(approved=False, person="Eva"))
        assert ("completed", {"n": {"v": 1}}) == await final(engine, execution_id)
        view = await engine.view(execution_id)
        (run,) = (run for run in view.runs if run.node_id == "x")
        assert run.notes is not None
        assert ["asks", "was told"] == [line["message"] for line in run.notes.log]
    assert [("Eva", False, {"n": 7})] == [(r.person, r.approved, r.memo) for r in asker.replies]
    assert [] == query(tmp_path, "SELECT * FROM timer")


async def test_a_decision_is_not_lost_between_two_lives(tmp_path: Path) -> None:
    """Decided and then killed before the execution was taken up: the next engine takes it up."""
    asker = Asker()
    async with asking(tmp_path, asker) as engine:
        execution = await engine.submit(question())
        await waits(execution)
        execution_id = execution.id
        engine.take_up = nothing  # type: ignore[method-assign] # as if it died here
        (asked,) = await the_open(engine)
        await engine.approvals.decide(asked.id, Decision(approved=True))
        assert ["x"] == asker.calls
    async with asking(tmp_path, asker) as engine:
        assert ("completed", {"y": {"v": 1}}) == await final(engine, execution_id)
    assert 1 == len(asker.replies)


async def nothing(_: str) -> None:
    """Do nothing."""


async def test_a_cancel_is_not_lost_between_two_lives(tmp_path: Path) -> None:
    """Cancelled and then killed before it was taken up: the next engine cancels it."""
    asker = Asker()
    async with asking(tmp_path, asker) as engine:
        execution = await engine.submit(question())
        await waits(execution)
        engine.take_up = nothing  # type: ignore[method-assign] # as if it died here
        await engine.cancel(execution.id)
        execution_id = execution.id
        del execution
    async with asking(tmp_path, asker) as engine:
        assert "cancelled" == (await final(engine, execution_id))[0]
    assert ["x"] == asker.calls


@pytest.mark.parametrize("kind", ["wait", "deadline"])
async def test_a_moment_holds_over_a_restart(tmp_path: Path, kind: str) -> None:
    """What was due while no engine ran is done by the next one at once."""
    asker = Asker()
    limits = {"timeoutSeconds": 900} if kind == "deadline" else {}
    node = {"type": "ask", "config": {"seconds": 600 if kind == "wait" else 5_000}}
    async with asking(tmp_path, asker) as engine:
        execution = await engine.submit(document({"x": node}, settings=limits))
        await waits(execution)
        execution_id = execution.id
    mine = "deadline" if kind == "deadline" else "approval"
    ((due,),) = query(tmp_path, "SELECT due FROM timer WHERE kind = ?", mine)
    assert 590 < due - (execution.record.started or 0) < 910
    query(tmp_path, "UPDATE timer SET due = 1 WHERE kind = ?", mine)
    query(tmp_path, "UPDATE execution SET started = started - 5000")
    async with asking(tmp_path, asker) as engine:
        state, _ = await final(engine, execution_id)
    assert ("completed" if kind == "wait" else "failed") == state
    assert (1 if kind == "wait" else 0) == len(asker.replies)


@pytest.mark.parametrize("effect", ["idempotent", "keyed", "at_most_once"])
async def test_cut_off_after_the_answer(tmp_path: Path, effect: Any) -> None:
    """Killed while it does what was allowed, a node is told the same again, not asked anew."""
    replies: list[Reply] = []
    reached, lives = asyncio.Event(), []

    @handler("deed", effect=effect)
    async def deed(config: Config, data: Any, ctx: Context) -> Any:
        if ctx.answer is None:
            return Wait(Question("Do it?"))
        replies.append(ctx.answer)
        if len(lives) == 1:
            reached.set()
            await asyncio.sleep(1_000)
        return data

    options = {"onInterrupted": "rerun"} if effect == "at_most_once" else {}
    lives.append(1)
    async with running(tmp_path, deed) as engine:
        execution = await engine.submit(document({"x": {"type": "deed", **options}}))
        await waits(execution)
        (asked,) = await the_open(engine)
        await engine.approvals.decide(asked.id, Decision(approved=True, person="Eva"))
        await reached.wait()
    lives.append(2)
    async with running(tmp_path, deed) as engine:
        state, _ = await final(engine, execution.id)
        assert [] == await the_open(engine)
    assert ("completed", ["Eva", "Eva"]) == (state, [reply.person for reply in replies])


async def test_many_wait_at_one_time(tmp_path: Path) -> None:
    """A thousand that wait are not in memory, and all that are due go on."""
    asker = Asker()
    count = 300
    async with asking(tmp_path, asker) as engine:
        workflow = document({"x": {"type": "doze", "config": {"seconds": 600}}, "y": "pass"}, "x y")
        graph = await engine.graph(workflow)
        ids = [
            execution.id
            for execution in await asyncio.gather(*(engine.submit(graph) for _ in range(count)))
        ]
        async with asyncio.timeout(LONG):
            while engine.unfinished:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
    query(tmp_path, "UPDATE timer SET due = 1")
    async with asking(tmp_path, asker) as engine:
        assert {"completed"} == {(await final(engine, each))[0] for each in ids}
    assert (2 * count, count) == (len(asker.calls), len(asker.replies))


@pytest.mark.parametrize("made", ["long", "never", "reminded", "unasked"])
async def test_a_wait_that_cannot_be_kept_is_its_nodes_failure(made: str) -> None:
    """Whatever a handler makes of a Wait, the engine goes on, and other branches do."""
    odd: Any = 7

    @handler("odd")
    def wrong(config: Config, data: Any, ctx: Context) -> Any:
        ways = {
            "long": lambda: Wait(seconds=1e12),
            "never": lambda: Wait(seconds=float("nan")),
            "reminded": lambda: Wait(Question("?", notify_after=1e300)),
            "unasked": lambda: Wait(odd),
        }
        return ways[made]()

    async with running(None, wrong) as engine:
        workflow = document({"x": {"type": "odd", "onError": "continue"}, "y": "pass"})
        execution = await ended(await engine.submit(workflow))
        assert ("completed", None) == (execution.record.state, execution.record.error)
        assert {"x": "failed", "y": "completed"} == states(execution.runs)


async def test_many_of_one_moment_are_read_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are taken up with few looks into the database, each once."""
    sizes: list[int] = []
    asker, read = Asker(), recovery.read_back

    def counted(storage: Any, identities: Any, documents: Any) -> Any:
        sizes.append(len(identities))
        return read(storage, identities, documents)

    monkeypatch.setattr(recovery, "read_back", counted)
    moment = time.time() + 5

    @handler("until")
    def wait_until(config: Config, data: Any, ctx: Context) -> Any:
        asker.calls.append(ctx.node_id)
        return Wait(seconds=moment - time.time()) if ctx.answer is None else data

    workflow = document({"x": "until"}, id="w")
    async with asking(tmp_path, asker, wait_until) as engine:
        ids = [(await engine.submit(workflow)).id for _ in range(120)]
        gc.collect()  # nobody watches them, so nothing of them is in memory
        for key in ids:
            assert "completed" == (await final(engine, key))[0]
        if engine.storage.exclusive:
            assert 60 > len(sizes)
    assert 240 == len(asker.calls)
