"""The terms of a condition, and the words that its config is written in."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BeforeValidator

from caudal_builtin.conditions.comparison import Operator, pair_in
from caudal_builtin.conditions.patterns import matcher
from caudal_builtin.equality import is_empty
from caudal_builtin.row_errors import shown
from caudal_core.formats import as_text
from caudal_core.template import templates_in
from caudal_core.values import JSON

SYMBOLS: Final = {
    "=": "equals",
    "==": "equals",
    "!=": "notEquals",
    "<>": "notEquals",
    ">": "greaterThan",
    "<": "lessThan",
    ">=": "greaterOrEqual",
    "<=": "lessOrEqual",
}
"""Operators as they may also be written."""

_NEED_NO_VALUE: Final = frozenset(("equals", "notEquals", "isEmpty", "isNotEmpty"))


def _spelled_out(name: Any) -> Any:
    return SYMBOLS.get(name, name) if isinstance(name, str) else name


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _word(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


SpelledOperator = Annotated[Operator, BeforeValidator(_spelled_out)]
"""An operator; its symbol (`>=`) is accepted for its name."""
Logic = Annotated[Literal["AND", "OR"], BeforeValidator(_upper)]
"""How terms are brought together, in capitals or not."""
OnMissing = Annotated[Literal["false", "true", "error"], BeforeValidator(_word)]
"""Where a record without a value goes; JSON's booleans are accepted for their names."""
Quality = Literal["Good", "Uncertain"]
"""The least quality that still counts as a value."""


class Term(NamedTuple):
    """One comparison: a field, an operator and the value to compare with."""

    field: str
    operator: Operator
    value: JSON

    @property
    def templated(self) -> bool:
        """Whether the value is filled from each record; a pattern never is."""
        return self.operator != "matches" and any(templates_in(self.value))

    def check(self, key: str) -> None:
        """Raise `ValueError` for what no record could make good; `key` is that of the field."""
        if not self.field:
            message = f"{key} is empty: name the field to compare"
            raise ValueError(message)
        if self.operator not in _NEED_NO_VALUE and is_empty(self.value):
            message = f"{self.operator} on '{self.field}' has no value to compare with"
            raise ValueError(message)
        if self.operator == "matches":
            self._check_pattern()
        elif self.operator == "between" and not self.templated:
            self._check_pair()

    def _check_pattern(self) -> None:
        try:
            matcher(as_text(self.value))
        except ValueError as error:
            message = f"the regular expression '{self.value}' cannot be read: {error}"
            raise ValueError(message) from None

    def _check_pair(self) -> None:
        pair = pair_in(self.value)
        if len(pair) != 2 or any(map(is_empty, pair)):
            message = f"between needs two values, such as '1 and 5', not {shown(self.value)}"
            raise ValueError(message)
