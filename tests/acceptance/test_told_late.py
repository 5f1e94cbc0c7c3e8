"""What did not happen in time is told once by `CAUDAL_ON_FAILURE`, also over SIGKILL."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from tests.acceptance.flows import chain, node
from tests.acceptance.serving import Server, serving
from tests.acceptance.test_told import notices, telling
from tests.acceptance.test_waiting import only, valve, waiting

pytestmark = pytest.mark.crash

TELLER = {"CAUDAL_ON_FAILURE": "teller", "CAUDAL_NOTICE_SECONDS": "0"}
HOUR = 3_600.0


def journal(folder: Path, query: str, *values: float) -> list[Any]:
    """The rows of a query; what it changes, it does while no server runs."""
    with closing(sqlite3.connect(folder / "data" / "caudal.db")) as database, database:
        return database.execute(query, values).fetchall()


def told(server: Server) -> Any:
    """What the one execution was given that tells; no other follows it soon."""
    [run] = notices(server, 1)
    sleep(1)
    assert 1 == server.get("/api/workflows/teller/executions")["total"]
    assert "completed" == run.state
    return run.input("count")


@pytest.mark.parametrize("catch_up", ["skip", "once"])
def test_a_start_that_was_missed_while_the_server_was_down(tmp_path: Path, catch_up: str) -> None:
    """Down at a planned time and past its tolerance, it tells when it is back, and only then."""
    config = {
        "scheduleEnabled": True,
        "scheduleInterval": "1d",
        "scheduleTolerance": "1m",
        "scheduleCatchUp": catch_up,
    }
    with serving(tmp_path, **TELLER) as server:
        server.post("/api/workflows", telling(tmp_path), 201)
        server.post("/api/workflows", chain(node("t", "trigger", config), id="daily"), 201)
        [schedule] = server.get("/api/schedules")["schedules"]
        while not journal(tmp_path, "SELECT 1 FROM trigger_state"):
            sleep(0.02)
        server.end(signal.SIGKILL)
    # As though it had been saved a day and an hour ago, and down since: no test waits so long.
    journal(tmp_path, "UPDATE trigger_state SET since = since - ?", 25 * HOUR)
    for _ in range(2):
        with serving(tmp_path, **TELLER) as server:
            given = told(server)
            assert ("late", schedule["id"], 60) == (
                given["kind"],
                given["schedule"]["id"],
                given["schedule"]["toleranceSeconds"],
            )
            server.end(signal.SIGKILL)
    with serving(tmp_path, **TELLER) as server:
        started = server.get("/api/workflows/daily/executions")["total"]
        assert started == (catch_up == "once")


def test_a_question_that_nobody_answers(tmp_path: Path) -> None:
    """Its time runs on while the server is down; it is told once, killed before and after that."""
    with serving(tmp_path, **TELLER) as server:
        server.post("/api/workflows", telling(tmp_path), 201)
        identity = server.start(valve(notifyAfter=2))
        waiting(server, identity)
        server.end(signal.SIGKILL)
    sleep(2)
    for _ in range(2):
        with serving(tmp_path, **TELLER) as server:
            given = told(server)
            asked = only(server)
            assert ("waiting", identity, asked["id"]) == (
                given["kind"],
                given["execution"]["id"],
                given["approval"]["id"],
            )
            server.end(signal.SIGKILL)
    with serving(tmp_path, **TELLER) as server:
        server.post(f"/api/approvals/{asked['id']}", {"approved": True})
        assert "completed" == server.ended(identity).state
        assert given == told(server)


def test_a_question_that_is_answered_in_time(tmp_path: Path) -> None:
    """The decision takes the notice away, and a crash does not bring it back."""
    with serving(tmp_path, **TELLER) as server:
        server.post("/api/workflows", telling(tmp_path), 201)
        identity = server.start(valve(notifyAfter=10))
        waiting(server, identity)
        server.post(f"/api/approvals/{only(server)['id']}", {"approved": True})
        server.end(signal.SIGKILL)
    journal(tmp_path, "UPDATE notice SET due = 0")
    with serving(tmp_path, **TELLER) as server:
        assert "completed" == server.ended(identity).state
        sleep(1)
        assert 0 == server.get("/api/workflows/teller/executions")["total"]
