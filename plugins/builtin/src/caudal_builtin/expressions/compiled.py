"""An expression that was read once and is computed for every record."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from caudal_builtin.expressions.parser import Parser
from caudal_builtin.expressions.scope import Evaluate, Scope
from caudal_builtin.expressions.tokens import ExpressionError
from caudal_builtin.moments import Zone
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
        rows, scope = data.view(), Scope(data.columns, zone)
        for field in self.fields if rows else ():
            field.value(rows[0], scope.columns)
        out = []
        for index, row in enumerate(rows):
            try:
                out.append(self.evaluate(row, scope))
            except RowError as error:
                raise (error if data.single else error.in_row(index)) from None
        return out


@lru_cache(maxsize=1024)
def compile_expression(text: str) -> Expression:
    """Read an expression; `ExpressionError` says what cannot be read, and where."""
    parser = Parser(text)
    node = parser.parse()
    return Expression(text, tuple(parser.fields), node.evaluate)


__all__ = ["Expression", "ExpressionError", "compile_expression"]
