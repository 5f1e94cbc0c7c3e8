"""An execution as it is looked at, live or read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caudal_core.engine.running.merge import merge
from caudal_core.engine.watched import Watched
from caudal_core.errors import MixedMerge
from caudal_core.journal import ExecutionRecord, NodeRun
from caudal_core.journal.notice import Notice
from caudal_core.payload import Payload

if TYPE_CHECKING:
    from caudal_core.journal.history import Edited


@dataclass(frozen=True, slots=True)
class ExecutionView:
    """What may be told of an execution; `runs` are in the order of time.

    `retries` are the ids of its retries and replays, `callback` is who is called at its end.
    """

    record: ExecutionRecord
    runs: Sequence[NodeRun]
    current_node_id: str | None = None
    retries: Sequence[str] = ()
    callback: Notice | None = None


def live_view(execution: Watched, last: int | None = None) -> ExecutionView:
    """Of an execution in memory, with all its runs or the last ones."""
    runs = execution.runs if last is None else execution.runs[max(0, len(execution.runs) - last) :]
    current = execution.current_node_id
    return ExecutionView(execution.record, runs, current, execution.retries, execution.callback)


def with_inputs(runs: Sequence[NodeRun], inputs: Payload, edited: Edited | None = None) -> None:
    """Give runs that were read back the input they had, made from the outputs that led to it.

    `edited` is the input that a replay gave a node.
    """
    for run in runs:
        if edited is not None and run.node_id == edited.node and run.reused is None:
            run.input = {port: Payload.of(value) for port, value in edited.ports.items()}
    outputs = {run.node_id: run.outputs for run in runs if run.outputs is not None}
    for run in runs:
        if run.input is None and run.state not in ("skipped", "cancelled"):
            run.input = _input(run, outputs, inputs)


def _input(
    run: NodeRun, outputs: Mapping[str, Mapping[str, Payload]], inputs: Payload
) -> dict[str, Payload]:
    planned = getattr(run.node, "input", None)
    if planned is None:
        return {"in": inputs}
    found = {}
    for port, sources in planned.items():
        parts = [
            outputs[node_id][taken]
            for node_id, taken in sources
            if node_id in outputs and taken in outputs[node_id]
        ]
        if parts:
            try:
                found[port] = parts[0] if len(parts) == 1 else merge(port, parts)
            except MixedMerge:
                continue  # it is what this node failed with; there is no merged value to show
    return found
