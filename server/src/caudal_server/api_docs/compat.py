"""The endpoints of existing backends, described."""

from __future__ import annotations

from typing import Any

from caudal_server.api_docs.parts import (
    COUNT,
    NUMBER,
    answer,
    body,
    header,
    path,
    problems,
    query,
)

Described = dict[str, Any]

ID = "019c1c2d-7a60-7c1e-9a70-4d2c5b1f6e11"
CREATED = "2026-01-31T10:00:00.123Z"
ENDED = "2026-01-31T10:00:00.150Z"
DONE = {"totalNodes": 3, "completedNodes": 3, "failedNodes": 0, "percentage": 100}
RECORDS = [{"hour": 9, "price": 61.2}]

ACCEPTED: Described = {
    "success": True,
    "executionId": ID,
    "status": "pending",
    "message": "Execution of 'Price filter' accepted",
    "workflowId": "price-filter",
    "workflowName": "Price filter",
}
RESULT: Described = {"success": True, "message": "1 record", "outputData": RECORDS}
ENTRY: Described = {
    "id": f"{ID}:n2:0.1",
    "executionId": ID,
    "nodeId": "n2",
    "nodeType": "condition",
    "nodeLabel": "Above 50",
    "status": "completed",
    "attempt": 1,
    "outputData": RESULT,
    "message": "1 record",
    "error": None,
    "duration": 0.004,
    "timestamp": CREATED,
}
STATUS: Described = {
    "executionId": ID,
    "workflowId": "price-filter",
    "workflowName": "Price filter",
    "status": "completed",
    "createdAt": CREATED,
    "startedAt": CREATED,
    "completedAt": ENDED,
    "currentNodeId": None,
    "error": None,
    "progress": DONE,
    "logs": [ENTRY],
    "finalOutput": RECORDS,
}
ROW: Described = {
    "id": ID,
    "workflowId": "price-filter",
    "workflowName": "Price filter",
    "status": "completed",
    "createdAt": CREATED,
    "startedAt": CREATED,
    "completedAt": ENDED,
    "error": None,
    "progress": DONE,
}

EXECUTE: Described = {
    "operation_id": "executeWorkflow",
    "summary": "Execute a workflow",
    "tags": ["Executions"],
    "responses": {
        "200": answer("It is on disk and will run.", "ExecuteAnswer", ACCEPTED),
        **problems(403, 404, 408, 413, 422, 429, 501, 502, 503, 504),
    },
    "openapi_extra": {
        "parameters": [
            query("wait", "Seconds to wait for its end, 600 at most.", NUMBER),
            header("Idempotency-Key", "The same key and body again: the same execution."),
        ],
        **body("ExecuteRequest", {"workflowId": "price-filter", "inputs": {"day": "2026-01-31"}}),
    },
}
EXECUTION: Described = {
    "operation_id": "getExecution",
    "summary": "The status of an execution",
    "tags": ["Executions"],
    "responses": {
        "200": answer("How it stands.", "ExecutionStatus", STATUS, ["ETag", "Retry-After"]),
        "304": {"description": "The caller has this state of the document already."},
        **problems(404, 422),
    },
    "openapi_extra": {
        "parameters": [
            *path("executionId"),
            query("wait", "Seconds to wait for the next change, 60 at most.", NUMBER),
            header("If-None-Match", "The ETag of the state that the caller has."),
        ]
    },
}
LOGS: Described = {
    "operation_id": "getExecutionLogs",
    "summary": "Every node's run, with its data",
    "tags": ["Executions"],
    "responses": {
        "200": answer(
            "In the order of time.",
            "ExecutionLogs",
            {"executionId": ID, "logs": [{**ENTRY, "inputData": RECORDS}]},
        ),
        **problems(404),
    },
    "openapi_extra": {"parameters": path("executionId")},
}
CANCEL: Described = {
    "operation_id": "cancelExecution",
    "summary": "Cancel an execution",
    "tags": ["Executions"],
    "responses": {
        "200": answer(
            "Whether it was still possible.",
            "Cancelled",
            {
                "success": True,
                "executionId": ID,
                "message": "Execution cancelled",
                "previousStatus": "running",
            },
        ),
        **problems(404),
    },
    "openapi_extra": {"parameters": path("executionId")},
}
NODE: Described = {
    "operation_id": "executeNode",
    "summary": "Run one node by itself",
    "tags": ["Executions"],
    "responses": {
        "200": answer(
            "Its result, or why it failed.",
            "NodeAnswer",
            {
                "success": True,
                "nodeId": "n2",
                "nodeType": "condition",
                "output": RESULT,
                "message": "1 record",
            },
        ),
        **problems(408, 413, 422),
    },
    "openapi_extra": body(
        "NodeRequest",
        {
            "workflowId": "price-filter",
            "nodeId": "n2",
            "nodeType": "condition",
            "node": {"config": {"conditionField": "price", "conditionOperator": "greaterThan"}},
            "inputData": RECORDS,
        },
    ),
}
EXECUTIONS_OF_WORKFLOW: Described = {
    "operation_id": "listWorkflowExecutions",
    "summary": "The executions of a workflow",
    "tags": ["Executions"],
    "responses": {
        "200": answer(
            "Newest first.",
            "ExecutionsOfWorkflow",
            {
                "workflowId": "price-filter",
                "workflowName": "Price filter",
                "executions": [ROW],
                "total": 1,
            },
        ),
        **problems(404, 422),
    },
    "openapi_extra": {
        "parameters": [*path("workflowId"), query("limit", "1 to 500; 50 by default.", COUNT)]
    },
}
