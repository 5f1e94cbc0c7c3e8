"""One execution while it lives in memory."""

from __future__ import annotations

import asyncio
import os
from time import time
from typing import TYPE_CHECKING

from caudal_core.context import Environment
from caudal_core.errors import Unavailable
from caudal_core.graph import MANUAL_INPUT, Graph
from caudal_core.journal import SETTLED, ExecutionRecord, NodeRun
from caudal_core.journal.notice import Notice
from caudal_core.journal.records import Ending
from caudal_core.payload import Payload

if TYPE_CHECKING:
    from caudal_core.engine.waiting import Waiting

NUDGE = 0.2
"""Seconds for which what a node says while it runs is gathered before watchers are woken."""


def new_id() -> str:
    """An id that sorts by time (UUID version 7)."""
    bits = int(time() * 1000) << 80 | 7 << 76 | int.from_bytes(os.urandom(10))
    bits &= ~(0xF << 76 | 0b11 << 62)
    text = f"{bits | 7 << 76 | 0b10 << 62:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _for_roots(graph: Graph, inputs: Payload) -> Payload:
    """What roots receive: the inputs without those that replace the value of one node."""
    if type(inputs.data) is not dict:
        return inputs
    own = {node.id for node in graph.nodes if node.type == MANUAL_INPUT and node.id in inputs.data}
    if not own:
        return inputs
    return Payload.of({key: value for key, value in inputs.data.items() if key not in own})


class Execution:
    """What has happened so far (`record`, `runs`: only what may be told), and what is under way.

    `committed` holds the settled runs in the order in which their records were committed; `version`
    rises with every change. `waiting` are the nodes that wait, by their index; `news` says that one
    of them may go on. `timed` are the nodes that have a timer, `waited` says that some ever had.
    `dormant`: it only waits, and that has been written. `edited` has by node the input that a
    replay gives it, whatever leads to it; `retries` are the ids of the retries and replays of this.
    `callback` is who is called when it has ended.
    """

    __slots__ = (
        "__weakref__",
        "_left",
        "_nudge",
        "_watchers",
        "callback",
        "closing",
        "committed",
        "delivered",
        "done",
        "dormant",
        "edited",
        "env",
        "epoch",
        "failed",
        "given",
        "graph",
        "inputs",
        "news",
        "next_number",
        "record",
        "restored",
        "retries",
        "runs",
        "seq",
        "stop_reason",
        "tasks",
        "timed",
        "version",
        "waited",
        "waiting",
        "wake",
    )

    def __init__(
        self, graph: Graph, record: ExecutionRecord, inputs: Payload, env: Environment
    ) -> None:
        self.graph = graph
        self.record = record
        self.given = inputs
        self.inputs = _for_roots(graph, inputs)
        self.env: Environment | None = env
        self.runs: list[NodeRun] = []
        self.committed: list[NodeRun] = []
        self.version = 0
        self.seq = record.seq
        self.epoch = record.epoch
        self.next_number = 0
        self.closing: Ending | None = None
        self.stop_reason: str | None = None
        self.restored: dict[str, NodeRun] = {}
        self.edited: dict[str, dict[str, Payload]] | None = None
        self.retries: tuple[str, ...] = ()
        self.callback: Notice | None = None
        self.delivered: list[dict[str, Payload] | None] = [None] * len(graph.nodes)
        self.done = 0
        self.failed: list[NodeRun] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.wake = asyncio.Event()
        self.waiting: dict[int, Waiting] = {}
        self.news = False
        self.timed: set[str] = set()
        self.waited = False
        self.dormant = False
        self._watchers: list[asyncio.Future[None]] = []
        self._nudge = False
        self._left = False

    @property
    def id(self) -> str:
        """The execution's id."""
        return self.record.id

    @property
    def current_node_id(self) -> str | None:
        """The node started last among those running."""
        running = (run.node_id for run in reversed(self.runs) if run.shown == "running")
        return None if self.record.finished else next(running, None)

    def show(self, run: NodeRun) -> None:
        """A node's record has been committed: now it may be told."""
        run.shown = run.state
        if run.state not in SETTLED:
            return
        self.committed.append(run)
        self.record.seq = run.seq
        if not run.settles:
            return
        if run.state in ("completed", "skipped"):
            self.record.completed_nodes += 1
        elif run.state in ("failed", "interrupted"):
            self.record.failed_nodes += 1

    def tell(self) -> None:
        """There is news for a node that waits."""
        self.news = True
        self.wake.set()

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

    def nudge(self, loop: asyncio.AbstractEventLoop) -> None:
        """Touch it soon, from any thread; many nudges in a short time are one touch."""
        if self._nudge:
            return
        self._nudge = True
        try:
            loop.call_soon_threadsafe(loop.call_later, NUDGE, self._nudged)
        except RuntimeError:
            return  # the loop has closed: nobody watches any more

    def _nudged(self) -> None:
        self._nudge = False
        self.touch()

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
        """The engine has closed: whoever waits for the end is told."""
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
                raise Unavailable(message="the engine closed before the execution ended")
            left = 3600.0 if until is None else until - loop.time()
            if left <= 0:
                return False
            await self.change(self.version, left)
        return True
