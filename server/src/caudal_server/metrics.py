"""What `/metrics` tells, in the text form of Prometheus.

The engine counts in plain numbers (`caudal_core.engine.meters`), as counting through the library
would take longer than the rest of what a small node costs; the library writes them down when they
are asked for. Labels are types and states, so that there are never more of them than there are
handlers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from time import time
from typing import Any, NamedTuple

from caudal_core.engine import Engine
from caudal_core.engine.meters import Spread
from caudal_core.errors import Unavailable
from caudal_core.triggers import TriggerService

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Snapshot(NamedTuple):
    """What is looked up when the page is asked for.

    `unfinished` has the number of executions by state, and when the oldest one was accepted,
    `overdue` the seconds by which the latest schedule is late.
    """

    engine: Engine
    unfinished: Mapping[str, tuple[int, float]]
    tasks: int
    overdue: float
    database_bytes: int | None
    blob_bytes: int | None


Sample = tuple[tuple[str, ...], Any]
"""The values of the labels, and a number or a `Spread`."""
Read = Callable[[Snapshot], Iterable[Sample]]


class Metric(NamedTuple):
    """One metric: a `counter` rises, a `gauge` goes up and down, a `histogram` has ranges."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str
    read: Read


def _executions(seen: Snapshot) -> Iterator[Sample]:
    for state in ("pending", "running", "waiting"):
        yield (state,), seen.unfinished.get(state, (0, 0.0))[0]


def _depth(seen: Snapshot) -> Iterator[Sample]:
    yield (), seen.unfinished.get("pending", (0, 0.0))[0]


def _oldest(seen: Snapshot) -> Iterator[Sample]:
    found = seen.unfinished.get("pending")
    yield (), max(0.0, time() - found[1]) if found else 0.0


def _nodes(place: int) -> Read:
    def read(seen: Snapshot) -> Iterator[Sample]:
        for labels, found in sorted(seen.engine.meters.nodes.items()):
            yield labels, found[place]

    return read


def _optional(value: float | None) -> Iterator[Sample]:
    if value is not None:
        yield (), value


METRICS = (
    Metric(
        "caudal_executions",
        "gauge",
        ("state",),
        "Executions that have not ended.",
        _executions,
    ),
    Metric(
        "caudal_executions_accepted_total",
        "counter",
        (),
        "Executions accepted since the start.",
        lambda seen: [((), seen.engine.meters.accepted)],
    ),
    Metric(
        "caudal_executions_ended_total",
        "counter",
        ("state",),
        "Executions that have ended since the start.",
        lambda seen: [((state,), n) for state, n in sorted(seen.engine.meters.ended.items())],
    ),
    Metric("caudal_queue_depth", "gauge", (), "Executions accepted and not begun.", _depth),
    Metric(
        "caudal_queue_oldest_seconds", "gauge", (), "How long the oldest of them waits.", _oldest
    ),
    Metric(
        "caudal_node_seconds_total",
        "counter",
        ("type", "state"),
        "Seconds that attempts at nodes took, by how they ended.",
        _nodes(0),
    ),
    Metric(
        "caudal_node_attempts_total",
        "counter",
        ("type", "state"),
        "Attempts at nodes that have ended and are recorded.",
        _nodes(1),
    ),
    Metric(
        "caudal_commit_seconds",
        "histogram",
        (),
        "Seconds that a commit of the journal took, tries that failed included.",
        lambda seen: [((), seen.engine.meters.commit_seconds)],
    ),
    Metric(
        "caudal_commit_rows",
        "histogram",
        (),
        "Rows that a commit of the journal wrote.",
        lambda seen: [((), seen.engine.meters.commit_rows)],
    ),
    Metric(
        "caudal_lease_losses_total",
        "counter",
        (),
        "Executions that another server has taken over.",
        lambda seen: [((), seen.engine.meters.lease_losses)],
    ),
    Metric(
        "caudal_schedule_lag_seconds",
        "gauge",
        (),
        "How long ago the earliest planned time was that should have started here and has not.",
        lambda seen: [((), seen.overdue)],
    ),
    Metric(
        "caudal_schedule_start_lag_seconds",
        "histogram",
        (),
        "Seconds from a planned time until its execution was recorded.",
        lambda seen: [((), seen.engine.meters.schedule_lag)],
    ),
    Metric(
        "caudal_abandoned_threads",
        "gauge",
        (),
        "Threads of cancelled nodes that have not come back.",
        lambda seen: [((), getattr(seen.engine.runner, "abandoned_threads", 0))],
    ),
    Metric(
        "caudal_tasks", "gauge", (), "Tasks on the event loop.", lambda seen: [((), seen.tasks)]
    ),
    Metric(
        "caudal_database_bytes",
        "gauge",
        (),
        "What the journal's database takes.",
        lambda seen: _optional(seen.database_bytes),
    ),
    Metric(
        "caudal_blob_bytes",
        "gauge",
        (),
        "What large values take, where they are kept in a folder.",
        lambda seen: _optional(seen.blob_bytes),
    ),
)


async def page(engine: Engine, triggers: TriggerService) -> bytes:
    """The whole page; without what a database says that does not answer."""
    tasks, overdue = len(asyncio.all_tasks()), await triggers.overdue()
    seen = Snapshot(engine, {}, tasks, overdue, None, None)
    with suppress(Unavailable):
        unfinished = await engine.counted()
        database, blobs = await engine.read(engine.storage.sizes)
        seen = Snapshot(engine, unfinished, tasks, overdue, database, blobs)
    text: bytes = await engine.read(lambda: _written(seen))
    return text


def _written(seen: Snapshot) -> bytes:
    """The library's form; it is imported here, as it takes a while and few ask for it at once."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(seen))
    text: bytes = generate_latest(registry)
    return text


class _Collector:
    """Gives the library what was read, with no registry of its own that outlives the page."""

    def __init__(self, seen: Snapshot) -> None:
        self._seen = seen

    def collect(self) -> Iterator[Any]:
        from prometheus_client import core

        kinds = {
            "counter": core.CounterMetricFamily,
            "gauge": core.GaugeMetricFamily,
            "histogram": core.HistogramMetricFamily,
        }
        for metric in METRICS:
            family = kinds[metric.kind](metric.name, metric.meaning, labels=metric.labels)
            for labels, value in metric.read(self._seen):
                _add(family, labels, value)
            yield family


def _add(family: Any, labels: tuple[str, ...], value: Any) -> None:
    if isinstance(value, Spread):
        buckets = [(_bound(bound), count) for bound, count in value.cumulated()]
        family.add_metric(labels, buckets=buckets, sum_value=value.total)
    else:
        family.add_metric(labels, value)


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else repr(bound)
