"""A server for tests, with a few small handlers: in this process, or listening on a free port."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI

from caudal_builtin.plugin import caudal_triggers
from caudal_core import Config, Context, Field, HandlerError, Outputs, Records, handler
from caudal_core.engine import Engine, EngineOptions, FolderStorage
from caudal_core.files import FileAccess
from caudal_core.handler import Handler
from caudal_core.registry import Registry
from caudal_core.trigger import Clock
from caudal_core.triggers import TriggerService
from caudal_server.app import create_app
from caudal_server.assembly import uploads_of
from caudal_server.listeners import listen
from caudal_server.schedules import KeptWorkflows
from caudal_server.serving import uvicorn_config
from caudal_server.settings import Settings

ENDED = ("completed", "failed", "cancelled")


class Value(Config):
    """A value that a test wants handed on, and how often."""

    value: Any = None
    rows: int = Field(0, ge=0)
    text: str = "x"


@handler("give", effect="pure", light=True)
def give(config: Value, data: Any, ctx: Context) -> Any:
    """Hand on the configured value, else what came in."""
    return data if config.value is None else config.value


@handler("rows", effect="pure")
def rows(config: Value, data: Any, ctx: Context) -> Any:
    """Make as many records as the config says."""
    ctx.say(f"made {config.rows} rows", made=config.rows)
    return [{"n": number, "text": config.text} for number in range(config.rows)]


@handler("halves", effect="pure", outputs=("even", "odd"))
def halves(config: Value, data: Any, ctx: Context) -> Any:
    """Part records by their number; a half without records is a branch not taken."""
    parts = {
        "even": [row for row in data if row["n"] % 2 == 0],
        "odd": [row for row in data if row["n"] % 2],
    }
    ctx.say("parted", even_records=parts["even"], odd_count=len(parts["odd"]))
    return Outputs(**{port: part for port, part in parts.items() if part})


@handler("fail", effect="pure", light=True)
def fail(config: Value, data: Any, ctx: Context) -> Any:
    """Fail, saying what to do."""
    raise HandlerError("the tank is empty", hint="fill it")


@handler("units", effect="pure")
def units(config: Value, data: Records, ctx: Context) -> Any:
    """Give the column `n` a unit."""
    return Records.of(data.to_json(), {"n": {"unit": "kWh"}})


@handler("gate")
async def gate(config: Value, data: Any, ctx: Context) -> Any:
    """Say something, then wait until somebody cancels, or for `rows` milliseconds."""
    ctx.log.info("waiting")
    ctx.progress(1, 4, "a quarter")
    await asyncio.sleep(config.rows / 1000 if config.rows else 3600)
    return data


@handler("output", effect="pure", light=True)
def output(config: Value, data: Any, ctx: Context) -> Any:
    """Hand on what came in, as the final output."""
    return data


TRIGGERS = {trigger.node_type: trigger for trigger in caudal_triggers()}
HANDLERS = (give, rows, halves, fail, units, gate, output)


class Service:
    """What a test needs of a server: the application, and a client that speaks to it."""

    def __init__(self, app: FastAPI, http: httpx2.AsyncClient) -> None:
        self.app = app
        self.http = http
        self.engine: Engine = app.state.engine

    async def get(self, path: str, status: int = 200, **options: Any) -> Any:
        """The body of what is there."""
        response = await self.http.get(path, **options)
        assert status == response.status_code, response.text
        return response.json()

    async def post(self, path: str, body: Any = None, status: int = 200, **options: Any) -> Any:
        """The body of the answer to a call."""
        response = await self.http.post(path, json=body, **options)
        assert status == response.status_code, response.text
        return response.json()

    async def start(self, workflow: Mapping[str, Any], **more: Any) -> str:
        """Execute an inline workflow; its execution's id."""
        answer = await self.post("/api/workflows/execute", {"workflow": workflow, **more})
        return str(answer["executionId"])

    async def ended(self, execution_id: str) -> Any:
        """The status of an execution once it has ended."""
        while True:
            status = await self.get(f"/api/executions/{execution_id}?wait=10")
            if status["status"] in ENDED:
                return status

    async def run(self, workflow: Mapping[str, Any], **more: Any) -> Any:
        """Execute an inline workflow to its end; its status."""
        return await self.ended(await self.start(workflow, **more))

    async def until_running(self, execution_id: str) -> Any:
        """The status of an execution once one of its nodes runs."""
        while True:
            status = await self.get(f"/api/executions/{execution_id}")
            if status["currentNodeId"] is not None:
                return status
            await asyncio.sleep(0.01)


def settings(folder: Path, **given: Any) -> Settings:
    """Settings that nothing outside the test decides."""
    return Settings(data=folder / "data", timezone="UTC", drain_seconds=0, **given)


def application(folder: Path, *handlers: Handler, memory: bool = False, **given: Any) -> FastAPI:
    """An application that keeps what it does in `folder`, or nowhere."""
    storage = None if memory else FolderStorage(folder / "data")
    found = settings(folder, **given)
    options = EngineOptions(files=FileAccess(uploads=uploads_of(found)))
    registry = replace(Registry.of(*(handlers or HANDLERS)), triggers=TRIGGERS)
    engine = Engine(registry, storage=storage, options=options)
    return create_app(engine, found)


@asynccontextmanager
async def service(
    folder: Path,
    *handlers: Handler,
    memory: bool = False,
    clock: Clock | None = None,
    **given: Any,
) -> AsyncIterator[Service]:
    """A service in this process, without a socket; its schedules go by the clock."""
    app = application(folder, *handlers, memory=memory, **given)
    place = KeptWorkflows(app.state.engine, app.state.finder)
    on = app.state.settings.schedules
    app.state.triggers = TriggerService(app.state.engine, place, clock=clock, enabled=on)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as http,
    ):
        yield Service(app, http)


@asynccontextmanager
async def listening(
    folder: Path, *handlers: Handler, memory: bool = False, **given: Any
) -> AsyncIterator[Service]:
    """A service that listens on localhost as the real one does."""
    app = application(folder, *handlers, memory=memory, **given)
    with listen("localhost", 0) as found:
        server = uvicorn.Server(uvicorn_config(app))
        async with app.router.lifespan_context(app):
            serving = asyncio.create_task(server._serve(list(found.sockets)))  # noqa: SLF001
            try:
                async with httpx2.AsyncClient(base_url=found.url, timeout=20) as http:
                    yield Service(app, http)
            finally:
                app.state.stopping.set()
                server.should_exit = True
                await serving


def node(node_id: str, type_: str, **config: Any) -> dict[str, Any]:
    """A node with its config."""
    return {"id": node_id, "type": type_, "config": config}


def flow(*nodes: dict[str, Any], name: str = "Flow", **more: Any) -> dict[str, Any]:
    """A workflow of nodes, each one after the other."""
    pairs = pairwise(nodes)
    links = [{"fromNodeId": one["id"], "toNodeId": other["id"]} for one, other in pairs]
    return {"name": name, "nodes": list(nodes), "connections": links, **more}
