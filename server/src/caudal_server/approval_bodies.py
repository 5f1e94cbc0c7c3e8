"""What callers send and are answered about approvals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.requests import Request

from caudal_core.engine.waits.approvals import Decision
from caudal_core.errors import InvalidRequest
from caudal_core.journal.waits import Approval, ApprovalFilter
from caudal_core.records import kind_of
from caudal_server.parameters import whole_number
from caudal_server.times import iso, moment

STATES = ("open", "approved", "rejected", "expired", "cancelled")
ALL = "all"
SHOWN, MOST_SHOWN = 50, 500
MAX_PERSON, MAX_COMMENT = 200, 4_000


def approval_document(found: Approval) -> dict[str, Any]:
    """An approval as it is told; `data` is what came with the decision."""
    node = f"/api/executions/{found.execution}/nodes/{quote(found.node, safe='')}"
    return {
        "id": found.id,
        "status": found.state,
        "kind": found.kind,
        "question": found.question or found.node_label,
        "executionId": found.execution,
        "workflowId": found.workflow_id,
        "workflowName": found.workflow_name,
        "nodeId": found.node,
        "nodeLabel": found.node_label,
        "organizationId": found.organization,
        "assignedUserId": found.user_id or None,
        "assignedUserName": found.user_name or None,
        "notificationChannel": found.channel or None,
        "createdAt": moment(found.created),
        "expiresAt": iso(found.due),
        "decidedAt": iso(found.decided),
        "decidedBy": found.decided_by,
        "comment": found.comment,
        "data": found.data,
        "inputHref": f"{node}/data?side=input",
    }


def decision_of(body: Any) -> Decision:
    """`{approved, comment?, data?, decidedBy?}`; `InvalidRequest` says what does not fit."""
    if not isinstance(body, dict):
        raise InvalidRequest(message=f"the body is {kind_of(body)}; send an object")
    approved = body.get("approved")
    if not isinstance(approved, bool):
        raise InvalidRequest(message="approved is missing or no boolean; send true or false")
    person = _text(body, "decidedBy", MAX_PERSON)
    return Decision(approved, person, _text(body, "comment", MAX_COMMENT), body.get("data"))


def _text(body: Mapping[str, Any], name: str, most: int) -> str | None:
    value = body.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidRequest(message=f"{name} is {kind_of(value)}; send a text")
    if len(value) > most:
        message = f"{name} has {len(value):,} characters; {most:,} are allowed"
        raise InvalidRequest(message=message)
    return value


def approval_filter(request: Request) -> ApprovalFilter:
    """Which ones the query asks for; the open ones where it does not say."""
    query = request.query_params
    given = [part for text in query.getlist("status") for part in text.split(",") if part]
    for state in given:
        if state not in (*STATES, ALL):
            known = ", ".join((*STATES, ALL))
            raise InvalidRequest(message=f"there is no status '{state[:50]}'; there are: {known}")
    return ApprovalFilter(
        states=() if ALL in given else tuple(given) or ("open",),
        execution=query.get("executionId"),
        user_id=query.get("assignedUserId"),
        organization=query.get("organizationId"),
        after=query.get("cursor"),
        limit=whole_number(request, "limit", SHOWN, least=1, most=MOST_SHOWN),
    )
