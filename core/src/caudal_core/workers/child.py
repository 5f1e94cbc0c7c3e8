"""A worker process: it calls functions by their names, one after the other.

A request is `{"function": "module:name", "argument": …, "memory": bytes}`. An answer is
`{"value": …}`, or `{"error": {"kind", "class", "params"}}`, with `last` where it is the last. A
worker that has nothing to do for a while ends by itself, and so does one whose parent is gone.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final

IDLE: Final = 60.0
"""Seconds without work after which a worker ends."""

SPENT: Final = 400_000_000
"""Bytes: a worker that goes on holding more gives them back by ending after its answer."""


def main() -> None:
    """Serve the socket whose descriptor is the first argument."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as peer:
        _serve(peer)
    sys.stderr.flush()
    os._exit(0)  # what a library wants to do at the end is of no use to anybody


def _serve(peer: socket.socket) -> None:
    from caudal_core.workers.frames import Ended, receive, send

    peer.settimeout(IDLE)
    with suppress(Ended, OSError):
        last = False
        while not last:
            request, _ = receive(peer, _end)
            peer.settimeout(None)
            value, body = _answer(request)
            last = _spent()
            try:
                send(peer, {**value, "last": last}, body)
            except (MemoryError, TypeError, ValueError) as error:
                send(peer, {**_failed(error), "last": last})
            del value, body
            peer.settimeout(IDLE)


def _end() -> None:
    from caudal_core.workers.frames import Ended

    raise Ended


def _answer(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from caudal_core.workers.answers import Answer

    try:
        _limit(request["memory"])
        module, _, name = request["function"].partition(":")
        function = getattr(import_module(module), name)
        gc.disable()  # millions of cells would be looked at again and again
        found = function(request["argument"])
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent decides
        _limit(None)
        return _failed(error), b""
    finally:
        gc.enable()
    answer = found if isinstance(found, Answer) else Answer(found)
    return {"value": answer.value}, answer.body


def _failed(error: BaseException) -> dict[str, Any]:
    from caudal_core.errors import CaudalError, error_text

    kind = type(error)
    about = {"kind": "other", "text": error_text(error)[:2_000]}
    if isinstance(error, MemoryError):
        about["kind"] = "memory"
    elif isinstance(error, CaudalError):
        params = {name: _plain(value) for name, value in error.params.items()}
        named = {"class": f"{kind.__module__}:{kind.__qualname__}", "params": params}
        return {"error": {**about, "kind": "typed", **named}}
    return {"error": about}


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _limit(memory: int | None) -> None:
    """Let the process take so many bytes in all: beyond that an allocation fails.

    Where the system knows no such limit, only the time is limited.
    """
    with suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        soft = most if memory is None else memory
        resource.setrlimit(resource.RLIMIT_DATA, (soft, most))


def _spent() -> bool:
    """Whether it holds so much memory that a new one is cheaper, where the system tells."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") > SPENT
    except (OSError, ValueError, IndexError, AttributeError):
        return False
