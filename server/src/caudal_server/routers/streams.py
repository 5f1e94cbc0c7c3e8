"""What happens, told as it happens: Server-Sent Events and WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from fastapi import APIRouter
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from caudal_core.errors import Unavailable
from caudal_core.values import to_wire
from caudal_server import events, sockets, state
from caudal_server.api_docs.executions import ALL_EVENTS, EVENTS
from caudal_server.events import AT_ONCE, Event
from caudal_server.feed import Feed
from caudal_server.waiting import any_of, disconnected

QUIET_SECONDS = 15.0
"""After so long without an event a comment is sent, so that nobody takes the line for dead."""

RECONNECT = b"retry: 2000\n\n"


def routes() -> APIRouter:
    """`/api/events`, `/api/executions/{id}/events`, `/ws`."""
    router = APIRouter()
    router.get("/api/executions/{executionId}/events", **EVENTS)(stream_execution)
    router.get("/api/events", **ALL_EVENTS)(stream_all)
    router.add_api_websocket_route("/ws", follow)
    return router


class EventStream(EventSourceResponse):
    """A stream that ends as soon as its reader is gone or the server stops."""

    def __init__(self, parts: AsyncGenerator[bytes], stopping: asyncio.Event) -> None:
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(parts, headers=headers)
        self._parts = parts
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send until there is nothing more, or nobody more to send to."""
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        try:
            await any_of(self._sent(send), disconnected(receive), self._stopping.wait())
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except OSError:
            return  # the reader has gone in the middle of a part

    async def _sent(self, send: Send) -> None:
        async with aclosing(self._parts) as parts:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})


async def stream_execution(request: Request) -> Response:
    """`node` events, `execution_progress`, then `execution_complete` and the end of the stream.

    Whoever reconnects with `Last-Event-ID` gets what came after it.
    """
    engine, execution_id = state.engine(request), request.path_params["executionId"]
    after = events.position_of(request.headers.get("last-event-id"))
    _check_open(request)
    execution = engine.live(execution_id)
    if execution is not None and not execution.record.finished:
        happening = events.of_execution(engine, execution, after, QUIET_SECONDS)
        return EventStream(_sse(happening), state.stopping(request))
    view = await engine.view(execution_id)
    if after != events.START and after >= events.end_of(view.record):
        return Response(status_code=204)
    return EventStream(_sse(events.of_ended(view, after)), state.stopping(request))


async def stream_all(request: Request) -> Response:
    """The same events of all executions, or of those of `?organizationId=`. Not resumable."""
    _check_open(request)
    organization = request.query_params.get("organizationId")
    feed = Feed(state.engine(request), organization)
    return EventStream(_sse(_all(request, feed)), state.stopping(request))


def _check_open(request: Request) -> None:
    if state.stopping(request).is_set():
        raise Unavailable(message="the server is stopping")


async def _all(request: Request, feed: Feed) -> AsyncGenerator[list[Event]]:
    engine = state.engine(request)
    with feed:
        yield []
        async for changes, missed in feed.changes(QUIET_SECONDS):
            if missed:
                yield [Event(events.LAGGED, {"missed": missed})]
            for execution, runs in changes:
                for start in range(0, len(runs), AT_ONCE):
                    yield list(map(events.of_node, runs[start : start + AT_ONCE]))
                if execution.record.finished:
                    yield [events.of_end(execution.record)]
                else:
                    yield [events.of_progress(await engine.view(execution.id, last=0))]
            if not changes:
                yield []


async def _sse(happening: AsyncGenerator[list[Event]]) -> AsyncGenerator[bytes]:
    """The events as they are sent; others get their turn after each part."""
    async with aclosing(happening):
        yield RECONNECT
        async for part in happening:
            yield b"".join(_formatted(part)) or KEEPALIVE_COMMENT
            await asyncio.sleep(0)


def _formatted(part: Iterable[Event]) -> Iterable[bytes]:
    for event in part:
        text = to_wire(event.data).decode()
        yield format_sse_event(data_str=text, event=event.name, id=event.id)


async def follow(websocket: WebSocket) -> None:
    """Messages of one execution (`?executionId=`), or of all."""
    await websocket.accept()
    execution_id = websocket.query_params.get("executionId")
    if execution_id is None:
        organization = websocket.query_params.get("organizationId")
        telling = sockets.tell_all(websocket, state.engine(websocket), organization)
    else:
        telling = sockets.tell_one(websocket, state.engine(websocket), execution_id)
    await sockets.until_gone(websocket, telling, state.stopping(websocket))
