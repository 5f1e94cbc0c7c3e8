"""The endpoints of what is installed, described."""

from __future__ import annotations

from typing import Any

from caudal_server.api_docs.parts import answer, header, path, problems

Described = dict[str, Any]

HANDLER: Described = {
    "type": "output",
    "typeVersion": 1,
    "title": {"en": "Output", "es": "Salida"},
    "description": {
        "en": "Hand on the input and mark it as the result.",
        "es": "Entrega la entrada y la marca como resultado.",
    },
    "category": "basic",
    "icon": "flag",
    "package": "caudal-builtin",
    "version": "1.0.0",
    "inputs": ["in"],
    "outputs": ["out"],
    "effect": "pure",
    "light": True,
    "perRow": False,
    "configSchema": {"type": "object", "properties": {}, "title": "Config"},
}
PLUGIN: Described = {
    "name": "caudal-builtin",
    "version": "1.0.0",
    "status": "ok",
    "handlers": ["output"],
    "error": None,
}
_SAME = {"304": {"description": "The caller has this state already."}}
_NONE_MATCH = header("If-None-Match", "The ETag of the state that the caller has.")

LIST: Described = {
    "operation_id": "listHandlers",
    "summary": "Every node type",
    "tags": ["Handlers"],
    "responses": {
        "200": answer("In reading order.", "HandlerEntries", [HANDLER], ["ETag"]),
        **_SAME,
        **problems(422),
    },
    "openapi_extra": {"parameters": [_NONE_MATCH]},
}
GET: Described = {
    "operation_id": "getHandler",
    "summary": "One node type",
    "tags": ["Handlers"],
    "responses": {
        "200": answer("With the JSON Schema of its config.", "HandlerEntry", HANDLER, ["ETag"]),
        **_SAME,
        **problems(404),
    },
    "openapi_extra": {"parameters": [*path("type"), _NONE_MATCH]},
}
PLUGINS: Described = {
    "operation_id": "listPlugins",
    "summary": "The installed packages",
    "tags": ["Plugins"],
    "responses": {
        "200": answer("And what became of each.", "PluginEntries", [PLUGIN], ["ETag"]),
        **_SAME,
        **problems(422),
    },
    "openapi_extra": {"parameters": [_NONE_MATCH]},
}
RELOAD: Described = {
    "operation_id": "reloadPlugins",
    "summary": "Take in what was installed since the start",
    "tags": ["Plugins"],
    "responses": {
        "200": answer(
            "What it changed.",
            "Reloaded",
            {"added": ["double"], "removed": [], "restartNeeded": [], "plugins": [PLUGIN]},
        ),
    },
}
