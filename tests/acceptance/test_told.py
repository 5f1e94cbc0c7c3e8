"""Somebody is told of a failure, and of an end, whatever becomes of the server meanwhile."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from tests.acceptance.client import LONGEST
from tests.acceptance.flows import chain, node, waiting
from tests.acceptance.serving import Server, serving

crash = pytest.mark.crash
ALLOW = {"CAUDAL_EGRESS_ALLOW": "127.0.0.1"}


@contextmanager
def listener(port: int = 0) -> Iterator[tuple[str, list[Any]]]:
    """An HTTP server of the test's own: its address, and the headers and bodies that came."""
    came: list[Any] = []

    class Taking(BaseHTTPRequestHandler):
        """Keeps what comes."""

        def do_POST(self) -> None:
            """Take one call."""
            body = self.rfile.read(int(self.headers["content-length"]))
            came.append((self.headers["webhook-id"], json.loads(body)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is written."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Taking)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/told", came
    finally:
        server.shutdown()
        server.server_close()
        thread.join(LONGEST)


def telling(folder: Path) -> Any:
    """A workflow that counts in a file how often it is told something."""
    return chain(
        node("count", "trialCount", {"folder": str(folder), "mine": "told"}),
        node("o", "output"),
        id="teller",
        name="Teller",
    )


def notices(server: Server, count: int) -> list[Any]:
    """The executions that tell, once there are so many and each has ended."""
    until = monotonic() + LONGEST
    while True:
        rows = server.get("/api/workflows/teller/executions")["executions"]
        if len(rows) >= count:
            return [server.ended(row["id"]) for row in rows]
        assert monotonic() < until, rows
        sleep(0.05)


@crash
@pytest.mark.parametrize("seconds", ["0", "1"])
def test_a_failure_is_told_once_over_a_crash(tmp_path: Path, seconds: str) -> None:
    """Killed right after failures, the server tells of each cause once when it is back."""
    settings = {"onFailure": {"workflowId": "teller"}}
    flows = [
        chain(
            node("f", "trialFail", {"text": f"cause {number}"}),
            id=f"frail{number}",
            settings=settings,
        )
        for number in range(10)
    ]
    environment = {"CAUDAL_NOTICE_SECONDS": seconds}
    with serving(tmp_path, **environment) as server:
        server.post("/api/workflows", telling(tmp_path), 201)
        failed = [server.run(flow).status["executionId"] for flow in flows]
        server.end(signal.SIGKILL)
    for _ in range(2):
        with serving(tmp_path, **environment) as server:
            runs = notices(server, len(flows))
            server.end(signal.SIGKILL)
    labels = [run.status["labels"]["noticeOf"] for run in runs]
    assert sorted(failed) == sorted(labels)
    assert {"completed"} == {run.state for run in runs}


@crash
def test_a_burst_over_a_crash_is_one_notice(tmp_path: Path) -> None:
    """What was counted before the crash is counted after it."""
    settings = {"onFailure": {"workflowId": "teller"}}
    flow = chain(node("f", "trialFail"), id="frail", settings=settings)
    with serving(tmp_path, CAUDAL_NOTICE_SECONDS="3600") as server:
        server.post("/api/workflows", telling(tmp_path), 201)
        for _ in range(3):
            server.run(flow)
        server.end(signal.SIGKILL)
    with serving(tmp_path, CAUDAL_NOTICE_SECONDS="3600") as server:
        server.run(flow)
        server.end(signal.SIGKILL)
    database = tmp_path / "data" / "caudal.db"
    with closing(sqlite3.connect(database)) as found, found:
        assert [(4,)] == found.execute("SELECT count FROM notice").fetchall()
        found.execute("UPDATE notice SET due = 0")
    with serving(tmp_path) as server:
        [run] = notices(server, 1)
        given = {entry["nodeId"]: entry["inputData"] for entry in run.logs}
        assert 4 == given["count"]["count"]


@crash
def test_a_callback_is_called_over_a_crash(tmp_path: Path) -> None:
    """Who wants to be called is, although the server died before the execution ended."""
    with listener() as (url, came):
        with serving(tmp_path, **ALLOW) as server:
            identity = server.start(waiting(tmp_path), callbackUrl=url)
            server.status_until(identity, lambda found: found["currentNodeId"] == "a")
            server.end(signal.SIGKILL)
        (tmp_path / "go").touch()
        with serving(tmp_path, **ALLOW) as server:
            assert "completed" == server.ended(identity).state
            found = server.status_until(
                identity, lambda found: found["callback"]["state"] == "delivered"
            )
            assert 1 == found["callback"]["attempts"]
        assert [(identity, "completed")] == [
            (told["executionId"], told["status"]) for _, told in came
        ]


@crash
def test_attempts_go_on_after_a_crash(tmp_path: Path) -> None:
    """A receiver that was away is called when it is back, also by a server that was restarted."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # taken, and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/told"
        with serving(tmp_path, **ALLOW) as server:
            identity = server.run(chain(node("t", "trigger")), callbackUrl=url).status[
                "executionId"
            ]
            found = server.status_until(
                identity, lambda found: found["callback"]["attempts"] and found["callback"]
            )
            assert "the connection failed" in found["callback"]["lastError"]
            server.end(signal.SIGKILL)
    with listener(int(url.rpartition(":")[2].partition("/")[0])) as (_, came):
        with serving(tmp_path, **ALLOW) as server:
            found = server.status_until(
                identity, lambda found: found["callback"]["state"] == "delivered"
            )
            assert found["callback"]["attempts"] > 1
        assert [identity] == [told["executionId"] for _, told in came]
