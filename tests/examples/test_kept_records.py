"""The two examples that keep records: an uploaded file is saved, and what was kept is fetched."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.examples.test_examples import EXAMPLES, document, exact, workbook
from tests.server.serving import Service
from tests.server.test_entities import serving

KEPT = "/api/entities/meter_readings"


def readings() -> list[dict[str, Any]]:
    """What the meter's file holds, with the average power of each quarter of an hour."""
    rows = ({key: row[key] for key in ("time", "meter", "kWh")} for row in workbook("meter.xlsx"))
    return [{**row, "kW": float(exact(row["kWh"]) * 4)} for row in rows]


def peaks() -> list[dict[str, Any]]:
    """Those above the contracted power; there is one meter, and its times are in order."""
    return [row for row in readings() if exact(row["kWh"]) * 4 > Decimal(480)]


async def saved(service: Service, **inputs: Any) -> Any:
    """What the node that saves says of a run."""
    status = await service.run(document("save-readings"), inputs=inputs)
    assert "completed" == status["status"], status["error"]
    return next(entry for entry in status["logs"] if entry["nodeId"] == "keep")["outputData"]


async def test_an_uploaded_file_is_kept_once(tmp_path: Path) -> None:
    """A second run finds every reading unchanged, also on the next server; the peaks are right."""
    expected = readings()
    assert 50 < len(peaks()) < 200
    for counts in (("inserted", "unchanged"), ("unchanged", "inserted")):
        async with serving(tmp_path) as service:
            content = (EXAMPLES / "data" / "meter.xlsx").read_bytes()
            files = {"file": ("March.xlsx", content)}
            uploaded = (await service.http.post("/api/files", files=files)).json()
            said = await saved(service, fileId=uploaded["id"])
            assert [len(expected), 0] == [said[name] for name in counts]
            assert 0 == said["updated"]
            assert len(expected) == (await service.get(KEPT))["records"]
            status = await service.run(document("power-peaks"))
            path = f"/api/executions/{status['executionId']}/nodes/result/data"
            assert peaks() == (await service.get(path, params={"limit": 1_000}))["data"]


async def test_a_corrected_file_changes_what_it_corrects(tmp_path: Path) -> None:
    """A reading that was corrected is updated, a new one inserted, and the rest stays."""
    folder = tmp_path / "open"
    folder.mkdir()
    lines = ["time,meter,kWh", "2026-03-01T00:00:00,0417,15.5", "2026-03-01T00:15:00,0417,121"]
    async with serving(tmp_path, file_roots=(folder,)) as service:
        (folder / "first.csv").write_text("\n".join(lines), encoding="utf-8")
        assert 2 == (await saved(service, fileId="first.csv"))["inserted"]
        lines[1:2] = [lines[1].replace("15.5", "16"), "2026-03-01T00:30:00,0417,17"]
        (folder / "second.csv").write_text("\n".join(lines), encoding="utf-8")
        said = await saved(service, fileId="second.csv")
        assert [1, 1, 1] == [said[name] for name in ("inserted", "updated", "unchanged")]
        found = (await service.get(f"{KEPT}/records", params={"sort": "time"}))["records"]
        assert [64, 484, 68] == [row["kW"] for row in found]


def test_they_run_from_the_command_line(tmp_path: Path) -> None:
    """`caudal run` with a data folder keeps the records there for the next one."""
    for name, count in (("save-readings", len(readings())), ("power-peaks", len(peaks()))):
        caudal = Path(sys.executable).with_name("caudal")
        command = [caudal, "run", EXAMPLES / f"{name}.json", "--data", tmp_path / "data"]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert 0 == done.returncode, done.stderr.decode()
        assert count == len(json.loads(done.stdout))
