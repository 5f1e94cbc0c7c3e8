"""Who may run now, where a workflow says how many of its executions may at one time."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator

from caudal_core.engine.execution import Execution


class Turns:
    """The executions of such workflows that run, and those that wait for it, in their order."""

    def __init__(self) -> None:
        self._running: dict[str, set[str]] = defaultdict(set)
        self._waiting: dict[str, deque[Execution]] = defaultdict(deque)

    def admit(self, execution: Execution) -> bool:
        """Whether it may run now; if not, it is given by `ended` when it is its turn."""
        limit = execution.graph.settings.max_active_executions
        if limit is None or execution.stop_reason is not None:
            return True
        workflow = execution.record.workflow_id
        running = self._running[workflow]
        if execution.id not in running and (len(running) >= limit or self._waiting[workflow]):
            self._line_up(execution, self._waiting[workflow])
            return False
        running.add(execution.id)
        return True

    def _line_up(self, execution: Execution, waiting: deque[Execution]) -> None:
        """In the order of acceptance: one that has waited for a person comes before later ones."""
        created = execution.record.created
        if waiting and waiting[-1].record.created > created:
            later = (i for i, other in enumerate(waiting) if other.record.created > created)
            waiting.insert(next(later), execution)
        else:
            waiting.append(execution)

    def ended(self, execution: Execution) -> Iterator[Execution]:
        """It has ended, or only waits for a person or a moment: those whose turn it is now."""
        if execution.graph.settings.max_active_executions is None:
            return
        workflow = execution.record.workflow_id
        running, waiting = self._running[workflow], self._waiting[workflow]
        running.discard(execution.id)
        while waiting and len(running) < (waiting[0].graph.settings.max_active_executions or 1):
            following = waiting.popleft()
            running.add(following.id)
            yield following
        if not running and not waiting:
            del self._running[workflow], self._waiting[workflow]

    def leave(self, execution: Execution) -> bool:
        """Let one that waits wait no more: whether it did."""
        waiting = self._waiting.get(execution.record.workflow_id)
        if not waiting or execution not in waiting:
            return False
        waiting.remove(execution)
        return True
