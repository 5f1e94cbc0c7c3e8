"""An expression that was read once and is computed for every record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from caudal_builtin.expressions.parser import Parser
from caudal_builtin.expressions.scope import Evaluate, Scope, Told
from caudal_builtin.expressions.tokens import ExpressionError
from caudal_builtin.expressions.vectors import NotByColumns, Vector
from caudal_builtin.memory import FEW, in_rows
from caudal_builtin.moments import Zone, told_by_order
from caudal_builtin.row_errors import RowError
from caudal_core import Records, Row
from caudal_core.tables.weight import weight
from caudal_core.template import Placeholder
from caudal_core.template_columns import narrowed
from caudal_core.values import JSON

Afford = Callable[[int], None]

AT_ONCE: Final = 1_000
"""Values that are weighed together."""


def unlimited(_size: int) -> None:
    """Nobody minds how much is made."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression and the fields it names."""

    text: str
    fields: tuple[Placeholder, ...]
    evaluate: Evaluate
    vector: Vector | None = None

    def column(self, data: Records, zone: Zone, afford: Afford = unlimited) -> list[JSON]:
        """Its value for each record, in order.

        `zone` places date-times without a zone where they meet one that has one; `afford` is told
        of the bytes of the values so far, and may raise. Raises `UnknownField` for a field that no
        record has, and a `RowError` that names the row.
        """
        for field in self.fields:
            field.require(data)
        return self._by_record(data, zone, afford)

    def whole_column(self, data: Records, zone: Zone, afford: Afford = unlimited) -> Any:
        """The same, as an Arrow array where it is computed so: of numbers, which take little."""
        if data.in_columns and self.vector is not None:
            with suppress(NotByColumns):
                found = self.vector(data)
                if not isinstance(found, int | float):
                    return found
        return self.column(data, zone, afford)

    def _by_record(self, data: Records, zone: Zone, afford: Afford) -> list[JSON]:
        scope = Scope(data.columns, zone)
        rows = self._read(data, afford)
        told = self._told(rows, scope) if zone.ambiguous == "infer" else {}
        out, size = list[JSON](), 0
        for index, row in enumerate(rows):
            scope.told = told.get(index, {})
            try:
                out.append(self.evaluate(row, scope))
            except RowError as error:
                raise (error if data.single else error.in_row(index)) from None
            if len(out) % AT_ONCE == 0:
                size += weight(out[-AT_ONCE:])
                afford(size)
        return out

    def _read(self, data: Records, afford: Afford) -> Sequence[Row]:
        """The records; of columns only with those that the expression looks at, if they may be."""
        asked = {str(n) for f in self.fields for n in (f.text, f.spaced, f.name, *f.path[:1])}
        found = narrowed(data, asked)
        if found.in_columns and len(found) > FEW:
            afford(in_rows(found))
        return found.view()

    def _told(self, rows: Sequence[Row], scope: Scope) -> dict[int, Told]:
        """By row what the order of the records tells of its local times, field by field."""
        columns = [
            [f.value(row, scope.columns) for row in rows] for f in dict.fromkeys(self.fields)
        ]
        told = [told_by_order(values, scope.zone.name) for values in columns]
        found: dict[int, Told] = {}
        for index in set[int]().union(*told):
            here = [
                (values[index], of.get(index)) for values, of in zip(columns, told, strict=True)
            ]
            found[index] = {
                id(value): text for value, text in here if text and _agreed(value, here)
            }
        return found


def _agreed(value: JSON, here: Sequence[tuple[JSON, str | None]]) -> bool:
    """Whether the same is told of a time in every field of its record in which it stands."""
    return len({text for other, text in here if other == value}) == 1


@lru_cache(maxsize=1024)
def compile_expression(text: str) -> Expression:
    """Read an expression; `ExpressionError` says what cannot be read, and where."""
    parser = Parser(text)
    node = parser.parse()
    return Expression(text, tuple(parser.fields), node.evaluate, node.vector)


__all__ = ["Expression", "ExpressionError", "compile_expression"]
