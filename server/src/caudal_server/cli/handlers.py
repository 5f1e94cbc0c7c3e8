"""`caudal handlers`: what nodes there can be."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from caudal_server.cli.options import AsJson
from caudal_server.cli.terminal import print_json, print_table, show


def handlers(
    type_: Annotated[
        str | None, typer.Argument(metavar="[TYPE]", help="Only this one, with its config.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the installed handlers, or show one.

    JSON is a list of the objects of `GET /api/handlers`, of one if a type is named.
    """
    found = _entries(type_)
    if as_json:
        import orjson

        print_json(orjson.dumps(found))
    elif type_ is not None:
        _show(found[0])
    else:
        rows = [[e["type"], e["title"]["en"], e["category"], _from(e)] for e in found]
        print_table(["Type", "Title", "Category", "Package"], rows)


def _entries(type_: str | None) -> list[dict[str, Any]]:
    from caudal_core.errors import InvalidRequest, nearest
    from caudal_server.catalogue import handler_entry
    from caudal_server.cli.installed import registry

    installed = registry().handlers
    if type_ is None:
        return [handler_entry(item) for item in installed.values()]
    if type_ not in installed:
        near = nearest(type_, list(installed))
        hint = f"did you mean '{near}'?" if near else "`caudal handlers` lists those there are"
        raise InvalidRequest(message=f"there is no handler of the type '{type_}'; {hint}")
    return [handler_entry(installed[type_])]


def _from(entry: dict[str, Any]) -> str:
    return f"{entry['package']} {entry['version']}"


def _show(entry: dict[str, Any]) -> None:
    show(f"{entry['type']}: {entry['title']['en']}", "bold")
    show(f"{entry['description']['en']}\n")
    ports = [("inputs", entry["inputs"]), ("outputs", entry["outputs"])]
    facts = [(name, ", ".join(found) or "none") for name, found in ports]
    facts += [("effect", entry["effect"]), ("package", _from(entry))]
    print_table(["Property", "Value"], facts)
    fields = entry["configSchema"].get("properties", {})
    if fields:
        show()
        print_table(
            ["Config", "Kind", "Default", "Meaning"], [_row(*item) for item in fields.items()]
        )


def _row(name: str, schema: dict[str, Any]) -> list[str]:
    import orjson

    default = orjson.dumps(schema["default"]).decode() if "default" in schema else "(needed)"
    unit = f" [{schema['x-unit']}]" if "x-unit" in schema else ""
    about = schema.get("description") or schema.get("title") or ""
    aliases = ", ".join(schema.get("x-aliases", ()))
    return [name, _kind(schema) + unit, default, about + (f" Also: {aliases}." if aliases else "")]


def _kind(schema: dict[str, Any]) -> str:
    """What a JSON Schema allows, in a few words."""
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        kinds = [_kind(option) for option in schema["anyOf"] if option.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "$ref" in schema:
        return "object"
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("type", "any"))
