"""The executions in memory: those that have not ended, and the last that have."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from caudal_core.engine.execution import Execution
from caudal_core.payload import EMPTY
from caudal_core.preview import preview

RUNS_KEPT = 10
"""Node runs kept for each ended execution that is kept, on average."""


class Shelf:
    """`keep` bounds the ended ones; where nothing else keeps them (`forever`) none is dropped."""

    def __init__(self, keep: int, *, forever: bool) -> None:
        self.open: dict[str, Execution] = {}
        self._keep = keep
        self._forever = forever
        self._ended: OrderedDict[str, Execution] = OrderedDict()
        self._runs = 0

    def find(self, execution_id: str) -> Execution | None:
        """The execution, if it is here."""
        return self.open.get(execution_id) or self._ended.get(execution_id)

    def all(self) -> Sequence[Execution]:
        """The last that have ended, then those that have not."""
        return [*self._ended.values(), *self.open.values()]

    def end(self, execution: Execution) -> None:
        """An execution has ended: keep what is shown of it."""
        if execution.closing is not None:
            execution.record.end(execution.closing)
        self.open.pop(execution.id, None)
        self._ended[execution.id] = execution
        self._runs += len(execution.runs)
        _lighten(execution)
        while self._too_many() and not self._forever:
            _, oldest = self._ended.popitem(last=False)
            self._runs -= len(oldest.runs)

    def _too_many(self) -> bool:
        return len(self._ended) > self._keep or self._runs > RUNS_KEPT * self._keep


def _lighten(execution: Execution) -> None:
    """Let go of what is kept elsewhere or can be made again."""
    execution.inputs = EMPTY
    execution.delivered = []
    execution.restored = {}
    for run in execution.runs:
        run.rest()
        for payload in (run.outputs or {}).values():
            if payload.ref is not None and payload.encoded is not None:
                payload.let_go(preview(payload.data))
        for payload in (run.input or {}).values():
            if payload.large and (payload.ref is not None or payload.encoded is None):
                payload.let_go(preview(payload.data))
