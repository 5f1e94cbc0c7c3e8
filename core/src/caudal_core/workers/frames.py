"""How the two ends of a worker's socket speak: two lengths, a JSON text, plain bytes.

Nothing here is ever evaluated or unpickled: a worker reads what strangers made, so its answers are
data and nothing else.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any, Final

import orjson

HEAD: Final = struct.Struct("!QQ")


class Ended(Exception):
    """The other end is gone."""


def send(peer: socket.socket, value: Any, body: bytes = b"") -> None:
    """Send one frame, whatever time that takes."""
    text = orjson.dumps(value)
    peer.sendall(HEAD.pack(len(text), len(body)) + text)
    if body:
        peer.sendall(body)


def receive(
    peer: socket.socket, waiting: Callable[[], None], most: int = 1 << 40
) -> tuple[Any, bytes]:
    """The next frame; `waiting` is called now and then while nothing comes, and may raise.

    `Ended` where there is none, or where it is said to be longer than `most` bytes.
    """
    sizes = HEAD.unpack(_exactly(peer, HEAD.size, waiting))
    if sum(sizes) > most:
        raise Ended
    text, body = (_exactly(peer, size, waiting) for size in sizes)
    return orjson.loads(text), body


def _exactly(peer: socket.socket, size: int, waiting: Callable[[], None]) -> bytes:
    found = bytearray(size)
    view, got = memoryview(found), 0
    while got < size:
        try:
            count = peer.recv_into(view[got:])
        except TimeoutError:
            waiting()
            continue
        except OSError:
            raise Ended from None
        if not count:
            raise Ended
        got += count
    view.release()
    return bytes(found)
