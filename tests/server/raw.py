"""A bare connection to a server that listens, for what no HTTP client would send."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from tests.server.serving import Service


class Answer(NamedTuple):
    """An answer: its status, its headers in lower case, its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which must be JSON."""
        assert "application/json" == self.headers["content-type"], self.body
        return json.loads(self.body)


class Raw:
    """What is sent as it is, and the answers that come."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Send these bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> Answer:
        """The next answer, whose length is known."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *lines = head.rstrip().split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        headers = {name.lower(): value for name, _, value in pairs}
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Answer(int(line.split()[1]), headers, body)

    async def ask(self, data: bytes) -> Answer:
        """The answer to these bytes."""
        await self.send(data)
        return await self.answer()

    async def rest(self) -> bytes:
        """What comes until the other side closes."""
        return await self.reader.read()


@asynccontextmanager
async def connected(here: Service) -> AsyncIterator[Raw]:
    """A connection to a service that listens."""
    reader, writer = await asyncio.open_connection("localhost", here.http.base_url.port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()


def post(path: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """A call with this body, or with the beginning of one that has `length` bytes."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
