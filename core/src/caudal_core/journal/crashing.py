"""Crash points: for tests, the process kills itself at a named step.

`CAUDAL_CRASH_AT=step:before` kills before what the step writes is committed, `step:after` once it
is and before anybody is told; `step:after:7` at the seventh such commit. The writer's process dies
too, as it would where a machine goes down. Where the variable is not set nothing of this is there.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from itertools import count

from caudal_core.errors import InvalidRequest
from caudal_core.journal.journal import Lost, Row, Sink
from caudal_core.journal.records import SETTLED
from caudal_core.journal.statements import NODE, Statement

VARIABLE = "CAUDAL_CRASH_AT"
BLOB = "blob"
_STATE = NODE.index("state")

STEPS: dict[str, Callable[[int, Row], bool]] = {
    "accept": lambda statement, _: statement == Statement.ACCEPT,
    "claim": lambda statement, _: statement == Statement.CLAIM,
    "start": lambda statement, row: statement == Statement.NODE and row[_STATE] == "running",
    "complete": lambda statement, row: statement == Statement.NODE and row[_STATE] in SETTLED,
    "finish": lambda statement, _: statement == Statement.FINISH,
    "timer": lambda statement, _: statement == Statement.TIMER,
    "notice": lambda statement, _: statement == Statement.NOTICE,
    "event": lambda statement, _: statement == Statement.TRIGGER_EVENT,
}
"""What each step writes: whether a row is it. The step `blob` writes a file and no row."""

Put = Callable[[bytes | memoryview], str]


class CrashPoint:
    """One step, and whether to die before or after it; `passed` counts how often it came by."""

    def __init__(self, text: str) -> None:
        self.step, _, rest = text.partition(":")
        self.side, _, number = rest.partition(":")
        right = self.step in (*STEPS, BLOB) and self.side in ("before", "after")
        if not right or not (number or "1").isdigit():
            known = ", ".join((*STEPS, BLOB))
            message = f"{VARIABLE} is '{text}'; write it as STEP:before or STEP:after, of {known}"
            raise InvalidRequest(message=message)
        self._wanted = int(number or 1)
        self._count = count(1)

    def passes(self) -> bool:
        """The step comes by: whether this is the time to die."""
        return next(self._count) == self._wanted


def crash_point() -> CrashPoint | None:
    """What the environment asks for, which is nothing but in tests."""
    text = os.environ.get(VARIABLE)
    return CrashPoint(text) if text else None


def crashing(sink: Sink) -> Sink:
    """The sink, or one that dies at its step."""
    point = crash_point()
    return sink if point is None or point.step == BLOB else CrashingSink(sink, point)


def crashing_put(put: Put) -> Put:
    """What keeps a value, or the same with the end of the process before or after it."""
    point = crash_point()
    if point is None or point.step != BLOB:
        return put

    def dying(content: bytes | memoryview) -> str:
        now = point.passes()
        if now and point.side == "before":
            die(None)
        name = put(content)
        if now:
            die(None)
        return name

    return dying


class CrashingSink:
    """Passes on what is written, until the step comes by."""

    def __init__(self, sink: Sink, point: CrashPoint) -> None:
        self._sink = sink
        self._point = point
        self._is_it = STEPS[point.step]

    async def open(self) -> None:
        """See `Sink.open`."""
        await self._sink.open()

    def feed(self, rows: Sequence[tuple[int, Row]]) -> bool:  # noqa: ARG002 - the protocol names it
        """Nothing ahead of the commit: each is looked through whole."""
        return False

    async def commit(self, rows: Sequence[tuple[int, Row]], fed: int) -> Lost | None:
        """See `Sink.commit`."""
        found = any(self._is_it(statement, row) for statement, row in rows)
        now = found and self._point.passes()
        if now and self._point.side == "before":
            die(self._sink)
        lost = await self._sink.commit(rows, fed)
        if now:
            die(self._sink)
        return lost

    async def shrink(self) -> bool:
        """See `Sink.shrink`."""
        return await self._sink.shrink()

    async def close(self) -> None:
        """See `Sink.close`."""
        await self._sink.close()


def die(sink: Sink | None) -> None:
    """End at once, as a machine that loses its power does; a writer's process goes first."""
    if (writer := getattr(sink, "pid", None)) is not None:
        os.kill(writer, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
