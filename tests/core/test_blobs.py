"""Large values beside the journal: they are there whole, and they stay."""

from __future__ import annotations

import os
from pathlib import Path
from time import time

import pytest

from caudal_core.errors import NotFound
from caudal_core.journal import blobs
from caudal_core.journal.blobs import BlobFolder


class Synced:
    """What was brought to the disk: the entries that each folder had when it was synced."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._kept: set[Path] = {root}
        monkeypatch.setattr(blobs, "_sync_folder", self.sync)

    def sync(self, folder: Path) -> None:
        """Keep what is in a folder by now."""
        self._kept |= set(folder.iterdir())

    def forget(self) -> None:
        """Nothing is known of what others brought to the disk."""
        self._kept.clear()

    def survives(self, path: Path, root: Path) -> bool:
        """Whether a file is found after a power cut, with every folder on the way to it."""
        way = (path, *(parent for parent in path.parents if parent.is_relative_to(root)))
        return set(way) - {root} <= self._kept


@pytest.fixture
def synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Synced:
    """What was brought to the disk in this test."""
    return Synced(tmp_path, monkeypatch)


def place(folder: Path, name: str) -> Path:
    """Where a blob is."""
    (found,) = folder.rglob(name)
    return found


def test_a_new_blob_survives(tmp_path: Path, synced: Synced) -> None:
    """A blob survives a power cut with the folders that were made for it."""
    name = BlobFolder(tmp_path / "data" / "blobs").put(b"much")
    assert synced.survives(place(tmp_path, name), tmp_path / "data")


def test_a_blob_that_is_there_survives(tmp_path: Path, synced: Synced) -> None:
    """So does one that another writer has only just put there, without its folder yet."""
    folder = tmp_path / "data" / "blobs"
    name = BlobFolder(folder).put(b"much")
    synced.forget()
    assert name == BlobFolder(folder).put(b"much")
    assert synced.survives(place(tmp_path, name), tmp_path / "data")


def test_a_blob_in_the_folder_of_another_survives(tmp_path: Path, synced: Synced) -> None:
    """A folder that another writer has made is brought to the disk with the first blob in it."""
    folder = tmp_path / "data" / "blobs"
    path = place(tmp_path, BlobFolder(folder).put(b"much"))
    path.unlink()
    synced.forget()
    assert path.name == BlobFolder(folder).put(b"much")
    assert synced.survives(path, tmp_path / "data")


@pytest.mark.skipif(os.name != "posix", reason="folders are synced where the system can")
def test_folders_are_synced_indeed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file and the folders on the way to it are handed to the system."""
    handed: set[int] = set()
    fsync = os.fsync

    def noted(handle: int) -> None:
        handed.add(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    path = place(tmp_path, BlobFolder(tmp_path / "blobs").put(b"much"))
    way = [path, path.parent, tmp_path / "blobs", tmp_path]
    assert {found.stat().st_ino for found in way} == handed


def test_a_blob_is_read_back(tmp_path: Path) -> None:
    """What was put is there under its name; one that is gone is not found."""
    folder = BlobFolder(tmp_path)
    name = folder.put(b"much")
    assert b"much" == folder.get(name)
    place(tmp_path, name).unlink()
    with pytest.raises(NotFound):
        folder.get(name)


def test_a_blob_that_another_server_puts_again_is_not_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever finds it there just before it is deleted has it: a row is about to name it."""
    one, other = BlobFolder(tmp_path), BlobFolder(tmp_path)
    name = one.put(b"value")
    os.utime(place(tmp_path, name), (0, 0))
    stat = Path.stat

    def put_after(path: Path) -> os.stat_result:
        found = stat(path)
        monkeypatch.undo()
        other.put(b"value")
        return found

    monkeypatch.setattr(Path, "stat", put_after)
    one.delete(name, time() - 3_600)
    assert b"value" == other.get(name)
    os.utime(place(tmp_path, name), (0, 0))
    one.delete(name, time() - 3_600)
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_another_server_puts_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes are those of the folder, after a while also what others have put there."""
    now = 1_000.0
    monkeypatch.setattr(blobs, "monotonic", lambda: now)
    one, other = BlobFolder(tmp_path), BlobFolder(tmp_path)
    one.put(b"12345")
    assert 5 == one.measured(300.0)
    other.put(b"678")
    assert 5 == one.measured(300.0)
    now = 1_301.0
    assert (8, 8) == (one.measured(300.0), other.measured())


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written whole is not there."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    folder = BlobFolder(tmp_path)
    with pytest.raises(OSError, match="No space left"):
        folder.put(b"much")
    monkeypatch.undo()
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]
    assert b"much" == folder.get(folder.put(b"much"))
