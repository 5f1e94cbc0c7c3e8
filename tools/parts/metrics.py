"""What `/metrics` tells."""

from __future__ import annotations

from caudal_server.metrics import METRICS
from tools.parts.markdown import code
from tools.parts.markdown import table as made


def table() -> str:
    """Each metric with its kind, its labels and what it means."""
    rows = [
        [code(item.name), item.kind, ", ".join(map(code, item.labels)), item.meaning]
        for item in METRICS
    ]
    return made(["metric", "kind", "labels", "meaning"], rows)
