"""Conditions as tests ask them."""

from typing import Any

from caudal_builtin.condition import condition
from caudal_core.testing import Ran, run_handler

ROWS: list[dict[str, Any]] = [
    {"id": 1, "price": 40},
    {"id": 2, "price": 60.5},
    {"id": 3, "price": None},
    {"id": 4},
    {"id": 5, "price": "1.234,5"},
]


def ran(data: Any, field: str, operator: str, value: Any = "", **more: Any) -> Ran:
    """One condition over the data, as an editor stores it."""
    config = {"conditionField": field, "conditionOperator": operator, "conditionValue": value}
    timezone = more.pop("workflow_timezone", "UTC")
    return run_handler(condition, data, {**config, **more}, timezone=timezone)


def met(data: Any, field: str, operator: str, value: Any = "", **more: Any) -> list[Any]:
    """The ids of the records that meet the condition, row by row."""
    found = ran(data, field, operator, value, processingMode="perRow", **more)
    rows = found.outputs.get("true", [])
    return [row["id"] for row in rows]
