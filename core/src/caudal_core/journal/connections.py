"""The connections to PostgreSQL for all but the journal's own rows."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from caudal_core.errors import Unavailable, error_text
from caudal_core.journal.postgres_writer import writable

if TYPE_CHECKING:
    import sqlalchemy

CONNECT_SECONDS = 5
FRESH = 1.0
"""Seconds after its last use for which a connection is taken to be there still."""

USED = "caudal used"


class Connections:
    """An engine whose lost connections raise `Unavailable`, and that can be closed for good.

    Threads that were abandoned may use it yet when it is closed: what they have is closed as they
    give it back, and they get nothing more.
    """

    def __init__(self, url: sqlalchemy.URL, arguments: Mapping[str, str]) -> None:
        from sqlalchemy import create_engine, event

        self._closed = False
        self.database = create_engine(
            url, connect_args=dict(arguments), pool_recycle=1_800, pool_timeout=CONNECT_SECONDS
        )
        event.listen(self.database, "handle_error", _translate, retval=True)
        event.listen(self.database, "before_cursor_execute", _written, retval=True)
        event.listen(self.database, "do_connect", self._connecting)
        event.listen(self.database, "checkin", self._given_back)
        event.listen(self.database, "checkout", self._taken)

    def close(self) -> None:
        """Close what nobody uses at once, and the rest as it is given back."""
        self._closed = True
        self.database.dispose()

    def _connecting(self, *_: Any) -> None:
        if self._closed:
            raise Unavailable(message="the connections to the database have been closed")

    def _given_back(self, _: Any, record: Any) -> None:
        record.info[USED] = monotonic()
        if self._closed:
            record.close()

    def _taken(self, connection: Any, record: Any, _: Any) -> None:
        """See that one that was not used for a moment is there still; else make another."""
        if monotonic() - record.info.get(USED, inf) < FRESH:
            return
        from sqlalchemy.exc import DisconnectionError

        try:
            connection.execute("SELECT 1")
            connection.rollback()
        except Exception as error:
            raise DisconnectionError(str(error)) from error


def _written(*event: Any) -> tuple[str, Any]:
    """Texts as the writer writes them: what no text of PostgreSQL can hold is looked for in vain.

    Else an id with NUL in an address would be an error here, and not found in SQLite.
    """
    _, _, statement, parameters, _, many = event
    if many:
        return statement, [_texts(each) for each in parameters]
    return statement, _texts(parameters)


def _texts(parameters: Any) -> Any:
    if isinstance(parameters, Mapping):
        return {key: writable(value) for key, value in parameters.items()}
    return tuple(map(writable, parameters))


def _translate(context: Any) -> Exception | None:
    """A database that is not there, as an error of ours."""
    from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

    error = context.sqlalchemy_exception
    # Before there is a connection, an option that the driver does not know is one more such cause.
    absent = context.connection is None
    lost = isinstance(error, DBAPIError) and (error.connection_invalidated or absent)
    if lost or isinstance(error, OperationalError | InterfaceError):
        return unreachable(context.original_exception)
    return None


def unreachable(error: BaseException | str) -> Unavailable:
    """The database does not answer."""
    cause = error if isinstance(error, str) else " ".join(error_text(error).split())
    return Unavailable(message=f"the database does not answer: {cause}")
