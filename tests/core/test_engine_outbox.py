"""Who is told of failures, recoveries and ends, and that it happens once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from tests.core.engines import LONG, STORED, Gate, ended
from tests.core.flows import HANDLERS, document, give

from caudal_core import Config, Context, Handler, HandlerError, Question, Wait, handler
from caudal_core.engine import Engine, EngineOptions, Execution, FolderStorage
from caudal_core.engine.telling import delivery as module
from caudal_core.engine.telling.ended import About
from caudal_core.engine.waits.approvals import Decision
from caudal_core.errors import CallRefused, InvalidWorkflow
from caudal_core.journal.notice import Notice
from caudal_core.journal.waits import Approval, ApprovalFilter
from caudal_core.registry import Registry

URL = "https://example.test/told"


class World:
    """Handlers of which one fails until it is mended, and one that remembers what it is told."""

    def __init__(self) -> None:
        self.mended = False
        self.heard: list[Any] = []
        self.changed = asyncio.Event()
        self.deaf = False
        self.patience = 3_600.0
        self.gate = Gate()
        self.called: list[tuple[Notice, Any]] = []
        self.refusals: list[Exception] = []

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """`frail` fails until the world is mended, `hear` remembers."""

        @handler("frail", effect="idempotent")
        async def frail(config: Config, data: Any, ctx: Context) -> Any:
            if not self.mended:
                raise HandlerError("the tank is empty", hint="fill it")
            return data

        @handler("hear", effect="idempotent")
        async def hear(config: Config, data: Any, ctx: Context) -> Any:
            self.heard.append(data)
            self.changed.set()
            if self.deaf:
                raise HandlerError("nobody hears")
            return data

        @handler("once", effect="at_most_once")
        async def once(config: Config, data: Any, ctx: Context) -> Any:
            await asyncio.sleep(LONG)

        @handler("ask")
        def ask(config: Config, data: Any, ctx: Context) -> Any:
            if ctx.answer is None:
                return Wait(Question("Open it?", notify_after=self.patience))
            return data

        return (*HANDLERS, frail, hear, once, ask, self.gate.handler)

    async def find(self, workflow_id: str) -> tuple[Mapping[str, Any], str | None]:
        """The workflow that hears."""
        return document({"n": "hear"}, id=workflow_id), None

    async def call(self, notice: Notice, told: Mapping[str, Any] | None) -> None:
        """Remember a call, or refuse it."""
        self.called.append((notice, told))
        self.changed.set()
        if self.refusals:
            raise self.refusals.pop(0)

    @asynccontextmanager
    async def engine(self, folder: Path | None, **options: Any) -> AsyncIterator[Engine]:
        """An engine that tells at once unless it is told otherwise."""
        storage = FolderStorage(folder) if folder else None
        made = Engine(
            Registry.of(*self.handlers),
            storage=storage,
            options=EngineOptions(**{"notice_seconds": 0, **options}),
        )
        made.outbox.base_url = "http://here"
        made.outbox.delivery.find = self.find
        made.outbox.delivery.caller = self
        async with made:
            yield made

    async def until(self, count: int) -> None:
        """Wait until so many were told."""
        async with asyncio.timeout(LONG):
            while len(self.heard) + len(self.called) < count:
                await self.changed.wait()
                self.changed.clear()


def frail(**settings: Any) -> dict[str, Any]:
    """A workflow that fails until the world is mended."""
    nodes = {"a": give({"x": 1}), "b": {"type": "frail", "label": "Tank"}}
    return document(nodes, "a b", id="w", name="W", settings=settings)


TOLD = frail(onFailure={"workflowId": "teller"})


async def ran(engine: Engine, flow: dict[str, Any], **more: Any) -> Execution:
    """An execution that has ended."""
    return await ended(await engine.submit(flow, **more))


async def quiet(engine: Engine) -> None:
    """Return once everything that runs has ended and all that is due was delivered."""
    async with asyncio.timeout(LONG):
        while engine.unfinished or engine.outbox.delivery.waiting:
            for execution in engine.unfinished:
                await execution.finished(LONG)
            await asyncio.sleep(0.005)


def hasten(engine: Engine) -> None:
    """Deliver now what is to be delivered later."""
    assert engine.storage.history is not None
    for notice in engine.storage.history.notices():
        notice.due = 0
        engine.outbox.delivery.add(notice)


# -- failures --------------------------------------------------------------------------------------


@STORED
async def test_a_failure_is_told_once(tmp_path: Path, *, stored: bool) -> None:
    """The workflow that is told is executed once, with what happened as its input."""
    world = World()
    async with world.engine(tmp_path if stored else None) as engine:
        more = {"organization": "north", "labels": {"day": "1"}}
        failed = await ran(engine, TOLD, **more)
        await world.until(1)
        await quiet(engine)
        [told] = world.heard
        about = told.pop("execution")
        assert failed.id == about["id"]
        assert ("w", "W", "failed", "north", {"day": "1"}) == (
            about["workflowId"],
            about["workflowName"],
            about["status"],
            about["organizationId"],
            about["labels"],
        )
        assert told.pop("since") <= told.pop("until")
        assert {
            "kind": "failure",
            "count": 1,
            "error": "Tank (b): the tank is empty; fill it",
            "link": f"http://here/api/executions/{failed.id}",
            "nodes": [
                {
                    "id": "b",
                    "label": "Tank",
                    "type": "frail",
                    "status": "failed",
                    "attempt": 1,
                    "error": "the tank is empty; fill it",
                }
            ],
        } == told
        records = [execution.record for execution in engine.remembered]
        [notice] = [record for record in records if record.origin == "notice"]
        assert ("teller", "north", {"noticeOf": failed.id}) == (
            notice.workflow_id,
            notice.organization,
            notice.labels,
        )
        if engine.storage.history is not None:
            assert [] == engine.storage.history.notices()


async def test_who_is_told_where_the_workflow_does_not_say(tmp_path: Path) -> None:
    """The engine's own, once; the workflow's own takes its place; without either nobody is."""
    world = World()
    async with world.engine(tmp_path, on_failure="all") as engine:
        await ran(engine, frail())
        await ran(engine, TOLD)
        await world.until(2)
        await quiet(engine)
        told = [e.record.workflow_id for e in engine.remembered if e.record.origin]
        assert ["all", "teller"] == sorted(told)
    async with world.engine(tmp_path) as engine:
        await ran(engine, frail())
        await quiet(engine)
        assert 2 == len(world.heard)


async def test_nobody_is_told_of_what_tells(tmp_path: Path) -> None:
    """The failure of a notice's own execution, and of its retry, starts no notice."""
    world = World()
    world.deaf = True
    async with world.engine(tmp_path, on_failure="all") as engine:
        await ran(engine, frail())
        await world.until(1)
        await quiet(engine)
        [notice] = [e for e in engine.remembered if e.record.origin]
        assert "failed" == notice.record.state
        await ended(await engine.enter(await engine.again.retry(notice.id)))
        await quiet(engine)
        assert 2 == len(world.heard)


async def test_success_and_cancel_are_no_failure(tmp_path: Path) -> None:
    """Nobody is told of an execution that completed or was cancelled."""
    world = World()
    world.mended = True
    async with world.engine(tmp_path, on_failure="all") as engine:
        await ran(engine, frail())
        held = await engine.submit(document({"h": "held"}))
        await world.gate.entered.wait()
        await engine.cancel(held.id)
        await ended(held)
        await quiet(engine)
        assert [] == world.heard


async def test_what_timed_out_is_told(tmp_path: Path) -> None:
    """An execution that ran out of its time is a failure; its interrupted node is named."""
    world = World()
    flow = document({"o": "once"}, settings={"timeoutSeconds": 0.05})
    async with world.engine(tmp_path, on_failure="all") as engine:
        await ran(engine, flow)
        await world.until(1)
        assert "timed out after 0.05 s" in world.heard[0]["error"]
        assert [("o", "interrupted")] == [
            (node["id"], node["status"]) for node in world.heard[0]["nodes"]
        ]


async def test_a_burst_of_one_cause_is_one_notice(tmp_path: Path) -> None:
    """What fails for one cause while it is gathered is one notice with a count."""
    world = World()
    async with world.engine(tmp_path, notice_seconds=3_600) as engine:
        for _ in range(5):
            first = await ran(engine, TOLD)
        other = document({"f": "fail"}, id="w", settings={"onFailure": "teller"})
        await ran(engine, other)
        assert engine.storage.history is not None
        assert [5, 1] == [notice.count for notice in engine.storage.history.notices()]
        hasten(engine)
        await world.until(2)
        await quiet(engine)
        told = sorted(world.heard, key=lambda each: each["count"])
        assert [1, 5] == [each["count"] for each in told]
        assert first.id != told[1]["execution"]["id"]


async def test_what_goes_on_is_gathered_longer(tmp_path: Path) -> None:
    """The next notice of one cause gathers twice as long; another cause does not wait."""
    world = World()
    async with world.engine(tmp_path, notice_seconds=600) as engine:
        await ran(engine, TOLD)
        hasten(engine)
        await world.until(1)
        await ran(engine, TOLD)
        await ran(engine, document({"f": "fail"}, id="w", settings={"onFailure": "teller"}))
        assert engine.storage.history is not None
        again, other = sorted(engine.storage.history.notices(), key=lambda n: n.created)
        assert again.due is not None
        assert other.due is not None
        assert again.due - again.created > 900
        assert other.due - other.created < 900


async def test_a_notice_survives_the_engine(tmp_path: Path) -> None:
    """What could not be told before the engine closed is told by the next one, once."""
    world = World()
    entered = asyncio.Event()

    async def stuck(workflow_id: str) -> Any:
        entered.set()
        await asyncio.sleep(LONG)

    async with world.engine(tmp_path) as engine:
        engine.outbox.delivery.find = stuck
        failed = await ran(engine, TOLD)
        await asyncio.wait_for(entered.wait(), LONG)
    assert [] == world.heard
    for _ in range(2):
        async with world.engine(tmp_path) as engine:
            await world.until(1)
            await quiet(engine)
    assert [failed.id] == [told["execution"]["id"] for told in world.heard]


async def test_a_workflow_that_is_not_there_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where who is told cannot be found, or cannot run, it is tried later."""
    monkeypatch.setattr(module, "FIRST_WAIT", 0.001)
    world = World()
    found = [document({"n": "nothing"}), document({"n": "hear"})]

    async def find(workflow_id: str) -> tuple[Any, str | None]:
        if len(found) == 2 and not tried:
            tried.append(workflow_id)
            raise LookupError
        return found.pop(0), None

    tried: list[str] = []
    async with world.engine(tmp_path) as engine:
        engine.outbox.delivery.find = find
        await ran(engine, TOLD)
        await world.until(1)
        assert [] == found


async def test_what_cannot_be_taken_up_again_is_told(tmp_path: Path) -> None:
    """An execution whose record is damaged fails at the next start, and somebody hears of it."""
    world = World()
    async with world.engine(tmp_path) as engine:
        prepared = await engine.prepare(document({"h": "held"}, id="w"), callback=URL)
        execution = await engine.enter(prepared)
        await world.gate.entered.wait()
    with closing(sqlite3.connect(tmp_path / "caudal.db")) as database, database:
        database.execute("UPDATE execution SET workflow_hash = 'gone'")
    for _ in range(2):
        async with world.engine(tmp_path, on_failure="all") as engine:
            await world.until(2)
            await quiet(engine)
            assert "failed" == (await engine.view(execution.id)).record.state
    assert [execution.id] == [told["execution"]["id"] for told in world.heard]
    assert "could not be taken up again" in world.heard[0]["error"]
    assert [execution.id] == [notice.execution for notice, _ in world.called]


async def test_other_things_are_told_in_the_same_way(tmp_path: Path) -> None:
    """`notify` tells whoever is told of failures something else, and counts it by its cause."""
    world = World()
    async with world.engine(tmp_path, notice_seconds=3_600) as engine:
        outbox, flow = engine.outbox, await engine.graph(TOLD)
        about = About(flow.settings, (None, "w"))
        for late in (3, 4):
            told = {"schedule": "s", "late": late}
            assert outbox.notify("late", told, about, cause="tick", once="late:s")
        nobody = About((await engine.graph(frail())).settings, (None, "w"))
        assert not outbox.notify("late", {}, nobody, cause="tick")
        await engine.journal.flush()
        hasten(engine)
        await world.until(1)
        await quiet(engine)
        [heard] = world.heard
        assert ("late", "s", 3, 2) == (
            heard["kind"],
            heard["schedule"],
            heard["late"],
            heard["count"],
        )
        assert outbox.notify("late", {}, about, cause="tock", once="late:s")
        await engine.journal.flush()
        hasten(engine)
        await quiet(engine)
        assert [heard] == world.heard


async def test_settings_of_the_wrong_kind_are_refused(tmp_path: Path) -> None:
    """Who is told is named by the id of a workflow; nothing there names nobody."""
    world = World()
    async with world.engine(tmp_path) as engine:
        for wrong in (7, {"workflow": "x"}, {"workflowId": ""}):
            with pytest.raises(InvalidWorkflow) as caught:
                await engine.submit(frail(onFailure=wrong))
            assert caught.value.problems[0]["pointer"].startswith("/settings/onFailure")
        for nobody in (None, "", {}):
            await ran(engine, frail(onFailure=nobody))
        await quiet(engine)
        assert [] == world.heard


# -- what waits ------------------------------------------------------------------------------------


ASKED = document({"q": {"type": "ask", "label": "Valve"}}, id="w", settings=TOLD["settings"])


async def opened(engine: Engine) -> Approval:
    """The one question that is open, once it is."""
    async with asyncio.timeout(LONG):
        while not (found := await engine.approvals.list(ApprovalFilter())):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return found[0]


@STORED
async def test_a_question_that_nobody_answers_is_told(tmp_path: Path, *, stored: bool) -> None:
    """Whoever is told of failures hears once of a question that is open for too long."""
    world = World()
    world.patience = 0
    async with world.engine(tmp_path if stored else None) as engine:
        execution = await engine.submit(ASKED)
        await world.until(1)
        approval = await opened(engine)
        [told] = world.heard
        assert ("waiting", execution.id, "waiting") == (
            told["kind"],
            told["execution"]["id"],
            told["execution"]["status"],
        )
        assert (approval.id, "Open it?") == (told["approval"]["id"], told["approval"]["question"])
        assert f"http://here/api/approvals/{approval.id}" == told["link"]
        assert [("q", "Valve", "waiting")] == [
            (node["id"], node["label"], node["status"]) for node in told["nodes"]
        ]
        await engine.approvals.decide(approval.id, Decision(approved=True))
        assert 1 == len(world.heard)


async def test_a_question_that_is_answered_is_not_told(tmp_path: Path) -> None:
    """An answer in time, or a cancel, takes the notice away, over a restart too."""
    world = World()
    async with world.engine(tmp_path) as engine:
        await engine.submit(ASKED)
        first = await opened(engine)
    async with world.engine(tmp_path) as engine:
        assert 1 == engine.outbox.delivery.waiting
        await engine.approvals.decide(first.id, Decision(approved=True))
        assert 0 == engine.outbox.delivery.waiting
        second = await engine.submit(ASKED)
        await opened(engine)
        await engine.cancel(second.id)
        assert engine.storage.history is not None
        async with asyncio.timeout(LONG):
            while engine.storage.history.notices():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert 0 == engine.outbox.delivery.waiting
    assert [] == world.heard


# -- recovery --------------------------------------------------------------------------------------


BOTH = frail(onFailure={"workflowId": "teller"}, onRecovery={"workflowId": "back"})


@STORED
async def test_a_recovery_is_told_once(tmp_path: Path, *, stored: bool) -> None:
    """The first success after failures is told, with what had failed."""
    world = World()
    async with world.engine(tmp_path if stored else None) as engine:
        failed = await ran(engine, BOTH)
        await ran(engine, BOTH)
        world.mended = True
        works = await ran(engine, BOTH)
        await ran(engine, BOTH)
        await quiet(engine)
        told = [each for each in world.heard if each["kind"] == "recovery"]
        assert 1 == len(told)
        assert (works.id, "completed", failed.id, None, []) == (
            told[0]["execution"]["id"],
            told[0]["execution"]["status"],
            told[0]["failed"]["id"],
            told[0]["error"],
            told[0]["nodes"],
        )
        assert "Tank (b): the tank is empty; fill it" == told[0]["failedWith"]
        assert not engine.outbox.busy


async def test_a_recovery_after_a_restart(tmp_path: Path) -> None:
    """That a workflow had failed is known to the next engine."""
    world = World()
    async with world.engine(tmp_path) as engine:
        await ran(engine, BOTH)
        await quiet(engine)
    world.mended = True
    async with world.engine(tmp_path) as engine:
        await ran(engine, BOTH)
        await world.until(2)
        assert ["failure", "recovery"] == [told["kind"] for told in world.heard]


async def test_what_began_before_the_failure_is_no_recovery(tmp_path: Path) -> None:
    """A success counts if its execution was accepted after the failure."""
    world = World()
    slow = document({"h": "held"}, id="w", settings=BOTH["settings"])
    async with world.engine(tmp_path) as engine:
        earlier = await engine.submit(slow)
        await world.gate.entered.wait()
        await ran(engine, BOTH)
        world.gate.open.set()
        await ended(earlier)
        await quiet(engine)
        assert engine.outbox.busy
        await ran(engine, slow)
        await world.until(2)
        assert ["failure", "recovery"] == [told["kind"] for told in world.heard]


# -- calls -----------------------------------------------------------------------------------------


async def test_a_url_is_called(tmp_path: Path) -> None:
    """Where the engine tells a URL it is called for failures and for the recovery after them."""
    world = World()
    async with world.engine(tmp_path, on_failure=URL) as engine:
        await ran(engine, frail())
        world.mended = True
        await ran(engine, frail())
        await world.until(2)
        await quiet(engine)
        assert [(URL, "failure"), (URL, "recovery")] == [
            (notice.target, (told or {})["kind"]) for notice, told in world.called
        ]
        assert engine.storage.history is not None
        assert [] == engine.storage.history.notices()


@STORED
async def test_a_callback_is_called_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, stored: bool
) -> None:
    """It is called until it answers; how that goes is told beside the execution."""
    monkeypatch.setattr(module, "FIRST_WAIT", 0.001)
    world = World()
    world.refusals = [OSError("no route"), OSError("no route")]
    async with world.engine(tmp_path if stored else None) as engine:
        prepared = await engine.prepare(document({"h": "held"}), callback=URL)
        execution = await engine.enter(prepared)
        await world.gate.entered.wait()
        view = await engine.view(execution.id)
        assert view.callback is not None
        assert ("armed", 0) == (view.callback.state, view.callback.attempts)
        assert [] == world.called
        world.gate.open.set()
        await world.until(3)
        await quiet(engine)
        assert [None] * 3 == [told for _, told in world.called]
        assert 1 == len({notice.id for notice, _ in world.called})
        view = await engine.view(execution.id)
        assert view.callback is not None
        assert ("delivered", 3, None) == (
            view.callback.state,
            view.callback.attempts,
            view.callback.error,
        )
    if stored:
        async with world.engine(tmp_path) as engine:
            view = await engine.view(execution.id)
            assert view.callback is not None
            assert ("delivered", 3) == (view.callback.state, view.callback.attempts)


async def test_a_callback_survives_the_engine(tmp_path: Path) -> None:
    """It is called although the engine closed before the execution ended."""
    world = World()
    async with world.engine(tmp_path) as engine:
        prepared = await engine.prepare(document({"h": "held"}), callback=URL)
        execution = await engine.enter(prepared)
        await world.gate.entered.wait()
    world.gate.open.set()
    async with world.engine(tmp_path) as engine:
        await world.until(1)
        await quiet(engine)
        assert [execution.id] == [notice.execution for notice, _ in world.called]
    async with world.engine(tmp_path) as engine:
        await quiet(engine)
        assert 1 == len(world.called)


async def test_what_will_never_be_taken_is_given_up(tmp_path: Path) -> None:
    """A refusal for good ends the attempts, and so does the last of them."""
    world = World()
    world.refusals = [CallRefused(message="gone")]
    async with world.engine(tmp_path) as engine:
        prepared = await engine.prepare(document({"a": give(1)}), callback=URL)
        execution = await ended(await engine.enter(prepared))
        await world.until(1)
        await quiet(engine)
        view = await engine.view(execution.id)
        assert view.callback is not None
        assert ("failed", 1, "gone") == (
            view.callback.state,
            view.callback.attempts,
            view.callback.error,
        )
