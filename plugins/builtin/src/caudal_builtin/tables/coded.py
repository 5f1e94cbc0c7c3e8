"""A column in which few values stand many times: each once, and the rows as places among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caudal_builtin.tables.held import Held

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Coded:
    """The different values in order of first appearance; `codes` holds one's place per row."""

    values: list[Any]
    codes: pa.Array

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Any]:
        values = self.values
        return (values[code] for code in self.codes.to_pylist())


Column = list[Any] | Coded | Held


def different(column: Column) -> Iterable[Any]:
    """The values of a column, of which some may come again."""
    return column.values if isinstance(column, Coded) else column
