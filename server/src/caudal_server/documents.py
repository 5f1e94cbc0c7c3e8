"""The documents of executions, as they stand on the wire.

Pure functions from what the engine shows to what is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import time
from typing import Any
from urllib.parse import quote

import orjson

from caudal_core.engine import ExecutionView
from caudal_core.errors import CaudalError, error_text
from caudal_core.journal import ExecutionRecord, NodeRun
from caudal_core.journal.notice import ARMED, DELIVERED, DUE, FAILED, Notice
from caudal_core.values import decode, to_wire, wire_form
from caudal_server.entries import log_entry
from caudal_server.previews import preview_entry, visible
from caudal_server.times import iso, moment

Document = dict[str, Any]

LOGS_SHOWN = 10

CALLBACK_STATES = {
    ARMED: "waiting",
    DUE: "pending",
    DELIVERED: "delivered",
    FAILED: "failed",
}
"""What the states of a callback are called: until the end, until it is taken, and how that went."""


def status_document(view: ExecutionView) -> Document:
    """What a poll of an execution is answered; small, however large its data is."""
    record = view.record
    document: Document = {
        "executionId": record.id,
        "workflowId": record.workflow_id,
        "workflowName": record.workflow_name,
        "status": record.state,
        "createdAt": moment(record.created),
        "startedAt": iso(record.started),
        "completedAt": iso(record.completed),
        "currentNodeId": view.current_node_id,
        "error": record.error,
        "progress": progress(record),
        "logs": previews(view.runs),
        "finalOutput": final_output(record),
    }
    if record.final_info is not None:
        document["finalOutputInfo"] = final_info(record)
    if view.retries:
        document["retries"] = list(view.retries)
    if view.callback is not None:
        document["callback"] = callback(view.callback)
    return document | _belongings(record)


def callback(notice: Notice) -> Document:
    """How the call at the end goes: `{state, attempts, lastError}`."""
    return {
        "state": CALLBACK_STATES[notice.state],
        "attempts": notice.attempts,
        "lastError": notice.error,
    }


def progress(record: ExecutionRecord) -> Document:
    """How far it is, in nodes and per cent."""
    return {
        "totalNodes": record.total_nodes,
        "completedNodes": record.completed_nodes,
        "failedNodes": record.failed_nodes,
        "percentage": record.percentage,
    }


def previews(runs: Sequence[NodeRun]) -> list[Document]:
    """The last log entries, in the order of time."""
    return [preview_entry(run) for run in visible(runs)[-LOGS_SHOWN:]]


def final_output(record: ExecutionRecord) -> orjson.Fragment | None:
    """The final output: the bytes that were recorded, without reading them again."""
    if record.final is None or not record.finished:
        return None
    return orjson.Fragment(wire_form(record.final))


def final_info(record: ExecutionRecord) -> Document:
    """The true size of a final output that is shown in part, and where all of it is.

    Where several nodes made it, `nodes` has the place of each.
    """
    found: Document = decode(record.final_info or b"{}")
    path = f"/api/executions/{record.id}"
    node = found.pop("node", None)
    if node is not None:
        return {**found, "href": f"{path}/nodes/{quote(node, safe='')}/data"}
    parts = decode(record.final or b"{}")
    ids = parts if type(parts) is dict else {}
    nodes = {name: f"{path}/nodes/{quote(name, safe='')}/data" for name in ids}
    return {**found, "href": f"{path}/logs", "nodes": nodes}


def _belongings(record: ExecutionRecord) -> Document:
    found: Document = {}
    if record.organization is not None:
        found["organizationId"] = record.organization
    if record.labels:
        found["labels"] = dict(record.labels)
    if record.parent is not None:
        found["parent"] = record.parent
    if record.origin is not None:
        found["origin"] = record.origin
    return found


def list_row(record: ExecutionRecord) -> Document:
    """An execution in a list."""
    return {
        "id": record.id,
        "workflowId": record.workflow_id,
        "workflowName": record.workflow_name,
        "status": record.state,
        "createdAt": moment(record.created),
        "startedAt": iso(record.started),
        "completedAt": iso(record.completed),
        "error": record.error,
        "progress": progress(record),
        **_belongings(record),
    }


def logs_body(execution_id: str, runs: Iterable[NodeRun]) -> bytes:
    """The body of `/logs`. An entry at a time, so that other threads get their turn."""
    entries = b",".join(to_wire(log_entry(run)) for run in runs)
    return b'{"executionId":%b,"logs":[%b]}' % (to_wire(execution_id), entries)


# -- messages of streams ---------------------------------------------------------------------------


def progress_message(view: ExecutionView, *, logs: bool = True) -> Document:
    """`execution_progress`; `logs` as in the status."""
    record = view.record
    message: Document = {
        "type": "execution_progress",
        "executionId": record.id,
        "workflowId": record.workflow_id,
        "status": record.state,
        "progress": progress(record),
        "currentNodeId": view.current_node_id,
        "error": record.error,
    }
    if logs:
        message["logs"] = previews(view.runs)
    return message | {"timestamp": moment(time())}


def complete_message(record: ExecutionRecord) -> Document:
    """`execution_complete`: how it ended, failed and cancelled ones too."""
    message: Document = {
        "type": "execution_complete",
        "executionId": record.id,
        "workflowId": record.workflow_id,
        "status": record.state,
        "finalOutput": final_output(record),
    }
    if record.final_info is not None:
        message["finalOutputInfo"] = final_info(record)
    return message | {
        "error": record.error,
        "progress": progress(record),
        "timestamp": moment(time()),
    }


def error_message(execution_id: str, error: CaudalError) -> Document:
    """`execution_error`: nothing can be told of this execution."""
    return {
        "type": "execution_error",
        "executionId": execution_id,
        "workflowId": None,
        "error": error_text(error),
        "timestamp": moment(time()),
    }
