"""A stranger's trigger that tells of what the test says, and a service that listens to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.core.clocks import SetClock, utc
from tests.core.databases import storage_at
from tests.core.flows import HANDLERS

from caudal_core import Config, Context, Event, Handler, Trigger, TriggerContext, handler
from caudal_core.engine import Engine, EngineOptions, Execution
from caudal_core.journal.triggers import StoredEvent
from caudal_core.registry import Registry
from caudal_core.triggers import Kept, TriggerService, TriggerView, trigger_id

NOON = utc("2026-06-01 12:00")
ID = trigger_id("w", "in")


class TapConfig(Config):
    """Whether to listen, and what else a test wants to tell apart."""

    on: bool = True
    number: int = 0


class Tap(Trigger[TapConfig]):
    """Tells of what is put into its queue: an event, or an error that it fails with."""

    name = "tap"
    config = TapConfig

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.acknowledged: list[str | None] = []
        self.contexts: list[TriggerContext] = []
        self.closed = 0
        self.heard = asyncio.Event()

    def wanted(self, config: TapConfig) -> bool:
        """Whether its config says so."""
        return config.on

    async def until_acknowledged(self, count: int) -> None:
        """Return once it has asked for the next event after so many."""
        while len(self.acknowledged) < count:
            self.heard.clear()
            await self.heard.wait()

    async def listen(self, config: TapConfig, ctx: TriggerContext) -> AsyncIterator[Event]:
        """What the test puts in."""
        assert config.on
        self.contexts.append(ctx)
        try:
            while True:
                event = await self.queue.get()
                if isinstance(event, BaseException):
                    raise event
                yield event
                self.acknowledged.append(event.key)
                self.heard.set()
        finally:
            self.closed += 1


@handler("tap", effect="pure", light=True)
def tap_handler(config: TapConfig, data: Any, ctx: Context) -> Any:
    """Hand on the inputs."""
    return data


def tapped(*more: Mapping[str, Any], **config: Any) -> dict[str, Any]:
    """A workflow that the trigger starts; what more nodes there are follow one another."""
    nodes = [{"id": "in", "type": "tap", "config": config}, *more]
    links = [{"fromNodeId": one["id"], "toNodeId": other["id"]} for one, other in pairwise(nodes)]
    return {"name": "Tapped", "nodes": nodes, "connections": links}


class Shelf:
    """The workflows of the store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def all(self) -> Sequence[Kept]:
        """Every one."""
        store = self._engine.storage.workflows
        assert store is not None
        stored = await self._engine.read(store.all)
        return [
            Kept(
                id=item.id,
                name=item.name,
                mark=item.hash,
                read=lambda digest=item.hash: store.document(digest),
                digest=item.hash,
            )
            for item in stored
        ]


class Listening:
    """An engine, the service, and the trigger; `late` is what was told of late starts."""

    def __init__(self, engine: Engine, service: TriggerService, clock: SetClock) -> None:
        self.engine = engine
        self.service = service
        self.clock = clock
        self.late: list[Any] = []
        service.listen(self.late.append)

    async def save(self, workflow: Mapping[str, Any], workflow_id: str = "w") -> None:
        """Save a workflow; what it switches on is listened to when this returns."""
        await self.engine.library.save(workflow, workflow_id=workflow_id)
        await self.service.views()

    async def view(self) -> TriggerView:
        """How the one trigger is."""
        (found,) = await self.service.views()
        return found

    async def events(self, count: int) -> list[StoredEvent]:
        """Its events, oldest first, once there are so many."""
        store = self.engine.storage.triggers
        assert store is not None
        while True:
            found = await self.engine.read(lambda: store.events(ID, limit=100))
            if len(found) >= count:
                return found[::-1]
            await asyncio.sleep(0.005)

    async def execution(self, event: StoredEvent) -> Execution:
        """The execution of an event once it has ended."""
        assert event.execution is not None
        live = self.engine.live(event.execution)
        assert live is not None
        assert await live.finished(30)
        return live


@asynccontextmanager
async def listening(
    folder: Path,
    *triggers: Trigger[Any],
    handlers: Sequence[Handler] = (),
    clock: SetClock | None = None,
    enabled: bool = True,
    registry: Registry | None = None,
    **options: Any,
) -> AsyncIterator[Listening]:
    """A service over a folder, with a clock that the test sets."""
    known = replace(
        Registry.of(*HANDLERS, tap_handler, *handlers),
        triggers={trigger.node_type: trigger for trigger in triggers},
    )
    made = Engine(registry or known, storage=storage_at(folder), options=EngineOptions(**options))
    async with made as engine:
        found = clock or SetClock(NOON)
        service = TriggerService(engine, Shelf(engine), clock=found, enabled=enabled)
        await service.start()
        try:
            yield Listening(engine, service, found)
        finally:
            await service.close()
