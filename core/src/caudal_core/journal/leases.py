"""Who listens for a trigger where several servers could."""

from __future__ import annotations

from collections.abc import Callable, Collection
from math import inf
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Engine

LEASE = 15.0
"""Seconds for which a lease is granted; whoever holds it renews it three times in them."""


class Leases(Protocol):
    """Grants each trigger to one server for a while. Its methods block: call them in a thread.

    `seconds`: how long that is; `alone`: no other server can be there.
    """

    alone: bool
    seconds: float

    def hold(self, triggers: Collection[str], seconds: float | None = None) -> set[str]:
        """Take or renew the lease of each; returns those that this server holds now.

        They are granted for `seconds`, if that is said.
        """

    def release(self, triggers: Collection[str]) -> None:
        """Let go of what this server holds of them, so that another may take it at once."""


class SoleHolder:
    """Where no other server can be: everything is held."""

    alone = True
    seconds = inf

    def hold(self, triggers: Collection[str], seconds: float | None = None) -> set[str]:  # noqa: ARG002
        """All of them."""
        return set(triggers)

    def release(self, triggers: Collection[str]) -> None:
        """Nothing to do."""


class DatabaseLeases:
    """Leases in the table `trigger_lease`, which must be there, by the database's own clock.

    `owner` names this server among all; the engine may write. Whoever is not `fit` is granted none,
    and lets go of what it held.
    """

    alone = False

    def __init__(
        self,
        database: Engine,
        owner: str,
        seconds: float = LEASE,
        fit: Callable[[], bool] = lambda: True,
    ) -> None:
        self.seconds = seconds
        self._fit = fit
        self._database = database
        self._owner = owner

    def hold(self, triggers: Collection[str], seconds: float | None = None) -> set[str]:
        """See `Leases`."""
        from sqlalchemy import select

        from caudal_core.journal.tables import trigger_lease as lease

        if not triggers:
            return set()
        if not self._fit():
            self.release(triggers)
            return set()
        wanted, now = sorted(triggers), self._now()  # in one order, so that no two wait in a ring
        rows = [{"trigger": trigger, "owner": self._owner, "until": 0.0} for trigger in wanted]
        free = (lease.c.owner == self._owner) | (lease.c.until < now)
        with self._database.begin() as connection:
            insert = self._insert(lease)
            changed = {"owner": self._owner, "until": now + (seconds or self.seconds)}
            upsert = insert.on_conflict_do_update(
                index_elements=["trigger"], set_=changed, where=free
            )
            # A new row is at once out of date, so that the same statement, once more, takes it.
            connection.execute(self._insert(lease).on_conflict_do_nothing(), rows)
            connection.execute(upsert, rows)
            mine = select(lease.c.trigger).where(
                lease.c.trigger.in_(wanted), lease.c.owner == self._owner, lease.c.until > now
            )
            return set(connection.execute(mine).scalars())

    def release(self, triggers: Collection[str]) -> None:
        """See `Leases`."""
        from sqlalchemy import delete

        from caudal_core.journal.tables import trigger_lease as lease

        query = delete(lease).where(
            lease.c.trigger.in_(sorted(triggers)), lease.c.owner == self._owner
        )
        if triggers:
            with self._database.begin() as connection:
                connection.execute(query)

    def _insert(self, table: Any) -> Any:
        from sqlalchemy.dialects import postgresql, sqlite

        there = self._database.dialect.name == "postgresql"
        return (postgresql.insert if there else sqlite.insert)(table)

    def _now(self) -> ColumnElement[float]:
        from sqlalchemy import Float, cast, extract, func

        if self._database.dialect.name == "postgresql":
            return cast(extract("epoch", func.clock_timestamp()), Float)
        return (func.julianday("now", type_=Float) - 2_440_587.5) * 86_400.0
