"""The executions in memory: those that have not ended, and the last that have."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence

from caudal_core.engine.execution import Execution
from caudal_core.payload import EMPTY, LARGE, Payload
from caudal_core.preview import preview

RUNS_KEPT = 10
"""Node runs kept for each ended execution that is kept, on average."""

BYTES_KEPT = 100_000_000
"""About what the values of all ended executions that are kept, and their workflows, may take."""


class Shelf:
    """`keep` bounds the ended ones, and so does what they take (see the constants above).

    Where nothing else keeps them (`forever`, until that is known) none is dropped.
    """

    def __init__(self, keep: int) -> None:
        self.open: dict[str, Execution] = {}
        self._keep = keep
        self.forever = True
        self._ended: OrderedDict[str, tuple[Execution, int]] = OrderedDict()
        self._runs = 0
        self._bytes = 0
        self._graphs: Counter[str] = Counter()

    def find(self, execution_id: str) -> Execution | None:
        """The execution, if it is here."""
        found = self.open.get(execution_id)
        if found is None and (ended := self._ended.get(execution_id)) is not None:
            return ended[0]
        return found

    def descend(self, parent: str, child: str) -> None:
        """An execution is a retry or a replay of another one, which may be here."""
        found = self.find(parent)
        if found is not None and child not in found.retries:
            found.retries = (*found.retries, child)

    def all(self) -> Sequence[Execution]:
        """The last that have ended, then those that have not."""
        return [*(execution for execution, _ in self._ended.values()), *self.open.values()]

    def end(self, execution: Execution) -> None:
        """An execution has ended: keep what is shown of it."""
        if execution.closing is not None:
            execution.record.end(execution.closing)
        self.open.pop(execution.id, None)
        weight = _lighten(execution)
        self._ended[execution.id] = execution, weight
        self._count(execution, weight, 1)
        while self._too_many() and not self.forever:
            _, oldest = self._ended.popitem(last=False)
            self._count(*oldest, -1)

    def forget(self, execution_id: str) -> None:
        """Let go of one that has ended."""
        found = self._ended.pop(execution_id, None)
        if found is not None:
            self._count(*found, -1)

    def _count(self, execution: Execution, weight: int, sign: int) -> None:
        graph, known = execution.graph, self._graphs
        if sign > 0 and graph.hash not in known:
            self._bytes += graph.size
        known[graph.hash] += sign
        if not known[graph.hash]:
            del known[graph.hash]
            self._bytes -= graph.size
        self._runs += sign * len(execution.runs)
        self._bytes += sign * weight

    def _too_many(self) -> bool:
        most = RUNS_KEPT * self._keep
        return len(self._ended) > self._keep or self._runs > most or self._bytes > BYTES_KEPT


def _lighten(execution: Execution) -> int:
    """Let go of what is kept elsewhere or can be made again.

    Returns about the bytes that the values left take: as objects some times their size as text.
    """
    execution.inputs = EMPTY
    execution.env = None
    execution.delivered.clear()
    execution.restored.clear()
    execution.edited = None
    size, large = 0, []
    for run in execution.runs:
        run.rest()
        size += len(run.report)
        for payload in (run.outputs or {}).values():
            size += 4 * min(payload.size, LARGE)
            if payload.ref is not None and payload.whole:
                payload.let_go(preview(payload.glance))
        large += [payload for payload in (run.input or {}).values() if payload.size > LARGE]
    if large:
        _let_go(large, execution)
    return size


def _let_go(inputs: Sequence[Payload], execution: Execution) -> None:
    """Of large inputs keep those that are some node's output and are kept nowhere else."""
    handed_on = {id(load) for run in execution.runs for load in (run.outputs or {}).values()}
    for payload in inputs:
        made_again = payload.encoded is None and id(payload) not in handed_on
        if payload.ref is not None or made_again:
            payload.let_go(preview(payload.glance))
