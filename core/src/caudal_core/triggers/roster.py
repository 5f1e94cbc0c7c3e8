"""The triggers that the workflows of a place switch on now."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from caudal_core.engine import Engine
from caudal_core.triggers.wanted import Place, Wanted, wanted_by


class Roster:
    """Knows them by their ids; a workflow is read again when it or the plugins have changed."""

    def __init__(self, engine: Engine, place: Place) -> None:
        self._engine = engine
        self._place = place
        self._registry = engine.registry
        self._known: dict[str, tuple[Hashable, list[Wanted]]] = {}
        self.wanted: Mapping[str, Wanted] = {}

    def knows(self, workflow_id: str) -> bool:
        """Whether there is such a workflow, with triggers or without."""
        return workflow_id in self._known

    async def read(self) -> None:
        """See which there are now."""
        registry, zone = self._engine.registry, self._engine.options.timezone
        before = self._known if registry is self._registry else {}
        known: dict[str, tuple[Hashable, list[Wanted]]] = {}
        for kept in await self._place.all():
            held = before.get(kept.id)
            if held is None or held[0] != kept.mark:
                document = await self._engine.read(kept.read)
                held = kept.mark, wanted_by(kept, document or {}, registry, zone)
            known[kept.id] = held
        self._known, self._registry = known, registry
        self.wanted = {item.id: item for _, found in known.values() for item in found}
