"""What lies on a connection: a normalised value, its size, and what is known of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

import orjson

from caudal_core.metadata import NOTHING_KNOWN, Metadata, agreed, as_metadata
from caudal_core.records import Records
from caudal_core.tables.columns import Columns
from caudal_core.tables.foreign import is_table
from caudal_core.tables.ipc import from_ipc, is_ipc, to_ipc
from caudal_core.values import (
    EXACT,
    JSON,
    MAX_DEPTH,
    decode,
    encode,
    is_flat_table,
    normalise,
)

NO_REPORT: Final = b"{}"

LARGE = 64_000
"""Bytes above which a value is kept by reference and shown as a preview."""

LEAST_CELL: Final = 6
"""Bytes of `"a":1,`, the least that a field takes as JSON."""

GLANCE: Final = 20
"""Records that are looked at of a table."""


class Payload:
    """A value as nodes hand it on. It is never changed once it is made.

    `encoded` is its journal form; it is made once and, for a value kept elsewhere, may be let go
    (then `ref` names the blob). `size` is in bytes, `rows` counts records and is null for others.
    `clashes` says where what was known of a column of merged payloads did not agree.
    """

    __slots__ = ("clashes", "data", "encoded", "metadata", "ref", "rows", "size")

    def __init__(
        self,
        data: JSON,
        encoded: bytes | None,
        size: int,
        metadata: Metadata = NOTHING_KNOWN,
        ref: str | None = None,
    ) -> None:
        self.data = data
        self.encoded = encoded
        self.size = size
        self.metadata = metadata
        self.ref = ref
        self.clashes: tuple[str, ...] = ()
        self.rows = len(data) if type(data) is list else None

    @classmethod
    def of(cls, value: Any) -> Payload:
        """The payload for what a handler returned: normalised, encoded, measured."""
        metadata = NOTHING_KNOWN
        if isinstance(value, Records):
            metadata = as_metadata(value.metadata)
            if value._table is not None and not value.single and _many(value):  # noqa: SLF001 - every node pays for a property
                return TablePayload(value.table, metadata)
            value = value.to_json()
        try:
            encoded = orjson.dumps(value, option=EXACT)
        except TypeError:
            if is_table(value):
                return cls.of(Records(value))
            # else something that only `normalise` knows how to write
        else:
            # Read back it is normalised: tuples are lists, members of an enum values, NaN is null.
            if len(encoded) <= LARGE and not _may_be_deep(encoded):
                return cls(orjson.loads(encoded), encoded, len(encoded), metadata)
        data = normalise(value)
        encoded = encode(data)
        return cls(data, encoded, len(encoded), metadata)

    def after(self, value: JSON) -> Payload:
        """The payload for a copy of the data that a handler may have changed: itself, if not."""
        try:
            if self.encoded is not None and orjson.dumps(value, option=EXACT) == self.encoded:
                return self
        except TypeError:
            pass  # it was changed into something that only `normalise` knows how to write
        payload = Payload.of(value)
        payload.metadata = self.metadata
        return payload

    @classmethod
    def merged(cls, data: JSON, parts: Sequence[Payload]) -> Payload:
        """What several payloads became at one port; it is encoded only if somebody asks."""
        found = cls(data, None, sum(part.size for part in parts))
        found.agreed([part.metadata for part in parts])
        if found.rows is not None:
            found.rows = sum(part.rows or 0 for part in parts)
        return found

    def agreed(self, known: Sequence[Metadata]) -> Payload:
        """Itself, with what is known of the columns of all that it was made of."""
        if any(known):
            self.metadata, self.clashes = agreed(known)
        return self

    @classmethod
    def listed(cls, parts: Sequence[Payload]) -> Payload:
        """Several payloads as one list of their values."""
        return cls([part.data for part in parts], None, sum(part.size for part in parts))

    @property
    def glance(self) -> JSON:
        """The value, or of a table its beginning: what a preview is made of."""
        return self.data

    @property
    def whole(self) -> bool:
        """Whether the value is here, if it is kept elsewhere too; see `let_go`."""
        return self.encoded is not None

    @property
    def large(self) -> bool:
        """Whether it is shown as a preview."""
        return self.size > LARGE

    def json(self) -> bytes:
        """The journal form."""
        return self.encoded if self.encoded is not None else encode(self.data)

    def content(self) -> bytes | memoryview:
        """The bytes by which it is kept elsewhere."""
        return self.json()

    def let_go(self, shown: JSON) -> None:
        """Keep only what is shown of a value that is kept elsewhere under `ref`."""
        rows = self.rows
        self.data, self.encoded = shown, None
        self.rows = rows

    def copy(self) -> JSON:
        """The value for a handler that may change what it gets: its siblings see nothing of it."""
        if self.encoded is not None and self.size <= LARGE:
            return decode(self.encoded)
        if type(self.data) is list and is_flat_table(self.data):
            return [dict(row) for row in self.data]
        return decode(self.json()) if type(self.data) in (list, dict) else self.data

    def records(self) -> Records:
        """The value as records; `DataError` where it is none."""
        return Records.of(self.data, self.metadata)


class TablePayload(Payload):
    """Many records in columns, which stay there: rows are made for whoever asks for `data`.

    `size` is what the columns take, or the least that their JSON would where that is more.
    """

    __slots__ = ("_shown", "_table")

    def __init__(self, table: Columns, metadata: Metadata = NOTHING_KNOWN) -> None:
        self._table: Columns | None = table
        self._shown: JSON = None
        self.encoded = None
        self.size = max(table.nbytes, len(table) * len(table.names) * LEAST_CELL)
        self.metadata = metadata
        self.ref = None
        self.clashes = ()
        self.rows = len(table)

    @property
    def table(self) -> Columns | None:
        """The columns; nothing once they have been let go."""
        return self._table

    @property
    def data(self) -> JSON:
        """All records, made anew each time; what is shown of them once they have been let go."""
        return self._shown if self._table is None else self._table.rows()

    @property
    def whole(self) -> bool:
        """See `Payload.whole`."""
        return self._table is not None

    @property
    def glance(self) -> JSON:
        """The first records, made once."""
        if self._shown is None and self._table is not None:
            self._shown = self._table.slice(0, GLANCE).rows()
        return self._shown

    def content(self) -> bytes | memoryview:
        """The columns as a file of Arrow's."""
        return self.json() if self._table is None else to_ipc(self._table)

    def moved(self, table: Columns) -> None:
        """The same columns from where they are kept now, so that their memory may go."""
        if self._table is not None:
            self._table = table

    def let_go(self, shown: JSON) -> None:
        """See `Payload.let_go`."""
        self._table, self._shown = None, shown

    def copy(self) -> JSON:
        """See `Payload.copy`: the records are made anew, so that nobody else has them."""
        return self.data

    def records(self) -> Records:
        """The records, in columns."""
        return Records(self.data if self._table is None else self._table, metadata=self.metadata)


class LatePayload(Payload):
    """Lists that came together at a port, put one after the other when somebody asks."""

    __slots__ = ("_made", "_parts")

    def __init__(self, parts: Sequence[Payload]) -> None:
        self._parts = parts
        self._made: JSON = None
        self.encoded = None
        self.size = sum(part.size for part in parts)
        self.metadata = NOTHING_KNOWN
        self.ref = None
        self.clashes = ()
        self.rows = sum(part.rows or 0 for part in parts)

    @property
    def data(self) -> JSON:
        """All of them, once made; what is shown of them once they have been let go."""
        if self._made is None:
            self._made = [row for part in self._parts for row in part.data]
        return self._made

    @property
    def glance(self) -> JSON:
        """The first of them."""
        if self._made is not None:
            return self._made
        return list(islice((row for part in self._parts for row in part.glance), GLANCE))

    def let_go(self, shown: JSON) -> None:
        """See `Payload.let_go`."""
        self._parts, self._made = (), shown


def read_payload(content: bytes | memoryview, metadata: Metadata, ref: str) -> Payload:
    """The payload that is kept under `ref` as these bytes."""
    if is_ipc(content):
        found: Payload = TablePayload(from_ipc(content), metadata)
    else:
        encoded = bytes(content)
        found = Payload(decode(encoded), encoded, len(encoded), metadata)
    found.ref = ref
    return found


def _many(records: Records) -> bool:
    """Whether the JSON of a table would surely be large."""
    table = records.table
    return table.nbytes > LARGE or len(table) * len(table.names) * LEAST_CELL > LARGE


def _may_be_deep(encoded: bytes) -> bool:
    """Whether it could be nested beyond what is allowed; `normalise` then looks."""
    return len(encoded) > MAX_DEPTH and encoded.count(b"[") + encoded.count(b"{") > MAX_DEPTH


EMPTY = Payload({}, b"{}", 2)
"""What a node without inputs receives."""
