"""The endpoint of the ledger, described."""

from __future__ import annotations

from typing import Any

from caudal_server.api_docs.compat import CREATED, ID
from caudal_server.api_docs.parts import COUNT, TEXT, answer, problems, query, ref
from caudal_server.api_docs.schemas import BOOLEAN, NODE_STATES, TEXT_OR_NULL, Schema

Described = dict[str, Any]

EFFECT: Described = {
    "executionId": ID,
    "workflowId": "readings",
    "workflowName": "Readings",
    "organizationId": None,
    "nodeId": "n4",
    "nodeType": "saveRecords",
    "nodeLabel": "Save records",
    "effect": "transactional",
    "idempotencyKey": "6d0f1b7c2e0a49d58c31e5a07b9f64d2a1c8e3f0",
    "attempt": 1,
    "status": "completed",
    "outcomeKnown": True,
    "message": "20 records saved to 'readings': 20 inserted",
    "error": None,
    "startedAt": CREATED,
    "duration": 0.012,
}
_EFFECTS = ["keyed", "transactional", "at_most_once"]
_PROPERTIES: Schema = {
    **{name: TEXT for name in EFFECT if EFFECT[name] is not None},
    **{name: TEXT_OR_NULL for name in EFFECT if EFFECT[name] is None},
    "effect": {"type": ["string", "null"], "enum": [*_EFFECTS, None]},
    "attempt": {"type": "integer", "minimum": 1},
    "status": {"enum": NODE_STATES, **TEXT},
    "outcomeKnown": {
        **BOOLEAN,
        "description": "False while it runs, where it was cut off, ran out of time, or failed in a "
        "way that its handler did not foresee.",
    },
    "message": TEXT_OR_NULL,
    "startedAt": {"type": "string", "format": "date-time"},
    "duration": {"type": ["number", "null"], "description": "In seconds."},
}
EFFECT_SCHEMAS: dict[str, Schema] = {
    "Effect": {"type": "object", "required": list(EFFECT), "properties": _PROPERTIES},
    "Effects": {
        "type": "object",
        "required": ["effects", "nextCursor"],
        "properties": {
            "effects": {"type": "array", "items": ref("Effect")},
            "nextCursor": TEXT_OR_NULL,
        },
    },
}

_WHEN = "A moment in ISO 8601, or `24h`, `30m`, `7d` ago."
LIST: Described = {
    "operation_id": "listEffects",
    "summary": "What was done to the world",
    "tags": ["Executions"],
    "responses": {
        "200": answer(
            "Runs of nodes whose effect counts, the newest first.",
            "Effects",
            {"effects": [EFFECT], "nextCursor": None},
            ["ETag", "Link"],
        ),
        "304": {"description": "The caller has this state already."},
        **problems(422),
    },
    "openapi_extra": {
        "parameters": [
            query("since", f"Begun then or later. {_WHEN}", TEXT),
            query("until", f"Begun before. {_WHEN}", TEXT),
            query("executionId", "Only those of this execution.", TEXT),
            query("organizationId", "Only those of this organisation.", TEXT),
            query("limit", "1 to 1,000; 100 by default.", COUNT),
            query("cursor", "`nextCursor` of the page before.", TEXT),
        ]
    },
}
