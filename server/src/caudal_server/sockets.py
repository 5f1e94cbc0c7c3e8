"""The messages of a WebSocket: `execution_progress`, `execution_complete`, `execution_error`."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from caudal_core.engine import Engine, Execution, ExecutionView
from caudal_core.errors import NotFound
from caudal_core.values import to_wire
from caudal_server.documents import complete_message, error_message, progress_message
from caudal_server.feed import Feed
from caudal_server.waiting import any_of, changed, disconnected

NORMAL = 1000
GOING_AWAY = 1001
SHOWN = 10
LONG = 3_600.0


async def tell_one(websocket: WebSocket, engine: Engine, execution_id: str) -> None:
    """How one execution goes, and how it has ended."""
    try:
        view = await engine.view(execution_id, last=SHOWN)
    except NotFound as error:
        await _send(websocket, error_message(execution_id, error))
        return
    execution = engine.live(execution_id)
    while execution is not None and not view.record.finished:
        version = execution.version
        await _send(websocket, progress_message(view))
        await changed(execution, version, LONG)
        view = await engine.view(execution_id, last=SHOWN)
    await _tell_end(websocket, view)


async def tell_all(websocket: WebSocket, engine: Engine, organization: str | None) -> None:
    """The same of all executions that change from now on."""
    with Feed(engine, organization) as feed:
        async for changes, _ in feed.changes(LONG):
            for execution, _ in changes:
                await _tell(websocket, engine, execution)
                await asyncio.sleep(0)


async def _tell(websocket: WebSocket, engine: Engine, execution: Execution) -> None:
    view = await engine.view(execution.id, last=SHOWN)
    if view.record.finished:
        await _tell_end(websocket, view)
    else:
        await _send(websocket, progress_message(view))


async def _tell_end(websocket: WebSocket, view: ExecutionView) -> None:
    await _send(websocket, progress_message(view))
    await _send(websocket, complete_message(view.record))


async def _send(websocket: WebSocket, message: dict[str, Any]) -> None:
    await websocket.send_text(to_wire(message).decode())


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
