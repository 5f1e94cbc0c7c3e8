"""The endpoints of executions that are ours, described."""

from __future__ import annotations

from typing import Any

from caudal_server.api_docs.compat import ACCEPTED, ENTRY, ID, RECORDS, ROW
from caudal_server.api_docs.parts import (
    COUNT,
    NUMBER,
    TEXT,
    answer,
    body,
    content,
    header,
    path,
    problems,
    query,
)
from caudal_server.api_docs.schemas import EXECUTION_STATES
from caudal_server.exports.files import KINDS
from caudal_server.exports.options import FORMATS

Described = dict[str, Any]

_ORGANIZATION = query("organizationId", "Only those of this organisation.", TEXT)
_MOMENT = {"type": "string", "format": "date-time"}
_NODE = f"/api/executions/{ID}/nodes/n2"

LISTING: Described = {
    "operation_id": "listExecutions",
    "summary": "Executions, newest first",
    "tags": ["Executions"],
    "responses": {
        "200": answer(
            "A page, or the status documents of `ids`.",
            "Executions",
            {"executions": [ROW], "nextCursor": None},
            ["ETag", "Link"],
        ),
        "304": {"description": "The caller has this state of the document already."},
        **problems(422),
    },
    "openapi_extra": {
        "parameters": [
            query("status", "One or several.", {"enum": EXECUTION_STATES, **TEXT}, many=True),
            query("workflowId", "Only those of this workflow.", TEXT),
            _ORGANIZATION,
            query("from", "Created at this moment or later.", _MOMENT),
            query("to", "Created before this moment.", _MOMENT),
            query("label", "`key:value`; several must all fit.", TEXT, many=True),
            query("parent", "Only retries and replays of this execution.", TEXT),
            query("limit", "1 to 500; 50 by default.", COUNT),
            query("cursor", "`nextCursor` of the page before.", TEXT),
            query("ids", "Up to 200 ids with commas: their status documents instead.", TEXT),
        ]
    },
}
PARENT = "019c1c2c-11d0-7f3a-8c55-0a1b2c3d4e5f"


def _again(operation: str, summary: str, body_: Described) -> Described:
    again = {**ACCEPTED, "parent": PARENT}
    return {
        "operation_id": operation,
        "summary": summary,
        "tags": ["Executions"],
        "responses": {
            "200": answer("A new execution, as `execute` answers.", "ExecuteAnswer", again),
            **problems(404, 408, 409, 413, 422, 429, 501, 502, 503, 504),
        },
        "openapi_extra": {
            "parameters": [
                *path("executionId"),
                query("wait", "Seconds to wait for its end, 600 at most.", NUMBER),
                header("Idempotency-Key", "The same key and body again: the same execution."),
            ],
            **body_,
        },
    }


RETRY: Described = _again("retryExecution", "Run again what failed", {})
REPLAY: Described = _again(
    "replayExecution",
    "Run again from any node",
    body("ReplayRequest", {"from": "n2", "inputs": RECORDS, "version": "newest"}, required=False),
)
ERASE: Described = {
    "operation_id": "deleteExecution",
    "summary": "Delete an execution that has ended",
    "tags": ["Executions"],
    "status_code": 204,
    "responses": {
        "204": {"description": "It is gone with all its data; its large values follow."},
        **problems(404, 409, 503),
    },
    "openapi_extra": {"parameters": path("executionId")},
}
NODE: Described = {
    "operation_id": "getExecutionNode",
    "summary": "A node of an execution",
    "tags": ["Executions"],
    "responses": {
        "200": answer(
            "Its last attempt, all attempts, and the ports it took.",
            "Node",
            {
                **ENTRY,
                "inputData": RECORDS,
                "attempts": [ENTRY],
                "ports": {"true": {"rows": 1, "bytes": 24, "href": f"{_NODE}/data?port=true"}},
            },
        ),
        **problems(404),
    },
    "openapi_extra": {"parameters": path("executionId", "nodeId")},
}
_PAGE = answer(
    "A page of records, or the whole of any other value; or all records as a file.",
    "NodeData",
    {
        "executionId": ID,
        "nodeId": "n2",
        "port": "true",
        "offset": 0,
        "limit": 100,
        "total": 1,
        "data": RECORDS,
    },
    ["Link"],
)
_FILE: Described = {"schema": {"type": "string", "format": "binary"}}
DATA: Described = {
    "operation_id": "getExecutionNodeData",
    "summary": "What a node handed on, or was given",
    "tags": ["Executions"],
    "responses": {
        "200": {
            **_PAGE,
            "content": _PAGE["content"] | {kind.media_type: _FILE for kind in KINDS.values()},
        },
        **problems(404, 409, 422),
    },
    "openapi_extra": {
        "parameters": [
            *path("executionId", "nodeId"),
            query("port", "Needed where the node has taken several.", TEXT),
            query("side", "`output` (default) or `input`.", {"enum": ["output", "input"], **TEXT}),
            query("offset", "The first record, from 0.", NUMBER),
            query("limit", "1 to 10,000 records; 100 by default. A file has all.", COUNT),
            query("format", "`json` (default), or a file.", {"enum": list(FORMATS), **TEXT}),
            query("delimiter", "Of a csv: one character, or `tab`; `,` by default.", TEXT),
            query("decimal", "Of a csv: `.` (default) or `,`, then with `;` between.", TEXT),
            query("bom", "Of a csv: `true` marks it as UTF-8, as Excel wants it.", TEXT),
        ]
    },
}

_EVENTS = (
    'id: 1.4\nevent: node\ndata: {"nodeId":"n2","status":"completed"}\n\n'
    'event: execution_complete\nid: 1.7\ndata: {"type":"execution_complete"}\n\n'
)


def _stream(description: str) -> Described:
    return {
        "description": description,
        "content": content("Event", _EVENTS, "text/event-stream"),
    }


EVENTS: Described = {
    "operation_id": "streamExecutionEvents",
    "summary": "What happens to an execution (Server-Sent Events)",
    "tags": ["Streams"],
    "responses": {
        "200": _stream("`node`, `execution_progress`, then `execution_complete` and the end."),
        "204": {"description": "`Last-Event-ID` names the end: nothing more will come."},
        **problems(404, 422, 503),
    },
    "openapi_extra": {
        "parameters": [
            *path("executionId"),
            header("Last-Event-ID", "The id of the last event that was seen: go on behind it."),
        ]
    },
}
ALL_EVENTS: Described = {
    "operation_id": "streamEvents",
    "summary": "What happens to all executions (Server-Sent Events)",
    "tags": ["Streams"],
    "responses": {
        "200": _stream("The same events, of all executions; `lagged` says how many were missed."),
        **problems(422, 503),
    },
    "openapi_extra": {"parameters": [_ORGANIZATION]},
}
