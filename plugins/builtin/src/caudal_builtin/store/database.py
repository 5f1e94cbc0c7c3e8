"""The built-in record store, over one database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from caudal_builtin.store import tables
from caudal_builtin.store.dialect import Dialect
from caudal_builtin.store.documents import moment, taken_apart
from caudal_builtin.store.engines import writing
from caudal_builtin.store.reading import read_page
from caudal_builtin.store.writing import Done, Held, Writing
from caudal_core.errors import Conflict, InvalidRequest
from caudal_core.names import has_unseen, without_unseen
from caudal_core.stores import (
    Entity,
    EntityExists,
    EntityNotFound,
    Page,
    Query,
    Report,
    Write,
)
from caudal_core.stores.model import MOST_IDS
from caudal_core.stores.types import inferred, widened
from caudal_core.values import decode, encode

MOST_NAME = 255
MOST_PROPERTIES = 10_000


class RecordDatabase:
    """Entities, records and the effects that were done, in four tables.

    The tables are made at the first call. Who writes to an entity holds its row, so that two
    writers of one entity follow each other; on SQLite all writers do.
    """

    def __init__(self, engine: Engine, dialect: Dialect, *, name: str) -> None:
        self.name = name
        self._engine = engine
        self._dialect = dialect
        self._making = Lock()
        self._made = False

    def entities(self) -> Sequence[Entity]:
        """All of them, by name."""
        with self._opened().connect() as connection:
            rows = connection.execute(sa.select(tables.entity).order_by(tables.entity.c.name))
            return list(map(_entity, rows))

    def find(self, ref: str) -> Entity | None:
        """The entity of this id, else of this name."""
        with self._opened().connect() as connection:
            row = _row(connection, ref)
            return None if row is None else _entity(row)

    def create(
        self, name: str, properties: Mapping[str, str], organization: str | None = None
    ) -> Entity:
        """A new entity without records; `EntityExists` if the name is taken."""
        with writing(self._opened()) as connection:
            if not self._create(connection, name, properties, organization, datetime.now(UTC)):
                raise EntityExists(name=name)
            return _entity(_row(connection, name))

    def change(self, entity: Entity, name: str, properties: Mapping[str, str]) -> Entity:
        """Rename it, and widen its properties."""
        _check_name(name)
        with writing(self._opened()) as connection:
            row = self._locked(connection, entity)
            wide = widened(decode(row.properties.encode()), properties)
            values = {"name": name, "properties": _text(_checked(wide))}
            values["updated"] = moment(datetime.now(UTC))
            own = tables.entity.c.number == row.number
            try:
                connection.execute(sa.update(tables.entity).where(own).values(values))
            except IntegrityError:
                raise EntityExists(name=name) from None
            return _entity(_row(connection, row.id))

    def delete(self, entity: Entity) -> None:
        """Delete it with its records."""
        with writing(self._opened()) as connection:
            number = self._locked(connection, entity).number
            connection.execute(sa.delete(tables.record).where(tables.record.c.entity == number))
            connection.execute(sa.delete(tables.entity).where(tables.entity.c.number == number))

    def read(self, entity: Entity, query: Query) -> Page:
        """See `caudal_core.stores.RecordStore.read`."""
        with self._opened().connect() as connection:
            row = _row(connection, entity.id)
            if row is None:
                raise EntityNotFound(entity.name, [self.name])
            if not row.records:
                return Page([])
            known = decode(row.properties.encode())
            return read_page(connection, self._dialect, row.number, known, query)

    def write(self, entity: Entity, write: Write) -> Report:
        """See `caudal_core.stores.RecordStore.write`."""
        if "id" in write.keys:
            if len(write.keys) > 1:
                message = "id cannot be one of several key columns: it tells records apart alone"
                raise InvalidRequest(message=message)
            return self.write(entity, _by_id(write))
        with writing(self._opened(), dry_run=write.dry_run) as connection:
            if not entity.id:
                self._create(connection, entity.name, {}, write.organization, write.now)
            row = self._locked(connection, entity)
            before = None if write.effect is None else _done_before(connection, write.effect)
            return before or self._written(connection, row, write)

    def _written(self, connection: Connection, row: Any, write: Write) -> Report:
        keys = tuple(decode(row.keys.encode()))
        held = Held(row.number, row.next_seq, row.records, keys)
        done = Writing(connection, self._dialect, held, write).run()
        known = decode(row.properties.encode())
        wide = _checked(widened(known, _inferred(write, known)))
        created = {name: type_ for name, type_ in wide.items() if name not in known}
        report = _report(done, created)
        values = {
            "properties": _text(wide),
            "keys": _text(list(held.keys)),
            "next_seq": held.next_seq,
            "records": held.records,
            "updated": moment(write.now),
        }
        own = tables.entity.c.number == row.number
        connection.execute(sa.update(tables.entity).where(own).values(values))
        if write.effect is not None:
            kept = {"key": write.effect, "report": _text(report.to_json())}
            connection.execute(sa.insert(tables.effect).values(kept))
        return report

    def remove(self, entity: Entity, ids: Sequence[str]) -> int:
        """Delete the records of these ids."""
        with writing(self._opened()) as connection:
            row = self._locked(connection, entity)
            record = tables.record.c
            meant = sa.and_(record.entity == row.number, record.id.in_(list(ids)))
            removed = connection.execute(sa.delete(tables.record).where(meant)).rowcount
            own = tables.entity.c.number == row.number
            left = {"records": row.records - removed}
            connection.execute(sa.update(tables.entity).where(own).values(left))
            return removed

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def _opened(self) -> Engine:
        with self._making:
            if not self._made:
                with writing(self._engine) as connection:
                    self._dialect.make(connection)
                    _check_version(connection)
                self._made = True
        return self._engine

    def _create(
        self,
        connection: Connection,
        name: str,
        properties: Mapping[str, str],
        organization: str | None,
        now: datetime,
    ) -> bool:
        """Whether this call made it; another may have done so meanwhile."""
        _check_name(name)
        values = (str(uuid4()), name, organization, _text(_checked(dict(properties))))
        made = connection.execute(
            sa.text(
                "INSERT INTO caudal_entity (id, name, organization, properties, keys, next_seq, "
                "records, created, updated) VALUES (:id, :name, :organization, :properties, '[]', "
                "1, 0, :now, :now) ON CONFLICT (name) DO NOTHING"
            ),
            dict(zip(("id", "name", "organization", "properties"), values, strict=True))
            | {"now": moment(now)},
        )
        return made.rowcount == 1

    def _locked(self, connection: Connection, entity: Entity) -> Any:
        """The entity's row, held until the transaction ends."""
        row = _row(connection, entity.id or entity.name, lock=True)
        if row is None:
            raise EntityNotFound(entity.name, [self.name])
        return row


def _row(connection: Connection, ref: str, *, lock: bool = False) -> Any:
    """The row of an id, else of a name."""
    for column in (tables.entity.c.id, tables.entity.c.name):
        wanted = sa.select(tables.entity).where(column == ref)
        row = connection.execute(wanted.with_for_update() if lock else wanted).first()
        if row is not None:
            return row
    return None


def _entity(row: Any) -> Entity:
    return Entity(
        id=row.id,
        name=row.name,
        properties=decode(row.properties.encode()),
        organization=row.organization,
        created=row.created,
        updated=row.updated,
        records=row.records,
    )


def _done_before(connection: Connection, key: str) -> Report | None:
    wanted = sa.select(tables.effect.c.report).where(tables.effect.c.key == key)
    found = connection.execute(wanted).scalar()
    return None if found is None else Report.repeat(decode(found.encode()))


def _report(done: Done, created: dict[str, str]) -> Report:
    ids = tuple(done.ids) if len(done.ids) <= MOST_IDS else ()
    return Report(done.inserted, done.updated, done.unchanged, done.not_found, ids, created)


def _inferred(write: Write, known: Mapping[str, str]) -> dict[str, str]:
    """The properties that the rows bring: not the id, nor a moment of creation of our own form."""
    found = inferred(write.rows, known)
    found.pop("id", None)
    if "createdAt" in found and not any(
        "createdAt" in taken_apart(row, index)[2] for index, row in enumerate(write.rows)
    ):
        del found["createdAt"]
    return found


def _by_id(write: Write) -> Write:
    return replace(write, keys=())


def _text(value: Any) -> str:
    return encode(value).decode()


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > MOST_NAME or has_unseen(name):
        message = (
            f"an entity cannot be called '{without_unseen(name[:50])}': a name has 1 to "
            f"{MOST_NAME} characters, and none that is not seen, such as a tab or U+202E"
        )
        raise InvalidRequest(message=message)


def _checked(properties: dict[str, str]) -> dict[str, str]:
    """The properties, if they are not more than anybody can mean."""
    if len(properties) > MOST_PROPERTIES:
        message = (
            f"an entity would have {len(properties):,} properties; {MOST_PROPERTIES:,} are most: "
            "leave some columns out, or write them as one property that is an object"
        )
        raise InvalidRequest(message=message)
    return properties


def _check_version(connection: Connection) -> None:
    found = connection.execute(sa.select(tables.about.c.version)).scalar()
    if found is None:
        connection.execute(sa.insert(tables.about).values(version=tables.VERSION))
    elif found > tables.VERSION:
        message = f"the record store was made by a later version of Caudal (its tables: {found})"
        raise Conflict(message=message)
