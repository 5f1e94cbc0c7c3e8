"""Large values, kept beside the journal under the hash of their content."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from math import inf
from pathlib import Path
from time import monotonic

from caudal_core.errors import NotFound
from caudal_core.workflow import content_hash


class BlobFolder:
    """Blobs in a folder. What `put` has returned survives a power cut."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ready: set[Path] = set()
        self._bytes: int | None = None
        self._measured = 0.0
        self._counting = threading.Lock()

    def put(self, content: bytes | memoryview) -> str:
        """Keep the bytes; their name is the SHA-256 of the content."""
        name = content_hash(content)
        path = self._path(name)
        self._make(path.parent)
        with self._counting:
            there = _renewed(path)
        if not there:
            _write(path, content)
            self._count(len(content))
        # Also where it is there already: whoever wrote it may not have come to this yet.
        _sync_folder(path.parent)
        return name

    def _make(self, folder: Path) -> None:
        """Bring a folder into being, and see to it once that it stays, whoever made it."""
        if folder in self._ready and folder.is_dir():
            return
        folder.mkdir(parents=True, exist_ok=True)
        _sync_folder(self.folder)
        _sync_folder(self.folder.parent)
        self._ready.add(folder)

    def get(self, name: str) -> bytes:
        """The bytes of this name; `NotFound` if they are gone."""
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            raise NotFound(kind="blob", id=name) from None

    def local(self, name: str) -> Path | None:
        """Where the bytes of this name are, or would be."""
        return self._path(name)

    def measured(self, lasting: float = inf) -> int:
        """The bytes of all blobs; they are looked at, and counted from then on.

        After `lasting` seconds they are looked at anew: another server may have put and deleted.
        """
        if self._bytes is None or monotonic() - self._measured > lasting:
            self._measured = monotonic()
            self._bytes = sum(size for _, size, _ in self.all())
        return self._bytes

    def _count(self, size: int) -> None:
        with self._counting:
            if self._bytes is not None:
                self._bytes += size

    def all(self) -> Iterator[tuple[str, int, float]]:
        """Name, bytes, and when it was last put, of every blob."""
        for folder in _entries(self.folder):
            for entry in _entries(folder.path) if folder.is_dir() else ():
                try:
                    found = entry.stat()
                except FileNotFoundError:
                    continue  # it has been deleted meanwhile
                yield entry.name, found.st_size, found.st_mtime

    def delete(self, name: str, before: float) -> None:
        """Let go of a blob that has not been put since a moment, if it is there.

        Whoever puts it again in between finds it gone, and writes it; or, in another process, has
        found it just before: then it is put back.
        """
        path = self._path(name)
        aside = path.with_name(f"{name}.swept")
        with self._counting:
            try:
                if path.stat().st_mtime >= before:
                    return
                path.rename(aside)
                found = aside.stat()
                if found.st_mtime >= before:
                    aside.rename(path)
                    return
                aside.unlink()
            except FileNotFoundError:
                return
        self._count(-found.st_size)

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / name


def _renewed(path: Path) -> bool:
    """Whether it is there; it then counts as put just now, so that it is not swept away."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _entries(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from found
    except FileNotFoundError:
        return


def _write(path: Path, content: bytes | memoryview) -> None:
    """Write a file, which is there whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
