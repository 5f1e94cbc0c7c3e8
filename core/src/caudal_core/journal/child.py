"""A process that writes for us: how it is started, spoken to and ended (see `writer_process`)."""

from __future__ import annotations

import asyncio
import marshal
import socket
import struct
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

FRAME_HEAD = 8


class Child:
    """One process at a time, over a socket that ends it when it closes."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def pid(self) -> int | None:
        """Its process id."""
        return self._process.pid if self._process else None

    @property
    def runs(self) -> bool:
        """Whether it was started and has not been ended."""
        return self._writer is not None

    async def start(
        self, command: Sequence[str], *, keep: Sequence[int] = (), env: Mapping[str, str]
    ) -> None:
        """Start it; its last argument is the descriptor of its socket. It inherits `keep` too."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own script; it returns at once
                [*command, str(theirs.fileno())],
                pass_fds=[theirs.fileno(), *keep],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=dict(env),
            )
        self._reader, self._writer = await asyncio.open_connection(sock=ours)

    async def exchange(self, value: Any) -> Any:
        """Send a value and wait for the answer; `OSError` or `EOFError` where it has ended."""
        if self._writer is None or self._reader is None:
            raise EOFError
        self.send(value)
        await self._writer.drain()
        (size,) = struct.unpack("!Q", await self._reader.readexactly(FRAME_HEAD))
        return marshal.loads(await self._reader.readexactly(size))  # noqa: S302 - our child

    def send(self, value: Any) -> bool:
        """Send a value that is not answered; whether there is somebody to send it to."""
        if self._writer is None or self._writer.is_closing():
            return False
        try:
            body = marshal.dumps(value)
        except ValueError:
            body = marshal.dumps(_plain(value))
        self._writer.write(struct.pack("!Q", len(body)) + body)
        return True

    async def stop(self) -> None:
        """Close the socket, which ends it, and wait for that."""
        writer, process = self._writer, self._process
        self._writer = self._reader = self._process = None
        if writer is not None:
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)
        if process is not None:
            await asyncio.get_running_loop().run_in_executor(None, _end, process)


def _plain(value: Any) -> Any:
    """The same with the members of enums as the texts and numbers that they are."""
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    if isinstance(value, str):
        return str.__str__(value)
    return int(value) if isinstance(value, int) else value


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
