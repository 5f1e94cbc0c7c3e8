"""A workflow's JSON read into its models, as far as that goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from caudal_core.graph.problems import Problem, shape_problem
from caudal_core.workflow import Connection, Node, Workflow

_NEEDED = ("id", "type", "config", "onError")
"""What of a node decides whether there is more wrong with the workflow."""

LONG = 1_000
"""Items of a list that are read in one call."""

_LISTS: dict[str, type[Node | Connection]] = {"nodes": Node, "connections": Connection}


@dataclass(frozen=True, slots=True)
class Reading:
    """Nodes and connections with their places in the JSON, and what is wrong with its shape.

    `broken` are the ids of nodes that could not be read: a connection to one leads somewhere.
    """

    workflow: Workflow
    nodes: list[tuple[int, Node]]
    connections: list[tuple[int, Connection]]
    problems: list[Problem]
    broken: frozenset[str] = frozenset()


def read(document: Any) -> Reading:
    """Read a workflow; where its shape is wrong, all the parts whose shape is not."""
    try:
        workflow = _workflow(document)
    except ValidationError as error:
        problems = [shape_problem(dict(e), document) for e in error.errors(include_url=False)]
        return _salvaged(document, problems)
    nodes, connections = list(enumerate(workflow.nodes)), workflow.connections or []
    return Reading(workflow, nodes, list(enumerate(connections)), [])


def _workflow(document: Any) -> Workflow:
    """The workflow; long lists item by item, as one call for all would hold up other threads."""
    given = document if isinstance(document, dict) else {}
    long = {key: model for key, model in _LISTS.items() if _length(given.get(key)) > LONG}
    if not long:
        return Workflow.model_validate(document)
    try:
        lists = {key: [model.model_validate(i) for i in given[key]] for key, model in long.items()}
        rest = Workflow.model_validate({**given, **{key: [] for key in long}})
    except ValidationError:
        return Workflow.model_validate(document)  # for the places of all errors
    return rest.model_copy(update=lists)


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list) else 0


def _salvaged(document: Any, problems: list[Problem]) -> Reading:
    nodes, broken = [], set()
    for index, item in _items(document, "nodes"):
        node = _node(item)
        if node is not None:
            nodes.append((index, node))
        elif isinstance(item, dict) and isinstance(item.get("id"), str):
            broken.add(item["id"])
    connections = [
        (index, connection)
        for index, item in _items(document, "connections")
        if (connection := _connection(item)) is not None
    ]
    return Reading(Workflow(nodes=[]), nodes, connections, problems, frozenset(broken))


def _items(document: Any, key: str) -> Iterator[tuple[int, Any]]:
    found = document.get(key) if isinstance(document, dict) else None
    return enumerate(found if isinstance(found, list) else ())


def _node(item: Any) -> Node | None:
    """The node without the options that are wrong, if that leaves one."""
    try:
        return Node.model_validate(item)
    except ValidationError as error:
        wrong = {str(step) for e in error.errors() for step in e["loc"][:1]}
    if not isinstance(item, dict) or wrong & {"id", "type"}:
        return None
    return Node.model_validate({k: item[k] for k in _NEEDED if k in item and k not in wrong})


def _connection(item: Any) -> Connection | None:
    try:
        return Connection.model_validate(item)
    except ValidationError:
        return None
