"""An existing backend: Node.js, plain `http`, only ids, and polls that never see a step back."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.client import LONGEST
from tests.acceptance.flows import chain, field, flow, link, node, table
from tests.acceptance.serving import Server, serving
from tests.peers import missing, need

PROGRAM = Path(__file__).parent / "node" / "backend.mjs"
QUICK, SLOW = 100, 2_000
POLLED = {"status", "progress", "currentNodeId", "error", "logs", "finalOutput"}

ENV = """\
# Backend
PORT=3001
JWT_SECRET=your-secret-key

# OpenAI (para nodos LLM)
OPENAI_API_KEY=sk-...

# Prefect Service
PREFECT_SERVICE_URL=http://localhost:8000

# Opcional: Twilio (para SMS)
TWILIO_ACCOUNT_SID=...
TWILIO_AUTH_TOKEN=...

# Opcional: Climatiq (para emisiones)
CLIMATIQ_API_KEY=...
"""


def staying(node_id: str, seconds: float) -> Any:
    """A node that takes its time."""
    return node(node_id, "trialMeet", {"folder": ".", "stay": seconds}, label=node_id.title())


def workflows() -> dict[str, Any]:
    """What the backend keeps: one that takes a while, one that fails, one that never ends."""
    steps = [staying(f"step{number}", 0.3) for number in range(12)]
    prices = table("prices", [{"hour": 1, "price": 50}, {"hour": 2, "price": 150}])
    dear = {
        "conditionField": "price",
        "conditionOperator": "greaterThan",
        "conditionValue": "100",
        "processingMode": "perRow",
    }
    nodes = [prices, *steps, node("c", "condition", dear), field("dear", "dear", "yes")]
    long = chain(*nodes, node("o", "output"))
    long["connections"][-2]["outputType"] = "true"
    failing = chain(node("t", "trigger"), node("f", "trialFail", label="Tank"), node("o", "output"))
    endless = node("e", "trialMeet", {"folder": ".", "others": ["never"]})
    more = flow([node("t", "trigger"), endless], [link("t", "e")])
    return {
        "long": {**long, "id": "long", "name": "Precios altos"},
        "failing": {**failing, "id": "failing", "name": "Failing"},
        "endless": {**more, "id": "endless", "name": "Endless"},
    }


class Backend:
    """The backend's process. `url` is its own service."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.url = f"http://localhost:{self._read()['port']}"

    def follow(self, server: Server, *jobs: dict[str, Any]) -> Any:
        """What it saw of executions that it asked for: `{reports, served, sockets}`."""
        assert self._process.stdin is not None
        order = {"server": f"http://localhost:{server.port}", "jobs": jobs}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        found = self._read()
        assert "failed" not in found, found["failed"]
        return found

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"it ended with {self._process.wait(LONGEST)}"
        return json.loads(line)


@contextmanager
def backend(folder: Path, kept: dict[str, Any]) -> Iterator[Backend]:
    """A backend that keeps these workflows."""
    program = need("node")
    file = folder / "workflows.json"
    file.write_text(json.dumps(kept))
    command = [program, str(PROGRAM), str(file)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            yield Backend(process)
            assert process.stdin is not None
            process.stdin.close()
            assert 0 == process.wait(LONGEST)
        finally:
            process.kill()


def job(workflow_id: str, every: int, **more: Any) -> dict[str, Any]:
    """An execution to ask for, and how often to poll it."""
    return {"workflowId": workflow_id, "every": every, **more}


def check_polls(polls: list[Any]) -> None:
    """What a poller relies on: every field there, no step back, no node while none runs."""
    assert {200} == {poll["httpStatus"] for poll in polls}
    assert all(poll.keys() >= POLLED for poll in polls)
    for name in ("percentage", "completedNodes"):
        seen = [poll["progress"][name] for poll in polls]
        assert sorted(seen) == seen
    assert all(isinstance(poll["logs"], list) and len(poll["logs"]) <= 10 for poll in polls)
    assert all(poll["finalOutput"] is None and poll["error"] is None for poll in polls[:-1])
    assert {"pending", "running"} >= {poll["status"] for poll in polls[:-1]}
    assert polls[-1]["currentNodeId"] is None


def check_long(report: Any) -> None:
    """The whole story of the workflow that takes a while."""
    accepted = report["accepted"]["body"]
    assert (True, "pending", "long", "Precios altos") == tuple(
        accepted[key] for key in ("success", "status", "workflowId", "workflowName")
    )
    polls = report["polls"]
    check_polls(polls)
    assert [{"hour": 2, "price": 150, "dear": "yes"}] == polls[-1]["finalOutput"]
    assert ("completed", 100) == (polls[-1]["status"], polls[-1]["progress"]["percentage"])
    running = {poll["currentNodeId"] for poll in polls[:-1]} - {None}
    assert running or report["job"]["every"] > QUICK
    assert {"prices", "c", "dear", "o", *(f"step{number}" for number in range(12))} >= running
    assert polls[-1]["logs"][-1]["outputData"]["success"]


@pytest.mark.web
def test_a_backend_that_keeps_its_workflows(tmp_path: Path) -> None:
    """It sends only ids, keeps connections alive, polls quickly and slowly, and misses nothing."""
    with backend(tmp_path, workflows()) as here:
        (tmp_path / ".env").write_text(ENV, encoding="utf-8")
        source = f"{here.url}/api/workflows/{{id}}"
        with serving(tmp_path, CAUDAL_WORKFLOW_SOURCE=source) as server:
            quick = [job("long", QUICK, inputs={"n": number}) for number in range(4)]
            others = [
                job("long", SLOW),
                job("failing", QUICK),
                job("endless", QUICK, cancelAt="e"),
                job("nobody", QUICK),
            ]
            found = here.follow(server, *quick, *others)
            assert [] == server.get("/api/workflows")
    *long, failing, endless, nobody = found["reports"]
    for report in long:
        check_long(report)
    assert min(len(report["polls"]) for report in long) > 1
    check_failing(failing)
    check_cancelled(endless)
    assert 404 == nobody["accepted"]["status"]
    assert "Workflow nobody not found" == nobody["accepted"]["body"]["detail"]
    assert {f"/api/workflows/{key}" for key in (*workflows(), "nobody")} == set(found["served"])
    asked = sum(1 + len(report["polls"]) for report in found["reports"])
    assert found["sockets"] < asked


def check_failing(report: Any) -> None:
    """The last poll of what failed says which node and why."""
    check_polls(report["polls"])
    last = report["polls"][-1]
    assert ("failed", 1) == (last["status"], last["progress"]["failedNodes"])
    assert "Tank (f): the tank is empty; fill it" == last["error"]
    assert ["completed", "failed", "skipped"] == [entry["status"] for entry in last["logs"]]


def check_cancelled(report: Any) -> None:
    """What was cancelled while a node ran ends so."""
    check_polls(report["polls"])
    assert (True, "running") == (
        report["cancelled"]["success"],
        report["cancelled"]["previousStatus"],
    )
    last = report["polls"][-1]
    assert "cancelled" == last["status"]
    assert ["completed", "cancelled"] == [entry["status"] for entry in last["logs"]]


@pytest.mark.web
def test_a_backend_with_a_database(tmp_path: Path) -> None:
    """Its workflows are rows of its own database, and each is taken as it is at that moment."""
    file = tmp_path / "application.sqlite"
    with closing(sqlite3.connect(file)) as database, backend(tmp_path, {}) as here:
        database.execute("CREATE TABLE workflows (id TEXT PRIMARY KEY, name TEXT, data TEXT)")
        for key, workflow in workflows().items():
            row = (key, workflow["name"], json.dumps(workflow))
            database.execute("INSERT INTO workflows VALUES (?, ?, ?)", row)
        database.commit()
        (tmp_path / ".env").write_text(ENV, encoding="utf-8")
        with serving(tmp_path, CAUDAL_WORKFLOW_SOURCE=f"sqlite:///{file}") as server:
            jobs = [job("long", QUICK), job("failing", SLOW), job("nobody", QUICK)]
            found = here.follow(server, *jobs)
            other = json.dumps(flow([node("t", "trigger")]))
            database.execute("UPDATE workflows SET data = ? WHERE id = 'failing'", [other])
            database.commit()
            again = here.follow(server, job("failing", QUICK, inputs={"a": 1}))
    assert [] == found["served"]
    check_long(found["reports"][0])
    check_failing(found["reports"][1])
    assert "Workflow nobody not found" == found["reports"][2]["accepted"]["body"]["detail"]
    assert {"a": 1} == again["reports"][0]["polls"][-1]["finalOutput"]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_every_address_of_localhost(server: Server, host: str) -> None:
    """The server listens on all addresses that `localhost` may be taken for."""
    if host == "::1":
        try:
            socket.create_server((host, 0), family=socket.AF_INET6).close()
        except OSError as error:
            missing(f"this machine has no ::1: {error}")
    with closing(HTTPConnection(host, server.port, timeout=LONGEST)) as connection:
        connection.request("GET", "/")
        assert 200 == connection.getresponse().status
