"""What tests of several servers do with them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from http.client import HTTPException
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

from tests.acceptance.client import LONGEST, Client
from tests.acceptance.marks import SHAPES, TOKEN, marked
from tests.acceptance.serving import Run, Server
from tests.acceptance.shared import Cluster
from tests.peers import OwnPostgres


def killed_under_load(
    database: OwnPostgres, cluster: Cluster, accepted: list[str], servers: Sequence[Server]
) -> None:
    """One life of the database: clients ask servers until it is stopped; then it is back."""
    before = len(accepted)
    asking = [
        threading.Thread(target=keep_asking, args=(server.port, cluster, accepted))
        for server in servers
    ]
    for thread in asking:
        thread.start()
    until = monotonic() + LONGEST
    while len(accepted) < before + 60 and monotonic() < until:
        sleep(0.01)
    database.stop()
    refused(servers[0], call(cluster, 0))
    for thread in asking:
        thread.join(LONGEST)
    database.start()


def refused(server: Server, body: Any) -> None:
    """A call while the database is away is answered in time, with what is wrong."""
    begin_ = monotonic()
    answer = server.ask("POST", "/api/workflows/execute", body)
    assert monotonic() - begin_ < 11
    assert "database" in answer.expect(503)["detail"]
    asked = server.ask("GET", "/api/executions")
    assert "database" in asked.expect(503)["detail"]


def call(cluster: Cluster, number: int) -> dict[str, Any]:
    """What executes a workflow that leaves its marks."""
    shape, token = list(SHAPES)[number % len(SHAPES)], uuid4().hex
    workflow = marked(shape, cluster.sink, large="c" if number % 5 == 4 else "")
    return {"workflow": workflow, "inputs": {TOKEN: token}, "labels": {TOKEN: token}}


def accepted_at_last(server: Server, body: Any) -> Run:
    """The run of a workflow, once the server takes work again."""
    until = monotonic() + LONGEST
    while (answer := server.ask("POST", "/api/workflows/execute", body)).status == 503:
        assert monotonic() < until, answer.content
        sleep(0.05)
    return server.ended(answer.expect(200)["executionId"])


def keep_asking(port: int, cluster: Cluster, accepted: list[str]) -> None:
    """Execute workflows until one is not accepted."""
    client = Client(port)
    with closing(client), suppress(OSError, HTTPException):
        for number in count():
            answer = client.ask("POST", "/api/workflows/execute", call(cluster, number))
            if answer.status != 200:
                return
            accepted.append(answer.json["executionId"])


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def metrics(server: Server) -> str:
    """What it counts."""
    return server.ask("GET", "/metrics").content.decode()
