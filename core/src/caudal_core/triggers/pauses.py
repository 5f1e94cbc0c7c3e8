"""What is paused: one trigger, those of a workflow, or all."""

from __future__ import annotations

from collections.abc import Sequence

from caudal_core.engine import Engine
from caudal_core.engine.acceptance import ACCEPT_SECONDS
from caudal_core.journal.statements import Statement
from caudal_core.journal.triggers import TriggerStore
from caudal_core.trigger import Clock
from caudal_core.triggers.wanted import Wanted

ALL = "all"


class Pauses:
    """Each scope is a switch of its own: what two scopes pause, both must resume."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._scopes: dict[str, float] = {}

    async def read(self, store: TriggerStore) -> None:
        """What is paused now; another server may have changed it."""
        self._scopes = await self._engine.read(store.paused)

    def of(self, wanted: Wanted) -> Sequence[str]:
        """Which kinds of scope pause a trigger: `trigger`, `workflow`, `all`."""
        scopes = {
            "trigger": _scope(wanted.id, None),
            "workflow": _scope(None, wanted.workflow.id),
            "all": ALL,
        }
        return [kind for kind, scope in scopes.items() if scope in self._scopes]

    async def add(self, trigger: str | None, workflow_id: str | None) -> None:
        """Pause; on disk when this returns."""
        row = (_scope(trigger, workflow_id), self._clock.now().timestamp())
        await self._write(Statement.TRIGGER_PAUSE, row)

    async def remove(self, trigger: str | None, workflow_id: str | None) -> None:
        """Resume; on disk when this returns."""
        await self._write(Statement.TRIGGER_RESUME, (_scope(trigger, workflow_id),))

    async def _write(self, statement: int, row: tuple[object, ...]) -> None:
        journal = self._engine.journal
        journal.write(statement, row, urgent=True)
        await journal.flush(most=ACCEPT_SECONDS)


def _scope(trigger: str | None, workflow_id: str | None) -> str:
    if trigger is not None:
        return f"trigger {trigger}"
    return ALL if workflow_id is None else f"workflow {workflow_id}"
