"""Workflows to measure, and a handler that does nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from caudal_core import Config, Context, Records, handler


@handler("nothing", effect="pure", light=True)
def nothing(config: Config, data: Any, ctx: Context) -> Any:  # noqa: ARG001 - the form has three
    """Hand on what came in: what is left is the cost of the engine."""
    return data


@handler("column", effect="pure", light=True)
def column(config: Config, data: Records, ctx: Context) -> Records:  # noqa: ARG001
    """Add a field to every record."""
    return data.with_column("added", 1)


def chain(length: int, node_type: str = "nothing") -> dict[str, Any]:
    """One node after the other."""
    ids = [f"n{index}" for index in range(length)]
    return _workflow(ids, list(pairwise(ids)), node_type)


def fan(width: int, node_type: str = "nothing") -> dict[str, Any]:
    """One node that leads to many."""
    ids = ["source", *(f"n{index}" for index in range(width))]
    return _workflow(ids, [("source", target) for target in ids[1:]], node_type)


def _workflow(ids: list[str], edges: list[tuple[str, str]], node_type: str) -> dict[str, Any]:
    return {
        "name": f"{len(ids)} nodes",
        "nodes": [{"id": node_id, "type": node_type} for node_id in ids],
        "connections": [{"fromNodeId": source, "toNodeId": target} for source, target in edges],
    }


FIVE = {
    "id": "five",
    "name": "Five nodes",
    "nodes": [
        {"id": "start", "type": "trigger"},
        {"id": "price", "type": "addField", "config": {"fieldName": "price", "fieldValue": 61.5}},
        {"id": "unit", "type": "addField", "config": {"fieldName": "unit", "fieldValue": "MWh"}},
        {
            "id": "high",
            "type": "condition",
            "config": {
                "conditionField": "price",
                "conditionOperator": "greaterThan",
                "conditionValue": "50",
            },
        },
        {"id": "end", "type": "output"},
    ],
    "connections": [
        {"fromNodeId": "start", "toNodeId": "price"},
        {"fromNodeId": "price", "toNodeId": "unit"},
        {"fromNodeId": "unit", "toNodeId": "high"},
        {"fromNodeId": "high", "toNodeId": "end", "outputType": "true"},
    ],
}
"""The five built-in nodes that the executions a second are counted with."""
