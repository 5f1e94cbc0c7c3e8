"""A data folder from a back-up (see `backup`)."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO, Any

import orjson

from caudal_core.errors import InvalidRequest
from caudal_core.hookspecs import BlobStore
from caudal_server.backup import ABOUT, BLOBS, JOURNAL, Contents


def restore(source: Path, folder: Path, blobs: BlobStore) -> Contents:
    """Fill an empty folder, or one that is not there; `InvalidRequest` says what hinders.

    What fails halfway leaves the folder empty again.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = f"{folder} is not empty; restore into an empty folder, so that nothing is lost"
        raise InvalidRequest(message=message)
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{folder} cannot be made: {error.strerror}; name another with --data"
        raise InvalidRequest(message=message) from error
    try:
        with tarfile.open(source, mode="r:") as archive:
            return _restored(archive, source, folder, blobs)
    except BaseException as error:
        _empty(folder, made=made)
        if isinstance(error, tarfile.TarError | EOFError):
            message = f"{source} is no whole back-up of Caudal: {error}"
            raise InvalidRequest(message=message) from error
        raise


def _restored(archive: tarfile.TarFile, source: Path, folder: Path, blobs: BlobStore) -> Contents:
    found, first = Contents(), True
    for item in archive:
        path = _checked(item, source)
        with _opened(archive, item) as content:
            if first:
                _check_about(item, content, source)
            elif path.parts[0] == BLOBS:
                _put(blobs, path.name, content, source)
                found.values += 1
            else:
                _write(folder / path, content, item.mode)
                if path.suffix == ".db" and len(path.parts) == 1:
                    found.databases.append(path.name)
                else:
                    found.files += 1
        first = False
    if JOURNAL not in found.databases:
        raise InvalidRequest(message=f"{source} is no whole back-up of Caudal: it ends too soon")
    return found


def _checked(item: tarfile.TarInfo, source: Path) -> PurePosixPath:
    """Where it goes: nowhere but below the folder."""
    path = PurePosixPath(item.name)
    if not item.isreg() or path.is_absolute() or not path.parts or ".." in path.parts:
        message = f"{source} is no back-up of Caudal: it holds '{item.name}'; nothing was restored"
        raise InvalidRequest(message=message)
    return path


def _opened(archive: tarfile.TarFile, item: tarfile.TarInfo) -> IO[bytes]:
    content = archive.extractfile(item)
    assert content is not None  # noqa: S101 - it is a regular file
    return content


def _check_about(item: tarfile.TarInfo, content: IO[bytes], source: Path) -> None:
    from caudal_core.journal import schema

    known: Any = None
    if item.name == ABOUT:
        known = orjson.loads(content.read())
    if not isinstance(known, dict) or "schema" not in known:
        raise InvalidRequest(message=f"{source} is no back-up of Caudal: it lacks {ABOUT}")
    if known["schema"] > schema.head():
        message = (
            f"{source} was made by Caudal {known.get('caudal')}, whose tables (schema "
            f"{known['schema']}) this version does not know; restore it with that version"
        )
        raise InvalidRequest(message=message)


def _put(blobs: BlobStore, name: str, content: IO[bytes], source: Path) -> None:
    if blobs.put(content.read()) != name:
        message = f"{source} is damaged: the value {name} is not what it was; nothing was restored"
        raise InvalidRequest(message=message)


def _write(path: Path, content: IO[bytes], mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode & 0o777), "wb") as file:
        shutil.copyfileobj(content, file)
        file.flush()
        os.fsync(file.fileno())


def _empty(folder: Path, *, made: bool) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if made:
        folder.rmdir()
