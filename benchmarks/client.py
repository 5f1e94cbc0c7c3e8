"""A load generator: some clients, each with one connection that it keeps, each in lock-step."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any


@dataclass(slots=True)
class Load:
    """What was answered in how long."""

    seconds: float
    samples: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.samples) / self.seconds


def request(method: str, path: str, body: Any = None) -> bytes:
    """The bytes of a plain HTTP/1.1 request, as Node's `http` sends it."""
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n"
    if content:
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return head.encode() + b"\r\n" + content


class Client:
    """One connection; asks one thing after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port: int) -> Client:
        """To a server on this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, message: bytes) -> tuple[int, bytes]:
        """The status and the body of the answer."""
        self._writer.write(message)
        head = await self._reader.readuntil(b"\r\n\r\n")
        lowered = head.lower()
        start = lowered.index(b"content-length:") + 15
        length = int(lowered[start : lowered.index(b"\r\n", start)])
        return int(head[9:12]), await self._reader.readexactly(length) if length else b""

    def close(self) -> None:
        """End the connection."""
        self._writer.close()


async def load(port: int, message: bytes, clients: int, seconds: float) -> Load:
    """`clients` asking for `seconds`, after a tenth of that to warm up."""
    found = Load(seconds)
    begin = perf_counter() + seconds / 10
    end = begin + seconds

    async def one() -> None:
        client = await Client.connect(port)
        while (now := perf_counter()) < end:
            status, _ = await client.ask(message)
            if now >= begin:
                found.samples.append(perf_counter() - now)
                found.failed += status != 200
        client.close()

    await asyncio.gather(*(one() for _ in range(clients)))
    return found


def main() -> None:
    """In a process of its own: `RESULT PORT CLIENTS SECONDS METHOD PATH [BODY]`.

    The answer goes as JSON into the file `RESULT`, as it is too long for a pipe.
    """
    import uvloop

    result, port, clients, seconds, method, path, *body = sys.argv[1:]
    message = request(method, path, json.loads(body[0]) if body else None)
    found = uvloop.run(load(int(port), message, int(clients), float(seconds)))
    samples = [round(sample, 7) for sample in found.samples]
    answer = {"samples": samples, "failed": found.failed, "seconds": float(seconds)}
    Path(result).write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
