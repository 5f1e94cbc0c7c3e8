"""PostgreSQL as the journal's database: where it is, and the sink that writes to it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caudal_core.errors import NotAvailable, Unavailable
from caudal_core.journal import postgres_writer
from caudal_core.journal.child import Child
from caudal_core.journal.connections import CONNECT_SECONDS, Connections, unreachable
from caudal_core.journal.journal import Lost, Row
from caudal_core.journal.writer_process import ALL, COMMIT, FEED

if TYPE_CHECKING:
    import sqlalchemy

DRIVER = "postgresql+psycopg"
MAKING = 0x6361_7563
"""The advisory lock under which the tables are made: several servers may start at one time."""

ARGUMENTS = {
    "application_name": "caudal",
    "connect_timeout": str(CONNECT_SECONDS),
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "8000",
}
"""After a few seconds of silence a connection counts as lost, whatever the network says."""


class PostgresPlace:
    """The database at a URL; `postgres://` and `postgresql://` mean the driver psycopg.

    `NotAvailable` where that is not installed.
    """

    def __init__(self, url: str) -> None:
        from sqlalchemy import make_url

        found = make_url(url.replace("postgres://", "postgresql://", 1))
        self.url = found.set(drivername=DRIVER)
        self.shown = f"{found.host or 'localhost'}/{found.database or ''}"
        try:
            import psycopg
        except ModuleNotFoundError:
            raise NotAvailable(
                "the driver of PostgreSQL is not installed",
                es="no está instalado el controlador de PostgreSQL",
                hint="pip install 'caudal-core[postgresql]'",
            ) from None
        self.driver = str(Path(psycopg.__file__).parent.parent)

    @property
    def arguments(self) -> dict[str, str]:
        """What the driver connects with."""
        from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

        dialect: Callable[..., Any] = PGDialect_psycopg
        _, found = dialect().create_connect_args(self.url)
        return ARGUMENTS | {key: str(value) for key, value in found.items()}

    def connections(self) -> Connections:
        """Connections for all but the journal's own rows."""
        return Connections(self.url, self.arguments)

    def prepare(self) -> None:
        """Make the tables in an empty database, one server at a time; see `schema.check`. Blocks.

        `Unavailable` where it cannot be reached.
        """
        from sqlalchemy import func, select

        from caudal_core.journal import schema
        from caudal_core.journal.postgres_sql import postgres_schema

        connections = self.connections()
        try:
            with connections.database.begin() as connection:
                connection.execute(select(func.pg_advisory_xact_lock(MAKING)))
                found = schema.revision_of(connection)
                if found is None:
                    for statement in postgres_schema():
                        connection.exec_driver_sql(statement)
                remedy = "stop all servers on it, then bring it up with `caudal migrate`"
                schema.check(found, f"the database {self.shown}", remedy)
        finally:
            connections.close()

    def bring_up(self) -> str | None:
        """Bring the tables of an older version up; the revision that they had. Blocks.

        `WrongSchema` where they are of a newer one, or a server still uses them; `Unavailable`
        where it cannot be reached.
        """
        from sqlalchemy import func, select

        from caudal_core.journal import schema

        connections = self.connections()
        try:
            with connections.database.begin() as connection:
                connection.execute(select(func.pg_advisory_xact_lock(MAKING)))
                found = schema.revision_of(connection)
                if found is not None and found > schema.head():
                    schema.check(found, f"the database {self.shown}", "")
                if found is not None and found < schema.head():
                    self._check_unused(connection)
                    schema.upgrade_in(connection)
        finally:
            connections.close()
        if found is None:
            self.prepare()
        return found

    def _check_unused(self, connection: sqlalchemy.Connection) -> None:
        """A server of the version before would write rows that the tables no longer take."""
        from sqlalchemy import select

        from caudal_core.journal.schema import WrongSchema
        from caudal_core.journal.servers import database_time
        from caudal_core.journal.tables import server

        living = select(server.c.name).where(server.c.lease_until > database_time())
        if names := list(connection.execute(living).scalars()):
            text = f"the database {self.shown} is in use by {', '.join(names)}"
            message = f"{text}: stop all servers on it, and bring it up then"
            raise WrongSchema(message=message)


class PostgresSink:
    """Starts the writer, speaks to it, and starts it again if it dies.

    `owner` gives the name under which this server has its executions. A transaction in which
    nothing happens for `patience` seconds is ended by the database, as it would keep others from
    taking over what this server had.
    """

    def __init__(self, place: PostgresPlace, owner: Callable[[], str], patience: float) -> None:
        self._place = place
        self._owner = owner
        self._patience = patience
        self._child = Child()
        self._opened = False

    @property
    def pid(self) -> int | None:
        """The writer's process id."""
        return self._child.pid

    async def open(self) -> None:
        """Make the tables where there are none, and start the writer."""
        await asyncio.get_running_loop().run_in_executor(None, self._place.prepare)
        try:
            await self._start()
        except BaseException:
            await self.close()
            raise
        self._opened = True

    async def _start(self) -> None:
        command = [sys.executable, "-I", str(Path(postgres_writer.__file__))]
        await self._child.start(command, env=os.environ)
        error = await self._child.exchange(self._opening())
        if error is not None:
            raise unreachable(error)

    def _opening(self) -> dict[str, Any]:
        from caudal_core.journal.fences import ACCEPTING, SHARED, fences
        from caudal_core.journal.postgres_sql import postgres_statements

        statements = postgres_statements()
        found = fences(len(statements))
        milliseconds = max(1, int(self._patience * 1000))
        return {
            "path": self._place.driver,
            "connect": self._place.arguments,
            "session": [f"SET idle_in_transaction_session_timeout = {milliseconds}"],
            "statements": statements,
            "fences": [None if fence is None else tuple(fence) for fence in found],
            "accepting": tuple(ACCEPTING),
            "shared": SHARED,
        }

    def feed(self, rows: Sequence[tuple[int, Row]]) -> bool:
        """See `Sink.feed`."""
        return self._child.send((FEED, rows, ""))

    async def commit(self, rows: Sequence[tuple[int, Row]], fed: int) -> Lost | None:
        """See `Sink.commit`. Every row may be written twice without harm."""
        owner = self._owner()
        try:
            if not self._child.runs and self._opened:
                await self._start()
                fed = 0
            kind = COMMIT if fed else ALL
            answer = await self._child.exchange((kind, list(rows[fed:]), owner))
        except Unavailable:
            await self._child.stop()
            raise
        except (OSError, EOFError) as cause:
            await self._child.stop()
            raise Unavailable(message=f"the journal's writer has ended: {cause!r}") from cause
        if isinstance(answer, str):
            raise Unavailable(message=f"the database cannot be written: {answer}")
        lost, dead = answer
        return Lost(lost, owner if dead else None) if lost or dead else None

    async def shrink(self) -> bool:
        """See `Sink.shrink`: the database does that by itself."""
        return False

    async def close(self) -> None:
        """End the writer."""
        self._opened = False
        await self._child.stop()
