"""New work is refused while little room is left; what runs goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.core.engines import Gate, ended
from tests.core.flows import HANDLERS, document, give

from caudal_core.engine import Engine, EngineOptions, FolderStorage
from caudal_core.engine.tidying.room import MIB
from caudal_core.errors import Unavailable
from caudal_core.registry import Registry


class Disk(FolderStorage):
    """A folder on a disk whose room the test decides."""

    left: int | OSError = 500 * MIB

    def free(self) -> int:
        """What the test says."""
        if isinstance(self.left, OSError):
            raise self.left
        return self.left


async def test_little_room_is_kept_for_what_runs(tmp_path: Path) -> None:
    """Below the reserve new work is refused with what to do, and what runs ends."""
    disk, gate = Disk(tmp_path), Gate()
    registry = Registry.of(*HANDLERS, gate.handler)
    options = EngineOptions(disk_reserve=300 * MIB)
    async with Engine(registry, storage=disk, options=options) as engine:
        held = await engine.submit(document({"a": "held", "b": "output"}, "a b"))
        await gate.entered.wait()
        disk.left = 299 * MIB
        await engine.room.look()
        with pytest.raises(Unavailable, match="299 MiB left"):
            await engine.submit(document({"a": give(1)}))
        gate.open.set()
        assert "completed" == (await ended(held)).record.state
        disk.left = 300 * MIB
        await engine.room.look()
        assert engine.fault is None
        assert (
            "completed" == (await ended(await engine.submit(document({"a": give(1)})))).record.state
        )


async def test_it_is_known_from_the_start(tmp_path: Path) -> None:
    """An engine that starts on a disk without room takes nothing."""
    disk = Disk(tmp_path)
    disk.left = 0
    async with Engine(Registry(), storage=disk, options=EngineOptions(disk_reserve=1)) as engine:
        assert engine.fault is not None


async def test_a_disk_that_does_not_answer_is_a_fault(tmp_path: Path) -> None:
    """Where nobody can say how much room there is, no work is taken."""
    disk = Disk(tmp_path)
    disk.left = OSError("Stale file handle")
    async with Engine(Registry(), storage=disk, options=EngineOptions(disk_reserve=1)) as engine:
        assert "Stale file handle" in (engine.fault or "")


async def test_without_a_reserve_nobody_looks(tmp_path: Path) -> None:
    """A reserve of 0 looks at nothing."""
    disk = Disk(tmp_path)
    disk.left = OSError("nobody asked")
    async with Engine(Registry(), storage=disk) as engine:
        assert engine.fault is None


def test_the_real_room_is_that_of_the_disk(tmp_path: Path) -> None:
    """A folder knows what is free on its disk."""
    assert 0 < (FolderStorage(tmp_path).free() or 0)
