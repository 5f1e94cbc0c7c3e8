"""Executions that are asked for under a key: one for each key, however often it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from caudal_core.engine.execution import Execution
from caudal_core.errors import KeyReused, Unavailable

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine

SECONDS = 15.0
"""How long a caller waits: for the workflow to be found, and for the disk."""


class Key(NamedTuple):
    """`text` names one call among all that there may be, `digest` says what it asks for."""

    text: str
    digest: str


class Asked(NamedTuple):
    """The execution that a key stands for, and whether it was there before."""

    id: str
    repeated: bool


class Once:
    """The key is written with the execution and kept as long as it is.

    Whoever asks while the first one is being written waits for it. Whoever hears `Unavailable` may
    ask again: what was being written then goes on, without its caller.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._under_way: dict[str, tuple[str, asyncio.Task[Asked]]] = {}
        self._kept: dict[str, tuple[str, str | None]] = {}
        """Where nothing is on disk: by key an id and a digest."""

    async def submit(
        self,
        key: Key,
        prepare: Callable[[], Awaitable[Execution]],
        *,
        beside: Callable[[], None] = lambda: None,
    ) -> Asked:
        """The execution of this key; what `prepare` gives is accepted where there is none yet.

        What `beside` writes into the journal is in the transaction that accepts it.
        `KeyReused` where the key stands for another call, `Unavailable` where the disk does not
        take it in time, and whatever `prepare` raises.
        """
        digest, task = self._under_way.get(key.text) or (key.digest, None)
        repeated = task is not None
        if task is None:
            task = asyncio.create_task(self._ask(key, prepare, beside))
            self._under_way[key.text] = key.digest, task
            task.add_done_callback(lambda _: self._under_way.pop(key.text))
        await asyncio.wait((task,), timeout=SECONDS)
        if not task.done():
            raise Unavailable(message=self._engine.fault or "the disk takes too long")
        found = task.result()
        return _same(key, Asked(found.id, repeated or found.repeated), digest)

    async def _ask(
        self,
        key: Key,
        prepare: Callable[[], Awaitable[Execution]],
        beside: Callable[[], None],
    ) -> Asked:
        engine = self._engine
        found = await self._known(key)
        if found is not None:
            return _same(key, Asked(found[0], repeated=True), found[1])
        execution = await prepare()
        execution.record.client_key, execution.record.client_hash = key
        engine.accept(execution, held=True)
        beside()
        await engine.journal.flush()
        return await self._begun(key, execution)

    async def _begun(self, key: Key, execution: Execution) -> Asked:
        """The database has the last word: another server may have been asked at the same moment."""
        engine = self._engine
        if engine.storage.history is None:
            self._kept[key.text] = execution.id, key.digest
        try:
            found = await self._known(key)
        except BaseException:
            engine.begin(execution)
            raise
        if found is not None and found[0] != execution.id:
            engine.withdraw(execution)
            return _same(key, Asked(found[0], repeated=True), found[1])
        engine.begin(execution)
        return Asked(execution.id, repeated=False)

    async def _known(self, key: Key) -> tuple[str, str | None] | None:
        history = self._engine.storage.history
        if history is None:
            return self._kept.get(key.text)
        found: tuple[str, str | None] | None
        found = await self._engine.read(lambda: history.asked_for(key.text))
        return found


def _same(key: Key, found: Asked, digest: str | None) -> Asked:
    if digest != key.digest:
        raise KeyReused(id=found.id)
    return found
