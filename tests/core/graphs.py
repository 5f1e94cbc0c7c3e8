"""Graphs for tests, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.flows import HANDLERS, document

from caudal_core import Config, Context, Field, handler
from caudal_core.errors import InvalidWorkflow
from caudal_core.graph import Graph, build_graph
from caudal_core.registry import Registry


class Limits(Config):
    """Fields that refuse much."""

    count: int = Field(1, ge=0, aliases=["howMany"])
    name: str = "x"
    percent: float = Field(0.0, le=100)
    items: list[int] = Field(default_factory=list)
    needed: str | None = None


@handler("limits", effect="pure")
def limits(config: Limits, data: Any, ctx: Context) -> Any:
    """Hand on what came in."""
    return data


class Needs(Config):
    """A field without a default."""

    table_name: str


@handler("needs", effect="pure")
def needs(config: Needs, data: Any, ctx: Context) -> Any:
    """Hand on what came in."""
    return data


REGISTRY = Registry.of(*HANDLERS, limits, needs)


def graph(nodes: dict[str, Any], *connections: str, **rest: Any) -> Graph:
    """The checked graph of a small workflow."""
    return build_graph(document(nodes, *connections, **rest), REGISTRY)


def problems(workflow: Any, registry: Registry = REGISTRY) -> list[dict[str, Any]]:
    """Everything that is wrong with a workflow."""
    with pytest.raises(InvalidWorkflow) as caught:
        build_graph(workflow, registry)
    return caught.value.problems


def codes(workflow: Any) -> list[str]:
    """The codes of its problems."""
    return [found["code"] for found in problems(workflow)]


def only(workflow: Any, registry: Registry = REGISTRY) -> dict[str, Any]:
    """The one thing that is wrong with a workflow."""
    (found,) = problems(workflow, registry)
    return found


def ways(found: Graph) -> list[tuple[str, str, str, str]]:
    """Every connection as `(from, output port, to, input port)`."""
    ids = [node.id for node in found.nodes]
    return [
        (ids[edge.source], edge.output_port, ids[edge.target], edge.input_port)
        for node in found.nodes
        for edge in node.outgoing
    ]
