"""Several servers on one PostgreSQL: any of them answers, and who may start."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

import pytest
from tests.acceptance.client import LONGEST
from tests.acceptance.flows import chain, field, flow, made, node
from tests.acceptance.serving import Server
from tests.acceptance.shared import Cluster
from tests.acceptance.test_promises import at_the_gate, counted
from tests.peers import own_postgres

CANCEL = 2.0
"""Seconds in which a cancelled execution has ended, wherever it runs."""


# -- any of them answers ---------------------------------------------------------------------------


def test_any_server_tells_of_an_execution(cluster: Cluster, tmp_path: Path) -> None:
    """Status, log, nodes, data and list are the same, whichever server is asked."""
    large = node("big", "trialLarge", {"rows": 3_000, "characters": 50})
    with cluster.two() as (one, other):
        small = one.completed(chain(made("a", {"x": 1}), field("b", "y", 2), node("o", "output")))
        much = one.completed(flow([large]))
        for run, name in ((small, "a"), (much, "big")):
            path = f"/api/executions/{run.status['executionId']}"
            assert run.status == other.get(path)
            for place in ("/logs", f"/nodes/{name}", f"/nodes/{name}/data"):
                assert one.get(path + place) == other.get(path + place)
        listed = [server.get("/api/executions")["executions"] for server in (one, other)]
        assert listed[0] == listed[1]
        assert 2 == len(listed[0])


def test_whoever_waits_at_another_server_hears_of_each_change(
    cluster: Cluster, tmp_path: Path
) -> None:
    """A long poll ends with the next change, and one more with the end, at any server."""
    with cluster.two() as (one, other):
        identity = one.start(counted(tmp_path, "far", "go"))
        path = f"/api/executions/{identity}"
        at_the_gate(one, identity)
        before = other.ask("GET", path)
        assert ("running", 1) == (
            before.json["status"],
            before.json["progress"]["completedNodes"],
        )
        listed = other.get("/api/executions?status=running")["executions"]
        assert [identity] == [row["id"] for row in listed]
        with ThreadPoolExecutor(1) as pool:
            tag = before.headers["etag"]
            waiting = pool.submit(other.ask, "GET", f"{path}?wait=30", if_none_match=tag)
            (tmp_path / "go").touch()
            changed = waiting.result(LONGEST)
        assert 200 == changed.status
        assert "completed" == other.ended(identity).state


def test_events_of_another_servers_execution(cluster: Cluster, tmp_path: Path) -> None:
    """The stream of events tells each node and the end, at any server."""
    with cluster.two() as (one, other):
        identity = one.start(counted(tmp_path, "told", "go"))
        at_the_gate(one, identity)
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(other.ask, "GET", f"/api/executions/{identity}/events")
            (tmp_path / "go").touch()
            text = reading.result(LONGEST).content.decode()
        assert 4 == text.count("event: node\n")
        assert text.index("event: node\n") < text.index("event: execution_complete\n")


def test_any_server_cancels(cluster: Cluster, tmp_path: Path) -> None:
    """What one server runs ends within two seconds when another one is told to cancel it."""
    with cluster.two() as (one, other):
        identity = one.start(counted(tmp_path, "stopped", "never"))
        at_the_gate(one, identity)
        begin_ = monotonic()
        answer = other.post(f"/api/executions/{identity}/cancel")
        assert (True, "running") == (answer["success"], answer["previousStatus"])
        assert "cancelled" == one.ended(identity).state
        assert monotonic() - begin_ < CANCEL
        assert not other.post(f"/api/executions/{identity}/cancel")["success"]


def test_a_workflow_saved_at_one_server_is_the_others_too(cluster: Cluster) -> None:
    """What is executed is the newest version, wherever it was saved."""
    with cluster.two() as (one, other):
        one.post("/api/workflows", chain(made("a", {"x": 1}), id="w"), 201)
        assert {"x": 1} == other.completed("w").final
        newer = chain(made("a", {"x": 2}), id="w")
        assert 200 == one.ask("PUT", "/api/workflows/w", newer).status
        assert {"x": 2} == other.completed("w").final


def test_a_key_is_one_execution_at_all_servers(cluster: Cluster) -> None:
    """The same call with the same key, at two servers at one time, is one execution."""
    body = {"workflow": chain(made("a", {"x": 1}), name="once")}

    def ask(server: Server, key: str) -> str:
        answer = server.ask("POST", "/api/workflows/execute", body, idempotency_key=key)
        return str(answer.expect(200)["executionId"])

    with cluster.two() as both, ThreadPoolExecutor(2) as pool:
        for number in range(10):
            asked = [pool.submit(ask, server, f"key {number}") for server in both]
            assert 1 == len({each.result(LONGEST) for each in asked})
        listed = both[0].get("/api/executions")["executions"]
        assert 10 == len(listed)
        for row in listed:
            assert "completed" == both[1].ended(row["id"]).state


def test_a_person_may_decide_at_any_server(cluster: Cluster, tmp_path: Path) -> None:
    """An approval is decided at another server than the one whose execution asks."""
    asked = flow(
        [
            node("ask", "humanApproval", {"approvalMessage": "Go on?"}),
            # As long as this runs, the execution stays in the memory of its server.
            node("wait", "trialMeet", {"folder": str(tmp_path), "mine": "m", "others": ["go"]}),
        ],
    )
    with cluster.two() as (one, other):
        identity = one.start(asked)
        one.status_until(identity, lambda _: (tmp_path / "m").exists())
        until = monotonic() + LONGEST
        while not (open_ := other.get("/api/approvals")["approvals"]):
            assert monotonic() < until
            sleep(0.05)
        other.post(f"/api/approvals/{open_[0]['id']}", {"approved": True})
        one.status_until(identity, lambda found: found["progress"]["completedNodes"] == 1)
        (tmp_path / "go").touch()
        assert "completed" == other.ended(identity).state


# -- who may start ---------------------------------------------------------------------------------


def test_many_start_at_one_time(cluster: Cluster) -> None:
    """Servers that find an empty database at the same moment make its tables once."""
    with ExitStack() as stack, ThreadPoolExecutor(3) as pool:
        names = ("one", "two", "three")
        servers = pool.map(lambda name: stack.enter_context(cluster.server(name)), names)
        for server in list(servers):
            assert {"x": 1} == server.completed(flow([made("a", {"x": 1})])).final


def test_a_server_with_other_large_values_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    """Where large values are not those of the database, the server says so and does not start."""
    with cluster.server("one"):
        other = tmp_path / "other"
        other.mkdir()
        given = {**cluster.environment(), "CAUDAL_BLOBS": f"file://{tmp_path / 'elsewhere'}"}
        refused = Server(other, given, ())
        assert 0 != refused.process.wait(LONGEST)
        assert f"not in file://{tmp_path / 'elsewhere'}" in refused.said
        assert f"the first server kept them in file://{tmp_path / 'blobs'}" in refused.said
        assert "CAUDAL_BLOBS" in refused.said
        assert "Traceback" not in refused.said


def test_a_server_with_another_key_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    """Calls are signed with one key, whoever makes them; it changes when all are stopped."""
    own = tmp_path / "other"
    own.mkdir()
    for key in ({"CAUDAL_CALLBACK_SECRET": "another server's own"}, {}):
        given = {**cluster.environment(), **key}
        if not key:
            del given["CAUDAL_CALLBACK_SECRET"]
        with cluster.server("one"):
            refused = Server(own, given, ())
            assert 0 != refused.process.wait(LONGEST)
            assert "what signs calls here is not what the other servers" in refused.said
            assert "CAUDAL_CALLBACK_SECRET" in refused.said
            assert "Traceback" not in refused.said
            assert "another server's own" not in refused.said
    with cluster.server("other", CAUDAL_CALLBACK_SECRET="another server's own") as changed:
        assert "completed" == changed.completed(chain(made("a", {"x": 1}))).state


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    """Without its database a server does not start, and says why."""
    with own_postgres() as database:
        database.stop()
        begin_ = monotonic()
        refused = Server(tmp_path, {"CAUDAL_DATABASE_URL": database.url}, ())
        assert 0 != refused.process.wait(LONGEST)
        assert "the database does not answer" in refused.said
        assert "Traceback" not in refused.said
        assert monotonic() - begin_ < 30
        database.start()


@pytest.mark.crash
def test_work_is_left_to_a_server_that_has_its_handlers(cluster: Cluster, tmp_path: Path) -> None:
    """A server without a handler leaves an execution alone, and says what it waits for."""
    with cluster.server("bare", PYTHONPATH="") as bare:
        with cluster.server("one") as one:
            identity = one.start(counted(tmp_path, "mine", "go"))
            at_the_gate(one, identity)
            one.end(signal.SIGKILL)
        path = f"/api/executions/{identity}"
        bare.status_until(
            identity, lambda found: "waits for another server" in (found["error"] or "")
        )
        assert "trialMeet" in bare.get(path)["error"]
        (tmp_path / "go").touch()
        with cluster.server("two") as two:
            assert "completed" == two.ended(identity).state
        assert "completed" == bare.get(path)["status"]
    assert "ran\n" == (tmp_path / "mine").read_text()
