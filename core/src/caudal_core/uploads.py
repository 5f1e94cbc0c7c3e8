"""Files that people uploaded: kept in a folder under ids, so that no name of theirs is a path."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from time import time
from typing import Final

import orjson

from caudal_core.errors import NotFound
from caudal_core.names import without_unseen

PART: Final = ".part"
_ID = re.compile(r"f[0-9a-f]{32}")
MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """What is known of a file. `created` is in seconds since 1970, `size` in bytes."""

    id: str
    name: str
    size: int
    sha256: str
    content_type: str
    created: float


class Uploads:
    """The uploaded files in a folder; the newest have the greatest ids."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def incoming(self) -> Incoming:
        """A new file, to be written piece by piece."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return Incoming(self._folder, f"f{int(time() * 1000):012x}{secrets.token_hex(10)}")

    def find(self, file_id: str) -> UploadedFile | None:
        """What is known of the file of this id, if there is one."""
        if not _ID.fullmatch(file_id):
            return None
        try:
            return UploadedFile(**orjson.loads(self._about(file_id).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def get(self, file_id: str) -> UploadedFile:
        """The same; `NotFound` if there is none."""
        found = self.find(file_id)
        if found is None:
            raise NotFound(kind="File", id=file_id[:100])
        return found

    def path(self, file_id: str) -> Path:
        """Where the content of a file is; `NotFound` if there is none."""
        return self._folder / self.get(file_id).id

    def page(self, limit: int, before: str | None = None) -> tuple[list[UploadedFile], str | None]:
        """Some files, newest first, and where to go on: null at the end."""
        ids = sorted((path.stem for path in self._folder.glob("f*.json")), reverse=True)
        left = [name for name in ids if before is None or name < before]
        found = [file for name in left[:limit] if (file := self.find(name)) is not None]
        return found, left[limit - 1] if len(left) > limit else None

    def delete(self, file_id: str) -> None:
        """Remove a file; `NotFound` if there is none. Who reads it now can read on."""
        self.get(file_id)
        self._about(file_id).unlink(missing_ok=True)
        (self._folder / file_id).unlink(missing_ok=True)

    def tidy(self, age: float = 0.0) -> None:
        """Remove what uploads left behind that never came to their end, if it is so old, in s."""
        before = time() - age
        known = {path.stem for path in self._folder.glob("f*.json")}
        for path in self._folder.glob("f*"):
            if path.suffix == PART or (not path.suffix and path.name not in known):
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime <= before:
                        path.unlink()

    def _about(self, file_id: str) -> Path:
        return self._folder / f"{file_id}.json"


class Incoming:
    """A file that is on its way in."""

    def __init__(self, folder: Path, file_id: str) -> None:
        self.id = file_id
        self.size = 0
        self._folder = folder
        self._hash = hashlib.sha256()
        self._part = folder / f"{file_id}{PART}"
        self._file = self._part.open("wb")

    def write(self, piece: bytes) -> None:
        """Add the next piece."""
        self._file.write(piece)
        self._hash.update(piece)
        self.size += len(piece)

    def keep(self, name: str, content_type: str) -> UploadedFile:
        """It has come whole: from now on it is there, and survives a power cut."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self._folder / self.id)
        about = UploadedFile(
            self.id, shown(name), self.size, self._hash.hexdigest(), content_type[:100], time()
        )
        part = self._folder / f"{self.id}.json{PART}"
        with part.open("wb") as file:
            file.write(orjson.dumps(asdict(about)))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._folder / f"{self.id}.json")
        _sync(self._folder)
        return about

    def drop(self) -> None:
        """It never came to its end."""
        with suppress(OSError):  # a full disk cannot take the last of it either
            self._file.close()
        self._part.unlink(missing_ok=True)


def is_id(text: str) -> bool:
    """Whether a text is written as the id of an uploaded file."""
    return _ID.fullmatch(text) is not None


def shown(name: str) -> str:
    """A file's name without folders, characters that are not seen, and endless length."""
    last = without_unseen(name.replace("\\", "/").rpartition("/")[2]).strip()
    return last[-MAX_NAME:] or "file"


def _sync(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
