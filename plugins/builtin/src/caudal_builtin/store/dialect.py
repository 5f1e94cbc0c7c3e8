"""What differs between the databases that the store can be kept in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from sqlalchemy import ColumnElement, Connection

from caudal_core.values import JSON

Path = tuple[str, ...]
Values = tuple[Any, ...]


class Stored(NamedTuple):
    """A record as a look-up finds it; `target` is the id or the key that it was asked by."""

    target: str
    seq: int
    id: str
    created: str
    text: str


class Change(NamedTuple):
    """A record as it becomes."""

    seq: int
    key: str | None
    created: str
    updated: str
    text: str


class Dialect(Protocol):
    """One kind of database."""

    exact: bool
    """Whether it compares all numbers exactly; if not, what it finds is looked at again."""

    @property
    def numbers(self) -> tuple[str, ...]:
        """The kinds of numbers, as `kind` names them; null is `null`."""

    @property
    def booleans(self) -> tuple[str, ...]:
        """The kinds of booleans."""

    @property
    def text(self) -> str:
        """The kind of texts."""

    def make(self, connection: Connection) -> None:
        """Make the tables where they are not there."""

    def insert(self, connection: Connection, rows: Iterable[Values]) -> None:
        """Write new records, in `tables.COLUMNS`, by the driver's fastest way."""

    def change(self, connection: Connection, entity: int, changes: Sequence[Change]) -> None:
        """Write records anew."""

    def set_keys(self, connection: Connection, entity: int, keys: Iterable[Values]) -> None:
        """Write `(seq, key)` for all records of an entity."""

    def look_up(
        self, connection: Connection, entity: int, column: str, values: list[str]
    ) -> list[Stored]:
        """The records whose `id` or `key` is one of these."""

    def document(self) -> ColumnElement[str]:
        """The kept text of a record."""

    def kind(self, path: Path) -> ColumnElement[str | None]:
        """The kind of the value there; null where there is none."""

    def number_at(self, path: Path) -> ColumnElement[Any]:
        """The number there; null where there is none."""

    def text_at(self, path: Path) -> ColumnElement[Any]:
        """The text there; null where there is none."""

    def truth_at(self, path: Path) -> ColumnElement[Any]:
        """1 for true, 0 for any other value."""

    def bounds(self, number: Any) -> tuple[JSON, JSON]:
        """The number as the database compares it: the least and the most that it may be there."""

    def starts(self, text: ColumnElement[Any], beginning: str) -> ColumnElement[bool]:
        """Whether a text begins so."""

    def ends(self, text: ColumnElement[Any], ending: str) -> ColumnElement[bool]:
        """Whether a text ends so."""

    def contains(self, text: ColumnElement[Any], part: str) -> ColumnElement[bool]:
        """Whether a text has this part."""
