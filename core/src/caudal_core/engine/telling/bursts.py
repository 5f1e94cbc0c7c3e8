"""What happens many times for one cause is told once, with a count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import time
from typing import Any, Protocol

from caudal_core.engine.options import EngineOptions
from caudal_core.engine.telling.ended import moment
from caudal_core.journal.notice import Notice, Workflow
from caudal_core.values import decode, encode

LONGEST = 3_600.0
"""Seconds for which what happens again and again is gathered at most."""

REMEMBERED = 1_000
"""Causes that are remembered."""


class Write(Protocol):
    """Writes a notice; with `tell` it may be delivered once that is committed."""

    def __call__(self, notice: Notice, *, tell: bool = False) -> None:
        """Write it."""


@dataclass(slots=True)
class _Burst:
    """What happens for one cause: the notice that gathers it, if one does, and for how long.

    What goes on is gathered twice as long each time, until it has been quiet up to `quiet`.
    """

    workflow: Workflow
    notice: Notice | None
    window: float
    quiet: float = 0.0


class Bursts:
    """By a cause the notice that counts what happens for it, until it is delivered.

    `gone` says whether another server may be delivering a notice by now.
    """

    def __init__(
        self, options: Callable[[], EngineOptions], write: Write, gone: Callable[[Notice], bool]
    ) -> None:
        self._options = options
        self._write = write
        self._gone = gone
        self._bursts: dict[str, _Burst] = {}

    def go_on(self, notice: Notice) -> None:
        """Count on in one that was not delivered when the last engine stopped."""
        if notice.cause is not None:
            window = self._options().notice_seconds
            self._bursts[notice.cause] = _Burst(notice.workflow, notice, window)

    def gather(self, notice: Notice, told: Mapping[str, Any], cause: str) -> None:
        """Count it in the notice that gathers this cause; where there is none, begin with this."""
        now = time()
        burst = self._bursts.get(cause)
        if burst is not None and burst.notice is not None and self._gone(burst.notice):
            self.taken(burst.notice)
        if burst is not None and burst.notice is not None:
            before = burst.notice
            before.count += 1
            before.told = encode({**decode(before.told or b"{}"), "until": moment(now)})
            self._write(before)
            return
        window = self._options().notice_seconds
        if burst is not None and now < burst.quiet:
            window = min(2 * burst.window, LONGEST)
        notice.cause, notice.due = cause, now + window
        notice.told = encode({**told, "since": moment(now), "until": moment(now)})
        self._bursts[cause] = _Burst(notice.workflow, notice, window)
        self._write(notice, tell=True)

    def taken(self, notice: Notice) -> None:
        """It is being delivered: what happens from now on is told by the next one."""
        burst = self._bursts.get(notice.cause) if notice.cause is not None else None
        if burst is None or burst.notice is None or burst.notice.id != notice.id:
            return
        now = time()
        burst.notice, burst.quiet = None, now + 2 * burst.window
        if len(self._bursts) > REMEMBERED:
            gone = [key for key, b in self._bursts.items() if b.notice is None and b.quiet < now]
            for key in gone:
                del self._bursts[key]

    def calm(self, workflow: Workflow) -> float:
        """Its next failure is told as the first one was; when the last one will have been told."""
        mine = [cause for cause, burst in self._bursts.items() if burst.workflow == workflow]
        due = time()
        for cause in mine:
            notice = self._bursts[cause].notice
            if notice is None:
                del self._bursts[cause]
            else:
                due = max(due, notice.due or due)
        return due
