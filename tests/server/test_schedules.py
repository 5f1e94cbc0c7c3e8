"""Schedules over HTTP: listed, paused, and what they have started."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.core.clocks import SetClock, utc
from tests.server.serving import HANDLERS, Service, flow, node, service
from tests.server.test_metrics import told as metrics

from caudal_builtin.trigger import trigger

NOON = utc("2026-06-01 12:00")
NIGHTLY = {"scheduleEnabled": True, "cron": "30 2 * * *", "timezone": "Europe/Madrid"}


def nightly(**config: Any) -> dict[str, Any]:
    """A workflow that starts each night."""
    return flow(node("start", "trigger", **{**NIGHTLY, **config}), node("out", "output"), name="N")


def with_schedules(folder: Path, test: Any, **settings: Any) -> None:
    """Run a test against a service whose schedules go by a clock that the test sets."""

    async def run() -> None:
        clock = SetClock(NOON)
        async with service(folder, trigger, *HANDLERS, clock=clock, **settings) as found:
            await test(found, clock)

    asyncio.run(run())


async def save(found: Service, workflow: Any, workflow_id: str = "n") -> Any:
    """Save a workflow; its schedules."""
    answer = await found.http.put(f"/api/workflows/{workflow_id}", json=workflow)
    assert answer.is_success, answer.text
    return (await found.get(f"/api/schedules?workflowId={workflow_id}"))["schedules"]


async def ticks(found: Service, schedule: str, count: int) -> Any:
    """The ticks of a schedule, once there are so many."""
    while True:
        shown = (await found.get(f"/api/schedules/{schedule}/ticks"))["ticks"]
        if len(shown) >= count:
            return shown
        await asyncio.sleep(0.005)


def test_a_saved_schedule_is_listed_at_once(tmp_path: Path) -> None:
    """It has its next five times, in UTC, and what is known of it."""

    async def test(found: Service, clock: SetClock) -> None:
        (row,) = await save(found, nightly())
        assert [f"2026-06-0{day}T00:30:00.000Z" for day in range(2, 7)] == row.pop("next")
        expected = {
            "workflowId": "n",
            "workflowName": "N",
            "nodeId": "start",
            "type": "schedule",
            "state": "listening",
            "pausedBy": [],
            "error": None,
            "retryAt": None,
            "timezone": "Europe/Madrid",
            "toleranceSeconds": 60,
            "cron": "30 2 * * *",
            "catchUp": "skip",
            "overlap": "skip",
            "last": None,
            "lagSeconds": None,
        }
        identity = row.pop("id")
        assert expected == row
        assert identity == (await found.get(f"/api/schedules/{identity}"))["id"]
        assert {"ticks": [], "nextCursor": None} == await found.get(
            f"/api/schedules/{identity}/ticks"
        )
        await save(found, nightly(scheduleEnabled=False))
        assert {"schedules": []} == await found.get("/api/schedules")
        await found.get(f"/api/schedules/{identity}", 404)

    with_schedules(tmp_path, test)


def test_a_planned_time_starts_the_workflow(tmp_path: Path) -> None:
    """The execution says what started it, is found by its label, and the list says how it went."""

    async def test(found: Service, clock: SetClock) -> None:
        (row,) = await save(found, nightly())
        await clock.tick()
        (tick,) = await ticks(found, row["id"], 1)
        status = await found.ended(tick["executionId"])
        about = {
            "type": "schedule",
            "nodeId": "start",
            "key": "2026-06-02T00:30:00Z",
            "plannedAt": "2026-06-02T02:30:00+02:00",
        }
        assert {"trigger": about} == status["finalOutput"]
        assert {"trigger": row["id"]} == status["labels"]
        listed = await found.get(f"/api/executions?label=trigger:{row['id']}")
        assert [tick["executionId"]] == [item["id"] for item in listed["executions"]]
        (row,) = await save(found, nightly())
        assert {
            "key": "2026-06-02T00:30:00Z",
            "plannedAt": "2026-06-02T00:30:00.000Z",
            "recordedAt": "2026-06-02T00:30:00.000Z",
            "lagSeconds": 0.0,
            "executionId": tick["executionId"],
            "status": "completed",
            "skipped": None,
        } == row["last"]
        assert "2026-06-03T00:30:00.000Z" == row["next"][0]

    with_schedules(tmp_path, test)


def test_ticks_come_in_pages(tmp_path: Path) -> None:
    """Newest first, each once; a cursor that nobody gave is refused."""

    async def test(found: Service, clock: SetClock) -> None:
        (row,) = await save(found, nightly())
        path = f"/api/schedules/{row['id']}/ticks"
        for count in range(1, 4):
            await clock.tick()
            shown = await ticks(found, row["id"], count)
            await found.ended(shown[0]["executionId"])
        page = await found.get(f"{path}?limit=2")
        rest = await found.get(f"{path}?limit=2&cursor={page['nextCursor']}")
        assert rest["nextCursor"] is None
        keys = [tick["key"][:10] for tick in page["ticks"] + rest["ticks"]]
        assert ["2026-06-04", "2026-06-03", "2026-06-02"] == keys
        for wrong in ("cursor=x", "cursor=e30", "limit=0"):
            assert "detail" in await found.get(f"{path}?{wrong}", 422)
        await found.get("/api/schedules/none/ticks", 404)

    with_schedules(tmp_path, test)


@pytest.mark.parametrize(
    ("path", "by"),
    [("/{id}/", "trigger"), ("/{verb}?workflowId=n", "workflow"), ("/{verb}", "all")],
)
def test_pause_and_resume(tmp_path: Path, path: str, by: str) -> None:
    """One, those of a workflow, or all; what others hold stays as it is."""

    async def test(found: Service, clock: SetClock) -> None:
        await save(found, nightly(), "m")
        (row,) = await save(found, nightly())

        async def call(verb: str) -> Any:
            where = path.format(id=row["id"], verb=verb)
            return await found.post(f"/api/schedules{where}{verb if where.endswith('/') else ''}")

        async def states() -> Any:
            shown = (await found.get("/api/schedules"))["schedules"]
            return {item["workflowId"]: (item["state"], item["pausedBy"]) for item in shown}

        await call("pause")
        paused, listening = ("paused", [by]), ("listening", [])
        other = paused if by == "all" else listening
        assert {"n": paused, "m": other} == await states()
        assert [] == (await found.get(f"/api/schedules/{row['id']}"))["next"]
        await call("resume")
        assert {"n": listening, "m": listening} == await states()

    with_schedules(tmp_path, test)


def test_no_such_schedule_can_be_paused(tmp_path: Path) -> None:
    """A pause of what is not there is an error, not a promise."""

    async def test(found: Service, clock: SetClock) -> None:
        for verb in ("pause", "resume"):
            assert "detail" in await found.post(f"/api/schedules/none/{verb}", status=404)
        for unknown in ("none", "", "%00", "x" * 5_000):
            answer = await found.post(f"/api/schedules/pause?workflowId={unknown}", status=404)
            assert "NOT_FOUND" == answer["code"]
        await save(found, nightly(scheduleEnabled=False))
        assert {"schedules": []} == await found.post("/api/schedules/pause?workflowId=n")
        assert ["workflow"] == (await save(found, nightly()))[0]["pausedBy"]

    with_schedules(tmp_path, test)


def test_a_schedule_that_makes_no_sense_is_shown(tmp_path: Path) -> None:
    """The workflow is saved and runs by hand; the check and the list say what is wrong with it."""

    async def test(found: Service, clock: SetClock) -> None:
        answer = await found.post("/api/workflows/validate", nightly(cron="61 0 * * *"))
        (warning,) = answer["warnings"]
        assert (True, "INVALID_TRIGGER", "/nodes/0/config", "start") == (
            answer["valid"],
            *(warning[key] for key in ("code", "pointer", "nodeId")),
        )
        assert "is no cron expression: bad minute" in warning["message"]
        assert [] == (await found.post("/api/workflows/validate", nightly()))["warnings"]
        (row,) = await save(found, nightly(cron="61 0 * * *"))
        assert "broken" == row["state"]
        assert "is no cron expression" in row["error"]
        assert "completed" == (await found.run(nightly(cron="61 0 * * *")))["status"]

    with_schedules(tmp_path, test)


def test_switched_off(tmp_path: Path) -> None:
    """`CAUDAL_SCHEDULES=off`: they are shown and start nothing."""

    async def test(found: Service, clock: SetClock) -> None:
        (row,) = await save(found, nightly())
        assert ("off", []) == (row["state"], row["next"])

    with_schedules(tmp_path, test, schedules="off")


def test_inline_workflows_are_not_scheduled(tmp_path: Path) -> None:
    """Who sends a workflow along may schedule it too; here it just runs."""

    async def test(found: Service, clock: SetClock) -> None:
        status = await found.run({**nightly(), "id": "inline"})
        assert {} == status["finalOutput"]
        assert {"schedules": []} == await found.get("/api/schedules")

    with_schedules(tmp_path, test)


def test_files_are_scheduled_and_those_of_a_source_are_not(tmp_path: Path) -> None:
    """A file of `--workflows` is scheduled while it is there, unless the store has its id."""
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps(nightly()))
    (folder / "broken.json").write_text("{")

    async def test(found: Service, clock: SetClock) -> None:
        async def listed() -> Any:
            await found.app.state.triggers.look()
            shown = (await found.get("/api/schedules"))["schedules"]
            return [(item["workflowId"], item.get("cron")) for item in shown]

        assert [("a", "30 2 * * *")] == await listed()
        await clock.tick()
        (row,) = (await found.get("/api/schedules"))["schedules"]
        (tick,) = await ticks(found, row["id"], 1)
        assert "completed" == (await found.ended(tick["executionId"]))["status"]
        (folder / "b.json").write_text(json.dumps(nightly(cron="0 5 * * *")))
        assert [("a", "30 2 * * *"), ("b", "0 5 * * *")] == await listed()
        await save(found, nightly(cron="0 7 * * *"), "a")
        (folder / "b.json").unlink()
        assert [("a", "0 7 * * *")] == await listed()

    with_schedules(tmp_path, test, workflows=folder)


def test_a_folder_that_is_away_unschedules_nothing(tmp_path: Path) -> None:
    """What cannot be read for a while goes on as it was; a file that is gone is not scheduled."""
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps(nightly()))

    async def test(found: Service, clock: SetClock) -> None:
        async def listed() -> Any:
            await found.app.state.triggers.look()
            shown = (await found.get("/api/schedules"))["schedules"]
            return [(item["workflowId"], item["state"]) for item in shown]

        await save(found, nightly(), "n")
        both = [("n", "listening"), ("a", "listening")]
        assert both == await listed()
        (folder / "a.json").write_text("{")
        assert both == await listed()
        folder.rename(tmp_path / "away")
        assert both == await listed()
        await clock.tick()
        for row in (await found.get("/api/schedules"))["schedules"]:
            (tick,) = await ticks(found, row["id"], 1)
            assert "completed" == (await found.ended(tick["executionId"]))["status"]
        (tmp_path / "away").rename(folder)
        (folder / "a.json").unlink()
        assert both[:1] == await listed()

    with_schedules(tmp_path, test, workflows=folder)


def test_the_lag_of_schedules_is_measured(tmp_path: Path) -> None:
    """`/metrics` has what is overdue at this moment, and how late each start was."""

    async def test(found: Service, clock: SetClock) -> None:
        async def lags() -> tuple[float, ...]:
            told = await metrics(found)
            name = "caudal_schedule_start_lag_seconds"
            return (
                told["caudal_schedule_lag_seconds",],
                told[f"{name}_count",],
                told[f"{name}_sum",],
            )

        assert (0, 0, 0) == await lags()
        (row,) = await save(found, nightly(scheduleTolerance="1h"))
        night = await clock.wait_for_sleeper()
        assert (0, 0, 0) == await lags()
        found.engine.options = replace(found.engine.options, max_queued=0)  # it cannot be taken
        await clock.set(night + timedelta(seconds=20))
        assert (20, 0, 0) == await lags()
        found.engine.options = replace(found.engine.options, max_queued=10)
        await clock.forward(seconds=10)
        (tick,) = await ticks(found, row["id"], 1)
        await found.ended(tick["executionId"])
        assert (0, 1, 30) == await lags()

    with_schedules(tmp_path, test)
