"""HTTP below the application: the connection, before there is a request."""

from __future__ import annotations

import asyncio
import sys
from http import HTTPStatus
from typing import Any, cast

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from caudal_server.bodies import WHOLE

HEADER_SECONDS = 30.0
"""How long a caller may take to send the first line and the headers of a call."""

UPGRADE = b"upgrade"


class Protocol(HttpToolsProtocol):
    """uvicorn's, whose errors are JSON and whose callers must come to the point.

    A connection is closed where no call is complete in `HEADER_SECONDS` after it was opened, or
    after its first bytes. One that waits between two calls is left to uvicorn.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._limit: asyncio.TimerHandle | None = None
        self._begun = False
        self._data = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The clock begins."""
        super().connection_made(transport)
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits any more."""
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Where it is not the rest of a call that is answered yet, the clock begins again."""
        self._data = data
        super().data_received(data)
        if self._limit is None and self._is_answered() and self.timeout_keep_alive_task is None:
            self._start_clock()

    def _is_answered(self) -> bool:
        """Whether nothing is under way, as the last call has its answer."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and cycle.response_complete and self in self.connections

    def on_message_begin(self) -> None:
        """The first byte of a call."""
        self._begun = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The caller has come to the point."""
        self._begun = False
        self._stop_clock()
        if not self._asks_in_vain():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What was answered before its body was whole is over now."""
        if self.parser.should_upgrade():
            return
        cast("dict[str, Any]", self.scope)[WHOLE] = True
        super().on_message_complete()
        if self._is_answered():
            self._wait_for_next()

    def _wait_for_next(self) -> None:
        self._stop_clock()
        self._unset_keepalive_if_required()
        handler = self.timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, handler)

    def _start_clock(self) -> None:
        self._limit = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def _stop_clock(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _too_slow(self) -> None:
        self._limit = None
        if self._begun:
            self._refuse(408, f"the headers of the call did not come within {HEADER_SECONDS:g} s")
        else:
            self.transport.close()

    # -- upgrades --------------------------------------------------------------------------------

    def _should_upgrade(self) -> bool:
        """Only a GET becomes a WebSocket."""
        return self.parser.get_method() == b"GET" and super()._should_upgrade()

    def _asks_in_vain(self) -> bool:
        """Whether the caller offers another protocol that is not spoken here, such as HTTP/2."""
        if not self.parser.should_upgrade() or self._should_upgrade():
            return False
        return any(name == UPGRADE for name, _ in self.headers)

    def _unsupported_upgrade_warning(self) -> None:
        """Serve the call as if it had offered nothing; the parser took its body for what follows.

        So do HTTP clients whose first choice is HTTP/2.
        """
        error = sys.exception()
        if not isinstance(error, httptools.HttpParserUpgrade) or self.transport.is_closing():
            return
        lines = [b"%b %b HTTP/1.1" % (self.parser.get_method(), self.url)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != UPGRADE]
        self.data_received(b"\r\n".join([*lines, b"", self._data[error.args[0] :]]))

    # -- errors ----------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        """What came cannot be read; the reason is that of the parser."""
        reason = sys.exception()
        if isinstance(reason, httptools.HttpParserCallbackError):
            reason = reason.__context__
        known = isinstance(reason, httptools.HttpParserError)
        detail = f"this cannot be read as HTTP: {reason}" if known else msg
        self._refuse(400, detail)

    def _refuse(self, status: int, detail: str) -> None:
        phrase = HTTPStatus(status).phrase
        problem = {"title": phrase, "status": status, "code": "BAD_HTTP", "detail": detail}
        body = orjson.dumps(problem)
        head = (
            f"HTTP/1.1 {status} {phrase}\r\nconnection: close\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class SocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's, which logs no error where the application answers by HTTP instead."""

    async def send(self, message: Any) -> None:
        """Send what the application says."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True
