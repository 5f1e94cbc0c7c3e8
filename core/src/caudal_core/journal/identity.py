"""Whether a server has the same places and secrets as the others on its database."""

from __future__ import annotations

import hmac
from uuid import uuid4

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.postgresql import insert

from caudal_core.errors import NotFound, Unavailable, error_text
from caudal_core.hookspecs import BlobStore
from caudal_core.journal.servers import database_time
from caudal_core.journal.tables import about, server

MARK = "blobs"
"""The row that names a value which only the place of this database's large values has."""

PLACE = "blobs place"

FINGERPRINT = "callback key"


class WrongPlace(Unavailable):
    """What this server is set up with is not what the other servers on its database use."""

    code = "WRONG_PLACE"
    hint_en = "give all servers on one database the same CAUDAL_BLOBS"
    hint_es = "dé a todos los servidores de una base de datos el mismo CAUDAL_BLOBS"


class WrongKey(Unavailable):
    """The secret that signs calls is not that of the other servers on the database."""

    code = "WRONG_KEY"
    hint_en = "give all servers on one database the same CAUDAL_CALLBACK_SECRET"
    hint_es = "dé a todos los servidores de una base de datos el mismo CAUDAL_CALLBACK_SECRET"


def check_key(database: Engine, key: bytes) -> None:
    """Raise `WrongKey` where servers on this database have another one. Blocks.

    The first server notes a fingerprint, from which nobody learns the key. Where no other server
    lives the key may change.
    """
    mine = hmac.digest(key, b"a key of Caudal", "sha256").hex()
    row = insert(about).values(key=FINGERPRINT, value=mine)
    others = select(server.c.id).where(server.c.lease_until > database_time())
    with database.begin() as connection:
        connection.execute(row.on_conflict_do_nothing())
        noted = select(about.c.value).where(about.c.key == FINGERPRINT).with_for_update()
        if connection.execute(noted).scalar_one() == mine:
            return
        if connection.execute(others.limit(1)).first() is not None:
            message = (
                "what signs calls here is not what the other servers on the database sign with"
            )
            raise WrongKey(message=message)
        connection.execute(row.on_conflict_do_update(index_elements=["key"], set_={"value": mine}))


def check_blobs(database: Engine, blobs: BlobStore, place: str) -> None:
    """Raise `WrongPlace` where large values are kept elsewhere than by the servers before this one.

    The first server puts a value of its own there and notes its name in the database. Blocks.
    """
    with database.connect() as connection:
        known = _noted(connection)
    if known is None:
        mark = _put(blobs, f"The large values of one Caudal database: {uuid4().hex}", place)
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
    except OSError as error:
        message = f"large values cannot be read from {place}: {error_text(error)}"
        raise WrongPlace(message=message) from error


def _put(blobs: BlobStore, text: str, place: str) -> str:
    try:
        return blobs.put(text.encode())
    except OSError as error:
        message = f"large values cannot be kept in {place}: {error_text(error)}"
        raise WrongPlace(message=message) from error


def _noted(connection: Connection) -> str | None:
    found: str | None = connection.execute(
        select(about.c.value).where(about.c.key == MARK)
    ).scalar_one_or_none()
    return found
