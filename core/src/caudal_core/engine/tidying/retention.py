"""Lets go of what is old: executions, what only they used, and the room that it took.

Everything is deleted by the journal's one writer, in steps so small, and with such pauses between
them, that commits do not wait for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from caudal_core.engine.tidying.sweeping import Sweeper
from caudal_core.errors import Unavailable, error_text
from caudal_core.journal import ExecutionRecord
from caudal_core.journal.ageing import Ageing, Ended
from caudal_core.journal.statements import Statement, erasures
from caudal_core.journal.unused import note

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine

FIRST_AFTER = 60.0
EVERY = 1800.0
DAY = 86_400.0
TURN = "retention"
"""What the one server of several that tidies holds, among the leases of triggers."""

FAILED_LONGER = 3.0
"""How many times as long an execution is kept that failed: somebody may yet look for the cause."""

DELETED = "its execution was deleted"
"""Why an event whose key came before starts nothing. The key stays for the usual days from when it
came, whenever its execution goes: who tells of events again does so within those."""

STEP = 100
"""Runs that are deleted in one commit."""

SECONDS = 10.0
"""How long a step may take before whoever waits for it hears that the disk does not answer."""

SHARE = 4.0
"""How many times as long as a step took others have the writer to themselves."""


class Retention:
    """`run` begins to tidy from time to time; `erase` deletes one execution now."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._task: asyncio.Task[None] | None = None
        self._held = False
        self._days: dict[str, float | None] = {}
        self._sweeper = Sweeper(engine)

    def start(self) -> None:
        """Tidy soon, and from then on from time to time, where anything is kept."""
        if self._ageing is not None:
            self._task = asyncio.create_task(self._work(), name="retention")

    async def close(self) -> None:
        """Begin nothing more; another server may."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._held:
            with suppress(Unavailable):  # then it comes to another server in time
                await self._engine.read(lambda: self._engine.storage.leases.release({TURN}))

    @property
    def _ageing(self) -> Ageing | None:
        return self._engine.storage.ageing

    async def _work(self) -> None:
        delay = FIRST_AFTER
        while True:
            await asyncio.sleep(delay)
            delay = FIRST_AFTER
            try:
                if await self._turn():
                    delay = EVERY
                    await self.tidy()
            except Exception as error:  # noqa: BLE001 - it is tried again, and nothing else stops
                text = "what is old could not be let go of: %s"
                logging.getLogger(__name__).warning(text, error_text(error))

    async def _turn(self) -> bool:
        """Whether it is for this server to tidy, among those that share a database."""
        leases = self._engine.storage.leases
        held: set[str] = await self._engine.read(lambda: leases.hold({TURN}, 2 * EVERY))
        self._held = bool(held)
        return self._held

    async def tidy(self) -> int:
        """Once through everything; how many executions were let go of."""
        ageing = self._ageing
        if ageing is None:
            return 0
        count = await self._by_age(ageing)
        count += await self._by_size(ageing)
        await self._skipped(ageing)
        await self._unused(ageing)
        await self._sweeper.sweep(ageing)
        await self._shrink()
        if count:
            log = logging.getLogger(__name__)
            log.info("%d executions were let go of, as they were old", count)
        return count

    # -- what is too old ---------------------------------------------------------------------------

    async def _by_age(self, ageing: Ageing) -> int:
        usual = self._engine.options.retention_days or None
        await self._learn(ageing)
        limits = [days for days in (usual, *self._days.values()) if days]
        if not limits:
            return 0
        now, count, place = time(), 0, (0.0, "")
        before = now - min(limits) * DAY
        while True:
            page = await self._engine.read(partial(ageing.ended, before, place))
            for one in page:
                days = self._days.get(one.workflow_hash) or usual
                if days is not None and one.completed < now - _longer(one, days) * DAY:
                    await self._erase(ageing, one)
                    count += 1
            if not page:
                return count
            place = page[-1].created, page[-1].id

    async def _skipped(self, ageing: Ageing) -> None:
        """Events that started nothing, and those whose executions have gone before."""
        days = self._engine.options.retention_days
        before = time() - days * DAY
        while days and (page := await self._engine.read(partial(ageing.skipped, before))):
            for begin in range(0, len(page), STEP):
                for row in page[begin : begin + STEP]:
                    self._engine.journal.write(Statement.ERASE_EVENT, row)
                await self._paced(self._flush)

    async def _learn(self, ageing: Ageing) -> None:
        """What the workflows themselves say, read once for each version."""
        hashes = await self._engine.read(ageing.versions)
        self._days = {key: self._days[key] for key in hashes if key in self._days}
        new = [key for key in hashes if key not in self._days]
        found: Mapping[str, Any] = await self._engine.read(lambda: ageing.settings(new))
        for key, settings in found.items():
            days = settings.get("retentionDays")
            self._days[key] = days if isinstance(days, int | float) and days > 0 else None

    # -- what is too much --------------------------------------------------------------------------

    async def _by_size(self, ageing: Ageing) -> int:
        limit = self._engine.options.retention_blobs
        if not limit:
            return 0
        sizes = await self._sweeper.sizes()
        if sum(sizes.values()) <= limit:
            return 0
        owners = await self._engine.read(lambda: _by_owner(ageing))
        uses = Counter(name for names in owners.values() for name in names)
        excess = sum(sizes.get(name, 0) for name in uses) - limit
        count = 0
        for one in await self._oldest(ageing, owners):
            if excess <= 0:
                break
            for name in owners[one.id]:
                uses[name] -= 1
                excess -= 0 if uses[name] else sizes.get(name, 0)
            await self._erase(ageing, one)
            count += 1
        return count

    async def _oldest(self, ageing: Ageing, owners: Collection[str]) -> Sequence[Ended]:
        found: list[Ended] = await self._engine.read(lambda: ageing.known(list(owners)))
        now = time()
        return sorted(found, key=lambda one: (now - one.completed) / _longer(one, 1), reverse=True)

    # -- deleting ----------------------------------------------------------------------------------

    async def erase(self, one: ExecutionRecord) -> None:
        """Delete an execution that has ended, and what only it used.

        Its large values go with a later sweep. `Unavailable` if the disk does not take it.
        """
        if (ageing := self._ageing) is not None:
            await self._erase(ageing, one)
            await self._unused(ageing, (one.workflow_hash, one.plan_hash))
        self._engine.forget(one.id)

    async def _erase(self, ageing: Ageing, one: Ended | ExecutionRecord) -> None:
        journal = self._engine.journal
        count = await self._engine.read(lambda: ageing.runs(one.id))
        for bound in range(STEP, count, STEP):
            journal.write(Statement.ERASE_RUNS, (one.id, bound))
            await self._paced(self._flush)
        journal.write(Statement.ERASE_RUNS, (one.id, count))
        journal.write(Statement.KEEP_KEY, (DELETED, one.id))
        for statement in erasures():
            journal.write(statement, (one.id,))
        if not self._engine.storage.exclusive:
            for digest in (one.workflow_hash, one.plan_hash):
                journal.write(Statement.UNUSED, note(digest))
        journal.write(Statement.ERASE_EXECUTION, (one.id,))
        await self._paced(self._flush)
        self._engine.forget(one.id)

    async def _unused(self, ageing: Ageing, wanted: tuple[str, str] | None = None) -> None:
        """Delete versions and plans that nothing names any more.

        Whoever submits one of them from here on writes it anew, after what deletes it; what was
        submitted before is committed before they are looked for a second time.
        """
        engine = self._engine
        if (servers := engine.storage.servers) is not None:
            if wanted is None:  # another server may be about to name one: see `journal.unused`
                await engine.read(servers.unused.delete)
            return
        found = await engine.read(lambda: ageing.unused(wanted))
        if not any(found):
            return
        engine.versions.forget(found[0] | found[1])
        await self._flush()
        again = await engine.read(lambda: ageing.unused(wanted))
        for statement, first, second in zip(
            (Statement.ERASE_VERSION, Statement.ERASE_PLAN), found, again, strict=True
        ):
            for digest in engine.versions.unknown(first & second):
                engine.journal.write(statement, (digest,))
        await self._paced(self._flush)

    async def _shrink(self) -> None:
        """Give what is free in the database back to the disk."""
        while await self._paced(self._engine.journal.shrink):
            pass

    async def _flush(self) -> None:
        await self._engine.journal.flush(most=SECONDS)

    async def _paced(self, step: Callable[[], Any]) -> Any:
        """Do a step, then leave the writer to others for some times as long."""
        begin = monotonic()
        found = await step()
        await asyncio.sleep(SHARE * (monotonic() - begin))
        return found


def _longer(one: Ended, days: float) -> float:
    return days * FAILED_LONGER if one.state == "failed" else days


def _by_owner(ageing: Ageing) -> dict[str, set[str]]:
    """The names of the blobs that each execution holds. Blocks."""
    found: dict[str, set[str]] = defaultdict(set)
    for identity, name in ageing.references():
        found[identity].add(name)
    return found
