"""Engines that share a database, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from tests.builtin.record_stores import schema
from tests.core.databases import URL, query, storage_at
from tests.core.engines import LONG
from tests.core.flows import HANDLERS

from caudal_core import Config, Context, Handler, handler
from caudal_core.engine import Engine
from caudal_core.registry import Registry
from caudal_core.testing.invariants import broken


@pytest.fixture
def shared(tmp_path: Path) -> Any:
    """A folder whose journal is in an empty PostgreSQL."""
    with schema() as url:
        (tmp_path / URL).write_text(url)
        yield tmp_path
        database = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        wrong = broken(database, ended=False)
        database.dispose()
        assert [] == wrong, wrong


@asynccontextmanager
async def server(folder: Path, *more: Handler, lease: float = 15.0) -> AsyncIterator[Engine]:
    """One of the servers."""
    storage = storage_at(folder, lease)
    async with Engine(Registry.of(*HANDLERS, *more), storage=storage) as engine:
        yield engine


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that no event tells of."""
    async with asyncio.timeout(LONG):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def bury(folder: Path, engine: Engine) -> None:
    """Let the others believe that a server is dead."""
    query(folder, "DELETE FROM server WHERE id = ?", engine.storage.owner)


def counting(calls: list[str], name: str, effect: Any = "idempotent") -> Handler:
    """A handler that notes each call."""

    @handler(name, effect=effect)
    async def made(config: Config, data: Any, ctx: Context) -> Any:
        calls.append(ctx.node_id)
        return data

    return made
