"""Who is told of failures, and that it happens once."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.core.engines import LONG, STORED, ended
from tests.core.flows import document
from tests.core.telling import TOLD, URL, World, frail, hasten, quiet, ran

from caudal_core.engine.telling import delivery as module
from caudal_core.engine.telling.ended import About
from caudal_core.errors import InvalidWorkflow


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
