"""Executions that are asked for under a key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.core.engines import STORED, Gate, ended, running
from tests.core.flows import HANDLERS, document, give

from caudal_core.engine import Engine, Execution, FolderStorage
from caudal_core.engine import once as module
from caudal_core.engine.once import Asked, Key
from caudal_core.errors import InvalidWorkflow, KeyReused, Unavailable
from caudal_core.journal import Sink
from caudal_core.journal.journal import Row
from caudal_core.registry import Registry

FLOW = document({"a": give(5)})
ONE = Key("one", "digest")


def prepared(engine: Engine, flow: Any = FLOW) -> Callable[[], Awaitable[Execution]]:
    """What makes an execution when one is wanted."""
    return lambda: engine.prepare(flow)


pytestmark = pytest.mark.usefixtures("both")


class Held:
    """A sink that commits only once `gate` is set."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.open, self.close = sink.open, sink.close

    def feed(self, rows: Sequence[tuple[int, Row]]) -> bool:
        """Nothing is taken ahead."""
        return not rows

    async def commit(self, rows: Sequence[tuple[int, Row]], fed: int) -> None:
        """Wait, then commit."""
        self.entered.set()
        await self.gate.wait()
        await self._sink.commit(rows, fed)


class HeldStorage(FolderStorage):
    """A folder that is written to through `held`."""

    held: Held

    def sink(self) -> Sink:
        """The folder's own, held."""
        self.held = Held(super().sink())
        return self.held


@STORED
async def test_one_key_is_one_execution(tmp_path: Path, *, stored: bool) -> None:
    """The same key gives the same execution, while it runs and after its end."""
    gate = Gate()
    async with running(tmp_path if stored else None, gate.handler) as engine:
        flow = document({"a": "held"})
        first = await engine.once.submit(ONE, prepared(engine, flow))
        assert not first.repeated
        assert Asked(first.id, repeated=True) == await engine.once.submit(ONE, prepared(engine))
        gate.open.set()
        execution = engine.live(first.id)
        assert execution is not None
        await ended(execution)
        assert Asked(first.id, repeated=True) == await engine.once.submit(ONE, prepared(engine))
        other = await engine.once.submit(Key("two", "digest"), prepared(engine))
        assert first.id != other.id
        assert ["a"] == gate.calls


@STORED
async def test_many_at_once_are_one_execution(tmp_path: Path, *, stored: bool) -> None:
    """Of many who ask at one moment one begins the execution, and all hear of it."""
    async with running(tmp_path if stored else None) as engine:
        calls = [engine.once.submit(ONE, prepared(engine)) for _ in range(20)]
        found = await asyncio.gather(*calls)
        assert 1 == len({asked.id for asked in found})
        assert 1 == sum(not asked.repeated for asked in found)
        assert 1 == len(engine.remembered)


@STORED
async def test_a_key_of_another_call_is_refused(tmp_path: Path, *, stored: bool) -> None:
    """A key that stands for another call is refused, with the execution that it stands for."""
    async with running(tmp_path if stored else None) as engine:
        first = await engine.once.submit(ONE, prepared(engine))
        with pytest.raises(KeyReused) as caught:
            await engine.once.submit(Key("one", "other"), prepared(engine))
        assert first.id in str(caught.value)
        assert caught.value.hint()
        assert 1 == len(engine.remembered)


async def test_a_key_outlives_the_engine(tmp_path: Path) -> None:
    """The next engine over the folder knows the key."""
    async with running(tmp_path) as engine:
        first = await engine.once.submit(ONE, prepared(engine))
    async with running(tmp_path) as engine:
        assert Asked(first.id, repeated=True) == await engine.once.submit(ONE, prepared(engine))
        with pytest.raises(KeyReused):
            await engine.once.submit(Key("one", "other"), prepared(engine))


async def test_what_fails_leaves_the_key_free(tmp_path: Path) -> None:
    """A call that was refused stands for nothing: the key may be used again."""
    async with running(tmp_path) as engine:
        with pytest.raises(InvalidWorkflow):
            await engine.once.submit(ONE, prepared(engine, {"nodes": []}))
        assert not (await engine.once.submit(Key("one", "mended"), prepared(engine))).repeated


async def test_a_second_call_waits_for_the_commit_of_the_first(tmp_path: Path) -> None:
    """While the first one is not on disk nobody hears its id; another body is refused at once."""
    storage = HeldStorage(tmp_path)
    async with Engine(Registry.of(*HANDLERS), storage=storage) as engine:
        storage.held.gate.clear()
        first = asyncio.create_task(engine.once.submit(ONE, prepared(engine)))
        await asyncio.wait_for(storage.held.entered.wait(), 20)
        second = asyncio.create_task(engine.once.submit(ONE, prepared(engine)))
        await asyncio.sleep(0)
        assert not first.done()
        assert not second.done()
        storage.held.gate.set()
        assert (await first).id == (await second).id
        assert (await second).repeated


async def test_who_gives_up_may_ask_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who hears that the disk takes too long asks again by the key, and gets what was begun."""
    monkeypatch.setattr(module, "SECONDS", 0.01)
    storage = HeldStorage(tmp_path)
    async with Engine(Registry.of(*HANDLERS), storage=storage) as engine:
        storage.held.gate.clear()
        for _ in range(2):
            with pytest.raises(Unavailable):
                await engine.once.submit(ONE, prepared(engine))
        monkeypatch.setattr(module, "SECONDS", 20)
        storage.held.gate.set()
        asked = await engine.once.submit(ONE, prepared(engine))
        execution = engine.live(asked.id)
        assert execution is not None
        assert "completed" == (await ended(execution)).record.state
        assert 1 == len(engine.remembered)


async def test_the_execution_of_another_server_wins(tmp_path: Path) -> None:
    """Where the database has the key from elsewhere, ours never runs, and that one is told."""
    gate = Gate()
    async with running(tmp_path, gate.handler) as engine:
        first = await engine.submit(FLOW)
        await ended(first)

        async def meanwhile() -> Execution:
            """Another server takes the key between our look and our write."""
            theirs = await engine.prepare(FLOW)
            theirs.record.client_key, theirs.record.client_hash = ONE
            engine.accept(theirs, held=True)
            await engine.journal.flush()
            engine.withdraw(theirs)
            return await engine.prepare(document({"a": "held"}))

        asked = await engine.once.submit(ONE, meanwhile)
        assert asked.repeated
        assert "pending" == (await engine.view(asked.id)).record.state
        assert [] == gate.calls
        assert [] == engine.unfinished
