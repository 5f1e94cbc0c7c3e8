"""Who is told of things in tests: handlers that fail and hear, and what waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.core.engines import LONG, Gate, ended
from tests.core.flows import HANDLERS, document, give

from caudal_core import Config, Context, Handler, HandlerError, Question, Wait, handler
from caudal_core.engine import Engine, EngineOptions, Execution, FolderStorage
from caudal_core.journal.notice import Notice
from caudal_core.registry import Registry

URL = "https://example.test/told"


class World:
    """Handlers of which one fails until it is mended, and one that remembers what it is told."""

    def __init__(self) -> None:
        self.mended = False
        self.heard: list[Any] = []
        self.changed = asyncio.Event()
        self.deaf = False
        self.patience = 3_600.0
        self.gate = Gate()
        self.called: list[tuple[Notice, Any]] = []
        self.refusals: list[Exception] = []

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """`frail` fails until the world is mended, `hear` remembers."""

        @handler("frail", effect="idempotent")
        async def frail(config: Config, data: Any, ctx: Context) -> Any:
            if not self.mended:
                raise HandlerError("the tank is empty", hint="fill it")
            return data

        @handler("hear", effect="idempotent")
        async def hear(config: Config, data: Any, ctx: Context) -> Any:
            self.heard.append(data)
            self.changed.set()
            if self.deaf:
                raise HandlerError("nobody hears")
            return data

        @handler("once", effect="at_most_once")
        async def once(config: Config, data: Any, ctx: Context) -> Any:
            await asyncio.sleep(LONG)

        @handler("ask")
        def ask(config: Config, data: Any, ctx: Context) -> Any:
            if ctx.answer is None:
                return Wait(Question("Open it?", notify_after=self.patience))
            return data

        return (*HANDLERS, frail, hear, once, ask, self.gate.handler)

    async def find(self, workflow_id: str) -> tuple[Mapping[str, Any], str | None]:
        """The workflow that hears."""
        return document({"n": "hear"}, id=workflow_id), None

    async def call(self, notice: Notice, told: Mapping[str, Any] | None) -> None:
        """Remember a call, or refuse it."""
        self.called.append((notice, told))
        self.changed.set()
        if self.refusals:
            raise self.refusals.pop(0)

    @asynccontextmanager
    async def engine(self, folder: Path | None, **options: Any) -> AsyncIterator[Engine]:
        """An engine that tells at once unless it is told otherwise."""
        storage = FolderStorage(folder) if folder else None
        made = Engine(
            Registry.of(*self.handlers),
            storage=storage,
            options=EngineOptions(**{"notice_seconds": 0, **options}),
        )
        made.outbox.base_url = "http://here"
        made.outbox.delivery.find = self.find
        made.outbox.delivery.caller = self
        async with made:
            yield made

    async def until(self, count: int) -> None:
        """Wait until so many were told."""
        async with asyncio.timeout(LONG):
            while len(self.heard) + len(self.called) < count:
                await self.changed.wait()
                self.changed.clear()


def frail(**settings: Any) -> dict[str, Any]:
    """A workflow that fails until the world is mended."""
    nodes = {"a": give({"x": 1}), "b": {"type": "frail", "label": "Tank"}}
    return document(nodes, "a b", id="w", name="W", settings=settings)


TOLD = frail(onFailure={"workflowId": "teller"})


async def ran(engine: Engine, flow: dict[str, Any], **more: Any) -> Execution:
    """An execution that has ended."""
    return await ended(await engine.submit(flow, **more))


async def quiet(engine: Engine) -> None:
    """Return once everything that runs has ended and all that is due was delivered."""
    async with asyncio.timeout(LONG):
        while engine.unfinished or engine.outbox.delivery.waiting:
            for execution in engine.unfinished:
                await execution.finished(LONG)
            await asyncio.sleep(0.005)


def hasten(engine: Engine) -> None:
    """Deliver now what is to be delivered later."""
    assert engine.storage.history is not None
    for notice in engine.storage.history.notices():
        notice.due = 0
        engine.outbox.delivery.add(notice)
