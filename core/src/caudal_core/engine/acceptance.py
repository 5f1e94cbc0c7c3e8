"""How an execution is accepted: prepared, written, and told of once that is committed."""

from __future__ import annotations

from collections.abc import Mapping
from time import time
from typing import TYPE_CHECKING, Any

from caudal_core.engine.execution import Execution, new_id
from caudal_core.engine.graphs import is_heavy
from caudal_core.engine.keeping import Keeper
from caudal_core.engine.running.stopping import stop
from caudal_core.engine.shelf import Shelf
from caudal_core.engine.versions import Versions
from caudal_core.errors import Overloaded, Unavailable
from caudal_core.graph import Graph
from caudal_core.intake import check_texts
from caudal_core.journal import ExecutionRecord
from caudal_core.journal.rows import accept_row, node_row
from caudal_core.journal.statements import Statement
from caudal_core.payload import EMPTY, Payload

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine

ACCEPT_SECONDS = 10.0
"""Seconds within which the caller is answered, whatever the disk does."""


class Acceptance:
    """What becomes of a call before its execution runs."""

    def __init__(self, engine: Engine, keeper: Keeper, versions: Versions, shelf: Shelf) -> None:
        self._engine = engine
        self._keeper = keeper
        self._versions = versions
        self._shelf = shelf

    def check_open(self) -> None:
        """Raise `Unavailable` or `Overloaded` where no work can be taken."""
        engine = self._engine
        if not engine.started:
            raise Unavailable(message="the engine has not been started")
        if engine.closing:
            raise Unavailable(message="the engine is stopping")
        if engine.fault is not None:
            raise Unavailable(message=engine.fault)
        most = engine.options.max_queued
        if len(self._shelf.open) >= most:
            raise Overloaded(queued=len(self._shelf.open), limit=most, seconds=5)

    async def prepare(
        self,
        workflow: Mapping[str, Any] | Graph,
        inputs: Mapping[str, Any] | None,
        *,
        workflow_id: str | None,
        digest: str | None,
        organization: str | None,
        labels: Mapping[str, str] | None,
        execution_id: str | None,
        callback: str | None,
        origin: str | None,
    ) -> Execution:
        """See `Engine.prepare`."""
        self.check_open()
        check_texts([workflow_id, organization, dict(labels or {})], "the call")
        engine = self._engine
        graph = workflow if isinstance(workflow, Graph) else None
        if graph is None:
            document: Mapping[str, Any] = workflow  # type: ignore[assignment]
            graph = await engine.graph(document, workflow_id=workflow_id, digest=digest)
        payload = await self.measured(inputs)
        record = ExecutionRecord(
            id=execution_id or new_id(),
            workflow_id=graph.workflow_id,
            workflow_name=graph.name,
            workflow_hash=graph.hash,
            plan_hash=graph.plan_hash,
            total_nodes=len(graph.nodes),
            created=time(),
            organization=organization,
            labels=labels or {},
            origin=origin,
        )
        env = engine.options.environment(graph.settings, record, payload.data, engine.states.read)
        execution = Execution(graph, record, payload, env)
        if callback is not None:
            execution.callback = engine.outbox.callback(record.id, callback)
        return execution

    async def measured(self, inputs: Mapping[str, Any] | None) -> Payload:
        """See `Engine.measured`."""
        if not inputs:
            return EMPTY
        plain = dict(inputs)
        if is_heavy(plain):
            found: Payload = await self._engine.read(lambda: Payload.of(plain))
        else:
            found = Payload.of(plain)
        await self._keeper.keep_now(found)
        return found

    def accept(self, execution: Execution, *, held: bool) -> None:
        """See `Engine.accept`."""
        record, engine = execution.record, self._engine
        journal = engine.journal
        self._shelf.open[record.id] = execution
        self._versions.write(execution.graph, journal)
        row = accept_row(record, execution.given, engine.storage.owner)
        execution.given = EMPTY
        journal.write(Statement.ACCEPT, row, None if held else execution, urgent=True)
        if execution.callback is not None:
            engine.outbox.arm(execution.callback)
        for run in execution.runs:  # what a retry or a replay takes over
            journal.write(Statement.NODE, node_row(run))

    async def committed(self, execution: Execution, *, kept: bool) -> None:
        """Wait until it is on disk; `Unavailable` where that takes too long.

        What is not `kept` must not run then, should it be written yet: the caller hears that it was
        not accepted.
        """
        journal = self._engine.journal
        try:
            await journal.flush(most=ACCEPT_SECONDS)
        except Unavailable:
            if not kept:
                journal.write(Statement.CANCEL, (time(), execution.id))
                stop(execution, "cancel")
            raise

    def withdraw(self, execution: Execution) -> None:
        """See `Engine.withdraw`."""
        self._shelf.open.pop(execution.id, None)
        if execution.callback is not None:
            self._engine.outbox.disarm(execution.callback)
