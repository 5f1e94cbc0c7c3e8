"""Whether a workflow could run, and what about it this version leaves undone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from caudal_core.errors import InvalidWorkflow
from caudal_core.graph import build_graph
from caudal_core.graph.problems import Problem, problem, unknown_keys
from caudal_core.registry import Registry
from caudal_core.triggers import wrong_triggers

SECRET_KEY = "webhookSecret"  # noqa: S105 - the name of a key


def verdict(document: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """`{valid, problems, warnings}`.

    Problems and warnings are `{code, message, nodeId?, connectionId?, pointer}`. A workflow with
    warnings alone is valid.
    """
    try:
        problems, warnings = [], list(build_graph(dict(document), registry).warnings)
    except InvalidWorkflow as error:
        problems, warnings = error.problems, list(_unknown_keys(document, registry))
    warnings += _triggers(document, registry, {item.get("nodeId") for item in problems})
    warnings += _later(document)
    return {"valid": not problems, "problems": problems, "warnings": warnings}


def _configs(document: Mapping[str, Any]) -> Iterator[tuple[int, str, str, dict[str, Any]]]:
    """Position, id, type and config of every node that has them in the right form."""
    nodes = document.get("nodes")
    for index, node in enumerate(nodes if isinstance(nodes, list) else ()):
        if not isinstance(node, dict):
            continue
        node_id, type_, config = node.get("id"), node.get("type"), node.get("config")
        if isinstance(node_id, str) and isinstance(type_, str) and isinstance(config, dict):
            yield index, node_id, type_, config


def _unknown_keys(document: Mapping[str, Any], registry: Registry) -> Iterator[Problem]:
    for index, node_id, type_, config in _configs(document):
        registered = registry.handlers.get(type_)
        if registered is not None:
            yield from unknown_keys(registered.handler.config, config, node_id, index)


def _triggers(
    document: Mapping[str, Any], registry: Registry, told: Collection[object]
) -> Iterator[Problem]:
    """What keeps nodes from starting the workflow by themselves; of those not `told` of yet."""
    places = {node_id: index for index, node_id, _, _ in _configs(document)}
    for node_id, why in wrong_triggers(document, registry):
        if node_id not in told:
            message = f"node '{node_id}' cannot start the workflow by itself: {why}"
            place = f"/nodes/{places[node_id]}/config" if node_id in places else "/nodes"
            yield problem("INVALID_TRIGGER", message, place, node_id=node_id)


def _later(document: Mapping[str, Any]) -> Iterator[Problem]:
    """What is kept with the workflow, but not acted on."""
    for index, node_id, type_, config in _configs(document):
        if type_ == "webhook" and config.get(SECRET_KEY):
            message = (
                f"node '{node_id}': this version does not check signatures, so every call of the "
                "webhook is refused; leave webhookSecret empty and set webhookToken"
            )
            place = f"/nodes/{index}/config/{SECRET_KEY}"
            yield problem("NOT_AVAILABLE", message, place, node_id=node_id)
