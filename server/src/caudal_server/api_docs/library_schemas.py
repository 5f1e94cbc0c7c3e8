"""The schemas of workflows, handlers, plugins and webhooks."""

from __future__ import annotations

from typing import Any

from caudal_server.api_docs.parts import ref
from caudal_server.api_docs.schemas import BOOLEAN, MOMENT, TEXT, TEXT_OR_NULL, Schema

_TEXTS: Schema = {"type": "array", "items": TEXT}
_BOTH: Schema = {
    "type": "object",
    "required": ["en", "es"],
    "properties": {"en": TEXT, "es": TEXT},
}


def _object(required: str, about: str = "", /, **properties: Schema) -> Schema:
    found: Schema = {"type": "object", "required": required.split(), "properties": properties}
    return {"description": about, **found} if about else found


def _list(name: str) -> Schema:
    return {"type": "array", "items": ref(name)}


LIBRARY_SCHEMAS: dict[str, Any] = {
    "Workflow": _object(
        "nodes",
        "Keys that are not listed here are kept untouched, in a node and in its config too.",
        id=TEXT,
        name=TEXT,
        description=TEXT,
        organizationId=TEXT,
        tags={"type": "array"},
        nodes=_list("WorkflowNode"),
        connections=_list("WorkflowConnection"),
        settings={"type": "object"},
    ),
    "WorkflowNode": _object(
        "id type",
        id=TEXT,
        type=TEXT,
        label=TEXT,
        config={"type": "object"},
        typeVersion={"type": "integer", "minimum": 1},
        retries={"type": "integer", "minimum": 0},
        retryDelaySeconds={"type": "number", "minimum": 0},
        timeoutSeconds={"type": "number", "exclusiveMinimum": 0},
        onError={"type": "string", "enum": ["fail", "continue", "branch"]},
    ),
    "WorkflowConnection": _object(
        "fromNodeId toNodeId",
        id=TEXT,
        fromNodeId=TEXT,
        toNodeId=TEXT,
        outputType=TEXT,
        inputPort=TEXT,
    ),
    "WorkflowRow": _object(
        "id name version updatedAt organizationId origin",
        "`version` is null for one that is not in the store, `name` for a file with an `error`.",
        id=TEXT,
        name=TEXT_OR_NULL,
        version={"type": ["integer", "null"]},
        updatedAt=MOMENT,
        organizationId=TEXT_OR_NULL,
        origin=TEXT,
        hash=TEXT,
        description=TEXT,
        tags={"type": "array"},
        error=TEXT,
    ),
    "WorkflowRows": _list("WorkflowRow"),
    "WorkflowVersion": _object(
        "id name version updatedAt organizationId hash",
        id=TEXT,
        name=TEXT,
        version={"type": "integer"},
        updatedAt=MOMENT,
        organizationId=TEXT_OR_NULL,
        hash=TEXT,
    ),
    "WorkflowVersions": _list("WorkflowVersion"),
    "Verdict": _object(
        "valid problems warnings",
        "A workflow with warnings alone is valid.",
        valid=BOOLEAN,
        problems=_list("WorkflowProblem"),
        warnings=_list("WorkflowProblem"),
    ),
    "HandlerEntry": _object(
        "type typeVersion title description category icon package version inputs outputs effect "
        "light perRow configSchema",
        type=TEXT,
        typeVersion={"type": "integer", "minimum": 1},
        title=_BOTH,
        description=_BOTH,
        category=TEXT,
        icon=TEXT_OR_NULL,
        package=TEXT,
        version={**TEXT, "description": "The version of the package."},
        inputs=_TEXTS,
        outputs=_TEXTS,
        effect={
            "type": "string",
            "enum": ["pure", "idempotent", "keyed", "transactional", "at_most_once"],
        },
        light=BOOLEAN,
        perRow=BOOLEAN,
        configSchema={"type": "object", "description": "A JSON Schema."},
        docs={**TEXT, "format": "uri"},
    ),
    "HandlerEntries": _list("HandlerEntry"),
    "PluginEntry": _object(
        "name version status handlers error",
        "`error` says what was not taken in, also where the rest of the package was.",
        name=TEXT,
        version=TEXT,
        status={"type": "string", "enum": ["ok", "failed"]},
        handlers=_TEXTS,
        error=TEXT_OR_NULL,
    ),
    "PluginEntries": _list("PluginEntry"),
    "Reloaded": _object(
        "added removed restartNeeded plugins",
        added=_TEXTS,
        removed=_TEXTS,
        restartNeeded={**_TEXTS, "description": "Packages of which another version is loaded."},
        plugins=_list("PluginEntry"),
    ),
    "WebhookAnswer": _object(
        "success executionId status",
        "Where no node of the workflow decides the answer.",
        success=BOOLEAN,
        executionId=TEXT,
        status=TEXT,
        message=TEXT,
        error=TEXT,
        detail=TEXT,
    ),
}
