"""What can be watched of an execution, wherever it runs."""

from __future__ import annotations

import asyncio

from caudal_core.errors import Unavailable
from caudal_core.journal import ExecutionRecord, NodeRun
from caudal_core.journal.notice import Notice


class Watched:
    """What has happened so far (`record`, `runs`: only what may be told).

    `committed` holds the settled runs in the order in which their records were committed; `version`
    rises with every change. `retries` are the ids of the retries and replays of this, `callback` is
    who is called when it has ended.
    """

    __slots__ = (
        "__weakref__",
        "_left",
        "_watchers",
        "callback",
        "committed",
        "record",
        "retries",
        "runs",
        "version",
    )

    def __init__(self, record: ExecutionRecord) -> None:
        self.record = record
        self.runs: list[NodeRun] = []
        self.committed: list[NodeRun] = []
        self.retries: tuple[str, ...] = ()
        self.callback: Notice | None = None
        self.version = 0
        self._watchers: list[asyncio.Future[None]] = []
        self._left = False

    @property
    def id(self) -> str:
        """The execution's id."""
        return self.record.id

    def has_node(self, node_id: str) -> bool:
        """Whether its workflow has a node of this id that runs."""
        raise NotImplementedError

    @property
    def current_node_id(self) -> str | None:
        """The node started last among those running."""
        running = (run.node_id for run in reversed(self.runs) if run.shown == "running")
        return None if self.record.finished else next(running, None)

    @property
    def watched(self) -> bool:
        """Whether somebody waits for the next change."""
        return bool(self._watchers)

    def touch(self) -> None:
        """Wake whoever waits for a change."""
        self.version += 1
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            if not watcher.done():
                watcher.set_result(None)

    async def change(self, since: int, timeout: float) -> bool:  # noqa: ASYNC109 - it answers, it does not raise
        """Wait until `version` is beyond `since`; false when `timeout` seconds have passed."""
        if self.version != since:
            return True
        watcher = asyncio.get_running_loop().create_future()
        self._watchers.append(watcher)
        try:
            async with asyncio.timeout(timeout):
                await watcher
        except TimeoutError:
            return False
        finally:
            if watcher in self._watchers:  # whoever gives up leaves nothing behind
                self._watchers.remove(watcher)
        return True

    def leave(self) -> None:
        """The engine has closed, or it was deleted: whoever waits for the end is told."""
        self._left = True
        self.touch()

    async def finished(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109
        """Wait for the end; false when `timeout` seconds have passed first.

        `Unavailable` if the engine closes before.
        """
        loop = asyncio.get_running_loop()
        until = None if timeout is None else loop.time() + timeout
        while not self.record.finished:
            if self._left:
                message = "nobody tells of its end: the engine has closed, or it was deleted"
                raise Unavailable(message=message)
            left = 3600.0 if until is None else until - loop.time()
            if left <= 0:
                return False
            await self.change(self.version, left)
        return True
