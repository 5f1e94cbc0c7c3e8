"""A PostgreSQL that several servers may share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from caudal_core.hookspecs import BlobStore
from caudal_core.journal import Sink
from caudal_core.journal.blobs import BlobFolder
from caudal_core.journal.leases import DatabaseLeases, Leases, SoleHolder

if TYPE_CHECKING:
    from caudal_core.journal.ageing import Ageing
    from caudal_core.journal.connections import Connections
    from caudal_core.journal.history import History
    from caudal_core.journal.servers import Servers
    from caudal_core.journal.triggers import TriggerStore
    from caudal_core.journal.workflows import WorkflowStore

MEASURED = 300.0
"""Seconds after which large values are measured anew, as other servers put and delete them too."""


class PostgresStorage:
    """The database at a URL, and blobs in `blobs` or in the data folder.

    Several servers may have it at one time, where all of them have the same blobs; `place` says to
    people where these are. What a server has is another's `lease` seconds after it was last heard
    of. `key` gives a secret that must be the same at all of them. `NotAvailable` where there is no
    driver.
    """

    exclusive = False

    def __init__(
        self,
        url: str,
        folder: str | os.PathLike[str],
        blobs: BlobStore | None = None,
        *,
        lease: float = 15.0,
        place: str | None = None,
        key: Callable[[], bytes] | None = None,
    ) -> None:
        from caudal_core.journal.postgres import PostgresPlace

        self.folder = Path(folder)
        self.blobs: BlobStore | None = blobs or BlobFolder(self.folder / "blobs")
        self.ageing: Ageing | None = None
        self.history: History | None = None
        self.workflows: WorkflowStore | None = None
        self.triggers: TriggerStore | None = None
        self.servers: Servers | None = None
        self.leases: Leases = SoleHolder()
        self._lease = lease
        self._key = key
        self._blobs_place = place or str((self.folder / "blobs").absolute())
        self._place = PostgresPlace(url)
        self._connections: Connections | None = None

    @property
    def owner(self) -> str:
        """The name under which this server has its executions."""
        return self.servers.owner if self.servers is not None else ""

    def sink(self) -> Sink:
        """The process that writes to the database."""
        from caudal_core.journal.postgres import PostgresSink

        self.folder.mkdir(parents=True, exist_ok=True)
        return PostgresSink(self._place, lambda: self.owner, self._lease / 2)

    def opened(self) -> None:
        """Get ready to read.

        `WrongPlace` if other servers keep large values elsewhere, `WrongKey` if theirs is another.
        """
        from caudal_core.journal.ageing import Ageing
        from caudal_core.journal.history import History
        from caudal_core.journal.identity import check_blobs, check_key
        from caudal_core.journal.servers import Servers
        from caudal_core.journal.triggers import TriggerStore
        from caudal_core.journal.workflows import WorkflowStore

        connections = self._connections = self._place.connections()
        database = connections.database
        if self.blobs is not None:
            check_blobs(database, self.blobs, self._blobs_place)
        if self._key is not None:
            check_key(database, self._key())
        servers = self.servers = Servers(database, self._lease)
        servers.register()
        self.leases = DatabaseLeases(
            database, servers.owner, self._lease, fit=lambda: servers.wrong_clock is None
        )
        reading = database.execution_options(isolation_level="AUTOCOMMIT")
        self.ageing = Ageing(reading)
        self.history = History(reading)
        self.workflows = WorkflowStore(reading)
        self.triggers = TriggerStore(reading)

    def sizes(self) -> tuple[int | None, int | None]:
        """The database, and the blobs where they are in a folder."""
        from sqlalchemy import func, select

        size: int | None = None
        if self._connections is not None:
            with self._connections.database.connect() as connection:
                query = select(func.pg_database_size(func.current_database()))
                size = connection.execute(query).scalar_one()
        blobs = self.blobs
        return size, blobs.measured(MEASURED) if isinstance(blobs, BlobFolder) else None

    def free(self) -> int | None:
        """What is free where blobs are, if that is a folder."""
        if not isinstance(self.blobs, BlobFolder):
            return None
        there = self.blobs.folder if self.blobs.folder.exists() else self.folder
        return shutil.disk_usage(there).free

    def close(self) -> None:
        """Close the connections; those of threads that have not come back, when they do."""
        if self._connections is not None:
            self._connections.close()
