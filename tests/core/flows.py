"""Small workflows for the tests of the engine, and handlers that do one plain thing each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from caudal_core import (
    Config,
    Context,
    DataError,
    Field,
    Handler,
    HandlerError,
    Outputs,
    Records,
    handler,
)
from caudal_core.testing import WorkflowRun, run_workflow


def document(nodes: Mapping[str, Any], *connections: str, **rest: Any) -> dict[str, Any]:
    """A workflow: `document({"a": "pass", "b": {"type": "join"}}, "a b", "a.out b.B")`.

    A connection is `from to`, each with `.port` where a port is named.
    """
    return {
        "nodes": [
            {"id": key, **(node if isinstance(node, dict) else {"type": node})}
            for key, node in nodes.items()
        ],
        "connections": [connection(text) for text in connections],
        **rest,
    }


def connection(text: str) -> dict[str, Any]:
    """One connection, from `from.port to.port`."""
    source, target = text.split()
    from_id, _, output = source.partition(".")
    to_id, _, into = target.partition(".")
    found = {"fromNodeId": from_id, "toNodeId": to_id}
    return (
        found | ({"outputType": output} if output else {}) | ({"inputPort": into} if into else {})
    )


def give(value: Any, **options: Any) -> dict[str, Any]:
    """A node that hands on `value`, whatever comes in."""
    return {"type": "give", "config": {"value": value}, **options}


def fail(message: str = "broken", **options: Any) -> dict[str, Any]:
    """A node that fails."""
    return {"type": "fail", "config": {"message": message}, **options}


class Give(Config):
    """The value to hand on."""

    value: Any = Field(None, template=False)


@handler("give", effect="pure", light=True)
def give_handler(config: Give, data: Any, ctx: Context) -> Any:
    """Hand on a value."""
    return config.value


@handler("pass", effect="pure", light=True)
def pass_handler(config: Config, data: Any, ctx: Context) -> Any:
    """Hand on what came in."""
    return data


@handler("passThread", effect="pure")
def pass_thread(config: Config, data: Any, ctx: Context) -> Any:
    """Hand on what came in, from a thread."""
    return data


@handler("passAsync", effect="pure")
async def pass_async(config: Config, data: Any, ctx: Context) -> Any:
    """Hand on what came in, from a task."""
    await asyncio.sleep(0)
    return data


@handler("rows", effect="pure", light=True)
def rows_handler(config: Config, data: Records, ctx: Context) -> Records:
    """Hand on records."""
    return data


class Fail(Config):
    """What to fail with."""

    message: str = Field("broken", template=False)


@handler("fail", effect="pure", light=True)
def fail_handler(config: Fail, data: Any, ctx: Context) -> Any:
    """Fail."""
    raise HandlerError(config.message, hint="mend it")


@handler("failThread", effect="pure")
def fail_thread(config: Fail, data: Any, ctx: Context) -> Any:
    """Fail in a thread."""
    raise HandlerError(config.message, hint="mend it")


@handler("failAsync", effect="pure")
async def fail_async(config: Fail, data: Any, ctx: Context) -> Any:
    """Fail in a task."""
    raise HandlerError(config.message, hint="mend it")


class Branch(Config):
    """The ports to take."""

    take: list[str] = Field(default_factory=list, template=False)


@handler("branch", outputs=("true", "false"), effect="pure", light=True)
def branch_handler(config: Branch, data: Any, ctx: Context) -> Outputs:
    """Hand on what came in by the ports that the config names."""
    return Outputs(**dict.fromkeys(config.take, data))


@handler("join", inputs=("A", "B"), effect="pure", light=True)
def join_handler(config: Config, data: Mapping[str, Any], ctx: Context) -> Any:
    """Hand on what came in, by port."""
    return dict(data)


@handler("table", inputs=("A", "B"), effect="pure", light=True)
def table_handler(config: Config, data: Mapping[str, Records], ctx: Context) -> Records:
    """The records of A with the columns of B beside them."""
    rows = [{**a, **b} for a, b in zip(data["A"].view(), data["B"].view(), strict=True)]
    return Records(rows, metadata={**data["A"].metadata, **data["B"].metadata})


@handler("double", effect="pure", per_row=True)
def double_handler(config: Config, data: dict[str, Any], ctx: Context) -> dict[str, Any]:
    """Double `n` of each record."""
    if not isinstance(data.get("n"), int):
        raise DataError("n is no number")
    return {**data, "n": 2 * data["n"]}


@handler("doubleAsync", effect="pure", per_row=True)
async def double_async(config: Config, data: dict[str, Any], ctx: Context) -> dict[str, Any]:
    """Double `n` of each record, waiting longer for the first ones."""
    if not isinstance(data.get("n"), int):
        raise DataError("n is no number")
    await asyncio.sleep(0.001 if data["n"] % 2 else 0)
    return {**data, "n": 2 * data["n"]}


@handler("output", effect="pure", light=True)
def output_handler(config: Config, data: Any, ctx: Context) -> Any:
    """Hand on what came in, as the result of the whole."""
    return data


@handler("comment", effect="pure", light=True)
def comment_handler(config: Config, data: Any, ctx: Context) -> Any:
    """Do nothing."""
    return data


HANDLERS: tuple[Handler, ...] = (
    give_handler,
    pass_handler,
    pass_thread,
    pass_async,
    rows_handler,
    fail_handler,
    fail_thread,
    fail_async,
    branch_handler,
    join_handler,
    table_handler,
    double_handler,
    double_async,
    output_handler,
    comment_handler,
)


KINDS = pytest.mark.parametrize("kind", ["light", "thread", "async"])


def run(
    nodes: dict[str, Any],
    *connections: str,
    inputs: dict[str, Any] | None = None,
    more: tuple[Handler, ...] = (),
    **rest: Any,
) -> WorkflowRun:
    """Run a small workflow to its end."""
    return run_workflow(document(nodes, *connections, **rest), inputs, *HANDLERS, *more)


def received(found: WorkflowRun, node_id: str) -> Any:
    """What came in at a node, by port."""
    return {port: load.data for port, load in (found.run(node_id).input or {}).items()}


def branch(*ports: str, **options: Any) -> dict[str, Any]:
    """A node that takes these ports."""
    return {"type": "branch", "config": {"take": list(ports)}, **options}
