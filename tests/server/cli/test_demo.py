"""`caudal demo`."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from tests.server.cli.command import caudal
from tests.server.cli.process import LONGEST, running, taken_port


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Where temporary folders go."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def test_demo_shows_a_run_and_ends(tmp_path: Path, scratch: Path) -> None:
    """--once runs the sample over HTTP, tells each node, prints its result, and leaves nothing."""
    with running("demo", "--once", "--port", "0", folder=tmp_path, TMPDIR=scratch) as demo:
        demo.until("completed in .*: 2972 records")
        output, rest = demo.process.communicate(timeout=LONGEST)
    assert 0 == demo.process.returncode
    for told in ("Caudal is at http://localhost:", "✓ Meter readings (readings)", "✓ Cost (cost)"):
        assert told in demo.said
    head, *rows = output.splitlines()
    assert ["time", "hour", "meter", "kWh", "Price", "(€/MWh)", "Cost", "(€)"] == head.split()
    assert "2026-03-01T00:00:00" == rows[0].split()[0]
    assert "/nodes/result/data" in rest
    assert [] == list(scratch.iterdir())


def test_demo_serves_until_interrupted(tmp_path: Path, scratch: Path) -> None:
    """After the run the server answers at the address shown until Ctrl-C, which ends it with 0."""
    with (
        taken_port() as port,
        running("demo", "--port", str(port), folder=tmp_path, TMPDIR=scratch) as demo,
    ):
        demo.until(f"port {port} is in use, trying the next one")
        url = demo.until(r"Open (http://localhost:\d+/docs)")
        assert port < int(url.split(":")[2].split("/")[0])
        assert 200 == httpx2.get(url).status_code
        assert 0 == demo.interrupt()
    assert "Traceback" not in demo.said
    assert [] == list(scratch.iterdir())


def test_demo_keeps_its_data_where_it_is_told(tmp_path: Path) -> None:
    """With --data the execution is kept."""
    flags = ["--once", "--port", "0", "--data", "kept"]
    with running("demo", *flags, folder=tmp_path) as demo:
        demo.process.communicate(timeout=LONGEST)
    assert 0 == demo.process.returncode
    assert (tmp_path / "kept" / "caudal.db").is_file()


@pytest.mark.parametrize("port", ["-1", "70000"])
def test_port_that_there_is_not_is_invalid(port: str) -> None:
    """A port below 0 or above 65,535 is refused with 2, and nothing is tried."""
    done = caudal("demo", "--port", port)
    assert 2 == done.exit_code
    assert "'--port': Input should be" in done.stderr


def test_no_free_port_is_told_without_a_wish_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every port that is tried is taken, the way out is another one."""
    monkeypatch.setattr("caudal_server.cli.demo.PORTS_TRIED", 1)
    with taken_port() as port:
        done = caudal("demo", "--port", str(port))
    assert 1 == done.exit_code
    assert f"no port from {port} on is free (--port names another)" in done.stderr
    assert "try again" not in done.stderr
