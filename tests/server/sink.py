"""An HTTP server of the test's own that keeps what it is sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Sent:
    """One call: its first line, its headers by their names in lower case, its body."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class Sink:
    """Answers each call with the next of `answers`, and 204 when there are none left."""

    def __init__(self) -> None:
        self.port = 0
        self.sent: list[Sent] = []
        self.answers: list[str] = []
        self._came = asyncio.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/told"

    async def until(self, count: int) -> list[Sent]:
        """The calls, once there are so many."""
        async with asyncio.timeout(PATIENCE):
            while len(self.sent) < count:
                await self._came.wait()
                self._came.clear()
        return self.sent

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection with one call."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.partition(": ") for line in head[1:] if line)
        headers = {name.lower(): value for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.sent.append(Sent(head[0], headers, body))
        answer = self.answers.pop(0) if self.answers else "204 No Content"
        writer.write(f"HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        self._came.set()


@asynccontextmanager
async def listening_sink() -> AsyncIterator[Sink]:
    """A sink on a free port of 127.0.0.1."""
    found = Sink()
    server = await asyncio.start_server(found.take, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found
