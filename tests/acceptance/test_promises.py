"""What was accepted ends, whatever happens to the process; and two servers never share a folder."""

from __future__ import annotations

import signal
import subprocess
import threading
from contextlib import closing
from http.client import HTTPException
from itertools import pairwise
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from tests.acceptance.client import LONGEST, Client
from tests.acceptance.flows import chain, field, flow, link, made, node, table
from tests.acceptance.serving import COMMAND, Run, Server, serving

crash = pytest.mark.crash


def counted(folder: Path, name: str, gate: str) -> Any:
    """A workflow that counts its first node's runs in a file, waits for another, and ends."""
    return chain(
        node("count", "trialCount", {"folder": str(folder), "mine": name}),
        node("wait", "trialMeet", {"folder": str(folder), "others": [gate]}),
        field("more", "name", name),
        node("o", "output"),
        name=name,
    )


def at_the_gate(server: Server, identity: str) -> Any:
    """The status once the first node is told to be completed and the second one runs."""
    return server.status_until(
        identity,
        lambda found: found["progress"]["completedNodes"] and found["currentNodeId"] == "wait",
    )


# -- kill -9 ---------------------------------------------------------------------------------------


@crash
def test_every_accepted_execution_ends(tmp_path: Path) -> None:
    """Killed under running executions and started again, the server brings each to its end."""
    names = [f"flow{number}" for number in range(6)]
    with serving(tmp_path) as server:
        started = {name: server.start(counted(tmp_path, name, "go")) for name in names}
        for identity in started.values():
            at_the_gate(server, identity)
        server.end(signal.SIGKILL)
    (tmp_path / "go").touch()
    with serving(tmp_path) as server:
        for name, identity in started.items():
            run = server.ended(identity)
            assert "completed" == run.state, run.status["error"]
            assert {"ran": True, "name": name} == run.final
            assert 100 == run.status["progress"]["percentage"]


@crash
def test_what_was_told_completed_is_not_run_again(tmp_path: Path) -> None:
    """A node shows `completed` only once that is recorded: it keeps its entry after a crash."""
    with serving(tmp_path) as server:
        identity = server.start(counted(tmp_path, "once", "go"))
        told = at_the_gate(server, identity)["logs"][0]
        server.end(signal.SIGKILL)
    (tmp_path / "go").touch()
    with serving(tmp_path) as server:
        entry = server.ended(identity).entries["count"]
    kept = ("id", "status", "attempt", "timestamp", "duration")
    assert [told[key] for key in kept] == [entry[key] for key in kept]
    assert "ran\n" == (tmp_path / "once").read_text()


@crash
def test_progress_does_not_fall_over_a_crash(tmp_path: Path) -> None:
    """A poller that asks before and after sees the nodes that were done still done."""
    with serving(tmp_path) as server:
        identity = server.start(counted(tmp_path, "steady", "go"))
        before = at_the_gate(server, identity)["progress"]
        server.end(signal.SIGKILL)
    with serving(tmp_path) as server:
        after = server.get(f"/api/executions/{identity}")
        assert "running" == after["status"] or "pending" == after["status"]
        assert after["progress"]["completedNodes"] >= before["completedNodes"]
        assert after["progress"]["percentage"] >= before["percentage"]
        (tmp_path / "go").touch()
        assert "completed" == server.ended(identity).state


@crash
def test_nothing_accepted_is_lost(tmp_path: Path) -> None:
    """Killed while clients keep asking, the server knows and ends all that it answered for."""
    accepted: list[str] = []
    workflow = chain(made("a", {"x": 1}), field("b", "y", 2), node("o", "output"))

    def keep_asking(port: int) -> None:
        client = Client(port)
        with closing(client):
            while True:
                try:
                    answer = client.ask("POST", "/api/workflows/execute", {"workflow": workflow})
                except (OSError, HTTPException):
                    return
                accepted.append(answer.expect(200)["executionId"])

    with serving(tmp_path) as server:
        threads = [threading.Thread(target=keep_asking, args=(server.port,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        while len(accepted) < 200:
            sleep(0.005)
        server.end(signal.SIGKILL)
        for thread in threads:
            thread.join(LONGEST)
    with serving(tmp_path) as server:
        for identity in accepted:
            run = server.ended(identity)
            assert ("completed", {"x": 1, "y": 2}) == (run.state, run.final)


@crash
def test_killed_again_and_again(tmp_path: Path) -> None:
    """However often the server is killed while it takes up its work, the work ends."""
    with serving(tmp_path) as server:
        ids = [server.start(counted(tmp_path, f"again{n}", "go")) for n in range(3)]
        server.end(signal.SIGKILL)
    for _ in range(3):
        with serving(tmp_path) as server:
            server.end(signal.SIGKILL)
    (tmp_path / "go").touch()
    with serving(tmp_path) as server:
        assert ["completed"] * 3 == [server.ended(identity).state for identity in ids]


@crash
def test_a_cancel_that_was_answered_holds(tmp_path: Path) -> None:
    """An execution whose cancelling was answered never goes on, crash or not."""
    with serving(tmp_path) as server:
        identity = server.start(counted(tmp_path, "stopped", "go"))
        at_the_gate(server, identity)
        assert server.post(f"/api/executions/{identity}/cancel")["success"]
        server.end(signal.SIGKILL)
    (tmp_path / "go").touch()
    with serving(tmp_path) as server:
        assert "cancelled" == server.ended(identity).state


@crash
def test_workflows_and_results_are_still_there(tmp_path: Path) -> None:
    """What was stored and what had ended can be read after a crash as before it."""
    workflow = chain(made("a", {"x": 2**60}), node("o", "output"), name="Kept", id="kept")
    large = flow([node("big", "trialLarge", {"rows": 3_000, "characters": 50})])
    with serving(tmp_path) as server:
        server.post("/api/workflows", workflow, 201)
        small, much = server.completed("kept"), server.completed(large)
        server.end(signal.SIGKILL)
    with serving(tmp_path) as server:
        assert "Kept" == server.get("/api/workflows/kept")["name"]
        for before in (small, much):
            after = server.ended(before.status["executionId"])
            assert before.status == after.status
            assert before.logs == after.logs
        data = server.get(f"{much.status['finalOutputInfo']['href']}?offset=2999")["data"]
        assert [2_999] == [row["n"] for row in data]


def everything() -> Any:
    """A workflow with all that a log can tell: tries, branches, merges, warnings, skipped nodes."""
    parted = {"conditionField": "n", "conditionValue": 1, "processingMode": "perRow"}
    nodes = [
        table("t", [{"n": 1, "big": 2**60}, {"n": 2}]),
        node("u", "addField", {"fieldName": "price", "fieldValue": 1, "fieldColour": "red"}),
        node("m", "trialUnits"),
        node("c", "condition", parted),
        node("tries", "trialFail", {"times": 1}, retries=2),
        node("errs", "trialFail", onError="branch"),
        node("goes", "trialFail", onError="continue"),
        node("fails", "trialFail", label="Tank"),
        node("skipped", "output"),
        node("j", "join"),
        node("o", "output"),
    ]
    connections = [
        *(link(a, b) for a, b in pairwise(["t", "u", "m", "c"])),
        link("c", "tries", "true"),
        link("c", "errs", "false"),
        link("errs", "goes", "error"),
        link("t", "fails"),
        link("fails", "skipped"),
        link("tries", "o"),
        link("m", "o"),
        link("m", "j"),
        link("t", "j"),
    ]
    return flow(nodes, connections)


@crash
def test_all_that_is_told_is_told_again(tmp_path: Path) -> None:
    """Status, log, nodes and their data read back after a crash are the same to the letter."""

    def told(server: Server, identity: str) -> list[Any]:
        path = f"/api/executions/{identity}"
        places = ["", "/logs", *(f"/nodes/{item['id']}" for item in everything()["nodes"])]
        places += [f"/nodes/{name}/data" for name in "tumjo"]
        places += [f"/nodes/o/data?side={side}" for side in ("input", "output")]
        places += [f"/nodes/c/data?port={port}" for port in ("true", "false")]
        return [server.get(f"{path}{place}") for place in places]

    with serving(tmp_path) as server:
        run = server.run(everything())
        before = told(server, run.status["executionId"])
        server.end(signal.SIGKILL)
    with serving(tmp_path) as server:
        after = told(server, run.status["executionId"])
    assert "failed" == run.state
    assert before == after


# -- what must not be repeated ---------------------------------------------------------------------


def interrupted(folder: Path, **options: Any) -> Run:
    """The run of a workflow whose deed was cut off by a crash."""
    with serving(folder) as server:
        deed = {"folder": str(folder), "mine": "deed", "others": ["go"]}
        steps = [node("t", "trigger"), node("d", "trialOnce", deed, label="Deed", **options)]
        identity = server.start(chain(*steps, node("o", "output")))
        server.status_until(identity, lambda _: (folder / "deed").exists())
        server.end(signal.SIGKILL)
    (folder / "go").touch()
    with serving(folder) as server:
        return server.ended(identity)


@crash
@pytest.mark.parametrize("options", [{}, {"onInterrupted": "fail"}])
def test_what_must_not_be_repeated_is_not(tmp_path: Path, options: dict[str, Any]) -> None:
    """A deed of which nobody knows whether it happened is `interrupted`; the execution fails."""
    run = interrupted(tmp_path, **options)
    assert "failed" == run.state
    assert {"t": "completed", "d": "interrupted", "o": "skipped"} == run.states
    assert run.status["error"].startswith("Deed (d): ")
    assert "ran\n" == (tmp_path / "deed").read_text()


@crash
def test_what_must_not_be_repeated_may_be_asked_for(tmp_path: Path) -> None:
    """With `onInterrupted` `rerun` the deed is done again."""
    run = interrupted(tmp_path, onInterrupted="rerun")
    assert "completed" == run.state
    assert "ran\nran\n" == (tmp_path / "deed").read_text()


@crash
@pytest.mark.parametrize(("approved", "lines"), [(True, "ran\n"), (False, "ran\nran\n")])
def test_what_nobody_knows_a_person_is_asked(tmp_path: Path, *, approved: bool, lines: str) -> None:
    """With `onInterrupted` `ask` the execution waits, over more crashes, for a person's word."""
    deed = {"folder": str(tmp_path), "mine": "deed", "others": ["go"]}
    steps = [node("t", "trigger"), node("d", "trialOnce", deed, onInterrupted="ask")]
    with serving(tmp_path) as server:
        identity = server.start(chain(*steps, node("o", "output")))
        server.status_until(identity, lambda _: (tmp_path / "deed").exists())
        server.end(signal.SIGKILL)
    (tmp_path / "go").touch()
    for _ in range(2):
        with serving(tmp_path) as server:
            server.status_until(identity, lambda found: found["status"] == "waiting")
            (unknown,) = server.get("/api/effects")["effects"]
            assert ("waiting", False) == (unknown["status"], unknown["outcomeKnown"])
            server.end(signal.SIGKILL)
    with serving(tmp_path) as server:
        (asked,) = server.get("/api/approvals")["approvals"]
        assert "outcome" == asked["kind"]
        server.post(f"/api/approvals/{asked['id']}", {"approved": approved})
        assert "completed" == server.ended(identity).state
        (known,) = server.get("/api/effects")["effects"]
        assert ("completed", True) == (known["status"], known["outcomeKnown"])
    assert lines == (tmp_path / "deed").read_text()


@crash
def test_what_was_saved_is_not_saved_again(tmp_path: Path) -> None:
    """Killed as soon as the records are there, whether that was recorded or not: each once."""
    rows = 5_000
    for number in range(4):
        name = f"saved{number}"
        steps = [
            node("big", "trialLarge", {"rows": rows, "characters": 5}),
            node("s", "saveRecords", {"tableName": name}),
            node("o", "output"),
        ]
        with serving(tmp_path) as server:
            identity = server.start(chain(*steps))
            while name not in [found["name"] for found in server.get("/api/entities")]:
                sleep(0.001)
            server.end(signal.SIGKILL)
        with serving(tmp_path) as server:
            assert "completed" == server.ended(identity).state
            (found,) = (each for each in server.get("/api/entities") if each["name"] == name)
            assert rows == found["records"]


# -- stopped in an orderly way ---------------------------------------------------------------------


def test_stopping_lets_what_runs_end(tmp_path: Path) -> None:
    """On SIGTERM the server takes nothing new, waits for what runs, and exits with 0."""
    with serving(tmp_path, CAUDAL_DRAIN_SECONDS="60") as server:
        identity = server.start(counted(tmp_path, "drained", "go"))
        at_the_gate(server, identity)
        server.process.send_signal(signal.SIGTERM)
        while server.ask("GET", "/readyz").status == 200:
            sleep(0.01)
        body = server.post(
            "/api/workflows/execute", {"workflow": flow([node("t", "trigger")])}, 503
        )
        assert "stopping" in body["detail"]
        assert "running" == server.get(f"/api/executions/{identity}")["status"]
        (tmp_path / "go").touch()
        assert 0 == server.process.wait(LONGEST)
    with serving(tmp_path) as server:
        assert "completed" == server.get(f"/api/executions/{identity}")["status"]


def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    """Whoever does not want to wait for what runs says so again; it goes on at the next start."""
    with serving(tmp_path, CAUDAL_DRAIN_SECONDS="60") as server:
        identity = server.start(counted(tmp_path, "hurried", "go"))
        at_the_gate(server, identity)
        server.process.send_signal(signal.SIGTERM)
        while server.ask("GET", "/readyz").status == 200:
            sleep(0.01)
        refused = server.ask("POST", "/api/workflows/execute", {"workflow": flow([])})
        assert (503, "5") == (refused.status, refused.headers["retry-after"])
        server.process.send_signal(signal.SIGTERM)
        assert -signal.SIGTERM == server.process.wait(LONGEST / 2)
    (tmp_path / "go").touch()
    with serving(tmp_path) as server:
        assert "completed" == server.ended(identity).state
    assert "ran\n" == (tmp_path / "hurried").read_text()


def test_no_work_is_taken_without_room(tmp_path: Path) -> None:
    """A server whose reserve is larger than the disk is alive, not ready, and says why."""
    with serving(tmp_path, CAUDAL_DISK_RESERVE="1024PiB") as server:
        assert "ok" == server.get("/healthz")["status"]
        ready = server.ask("GET", "/readyz")
        assert "CAUDAL_DISK_RESERVE" in ready.expect(503)["detail"]
        refused = server.ask("POST", "/api/workflows/execute", {"workflow": flow([])})
        assert "CAUDAL_DISK_RESERVE" in refused.expect(503)["detail"]
        assert "5" == refused.headers["retry-after"]


def test_what_does_not_end_in_time_goes_on_at_the_next_start(tmp_path: Path) -> None:
    """What has not ended when the server stops is taken up by the next one."""
    with serving(tmp_path, CAUDAL_DRAIN_SECONDS="0") as server:
        identity = server.start(counted(tmp_path, "later", "go"))
        at_the_gate(server, identity)
    (tmp_path / "go").touch()
    with serving(tmp_path) as server:
        assert "completed" == server.ended(identity).state
    assert "ran\n" == (tmp_path / "later").read_text()


# -- two on one folder -----------------------------------------------------------------------------


def test_a_second_server_on_the_folder_is_refused(tmp_path: Path) -> None:
    """The second server says who holds the folder and exits; the first one goes on."""
    with serving(tmp_path) as server:
        data = str(tmp_path / "data")
        second = subprocess.run(
            [COMMAND, "serve", "--port", "0", "--data", data],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        assert 0 != second.returncode
        assert f"in use by process {server.process.pid}" in second.stderr
        assert "Traceback" not in second.stderr
        assert {"x": 1} == server.completed(flow([made("a", {"x": 1})])).final


@crash
def test_the_folder_of_a_dead_server_is_free(tmp_path: Path) -> None:
    """Who was killed holds nothing any more."""
    for _ in range(2):
        with serving(tmp_path) as server:
            assert "running" == server.get("/")["status"]
            server.end(signal.SIGKILL)
