"""The endpoints of workflows that are kept here, described."""

from __future__ import annotations

from typing import Any

from caudal_server.api_docs.compat import CREATED
from caudal_server.api_docs.parts import TEXT, answer, body, header, path, problems, query

Described = dict[str, Any]

WORKFLOW: Described = {
    "id": "price-filter",
    "name": "Price filter",
    "nodes": [
        {
            "id": "n1",
            "type": "excelInput",
            "config": {"parsedData": [{"hour": 9, "price": 61.2}, {"hour": 10, "price": 48.9}]},
        },
        {
            "id": "n2",
            "type": "condition",
            "label": "Above 50",
            "config": {
                "conditionField": "price",
                "conditionOperator": "greaterThan",
                "conditionValue": 50,
                "processingMode": "perRow",
            },
        },
        {"id": "n3", "type": "output"},
    ],
    "connections": [
        {"fromNodeId": "n1", "toNodeId": "n2"},
        {"fromNodeId": "n2", "toNodeId": "n3", "outputType": "true"},
    ],
}
VERSION: Described = {
    "id": "price-filter",
    "name": "Price filter",
    "version": 3,
    "updatedAt": CREATED,
    "organizationId": None,
    "hash": "9f3c0e41d9b6a5f0a1e7c0a4c1de2f7b8f4f5d1f0e6c7b9a3d2c1b0a99887766",
}
VERDICT: Described = {
    "valid": False,
    "problems": [
        {
            "code": "UNKNOWN_NODE",
            "message": "connection 0: there is no node 'n9'; did you mean 'n2'?",
            "pointer": "/connections/0/toNodeId",
        }
    ],
    "warnings": [
        {
            "code": "UNKNOWN_CONFIG_KEY",
            "message": "node 'n2': the config key 'conditonField' is not known; "
            "did you mean 'conditionField'?",
            "nodeId": "n2",
            "pointer": "/nodes/1/config/conditonField",
        }
    ],
}
_SAME = {"304": {"description": "The caller has this state already."}}
_NONE_MATCH = header("If-None-Match", "The ETag of the state that the caller has.")
_MATCH = header("If-Match", "The ETag that was seen: 412 if it is another by now.")


def _saved(description: str) -> Described:
    return answer(description, "Workflow", WORKFLOW, ["ETag"])


VALIDATE: Described = {
    "operation_id": "validateWorkflow",
    "summary": "Whether a workflow could run",
    "tags": ["Workflows"],
    "responses": {"200": answer("What is found.", "Verdict", VERDICT), **problems(408, 413, 422)},
    "openapi_extra": body("Workflow", WORKFLOW),
}
CREATE: Described = {
    "operation_id": "createWorkflow",
    "summary": "Keep a new workflow",
    "tags": ["Workflows"],
    "status_code": 201,
    "responses": {"201": _saved("It is kept."), **problems(408, 409, 413, 422, 501, 503)},
    "openapi_extra": body("Workflow", WORKFLOW),
}
LIST: Described = {
    "operation_id": "listWorkflows",
    "summary": "All workflows that are kept",
    "tags": ["Workflows"],
    "responses": {
        "200": answer(
            "The store's by name, then those of the folder.",
            "WorkflowRows",
            [{**VERSION, "origin": "the store", "tags": ["prices"]}],
            ["ETag"],
        ),
        **_SAME,
        **problems(422, 502, 504),
    },
    "openapi_extra": {"parameters": [_NONE_MATCH]},
}
GET: Described = {
    "operation_id": "getWorkflow",
    "summary": "A workflow's JSON",
    "tags": ["Workflows"],
    "responses": {
        "200": _saved("As it was saved."),
        **_SAME,
        **problems(404, 502, 504),
    },
    "openapi_extra": {
        "parameters": [
            *path("workflowId"),
            query("version", "An older version, by its number.", TEXT),
            _NONE_MATCH,
        ]
    },
}
SAVE: Described = {
    "operation_id": "saveWorkflow",
    "summary": "Create a workflow or make a version",
    "tags": ["Workflows"],
    "responses": {
        "200": _saved("It was there; this is its version now."),
        "201": _saved("It is new."),
        **problems(408, 412, 413, 422, 501, 502, 503, 504),
    },
    "openapi_extra": {
        "parameters": [
            *path("workflowId"),
            _MATCH,
            header("If-None-Match", "`*`: 412 if there is one already."),
        ],
        **body("Workflow", WORKFLOW),
    },
}
DELETE: Described = {
    "operation_id": "deleteWorkflow",
    "summary": "Delete a workflow",
    "tags": ["Workflows"],
    "status_code": 204,
    "responses": {
        "204": {"description": "It is gone; its executions stay."},
        **problems(404, 409, 412, 501, 502, 503, 504),
    },
    "openapi_extra": {"parameters": [*path("workflowId"), _MATCH]},
}
VERSION_GET: Described = {
    "operation_id": "getWorkflowVersion",
    "summary": "The JSON of a version",
    "tags": ["Workflows"],
    "responses": {"200": _saved("As it was saved."), **_SAME, **problems(404, 501)},
    "openapi_extra": {"parameters": [*path("workflowId", "version"), _NONE_MATCH]},
}
RESTORE: Described = {
    "operation_id": "restoreWorkflowVersion",
    "summary": "Make an old version the newest one",
    "tags": ["Workflows"],
    "responses": {
        "200": _saved("The newest version by now, with a number of its own."),
        **problems(404, 412, 501, 502, 503, 504),
    },
    "openapi_extra": {"parameters": [*path("workflowId", "version"), _MATCH]},
}
VERSIONS: Described = {
    "operation_id": "listWorkflowVersions",
    "summary": "Every version of a workflow",
    "tags": ["Workflows"],
    "responses": {
        "200": answer("Newest first.", "WorkflowVersions", [VERSION], ["ETag"]),
        **_SAME,
        **problems(404, 422, 501),
    },
    "openapi_extra": {"parameters": [*path("workflowId"), _NONE_MATCH]},
}
