"""What is installed, as objects for the API and the command line."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from caudal_core import Config
from caudal_core.errors import error_text
from caudal_core.registry import Plugin, Registered


def handler_entry(registered: Registered) -> dict[str, Any]:
    """One handler.

    `{type, typeVersion, title, description, category, icon, package, version, inputs, outputs,
    effect, light, perRow, configSchema, docs?}`; title and description are `{en, es}`.
    """
    handler = registered.handler
    entry = {
        "type": handler.type,
        "typeVersion": handler.version,
        "title": handler.title.as_dict(),
        "description": handler.description.as_dict(),
        "category": handler.category,
        "icon": handler.icon,
        "package": registered.package,
        "version": registered.version,
        "inputs": list(handler.inputs),
        "outputs": list(handler.outputs),
        "effect": handler.effect,
        "light": handler.light,
        "perRow": handler.per_row,
        "configSchema": config_schema(handler.config),
    }
    docs = docs_link(registered.package, registered.version)
    return {**entry, "docs": docs} if docs else entry


def plugin_entry(plugin: Plugin) -> dict[str, Any]:
    """One plugin: `{name, version, status, handlers, error}`; `name` is its distribution's."""
    return {
        "name": plugin.name,
        "version": plugin.version,
        "status": plugin.status,
        "handlers": list(plugin.handlers),
        "error": plugin.error,
    }


@lru_cache(maxsize=1024)
def config_schema(model: type[Config]) -> dict[str, Any]:
    """The JSON Schema of a config, by the names of the wire, with every default that there is."""
    try:
        return model.model_json_schema(by_alias=True, schema_generator=_WithDefaults)
    except Exception as error:  # noqa: BLE001 - one stranger's model must not hide all handlers
        return {"type": "object", "description": f"no schema can be made: {error_text(error)}"}


class _WithDefaults(GenerateJsonSchema):
    """Writes also the defaults that are made anew for each config, such as empty lists."""

    def get_default_value(self, schema: Any) -> Any:
        factory = schema.get("default_factory")
        if factory is not None and not schema.get("default_factory_takes_data"):
            return factory()
        return super().get_default_value(schema)


@lru_cache(maxsize=256)
def docs_link(package: str, version: str) -> str | None:  # noqa: ARG001 - another may differ
    """Where the documentation of a package is, if the package says it."""
    try:
        links = metadata(package).get_all("Project-URL") or []
    except PackageNotFoundError:
        return None
    named = dict(link.split(", ", 1) for link in links if ", " in link)
    return {label.lower(): link for label, link in named.items()}.get("documentation")
