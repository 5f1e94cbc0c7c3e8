"""Executions that other servers run, for those who watch them here.

The database is looked at from time to time while somebody does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from time import time
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from caudal_core.engine.view import ExecutionView
from caudal_core.engine.watched import Watched
from caudal_core.errors import NotFound, Unavailable
from caudal_core.journal import SETTLED, ExecutionRecord, NodeRun

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine

PACE = 0.5
"""Seconds between two looks."""

MOST = 256
"""Executions of others that are looked after for those who listen to all."""


class Followed(Watched):
    """One that is read from the database. `nodes` are the ids of its nodes."""

    __slots__ = ("nodes",)

    def __init__(self, view: ExecutionView, nodes: Collection[str]) -> None:
        super().__init__(view.record)
        self.nodes = nodes
        self.retries = tuple(view.retries)
        self.callback = view.callback
        take(self, view.record, view.runs)

    def has_node(self, node_id: str) -> bool:
        """See `Watched.has_node`."""
        return node_id in self.nodes


def take(watched: Watched, record: ExecutionRecord, runs: Sequence[NodeRun]) -> list[NodeRun]:
    """Bring it to what was read; the runs that were settled since."""
    known = {(run.number, run.seq) for run in watched.committed}
    settled = (run for run in runs if run.shown in SETTLED and (run.number, run.seq) not in known)
    news = sorted(settled, key=lambda run: (run.epoch, run.seq))
    watched.record, watched.runs = record, list(runs)
    watched.committed += news
    watched.touch()
    return news


class Follower:
    """One task, which has something to do while somebody watches."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._watched: WeakValueDictionary[str, Watched] = WeakValueDictionary()
        self._listened: dict[str, Followed] = {}
        self._since = 0.0
        self._marks: dict[str, tuple[object, ...]] = {}
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._work(), name="follower")

    async def close(self) -> None:
        """Look no more; whoever watches is told."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for watched in list(self._watched.values()):
            watched.leave()

    def wake(self) -> None:
        """There may be somebody to look for."""
        self._wanted.set()

    def keep(self, watched: Watched) -> None:
        """Go on showing one that is no longer run here, to whoever holds it."""
        self._watched[watched.id] = watched
        self.wake()

    async def watch(self, execution_id: str) -> Watched | None:
        """One that has not ended, kept up to date while the caller holds it."""
        found = self._watched.get(execution_id)
        if found is None:
            try:
                found = await self._read(execution_id)
            except NotFound:
                return None
            if found.record.finished:
                return None
            self.keep(found)
        return found

    async def _read(self, execution_id: str) -> Followed:
        engine = self._engine
        view = await engine.read_back(execution_id)
        history = engine.storage.history
        plan: Mapping[str, object] = {}
        if history is not None:
            plan = await engine.read(lambda: history.plan(view.record.plan_hash))
        return Followed(view, plan)

    async def _work(self) -> None:
        while True:
            await self._wanted.wait()
            await asyncio.sleep(PACE)
            try:
                if self._engine.listened_to:
                    await self._find()
                else:
                    self._listened.clear()
                    self._since = 0.0
                await self._look()
            except Unavailable as error:
                logging.getLogger(__name__).debug("%s", error.text())
            except Exception:  # whatever it is, the next look may go well
                text = "executions of other servers could not be followed; they are again soon"
                logging.getLogger(__name__).exception(text)
            if not self._watched and not self._engine.listened_to:
                self._wanted.clear()

    async def _find(self) -> None:
        """Look for executions of others that whoever listens to all has not heard of."""
        history = self._engine.storage.history
        if history is None:
            return
        since, self._since = self._since or time() - PACE, time()
        # Clocks differ, and what is written now may have been made a moment ago.
        found = await self._engine.read(lambda: history.elsewhere.going_on(since - 2.0, MOST))
        for execution_id in found:
            if execution_id in self._watched or self._engine.live(execution_id) is not None:
                continue
            if execution_id in self._marks:
                continue  # it had ended when it was looked at last
            try:
                followed = await self._read(execution_id)
            except NotFound:
                continue  # it has been deleted in this moment
            self._listened[execution_id] = followed
            self._watched[execution_id] = followed
            self._engine.tell(followed, followed.committed)

    async def _look(self) -> None:
        """See what has changed."""
        history, ids = self._engine.storage.history, list(self._watched)
        if history is None or not ids:
            return
        found: dict[str, tuple[object, ...]] = await self._engine.read(
            lambda: history.elsewhere.marks(ids)
        )
        for gone in set(ids) - found.keys():  # they have ended and been deleted
            self._listened.pop(gone, None)
            if (watched := self._watched.pop(gone, None)) is not None:
                watched.leave()
        for execution_id, mark in found.items():
            watched = self._watched.get(execution_id)
            if watched is not None and self._marks.get(execution_id) != mark:
                await self._bring_up(watched, mark)
        kept = set(self._watched) | self._listened.keys()
        recent = list(self._marks.items())[-4 * MOST :]
        self._marks = {key: mark for key, mark in recent if key in kept or self._since}

    async def _bring_up(self, watched: Watched, mark: tuple[object, ...]) -> None:
        view = await self._engine.read_back(watched.id)
        news = take(watched, view.record, view.runs)
        self._marks[watched.id] = mark
        if watched.id in self._listened:
            self._engine.tell(watched, news)
        if view.record.finished:
            self._listened.pop(watched.id, None)
            self._watched.pop(watched.id, None)
