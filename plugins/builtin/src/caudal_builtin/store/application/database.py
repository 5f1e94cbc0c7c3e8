"""An application's own database as a record store: its tables are the entities."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from caudal_builtin.store import tables
from caudal_builtin.store.application import effects
from caudal_builtin.store.application.columns import TableForm, form_of
from caudal_builtin.store.application.reading import known_to, read_page
from caudal_builtin.store.application.values import Misfit
from caudal_builtin.store.application.writing import Writing
from caudal_builtin.store.engines import missing_driver, with_driver, with_transactions, writing
from caudal_core import NotAvailable
from caudal_core.stores import Entity, EntityNotFound, Page, Query, Report, Write


class ApplicationDatabase:
    """Tables are read and written as they are; none is made, changed or dropped.

    The one exception is `caudal_effect`, made at the first write of a workflow: it remembers which
    writes were done, so that none is done twice.
    """

    def __init__(self, url: str) -> None:
        self._url = with_driver(sa.make_url(url))
        place = self._url.set(username=None, password=None, query={})
        self.name = f"the database {place.render_as_string()}"
        self._engine: Engine | None = None
        self._opening = Lock()

    def entities(self) -> Sequence[Entity]:
        """Its tables, by name."""
        inspector = sa.inspect(self._opened())
        names = sorted(set(inspector.get_table_names()) - set(tables.OWN))
        return [self._entity(name, form_of(name, inspector)) for name in names]

    def find(self, ref: str) -> Entity | None:
        """The table of this name."""
        inspector = sa.inspect(self._opened())
        if ref in tables.OWN or ref not in inspector.get_table_names():
            return None
        return self._entity(ref, form_of(ref, inspector))

    def create(self, *_: Any, **__: Any) -> Entity:
        """Refused: the tables are the application's."""
        raise _refused()

    def change(self, *_: Any, **__: Any) -> Entity:
        """Refused, as `create`."""
        raise _refused()

    def delete(self, *_: Any, **__: Any) -> None:
        """Refused, as `create`."""
        raise _refused()

    def read(self, entity: Entity, query: Query) -> Page:
        """Its rows; a key of one column is their `id` too."""
        with self._opened().connect() as connection:
            return read_page(connection, self._form(entity), query)

    def write(self, entity: Entity, write: Write) -> Report:
        """All rows or none; where the database refuses one, it is looked for and named."""
        if write.effect is not None:
            effects.make(self._opened())
        form = self._form(entity)
        try:
            return self._written(form, write, singly=False)
        except DBAPIError:
            self._written(form, write, singly=True)
            raise  # alone no row was refused: it was something else

    def _written(self, form: TableForm, write: Write, *, singly: bool) -> Report:
        with writing(self._opened(), dry_run=write.dry_run or singly) as connection:
            before = None if write.effect is None else effects.begun(connection, write.effect)
            if before is not None:
                return before
            if write.mode != "insert":
                _hold(connection, form)
            report = Writing(connection, form, write).run(singly=singly)
            if write.effect is not None:
                effects.ended(connection, write.effect, report)
            return report

    def remove(self, entity: Entity, ids: Sequence[str]) -> int:
        """Delete the rows of these keys, of a table whose key is one column."""
        form = self._form(entity)
        if len(form.key) != 1:
            raise NotAvailable(f"the key of the table {entity.name} is not one column")
        column = form.table.c[form.key[0]]
        values: list[Any] = []
        for text in ids:
            value = int(text) if form.kinds[column.name] == "integer" and _is_whole(text) else text
            try:
                values.append(form.takes[column.name](value))
            except Misfit:  # no row has it, but in SQLite, where rows may have been there before
                values += [value] if self._opened().dialect.name == "sqlite" else []
        with writing(self._opened()) as connection:
            return connection.execute(sa.delete(form.table).where(column.in_(values))).rowcount

    def close(self) -> None:
        """Close the connections."""
        if self._engine is not None:
            self._engine.dispose()

    def _entity(self, name: str, form: TableForm) -> Entity:
        return Entity(name, name, {k: v for k, v in known_to(form).items() if k in form.kinds})

    def _form(self, entity: Entity) -> TableForm:
        inspector = sa.inspect(self._opened())
        if entity.id in tables.OWN or not inspector.has_table(entity.id):
            raise EntityNotFound(entity.name, [self.name])
        return form_of(entity.id, inspector)

    def _opened(self) -> Engine:
        with self._opening:
            if self._engine is None:
                self._engine = self._open()
            return self._engine

    def _open(self) -> Engine:
        try:
            engine = sa.create_engine(self._url, pool_pre_ping=True, pool_recycle=1800)
        except ModuleNotFoundError as error:
            raise missing_driver(self._url, error) from None
        if self._url.get_backend_name() == "sqlite":
            return with_transactions(engine, own=False)
        return engine


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isascii() and text.removeprefix("-").isdecimal()


def _hold(connection: Connection, form: TableForm) -> None:
    """Let nobody add a row between the look for it and its writing; readers go on."""
    if connection.dialect.name == "postgresql":
        name = connection.dialect.identifier_preparer.quote(form.table.name)
        connection.exec_driver_sql(f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE")


def _refused() -> NotAvailable:
    return NotAvailable(
        "the tables of the application are its own: none is made, changed or deleted here",
        es="las tablas son de la aplicación: aquí no se crean, cambian ni borran",
        hint="do so in the application, or use an entity of the built-in store",
        hint_es="hágalo en la aplicación o use una entidad del almacén propio",
    )
