"""One execution while it lives in memory."""

from __future__ import annotations

import asyncio
import os
from time import time
from typing import TYPE_CHECKING

from caudal_core.context import Environment
from caudal_core.engine.watched import Watched
from caudal_core.graph import MANUAL_INPUT, Graph
from caudal_core.journal import SETTLED, ExecutionRecord, NodeRun
from caudal_core.journal.records import Ending
from caudal_core.payload import Payload

if TYPE_CHECKING:
    from caudal_core.engine.waits.waiting import Waiting

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


class Execution(Watched):
    """What has happened so far (see `Watched`), and what is under way.

    `waiting` are the nodes that wait, by their index; `news` says that one
    of them may go on. `timed` are the nodes that have a timer, `waited` says that some ever had.
    `dormant`: it only waits, and that has been written. `edited` has by node the input that a
    replay gives it, whatever leads to it. `driver` is the task that runs it; `lost`: another server
    has it now.
    """

    __slots__ = (
        "_nudge",
        "closing",
        "delivered",
        "done",
        "dormant",
        "driver",
        "edited",
        "env",
        "epoch",
        "failed",
        "given",
        "graph",
        "inputs",
        "lost",
        "news",
        "next_number",
        "restored",
        "seq",
        "stop_reason",
        "tasks",
        "timed",
        "waited",
        "waiting",
        "wake",
    )

    def __init__(
        self, graph: Graph, record: ExecutionRecord, inputs: Payload, env: Environment
    ) -> None:
        super().__init__(record)
        self.graph = graph
        self.given = inputs
        self.inputs = _for_roots(graph, inputs)
        self.env: Environment | None = env
        self.seq = record.seq
        self.epoch = record.epoch
        self.next_number = 0
        self.closing: Ending | None = None
        self.stop_reason: str | None = None
        self.restored: dict[str, NodeRun] = {}
        self.edited: dict[str, dict[str, Payload]] | None = None
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
        self.driver: asyncio.Task[None] | None = None
        self.lost = False
        self._nudge = False

    def has_node(self, node_id: str) -> bool:
        """See `Watched.has_node`."""
        return self.graph.find(node_id) is not None

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

    def lose(self) -> None:
        """Another server has it: end what runs here, and record and tell nothing more of it."""
        self.lost = True
        self.stop_reason = self.stop_reason or "another server has taken it over"
        for run in self.runs:
            run.owner = None
        for task in (*self.tasks, *filter(None, (self.driver,))):
            task.cancel()

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
