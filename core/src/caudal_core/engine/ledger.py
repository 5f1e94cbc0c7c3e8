"""What the nodes of an engine did to the world."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from caudal_core.journal import NodeRun
from caudal_core.journal.effects import Done, EffectFilter

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine
    from caudal_core.engine.execution import Execution


async def effects(engine: Engine, wanted: EffectFilter) -> list[Done]:
    """A page of the ledger, the newest first; of the memory where the journal keeps nothing."""
    history = engine.storage.history
    if history is not None:
        found: list[Done] = await engine.read(lambda: history.effects.list(wanted))
        return found
    done = [each for execution in engine.remembered for each in _of(execution)]
    taken = sorted(filter(lambda each: _takes(wanted, each), done), key=lambda each: each.position)
    return taken[::-1][: wanted.limit]


def _of(execution: Execution) -> Iterator[Done]:
    for run in execution.runs:
        if run.key is not None:
            yield _done(execution, run, run.key)


def _done(execution: Execution, run: NodeRun, key: str) -> Done:
    record, node = execution.record, execution.graph.find(run.node_id)
    return Done(
        execution=record.id,
        workflow_id=record.workflow_id,
        workflow_name=record.workflow_name,
        organization=record.organization,
        node=run.node_id,
        node_type=run.type,
        node_label=run.label,
        effect=node.handler.effect if node else None,
        key=key,
        number=run.number,
        attempt=run.attempt,
        state=run.shown,
        message=run.message,
        error=run.error,
        started=run.started or 0.0,
        duration=run.duration,
    )


def _takes(wanted: EffectFilter, done: Done) -> bool:
    return (
        done.started >= wanted.since
        and (wanted.until is None or done.started < wanted.until)
        and wanted.execution in (None, done.execution)
        and wanted.organization in (None, done.organization)
        and (wanted.before is None or done.position < wanted.before)
    )
