"""Tells whoever listens, in this process, what has been committed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from caudal_core.engine.execution import Execution
from caudal_core.journal import SETTLED, NodeRun

Listener = Callable[[Execution, Sequence[NodeRun]], None]


class Notices:
    """The listeners, and the hooks of plugins; what goes wrong in one is logged, stops nothing."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; returns what takes it away."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def tell(self, execution: Execution, runs: Sequence[NodeRun], hooks: Any) -> None:
        """Runs of an execution have been recorded, or (none) it has itself changed."""
        for listener in tuple(self._listeners):
            _quietly(partial(listener, execution, runs))
        if hooks is None:
            return
        if hooks.caudal_node_finished.get_hookimpls():
            for run in filter(_has_ended, runs):
                told = {"node_id": run.node_id, "status": run.shown}
                _quietly(partial(hooks.caudal_node_finished, execution_id=execution.id, **told))
        if execution.record.finished and hooks.caudal_execution_finished.get_hookimpls():
            record = execution.record
            told = {"workflow_id": record.workflow_id, "status": record.state}
            _quietly(partial(hooks.caudal_execution_finished, execution_id=record.id, **told))


def _has_ended(run: NodeRun) -> bool:
    return run.settles and run.shown in SETTLED


def _quietly(call: Callable[[], Any]) -> None:
    try:
        call()
    except Exception:
        logging.getLogger(__name__).exception("a listener failed while it was told what happened")
