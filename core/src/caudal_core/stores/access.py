"""What a handler may do with records: `ctx.records`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any

from caudal_core.stores.errors import EntityNotFound
from caudal_core.stores.lookup import RecordStores
from caudal_core.stores.model import Entity, Mode, Page, Query, Report, Write
from caudal_core.tables.weight import weight
from caudal_core.values import JSON, normalise


class RecordAccess:
    """The entities that a node reads and writes.

    ::

        meters = ctx.records.find("meters")
        page = ctx.records.read(meters, Query(limit=10))
        ctx.records.write(meters, [{"meter": "0417", "kWh": 12.5}], mode="upsert", keys=("meter",))

    Its calls block: in an `async def` handler make them in a thread. A write is in effect once: in
    a second attempt of the same node the first write of the handler is the first of before, and so
    on, and what was committed is not done again. Declare such a handler `transactional`.
    """

    def __init__(
        self,
        stores: RecordStores,
        *,
        effect: str,
        now: Callable[[], datetime],
        check: Callable[[], None],
        afford: Callable[[int, str], None],
        organization: str | None,
        dry_run: bool,
    ) -> None:
        self._stores = stores
        self._effect = effect
        self._now = now
        self._check = check
        self._afford = afford
        self._organization = organization
        self._dry_run = dry_run
        self._writes = count(1)

    def entities(self) -> list[Entity]:
        """All that there are."""
        return self._stores.entities()

    def find(self, *refs: str) -> Entity:
        """The entity of the first of these ids or names that there is; else `EntityNotFound`."""
        missing: EntityNotFound | None = None
        for ref in refs:
            try:
                return self._stores.find(ref)
            except EntityNotFound as error:
                missing = missing or error
        raise missing or EntityNotFound("")

    def find_or_new(self, name: str) -> Entity:
        """The entity of this id or name, else one that the first write to it makes."""
        try:
            return self._stores.find(name)
        except EntityNotFound:
            return self._stores.new(name)

    def read(self, entity: Entity, query: Query | None = None) -> Page:
        """Records; all of them without a query.

        `NodeMemory` where they are more than a node may build: told by the first of them where the
        entity says how many there are, else when it has come to that.
        """
        query = query or Query()
        weigh = partial(self._weigh, expected=_expected(entity, query))
        page = self._stores.read(entity, replace(query, check=self._check, weigh=weigh))
        weigh(page.records)
        return page

    def _weigh(self, found: Sequence[Any], *, expected: int = 0) -> None:
        if found:
            count = max(expected, len(found))
            each = weight(found) / len(found)
            self._afford(int(count * each), f"{count} records")

    def write(
        self,
        entity: Entity,
        rows: Sequence[JSON],
        *,
        mode: Mode = "insert",
        keys: Sequence[str] = (),
    ) -> Report:
        """Write records, all or none; see `caudal_core.stores.model.Write`."""
        wanted = Write(
            rows=normalise(list(rows)),
            now=self._now(),
            mode=mode,
            keys=tuple(keys),
            effect=f"{self._effect}:{next(self._writes)}",
            organization=self._organization,
            dry_run=self._dry_run,
            check=self._check,
        )
        return self._stores.write(entity, wanted)


def _expected(entity: Entity, query: Query) -> int:
    """How many records come, as far as it is known before."""
    if query.where is not None or query.cursor or entity.records is None:
        return 0
    return entity.records if query.limit is None else min(entity.records, query.limit)
