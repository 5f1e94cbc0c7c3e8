"""Executions that are run again: from what failed, or from any node, as a new execution each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import time
from typing import TYPE_CHECKING, Any, Final

from caudal_core.engine.execution import Execution, new_id
from caudal_core.engine.recovery.resume import (
    adopt,
    give,
    is_result,
    read_document,
    read_edited,
    read_inputs,
    read_record,
    read_runs,
)
from caudal_core.engine.running.single import by_port
from caudal_core.engine.storage import Storage
from caudal_core.engine.view import with_inputs
from caudal_core.errors import Conflict, InvalidRequest, NotAvailable, nearest
from caudal_core.graph import Graph, GraphNode
from caudal_core.intake import check_texts
from caudal_core.journal import ExecutionRecord, NodeRun
from caudal_core.payload import Payload
from caudal_core.values import JSON, encode

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine

SAME: Final = object()
"""In place of an input: the one that there was."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What is to be run again: all, or `start` and what comes after it.

    `inputs` is what `start` gets instead of what leads to it, or, where there is no start, the
    inputs of the whole. `document` is the workflow to run; without it, the execution's own.
    """

    start: str | None = None
    inputs: JSON = SAME
    document: Mapping[str, Any] | None = None
    digest: str | None = None


class Again:
    """Prepares new executions from ended ones, which stay as they are.

    What finished before and depends on nothing that runs again is taken over with its output, and
    is marked as such (`NodeRun.reused`). What runs again has keys of its own for its effects, as
    it belongs to another execution.
    """

    def __init__(self, engine: Engine, check_open: Callable[[], None]) -> None:
        """`check_open` raises where nothing can be accepted."""
        self._engine = engine
        self._check_open = check_open

    async def retry(self, execution_id: str) -> Execution:
        """From the nodes that failed, with the workflow and the inputs that there were.

        `NotFound`; `Conflict` where it has not ended, or where nothing failed.
        """
        record = await self._ended(execution_id)
        if record.state == "completed":
            message = f"the execution {record.id} completed: there is nothing to retry; replay it"
            raise Conflict(message=message)
        graph = await self._graph(record, None, None)
        runs = await self._engine.read(lambda: _runs(self._engine.storage, record))
        return await self._made(record, graph, reused=finished(graph, runs, None))

    async def replay(self, execution_id: str, replay: Replay) -> Execution:
        """From a node or from the start.

        `NotFound`; `Conflict` where it has not ended; `InvalidRequest` where the workflow has no
        such node, or where nothing led to it and no input is given.
        """
        record = await self._ended(execution_id)
        graph = await self._graph(record, replay.document, replay.digest)
        if replay.start is None:
            return await self._made(record, graph, inputs=replay.inputs)
        start = _node(graph, replay.start, newest=replay.document is not None)
        runs = await self._engine.read(lambda: _runs(self._engine.storage, record))
        reused = finished(graph, runs, start)
        edited = replay.inputs is not SAME
        if not edited and not _reached(graph, start, reused):
            message = (
                f"no branch led to the node '{start.id}', so there is no input to run it with; "
                "give it one as inputs"
            )
            raise InvalidRequest(message=message)
        made = await self._made(record, graph, reused=reused)
        if edited:
            self._give(made, start, replay.inputs)
        return made

    async def _ended(self, execution_id: str) -> ExecutionRecord:
        self._check_open()
        engine, storage = self._engine, self._engine.storage
        if storage.history is None:
            await engine.view(execution_id, last=0)
            raise NotAvailable("no execution can be run again, as the engine keeps nothing on disk")
        record: ExecutionRecord = await engine.read(lambda: read_record(storage, execution_id))
        if not record.finished:
            message = f"the execution {record.id} has not ended yet: it is {record.state}"
            raise Conflict(message=message)
        return record

    async def _graph(
        self, record: ExecutionRecord, document: Mapping[str, Any] | None, digest: str | None
    ) -> Graph:
        engine = self._engine
        if document is None:
            document = await engine.read(lambda: read_document(engine.storage, record))
            digest = record.workflow_hash
        return await engine.graph(document, workflow_id=record.workflow_id, digest=digest)

    async def _made(
        self,
        before: ExecutionRecord,
        graph: Graph,
        *,
        inputs: JSON = SAME,
        reused: Sequence[NodeRun] = (),
    ) -> Execution:
        engine = self._engine
        if inputs is SAME:
            given: Payload = await engine.read(lambda: read_inputs(engine.storage, before.id))
        else:
            given = await engine.measured(inputs)
        record = ExecutionRecord(
            id=new_id(),
            workflow_id=before.workflow_id,
            workflow_name=graph.name,
            workflow_hash=graph.hash,
            plan_hash=graph.plan_hash,
            total_nodes=len(graph.nodes),
            created=time(),
            organization=before.organization,
            labels=before.labels,
            parent=before.id,
            origin=before.origin,
        )
        env = engine.options.environment(graph.settings, record, given.data, engine.states.read)
        execution = Execution(graph, record, given, env)
        adopt(execution, [_copied(run, execution, place) for place, run in enumerate(reused)])
        execution.given = given
        record.seq = execution.seq
        return execution

    def _give(self, execution: Execution, node: GraphNode, value: JSON) -> None:
        from caudal_core.journal.history import Edited

        check_texts(value, "inputs")
        ports = {port: load.data for port, load in by_port(node.handler.inputs, value).items()}
        execution.record.edited_input = encode({"node": node.id, "ports": ports})
        give(execution, Edited(node.id, ports))


def _runs(storage: Storage, record: ExecutionRecord) -> list[NodeRun]:
    """The runs of an ended execution with what came in and went out. Blocks."""
    runs = read_runs(storage, record)
    with_inputs(runs, read_inputs(storage, record.id), read_edited(storage, record))
    return runs


def finished(graph: Graph, runs: Sequence[NodeRun], start: GraphNode | None) -> list[NodeRun]:
    """The last runs of the nodes that need not run again, in the order in which they began.

    A node runs again if it is `start`, if it has not finished or is another one by now, or if
    something that it depends on runs again.
    """
    last = {run.node_id: run for run in runs}
    kept: dict[int, NodeRun] = {}
    waits = [node.waits for node in graph.nodes]
    ready = deque(graph.roots)
    while ready:
        node = ready.popleft()
        run = last.get(node.id)
        if run is not None and node is not start and _stays(node, run, kept):
            kept[node.index] = run
        for edge in node.outgoing:
            waits[edge.target] -= 1
            if not waits[edge.target]:
                ready.append(graph.nodes[edge.target])
    return sorted(kept.values(), key=lambda run: run.number)


def _stays(node: GraphNode, run: NodeRun, kept: Mapping[int, NodeRun]) -> bool:
    edges = [edge for _, group in node.incoming for edge in group]
    if run.type != node.type or any(edge.source not in kept for edge in edges):
        return False
    taken = not edges or any(
        edge.output_port in (kept[edge.source].outputs or {}) for edge in edges
    )
    if run.state == "skipped":
        return not taken
    tolerated = run.state == "failed" and node.options.on_error != "fail" and is_result(node, run)
    return taken and (run.state == "completed" or tolerated)


def _reached(graph: Graph, start: GraphNode, reused: Sequence[NodeRun]) -> bool:
    """Whether something may come in at a node: what leads to it runs again, or took that branch."""
    kept = {run.node_id: run.outputs or {} for run in reused}
    edges = [edge for _, group in start.incoming for edge in group]
    sources = [(graph.nodes[edge.source].id, edge.output_port) for edge in edges]
    return not edges or any(name not in kept or port in kept[name] for name, port in sources)


def _node(graph: Graph, node_id: str, *, newest: bool) -> GraphNode:
    found = graph.find(node_id)
    if found is None:
        known = [node.id for node in graph.nodes]
        near = nearest(node_id, known)
        where = "the newest version of the workflow" if newest else "the execution's workflow"
        message = f"{where} has no node '{node_id}' that runs" + (
            f"; did you mean '{near}'?" if near else f"; it has: {', '.join(known[:40])}"
        )
        raise InvalidRequest(message=message)
    return found


def _copied(run: NodeRun, execution: Execution, place: int) -> NodeRun:
    """A run of another execution as one of this one."""
    node = execution.graph.find(run.node_id)
    assert node is not None  # noqa: S101 - it was chosen by the graph's nodes
    made = NodeRun(execution.id, node, place, run.started)
    made.attempt, made.seq, made.epoch = run.attempt, place + 1, execution.epoch
    made.state = made.shown = run.state
    made.input, made.outputs = run.input, run.outputs
    made.duration, made.message = run.duration, run.message
    made.report, made.error, made.stored_notes = run.report, run.error, run.stored_notes
    made.reused = run.reused or run.execution_id
    return made
