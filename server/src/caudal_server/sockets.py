"""The messages of a WebSocket: `execution_progress`, `execution_complete`, `execution_error`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from caudal_core.engine import Engine, Watched
from caudal_core.engine.view import live_view
from caudal_core.errors import NotFound
from caudal_core.values import to_wire
from caudal_server.documents import complete_message, error_message, progress_message
from caudal_server.feed import Feed
from caudal_server.told import Told
from caudal_server.waiting import any_of, changed, disconnected

NORMAL = 1000
GOING_AWAY = 1001
SHOWN = 10
LONG = 3_600.0


class Listener:
    """The other side of one socket."""

    def __init__(self, websocket: WebSocket, engine: Engine, told: Told) -> None:
        self._websocket = websocket
        self._engine = engine
        self._told = told

    async def tell_one(self, execution_id: str) -> None:
        """How one execution goes, and how it has ended."""
        execution = await self._engine.watch(execution_id)
        if execution is None:
            await self._tell_past(execution_id)
            return
        version = execution.version
        while not await self._tell(execution):
            await changed(execution, version, LONG)
            version = execution.version

    async def _tell_past(self, execution_id: str) -> None:
        try:
            view = await self._engine.view(execution_id, last=SHOWN)
        except NotFound as error:
            await self._send(to_wire(error_message(execution_id, error)))
            return
        await self._send(to_wire(progress_message(view)))
        await self._send(to_wire(complete_message(view.record)))

    async def tell_all(self, organization: str | None) -> None:
        """The same of all executions that change from now on."""
        with Feed(self._engine, organization) as feed:
            async for changes, _ in feed.changes(LONG):
                for execution, _ in changes:
                    await self._tell(execution)
                    await asyncio.sleep(0)

    async def _tell(self, execution: Watched) -> bool:
        """Where it is now; whether that is its end."""
        record, view = execution.record, live_view(execution, SHOWN)
        ended, key = record.finished, (execution.id, execution.version)
        await self._once(("progress", *key), lambda: progress_message(view))
        if ended:
            await self._once(("complete", *key), lambda: complete_message(record))
        return ended

    async def _once(self, key: Hashable, message: Callable[[], dict[str, Any]]) -> None:
        await self._send(self._told.once(key, lambda: to_wire(message())))

    async def _send(self, message: bytes) -> None:
        await self._websocket.send_text(message.decode())


async def until_gone(
    websocket: WebSocket, telling: Coroutine[Any, Any, None], stopping: asyncio.Event
) -> None:
    """Tell until there is nothing more, the other side is gone, or the server stops; then close."""
    await any_of(telling, disconnected(websocket.receive), stopping.wait())
    if websocket.client_state is WebSocketState.CONNECTED:
        code = GOING_AWAY if stopping.is_set() else NORMAL
        try:
            await websocket.close(code)
        except (RuntimeError, WebSocketDisconnect):
            return  # it went at the same moment
