"""What lies on a connection: a normalised value, its size, and what is known of its columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from caudal_core.errors import InvalidResult
from caudal_core.records import Records
from caudal_core.values import EXACT, JSON, decode, encode, normalise

Metadata = Mapping[str, Mapping[str, Any]]

NO_REPORT: Final = b"{}"

LARGE = 64_000
"""Bytes above which a value is kept by reference and shown as a preview."""

_NO_METADATA: Metadata = {}


class Payload:
    """A value as nodes hand it on. It is never changed once it is made.

    `encoded` is its journal form; it is made once and, for a value kept elsewhere, may be let go
    (then `ref` names the blob). `size` is in bytes, `rows` counts records and is null for others.
    """

    __slots__ = ("data", "encoded", "metadata", "ref", "rows", "size")

    def __init__(
        self,
        data: JSON,
        encoded: bytes | None,
        size: int,
        metadata: Metadata = _NO_METADATA,
        ref: str | None = None,
    ) -> None:
        self.data = data
        self.encoded = encoded
        self.size = size
        self.metadata = metadata
        self.ref = ref
        self.rows = len(data) if type(data) is list else None

    @classmethod
    def of(cls, value: Any) -> Payload:
        """The payload for what a handler returned: normalised, encoded, measured."""
        metadata = _NO_METADATA
        if isinstance(value, Records):
            metadata, value = _metadata(value.metadata), value.to_json()
        try:
            encoded = orjson.dumps(value, option=EXACT)
        except TypeError:
            pass  # something that only `normalise` knows how to write
        else:
            # Read back it is normalised: tuples are lists, members of an enum values, NaN is null.
            if len(encoded) <= LARGE:
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
    def merged(cls, data: JSON, parts: Iterable[Payload]) -> Payload:
        """What several payloads became at one port; it is encoded only if somebody asks."""
        metadata: dict[str, Mapping[str, Any]] = {}
        size = 0
        for part in parts:
            metadata.update(part.metadata)
            size += part.size
        return cls(data, None, size, metadata)

    @property
    def large(self) -> bool:
        """Whether it is shown as a preview."""
        return self.size > LARGE

    def json(self) -> bytes:
        """The journal form."""
        return self.encoded if self.encoded is not None else encode(self.data)

    def let_go(self, shown: JSON) -> None:
        """Keep only what is shown of a value that is kept elsewhere under `ref`."""
        rows = self.rows
        self.data, self.encoded = shown, None
        self.rows = rows

    def copy(self) -> JSON:
        """The value for a handler that may change what it gets: its siblings see nothing of it."""
        if self.encoded is not None and self.size <= LARGE:
            return decode(self.encoded)
        if type(self.data) is list:
            return [dict(item) if type(item) is dict else item for item in self.data]
        return dict(self.data) if type(self.data) is dict else self.data

    def records(self) -> Records:
        """The value as records; `DataError` where it is none."""
        return Records.of(self.data, self.metadata)


def _metadata(given: Any) -> Metadata:
    """What is known of columns, as JSON; `InvalidResult` if it is no mapping by column."""
    if not given:
        return _NO_METADATA
    known = normalise(given)
    if type(known) is not dict or not all(type(item) is dict for item in known.values()):
        raise InvalidResult(
            "the metadata of records is no object of objects",
            es="los metadatos de los registros no son un objeto de objetos",
            hint="write it as {column: {name: value}}",
        )
    return known


EMPTY = Payload({}, b"{}", 2)
"""What a node without inputs receives."""
