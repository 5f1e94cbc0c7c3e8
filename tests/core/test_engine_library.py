"""Workflows saved and found: callers that go away, readers that come between, a full disk."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.core.engines import LONG

from caudal_core.engine import Engine, FolderStorage, library
from caudal_core.engine.recent import COUNT
from caudal_core.errors import Conflict, NotFound, Unavailable
from caudal_core.journal.sqlite import SqliteSink
from caudal_core.journal.workflows import StoredWorkflow, WorkflowStore
from caudal_core.registry import Registry


def flow(number: int, key: str = "w") -> dict[str, Any]:
    """A workflow whose JSON says which version it is."""
    return {"id": key, "number": number, "nodes": []}


class Disk:
    """The disk of all engines, which can be held or full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.held = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()
        self.full = False
        write = SqliteSink.commit

        async def commit(sink: SqliteSink, rows: Sequence[Any], fed: int) -> None:
            """Write, when the disk is there and has room."""
            self.held.set()
            await self.open.wait()
            if self.full:
                raise Unavailable(message="no room on the disk")
            await write(sink, rows, fed)

        monkeypatch.setattr(SqliteSink, "commit", commit)

    def hold(self) -> None:
        """Let nothing be written from now on."""
        self.held.clear()
        self.open.clear()


@asynccontextmanager
async def keeping(folder: Path) -> AsyncIterator[Engine]:
    """An engine that keeps workflows in a folder."""
    async with Engine(Registry.of(), storage=FolderStorage(folder)) as engine:
        yield engine


async def newest(engine: Engine) -> tuple[int, int] | None:
    """The number of the version that is found, and the one in its JSON."""
    found = await engine.library.find("w")
    return (found[0].version, found[1]["number"]) if found else None


async def settled(engine: Engine) -> None:
    """Wait until all that was asked for before is written."""
    await engine.journal.flush(most=LONG)
    await engine.library.save(flow(0, "other"))


async def gone(task: asyncio.Task[Any]) -> None:
    """Take the caller of a task away."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


# -- callers that go away -------------------------------------------------------------------------


async def test_a_caller_goes_away_while_it_saves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that reaches the disk is the newest one, also where nobody waits for it."""
    async with keeping(tmp_path) as engine:
        disk = Disk(monkeypatch)
        await engine.library.save(flow(1))
        disk.hold()
        caller = asyncio.create_task(engine.library.save(flow(2)))
        await disk.held.wait()
        await gone(caller)
        assert (1, 1) == await newest(engine)
        disk.open.set()
        await settled(engine)
        assert (2, 2) == await newest(engine)
        with pytest.raises(Conflict, match="at version 2, not 1"):
            await engine.library.save(flow(3), expected=1)
        assert 3 == (await engine.library.save(flow(3), expected=2)).version


async def test_a_caller_goes_away_while_it_deletes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workflow whose deletion reaches the disk is gone, also where nobody waits for that."""
    async with keeping(tmp_path) as engine:
        disk = Disk(monkeypatch)
        await engine.library.save(flow(1))
        disk.hold()
        caller = asyncio.create_task(engine.library.delete("w"))
        await disk.held.wait()
        await gone(caller)
        assert (1, 1) == await newest(engine)
        disk.open.set()
        await settled(engine)
        assert None is await newest(engine)


async def test_a_caller_goes_away_before_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever goes away while another one saves has saved nothing."""
    async with keeping(tmp_path) as engine:
        disk = Disk(monkeypatch)
        disk.hold()
        first = asyncio.create_task(engine.library.save(flow(1)))
        await disk.held.wait()
        second = asyncio.create_task(engine.library.save(flow(2)))
        await asyncio.sleep(0)
        await gone(second)
        disk.open.set()
        assert 1 == (await first).version
        await settled(engine)
        assert [1] == [stored.version for stored in await engine.library.versions("w")]


# -- readers that come between --------------------------------------------------------------------


class Slow:
    """A store whose first look for a workflow takes until it is let go."""

    def __init__(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read = threading.Event()
        self.open = threading.Event()
        self._store: Any = engine.storage.workflows
        self._latest = self._store.latest
        monkeypatch.setattr(self._store, "latest", self.latest)

    def latest(self, workflow_id: str) -> StoredWorkflow | None:
        """The newest version at the moment of asking."""
        found: StoredWorkflow | None = self._latest(workflow_id)
        if not self.read.is_set():
            self.read.set()
            self.open.wait(LONG)
        return found


@pytest.mark.parametrize("what", ["save", "delete"])
async def test_a_reader_while_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """What was read before a change is not taken for the newest after it."""
    async with keeping(tmp_path) as engine:
        await engine.library.save(flow(1))
    async with keeping(tmp_path) as engine:
        slow = Slow(engine, monkeypatch)
        reader = asyncio.create_task(newest(engine))
        assert await asyncio.to_thread(slow.read.wait, LONG)
        if what == "save":
            await engine.library.save(flow(2))
        else:
            await engine.library.delete("w")
        slow.open.set()
        assert (1, 1) == await reader
        assert ((2, 2) if what == "save" else None) == await newest(engine)


async def test_a_reader_during_a_deletion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found while a workflow was being deleted is forgotten with it."""
    async with keeping(tmp_path) as engine:
        disk = Disk(monkeypatch)
        await engine.library.save(flow(1))
        disk.hold()
        deletion = asyncio.create_task(engine.library.delete("w"))
        await disk.held.wait()
        assert (1, 1) == await newest(engine)
        disk.open.set()
        await deletion
        assert None is await newest(engine)


async def test_only_some_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many workflows those that were used last are remembered; the others are read again."""
    read: list[str] = []
    latest = WorkflowStore.latest

    def noted(store: WorkflowStore, workflow_id: str) -> StoredWorkflow | None:
        read.append(workflow_id)
        return latest(store, workflow_id)

    async with keeping(tmp_path) as engine:
        for index in range(COUNT + 1):
            await engine.library.save(flow(index, f"w{index}"))
        monkeypatch.setattr(WorkflowStore, "latest", noted)
        for index in (COUNT, 0, 0):
            found = await engine.library.find(f"w{index}")
            assert index == (found and found[1]["number"])
    assert ["w0"] == read


# -- a disk that takes nothing --------------------------------------------------------------------


async def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller hears in time that the disk takes nothing, the next ones at once."""
    async with keeping(tmp_path) as engine:
        disk = Disk(monkeypatch)
        await engine.library.save(flow(1))
        disk.full = True
        monkeypatch.setattr(library, "SECONDS", 0.2)
        with pytest.raises(Unavailable, match="no room on the disk"):
            await engine.library.save(flow(2))
        monkeypatch.setattr(library, "SECONDS", LONG)
        for call in (engine.library.save(flow(3)), engine.library.delete("w")):
            with pytest.raises(Unavailable, match="no room on the disk"):
                await call
        assert (1, 1) == await newest(engine)
        disk.full = False
        await settled(engine)
        assert (2, 2) == await newest(engine)
        assert 3 == (await engine.library.save(flow(3), expected=2)).version


async def test_a_disk_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits too long for its turn hears so, and nothing of it is saved later."""
    async with keeping(tmp_path) as engine:
        disk = Disk(monkeypatch)
        disk.hold()
        monkeypatch.setattr(library, "SECONDS", 0.1)
        calls = [engine.library.save(flow(number)) for number in (1, 2, 3)]
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert [Unavailable] * 3 == [type(error) for error in found]
        monkeypatch.setattr(library, "SECONDS", LONG)
        disk.open.set()
        await settled(engine)
        assert [1] == [stored.version for stored in await engine.library.versions("w")]


async def test_a_closed_engine_saves_nothing(tmp_path: Path) -> None:
    """An engine that is stopping says so at once."""
    async with keeping(tmp_path) as engine:
        await engine.library.save(flow(1))
    for call in (engine.library.save(flow(2)), engine.library.delete("w")):
        with pytest.raises(Unavailable, match="stopping"):
            await call


async def test_closing_while_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for the disk when the engine closes hears that it was not saved."""
    monkeypatch.setattr("caudal_core.journal.journal.CLOSE_SECONDS", 0.1)
    async with keeping(tmp_path) as engine:
        disk = Disk(monkeypatch)
        disk.full = True
        caller = asyncio.create_task(engine.library.save(flow(1)))
        await disk.held.wait()
    with pytest.raises(Unavailable):
        await caller


async def test_what_is_not_there(tmp_path: Path) -> None:
    """A workflow that is not there cannot be deleted, and a refusal holds up nobody."""
    async with keeping(tmp_path) as engine:
        with pytest.raises(NotFound):
            await engine.library.delete("w")
        await engine.library.save(flow(1), new=True)
        with pytest.raises(Conflict, match="already"):
            await engine.library.save(flow(2), new=True)
        assert (1, 1) == await newest(engine)
