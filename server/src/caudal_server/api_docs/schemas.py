"""The schemas of what is sent and answered, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from caudal_server.api_docs.parts import ref
from caudal_server.documents import CALLBACK_STATES

Schema = dict[str, Any]

ANY: Schema = {}
TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
MOMENT: Schema = {"type": "string", "format": "date-time"}
MOMENT_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
BOOLEAN: Schema = {"type": "boolean"}
PARENT: Schema = {
    "type": "string",
    "description": "The execution of which this is a retry or a replay; else it is not there.",
}
ORIGIN: Schema = {
    "type": "string",
    "enum": ["notice"],
    "description": "What began it, where that was no call: it tells of another execution.",
}
LABELS: Schema = {"type": "object", "additionalProperties": TEXT, "maxProperties": 16}
EXECUTION_STATES = ["pending", "running", "waiting", "completed", "failed", "cancelled"]
NODE_STATES = [
    "pending",
    "running",
    "waiting",
    "completed",
    "failed",
    "skipped",
    "cancelled",
    "interrupted",
]


def _object(required: tuple[str, ...], description: str = "", **properties: Schema) -> Schema:
    found: Schema = {"type": "object", "required": list(required), "properties": properties}
    return {"description": description, **found} if description else found


def _all(description: str = "", **properties: Schema) -> Schema:
    """An object in which every property is always there."""
    return _object(tuple(properties), description, **properties)


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


SCHEMAS: dict[str, Schema] = {
    "Problem": _object(
        ("title", "status", "code", "detail", "instance"),
        "What every answer that is not 2xx says; `detail` is for people, `code` for programs.",
        title=TEXT,
        status={"type": "integer"},
        code=TEXT,
        detail=TEXT,
        hint=TEXT,
        instance=TEXT,
        lookedIn=_list(TEXT),
        row={**WHOLE, "description": "The record that was refused, from 0."},
        problems=_list(ref("WorkflowProblem")),
    ),
    "WorkflowProblem": _object(
        ("code", "message", "pointer"),
        code=TEXT,
        message=TEXT,
        nodeId=TEXT,
        connectionId=TEXT,
        pointer=TEXT,
    ),
    "Service": _all(service=TEXT, status=TEXT, version=TEXT, timestamp=MOMENT),
    "State": _all(status=TEXT),
    "ExecuteRequest": _object(
        (),
        "`workflowId` or `workflow`; `mode` is accepted and has no effect.",
        workflowId=TEXT,
        workflow={"type": "object"},
        inputs={"type": "object"},
        organizationId=TEXT,
        mode=TEXT,
        labels=LABELS,
        callbackUrl={
            **TEXT,
            "description": "Called at the end with ExecutionStatus, signed as Standard Webhooks "
            "has it; its host must be in CAUDAL_EGRESS_ALLOW.",
        },
    ),
    "ExecuteAnswer": _object(
        ("success", "executionId", "status", "message", "workflowId", "workflowName"),
        "With `?wait=` and ended in time, the properties of ExecutionStatus stand beside these.",
        success=BOOLEAN,
        executionId=TEXT,
        status={"type": "string", "enum": EXECUTION_STATES},
        message=TEXT,
        workflowId=TEXT,
        workflowName=TEXT,
        repeated={**BOOLEAN, "description": "Its key was known: it had begun before."},
        parent=PARENT,
    ),
    "ReplayRequest": _object(
        (),
        "All of it runs again, or, where `from` names a node, that one and what comes after it. "
        "Other keys are refused.",
        **{"from": TEXT},
        inputs={
            "description": "What the node gets in place of what leads to it; without `from` an "
            "object, the inputs of the whole. Where it is missing, or null without `from`, the "
            "same as before."
        },
        version={
            "enum": ["execution", "newest"],
            "type": "string",
            "description": "The workflow as it was (default), or as it is now.",
        },
    ),
    "Progress": _all(
        totalNodes=WHOLE,
        completedNodes=WHOLE,
        failedNodes=WHOLE,
        percentage={"type": "integer", "minimum": 0, "maximum": 100},
    ),
    "Truncated": _object(
        ("truncated", "rows", "bytes", "href"),
        "Beside a preview: the true size of the value, and where all of it is.",
        truncated=BOOLEAN,
        rows={"type": ["integer", "null"]},
        bytes=WHOLE,
        href=TEXT,
    ),
    "LogEntry": _object(
        (
            "id",
            "executionId",
            "nodeId",
            "nodeType",
            "nodeLabel",
            "status",
            "outputData",
            "error",
            "duration",
            "timestamp",
        ),
        "One attempt at one node. In a status `inputData` is left out, `outputData` under 2 kB.",
        id=TEXT,
        executionId=TEXT,
        nodeId=TEXT,
        nodeType=TEXT,
        nodeLabel=TEXT,
        status={"type": "string", "enum": NODE_STATES},
        attempt={"type": "integer", "minimum": 1},
        inputData=ANY,
        inputDataInfo=ref("Truncated"),
        outputData={
            "type": ["object", "null"],
            "description": "The whole result: success, message, outputData, and what is beside it.",
        },
        outputDataInfo=ref("Truncated"),
        message=TEXT_OR_NULL,
        error=TEXT_OR_NULL,
        duration={"type": ["number", "null"], "description": "In seconds."},
        timestamp=MOMENT_OR_NULL,
        progress={"type": "object"},
        waiting={
            "type": "object",
            "description": "Of a node that waits: kind, until, approvalId.",
        },
        log=_list(_all(level=TEXT, message=TEXT)),
        reusedFrom={**TEXT, "description": "The execution in which it ran, where not in this one."},
    ),
    "ExecutionStatus": _object(
        (
            "executionId",
            "workflowId",
            "status",
            "createdAt",
            "startedAt",
            "completedAt",
            "currentNodeId",
            "error",
            "progress",
            "logs",
            "finalOutput",
        ),
        executionId=TEXT,
        workflowId=TEXT,
        workflowName=TEXT,
        status={"type": "string", "enum": EXECUTION_STATES},
        createdAt=MOMENT,
        startedAt=MOMENT_OR_NULL,
        completedAt=MOMENT_OR_NULL,
        currentNodeId=TEXT_OR_NULL,
        error=TEXT_OR_NULL,
        progress=ref("Progress"),
        logs=_list(ref("LogEntry")),
        finalOutput=ANY,
        finalOutputInfo=ref("Truncated"),
        organizationId=TEXT,
        labels=LABELS,
        parent=PARENT,
        retries={
            **_list(TEXT),
            "description": "Its retries and replays, oldest first; not there where there is none.",
        },
        callback=ref("Callback"),
        origin=ORIGIN,
    ),
    "Callback": _all(
        "How the call of `callbackUrl` goes; not there where nobody is called.",
        state={"type": "string", "enum": list(CALLBACK_STATES.values())},
        attempts=WHOLE,
        lastError=TEXT_OR_NULL,
    ),
    "ExecutionLogs": _all(executionId=TEXT, logs=_list(ref("LogEntry"))),
    "Cancelled": _all(success=BOOLEAN, executionId=TEXT, message=TEXT, previousStatus=TEXT),
    "NodeRequest": _object(
        ("nodeType",),
        workflowId=TEXT,
        nodeId=TEXT,
        nodeType=TEXT,
        node={"type": "object"},
        inputData=ANY,
    ),
    "NodeAnswer": _object(
        ("success", "nodeId", "nodeType", "message"),
        "`output` of a success, `error` of a failure.",
        success=BOOLEAN,
        nodeId=TEXT,
        nodeType=TEXT,
        message=TEXT,
        output={"type": "object"},
        error=TEXT,
    ),
    "ExecutionRow": _object(
        ("id", "workflowId", "status", "createdAt", "startedAt", "completedAt", "error"),
        id=TEXT,
        workflowId=TEXT,
        workflowName=TEXT,
        status={"type": "string", "enum": EXECUTION_STATES},
        createdAt=MOMENT,
        startedAt=MOMENT_OR_NULL,
        completedAt=MOMENT_OR_NULL,
        error=TEXT_OR_NULL,
        progress=ref("Progress"),
        organizationId=TEXT,
        labels=LABELS,
        parent=PARENT,
        origin=ORIGIN,
    ),
    "ExecutionsOfWorkflow": _all(
        workflowId=TEXT, workflowName=TEXT, executions=_list(ref("ExecutionRow")), total=WHOLE
    ),
    "Executions": _object(
        ("executions",),
        "Rows and the cursor of the next page; with `ids`, status documents and who is missing.",
        executions=_list({"anyOf": [ref("ExecutionRow"), ref("ExecutionStatus")]}),
        nextCursor=TEXT_OR_NULL,
        notFound=_list(TEXT),
    ),
    "Node": {
        "allOf": [
            ref("LogEntry"),
            _object(
                ("attempts", "ports"),
                attempts=_list(ref("LogEntry")),
                ports={"type": "object", "additionalProperties": {"type": "object"}},
            ),
        ]
    },
    "NodeData": _all(
        "A page of records; of any other value `data` is all of it, `total` null.",
        executionId=TEXT,
        nodeId=TEXT,
        port=TEXT,
        offset=WHOLE,
        limit=WHOLE,
        total={"type": ["integer", "null"]},
        data=ANY,
    ),
    "Event": {"type": "string", "description": "Server-Sent Events: `id`, `event`, `data` (JSON)."},
}
