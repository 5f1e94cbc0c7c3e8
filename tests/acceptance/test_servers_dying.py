"""Several servers, or their database, of which one dies."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from time import monotonic, sleep

import pytest
from tests.acceptance.client import LONGEST
from tests.acceptance.crowd import accepted_at_last, call, children, killed_under_load, metrics
from tests.acceptance.shared import Cluster
from tests.acceptance.test_crash_points import all_ended, begin
from tests.acceptance.test_promises import at_the_gate, counted
from tests.peers import own_postgres

from caudal_core.testing.invariants import broken

# -- one of them dies ------------------------------------------------------------------------------


@pytest.mark.crash
def test_the_work_of_a_killed_server_goes_on(cluster: Cluster) -> None:
    """Killed under load, a server leaves its work to the other, which ends it."""
    accepted: list[str] = []
    with cluster.two() as (one, other):
        asking = [
            threading.Thread(target=begin, args=(server.port, cluster, accepted, many))
            for server, many in ((one, 10_000), (one, 10_000), (other, 40))
        ]
        for thread in asking:
            thread.start()
        until = monotonic() + LONGEST
        while len(accepted) < 120 and monotonic() < until:
            sleep(0.01)
        one.end(signal.SIGKILL)
        recorded, before = cluster.recorded(), cluster.counted()
        for thread in asking:
            thread.join(LONGEST)
        all_ended(other, cluster)
    assert [] == cluster.wrong()
    assert set(accepted) <= cluster.states().keys()
    assert set() == {key for key in recorded if cluster.counted()[key] != before[key]}


@pytest.mark.crash
@pytest.mark.parametrize("writer", [False, True], ids=["server", "server and writer"])
def test_a_server_that_slept_past_its_lease_writes_nothing(
    cluster: Cluster, tmp_path: Path, *, writer: bool
) -> None:
    """Stopped for longer than its lease, a server has lost its work, and what it did is dropped."""
    names = [f"flow{number}" for number in range(5)]
    with cluster.two() as (one, other):
        started = {name: one.start(counted(tmp_path, name, "go")) for name in names}
        for identity in started.values():
            at_the_gate(one, identity)
        stopped = [one.process.pid, *(children(one.process.pid) if writer else [])]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        (tmp_path / "go").touch()
        ended = {name: other.ended(identity) for name, identity in started.items()}
        runs = cluster.runs()
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        # It does something that is written after all that it could have written of its own.
        assert "completed" == accepted_at_last(one, call(cluster, 0)).state
        mine = {run.status["executionId"] for run in ended.values()}
        assert [row for row in runs if row[0] in mine] == [
            row for row in cluster.runs() if row[0] in mine
        ]
        for name, run in ended.items():
            assert "completed" == run.state, run.status["error"]
            assert "ran\n" == (tmp_path / name).read_text()
            assert run.status == one.get(f"/api/executions/{run.status['executionId']}")
        assert "what it had is given up" in one.said or "another server's now" in one.said
        assert f"caudal_lease_losses_total {len(names)}.0" in metrics(one)
    assert [] == broken(cluster.database)


@pytest.mark.crash
def test_what_one_server_leaves_at_its_end_goes_on_at_once(
    cluster: Cluster, tmp_path: Path
) -> None:
    """A server that is told to stop hands its work over: nobody waits for its lease."""
    with cluster.two() as (one, other):
        identity = one.start(counted(tmp_path, "handed", "go"))
        at_the_gate(one, identity)
        assert 0 == one.end()
        begin_ = monotonic()
        (tmp_path / "go").touch()
        assert "completed" == other.ended(identity).state
        assert monotonic() - begin_ < LONGEST / 2
    assert "ran\n" == (tmp_path / "handed").read_text()


# -- the database dies -----------------------------------------------------------------------------


@pytest.mark.crash
def test_the_database_is_killed_under_load(tmp_path: Path) -> None:
    """PostgreSQL stopped as by a crash: what is asked fails clearly, nothing accepted is lost."""
    accepted: list[str] = []
    with own_postgres() as database:
        cluster = Cluster(tmp_path, database.url)
        with cluster.two() as (one, other):
            for _ in range(2):
                killed_under_load(database, cluster, accepted, (one, one, other))
                for server in (one, other):
                    accepted_at_last(server, call(cluster, 0))
            all_ended(other, cluster)
            states = cluster.states()
        wrong = cluster.wrong()
        cluster.database.dispose()
    assert [] == wrong
    assert set(accepted) <= states.keys()


@pytest.mark.crash
def test_a_server_stops_while_the_database_is_away(tmp_path: Path) -> None:
    """It ends as it was told, though it can let nobody know; what it had is another's later."""
    with own_postgres() as database:
        cluster = Cluster(tmp_path, database.url)
        with cluster.server("one") as one:
            identity = one.start(counted(tmp_path, "left", "go"))
            at_the_gate(one, identity)
            database.stop()
            assert 0 == one.end()
        database.start()
        (tmp_path / "go").touch()
        with cluster.server("two") as other:
            assert "completed" == other.ended(identity).state
        cluster.database.dispose()
