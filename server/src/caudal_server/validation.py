"""Whether a workflow could run, and what about it this version leaves undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from caudal_core.errors import InvalidWorkflow
from caudal_core.graph import build_graph
from caudal_core.graph.problems import Problem, problem, unknown_keys
from caudal_core.registry import Registry

SCHEDULE_KEYS = (
    "scheduleEnabled",
    "scheduleType",
    "scheduleInterval",
    "scheduleIntervalValue",
    "scheduleIntervalUnit",
    "cron",
)
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


def _later(document: Mapping[str, Any]) -> Iterator[Problem]:
    """What is kept with the workflow, but not acted on."""
    yield from _not_asked(document)
    for index, node_id, type_, config in _configs(document):
        if type_ == "trigger" and (key := _schedule(config)):
            message = (
                f"node '{node_id}': this version starts nothing by itself; "
                "the schedule is kept, start the workflow over HTTP"
            )
            yield _unavailable(message, node_id, index, key)
        if type_ == "webhook" and config.get(SECRET_KEY):
            message = (
                f"node '{node_id}': this version does not check signatures, so every call of the "
                "webhook is refused; leave webhookSecret empty and set webhookToken"
            )
            yield _unavailable(message, node_id, index, SECRET_KEY)


def _not_asked(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Options of its nodes that this version keeps."""
    nodes = document.get("nodes")
    for index, node in enumerate(nodes if isinstance(nodes, list) else ()):
        if isinstance(node, dict) and node.get("onInterrupted") == "ask":
            message = (
                f"node '{node.get('id')}': this version asks nobody and ends an interrupted node "
                "as failed; onInterrupted may be fail or rerun"
            )
            place = f"/nodes/{index}/onInterrupted"
            yield problem("NOT_AVAILABLE", message, place, node_id=str(node.get("id")))


def _schedule(config: Mapping[str, Any]) -> str | None:
    """The first key of a schedule that is not switched off."""
    if str(config.get("scheduleEnabled", "true")).lower() in ("false", "0", "", "none"):
        return None
    return next((key for key in SCHEDULE_KEYS if config.get(key) not in (None, "")), None)


def _unavailable(message: str, node_id: str, index: int, key: str) -> Problem:
    return problem("NOT_AVAILABLE", message, f"/nodes/{index}/config/{key}", node_id=node_id)
