"""Nodes that wait, for a person or a moment, and executions that leave memory meanwhile."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.core.databases import query
from tests.core.engines import LONG, STORED, Gate, ended, running, states, until
from tests.core.flows import document, give

from caudal_core import Config, Context, Handler, Outputs, Question, Reply, Wait, handler
from caudal_core.engine import Engine, Execution
from caudal_core.engine.recovery import recovery
from caudal_core.engine.waits.approvals import Decision
from caudal_core.errors import Conflict, NotFound
from caudal_core.journal.waits import Approval, ApprovalFilter
from caudal_core.values import decode

pytestmark = pytest.mark.usefixtures("both")


class Asking(Config):
    """What is asked, and for how long."""

    seconds: float | None = None
    effect: str = ""


class Asker:
    """Handlers that ask a person or wait for a moment, and remember how often they were called."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.replies: list[Reply] = []

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """`ask` and `askLight` ask a person; `doze` waits for a moment; `wrong` does not fit."""

        def ask(config: Asking, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            if ctx.answer is None:
                ctx.log.info("asks")
                ctx.say("waits for Ana")
                question = Question("May it go on?", "u1", "Ana", "mail")
                return Wait(question, seconds=config.seconds, memo={"n": 7})
            self.replies.append(ctx.answer)
            ctx.log.info("was told")
            ctx.say("answered")
            return Outputs(yes=data) if ctx.answer.approved else Outputs(no=data)

        @handler("doze")
        def doze(config: Asking, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            if ctx.answer is None:
                return Wait(seconds=config.seconds)
            self.replies.append(ctx.answer)
            return data

        @handler("wrong")
        def wrong(config: Config, data: Any, ctx: Context) -> Any:
            return Wait(seconds=1, memo="x" * 70_000)

        ports = ("yes", "no")
        return (
            handler("ask", outputs=ports)(ask),
            handler("askLight", outputs=ports, light=True)(ask),
            handler("askKeyed", outputs=ports, effect="keyed")(ask),
            handler("askOnce", outputs=ports, effect="at_most_once")(ask),
            doze,
            wrong,
        )


@asynccontextmanager
async def asking(folder: Path | None, asker: Asker, *more: Handler) -> AsyncIterator[Engine]:
    """An engine with the handlers that ask."""
    async with running(folder, *asker.handlers, *more) as engine:
        yield engine


def place(tmp_path: Path, *, stored: bool) -> Path | None:
    """Where the engine keeps things."""
    return tmp_path if stored else None


async def waits(execution: Execution) -> None:
    """Return once it is told that the execution waits."""
    await until(execution, lambda: execution.record.state == "waiting")


async def the_open(engine: Engine) -> list[Approval]:
    """What can be decided."""
    return await engine.approvals.list(ApprovalFilter())


async def final(engine: Engine, execution_id: str) -> tuple[str, Any]:
    """How it ended, with the final output."""
    async with asyncio.timeout(LONG):
        while True:
            record = (await engine.view(execution_id, last=0)).record
            if record.finished:
                return record.state, None if record.final is None else decode(record.final)
            execution = await engine.watch(execution_id)
            assert execution is not None
            await execution.change(execution.version, 0.05)


YES_OR_NO = ("a x", "x.yes y", "x.no n")


def question(kind: str = "ask", **config: Any) -> dict[str, Any]:
    """A workflow that asks once."""
    nodes: dict[str, Any] = {"a": give({"v": 1}), "x": {"type": kind, "config": config}}
    return document({**nodes, "y": "pass", "n": "pass"}, *YES_OR_NO)


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


# -- leaving memory, and restarts ------------------------------------------------------------------


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
