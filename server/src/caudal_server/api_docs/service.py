"""The endpoints that tell of the server itself, described."""

from __future__ import annotations

from typing import Any

from caudal_server.api_docs.parts import TEXT, answer, problems

Described = dict[str, Any]

_ABOUT = {
    "service": "Workflow Orchestration Service",
    "status": "running",
    "version": "1.0.0",
    "timestamp": "2026-01-31T09:15:00.000Z",
}

SERVICE_SCHEMAS: dict[str, Described] = {
    "Service": {
        "type": "object",
        "required": list(_ABOUT),
        "properties": dict.fromkeys(_ABOUT, TEXT),
    },
    "State": {"type": "object", "required": ["status"], "properties": {"status": TEXT}},
}

SERVICE: Described = {
    "operation_id": "getService",
    "summary": "Name, state and version",
    "responses": {"200": answer("The server.", "Service", _ABOUT)},
}

HEALTH: Described = {
    "operation_id": "getHealth",
    "summary": "Whether the process is alive",
    "responses": {"200": answer("It is.", "State", {"status": "ok"})},
}

READINESS: Described = {
    "operation_id": "getReadiness",
    "summary": "Whether it can take work",
    "responses": {
        "200": answer("It can.", "State", {"status": "ready"}),
        **problems(503),
    },
}

_PAGE = """# HELP caudal_executions Executions that have not ended.
# TYPE caudal_executions gauge
caudal_executions{state="pending"} 0.0
caudal_executions{state="running"} 2.0
caudal_executions{state="waiting"} 0.0
"""

METRICS: Described = {
    "operation_id": "getMetrics",
    "summary": "What it counts, for Prometheus",
    "responses": {
        "200": {
            "description": "The text form of Prometheus.",
            "content": {"text/plain": {"schema": TEXT, "example": _PAGE}},
        }
    },
}
