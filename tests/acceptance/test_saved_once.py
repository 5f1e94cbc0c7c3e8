"""Records over SIGKILL: what a `saveRecords` wrote is there once, wherever entities are kept."""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPException
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from tests.acceptance.client import LONGEST, Client
from tests.acceptance.flows import Document, chain, node
from tests.acceptance.serving import Server, serving
from tests.acceptance.test_crash_points import died
from tests.builtin.record_stores import schema

pytestmark = pytest.mark.crash

PLACES = ("store in SQLite", "store in PostgreSQL", "tables in SQLite", "tables in PostgreSQL")
POINTS = [f"{step}:{side}" for step in ("start", "complete") for side in ("before", "after")]
TABLE = "CREATE TABLE readings (n INTEGER, note TEXT)"
ROWS = 50

Place = dict[str, str]
"""What the server is told of where entities are."""


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """The place of an entity `readings`: the server's own, or a table of an application."""
    variable = "CAUDAL_RECORDS_URL" if "tables" in request.param else "CAUDAL_STORE_URL"
    if "PostgreSQL" in request.param:
        with schema() as url:
            if "tables" in request.param:
                with psycopg.connect(url) as connection:
                    connection.execute(TABLE)
            yield {variable: url}
        return
    if "tables" not in request.param:
        yield {}
        return
    with closing(sqlite3.connect(tmp_path / "application.db")) as database:
        database.execute(TABLE)
    yield {variable: f"sqlite:///{tmp_path / 'application.db'}"}


def saving(number: int) -> Document:
    """A workflow that saves some records, all of them with this number."""
    rows = [{"n": number, "note": f"{row}"} for row in range(ROWS)]
    return chain(
        node("rows", "excelInput", {"parsedData": rows}),
        node("save", "saveRecords", {"tableName": "readings"}),
        node("o", "output"),
    )


def kept(server: Server) -> Counter[int]:
    """How many records there are with each number."""
    entities = server.get("/api/entities")
    [entity] = [each for each in entities if each["name"] == "readings"]
    found: Counter[int] = Counter()
    asked: dict[str, Any] = {"limit": 10_000}
    while True:
        answer = server.get(f"/api/entities/{entity['id']}/records?{urlencode(asked)}")
        found.update(record["n"] for record in answer["records"])
        if answer["nextCursor"] is None:
            return found
        asked["cursor"] = answer["nextCursor"]


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_step_of_saving(tmp_path: Path, place: Place, point: str) -> None:
    """Killed before it began, or when it was saved and nobody knew: it is there once."""
    # The rows are complete in the commit of the start, and the saving in the one after it.
    count = 1 if "start" in point else 2
    with serving(tmp_path, CAUDAL_CRASH_AT=f"{point}:{count}", **place) as server:
        with suppress(OSError, HTTPException):
            server.run(saving(1))
        died(server)
    with serving(tmp_path, **place) as server:
        [row] = server.get("/api/executions")["executions"]
        run = server.ended(row["id"])
        assert "completed" == run.state
        # After a start nobody had saved yet; what was saved is found, or its result recorded.
        again = "done already" in run.entries["save"]["outputData"]["message"]
        assert again == (point == "complete:before")
        assert {1: ROWS} == kept(server)


@pytest.mark.parametrize("place", [name for name in PLACES if "Postgre" in name], indirect=True)
def test_killed_within_the_transaction(tmp_path: Path, place: Place) -> None:
    """Killed between the records and the mark that they are saved: neither is there."""
    [url] = place.values()
    with serving(tmp_path, **place) as server:
        server.completed(saving(1))
        with psycopg.connect(url) as held, psycopg.connect(url, autocommit=True) as looking:
            held.execute("LOCK TABLE caudal_effect IN EXCLUSIVE MODE")
            identity = server.start(saving(2))
            until = monotonic() + LONGEST
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
            while looking.execute(waits, ["caudal_effect"]).fetchone() == (0,):
                assert monotonic() < until
                sleep(0.02)
            server.end(signal.SIGKILL)
    with serving(tmp_path, **place) as server:
        assert "completed" == server.ended(identity).state
        assert {1: ROWS, 2: ROWS} == kept(server)


def test_killed_while_many_save(tmp_path: Path, place: Place) -> None:
    """Killed at any moment under load, each saving that was accepted is there once."""
    accepted: dict[str, int] = {}
    chance = Random(3)  # noqa: S311 - the moments of death; they need not be secret

    def ask(port: int, first: int) -> None:
        with closing(Client(port)) as client, suppress(OSError, HTTPException):
            for number in range(first, first + 60):
                body = {"workflow": saving(number)}
                answer = client.ask("POST", "/api/workflows/execute", body)
                accepted[answer.expect(200)["executionId"]] = number

    for life in range(3):
        with serving(tmp_path, **place) as server:
            threads = [
                threading.Thread(target=ask, args=(server.port, 1_000 * life + 100 * each))
                for each in range(2)
            ]
            for thread in threads:
                thread.start()
            sleep(chance.uniform(0.2, 0.8))
            server.end(signal.SIGKILL)
            for thread in threads:
                thread.join(LONGEST)
    assert accepted
    with serving(tmp_path, **place) as server:
        ends = {identity: server.ended(identity).state for identity in accepted}
        assert {"completed"} == set(ends.values())
        found = kept(server)
        assert set(accepted.values()) <= found.keys()
        assert {ROWS} == set(found.values())
