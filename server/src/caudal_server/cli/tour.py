"""What the demo shows: one execution, asked for and followed over HTTP as a backend does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from caudal_core.errors import CaudalError
from caudal_server.cli.documents import read_object
from caudal_server.cli.follow import Backend
from caudal_server.cli.progress import Step, duration, shown
from caudal_server.cli.samples import examples
from caudal_server.cli.terminal import print_table, say
from caudal_server.listeners import Listening

WORKFLOW = "meter-cost"
EVERY = 0.2
"""Seconds between two polls; a backend takes 2, and would see only the end of this one."""
ROWS_SHOWN = 6


class DemoFailed(CaudalError):
    """The sample workflow did not complete."""

    code = "DEMO_FAILED"
    en = "the execution {id} is {status}: {error}"
    es = "la ejecución {id} terminó como {status}: {error}"


def tour(listening: Listening, folder: Path, *, stay: bool) -> None:
    """Run the sample workflow on the server that listens, and show how that goes."""
    say(f"Caudal is at {listening.url}, its data in {folder}, its workflows from {examples()}")
    backend = Backend(listening.port)
    try:
        status = _executed(backend)
    finally:
        backend.close()
    if status["status"] != "completed":
        raise DemoFailed(id=status["executionId"], status=status["status"], error=status["error"])
    _show(listening.url, status)
    if stay:
        say(f"Open {listening.url}/docs to try the API. Ctrl-C ends the server.", "bold")


def _executed(backend: Backend) -> dict[str, Any]:
    """The status of the execution at its end."""
    document = read_object(examples() / f"{WORKFLOW}.json")
    accepted = backend.execute(WORKFLOW)
    execution_id = accepted["executionId"]
    say(f'POST /api/workflows/execute {{"workflowId": "{WORKFLOW}"}}')
    say(f"GET /api/executions/{execution_id} every {EVERY} s")
    status: dict[str, Any] = accepted
    with shown(document["name"], _steps(document)) as progress:
        for status in backend.follow(execution_id, EVERY):
            for entry in status["logs"]:
                told = entry["error"] or entry["message"] or ""
                progress.tell(entry["nodeId"], entry["status"], entry["duration"], told)
    return status


def _steps(document: Mapping[str, Any]) -> Iterator[Step]:
    """The nodes of a workflow's JSON, each below the first one that leads to it."""
    for node in document["nodes"]:
        leading = [c["fromNodeId"] for c in document["connections"] if c["toNodeId"] == node["id"]]
        yield Step(node["id"], node["label"], leading[0] if leading else None)


def _show(url: str, status: Mapping[str, Any]) -> None:
    """The first records of the result, and where all of them are."""
    rows, info = status["finalOutput"], status["finalOutputInfo"]
    began, ended = (datetime.fromisoformat(status[key]) for key in ("startedAt", "completedAt"))
    took = duration((ended - began).total_seconds())
    say(f"✓ completed in {took}: {info['rows']} records, the first {ROWS_SHOWN} of them:", "green")
    cells = ([str(value) for value in row.values()] for row in rows[:ROWS_SHOWN])
    print_table(list(rows[0]), cells)
    say(f"All of them: {url}{info['href']}")
