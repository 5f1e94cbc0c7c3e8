"""What an engine counts of itself: plain numbers, read by whoever shows them.

They are counted on the event loop where things happen, so that a count costs a look-up and an
addition; what makes a page of them (the server's `/metrics`) does so when it is asked.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from caudal_core.journal import NodeRun

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
ROWS = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1_000.0, 5_000.0)
LAGS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 3_600.0)


class Spread:
    """How values spread over ranges, each up to one of `bounds`, the last one without an end."""

    __slots__ = ("_counts", "bounds", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.total = 0.0
        self._counts = [0] * (len(bounds) + 1)

    def add(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self._counts)

    def cumulated(self) -> Iterator[tuple[float, int]]:
        """Each bound with the number of values up to it; infinity at the end."""
        below = 0
        for bound, count in zip((*self.bounds, float("inf")), self._counts, strict=True):
            below += count
            yield bound, below


class Meters:
    """The counts since the engine was made.

    `nodes` has `[seconds, attempts]` by type and state, `ended` the executions by how they ended.
    `lease_losses` rises when another server has taken an execution over; `schedule_lag` has how
    many seconds after their planned times executions were recorded.
    """

    def __init__(self) -> None:
        self.accepted = 0
        self.ended: Counter[str] = Counter()
        self.nodes: dict[tuple[str, str], list[float]] = {}
        self.commit_seconds = Spread(SECONDS)
        self.commit_rows = Spread(ROWS)
        self.lease_losses = 0
        self.schedule_lag = Spread(LAGS)

    def node(self, run: NodeRun) -> None:
        """An attempt has ended, and that is recorded."""
        key = run.node.type, run.state
        found = self.nodes.get(key)
        if found is None:
            found = self.nodes[key] = [0.0, 0]
        found[0] += run.duration or 0.0
        found[1] += 1

    def commit(self, seconds: float, rows: int) -> None:
        """The journal has written so many rows at once, which took so long."""
        self.commit_seconds.add(seconds)
        self.commit_rows.add(rows)
