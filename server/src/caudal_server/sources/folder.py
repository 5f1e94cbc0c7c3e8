"""Workflows in a folder of JSON files."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caudal_core.runner.pool import ThreadPool
from caudal_server.showing import readable
from caudal_server.sources.errors import Unusable
from caudal_server.sources.place import unwrap

Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class WorkflowFile:
    """One file, written at `changed` (in seconds). `name` can be shown whatever the file's is.

    `document` is null where `error` says what is wrong with it.
    """

    name: str
    id: str
    document: dict[str, Any] | None
    error: str | None
    changed: float


Known = tuple[Stamp | None, WorkflowFile]


class WorkflowFolder:
    """The `*.json` files of one folder; a file is read again when it has changed.

    A workflow's id is the one in its JSON, else the file's name without its ending. Files are
    found by listing the folder, so that no id can name a path. One that cannot be read, or has
    more than `limit` bytes, is broken and keeps no other from being found.
    """

    def __init__(self, folder: Path, pool: ThreadPool, limit: int) -> None:
        self.folder = folder
        self._pool = pool
        self._limit = limit
        self._known: dict[str, Known] = {}

    @property
    def name(self) -> str:
        """The folder, and those of its files that could not be read."""
        broken = [file.name for _, file in self._known.values() if file.error]
        more = f" (not readable: {', '.join(broken[:5])})" if broken else ""
        return f"the folder {readable(str(self.folder))}{more}"

    async def fetch(self, workflow_id: str) -> dict[str, Any] | None:
        """The workflow's JSON; nothing where no file has the id."""
        found = await self.find(workflow_id)
        return None if found is None else found.document

    async def find(self, workflow_id: str) -> WorkflowFile | None:
        """The one readable file of this id; raises where it is broken, or where there are two."""
        found = [file for file in await self.all() if file.id == workflow_id]
        if not found:
            return None
        if len(found) > 1:
            names = " and ".join(file.name for file in found)
            message = f"several files have this id: {names}"
            raise Unusable(message)
        if found[0].error is not None:
            message = f"{found[0].name}: {found[0].error}"
            raise Unusable(message)
        return found[0]

    async def all(self) -> Sequence[WorkflowFile]:
        """Every file, by name, the broken ones too."""
        found: Sequence[WorkflowFile] = await self._pool.run(self._read)
        return found

    def _read(self) -> Sequence[WorkflowFile]:
        # Several threads may be here: each makes a table of its own, so that none waits for one
        # that the disk holds up. Whichever table stays, its stamps say what is still true.
        try:
            with os.scandir(self.folder) as entries:
                listed = sorted(e.name for e in entries if e.name.endswith(".json"))
        except OSError as error:
            raise Unusable(_reason(error)) from None
        before = self._known
        looked = {name: self._file(name, before.get(name)) for name in listed}
        self._known = {name: found for name, found in looked.items() if found is not None}
        return [file for _, file in self._known.values()]

    def _file(self, name: str, known: Known | None) -> Known | None:
        path = self.folder / name
        try:
            about = path.stat()
        except OSError as error:
            return _out_of_reach(path, error)
        stamp = (about.st_mtime_ns, about.st_size, about.st_ino)
        if known is not None and known[0] == stamp:
            return known
        return stamp, _read_file(path, about, self._limit)


def _out_of_reach(path: Path, error: OSError) -> Known | None:
    """A link that leads nowhere, say; nothing for what went away while the folder was listed."""
    try:
        changed = path.lstat().st_mtime
    except FileNotFoundError:
        return None
    except OSError:
        changed = 0.0
    return None, _broken(path, _reason(error), changed)


def _read_file(path: Path, about: os.stat_result, limit: int) -> WorkflowFile:
    try:
        document = unwrap(_content(path, about, limit))
    except Unusable as error:
        return _broken(path, str(error), about.st_mtime)
    except OSError as error:
        return _broken(path, _reason(error), about.st_mtime)
    if document is None:
        return _broken(path, "it holds null", about.st_mtime)
    given = document.get("id")
    known_by = path.stem if given in (None, "") else str(given)
    return WorkflowFile(path.name, known_by, document, None, about.st_mtime)


def _content(path: Path, about: os.stat_result, limit: int) -> bytes:
    """What a file holds; `Unusable` where it is none, or larger than `limit` bytes."""
    if readable(path.name) != path.name:
        message = "its name is not UTF-8; give it another"
        raise Unusable(message)
    if not stat.S_ISREG(about.st_mode):
        message = "it is no regular file"
        raise Unusable(message)
    with open(path, "rb", opener=_without_waiting) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        message = f"it is larger than {limit} bytes (CAUDAL_MAX_BODY)"
        raise Unusable(message)
    return content


def _without_waiting(path: str, flags: int) -> int:
    """Open what may be a pipe by now: nobody may ever write into it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _broken(path: Path, why: str, changed: float) -> WorkflowFile:
    return WorkflowFile(readable(path.name), readable(path.stem), None, why, changed)


def _reason(error: OSError) -> str:
    return f"it cannot be read: {error.strerror or error}"
