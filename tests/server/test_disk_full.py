"""A database that cannot grow: new work is refused, what runs waits, nothing is told too early."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.server.serving import HANDLERS, Service, flow, node, service

import caudal_core.engine.acceptance
from caudal_core import Config, Context, handler
from caudal_core.journal.sqlite import SqliteSink

pytestmark = pytest.mark.crash

BIG = "x" * 30_000
"""A text that stays in its row."""


class Tap:
    """A handler that waits until it is let go, then hands on much."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

        @handler("tap", effect="pure")
        async def tap(config: Config, data: Any, ctx: Context) -> Any:
            await self.open.wait()
            return [{"n": number, "text": BIG[:5_000]} for number in range(6)]

        self.handler = tap


def sink(here: Service) -> SqliteSink:
    """What the journal writes with."""
    found = here.engine.journal._sink  # noqa: SLF001 - a full disk is not to be had in public
    assert isinstance(found, SqliteSink)
    return found


async def filled(here: Service) -> None:
    """Let the database have no more than a few pages beyond those that it has."""
    await sink(here).tell("PRAGMA max_page_count=1")  # it is never below what is in use
    give = flow(node("a", "give", value=BIG), node("b", "give"), node("c", "give"))
    for _ in range(100):
        with suppress(TimeoutError):
            answer = await here.http.post("/api/workflows/execute", json={"workflow": give})
            if answer.status_code == 503:
                return
    pytest.fail("the database never became full")


async def test_running_work_waits_for_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New work is 503, what ran is told as running until its record is there, then all goes on."""
    monkeypatch.setattr(caudal_core.engine.acceptance, "ACCEPT_SECONDS", 1.0)
    tap = Tap()
    async with service(tmp_path, *HANDLERS, tap.handler) as here:
        held = await here.start(flow(node("a", "tap"), node("b", "give"), node("o", "output")))
        await here.until_running(held)
        await filled(here)
        tap.open.set()
        while (await here.http.get("/readyz")).status_code == 200:
            pass

        refused = await here.http.post("/api/workflows/execute", json={"workflow": flow()})
        assert (503, "5") == (refused.status_code, refused.headers["retry-after"])
        assert "full" in refused.json()["detail"]
        ready = await here.http.get("/readyz")
        assert 503 == ready.status_code
        assert "full" in ready.json()["detail"]
        await asyncio.sleep(0.3)  # some more tries, all of them in vain
        status = await here.get(f"/api/executions/{held}")
        assert ("running", 0) == (status["status"], status["progress"]["completedNodes"])

        await sink(here).tell("PRAGMA max_page_count=1000000")
        assert "completed" == (await here.ended(held))["status"]
        assert {"status": "ready"} == await here.get("/readyz")
        assert "completed" == (await here.run(flow(node("a", "give", value=1))))["status"]
    async with service(tmp_path, *HANDLERS, tap.handler) as here:
        page = await here.get("/api/executions?limit=500")
        states = Counter(row["status"] for row in page["executions"])
        # What was refused while it waited for the disk is recorded as never having run.
        assert 1 == states.pop("cancelled")
        assert ["completed"] == list(states)
