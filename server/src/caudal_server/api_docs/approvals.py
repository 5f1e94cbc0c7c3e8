"""The endpoints of approvals, described."""

from __future__ import annotations

from typing import Any

from caudal_server.api_docs.compat import CREATED, ID
from caudal_server.api_docs.parts import (
    COUNT,
    TEXT,
    answer,
    body,
    path,
    problems,
    query,
    ref,
)
from caudal_server.api_docs.schemas import MOMENT_OR_NULL, TEXT_OR_NULL, Schema
from caudal_server.approval_bodies import ALL, STATES

Described = dict[str, Any]

APPROVAL: Described = {
    "id": "019c1c2d-9b00-7a11-8c42-0a1b2c3d4e5f",
    "status": "open",
    "kind": "approval",
    "question": "Open the valve?",
    "executionId": ID,
    "workflowId": "valve",
    "workflowName": "Valve",
    "nodeId": "n3",
    "nodeLabel": "Approval",
    "organizationId": None,
    "assignedUserId": "user-7",
    "assignedUserName": "Ana",
    "notificationChannel": "mail",
    "createdAt": CREATED,
    "expiresAt": None,
    "decidedAt": None,
    "decidedBy": None,
    "comment": None,
    "data": None,
    "inputHref": f"/api/executions/{ID}/nodes/n3/data?side=input",
}
_DECIDED: Described = {
    **APPROVAL,
    "status": "approved",
    "decidedAt": CREATED,
    "decidedBy": "Ana",
    "comment": "The pressure is right.",
}
_KINDS = (
    "`approval`: a handler asks. `outcome`: whether an effect that was cut off has happened; "
    "`approved: true` says that it has, `false` lets it be done again."
)
_PROPERTIES: Schema = {
    **{name: TEXT for name in APPROVAL if APPROVAL[name] is not None},
    **{name: TEXT_OR_NULL for name in APPROVAL if APPROVAL[name] is None},
    "status": {"enum": list(STATES), **TEXT},
    "kind": {"enum": ["approval", "outcome"], "description": _KINDS, **TEXT},
    **dict.fromkeys(("assignedUserId", "assignedUserName"), TEXT_OR_NULL),
    "notificationChannel": TEXT_OR_NULL,
    "createdAt": {"type": "string", "format": "date-time"},
    "expiresAt": MOMENT_OR_NULL,
    "decidedAt": MOMENT_OR_NULL,
    "decidedBy": {**TEXT_OR_NULL, "description": "Who is said to have decided; nobody checks it."},
    "data": {"description": "What came with the decision, any JSON value."},
}
APPROVAL_SCHEMAS: dict[str, Schema] = {
    "Approval": {"type": "object", "required": list(APPROVAL), "properties": _PROPERTIES},
    "Approvals": {
        "type": "object",
        "required": ["approvals", "nextCursor"],
        "properties": {
            "approvals": {"type": "array", "items": ref("Approval")},
            "nextCursor": TEXT_OR_NULL,
        },
    },
    "Decision": {
        "type": "object",
        "required": ["approved"],
        "properties": {
            "approved": {"type": "boolean"},
            "comment": {**TEXT_OR_NULL, "maxLength": 4_000},
            "data": {"description": "Handed on instead of what came in, any JSON value."},
            "decidedBy": {**TEXT_OR_NULL, "maxLength": 200},
        },
    },
}

LIST: Described = {
    "operation_id": "listApprovals",
    "summary": "What people are asked",
    "tags": ["Approvals"],
    "responses": {
        "200": answer(
            "A page, the oldest first.",
            "Approvals",
            {"approvals": [APPROVAL], "nextCursor": None},
            ["ETag", "Link"],
        ),
        "304": {"description": "The caller has this state already."},
        **problems(422),
    },
    "openapi_extra": {
        "parameters": [
            query("status", "`open` by default.", {"enum": [*STATES, ALL], **TEXT}, many=True),
            query("executionId", "Only those of this execution.", TEXT),
            query("assignedUserId", "Only those meant for this person.", TEXT),
            query("organizationId", "Only those of this organisation.", TEXT),
            query("limit", "1 to 500; 50 by default.", COUNT),
            query("cursor", "`nextCursor` of the page before.", TEXT),
        ]
    },
}
GET: Described = {
    "operation_id": "getApproval",
    "summary": "One approval",
    "tags": ["Approvals"],
    "responses": {
        "200": answer("As it stands.", "Approval", APPROVAL, ["ETag"]),
        "304": {"description": "The caller has this state already."},
        **problems(404),
    },
    "openapi_extra": {"parameters": path("approvalId")},
}
DECIDE: Described = {
    "operation_id": "decideApproval",
    "summary": "Approve or reject, once",
    "tags": ["Approvals"],
    "responses": {
        "200": answer("It is decided, and the execution goes on.", "Approval", _DECIDED),
        **problems(404, 409, 413, 422, 503),
    },
    "openapi_extra": {
        "parameters": path("approvalId"),
        **body(
            "Decision",
            {"approved": True, "comment": "The pressure is right.", "decidedBy": "Ana"},
        ),
    },
}
