"""The lock of a data folder: one server at a time."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from caudal_core.errors import InUse, Unavailable


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock while something is done."""
    descriptor = take_lock(path)
    try:
        yield
    finally:
        os.close(descriptor)


def take_lock(path: Path) -> int:
    """Lock the file and write into it who holds it; `InUse` names who does already.

    The lock belongs to the descriptor that is returned and to all that inherit it: it is let go of
    when the last of them is closed.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise Unavailable(message=f"the journal cannot be opened: {error}") from error
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        pass  # no such locks on this system
    except OSError:
        os.close(descriptor)
        holder = path.read_text(encoding="utf-8").strip() or "another process"
        message = f"the data folder {path.parent} is in use by {holder}"
        raise InUse(message=f"the journal cannot be opened: {message}") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
    return descriptor
