"""Workflows in a table of an application's own database."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from caudal_core.runner.pool import ThreadPool
from caudal_server.sources.errors import Unusable
from caudal_server.sources.place import unwrap

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

_PARAMETER = re.compile(r"(?<![:\\\w]):id\b")


class WorkflowDatabase:
    """Asks a query with the parameter `:id`; it gives `data`, and `id` and `name` if it likes.

    What it does is rolled back, and a missing SQLite file is not made.
    """

    def __init__(self, url: URL, query: str, *, pool: ThreadPool, name: str) -> None:
        self._url = url
        self._query = query
        self._pool = pool
        self._engine: Engine | None = None
        self._opening = Lock()
        self.name = name

    async def fetch(self, workflow_id: str) -> dict[str, Any] | None:
        """The workflow's JSON; nothing where no row has the id."""
        found: dict[str, Any] | None = await self._pool.run(lambda: self._fetch(workflow_id))
        return found

    async def close(self) -> None:
        """Close the connections."""
        if self._engine is not None:
            self._engine.dispose()

    def _fetch(self, workflow_id: str) -> dict[str, Any] | None:
        from sqlalchemy import text
        from sqlalchemy.exc import DataError, DBAPIError

        try:
            with self._opened().connect() as connection:
                row = connection.execute(text(self._query), {"id": workflow_id}).mappings().first()
        except DataError:
            return None  # an id that the column's type cannot hold is in no row
        except DBAPIError as error:
            raise Unusable(str(error.orig or error).strip()) from None
        if row is None or _another(row.get("id"), workflow_id):
            return None
        return unwrap(_with_data(row))

    def _opened(self) -> Engine:
        with self._opening:
            if self._engine is None:
                self._engine = self._open()
            return self._engine

    def _open(self) -> Engine:
        from sqlalchemy import create_engine

        file = self._file()
        if file is not None:
            return _reading(file)
        try:
            return create_engine(self._url, pool_pre_ping=True, pool_recycle=1800)
        except ModuleNotFoundError as error:
            message = f"its driver is not installed: pip install {error.name}"
            raise Unusable(message) from None

    def _file(self) -> Path | None:
        """The file of an SQLite database that is a plain one."""
        named = self._url.database or ":memory:"
        if self._url.get_backend_name() != "sqlite" or named.startswith((":", "file:")):
            return None
        return Path(named).resolve()


def asks_for_id(query: str) -> bool:
    """Whether a query has the parameter `:id`."""
    return _PARAMETER.search(query) is not None


def _reading(path: Path) -> Engine:
    """An engine over an SQLite file that neither makes it nor writes to it."""
    from sqlalchemy import NullPool, create_engine

    address = f"file:{quote(str(path))}?mode=ro"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True, timeout=4)

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)


def _another(found: Any, asked: str) -> bool:
    """Whether a database took `7abc` or ` 7` for the number 7."""
    return isinstance(found, int) and str(found) != asked


def _with_data(row: Mapping[Any, Any]) -> dict[str, Any]:
    if "data" not in row:
        columns = ", ".join(map(str, row))
        message = f"the query gives no column 'data'; it gives: {columns}"
        raise Unusable(message)
    return {str(key): value for key, value in row.items()}
