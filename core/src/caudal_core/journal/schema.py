"""Which version the tables of a database have, and the way from one to the next.

A new database gets the tables as they are now (`statements.schema`). One that is older is brought
up by the revisions in `migrations/`; Alembic is imported then and not before. One that is newer is
refused: this server would not know what it must not touch.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caudal_core.errors import Unavailable, error_text
from caudal_core.journal.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    import sqlalchemy

FOLDER = Path(__file__).parent / "migrations"
VERSION_TABLE = "alembic_version"


class WrongSchema(Unavailable):
    """The database's tables are of another version than this server's."""

    code = "WRONG_SCHEMA"


def head() -> str:
    """The revision of the tables as this version has them."""
    return f"{SCHEMA_VERSION:04d}"


def bring_up(database: Path) -> Path | None:
    """Bring an SQLite database up to this version; where it was older, the copy made before.

    Nobody else may have it open. Raises `WrongSchema` if it is newer. Blocks.
    """
    found = revision_of_file(database)
    if found is None or found == head():
        return None
    if found > head():
        raise newer(str(database), found, way_back(database, _copy_of(database, found)))
    copy = _copy_of(database, head())
    _copy(database, copy)
    try:
        with at(database) as engine:
            upgrade(engine)
    except Exception as error:
        text = f"{database} could not be brought from schema {found} to {head()}"
        why = f"{text}, and is as it was: {error_text(error)}; start the older version again"
        raise WrongSchema(message=why) from error
    text = "%s was brought from schema %s to %s; %s"
    logging.getLogger(__name__).warning(text, database, found, head(), way_back(database, copy))
    return copy


def check(revision: str | None, what: str, remedy: str) -> None:
    """Refuse a database of another version; `remedy` says what to do with one that is older."""
    if revision is None or revision == head():
        return
    if revision > head():
        raise newer(what, revision, "restore the back-up made before it was brought up")
    text = f"the tables of {what} are of schema {revision}, and this version needs {head()}"
    raise WrongSchema(message=f"{text}; {remedy}")


def newer(what: str, revision: str, way_back: str) -> WrongSchema:
    """Why a database of a later version is refused."""
    text = f"the tables of {what} are of schema {revision}, and this version knows {head()}"
    return WrongSchema(message=f"{text}: start the newer version again; or, to go back: {way_back}")


def revision_of(connection: sqlalchemy.Connection) -> str | None:
    """The revision of a database's tables; nothing where there are none."""
    from sqlalchemy import inspect, text

    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    query = text("SELECT max(version_num) FROM alembic_version")
    found: str | None = connection.execute(query).scalar_one()
    return found


def upgrade(engine: sqlalchemy.Engine, *, to: str | None = None) -> None:
    """Bring the tables up to this version, in one transaction; an empty database gets them all."""
    with engine.connect() as connection:
        upgrade_in(connection, to=to)


def upgrade_in(connection: sqlalchemy.Connection, *, to: str | None = None) -> None:
    """The same on a connection, in its transaction if it is in one."""
    from alembic import command

    command.upgrade(_config(connection), to or head())


def _config(connection: sqlalchemy.Connection) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


# -- SQLite ----------------------------------------------------------------------------------------


def revision_of_file(database: Path) -> str | None:
    """The same of an SQLite file, past SQLAlchemy: it is asked for at each start."""
    if not database.exists():
        return None
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        known = "SELECT 1 FROM sqlite_master WHERE name = ?"
        if connection.execute(known, (VERSION_TABLE,)).fetchone() is None:
            return None
        [(found,)] = connection.execute("SELECT max(version_num) FROM alembic_version")
        return str(found) if found is not None else None


def _copy_of(database: Path, revision: str) -> Path:
    """Where the copy is that was made before the database came to a revision."""
    return database.with_name(f"{database.name}.before-{revision}")


def way_back(database: Path, copy: Path) -> str:
    """What brings the database back that was copied before it was brought up."""
    return (
        f"stop the server, delete {database.name}, {database.name}-wal and {database.name}-shm in "
        f"{database.parent}, and rename {copy.name} to {database.name}; what came since is lost"
    )


def _copy(database: Path, copy: Path) -> None:
    """Copy it whole, with what is only in its log; there is a copy or there is none."""
    part = copy.with_name(f"{copy.name}.part")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(part)) as target:
        source.backup(target)
    part.replace(copy)


@contextmanager
def at(database: Path) -> Iterator[sqlalchemy.Engine]:
    """An engine over an SQLite file whose transactions hold the changes of tables too."""
    from sqlalchemy import NullPool, create_engine, event

    engine = create_engine(f"sqlite:///{database}", poolclass=NullPool)
    event.listen(engine, "connect", _manual)
    event.listen(engine, "begin", _begin)
    try:
        yield engine
    finally:
        engine.dispose()


def _manual(connection: Any, _: Any) -> None:
    connection.isolation_level = None


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
