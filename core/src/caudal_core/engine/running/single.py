"""One node by itself: what an editor's «run this node» asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caudal_core.context import Context, Environment
from caudal_core.errors import HandlerError
from caudal_core.graph import build_graph
from caudal_core.payload import Payload
from caudal_core.registry import Registry
from caudal_core.runner import Job, NodeResult, Runner
from caudal_core.values import JSON


async def run_single(
    node: Mapping[str, Any], data: JSON, *, registry: Registry, runner: Runner, env: Environment
) -> NodeResult:
    """The result of one attempt at a node on `data`, recorded nowhere.

    For a node with several input ports an object that has only their names as keys is taken by
    port. Raises `InvalidWorkflow` if the node has a problem, and what its handler raises.
    """
    graph = build_graph({"nodes": [dict(node)]}, registry, comments=True)
    target = graph.nodes[0]
    ctx = Context(target.id, env)
    deliveries = by_port(target.handler.inputs, data)
    job = Job(target.handler, target.config, deliveries, ctx, target.options.on_row_error)
    job.timeout = target.options.timeout
    result = await runner.run(job)
    if result.wait is not None:
        raise HandlerError(
            f"a node of the type '{target.type}' waits, which it can do in a workflow alone",
            es=f"un nodo del tipo '{target.type}' espera, lo que solo puede hacer en un flujo",
            hint="execute the workflow",
        )
    return result


def by_port(ports: tuple[str, ...], data: JSON) -> dict[str, Payload]:
    """A value as what comes in at a node with these input ports."""
    if len(ports) > 1 and isinstance(data, dict) and data and set(data) <= set(ports):
        return {port: Payload.of(value) for port, value in data.items()}
    return {ports[0] if ports else "in": Payload.of(data)}
