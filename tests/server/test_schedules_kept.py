"""Which workflows are scheduled over HTTP, what a trigger shows, and how late it is."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.core.clocks import SetClock
from tests.server.scheduled import nightly, save, ticks, with_schedules
from tests.server.serving import Service
from tests.server.test_metrics import told as metrics

from caudal_builtin.schedules.schedule import Schedule
from caudal_builtin.trigger import TriggerConfig
from caudal_core.triggers import trigger_id


def test_inline_workflows_are_not_scheduled(tmp_path: Path) -> None:
    """Who sends a workflow along may schedule it too; here it just runs."""

    async def test(found: Service, clock: SetClock) -> None:
        status = await found.run({**nightly(), "id": "inline"})
        assert {} == status["finalOutput"]
        assert {"schedules": []} == await found.get("/api/schedules")

    with_schedules(tmp_path, test)


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


class Braggart(Schedule):
    """Shows what is not its own to say."""

    def shown(self, config: TriggerConfig) -> Any:  # noqa: ARG002 - the same for all
        """Names of the row among its own."""
        return {"id": "another", "state": "well", "next": "never", "timezone": "UTC", "own": 1}


def test_what_a_trigger_shows_replaces_nothing(tmp_path: Path) -> None:
    """It adds to its row of the list, and may name its time zone."""

    async def test(found: Service, clock: SetClock) -> None:
        engine = found.engine
        engine.registry = replace(engine.registry, triggers={"trigger": Braggart()})
        (row,) = await save(found, nightly())
        assert row["id"] == trigger_id("n", "start")
        assert ("listening", 5) == (row["state"], len(row["next"]))
        assert ("UTC", 1) == (row["timezone"], row["own"])

    with_schedules(tmp_path, test)
