"""The executions that a trigger has started and that have not ended."""

from __future__ import annotations

from caudal_core.engine import Engine
from caudal_core.errors import NotFound
from caudal_core.trigger import TriggerContext

LOOK_AGAIN = 1.0
"""Seconds between two looks at an execution that is not in memory here."""


class Running:
    """Those of one trigger, oldest first; those from before a restart among them."""

    def __init__(self, engine: Engine, trigger: str) -> None:
        self._engine = engine
        self._trigger = trigger
        self._ids: dict[str, None] | None = None

    def add(self, execution_id: str) -> None:
        """One more has begun."""
        if self._ids is not None:
            self._ids[execution_id] = None

    async def ids(self) -> list[str]:
        """Those that have not ended now."""
        store = self._engine.storage.triggers
        if self._ids is None:
            stored = await self._engine.read(lambda: store.running(self._trigger) if store else [])
            self._ids = dict.fromkeys(stored)
        for execution_id in list(self._ids):
            if await self._has_ended(execution_id):
                del self._ids[execution_id]
        return list(self._ids)

    async def _has_ended(self, execution_id: str) -> bool:
        live = self._engine.live(execution_id)
        if live is not None:
            return live.record.finished
        try:
            return (await self._engine.view(execution_id, last=0)).record.finished
        except NotFound:
            return True  # it has been erased

    async def ended(self, ctx: TriggerContext) -> None:
        """Wait until all have ended."""
        while ids := await self.ids():
            live = self._engine.live(ids[0])
            if live is not None:
                await live.finished()
            else:
                await ctx.sleep(LOOK_AGAIN)

    async def replace(self, most: float) -> None:
        """Cancel all, and wait up to `most` seconds for their end."""
        for execution_id in await self.ids():
            await self._engine.cancel(execution_id)
            live = self._engine.live(execution_id)
            if live is not None:
                await live.finished(most)
