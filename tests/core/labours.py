"""What workers are asked to do in tests."""

import os
import time
from typing import Any

from caudal_core import Answer, HandlerError, UnknownField


def double(number: Any) -> Any:
    """Twice a number."""
    return 2 * number


def echo(size: int) -> Answer:
    """So many bytes, and the process that made them."""
    return Answer(os.getpid(), b"x" * size)


def sleep(seconds: float) -> None:
    """Do nothing for so long."""
    time.sleep(seconds)


def swallow(size: int) -> int:
    """Take so many bytes of memory."""
    return len(bytearray(size))


def abort(_: Any) -> None:
    """End the process as a library does that cannot go on."""
    os.abort()


def refuse(field: str) -> None:
    """Raise an error that the parent knows."""
    raise UnknownField(field, ["price", "plant"])


def own(_: Any) -> None:
    """Raise an error of a class that the parent has never heard of."""
    kind = type("Strange", (HandlerError,), {"code": "STRANGE", "__module__": "nowhere"})
    message = "strange"
    raise kind(message)


def stumble(_: Any) -> None:
    """Raise what is a mistake of the code."""
    message = "no such index"
    raise IndexError(message)


def secrets(_: Any) -> list[str]:
    """The names in the environment."""
    return list(os.environ)
