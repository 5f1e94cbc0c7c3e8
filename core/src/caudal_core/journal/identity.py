"""Whether a server has the same places as the others on its database."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.postgresql import insert

from caudal_core.errors import NotFound, Unavailable
from caudal_core.hookspecs import BlobStore
from caudal_core.journal.tables import about

MARK = "blobs"
"""The row that names a value which only the place of this database's large values has."""

PLACE = "blobs place"


class WrongPlace(Unavailable):
    """What this server is set up with is not what the other servers on its database use."""

    code = "WRONG_PLACE"
    hint_en = "give all servers on one database the same CAUDAL_BLOBS"
    hint_es = "dé a todos los servidores de una base de datos el mismo CAUDAL_BLOBS"


def check_blobs(database: Engine, blobs: BlobStore, place: str) -> None:
    """Raise `WrongPlace` where large values are kept elsewhere than by the servers before this one.

    The first server puts a value of its own there and notes its name in the database. Blocks.
    """
    with database.connect() as connection:
        known = _noted(connection)
    if known is None:
        mark = blobs.put(f"The large values of one Caudal database: {uuid4().hex}".encode())
        with database.begin() as connection:
            for key, value in ((MARK, mark), (PLACE, place)):
                row = insert(about).values(key=key, value=value)
                connection.execute(row.on_conflict_do_nothing())
            known = _noted(connection)
    try:
        blobs.get(known or "")
    except NotFound:
        with database.connect() as connection:
            query = select(about.c.value).where(about.c.key == PLACE)
            first = connection.execute(query).scalar_one_or_none()
        message = (
            f"the large values of this database are not in {place}: "
            f"the first server kept them in {first}"
        )
        raise WrongPlace(message=message) from None


def _noted(connection: Connection) -> str | None:
    found: str | None = connection.execute(
        select(about.c.value).where(about.c.key == MARK)
    ).scalar_one_or_none()
    return found
