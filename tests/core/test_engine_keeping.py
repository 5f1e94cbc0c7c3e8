"""What is large: kept elsewhere, waiting for room, and let go of."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.core.engines import LONG, ended, running
from tests.core.flows import HANDLERS, document, give

from caudal_core import Config, Context, Handler, handler
from caudal_core.engine import Engine, FolderStorage, shelf
from caudal_core.errors import Unavailable
from caudal_core.registry import Registry

MANY = [{"n": n, "text": "x" * 20} for n in range(5_000)]


class Full:
    """A place for blobs that has no room for a while."""

    def __init__(self, storage: FolderStorage, failures: int) -> None:
        assert storage.blobs is not None
        self._put = storage.blobs.put
        self.left = failures
        storage.blobs.put = self.put  # type: ignore[method-assign]

    def put(self, content: bytes) -> str:
        """Store it, or say that there is no room."""
        if self.left:
            self.left -= 1
            raise OSError(28, "No space left on device")
        return self._put(content)


async def test_a_result_waits_for_room(tmp_path: Path) -> None:
    """Where no blob can be written running work waits, new work is refused, nothing fails."""
    storage = FolderStorage(tmp_path)
    full = Full(storage, 1_000_000)
    async with Engine(Registry.of(*HANDLERS), storage=storage) as engine:
        execution = await engine.submit(document({"a": give(MANY)}))
        async with asyncio.timeout(LONG):
            while engine.fault is None:  # noqa: ASYNC110 - nobody tells when it is set
                await asyncio.sleep(0.001)
        assert "No space left" in engine.fault
        with pytest.raises(Unavailable, match="No space left"):
            await engine.submit(document({"a": give(1)}))
        full.left = 0
        await ended(execution)
        assert ("completed", None) == (execution.record.state, engine.fault)


async def test_inputs_that_cannot_be_kept(tmp_path: Path) -> None:
    """Large inputs for which there is no room are refused, and say why."""
    storage = FolderStorage(tmp_path)
    Full(storage, 1)
    async with Engine(Registry.of(*HANDLERS), storage=storage) as engine:
        with pytest.raises(Unavailable, match="No space left"):
            await engine.submit(document({"a": "pass"}), {"rows": MANY})
        await ended(await engine.submit(document({"a": "pass"}), {"rows": MANY}))


@pytest.mark.parametrize("policy", ["continue", "branch"])
async def test_what_a_failed_node_hands_on_is_kept_elsewhere(tmp_path: Path, policy: str) -> None:
    """Large data that a failed node hands on is no part of its row."""
    nodes = {"a": give(MANY), "b": give(MANY), "f": {"type": "fail", "onError": policy}}
    async with running(tmp_path) as engine:
        execution = await ended(await engine.submit(document(nodes, "a f", "b f")))
        assert "completed" == execution.record.state
    with closing(sqlite3.connect(tmp_path / "caudal.db")) as database:
        query = "SELECT length(output) FROM node_run WHERE node = 'f'"
        assert [(4,)] == database.execute(query).fetchall()


async def test_what_ended_executions_take_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By bytes as well as by number: the oldest are read back from the disk."""
    monkeypatch.setattr(shelf, "BYTES_KEPT", 1_000_000)
    value = ["x" * 50_000]
    async with running(tmp_path) as engine:
        ids = [
            (await ended(await engine.submit(document({"a": give(value)})))).id for _ in "12345678"
        ]
        kept = [key for key in ids if engine.live(key) is not None]
        assert ids[-len(kept) :] == kept
        assert 1 <= len(kept) <= 5
        views = [await engine.view(key) for key in ids]
        assert {"completed"} == {view.record.state for view in views}


def fires(seen: list[Any], folder: Path) -> Handler:
    """A handler that must not be repeated; it looks whether its start is on disk."""

    @handler("fires", effect="at_most_once")
    def made(config: Config, data: Any, ctx: Context) -> Any:
        with closing(sqlite3.connect(folder / "caudal.db")) as database:
            seen.extend(database.execute("SELECT node, state FROM node_run").fetchall())
        raise ConnectionResetError("sent, no answer")

    return made


async def test_an_effect_that_may_have_happened_is_not_tried_again(tmp_path: Path) -> None:
    """`retries` repeats no effect of which nobody knows how far it came; its start is on disk."""
    seen: list[Any] = []
    registry = Registry.of(fires(seen, tmp_path))
    async with Engine(registry, storage=FolderStorage(tmp_path)) as engine:
        execution = await ended(
            await engine.submit(document({"f": {"type": "fires", "retries": 2}}))
        )
        assert "failed" == execution.record.state
    assert [("f", "running")] == seen


async def test_single_nodes_have_keys_of_their_own() -> None:
    """A node that is run by itself never shares its idempotency key with another run."""

    @handler("key")
    def key(config: Config, data: Any, ctx: Context) -> str:
        return ctx.idempotency_key

    async with Engine(Registry.of(key)) as engine:
        results = [await engine.run_node({"id": "n", "type": "key"}) for _ in "12"]
        first, second = (result.ports["out"].data for result in results)
        assert first != second


async def test_an_engine_that_was_not_started() -> None:
    """Whoever submits too early is told so."""
    with pytest.raises(Unavailable, match="not been started"):
        await Engine(Registry.of()).submit(document({"a": "pass"}))
