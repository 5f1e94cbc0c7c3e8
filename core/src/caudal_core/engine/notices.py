"""Tells whoever listens, in this process, what has been committed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pluggy

from caudal_core.engine.watched import Watched
from caudal_core.journal import SETTLED, NodeRun

Listener = Callable[[Watched, Sequence[NodeRun]], None]


class Notices:
    """The listeners, and the hooks of plugins; what goes wrong in one is logged, stops nothing."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; returns what takes it away."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def tell(self, execution: Watched, runs: Sequence[NodeRun], hooks: Any) -> None:
        """Runs of an execution have been recorded, or (none) it has itself changed."""
        for listener in tuple(self._listeners):
            _quietly("a listener", partial(listener, execution, runs))
        if hooks is None:
            return
        if heard := hooks.caudal_node_finished.get_hookimpls():
            for run in filter(_has_ended, runs):
                told = {"node_id": run.node_id, "status": run.shown}
                _call(heard, {"execution_id": execution.id, **told})
        record = execution.record
        if record.finished and (heard := hooks.caudal_execution_finished.get_hookimpls()):
            told = {"workflow_id": record.workflow_id, "status": record.state}
            _call(heard, {"execution_id": record.id, **told})


def _has_ended(run: NodeRun) -> bool:
    return run.settles and run.shown in SETTLED


def _call(hooks: Sequence[pluggy.HookImpl], told: dict[str, Any]) -> None:
    """Call the hook of each plugin by itself, in pluggy's order: the last of them first."""
    for hook in reversed(hooks):
        _quietly(f"the plugin {hook.plugin_name}", partial(_call_one, hook, told))


def _call_one(hook: pluggy.HookImpl, told: dict[str, Any]) -> None:
    """Call it with the arguments that it names; a wrapper goes round nothing."""
    answer: Any = hook.function(*(told[name] for name in hook.argnames))
    if hook.wrapper or hook.hookwrapper:
        next(answer)
        with contextlib.suppress(StopIteration):
            answer.send([] if hook.wrapper else pluggy.Result([], None))


def _quietly(who: str, call: Callable[[], Any]) -> None:
    """Call it; whatever it raises is logged, as the journal's task has other things to do.

    A cancellation is another matter where it is meant for that task.
    """
    try:
        call()
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError) and _is_cancelled():
            raise
        log = logging.getLogger(__name__)
        log.exception("%s failed while it was told what happened", who)


def _is_cancelled() -> bool:
    """Whether somebody wants the task that we are in to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
