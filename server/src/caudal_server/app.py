"""The application: an engine, and the routers that offer it over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI

from caudal_core.engine import Engine
from caudal_core.runner.pool import ThreadPool
from caudal_core.triggers import TriggerService
from caudal_server import problems
from caudal_server.api_docs.document import DESCRIPTION, TAGS, describe
from caudal_server.assembly import uploads_of
from caudal_server.bodies import PARSING
from caudal_server.calls import UrlCaller
from caudal_server.edge import Edge
from caudal_server.egress import Egress
from caudal_server.late import LateTeller
from caudal_server.routers import (
    approvals,
    compat,
    effects,
    entities,
    executions,
    files,
    handlers,
    pages,
    schedules,
    service,
    streams,
    webhooks,
    workflows,
)
from caudal_server.schedules import KeptWorkflows
from caudal_server.settings import Settings
from caudal_server.sources import WorkflowFinder
from caudal_server.told import Told
from caudal_server.upload import UPLOADING

DAY = 86_400.0
RECORDING = 4
"""Calls about entities and records that are answered at one time."""


def create_app(engine: Engine, settings: Settings) -> FastAPI:
    """The ASGI application over an engine that has not been started: its lifespan does that.

    ::

        settings = load_settings()
        app = create_app(make_engine(settings), settings)

    Raises `InvalidSettings` if the place of the workflows makes no sense.
    """
    app = FastAPI(
        title="Caudal",
        version=version("caudal-server"),
        description=DESCRIPTION,
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.engine = engine
    app.state.settings = settings
    app.state.finder = WorkflowFinder(engine, settings)
    place = KeptWorkflows(engine, app.state.finder)
    app.state.triggers = TriggerService(engine, place, enabled=settings.schedules)
    app.state.egress = Egress(settings.egress_allow)
    app.state.caller = UrlCaller(engine, app.state.egress, settings)
    _tell(engine, app)
    app.state.stopping = asyncio.Event()
    app.state.parsing = ThreadPool(PARSING, "caudal-parse")
    app.state.recording = ThreadPool(RECORDING, "caudal-records")
    app.state.told = Told()
    app.state.uploads = uploads_of(settings)
    app.state.uploading = ThreadPool(UPLOADING, "caudal-upload")
    app.add_middleware(Edge, hosts=settings.allowed_hosts)
    problems.install(app)
    for router in routers():
        app.router.routes.extend(router.routes)
    describe(app)
    return app


def _tell(engine: Engine, app: FastAPI) -> None:
    """Where notices find the workflows that are told, how they are called, and where links lead."""
    finder: WorkflowFinder = app.state.finder
    settings: Settings = app.state.settings

    async def find(workflow_id: str) -> tuple[Mapping[str, Any], str | None]:
        found = await finder.find(workflow_id)
        return found.document, found.digest

    app.state.late = LateTeller(engine, finder)
    app.state.triggers.listen(app.state.late.heard)
    engine.outbox.delivery.find = find
    engine.outbox.delivery.caller = app.state.caller
    engine.outbox.base_url = settings.public_url or f"http://{settings.host}:{settings.port}"


def routers() -> tuple[APIRouter, ...]:
    """All routers; the busiest come first, as paths are tried in this order."""
    return (
        service.routes(),
        compat.routes(),
        executions.routes(),
        streams.routes(),
        workflows.routes(),
        schedules.routes(),
        entities.routes(),
        handlers.routes(),
        files.routes(),
        webhooks.routes(),
        pages.routes(),
        approvals.routes(),
        effects.routes(),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    engine: Engine = app.state.engine
    settings: Settings = app.state.settings
    await engine.start()
    # Where others share the folder, one of them may be taking a file in at this moment.
    age = 0.0 if engine.storage.exclusive else DAY
    await engine.read(lambda: app.state.uploads.tidy(age))
    await app.state.triggers.start()
    try:
        yield
    finally:
        app.state.stopping.set()
        await app.state.triggers.close()
        await app.state.late.close()
        # Whoever made the engine refuse new work has given its executions their time already.
        await engine.close(drain=0.0 if engine.closing else settings.drain_seconds)
        await app.state.caller.close()
        await app.state.finder.close()
        app.state.parsing.close()
        app.state.uploading.close()
        app.state.recording.close()
