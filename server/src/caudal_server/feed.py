"""What happens to all executions, for one listener that may be slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Self

from caudal_core.engine import Engine, Watched
from caudal_core.journal import SETTLED, NodeRun
from caudal_server.waiting import GATHERING

MOST_CHANGED = 256
"""Executions that may have changed since the listener last looked; beyond that the oldest are
forgotten, and the listener is told how many."""

Change = tuple[Watched, list[NodeRun]]
"""An execution that has changed, and its runs that were settled since it was last told of."""


class Feed:
    """Notes which executions have changed, each once; to be used by `with`.

    What it holds is bounded, however long its reader takes.
    """

    def __init__(self, engine: Engine, organization: str | None = None) -> None:
        self._engine = engine
        self._organization = organization
        self._changed: dict[Watched, int] = {}
        self._woken = asyncio.Event()
        self._missed = 0

    def __enter__(self) -> Self:
        self._unlisten = self._engine.listen(self._heard)
        return self

    def __exit__(self, *_: object) -> None:
        self._unlisten()

    def _heard(self, execution: Watched, runs: Sequence[NodeRun]) -> None:
        if self._organization not in (None, execution.record.organization):
            return
        if execution not in self._changed:
            settled = sum(run.shown in SETTLED for run in runs)
            self._changed[execution] = len(execution.committed) - settled
            if len(self._changed) > MOST_CHANGED:
                del self._changed[next(iter(self._changed))]
                self._missed += 1
        self._woken.set()

    async def changes(self, pause: float) -> AsyncGenerator[tuple[list[Change], int]]:
        """What has changed, and how many changed executions were forgotten; no end.

        Nothing is in it where nothing has happened for `pause` seconds.
        """
        while True:
            try:
                async with asyncio.timeout(pause):
                    await self._woken.wait()
                await asyncio.sleep(GATHERING)
            except TimeoutError:
                yield [], 0
            else:
                yield self._taken()

    def _taken(self) -> tuple[list[Change], int]:
        self._woken.clear()
        changed, self._changed = self._changed, {}
        missed, self._missed = self._missed, 0
        found = [(execution, execution.committed[before:]) for execution, before in changed.items()]
        return found, missed
