"""What the failure of a node says, and what it hands on."""

from __future__ import annotations

from caudal_core.engine.execution import Execution
from caudal_core.errors import CaudalError, NodeTimeout
from caudal_core.graph import ERROR_PORT, GraphNode
from caudal_core.journal import NodeRun
from caudal_core.journal.effects import UNKNOWN
from caudal_core.payload import Payload

Ports = dict[str, Payload]


def cut_off(node: GraphNode, error: BaseException) -> bool:
    """Whether nobody knows how far an effect came that must not be repeated."""
    if node.handler.effect != "at_most_once":
        return False
    if isinstance(error, NodeTimeout):
        return True
    return node.handler.reconcile is not None and not refused(error)


def refused(error: BaseException) -> bool:
    """Whether the handler itself says by this error that nothing was done.

    It does not where it has returned what cannot be handed on, or failed at one of many records.
    """
    return isinstance(error, CaudalError) and error.code not in UNKNOWN


def handed_on(node: GraphNode, run: NodeRun) -> Ports:
    """What a failed node hands on: its input unchanged, or by the port for errors."""
    given = run.input or {}
    if node.options.on_error == "continue" and len(given) == 1:
        return {node.handler.outputs[0]: next(iter(given.values()))}
    plain = {port: payload.data for port, payload in given.items()}
    data = next(iter(plain.values()), None) if len(plain) < 2 else plain
    if node.options.on_error == "continue":
        return {node.handler.outputs[0]: Payload.of(data)}
    return {ERROR_PORT: Payload.of({"error": run.error, "node": node.id, "input": data})}


def counts(execution: Execution, node: GraphNode, run: NodeRun) -> bool:
    """Whether the failure of a node is its execution's; then that knows it from now on."""
    if node.options.on_error != "fail" and run.state != "interrupted":
        return False
    execution.failed.append(run)
    return True


def after_failure(execution: Execution, node: GraphNode, run: NodeRun) -> Ports | None:
    """What a failed node hands on by its `onError`; nothing makes the execution fail."""
    if counts(execution, node, run):
        return None
    return run.outputs if run.outputs is not None else handed_on(node, run)


def timed(node: GraphNode, error: BaseException) -> BaseException:
    """A time-out names the node's own limit, whoever noticed it first."""
    if isinstance(error, NodeTimeout) and node.options.timeout is not None:
        return NodeTimeout(seconds=node.options.timeout)
    return error
