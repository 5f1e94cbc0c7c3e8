"""The config of a node, from what is stored to its typed form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from caudal_core.config import Config
from caudal_core.errors import TemplateError, error_text
from caudal_core.graph.problems import (
    Problem,
    Suggestions,
    config_problem,
    pointer,
    problem,
    stored_key,
    unknown_keys,
)
from caudal_core.handler import Handler
from caudal_core.template import compile_template
from caudal_core.workflow import Node

Step = str | int


def read_config(
    handler: Handler, node: Node, index: int, suggestions: Suggestions
) -> tuple[Config | None, list[Problem], list[Problem]]:
    """The config if it is valid, then problems and warnings."""
    stored, model = node.config or {}, handler.config
    unknown = unknown_keys(model, stored, node.id, index, suggestions)
    warnings = unknown + _newer(handler, node, index)
    try:
        config = handler.parse(stored, node.type_version or 1)
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems = [config_problem(dict(e), model, node.id, index, stored) for e in found]
        return None, problems, warnings
    except Exception as error:  # noqa: BLE001 - a migration or a validator of a stranger
        message = f"node '{node.id}': its config cannot be read: {error_text(error)}"
        place = pointer("nodes", index, "config")
        wrong = problem("INVALID_CONFIG", message, place, node_id=node.id)
        return None, [wrong], warnings
    return config, list(_unreadable(config, stored, node, index)), warnings


def _newer(handler: Handler, node: Node, index: int) -> list[Problem]:
    version = node.type_version or 1
    if version <= handler.version:
        return []
    message = (
        f"node '{node.id}' was made for version {version} of '{node.type}', "
        f"and version {handler.version} is installed"
    )
    place = pointer("nodes", index, "typeVersion")
    return [problem("NEWER_TYPE_VERSION", message, place, node_id=node.id)]


def _unreadable(
    config: Config, stored: Mapping[str, Any], node: Node, index: int
) -> Iterator[Problem]:
    for (name, *rest), text in _texts(config, ()):
        try:
            compile_template(text)
        except TemplateError as error:
            key = stored_key(type(config), str(name), stored)
            place = pointer("nodes", index, "config", key, *rest)
            message = f"node '{node.id}': {error}"
            yield problem("INVALID_TEMPLATE", message, place, node_id=node.id)


def _texts(value: Any, place: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Every text that may be a template, with the steps that lead to it."""
    if isinstance(value, str):
        if "{{" in value:
            yield place, value
    elif isinstance(value, Config):
        for name in type(value).template_fields():
            step: Step = name if not place else type(value).model_fields[name].alias or name
            yield from _texts(getattr(value, name), (*place, step))
    elif isinstance(value, Mapping | list | tuple):
        items: Any = value.items() if isinstance(value, Mapping) else enumerate(value)
        for step, item in items:
            yield from _texts(item, (*place, step))
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _texts(getattr(value, name), (*place, name))
