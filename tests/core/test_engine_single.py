"""One node by itself, as an editor runs it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.core.flows import HANDLERS

from caudal_core import Config, Context, handler
from caudal_core.errors import InvalidWorkflow, NodeTimeout
from caudal_core.testing import memory_engine


@pytest.mark.parametrize("kind", ["pass", "passThread", "passAsync"])
@pytest.mark.parametrize("data", [None, {"a": 1}, [1, 2], "text"])
async def test_run_node(kind: str, data: Any) -> None:
    """A node runs by itself on what it is given, recorded nowhere."""
    async with memory_engine(*HANDLERS) as engine:
        result = await engine.run_node({"id": "n", "type": kind}, data)
        assert {"out": data} == {port: load.data for port, load in result.ports.items()}
        assert [] == list(engine.remembered)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"A": 1, "B": 2}, {"A": 1, "B": 2}),
        ({"B": 2}, {"B": 2}),
        ({"A": 1, "x": 2}, {"A": {"A": 1, "x": 2}}),
        ([1], {"A": [1]}),
    ],
)
async def test_run_node_of_several_ports(data: Any, expected: Any) -> None:
    """An object that has only names of ports as keys is taken by port."""
    async with memory_engine(*HANDLERS) as engine:
        result = await engine.run_node({"id": "n", "type": "join"}, data)
        assert expected == result.ports["out"].data


async def test_run_node_fails_as_its_handler() -> None:
    """What the handler raises is raised, and a node that is wrong is refused."""
    async with memory_engine(*HANDLERS) as engine:
        with pytest.raises(Exception, match="broken; mend it"):
            await engine.run_node({"id": "n", "type": "fail"})
        with pytest.raises(InvalidWorkflow, match="teleport"):
            await engine.run_node({"id": "n", "type": "teleport"})


async def test_run_node_with_a_limit() -> None:
    """The time limit of a node holds when it runs by itself."""

    @handler("sleeps")
    async def sleeps(config: Config, data: Any, ctx: Context) -> None:
        await asyncio.sleep(1000)

    async with memory_engine(sleeps) as engine:
        with pytest.raises(NodeTimeout, match=r"timed out after 0\.05 s"):
            await engine.run_node({"id": "n", "type": "sleeps", "timeoutSeconds": 0.05})


async def test_run_node_of_a_comment() -> None:
    """Even a comment can be run by itself."""
    async with memory_engine(*HANDLERS) as engine:
        result = await engine.run_node({"id": "n", "type": "comment"}, 1)
        assert 1 == result.ports["out"].data
