"""Settings that name a database: whether they can be one at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caudal_server.environment import variable_of
from caudal_server.settings import InvalidSettings
from caudal_server.showing import masked

if TYPE_CHECKING:
    from sqlalchemy import URL

ESCAPED = "and @ : / ? # within a user or a password as %40 %3A %2F %3F %23"
"""What to heed in an address, for messages about one."""

FORM = "postgresql://user:password@host/name"


def database_of(variable: str, url: str, *, only: str = "", besides: str = "") -> URL:
    """The address that a setting names, of the kind `only` if that is said.

    `InvalidSettings` for what is none, or cannot be asked; `besides` is what it could be instead.
    """
    found = _address_of(url)
    if found is None:
        either = f"neither {besides} nor a" if besides else "no"
        message = (
            f"{variable} is {either} database's address of a kind that is known here: "
            f"{masked(url)}; write it as {FORM}, {ESCAPED}"
        )
        raise InvalidSettings(message=message)
    if only and found.get_backend_name() != only:
        message = f"{variable} is of the kind '{found.get_backend_name()}'; write it as {FORM}"
        raise InvalidSettings(message=message)
    if found.get_dialect().is_async:
        message = (
            f"{variable} names the asynchronous driver '{found.get_driver_name()}'; "
            "name one that is not, such as postgresql+psycopg:// or mysql+pymysql://"
        )
        raise InvalidSettings(message=message)
    return found


def _address_of(source: str) -> URL | None:
    """The address of a database; nothing where it cannot be read, or its kind is not known.

    What the reader says of it is not handed on, as it quotes passwords. A host with an `@` is the
    rest of one. `postgres` is an older name of `postgresql`.
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(source)
        if url.drivername == "postgres":
            url = url.set(drivername="postgresql")
        url.get_dialect()
    except (ArgumentError, ImportError, ValueError):
        return None
    place = (url.host or "") + ("" if url.username is None else url.database or "")
    return None if "@" in place else url


def check_journal(url: str) -> None:
    """The same of the journal's."""
    database_of(variable_of("database_url"), url, only="postgresql")


def bring_up(url: str) -> str:
    """Bring the journal in a PostgreSQL up to this version; the revision it had before, or none."""
    from caudal_core.journal.postgres import PostgresPlace

    check_journal(url)
    return PostgresPlace(url).bring_up() or ""
