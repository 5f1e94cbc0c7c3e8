"""A client that speaks to the server as a Node.js backend does.

Bare HTTP/1.1 to `localhost`, one connection kept alive, `Content-Type` and no other header, only
the ids of workflows; an execution is followed by asking for its status again and again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException
from time import sleep
from typing import Any

from caudal_core.errors import CaudalError, Unavailable

FINISHED = ("completed", "failed", "cancelled")


class Refused(CaudalError):
    """The server answered, but not what was asked for."""

    code = "REFUSED"
    en = "{method} {path} was answered {status}: {detail}"
    es = "la respuesta a {method} {path} fue {status}: {detail}"


class Backend:
    """What a backend asks of the server at `localhost:port`; times in seconds."""

    def __init__(self, port: int, *, timeout: float = 30) -> None:
        self._connection = HTTPConnection("localhost", port, timeout=timeout)

    def execute(self, workflow_id: str, inputs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask for an execution; its `executionId` is in the answer."""
        body = {"workflowId": workflow_id, "inputs": dict(inputs or {})}
        return self.ask("POST", "/api/workflows/execute", body)

    def follow(self, execution_id: str, every: float = 2.0) -> Iterator[dict[str, Any]]:
        """The execution's status, asked for every so often until it is at its end."""
        while True:
            status = self.ask("GET", f"/api/executions/{execution_id}")
            yield status
            if status["status"] in FINISHED:
                return
            sleep(every)

    def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """One call. Raises `Refused` with the answer's `detail`, `Unavailable` without one."""
        sent = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, path, sent, {"Content-Type": "application/json"})
            with self._connection.getresponse() as response:
                answer = json.loads(response.read())
        except (OSError, HTTPException, ValueError) as error:
            self.close()
            raise Unavailable(message=f"{method} {path} was not answered: {error!r}") from error
        if not 200 <= response.status < 300:
            detail = answer.get("detail") or answer.get("error")
            raise Refused(method=method, path=path, status=response.status, detail=detail)
        return dict(answer)

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()
