"""That a write is in effect once, also in a database of somebody else: one small table says so."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from caudal_core import HandlerError
from caudal_core.stores import Report
from caudal_core.values import decode, encode

NAME = "caudal_effect"
_TABLE = sa.table(NAME, sa.column("key", sa.Text), sa.column("report", sa.Text))
_MAKE = f"CREATE TABLE {NAME} (key VARCHAR(255) PRIMARY KEY, report TEXT NOT NULL)"


def make(engine: sa.Engine) -> None:
    """Make the table where it is not there."""
    if sa.inspect(engine).has_table(NAME):
        return
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(_MAKE)
    except DBAPIError as error:
        if sa.inspect(engine).has_table(NAME):
            return  # another was faster
        cause = str(error.orig or error).strip().partition("\n")[0]
        raise HandlerError(
            f"the database has no table {NAME}, which remembers what was written: {cause}",
            es=f"la base de datos no tiene la tabla {NAME}, que recuerda lo escrito: {cause}",
            hint=f"make it, or let the user make tables: {_MAKE}",
            hint_es=f"créela o permita crear tablas al usuario: {_MAKE}",
        ) from None


def begun(connection: Connection, key: str) -> Report | None:
    """Claim a key; the report where it was written before. Waits while another writes it."""
    if connection.dialect.name in ("sqlite", "postgresql"):
        claim = f"INSERT INTO {NAME} (key, report) VALUES (:key, '') ON CONFLICT DO NOTHING"  # noqa: S608
    else:
        claim = f"INSERT IGNORE INTO {NAME} (`key`, report) VALUES (:key, '')"  # noqa: S608
    if connection.execute(sa.text(claim), {"key": key}).rowcount == 1:
        return None
    kept = connection.execute(sa.select(_TABLE.c.report).where(_TABLE.c.key == key)).scalar_one()
    return Report.repeat(decode(kept.encode()))


def ended(connection: Connection, key: str, report: Report) -> None:
    """Keep what was done under a key."""
    text = encode(report.to_json()).decode()
    connection.execute(sa.update(_TABLE).where(_TABLE.c.key == key).values(report=text))
