"""Workflows as they come in over the API, and as they are listed there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caudal_core.errors import InvalidRequest
from caudal_core.journal.workflows import StoredWorkflow
from caudal_core.records import kind_of
from caudal_core.workflow import UNNAMED
from caudal_server.sources import WorkflowFile, organization_of
from caudal_server.sources.ids import MAX_ID, may_be_kept
from caudal_server.times import moment

SHOWN = ("description", "tags")
"""What a list shows of a workflow's own JSON, where it is there."""


def to_keep(body: dict[str, Any], workflow_id: str | None = None) -> dict[str, Any]:
    """The body, if it is a workflow that can be kept; a draft may be wrong in all else.

    `workflow_id` is the id in the address, which an id in the body must not contradict.
    """
    if not isinstance(body.get("nodes"), list):
        found = kind_of(body["nodes"]) if "nodes" in body else "missing"
        message = f"this is no workflow: its nodes are {found}; a list is expected"
        raise InvalidRequest(message=message)
    given = body.get("id")
    if workflow_id is not None and given not in (None, "") and str(given) != workflow_id:
        message = f"the body has the id '{given}', the address '{workflow_id}'; leave one of them"
        raise InvalidRequest(message=message)
    if workflow_id is None and given is not None and not isinstance(given, str):
        raise InvalidRequest(message=f"the id is {kind_of(given)}; write it as text")
    check_id(workflow_id or given or "new")
    return body


def check_id(workflow_id: str) -> None:
    """Refuse an id that the address of a workflow could not name."""
    if not may_be_kept(workflow_id):
        message = (
            f"'{workflow_id[:50]}' cannot be an id: it is a text of 1 to {MAX_ID} characters, "
            "without '/' and control characters, and neither '.' nor '..'"
        )
        raise InvalidRequest(message=message)


def to_check(body: dict[str, Any]) -> dict[str, Any]:
    """The workflow in the body: the body itself, or what it has under `workflow`."""
    if "nodes" in body or "workflow" not in body:
        return body
    inner = body["workflow"]
    if not isinstance(inner, dict):
        raise InvalidRequest(message=f"workflow is {kind_of(inner)}; a JSON object is expected")
    return inner


def version_row(stored: StoredWorkflow) -> dict[str, Any]:
    """One version: `{id, name, version, updatedAt, organizationId, hash}`."""
    return {
        "id": stored.id,
        "name": stored.name,
        "version": stored.version,
        "updatedAt": moment(stored.created),
        "organizationId": stored.organization,
        "hash": stored.hash,
    }


def extracts(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a list shows of the workflow's own JSON."""
    return {key: document[key] for key in SHOWN if key in document}


def file_row(file: WorkflowFile, origin: str) -> dict[str, Any]:
    """A file of the folder; a broken one has no name, and an `error` that says why."""
    document = file.document or {}
    name = document.get("name")
    row = {
        "id": file.id,
        "name": None if file.error else str(name or UNNAMED),
        "version": None,
        "updatedAt": moment(file.changed),
        "organizationId": organization_of(document),
        "origin": origin,
    }
    return {**row, "error": file.error} if file.error else {**row, **extracts(document)}
