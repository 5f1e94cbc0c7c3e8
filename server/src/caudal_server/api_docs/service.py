"""The endpoints that tell of the server itself, described."""

from __future__ import annotations

from typing import Any

from caudal_server.api_docs.parts import TEXT

Described = dict[str, Any]

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
