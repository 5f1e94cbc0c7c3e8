"""A back-up made while the server works, restored elsewhere, serves everything."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.client import LONGEST
from tests.acceptance.flows import chain, made, node, waiting
from tests.acceptance.marks import Outside
from tests.acceptance.serving import COMMAND, serving
from tests.acceptance.test_crash_points import begin

from caudal_core.journal import FINISHED


def caudal(*arguments: str | Path, status: int = 0, **environment: str) -> str:
    """Run a command of `caudal`; what it says."""
    done = subprocess.run(
        [COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
        env={**os.environ, **environment},
    )
    assert status == done.returncode, done.stderr
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def moved(folder: Path) -> tuple[Path, Path]:
    """A folder for another server, and the file of a back-up."""
    other = folder / "other"
    other.mkdir()
    return other, folder / "caudal.backup"


def test_a_restored_folder_serves_everything(tmp_path: Path) -> None:
    """Executions, their data, workflows, files and records are there as they were."""
    other, file = moved(tmp_path)
    rows = node("big", "trialLarge", {"rows": 3_000, "characters": 50})
    saving = node("s", "saveRecords", {"tableName": "readings", "saveMode": "insert"})
    with serving(tmp_path) as server:
        kept = chain(made("a", {"x": 1}), node("o", "output"), id="kept")
        server.post("/api/workflows", kept, 201)
        large = server.completed(chain(rows, node("o", "output")))
        server.post("/api/entities", {"name": "readings", "properties": {"x": "number"}}, 201)
        server.completed(chain(made("a", {"x": 7}), saving))
        paths = [
            f"/api/executions/{large.status['executionId']}",
            f"/api/executions/{large.status['executionId']}/nodes/big/data?offset=2990",
            "/api/executions",
            "/api/workflows/kept",
            "/api/entities/readings/records",
        ]
        before = [server.get(path) for path in paths]
        assert [7] == [row["x"] for row in before[-1]["records"]]
        held = server.start(waiting(tmp_path))
        server.status_until(held, lambda found: found["currentNodeId"] == "a")
        said = caudal("backup", file, "--data", tmp_path / "data")
        assert "caudal.db, records.db, 1 large values" in said
        server.end(signal.SIGKILL)
    assert 0o600 == file.stat().st_mode & 0o777
    said = caudal("restore", file, "--data", other / "data")
    assert "1 large values" in said
    (tmp_path / "go").touch()
    with serving(other) as server:
        after = [server.get(path) for path in paths]
        assert [before[i] for i in (0, 1, 3, 4)] == [after[i] for i in (0, 1, 3, 4)]
        known = {row["id"] for row in after[2]["executions"]}
        assert {row["id"] for row in before[2]["executions"]} < known
        assert "completed" == server.ended(held).state


@pytest.mark.crash
def test_a_backup_under_load_is_sound(tmp_path: Path) -> None:
    """Made while clients keep asking, it is of one moment: everything in it ends, none is torn."""
    other, file = moved(tmp_path)
    outside, accepted = Outside(tmp_path), list[str]()
    with serving(tmp_path) as server:
        asking = (server.port, outside, accepted, 100_000)
        threads = [threading.Thread(target=begin, args=asking) for _ in range(3)]
        for thread in threads:
            thread.start()
        while len(accepted) < 60:
            pass
        first = set(accepted)
        caudal("backup", file, "--data", tmp_path / "data")
        server.end(signal.SIGKILL)
        for thread in threads:
            thread.join(LONGEST)
    caudal("restore", file, "--data", other / "data")
    copied = Outside(other)
    copied.sink = outside.sink
    with serving(other) as server:
        for identity, state in copied.states().items():
            if state not in FINISHED:
                server.ended(identity)
    assert first <= copied.states().keys()
    assert [] == [text for text in copied.wrong() if "was done" not in text]


def test_what_hinders_a_backup_is_said(tmp_path: Path) -> None:
    """No folder of a server, a file that is there, a file in the folder itself: nothing is made."""
    data, file = tmp_path / "data", tmp_path / "made"
    assert "holds no caudal.db" in caudal("backup", file, "--data", data, status=2)
    with serving(tmp_path):
        pass
    file.touch()
    assert "is there already" in caudal("backup", file, "--data", data, status=2)
    assert "lies in the data folder" in caudal("backup", data / "x", "--data", data, status=2)
    nowhere = caudal("backup", tmp_path / "no" / "x", "--data", data, status=2)
    assert f"there is no folder {tmp_path / 'no'}; make it" in nowhere


def test_what_hinders_restoring_is_said(tmp_path: Path) -> None:
    """A folder that is not empty is left alone, and half a back-up leaves an empty one."""
    other, file = moved(tmp_path)
    with serving(tmp_path) as server:
        server.completed(chain(node("big", "trialLarge", {"rows": 3_000, "characters": 50})))
        caudal("backup", file, "--data", tmp_path / "data")
    said = caudal("restore", file, "--data", tmp_path / "data", status=2)
    assert "is not empty" in said
    nowhere = caudal("restore", file, "--data", file / "x", status=2)
    assert "cannot be made: Not a directory; name another with --data" in nowhere
    whole = file.read_bytes()
    for content, why in (
        (whole[: len(whole) // 2], "no whole back-up"),
        (b"no archive at all", "no whole back-up"),
        (whole.replace(b'"n":2998', b'"n":2999'), "is damaged: the value"),
    ):
        (tmp_path / "wrong").write_bytes(content)
        assert why in caudal("restore", tmp_path / "wrong", "--data", other, status=2)
        assert [] == list(other.iterdir())


def test_a_value_that_is_gone_is_told(tmp_path: Path) -> None:
    """A back-up of a damaged folder holds the rest, and the exit code says that some is missing."""
    _, file = moved(tmp_path)
    with serving(tmp_path) as server:
        server.completed(chain(node("big", "trialLarge", {"rows": 3_000, "characters": 50})))
    (value,) = (path for path in (tmp_path / "data/blobs").rglob("*") if path.is_file())
    value.unlink()
    said = caudal("backup", file, "--data", tmp_path / "data", status=1)
    assert value.name in said
    assert file.is_file()


def test_nothing_to_migrate(tmp_path: Path) -> None:
    """A database of this version is left as it is; one in use is not touched."""
    data: Any = tmp_path / "data"
    with serving(tmp_path):
        assert "in use by process" in caudal("migrate", "--data", data, status=1)
    assert "nothing to do" in caudal("migrate", "--data", data)
    assert "holds no caudal.db" in caudal("migrate", "--data", tmp_path / "nowhere", status=2)
