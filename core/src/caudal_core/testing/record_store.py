"""A record store in memory: for the tests of handlers, and the plainest form of what all do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from caudal_core.errors import NotAvailable
from caudal_core.records import Row
from caudal_core.stores.errors import EntityExists, EntityNotFound
from caudal_core.stores.identity import ambiguous, id_of, key_of, required_key, taken
from caudal_core.stores.matching import matcher, sorted_rows
from caudal_core.stores.model import MOST_IDS, Entity, Page, Query, Report, Write
from caudal_core.stores.types import inferred, widened

OF_ALL = ("id", "createdAt")
"""What every record can be filtered and sorted by."""


@dataclass(slots=True)
class _Table:
    entity: Entity
    rows: list[dict[str, Any]] = field(default_factory=list)


class MemoryRecordStore:
    """Entities in memory, made by `MemoryRecordStore(meters=[{"meter": "0417"}])`."""

    name = "memory"

    def __init__(self, **entities: Sequence[Mapping[str, Any]]) -> None:
        self._tables: dict[str, _Table] = {}
        self._effects: dict[str, Report] = {}
        self._ids = count(1)
        for name, rows in entities.items():
            entity = self.create(name, inferred(rows, {}))
            self._tables[entity.id].rows = [{"id": self._new_id(), **row} for row in rows]

    def entities(self) -> Sequence[Entity]:
        """All of them, by name."""
        tables = sorted(self._tables.values(), key=lambda table: table.entity.name)
        return [replace(table.entity, records=len(table.rows)) for table in tables]

    def find(self, ref: str) -> Entity | None:
        """The entity of this id, else of this name."""
        if ref in self._tables:
            return self._tables[ref].entity
        return next((entity for entity in self.entities() if entity.name == ref), None)

    def create(
        self, name: str, properties: Mapping[str, str], organization: str | None = None
    ) -> Entity:
        """A new entity; `EntityExists` if the name is taken."""
        if self.find(name) is not None:
            raise EntityExists(name=name)
        made = Entity(self._new_id(), name, dict(properties), organization=organization)
        self._tables[made.id] = _Table(made)
        return made

    def change(self, entity: Entity, name: str, properties: Mapping[str, str]) -> Entity:
        """Rename it and widen its properties."""
        table = self._table(entity)
        wide = widened(table.entity.properties, properties)
        table.entity = replace(table.entity, name=name, properties=wide)
        return table.entity

    def delete(self, entity: Entity) -> None:
        """Delete it with its records."""
        self._tables.pop(self._table(entity).entity.id)

    def read(self, entity: Entity, query: Query) -> Page:
        """Its records; a cursor is the number of the first."""
        if query.as_of is not None:
            raise NotAvailable("a store in memory knows nothing of earlier moments")
        table = self._table(entity)
        known = dict.fromkeys((*OF_ALL, *table.entity.properties))
        test = matcher(query.where, known) if query.where else None
        rows = [row for row in table.rows if test is None or test(row)]
        found = sorted_rows(rows, query.sort, known)
        begin = int(query.cursor or 0)
        end = len(found) if query.limit is None else begin + query.limit
        page = [_chosen(row, query.columns) for row in found[begin:end]]
        return Page(page, str(end) if end < len(found) else None)

    def write(self, entity: Entity, write: Write) -> Report:
        """All rows or none."""
        if write.effect in self._effects:
            return replace(self._effects[write.effect], repeated=True)
        known = entity.id in self._tables
        properties = inferred(write.rows, entity.properties)
        before = self._table(entity).entity.properties if known else {}
        rows = deepcopy(self._table(entity).rows) if known else []
        report = self._written(rows, write)
        created = {name: type_ for name, type_ in properties.items() if name not in before}
        report = replace(report, created={k: v for k, v in created.items() if k not in OF_ALL})
        if write.dry_run:
            return report
        target = entity if known else self.create(entity.name, {}, write.organization)
        self._tables[target.id] = _Table(
            replace(target, properties=widened(before, _without(properties))), rows
        )
        if write.effect is not None:
            self._effects[write.effect] = report
        return report

    def remove(self, entity: Entity, ids: Sequence[str]) -> int:
        """Delete the records of these ids."""
        table = self._table(entity)
        kept = [row for row in table.rows if str(row["id"]) not in ids]
        removed = len(table.rows) - len(kept)
        table.rows = kept
        return removed

    def close(self) -> None:
        """Nothing to do."""

    def _written(self, rows: list[dict[str, Any]], write: Write) -> Report:
        done = dict.fromkeys(("inserted", "updated", "unchanged", "not_found"), 0)
        ids = []
        for index, row in enumerate(write.rows):
            record_id = id_of(row, index)
            target = _target(rows, row, index, write, record_id)
            if target is None and write.mode == "update":
                done["not_found"] += 1
                continue
            if target is None:
                target = {**row, "id": row["id"] if record_id else self._new_id()}
                rows.append(target)
                done["inserted"] += 1
            else:
                changed = {**target, **row, "id": target["id"]}
                done["unchanged" if changed == target else "updated"] += 1
                target.update(changed)
            ids.append(str(target["id"]))
        listed = tuple(ids) if len(ids) <= MOST_IDS else ()
        return Report(
            done["inserted"], done["updated"], done["unchanged"], done["not_found"], listed
        )

    def _table(self, entity: Entity) -> _Table:
        if entity.id not in self._tables:
            raise EntityNotFound(entity.name, [self.name])
        return self._tables[entity.id]

    def _new_id(self) -> str:
        return f"id-{next(self._ids)}"


def _without(properties: Mapping[str, str]) -> dict[str, str]:
    return {name: type_ for name, type_ in properties.items() if name not in OF_ALL}


def _chosen(row: Row, columns: tuple[str, ...] | None) -> dict[str, Any]:
    if columns is None:
        return deepcopy(dict(row))
    return deepcopy({name: row[name] for name in columns if name in row})


def _target(
    rows: list[dict[str, Any]], row: Mapping[str, Any], index: int, write: Write, given: str | None
) -> dict[str, Any] | None:
    """The stored record that a row means."""
    if write.mode == "insert" or not write.keys:
        same = [item for item in rows if given is not None and str(item["id"]) == given]
        if same and write.mode == "insert":
            raise taken(index, given or "")
        return same[0] if same else None
    key = required_key(row, write.keys, index)
    same = [item for item in rows if key_of(item, write.keys) == key]
    if len(same) > 1:
        raise ambiguous(index, f"the key {key}", len(same))
    return same[0] if same else None
