"""The record stores of this package, as the hook names them; nothing heavy is loaded here."""

from __future__ import annotations

from caudal_core.stores import RecordStore, StorePlace

FILE = "records.db"


def open_store(place: StorePlace) -> RecordStore | None:
    """The built-in store: in the operator's database, else in a file of the data folder."""
    if place.database_url is None and place.folder is None:
        return None
    from caudal_builtin.store.database import RecordDatabase
    from caudal_builtin.store.engines import postgresql_engine, sqlite_engine
    from caudal_builtin.store.postgresql import PostgresqlDialect
    from caudal_builtin.store.sqlite import SqliteDialect

    if place.database_url is not None:
        engine = postgresql_engine(place.database_url)
        return RecordDatabase(engine, PostgresqlDialect(), name="the store")
    assert place.folder is not None  # noqa: S101 - one of the two is there
    return RecordDatabase(sqlite_engine(place.folder / FILE), SqliteDialect(), name="the store")


def open_application(place: StorePlace) -> RecordStore | None:
    """The tables of an application's own database."""
    if place.records_url is None:
        return None
    from caudal_builtin.store.application.database import ApplicationDatabase

    return ApplicationDatabase(place.records_url)
