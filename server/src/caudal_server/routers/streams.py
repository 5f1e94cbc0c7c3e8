"""What happens, told as it happens: Server-Sent Events and WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

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
from caudal_server.problems import problem, refuse, shown_path
from caudal_server.told import Told
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
    router.add_api_websocket_route("/{path:path}", nowhere)
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
    execution = await engine.watch(execution_id)
    if execution is not None and not execution.record.finished:
        happening = events.of_execution(execution, after, QUIET_SECONDS)
        return _stream(request, happening)
    view = await engine.view(execution_id)
    if after != events.START and after >= events.end_of(view.record):
        return Response(status_code=204)
    return _stream(request, events.of_ended(view, after))


async def stream_all(request: Request) -> Response:
    """The same events of all executions, or of those of `?organizationId=`. Not resumable."""
    _check_open(request)
    organization = request.query_params.get("organizationId")
    return _stream(request, _all(Feed(state.engine(request), organization)))


def _stream(request: Request, happening: AsyncGenerator[list[Event]]) -> EventStream:
    return EventStream(_sse(happening, request.app.state.told), state.stopping(request))


def _check_open(request: Request) -> None:
    if state.stopping(request).is_set():
        raise Unavailable(message="the server is stopping")


async def _all(feed: Feed) -> AsyncGenerator[list[Event]]:
    with feed:
        yield []
        async for changes, missed in feed.changes(QUIET_SECONDS):
            if missed:
                yield [events.of_missed(missed)]
            for execution, runs in changes:
                for start in range(0, len(runs), AT_ONCE):
                    yield list(map(events.of_node, runs[start : start + AT_ONCE]))
                ended = execution.record.finished
                yield [events.of_end(execution.record) if ended else events.of_progress(execution)]
            if not changes:
                yield []


async def _sse(happening: AsyncGenerator[list[Event]], told: Told) -> AsyncGenerator[bytes]:
    """The events as they are sent; others get their turn after each part."""
    async with aclosing(happening):
        yield RECONNECT
        async for part in happening:
            parts = [told.once(event.key, partial(_formatted, event)) for event in part]
            yield b"".join(parts) or KEEPALIVE_COMMENT
            await asyncio.sleep(0)


def _formatted(event: Event) -> bytes:
    text = to_wire(event.document()).decode()
    return format_sse_event(data_str=text, event=event.name, id=event.id)


async def follow(websocket: WebSocket) -> None:
    """Messages of one execution (`?executionId=`), or of all."""
    await websocket.accept()
    listener = sockets.Listener(websocket, state.engine(websocket), websocket.app.state.told)
    execution_id = websocket.query_params.get("executionId")
    if execution_id is None:
        telling = listener.tell_all(websocket.query_params.get("organizationId"))
    else:
        telling = listener.tell_one(execution_id)
    await sockets.until_gone(websocket, telling, state.stopping(websocket))


async def nowhere(websocket: WebSocket) -> None:
    """There is one WebSocket."""
    detail = f"there is no WebSocket at {shown_path(websocket)}"
    answer = problem(websocket, 404, "NOT_FOUND", detail, hint="it is at /ws")
    await refuse(websocket.scope, websocket.receive, websocket.send, answer)
