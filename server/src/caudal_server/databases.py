"""Settings that name a database: whether they can be one at all."""

from __future__ import annotations

from caudal_server.environment import variable_of
from caudal_server.settings import InvalidSettings
from caudal_server.showing import masked
from caudal_server.sources.database import ESCAPED, address_of

FORM = "postgresql://user:password@host/name"


def check_database(variable: str, url: str, *, only: str = "") -> None:
    """Raise `InvalidSettings` for what is no database's address, or of another kind than `only`."""
    found = address_of(url.replace("postgres://", "postgresql://", 1) if url else url)
    if found is None:
        message = (
            f"{variable} is no database's address of a kind that is known here: {masked(url)}; "
            f"write it as {FORM}, {ESCAPED}"
        )
        raise InvalidSettings(message=message)
    if only and found.get_backend_name() != only:
        message = f"{variable} is of the kind '{found.get_backend_name()}'; write it as {FORM}"
        raise InvalidSettings(message=message)
    if found.drivername != "postgresql" and found.get_dialect().is_async:
        message = (
            f"{variable} names the asynchronous driver '{found.get_driver_name()}'; "
            "name one that is not, such as postgresql+psycopg://"
        )
        raise InvalidSettings(message=message)


def check_journal(url: str) -> None:
    """The same of the journal's."""
    check_database(variable_of("database_url"), url, only="postgresql")


def bring_up(url: str) -> str:
    """Bring the journal in a PostgreSQL up to this version; the revision it had before, or none."""
    from caudal_core.journal.postgres import PostgresPlace

    check_journal(url)
    return PostgresPlace(url).bring_up() or ""
