"""Where an engine keeps things."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from caudal_core.hookspecs import BlobStore
from caudal_core.journal import MemorySink, Sink
from caudal_core.journal.blobs import BlobFolder
from caudal_core.journal.leases import Leases, SoleHolder

OWNER = "here"
"""Who has an execution where there is only one server."""

if TYPE_CHECKING:
    import sqlalchemy

    from caudal_core.journal.ageing import Ageing
    from caudal_core.journal.history import History
    from caudal_core.journal.servers import Servers
    from caudal_core.journal.triggers import TriggerStore
    from caudal_core.journal.workflows import WorkflowStore


class Storage(Protocol):
    """A journal's sink and, once it is open, what reads back. The parts are null in memory.

    It is `exclusive` where no other engine can have it at the same time; else `servers` knows which
    of them has which execution. `owner` is the name under which this one has them.
    """

    exclusive: bool
    ageing: Ageing | None
    blobs: BlobStore | None
    history: History | None
    workflows: WorkflowStore | None
    triggers: TriggerStore | None
    leases: Leases
    servers: Servers | None

    @property
    def owner(self) -> str:
        """Whose an execution is that this engine runs."""

    def sink(self) -> Sink:
        """Where the journal writes to."""

    def opened(self) -> None:
        """The sink is open: get ready to read."""

    def sizes(self) -> tuple[int | None, int | None]:
        """Bytes of the database and of the blobs, null where that is not known. Blocks."""

    def free(self) -> int | None:
        """Bytes that are free where things are kept, null where that is not known. Blocks."""

    def close(self) -> None:
        """Let go of everything."""


class MemoryStorage:
    """Keeps nothing beyond the process."""

    exclusive = True
    owner = OWNER
    servers: Servers | None = None
    ageing: Ageing | None = None
    blobs: BlobStore | None = None
    history: History | None = None
    workflows: WorkflowStore | None = None
    triggers: TriggerStore | None = None

    def __init__(self) -> None:
        self.leases: Leases = SoleHolder()

    def sink(self) -> Sink:
        """A sink that is always done at once."""
        return MemorySink()

    def opened(self) -> None:
        """Nothing to do."""

    def sizes(self) -> tuple[int | None, int | None]:
        """Nothing is kept."""
        return None, None

    def free(self) -> int | None:
        """Nothing is kept."""
        return None

    def close(self) -> None:
        """Nothing to do."""


class FolderStorage:
    """One folder on this machine: an SQLite database, and blobs beside it or in `blobs`."""

    exclusive = True
    owner = OWNER
    servers: Servers | None = None

    def __init__(self, folder: str | os.PathLike[str], blobs: BlobStore | None = None) -> None:
        self.folder = Path(folder)
        self.blobs: BlobStore | None = blobs or BlobFolder(self.folder / "blobs")
        self.ageing: Ageing | None = None
        self.history: History | None = None
        self.workflows: WorkflowStore | None = None
        self.triggers: TriggerStore | None = None
        self.leases: Leases = SoleHolder()  # no other process can have the folder
        self._database: sqlalchemy.Engine | None = None

    def sink(self) -> Sink:
        """The process that writes to the database."""
        from caudal_core.journal.sqlite import SqliteSink

        self.folder.mkdir(parents=True, exist_ok=True)
        return SqliteSink(self.folder)

    def opened(self) -> None:
        """Open the database for reading."""
        from caudal_core.journal.ageing import Ageing
        from caudal_core.journal.history import History
        from caudal_core.journal.reading import open_for_reading
        from caudal_core.journal.triggers import TriggerStore
        from caudal_core.journal.workflows import WorkflowStore

        self._database = open_for_reading(self.folder / "caudal.db")
        self.ageing = Ageing(self._database)
        self.history = History(self._database)
        self.workflows = WorkflowStore(self._database)
        self.triggers = TriggerStore(self._database)

    def sizes(self) -> tuple[int | None, int | None]:
        """The database with its log, and the blobs where they are in a folder."""
        files = (self.folder / f"caudal.db{ending}" for ending in ("", "-wal"))
        database = sum(file.stat().st_size for file in files if file.exists())
        blobs = self.blobs.measured() if isinstance(self.blobs, BlobFolder) else None
        return database, blobs

    def free(self) -> int | None:
        """What is free on the fuller of the disks of the folder and of the blobs in a folder."""
        folders = [self.folder]
        if isinstance(self.blobs, BlobFolder) and self.blobs.folder.exists():
            folders.append(self.blobs.folder)
        return min(shutil.disk_usage(folder).free for folder in folders)

    def close(self) -> None:
        """Close the connections that read."""
        if self._database is not None:
            self._database.dispose()
