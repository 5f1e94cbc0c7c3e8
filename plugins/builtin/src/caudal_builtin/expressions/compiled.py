"""An expression that was read once and is computed for every record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from caudal_builtin.expressions.parser import Parser
from caudal_builtin.expressions.scope import Evaluate, Scope, Told
from caudal_builtin.expressions.tokens import ExpressionError
from caudal_builtin.moments import Zone, told_by_order
from caudal_builtin.row_errors import RowError
from caudal_core import Records
from caudal_core.template import Placeholder
from caudal_core.values import JSON


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression and the fields it names."""

    text: str
    fields: tuple[Placeholder, ...]
    evaluate: Evaluate

    def column(self, data: Records, zone: Zone) -> list[JSON]:
        """Its value for each record, in order.

        `zone` places date-times without a zone where they meet one that has one. Raises
        `UnknownField` for a field that no record has, and a `RowError` that names the row.
        """
        for field in self.fields:
            field.require(data)
        scope = Scope(data.columns, zone)
        told = self._told(data, scope) if zone.ambiguous == "infer" else {}
        out = []
        for index, row in enumerate(data.view()):
            scope.told = told.get(index, {})
            try:
                out.append(self.evaluate(row, scope))
            except RowError as error:
                raise (error if data.single else error.in_row(index)) from None
        return out

    def _told(self, data: Records, scope: Scope) -> dict[int, Told]:
        """By row what the order of the records tells of its local times, field by field."""
        columns = [
            [f.value(row, scope.columns) for row in data] for f in dict.fromkeys(self.fields)
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
    return Expression(text, tuple(parser.fields), node.evaluate)


__all__ = ["Expression", "ExpressionError", "compile_expression"]
