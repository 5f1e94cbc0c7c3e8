"""Tables of the keys of a config, from its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tools.parts.markdown import code, table

Schema = dict[str, Any]

LIMITS = {
    "minimum": "from {}",
    "exclusiveMinimum": "above {}",
    "maximum": "to {}",
    "exclusiveMaximum": "below {}",
    "minLength": "of at least {} character",
}
HEADERS = ["key", "type", "default", "English", "español"]


def tables(schema: Schema) -> Iterator[str]:
    """The table of a config, then those of the objects in its lists."""
    if not schema.get("properties"):
        yield "It has no config."
        return
    yield table(HEADERS, _rows(schema))
    for name, inner in schema.get("$defs", {}).items():
        if "properties" in inner:
            yield f"Each entry of {_owner(schema, name)} has:"
            yield table(HEADERS, _rows(inner))


def _owner(schema: Schema, name: str) -> str:
    for key, about in schema["properties"].items():
        if f"#/$defs/{name}" in json.dumps(about):
            return code(key)
    return code(name)


def _rows(schema: Schema) -> Iterator[list[str]]:
    needed = schema.get("required", ())
    for key, about in schema["properties"].items():
        spanish = about.get("x-es", {})
        yield [
            code(key) + _aliases(about),
            _kind(about) + _unit(about),
            "needed" if key in needed else _default(about),
            _texts(about.get("title"), about.get("description")),
            _texts(spanish.get("title"), spanish.get("description")),
        ]


def _aliases(about: Schema) -> str:
    found = about.get("x-aliases", ())
    return f" (or {', '.join(map(code, found))})" if found else ""


def _unit(about: Schema) -> str:
    return f" in {about['x-unit']}" if "x-unit" in about else ""


def _default(about: Schema) -> str:
    value = about.get("default")
    return "" if value in (None, "", []) else code(json.dumps(value, ensure_ascii=False))


def _texts(title: str | None, description: str | None) -> str:
    return ": ".join(filter(None, (f"**{title}**" if title else "", description)))


def _kind(about: Schema) -> str:
    """What a JSON Schema allows, in a few words."""
    if "enum" in about:
        return ", ".join(map(code, map(str, about["enum"])))
    if "anyOf" in about:
        kinds = [_kind(option) for option in about["anyOf"] if option.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "$ref" in about:
        return "object"
    if about.get("type") == "array":
        return f"list of {_plural(_kind(about.get('items', {})))}"
    limits = [text.format(about[key]) for key, text in LIMITS.items() if key in about]
    if about.get("format") == "password":
        return "secret"
    return " ".join([_NAMES.get(str(about.get("type", "any")), "any value"), *limits])


def _plural(kind: str) -> str:
    return kind if kind == "any value" else f"{kind}s"


_NAMES = {
    "boolean": "boolean",
    "integer": "whole number",
    "number": "number",
    "object": "object",
    "string": "text",
}
