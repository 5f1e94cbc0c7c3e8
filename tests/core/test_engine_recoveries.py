"""Who is told of questions that nobody answers, and of recoveries."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.core.engines import LONG, STORED, ended
from tests.core.flows import document
from tests.core.telling import TOLD, World, frail, quiet, ran

from caudal_core.engine import Engine
from caudal_core.engine.waits.approvals import Decision
from caudal_core.journal.waits import Approval, ApprovalFilter

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
