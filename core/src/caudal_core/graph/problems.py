"""What can be wrong with a workflow, each with a code, a text and the place in its JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.alias_generators import to_camel

from caudal_core.config import Config
from caudal_core.errors import nearest
from caudal_core.records import kind_of
from caudal_core.registry import Registry

Problem = dict[str, Any]

SUGGESTIONS = 50
"""Names of one workflow for which the nearest is looked for; it takes milliseconds each."""

LONGEST_NAME = 100
"""Characters up to which a name is compared with others."""


class Suggestions:
    """Finds what was meant by the unknown names of one workflow, for as many as there is time."""

    def __init__(self) -> None:
        self._left = SUGGESTIONS

    def near(self, name: str, known: Iterable[str]) -> str | None:
        """The known name that is most like `name`, if any is."""
        if not self._left or len(name) > LONGEST_NAME:
            return None
        self._left -= 1
        return nearest(name, list(known))

    def hint(self, name: str, known: Iterable[str]) -> str:
        """`; did you mean 'x'?`, or nothing."""
        near = self.near(name, known)
        return f"; did you mean '{near}'?" if near else ""


def problem(
    code: str,
    message: str,
    pointer: str,
    *,
    node_id: str | None = None,
    connection_id: str | None = None,
) -> Problem:
    """`{code, message, nodeId?, connectionId?, pointer}`; `pointer` is a JSON Pointer."""
    found: Problem = {"code": code, "message": message}
    if node_id is not None:
        found["nodeId"] = node_id
    if connection_id is not None:
        found["connectionId"] = connection_id
    return {**found, "pointer": pointer}


def pointer(*steps: str | int) -> str:
    """The JSON Pointer that leads along these keys and positions."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def shape_problem(error: dict[str, Any], document: Any) -> Problem:
    """A part of the workflow that has the wrong shape, from pydantic's account of it."""
    place = [str(step) for step in error["loc"]]
    node_id = _node_id(document, place)
    where = f"node '{node_id}', {'.'.join(place[2:])}" if node_id else ".".join(place)
    message = f"{where or 'the workflow'}: {_reason(error)}"
    return problem("INVALID_WORKFLOW", message, pointer(*place), node_id=node_id)


def _node_id(document: Any, place: list[str]) -> str | None:
    if len(place) < 3 or place[0] != "nodes":
        return None
    node = document["nodes"][int(place[1])]
    return str(node["id"]) if isinstance(node, dict) and node.get("id") else None


def stored_key(model: type[Config], name: str, stored: Mapping[str, Any]) -> str:
    """The key under which a config has the field `name`, or should have it."""
    names, wanted = model.wire_names(), model.model_fields[name].alias or name
    return next((key for key in stored if names.get(key) == name), wanted)


def config_problem(
    error: dict[str, Any], model: type[Config], node_id: str, index: int, stored: dict[str, Any]
) -> Problem:
    """A config that does not fit, from pydantic's account of it."""
    steps = [to_camel(step) if isinstance(step, str) else str(step) for step in error["loc"]]
    named = str(error["loc"][0]) if steps else ""
    if named in model.model_fields:
        steps[0] = stored_key(model, named, stored)
    name = ".".join(steps)
    value = stored.get(steps[0]) if len(steps) == 1 else None
    if named in model.secret_fields():
        value, error = "••••", {**error, "input": "••••"}
    message = f"node '{node_id}', config {name}: {_reason(error, value)}".replace(" :", ":")
    place = pointer("nodes", index, "config", *steps)
    return problem("INVALID_CONFIG", message, place, node_id=node_id)


def _reason(error: dict[str, Any], stored: Any = None) -> str:
    if error["type"] == "missing":
        return "it is missing"
    text = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "model_type":
        text = "it should be an object"
    value = error["input"] if stored is None else stored
    if error["type"] == "value_error" and stored is None:
        return text
    shown = f"'{value[:60]}'" if isinstance(value, str) else kind_of(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        shown = str(value)
    if isinstance(value, str) and "{{" in value:
        text += "; only text fields may hold a template"
    return f"{text[:1].lower()}{text[1:]}, got {shown}"


def unknown_type(
    type_: str, node_id: str, index: int, registry: Registry, suggestions: Suggestions
) -> Problem:
    """A type that no installed package serves; names what would bring it, or what is near."""
    message = f"node '{node_id}': there is no handler for the type '{type_}'"
    package = registry.known_types.get(type_)
    if package:
        message += f"; it comes with the package {package}"
        installed = next((plugin for plugin in registry.plugins if plugin.name == package), None)
        if installed:
            message += f", of which {installed.version} is installed and does not have it"
    else:
        message += suggestions.hint(type_, registry.handlers)
    broken = [plugin.name for plugin in registry.plugins if plugin.status == "failed"]
    if broken:
        message += f" (not taken in: {', '.join(broken)})"
    return problem("UNKNOWN_TYPE", message, pointer("nodes", index, "type"), node_id=node_id)


def unknown_keys(
    model: type[Config],
    stored: dict[str, Any],
    node_id: str,
    index: int,
    suggestions: Suggestions | None = None,
) -> list[Problem]:
    """A warning for each config key that means nothing to the handler."""
    known = model.known_keys()
    suggestions = suggestions or Suggestions()
    found = []
    for key in model.unknown_keys(stored):
        hint = suggestions.hint(key, known)
        message = f"node '{node_id}': the config key '{key}' is not known{hint}"
        place = pointer("nodes", index, "config", key)
        found.append(problem("UNKNOWN_CONFIG_KEY", message, place, node_id=node_id))
    return found
