"""What happens to executions, as a sequence of events.

An event of a node has the id `epoch.seq`: the place of its record in the journal. Whoever was cut
off names the last id seen and goes on behind it. Nothing is told before it is on disk.

No queue is kept for anybody: a stream remembers how far it has come in what the execution holds
anyway, so a slow reader costs nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from caudal_core.engine import ExecutionView, Watched
from caudal_core.engine.view import live_view
from caudal_core.errors import InvalidRequest
from caudal_core.journal import SETTLED, ExecutionRecord, NodeRun
from caudal_server.documents import complete_message, progress_message
from caudal_server.previews import preview_entry
from caudal_server.waiting import changed

NODE = "node"
PROGRESS = "execution_progress"
COMPLETE = "execution_complete"
LAGGED = "lagged"

Position = tuple[int, int]
"""Epoch and sequence number."""

START: Position = (0, 0)

AT_ONCE = 50
"""Events that are made before others get their turn."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name, what makes its document, its place.

    Events of one `key` are the same, whoever hears of them; null where nobody else does.
    """

    name: str
    document: Callable[[], dict[str, Any]]
    id: str | None = None
    key: Hashable = None


def position_of(text: str | None) -> Position:
    """The place that an event's id names."""
    if not text:
        return START
    epoch, dot, seq = text.partition(".")
    if not (dot and epoch.isdecimal() and seq.isdecimal() and len(text) < 40):
        message = f"Last-Event-ID is '{text[:60]}'; it is none that this server gave"
        raise InvalidRequest(message=message)
    return int(epoch), int(seq)


def end_of(record: ExecutionRecord) -> Position:
    """The place of an execution's end."""
    return record.epoch, record.seq


def of_node(run: NodeRun) -> Event:
    """A node has been settled."""
    place = f"{run.epoch}.{run.seq}"
    return Event(NODE, partial(preview_entry, run), place, (NODE, run.execution_id, place))


def of_progress(execution: Watched) -> Event:
    """How far an execution in memory is."""
    view = live_view(execution, 0)
    key = (PROGRESS, execution.id, execution.version)
    return Event(PROGRESS, partial(progress_message, view, logs=False), key=key)


def of_end(record: ExecutionRecord) -> Event:
    """An execution has ended."""
    place = f"{record.epoch}.{record.seq}"
    return Event(COMPLETE, partial(complete_message, record), place, (COMPLETE, record.id, place))


def of_missed(count: int) -> Event:
    """So many executions changed that the listener will not hear of."""
    return Event(LAGGED, lambda: {"missed": count})


def settled_after(runs: Iterable[NodeRun], after: Position) -> list[NodeRun]:
    """The settled runs behind a place, in the order of their records."""
    found = [run for run in runs if run.shown in SETTLED and (run.epoch, run.seq) > after]
    return sorted(found, key=lambda run: (run.epoch, run.seq))


async def of_ended(view: ExecutionView, after: Position) -> AsyncGenerator[list[Event]]:
    """All that there is of an execution that has ended."""
    for runs in _slices(settled_after(view.runs, after)):
        yield list(map(of_node, runs))
    yield [of_end(view.record)]


async def of_execution(
    execution: Watched, after: Position, pause: float
) -> AsyncGenerator[list[Event]]:
    """What happens to a live execution until its end, some events at a time.

    Nothing at all is given where nothing has happened for `pause` seconds.
    """
    news = settled_after(execution.runs, after)
    seen = len(execution.committed)
    while True:
        version = execution.version
        for runs in _slices(news):
            yield list(map(of_node, runs))
        if execution.record.finished and seen == len(execution.committed):
            yield [of_end(execution.record)]
            return
        yield [of_progress(execution)]
        while execution.version == version:
            await changed(execution, version, pause)
            if execution.version == version:
                yield []
        news = execution.committed[seen:]
        seen += len(news)


def _slices(runs: Sequence[NodeRun]) -> Iterable[Sequence[NodeRun]]:
    return (runs[start : start + AT_ONCE] for start in range(0, len(runs), AT_ONCE))
