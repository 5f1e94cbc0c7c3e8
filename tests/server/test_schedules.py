"""Schedules over HTTP: listed, paused, and what they have started."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.core.clocks import SetClock
from tests.server.scheduled import nightly, save, ticks, with_schedules
from tests.server.serving import Service


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


def test_a_name_that_is_mistyped_pauses_nothing(tmp_path: Path) -> None:
    """Else `?workflowid=n` would pause the schedules of all workflows."""

    async def test(found: Service, clock: SetClock) -> None:
        await save(found, nightly())
        for verb in ("pause", "resume"):
            answer = await found.post(f"/api/schedules/{verb}?workflowid=n", status=422)
            assert "did you mean workflowId?" in answer["detail"]
        (row,) = (await found.get("/api/schedules"))["schedules"]
        assert ("listening", []) == (row["state"], row["pausedBy"])

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
        for wrong in (
            {"cron": "61 0 * * *"},
            {"scheduleIntervalValue": 0},
            {"timezone": "Nowhere"},
        ):
            assert "completed" == (await found.run(nightly(**wrong)))["status"]

    with_schedules(tmp_path, test)


def test_switched_off(tmp_path: Path) -> None:
    """`CAUDAL_SCHEDULES=off`: they are shown and start nothing."""

    async def test(found: Service, clock: SetClock) -> None:
        (row,) = await save(found, nightly())
        assert ("off", []) == (row["state"], row["next"])

    with_schedules(tmp_path, test, schedules="off")


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
