"""One file with all that a data folder holds, made while a server may be using it.

The file is a tar archive, with `about.json` first: the databases, each as it was at one moment, the
large values that the journal's names, and whatever else is in the folder. The journal's database is
copied first: a value is kept before the row that names it, and for an hour after the last one.
"""

from __future__ import annotations

import io
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from time import time

import orjson

from caudal_core.errors import InvalidRequest, NotFound
from caudal_core.hookspecs import BlobStore
from caudal_core.journal.remote import RemoteBlobs
from caudal_server.times import moment

ABOUT = "about.json"
JOURNAL = "caudal.db"
BLOBS = "blobs"
LEFT_OUT = (".lock", "-wal", "-shm", ".part")
"""Endings of files that belong to a running server, or to nobody."""


@dataclass(slots=True)
class Contents:
    """What is in a back-up; `missing` are large values that the journal names and nobody has."""

    databases: list[str] = field(default_factory=list)
    values: int = 0
    files: int = 0
    missing: list[str] = field(default_factory=list)


def back_up(folder: Path, blobs: BlobStore, target: Path) -> Contents:
    """Write the file, which is there whole or not at all; `InvalidRequest` says what hinders."""
    if not (folder / JOURNAL).is_file():
        message = f"{folder} holds no {JOURNAL}; name the server's data folder with --data"
        raise InvalidRequest(message=message)
    if not target.parent.is_dir():
        message = f"there is no folder {target.parent}; make it, or name another place"
        raise InvalidRequest(message=message)
    if target.exists():
        raise InvalidRequest(message=f"{target} is there already; name another file")
    if target.resolve().is_relative_to(folder.resolve()):
        message = f"{target} lies in the data folder itself; name a place outside of it"
        raise InvalidRequest(message=message)
    part = target.with_name(f"{target.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            found = _written(folder, blobs, file, target.parent)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return found


def _written(folder: Path, blobs: BlobStore, file: io.BufferedWriter, space: Path) -> Contents:
    found = Contents()
    others = sorted(path.name for path in folder.glob("*.db") if path.name != JOURNAL)
    with (
        tempfile.TemporaryDirectory(dir=space, prefix=".caudal-backup-") as copies,
        tarfile.open(fileobj=file, mode="w") as archive,
    ):
        for name in (JOURNAL, *others):
            _copy(folder / name, Path(copies, name))
            found.databases.append(name)
        _add(archive, ABOUT, _about(Path(copies, JOURNAL)))
        _add_values(archive, Path(copies, JOURNAL), blobs, found)
        for path in _rest(folder):
            with suppress(FileNotFoundError):  # it has been deleted meanwhile
                archive.add(path, str(path.relative_to(folder)), recursive=False)
                found.files += 1
        # Last, so that what is restored in part is no data folder yet.
        for name in reversed(found.databases):
            archive.add(Path(copies, name), name)
    return found


def _about(journal: Path) -> bytes:
    from caudal_core.journal import schema

    known = {
        "caudal": version("caudal-server"),
        "created": moment(time()),
        "schema": schema.revision_of_file(journal),
    }
    return orjson.dumps(known, option=orjson.OPT_INDENT_2)


def _copy(source: Path, target: Path) -> None:
    """A database as it is at one moment, whoever writes to it meanwhile."""
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=rw", uri=True)) as from_,
        closing(sqlite3.connect(target)) as to,
    ):
        from_.execute("PRAGMA query_only=1")
        from_.backup(to)


def _add_values(archive: tarfile.TarFile, journal: Path, blobs: BlobStore, found: Contents) -> None:
    for name in sorted(_names(journal)):
        place = f"{BLOBS}/{name[:2]}/{name}"
        path = blobs.local(name)
        try:
            if path is not None:
                archive.add(path, place)
            elif isinstance(blobs, RemoteBlobs):
                _add_fetched(archive, place, blobs, name, journal.with_name("value"))
            else:
                _add(archive, place, blobs.get(name))
        except (FileNotFoundError, NotFound):
            found.missing.append(name)
        else:
            found.values += 1


def _add_fetched(
    archive: tarfile.TarFile, place: str, blobs: RemoteBlobs, name: str, space: Path
) -> None:
    """One that is elsewhere, by way of the disk: it may be larger than what there is of memory."""
    try:
        blobs.fetch(name, space)
        archive.add(space, place)
    finally:
        space.unlink(missing_ok=True)


def _names(journal: Path) -> set[str]:
    """The names of the values that the journal holds."""
    from caudal_core.journal.ageing import Ageing
    from caudal_core.journal.reading import open_for_reading

    database = open_for_reading(journal)
    try:
        return {name for _, name in Ageing(database).references()}
    finally:
        database.dispose()


def _rest(folder: Path) -> Iterator[Path]:
    """Everything else: uploaded files, keys."""
    for root, folders, files in os.walk(folder):
        if Path(root) == folder:
            folders[:] = [name for name in folders if name != BLOBS]
        for name in sorted(files):
            database = Path(root) == folder and (name.endswith(".db") or ".db." in name)
            path = Path(root, name)
            if not database and not name.endswith(LEFT_OUT) and path.is_file():
                yield path


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    item = tarfile.TarInfo(name)
    item.size, item.mtime, item.mode = len(content), int(time()), 0o600
    archive.addfile(item, io.BytesIO(content))
