"""Events over SIGKILL: none that was acknowledged lacks its execution, and no key has two."""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections import Counter
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

import pytest
from tests.acceptance.client import LONGEST, Client
from tests.acceptance.flows import chain, node
from tests.acceptance.serving import Server, serving

pytestmark = pytest.mark.crash

KILLS = 5


def words(folder: Path, name: str) -> list[str]:
    """The lines of a file that were written whole."""
    file = folder / name
    return file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else []


def rows(folder: Path, query: str) -> list[Any]:
    """What the journal says, read when nobody writes."""
    with closing(sqlite3.connect(folder / "data" / "caudal.db")) as connection:
        return connection.execute(query).fetchall()


def check_events(folder: Path) -> dict[str, str]:
    """The execution by key; every event has one that is there, and no other has its execution."""
    found = rows(
        folder,
        "SELECT e.key, e.execution, x.id FROM trigger_event e "
        "LEFT JOIN execution x ON x.id = e.execution WHERE e.skipped IS NULL",
    )
    assert [] == [key for key, execution, there in found if execution is None or there is None]
    counted = Counter(execution for _, execution, _ in found)
    assert [] == [execution for execution, count in counted.items() if count > 1]
    started = rows(folder, "SELECT count(*) FROM execution")[0][0]
    assert len(found) == started
    return {key: execution for key, execution, _ in found}


def kill(server: Server, after: float) -> None:
    """Let it work for a moment, then kill it."""
    sleep(after)
    server.end(signal.SIGKILL)


def test_what_a_stranger_tells_of(tmp_path: Path) -> None:
    """Killed again and again while lines come in, every line starts one execution."""
    random = Random(20261025)  # noqa: S311 - moments, not secrets
    (tmp_path / "told").touch()
    workflow = chain(node("in", "trialLines", {"folder": str(tmp_path)}), node("o", "output"))
    with serving(tmp_path) as server:
        server.ask("PUT", "/api/workflows/lines", workflow).expect(201)
    count = 0
    for _ in range(KILLS):
        with serving(tmp_path) as server, (tmp_path / "told").open("a", encoding="utf-8") as told:
            for number in range(count, count + 60):
                told.write(f"line{number}\n")
            count += 60
            told.flush()
            kill(server, random.uniform(0.02, 0.25))
        acknowledged = set(words(tmp_path, "acknowledged"))
        assert acknowledged <= check_events(tmp_path).keys()
    with serving(tmp_path) as server:
        while len(set(words(tmp_path, "acknowledged"))) < count:
            sleep(0.02)
        (row,) = server.get("/api/schedules")["schedules"]
        shown = server.get(f"/api/schedules/{row['id']}/ticks?limit=500")["ticks"]
        assert count == len(shown)
        for tick in shown:
            run = server.ended(tick["executionId"])
            assert ("completed", tick["key"]) == (run.state, run.final["line"])
    assert {f"line{number}" for number in range(count)} == check_events(tmp_path).keys()


def test_repeated_webhooks(tmp_path: Path) -> None:
    """Senders that repeat a call until it is answered, over kills, start one execution a call."""
    workflow = chain(node("in", "webhook"), node("o", "output"))
    answered: dict[str, set[str]] = {}
    numbers = iter(range(100_000))

    def send(port: int) -> None:
        with closing(Client(port)) as client:
            while True:
                name = f"call{next(numbers) // 2}"  # each twice, perhaps by two senders
                try:
                    answer = client.ask("POST", "/api/webhook/w", {"n": name}, webhook_id=name)
                except (OSError, HTTPException):
                    return
                answered.setdefault(name, set()).add(answer.expect(200)["executionId"])

    with serving(tmp_path) as server:
        server.ask("PUT", "/api/workflows/w", workflow).expect(201)
    for _ in range(KILLS):
        with serving(tmp_path) as server:
            threads = [threading.Thread(target=send, args=(server.port,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            kill(server, 0.3)
            for thread in threads:
                thread.join(LONGEST)
    by_key = check_events(tmp_path)
    assert len(answered) > 20
    assert {name: {by_key[name]} for name in answered} == answered
    with serving(tmp_path) as server:
        for name, execution in by_key.items():
            assert {"n": name} == server.ended(execution).final


def test_a_schedule_over_kills(tmp_path: Path) -> None:
    """Each planned second has just one row, with its execution, however often it was killed."""
    config = {"scheduleEnabled": True, "scheduleInterval": "1s", "scheduleCatchUp": "all"}
    workflow = chain(node("start", "trigger", config), node("o", "output"))
    with serving(tmp_path) as server:
        server.ask("PUT", "/api/workflows/each", workflow).expect(201)
        kill(server, 1.5)
    for _ in range(3):
        with serving(tmp_path) as server:
            kill(server, 1.2)
    with serving(tmp_path) as server:
        lag = None
        while lag is None or lag > 0.9:  # it has not caught up yet
            lag = server.get("/api/schedules")["schedules"][0]["lagSeconds"]
    check_events(tmp_path)
    planned = [
        int(at) for (at,) in rows(tmp_path, "SELECT planned FROM trigger_event ORDER BY planned")
    ]
    assert list(range(planned[0], planned[-1] + 1)) == planned
