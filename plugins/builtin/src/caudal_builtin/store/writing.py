"""Writes records of one entity: plans what becomes of each row, then does it in bulk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy import Connection

from caudal_builtin.store import tables
from caudal_builtin.store.dialect import Change, Dialect, Stored, Values
from caudal_builtin.store.documents import moment, new_ids, packed, taken_apart, unpacked
from caudal_core.stores import RowRefused, Write
from caudal_core.stores.identity import Row, ambiguous, key_of, required_key, taken

AT_ONCE = 5_000
"""Rows that are planned together."""

Part = tuple[str | None, str | None, Row]
"""A row taken apart: its id, its moment of creation, the rest."""


@dataclass(slots=True)
class Held:
    """An entity whose row is locked, as this write changes it."""

    number: int
    next_seq: int
    records: int
    keys: tuple[str, ...] = ()


@dataclass(slots=True)
class Draft:
    """A record as it becomes: `text` is its document. `stored`: it is in the database already."""

    seq: int
    id: str
    created: str
    text: str
    stored: bool = True
    touched: bool = False


@dataclass(slots=True)
class Done:
    """What became of the rows so far."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    not_found: int = 0
    ids: list[str] = field(default_factory=list)


class Writing:
    """One write to one entity, within a transaction that holds the entity's row."""

    def __init__(self, connection: Connection, dialect: Dialect, held: Held, write: Write) -> None:
        self._connection = connection
        self._dialect = dialect
        self._held = held
        self._write = write
        self._now = moment(write.now)
        self._fresh = new_ids(write.now)
        self.done = Done()

    def run(self) -> Done:
        """Write all rows; `RowRefused` names the first that cannot be."""
        if self._write.mode == "insert":
            self._refuse_taken()  # before the bulk path, which has the connection for itself
            self._dialect.insert(self._connection, self._new_rows())
            return self.done
        if self._write.keys:
            self._key_by(self._write.keys)
        rows = self._write.rows
        for begin in range(0, len(rows), AT_ONCE):
            self._write.check()
            self._part(begin, rows[begin : begin + AT_ONCE])
        return self.done

    # -- all of them new -------------------------------------------------------------------------

    def _new_rows(self) -> Iterator[Values]:
        """The rows as the bulk path takes them."""
        held, keys, now, ids = self._held, self._held.keys, self._now, self.done.ids
        number = held.number
        for index, row in enumerate(self._write.rows):
            if index % AT_ONCE == 0:
                self._write.check()
            given, created, document = taken_apart(row, index)
            record_id = given or next(self._fresh)
            key = key_of({**document, "id": record_id}, keys) if keys else None
            ids.append(record_id)
            seq = held.next_seq
            held.next_seq = seq + 1
            yield number, seq, record_id, key, created or now, now, packed(document)
        held.records += len(ids)
        self.done.inserted = len(ids)

    def _refuse_taken(self) -> None:
        """Nothing can go wrong with the rows after this: the entity is held."""
        given: dict[str, int] = {}
        for index, row in enumerate(self._write.rows):
            if "id" in row and (record_id := taken_apart(row, index)[0]) is not None:
                if record_id in given:
                    raise taken(index, record_id)
                given[record_id] = index
        self._refuse_ids(given)

    def _refuse_ids(self, given: dict[str, int]) -> None:
        names = list(given)
        for begin in range(0, len(names), AT_ONCE):
            found = self._look_up("id", names[begin : begin + AT_ONCE])
            if found:
                first = min(found, key=lambda stored: given[stored.target])
                raise taken(given[first.target], first.id)

    def _look_up(self, column: str, values: list[str]) -> list[Stored]:
        return self._dialect.look_up(self._connection, self._held.number, column, values)

    # -- some of them there ----------------------------------------------------------------------

    def _part(self, begin: int, rows: Sequence[Row]) -> None:
        """Plan some rows and write what became of them."""
        parts = [taken_apart(row, begin + at) for at, row in enumerate(rows)]
        targets = [
            self._target(row, part[0], begin + at)
            for at, (row, part) in enumerate(zip(rows, parts, strict=True))
        ]
        drafts = self._stored(targets, begin)
        given: dict[str, int] = {}
        for at, (part, target) in enumerate(zip(parts, targets, strict=True)):
            draft = drafts.get(target) if target is not None else None
            if draft is not None:
                self._merge(draft, part, begin + at)
            elif self._write.mode == "update":
                self.done.not_found += 1
            else:
                draft = self._new(part, begin + at, given)
                drafts[draft.id if target is None else target] = draft
        self._flush(drafts, given)

    def _target(self, row: Row, record_id: str | None, index: int) -> str | None:
        """What the stored record is looked for by: its key, or its id."""
        if self._write.keys:
            return required_key(row, self._write.keys, index)
        if record_id is None and self._write.mode == "update":
            raise RowRefused(
                index,
                "it has no id, so nobody knows which record it updates",
                "no tiene id, y no se sabe qué registro actualiza",
                hint="give key columns, or records with an id",
                hint_es="indique columnas clave o registros con id",
            )
        return record_id

    def _stored(self, targets: list[str | None], begin: int) -> dict[str, Draft]:
        wanted = list({target for target in targets if target is not None})
        drafts: dict[str, Draft] = {}
        for stored in self._look_up("key" if self._write.keys else "id", wanted):
            if stored.target in drafts:
                index = begin + targets.index(stored.target)
                raise ambiguous(index, f"the key {stored.target}", 2)
            drafts[stored.target] = Draft(stored.seq, stored.id, stored.created, stored.text)
        return drafts

    def _new(self, part: Part, index: int, given: dict[str, int]) -> Draft:
        record_id, created, document = part
        if record_id is not None:
            given[record_id] = index
        seq = self._held.next_seq
        self._held.next_seq += 1
        self._held.records += 1
        self.done.inserted += 1
        record_id, created = record_id or next(self._fresh), created or self._now
        self.done.ids.append(record_id)
        return Draft(seq, record_id, created, packed(document), stored=False)

    def _merge(self, draft: Draft, part: Part, index: int) -> None:
        """The row's values over those of the record; the others stay."""
        record_id, created, document = part
        if record_id is not None and record_id != draft.id:
            raise RowRefused(
                index,
                f"its id is '{record_id}', but the record with its key has the id '{draft.id}'",
                f"su id es '{record_id}', pero el registro con su clave tiene el id '{draft.id}'",
                hint="leave the id out, or save by it without key columns",
                hint_es="quite el id o guarde por él sin columnas clave",
            )
        self.done.ids.append(draft.id)
        text, created = packed(document), created or draft.created
        if text != draft.text:
            text = packed({**unpacked(draft.text), **document})
        if (text, created) == (draft.text, draft.created):
            self.done.unchanged += 1
            return
        draft.text, draft.created, draft.touched = text, created, True
        self.done.updated += 1

    def _flush(self, drafts: dict[str, Draft], given: dict[str, int]) -> None:
        """Write what a part came to."""
        self._refuse_ids(given)
        number, now = self._held.number, self._now
        new, changed = [], []
        for target, draft in drafts.items():
            if not draft.stored:
                key = self._key(target, draft)
                new.append((number, draft.seq, draft.id, key, draft.created, now, draft.text))
            elif draft.touched:
                key = self._key(target, draft)
                changed.append(Change(draft.seq, key, draft.created, now, draft.text))
        if new:
            self._dialect.insert(self._connection, new)
        if changed:
            self._dialect.change(self._connection, number, changed)

    def _key(self, target: str, draft: Draft) -> str | None:
        """The key that a record is kept with: the one it was found by, if it was."""
        if self._write.keys:
            return target
        keys = self._held.keys
        return key_of({**unpacked(draft.text), "id": draft.id}, keys) if keys else None

    def _key_by(self, keys: tuple[str, ...]) -> None:
        """Let every record of the entity have its key by these columns."""
        if keys == self._held.keys:
            return
        record = tables.record.c
        wanted = sa.select(record.seq, record.id, self._dialect.document()).where(
            record.entity == self._held.number
        )
        rows = self._connection.execute(wanted).all() if self._held.records else []
        found = ((seq, key_of({**unpacked(text), "id": own}, keys)) for seq, own, text in rows)
        self._dialect.set_keys(self._connection, self._held.number, found)
        self._held.keys = keys
