"""Who has which execution, where several servers share a database. All of it blocks.

A server is a row with a lease, by the database's clock. Whoever finds a lease that has run out
deletes the row: from then on nothing is that server's, and it can write nothing of what it had
(see `fences`). An execution whose owner has no row, or that has none, may be claimed by anybody.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from time import time
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Float,
    case,
    cast,
    delete,
    exists,
    extract,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from caudal_core.journal.records import OPEN
from caudal_core.journal.tables import execution, server, timer
from caudal_core.journal.unused import Unused
from caudal_core.journal.waits import NO_NODE

LEASE = 15.0
PATIENCE = 8
"""Seconds for which somebody waits for a key that another server holds: that one may be stopped."""

OFF = 30.0
"""Seconds by which a server's clock may differ from the database's, which decides."""

AHEAD = 2 * OFF
"""Seconds that the clocks of two servers may be apart."""


class Free(NamedTuple):
    """An execution that nobody has, and what its nodes are."""

    id: str
    plan_hash: str


class Woken(NamedTuple):
    """Somebody has written that there is news for this execution."""

    execution: str
    due: float


class Servers:
    """`seconds` is the lease; `name` says to people which server this is.

    `owner` is the name under which this server has its executions; another one from the moment at
    which it was believed dead. `off` is by how many seconds its `clock` was ahead of the database's
    when that was last asked, give or take what asking took.
    """

    def __init__(
        self, database: Engine, seconds: float = LEASE, clock: Callable[[], float] = time
    ) -> None:
        self.seconds = seconds
        self.clock = clock
        self.off = 0.0
        self.unused = Unused(database)
        self.name = f"process {os.getpid()} on {socket.gethostname()}"
        self.owner = ""
        self._database = database

    # -- the lease of this server ------------------------------------------------------------------

    def register(self) -> None:
        """Live from now on, under a new name."""
        owner, now = uuid4().hex, database_time()
        row = {"id": owner, "name": self.name, "started": now, "lease_until": now + self.seconds}
        with self._database.begin() as connection:
            self._compare(connection)
            connection.execute(insert(server).values(**row))
        self.owner = owner

    def renew(self) -> bool:
        """Live on; false where this server is believed to be dead."""
        query = update(server).where(server.c.id == self.owner)
        with self._database.begin() as connection:
            self._compare(connection)
            found = connection.execute(query.values(lease_until=database_time() + self.seconds))
            return found.rowcount == 1

    def _compare(self, connection: Connection) -> None:
        before = self.clock()
        there: float = connection.execute(select(database_time())).scalar_one()
        after = self.clock()
        self.off = max(0.0, before - there) or min(0.0, after - there)

    @property
    def wrong_clock(self) -> str | None:
        """What is wrong with this server's clock, if so: it would end waits that are not over."""
        if abs(self.off) <= OFF:
            return None
        which = "ahead of" if self.off > 0 else "behind"
        text = f"this server's clock is {abs(self.off):,.0f} s {which} the database's"
        return f"{text}, and {OFF:.0f} s are the most; set it right, and work is taken again"

    def leave(self) -> None:
        """Let others take over what this server has at once."""
        with self._database.begin() as connection:
            connection.execute(delete(server).where(server.c.id == self.owner))

    def bury(self) -> list[str]:
        """Take the rows away of servers whose leases have run out; which servers these were.

        Not of one that writes at this moment: it is looked at again. Where the database has not
        been there for longer than a lease, nobody could renew any.
        """
        since = cast(extract("epoch", func.pg_postmaster_start_time()), Float)
        dead = select(server.c.id).where(
            server.c.lease_until < database_time(), since < database_time() - self.seconds
        )
        dead = dead.with_for_update(skip_locked=True)
        query = delete(server).where(server.c.id.in_(dead)).returning(server.c.name)
        with self._database.begin() as connection:
            return list(connection.execute(query).scalars())

    # -- executions --------------------------------------------------------------------------------

    def free(self, but: Collection[str], limit: int) -> list[Free]:
        """Executions that nobody has and that do not wait, oldest first; none of `but`.

        Who waits and is to be cancelled has waited long enough.
        """
        cancelled = (execution.c.state == "waiting") & _to_cancel()
        goes_on = execution.c.state.in_(("pending", "running")) | cancelled
        query = select(execution.c.id, execution.c.plan_hash).where(goes_on, _ownerless())
        if but:
            query = query.where(execution.c.id.not_in(list(but)))
        order = execution.c.created, execution.c.id
        with self._database.connect() as connection:
            return [Free(*row) for row in connection.execute(query.order_by(*order).limit(limit))]

    def plan_of(self, execution_id: str) -> str | None:
        """The hash of the plan of an execution that has not ended and that nobody has."""
        query = select(execution.c.plan_hash).where(
            execution.c.id == execution_id, execution.c.state.in_(OPEN), _ownerless()
        )
        with self._database.connect() as connection:
            found: str | None = connection.execute(query).scalar_one_or_none()
        return found

    def claim(self, wanted: Sequence[str]) -> list[str]:
        """Take those of them that have not ended and that nobody has; which these were.

        Their state is read anew in the same transaction: what was cancelled or has ended meanwhile
        does not come back. Those that others look at at this moment are left to them.
        """
        mine = update(execution).values(
            owner=self.owner,
            epoch=execution.c.epoch + 1,
            state=case((execution.c.state == "waiting", "running"), else_=execution.c.state),
        )
        with self._database.begin() as connection:
            if not self._lives(connection):
                return []
            free = self._locked(connection, wanted)
            if free:
                connection.execute(mine.where(execution.c.id.in_(free)))
            return free

    def _lives(self, connection: Connection) -> bool:
        """Whether this server is believed to live; that stays so for the transaction."""
        query = select(server.c.id).where(server.c.id == self.owner)
        locked = query.with_for_update(read=True, key_share=True)
        return connection.execute(locked).first() is not None

    def _locked(self, connection: Connection, wanted: Sequence[str]) -> list[str]:
        query = (
            select(execution.c.id, execution.c.owner)
            .where(execution.c.id.in_(list(wanted)), execution.c.state.in_(OPEN))
            .order_by(execution.c.id)
            .with_for_update(skip_locked=True)
        )
        owners = {row[0]: row[1] for row in connection.execute(query)}
        # Asked only now that nobody can change an owner any more.
        living = select(server.c.id).where(server.c.id.in_(set(owners.values()) - {None}))
        lives = set(connection.execute(living).scalars())
        return [key for key, owner in owners.items() if owner is None or owner not in lives]

    def let_go(self, claimed: Collection[str]) -> None:
        """Give back what was claimed and cannot be gone on with here."""
        query = update(execution).where(
            execution.c.id.in_(list(claimed)), execution.c.owner == self.owner
        )
        with self._database.begin() as connection:
            connection.execute(query.values(owner=None))

    # -- what others want --------------------------------------------------------------------------

    def ask_to_cancel(self, execution_id: str, at: float) -> str | None:
        """Note that an execution is to be cancelled; the state it has, null where it has ended."""
        query = (
            update(execution)
            .where(execution.c.id == execution_id, execution.c.state.in_(OPEN))
            .values(cancel_requested=func.coalesce(execution.c.cancel_requested, at))
            .returning(execution.c.state)
        )
        with self._database.begin() as connection:
            found: str | None = connection.execute(query).scalar_one_or_none()
        return found

    def to_cancel(self) -> list[str]:
        """The executions of this server that somebody wants cancelled."""
        query = select(execution.c.id).where(execution.c.owner == self.owner, _to_cancel())
        with self._database.connect() as connection:
            return list(connection.execute(query).scalars())

    def woken(self) -> list[Woken]:
        """The executions of this server for which somebody has written that there is news."""
        mine = (execution.c.id == timer.c.execution) & (execution.c.owner == self.owner)
        query = (
            select(timer.c.execution, timer.c.due)
            .join(execution, mine)
            .where(
                timer.c.due < database_time() + AHEAD,
                timer.c.kind == "wake",
                timer.c.node == NO_NODE,
            )
        )
        with self._database.connect() as connection:
            return [Woken(*row) for row in connection.execute(query)]

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """Hold this key, which no other server can meanwhile; `Unavailable` if one has it long."""
        with self._database.begin() as connection:
            connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}s'"))
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
            yield


def _ownerless() -> ColumnElement[bool]:
    living = exists().where(server.c.id == execution.c.owner)
    return or_(execution.c.owner.is_(None), ~living)


def _to_cancel() -> ColumnElement[bool]:
    """In the words of the index that has these few of them all."""
    return execution.c.cancel_requested.is_not(None) & execution.c.completed.is_(None)


def database_time() -> ColumnElement[Any]:
    """The database's clock, in seconds since 1970."""
    return cast(extract("epoch", func.clock_timestamp()), Float)
