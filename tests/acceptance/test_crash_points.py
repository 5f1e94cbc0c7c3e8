"""Killed at each named step and started again: the journal keeps every promise."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from contextlib import closing, suppress
from http.client import HTTPException
from pathlib import Path
from time import monotonic, sleep

import pytest
from tests.acceptance.client import LONGEST, Client
from tests.acceptance.marks import SHAPES, TOKEN, Outside, marked
from tests.acceptance.serving import Server, serving

from caudal_core.journal import FINISHED
from caudal_core.journal.crashing import BLOB, STEPS

pytestmark = pytest.mark.crash

POINTS = [f"{step}:{side}" for step in (*STEPS, BLOB) for side in ("before", "after")]
SECONDS = 30.0
CLIENTS = 4


def begin(port: int, outside: Outside, accepted: list[str], count: int) -> None:
    """Execute workflows of every shape until so many are accepted or nobody answers."""
    client = Client(port)
    with closing(client), suppress(OSError, HTTPException):
        for number in range(count):
            shape = list(SHAPES)[number % len(SHAPES)]
            token = f"{id(client)}-{number}"
            large = "c" if number % 5 == 4 else ""
            body = {
                "workflow": marked(shape, outside.sink, large=large),
                "inputs": {TOKEN: token},
                "labels": {TOKEN: token},
            }
            answer = client.ask("POST", "/api/workflows/execute", body)
            accepted.append(answer.expect(200)["executionId"])


def died(server: Server) -> None:
    """Wait until it has killed itself."""
    assert -signal.SIGKILL == server.process.wait(LONGEST)
    server.http.close()


def all_ended(server: Server, outside: Outside) -> None:
    """Wait until nothing is open any more."""
    for identity, state in outside.states().items():
        if state not in FINISHED:
            server.ended(identity)


@pytest.mark.parametrize("point", [point for point in POINTS if "claim" not in point])
def test_killed_at_a_step(tmp_path: Path, point: str) -> None:
    """What was accepted ends, nothing recorded runs again, every output is its own."""
    outside, accepted = Outside(tmp_path), list[str]()
    with serving(tmp_path, CAUDAL_CRASH_AT=f"{point}:3") as server:
        begin(server.port, outside, accepted, 40)
        died(server)
    recorded, before = outside.recorded(), outside.counted()
    with serving(tmp_path) as server:
        all_ended(server, outside)
        begin(server.port, outside, accepted, 2)
        all_ended(server, outside)
    assert [] == outside.wrong()
    assert set(accepted) <= outside.states().keys()
    again = {key for key in recorded if outside.counted()[key] != before[key]}
    assert set() == again


@pytest.mark.parametrize("side", ["before", "after"])
def test_killed_while_taking_up(tmp_path: Path, side: str) -> None:
    """A server that dies while it takes up its work leaves it to the next one."""
    outside, accepted = Outside(tmp_path), list[str]()
    with serving(tmp_path, CAUDAL_CRASH_AT="complete:before:4") as server:
        begin(server.port, outside, accepted, 40)
        died(server)
    second = Server(tmp_path, {"CAUDAL_CRASH_AT": f"claim:{side}"}, ())
    died(second)
    with serving(tmp_path) as server:
        all_ended(server, outside)
    assert [] == outside.wrong()
    assert set(accepted) <= outside.states().keys()


def test_an_unknown_point_is_refused(tmp_path: Path) -> None:
    """A test that names no step would test nothing: the server does not start."""
    server = Server(tmp_path, {"CAUDAL_CRASH_AT": "finnish:before"}, ())
    assert 2 == server.process.wait(LONGEST)
    assert "CAUDAL_CRASH_AT is 'finnish:before'; write it as STEP:before" in server.said


@pytest.mark.slow
def test_killed_at_random_under_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For half a minute clients keep asking while the server is killed at any moment."""
    outside, accepted = Outside(tmp_path), list[str]()
    chance = random.Random(7)  # noqa: S311 - the moments of death; they need not be secret
    done: dict[tuple[str, str], int] = {}
    kills, until = 0, monotonic() + SECONDS
    while monotonic() < until:
        killed_under_load(tmp_path, outside, accepted, chance.uniform(0.05, 1.5))
        kills += 1
        counts = outside.counted()
        done |= {key: done.get(key, counts[key]) for key in outside.recorded()}
    with serving(tmp_path) as server:
        all_ended(server, outside)
    counts, states = outside.counted(), outside.states()
    with capsys.disabled():
        print(account(kills, accepted, states, counts))  # noqa: T201 - the counts are to be seen
    assert [] == outside.wrong()
    assert set(accepted) <= states.keys()
    assert {} == {key: times for key, times in done.items() if counts[key] != times}


def killed_under_load(folder: Path, outside: Outside, accepted: list[str], seconds: float) -> None:
    """One life of the server: clients ask until it is killed, so many seconds after its start."""
    with serving(folder) as server:
        asking = (server.port, outside, accepted, 100_000)
        threads = [threading.Thread(target=begin, args=asking) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        sleep(seconds)
        server.end(signal.SIGKILL)
        for thread in threads:
            thread.join(LONGEST)


def account(
    kills: int, accepted: list[str], states: dict[str, str], counts: Counter[tuple[str, str]]
) -> str:
    """The counts of a run, for whoever reads its output."""
    ends = ", ".join(f"{count:,} {state}" for state, count in Counter(states.values()).items())
    lost = len(set(accepted) - states.keys())
    repeated = sum(times - 1 for times in counts.values())
    return (
        f"\n{kills} kills; {len(accepted):,} accepted, {lost} lost; {ends}; "
        f"{counts.total():,} effects, {repeated} repeated"
    )
