"""Nodes that wait, for a person or a moment."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.core.asking import Asker, asking, place, question, the_open, waits
from tests.core.engines import STORED, Gate, ended, states, until
from tests.core.flows import document

from caudal_core import Config, Context, handler
from caudal_core.engine.waits.approvals import Decision
from caudal_core.errors import Conflict, NotFound
from caudal_core.journal.waits import ApprovalFilter

pytestmark = pytest.mark.usefixtures("both")


@STORED
@pytest.mark.parametrize("kind", ["ask", "askLight", "askKeyed", "askOnce"])
async def test_a_person_is_asked(tmp_path: Path, kind: str, *, stored: bool) -> None:
    """The execution waits; the answer reaches the handler, and decides the branch."""
    asker = Asker()
    async with asking(place(tmp_path, stored=stored), asker) as engine:
        execution = await engine.submit(question(kind))
        await waits(execution)
        assert {"a": "completed", "x": "waiting"} == states(execution.runs)
        assert [] == list(engine.unfinished)
        (asked,) = await the_open(engine)
        assert ("May it go on?", "u1", "Ana", "mail", "x", execution.id) == (
            asked.question,
            asked.user_id,
            asked.user_name,
            asked.channel,
            asked.node,
            asked.execution,
        )
        decision = Decision(approved=True, person="Eva", comment="fine", data={"w": 2})
        told = await engine.approvals.decide(asked.id, decision)
        await ended(execution)
        assert {"a": "completed", "x": "completed", "y": "completed", "n": "skipped"} == states(
            execution.runs
        )
    (reply,) = asker.replies
    assert (False, True, "Eva", "fine", {"w": 2}, {"n": 7}, asked.id) == (
        reply.late,
        reply.approved,
        reply.person,
        reply.comment,
        reply.data,
        reply.memo,
        reply.approval_id,
    )
    assert reply.decided is not None
    assert reply.decided.timestamp() == pytest.approx(told.decided)
    assert ["x", "x"] == asker.calls


@STORED
async def test_what_was_said_before_stays(tmp_path: Path, *, stored: bool) -> None:
    """The log of a node that waited has what it said before, once, and the result is the last."""
    async with asking(place(tmp_path, stored=stored), Asker()) as engine:
        execution = await engine.submit(question())
        await waits(execution)
        (asked,) = await the_open(engine)
        await engine.approvals.decide(asked.id, Decision(approved=False))
        await ended(execution)
        (run,) = (run for run in execution.runs if run.node_id == "x")
        assert ("answered", 1) == (run.message, run.attempt)
        assert run.notes is not None
        assert ["asks", "was told"] == [line["message"] for line in run.notes.log]


@STORED
async def test_it_is_decided_once(tmp_path: Path, *, stored: bool) -> None:
    """Of several who decide at one time one does; the others hear that it is no longer open."""
    asker = Asker()
    async with asking(place(tmp_path, stored=stored), asker) as engine:
        execution = await engine.submit(question())
        await waits(execution)
        (asked,) = await the_open(engine)
        ways = [Decision(approved=n % 2 == 0, person=f"p{n}") for n in range(6)]
        told = await asyncio.gather(
            *(engine.approvals.decide(asked.id, way) for way in ways), return_exceptions=True
        )
        assert 5 == sum(isinstance(each, Conflict) for each in told)
        await ended(execution)
        with pytest.raises(Conflict, match="approved by p0"):
            await engine.approvals.decide(asked.id, ways[1])
        with pytest.raises(NotFound):
            await engine.approvals.decide("nobody", ways[0])
        assert [] == await the_open(engine)
        kept = await engine.approvals.get(asked.id)
        assert ("approved", "p0") == (kept.state, kept.decided_by)
    assert 1 == len(asker.replies)


@STORED
async def test_others_go_on_meanwhile(tmp_path: Path, *, stored: bool) -> None:
    """While another node runs the execution is running; an answer reaches it there as well."""
    gate = Gate()
    nodes: dict[str, Any] = {"x": "ask", "y": "pass", "h": "held"}
    async with asking(place(tmp_path, stored=stored), Asker(), gate.handler) as engine:
        execution = await engine.submit(document(nodes, "x.yes y"))
        await until(execution, lambda: states(execution.runs).get("x") == "waiting")
        await gate.entered.wait()
        assert "running" == execution.record.state
        (asked,) = await the_open(engine)
        await engine.approvals.decide(asked.id, Decision(approved=True))
        await until(execution, lambda: states(execution.runs).get("y") == "completed")
        assert "running" == execution.record.state
        gate.open.set()
        assert "completed" == (await ended(execution)).record.state


@STORED
@pytest.mark.parametrize("seconds", [0.0, 0.05, 1.2])
async def test_a_moment_is_waited_for(tmp_path: Path, seconds: float, *, stored: bool) -> None:
    """A short wait stays in memory, a longer one leaves it; both end when they are over."""
    asker = Asker()
    async with asking(place(tmp_path, stored=stored), asker) as engine:
        workflow = document({"x": {"type": "doze", "config": {"seconds": seconds}}})
        execution = await engine.submit(workflow, {"v": 1})
        await ended(execution)
        (run,) = execution.runs
        assert run.duration is not None
        assert run.duration >= seconds
    assert [True] == [reply.late for reply in asker.replies]
    assert 2 == len(asker.calls)


@STORED
async def test_nobody_answers_in_time(tmp_path: Path, *, stored: bool) -> None:
    """After the time the handler is told so, and the question is no longer open."""
    asker = Asker()
    async with asking(place(tmp_path, stored=stored), asker) as engine:
        execution = await engine.submit(question(seconds=0.05))
        await ended(execution)
        assert [] == await the_open(engine)
        (asked,) = await engine.approvals.list(ApprovalFilter(states=()))
        assert "expired" == asked.state
    assert [(True, False)] == [(reply.late, reply.approved) for reply in asker.replies]


@STORED
async def test_the_time_of_the_node_counts_while_it_waits(tmp_path: Path, *, stored: bool) -> None:
    """`timeoutSeconds` of a node bounds its wait; the handler is not asked again."""
    asker = Asker()
    async with asking(place(tmp_path, stored=stored), asker) as engine:
        node = {"type": "ask", "config": {"seconds": 500}, "timeoutSeconds": 0.1}
        execution = await engine.submit(document({"x": node}))
        assert "failed" == (await ended(execution)).record.state
        assert "timed out after 0.1 s" in (execution.record.error or "")
    assert ["x"] == asker.calls


@STORED
@pytest.mark.parametrize("limit", [0.1, 1.3])
async def test_the_time_of_the_execution_counts(
    tmp_path: Path, limit: float, *, stored: bool
) -> None:
    """`timeoutSeconds` of the workflow ends an execution that waits, in memory or not."""
    async with asking(place(tmp_path, stored=stored), Asker()) as engine:
        workflow = document({"x": "ask"}, settings={"timeoutSeconds": limit})
        execution = await engine.submit(workflow)
        assert "failed" == (await ended(execution)).record.state
        assert f"timed out after {limit:g} s" in (execution.record.error or "")
        assert {"x": "cancelled"} == states(execution.runs)
        (asked,) = await engine.approvals.list(ApprovalFilter(states=()))
        assert "cancelled" == asked.state


@STORED
@pytest.mark.parametrize("kind", ["ask", "askOnce"])
async def test_one_that_waits_can_be_cancelled(tmp_path: Path, kind: str, *, stored: bool) -> None:
    """It ends at once; nobody is asked any more, and nothing was done that is not known."""
    asker = Asker()
    async with asking(place(tmp_path, stored=stored), asker) as engine:
        execution = await engine.submit(question(kind))
        await waits(execution)
        assert (True, "waiting") == await engine.cancel(execution.id)
        assert await execution.finished(2.0)
        assert "cancelled" == execution.record.state
        assert "cancelled" == states(execution.runs)["x"]
        assert [] == await the_open(engine)
        assert (False, "cancelled") == await engine.cancel(execution.id)
    assert ["x"] == asker.calls


@STORED
async def test_a_delay_holds_no_slot(tmp_path: Path, *, stored: bool) -> None:
    """While a node waits for its next attempt another one has its slot of maxConcurrency."""
    tries: list[int] = []

    @handler("flaky")
    def flaky(config: Config, data: Any, ctx: Context) -> Any:
        tries.append(ctx.attempt)
        if ctx.attempt < 2:
            raise ValueError
        return data

    nodes: dict[str, Any] = {"x": {"type": "flaky", "retries": 1, "retryDelaySeconds": 600}}
    workflow = document({**nodes, "y": "passThread"}, settings={"maxConcurrency": 1})
    async with asking(place(tmp_path, stored=stored), Asker(), flaky) as engine:
        execution = await engine.submit(workflow)
        await waits(execution)
        assert {"x": "failed", "y": "completed"} == states(execution.runs)
        await engine.cancel(execution.id)
        await ended(execution)
        assert [("x", 1, "failed"), ("y", 1, "completed"), ("x", 2, "cancelled")] == [
            (run.node_id, run.attempt, run.state) for run in execution.runs
        ]
    assert [1] == tries


@STORED
async def test_retries_after_delays(tmp_path: Path, *, stored: bool) -> None:
    """Each attempt follows the one before after a delay that doubles, and each is made once."""
    tries: list[int] = []

    @handler("flaky", light=True)
    def flaky(config: Config, data: Any, ctx: Context) -> Any:
        tries.append(ctx.attempt)
        if ctx.attempt < 4:
            raise ValueError
        return data

    node = {"type": "flaky", "retries": 3, "retryDelaySeconds": 0.05}
    async with asking(place(tmp_path, stored=stored), Asker(), flaky) as engine:
        execution = await engine.submit(document({"x": node}))
        assert "completed" == (await ended(execution)).record.state
        starts = [run.started or 0 for run in execution.runs]
        gaps = [after - before for before, after in pairwise(starts)]
        assert all(gap >= least for gap, least in zip(gaps, (0.05, 0.1, 0.2), strict=True))
    assert [1, 2, 3, 4] == tries


@STORED
async def test_a_memo_that_is_too_large(tmp_path: Path, *, stored: bool) -> None:
    """What a handler wants to be told again has a limit, and the error says so."""
    async with asking(place(tmp_path, stored=stored), Asker()) as engine:
        execution = await engine.submit(document({"x": "wrong"}))
        await ended(execution)
        assert "memo of a Wait takes more than 64,000 bytes" in (execution.record.error or "")
