"""What is installed: handlers and plugins."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from caudal_core.errors import nearest
from caudal_core.registry import Registry, load_registry
from caudal_core.values import to_wire
from caudal_server import state
from caudal_server.answers import json_answer, tagged
from caudal_server.api_docs.handlers import GET, LIST, PLUGINS, RELOAD
from caudal_server.catalogue import handler_entry, plugin_entry
from caudal_server.parameters import known_only
from caudal_server.refused import Refused


def routes() -> APIRouter:
    """`/api/handlers`, `/api/plugins`."""
    router = APIRouter(prefix="/api")
    reloading = asyncio.Lock()

    async def reload_plugins(request: Request) -> Response:
        """What runs goes on with the handlers that it began with.

        A package that is loaded already in another version stays as it is until a restart.
        """
        engine, prefer = state.engine(request), state.settings(request).prefer
        async with reloading:
            before = engine.registry
            after = await engine.read(lambda: load_registry(prefer=prefer, before=before))
            engine.reload(after)
            state.triggers(request).wake()
        return json_answer(difference(before, after))

    router.get("/handlers", **LIST)(list_handlers)
    router.get("/handlers/{type}", **GET)(get_handler)
    router.get("/plugins", **PLUGINS)(list_plugins)
    router.post("/plugins/reload", **RELOAD)(reload_plugins)
    return router


async def list_handlers(request: Request) -> Response:
    """In the order in which their packages give them."""
    known_only(request)
    engine = state.engine(request)
    found = engine.registry.handlers.values()
    body = await engine.read(lambda: to_wire([handler_entry(item) for item in found]))
    return tagged(request, body)


async def get_handler(request: Request) -> Response:
    """With titles and descriptions in English and Spanish, and the JSON Schema of its config."""
    engine, type_ = state.engine(request), request.path_params["type"]
    found = engine.registry.handlers.get(type_)
    if found is None:
        raise _unknown(type_, engine.registry)
    return tagged(request, await engine.read(lambda: to_wire(handler_entry(found))))


async def list_plugins(request: Request) -> Response:
    """A failed package is listed with its cause; it harms nothing else."""
    known_only(request)
    plugins = state.engine(request).registry.plugins
    return tagged(request, to_wire([plugin_entry(plugin) for plugin in plugins]))


def difference(before: Registry, after: Registry) -> dict[str, Any]:
    """What a reload changed: `{added, removed, restartNeeded, plugins}`.

    `added` and `removed` are types of nodes. `restartNeeded` names the packages whose code is
    still that of the version that was loaded first.
    """
    return {
        "added": [type_ for type_ in after.handlers if type_ not in before.handlers],
        "removed": [type_ for type_ in before.handlers if type_ not in after.handlers],
        "restartNeeded": [plugin.name for plugin in after.plugins if plugin.restart_needed],
        "plugins": [plugin_entry(plugin) for plugin in after.plugins],
    }


def _unknown(type_: str, registry: Registry) -> Refused:
    near = nearest(type_, list(registry.handlers))
    package = registry.known_types.get(type_)
    hint = "GET /api/handlers lists those there are"
    if package is not None:
        hint = f"it comes with the package {package}"
    elif near is not None:
        hint = f"did you mean '{near}'?"
    detail = f"there is no handler of the type '{type_}'; {hint}"
    return Refused(404, "NOT_FOUND", detail, hint=hint, nearest=near)
