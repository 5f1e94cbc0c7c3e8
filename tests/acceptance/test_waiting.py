"""Executions that wait for a person or a moment, over HTTP and over crashes."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.client import LONGEST, Client
from tests.acceptance.flows import chain, field, flow, link, made, node
from tests.acceptance.serving import Server, serving

crash = pytest.mark.crash


def valve(**config: Any) -> Any:
    """A workflow that asks before it goes on."""
    asked = {"assignedUserId": "u7", "assignedUserName": "Ana", "message": "Open?", **config}
    nodes = [
        made("a", {"bar": 5}),
        node("ask", "humanApproval", asked, label="Valve"),
        field("opened", "open", "yes"),
        field("closed", "open", "no"),
        node("o", "output"),
    ]
    ways = [link("a", "ask"), link("ask", "opened", "true"), link("ask", "closed", "false")]
    return flow(nodes, [*ways, link("opened", "o"), link("closed", "o")])


def waiting(server: Server, identity: str) -> Any:
    """Its status once it waits."""
    return server.status_until(identity, lambda found: found["status"] == "waiting")


def only(server: Server, query: str = "") -> Any:
    """The one approval there is."""
    (found,) = server.get(f"/api/approvals{query}")["approvals"]
    return found


def test_a_person_decides(tmp_path: Path) -> None:
    """The question is listed, the status says `waiting`, and the answer chooses the branch."""
    with serving(tmp_path) as server:
        identity = server.start(valve(notificationChannel="mail"))
        status = waiting(server, identity)
        assert (1, 0) == (
            status["progress"]["completedNodes"],
            status["progress"]["failedNodes"],
        )
        answer = server.ask("GET", f"/api/executions/{identity}")
        assert "30" == answer.headers["retry-after"]
        entry = status["logs"][-1]
        found = only(server)
        assert ("waiting", "waits for the decision of Ana on an object with 1 field") == (
            entry["status"],
            entry["message"],
        )
        assert {"kind": "approval", "approvalId": found["id"]} == entry["waiting"]
        assert (
            "open",
            "approval",
            "Open?",
            identity,
            "ask",
            "Valve",
            "u7",
            "Ana",
            "mail",
        ) == tuple(
            found[key]
            for key in (
                "status",
                "kind",
                "question",
                "executionId",
                "nodeId",
                "nodeLabel",
                "assignedUserId",
                "assignedUserName",
                "notificationChannel",
            )
        )
        assert {"bar": 5} == server.get(found["inputHref"])["data"]
        sent = {"approved": True, "comment": "fine", "decidedBy": "Eva", "data": {"bar": 4}}
        told = server.post(f"/api/approvals/{found['id']}", sent)
        assert ("approved", "Eva", "fine") == (told["status"], told["decidedBy"], told["comment"])
        run = server.ended(identity)
        assert {"bar": 4, "open": "yes"} == run.final
        result = run.entries["ask"]["outputData"]
        assert (True, "Eva", "fine", told["decidedAt"][:19]) == (
            result["approved"],
            result["decidedBy"],
            result["comment"],
            result["decidedAt"][:19],
        )
        server.post(f"/api/approvals/{found['id']}", {"approved": False}, 409)
        assert [] == server.get("/api/approvals")["approvals"]
        assert (
            told
            == only(server, "?status=all")
            == only(server, f"?status=approved&executionId={identity}")
        )


@pytest.mark.parametrize(
    "body", [{}, {"approved": "yes"}, {"approved": True, "comment": 7}, [], None]
)
def test_what_is_no_decision(tmp_path: Path, body: Any) -> None:
    """It is refused with what is wrong, and the question stays open."""
    with serving(tmp_path) as server:
        waiting(server, server.start(valve()))
        found = only(server)
        assert server.post(f"/api/approvals/{found['id']}", body, 422)["detail"]
        server.post("/api/approvals/nobody", {"approved": True}, 404)
        server.ask("GET", "/api/approvals?status=shut").expect(422)
        assert found == only(server)
        server.post(f"/api/executions/{found['executionId']}/cancel")


def test_whoever_watches_sees_it_go_on(tmp_path: Path) -> None:
    """A long poll on one that waits answers as soon as it has been decided."""
    with serving(tmp_path) as server:
        identity = server.start(valve())
        waiting(server, identity)
        found = only(server)
        with ThreadPoolExecutor(1) as thread, closing(Client(server.port)) as other:
            poll = thread.submit(other.ask, "GET", f"/api/executions/{identity}?wait=60")
            server.post(f"/api/approvals/{found['id']}", {"approved": False})
            assert poll.result(LONGEST / 2).expect(200)["status"] != "waiting"
        assert {"bar": 5, "open": "no"} == server.ended(identity).final


@crash
def test_a_question_survives_a_crash(tmp_path: Path) -> None:
    """Killed while it waits, and again when it was answered: it goes on once, with the answer."""
    with serving(tmp_path) as server:
        identity = server.start(valve())
        before = waiting(server, identity)
        server.end(signal.SIGKILL)
    with serving(tmp_path) as server:
        after = server.get(f"/api/executions/{identity}")
        assert before == after
        found = only(server)
        server.post(f"/api/approvals/{found['id']}", {"approved": True, "decidedBy": "Eva"})
        server.end(signal.SIGKILL)
    with serving(tmp_path) as server:
        run = server.ended(identity)
        assert ("completed", {"bar": 5, "open": "yes"}) == (run.state, run.final)
        assert "Eva" == run.entries["ask"]["outputData"]["decidedBy"]
        server.post(f"/api/approvals/{found['id']}", {"approved": False}, 409)


def patient(folder: Path, seconds: float) -> Any:
    """A workflow whose node fails once, and then has to wait."""
    counted = {"folder": str(folder), "mine": "count"}
    tries = node("f", "trialFail", {"times": 1}, retries=2, retryDelaySeconds=seconds)
    return chain(node("c", "trialCount", counted), tries, node("o", "output"))


@crash
def test_a_retry_survives_a_crash(tmp_path: Path) -> None:
    """The delay before an attempt is neither forgotten nor begun anew, the attempt made once."""
    with serving(tmp_path) as server:
        identity = server.start(patient(tmp_path, 3))
        waiting(server, identity)
        server.end(signal.SIGKILL)
    with serving(tmp_path) as server:
        assert "waiting" == server.get(f"/api/executions/{identity}")["status"]
        server.end(signal.SIGKILL)
    with serving(tmp_path) as server:
        run = server.ended(identity)
        assert "completed" == run.state
        tries = [entry for entry in run.logs if entry["nodeId"] == "f"]
        assert [(1, "failed"), (2, "completed")] == [(e["attempt"], e["status"]) for e in tries]
        assert "ran\n" == (tmp_path / "count").read_text()


@crash
def test_a_cancel_holds_for_one_that_waits(tmp_path: Path) -> None:
    """Cancelled while it waits, then killed: it does not come back, and nobody is asked."""
    with serving(tmp_path) as server:
        identity = server.start(valve())
        waiting(server, identity)
        answer = server.post(f"/api/executions/{identity}/cancel")
        server.end(signal.SIGKILL)
    assert (True, "waiting") == (answer["success"], answer["previousStatus"])
    with serving(tmp_path) as server:
        assert "cancelled" == server.ended(identity).state
        assert [] == server.get("/api/approvals")["approvals"]
        assert "cancelled" == only(server, "?status=all")["status"]
