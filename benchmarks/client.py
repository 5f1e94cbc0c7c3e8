"""A load generator: some clients, each with one connection that it keeps, each in lock-step."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

UNFINISHED = "/api/executions?status=pending,running,waiting&limit=500&workflowId="
LONGEST = 60.0
"""Seconds after which what was accepted should have ended long ago."""


@dataclass(slots=True)
class Load:
    """What was answered in how long. `samples` are seconds, of the time after the warm-up.

    `accepted` counts the answers with the status 200, `failed` the others, from the first request
    on; `backlog` the executions that had not ended at the moment of the last answer; `settled` is
    the time in seconds from the first request until none was left.
    """

    seconds: float
    samples: list[float] = field(default_factory=list)
    failed: int = 0
    accepted: int = 0
    backlog: int = 0
    settled: float = 0.0

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


async def load(
    port: int, message: bytes, clients: int, seconds: float, *, settle: str | None = None
) -> Load:
    """`clients` asking for `seconds`, after a tenth of that to warm up.

    Then, if `settle` names a workflow, until its executions have ended.
    """
    found = Load(seconds)
    watch = await Client.connect(port)
    connected = [await Client.connect(port) for _ in range(clients)]
    first = perf_counter()
    begin = first + seconds / 10
    end = begin + seconds

    async def one(client: Client) -> None:
        while (now := perf_counter()) < end:
            status, _ = await client.ask(message)
            found.accepted += status == 200
            found.failed += status != 200
            if now >= begin:
                found.samples.append(perf_counter() - now)

    await asyncio.gather(*map(one, connected))
    if settle is not None:
        found.backlog = await _unfinished(watch, settle)
        await _settle(watch, settle)
    found.settled = perf_counter() - first
    for client in (watch, *connected):
        client.close()
    return found


async def _unfinished(client: Client, workflow: str) -> int:
    """How many executions of a workflow have not ended; 500 stand for more."""
    _, body = await client.ask(request("GET", UNFINISHED + workflow))
    return len(json.loads(body)["executions"])


async def _settle(client: Client, workflow: str) -> None:
    until = perf_counter() + LONGEST
    while left := await _unfinished(client, workflow):
        if perf_counter() > until:
            raise RuntimeError(f"{left} executions had not ended {LONGEST} s after the last answer")
        await asyncio.sleep(0.001)


def main() -> None:
    """In a process of its own: `RESULT PORT CLIENTS SECONDS SETTLE METHOD PATH [BODY]`.

    `SETTLE` is the id of a workflow, or empty. The answer goes as JSON into the file `RESULT`, as
    it is too long for a pipe.
    """
    import uvloop

    result, port, clients, seconds, settle, method, path, *body = sys.argv[1:]
    message = request(method, path, json.loads(body[0]) if body else None)
    asked = load(int(port), message, int(clients), float(seconds), settle=settle or None)
    found = uvloop.run(asked)
    found.samples = [round(sample, 7) for sample in found.samples]
    Path(result).write_text(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
