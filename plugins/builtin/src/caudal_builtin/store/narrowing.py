"""A filter in SQL. Names and values are bound, never a part of the statement.

Where the database does not compare exactly it may let too many records through, never too few.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from caudal_builtin.store import tables
from caudal_builtin.store.dialect import Dialect, Path
from caudal_builtin.store.documents import hidden
from caudal_core.stores.filters import WITHOUT_VALUE, Comparison, Filter, path_of
from caudal_core.stores.matching import ORDER, operand_number, operand_text

Condition = ColumnElement[bool]
MOST_NUMBERS = 200
"""Numbers of an `in` that are compared one by one."""


class Field:
    """One field of the records of an entity, in SQL."""

    def __init__(self, path: Path, dialect: Dialect, *, column: ColumnElement[str] | None) -> None:
        self._dialect = dialect
        self._path = tuple(map(hidden, path))
        self._column = column

    @property
    def is_column(self) -> bool:
        """Whether it has a column of its own, of texts."""
        return self._column is not None

    @property
    def kind(self) -> ColumnElement[Any]:
        """The name of its kind of value; null where it is missing."""
        if self._column is not None:
            return sa.literal(self._dialect.text, sa.Text)
        return self._dialect.kind(self._path)

    @property
    def text(self) -> ColumnElement[Any]:
        """Its text, if it is one."""
        if self._column is not None:
            return self._column if not self._dialect.exact else self._column.collate("C")
        return self._dialect.text_at(self._path)

    @property
    def number(self) -> ColumnElement[Any]:
        """Its number, if it is one."""
        if self._column is not None:
            return sa.null()
        return self._dialect.number_at(self._path)

    @property
    def truth(self) -> ColumnElement[Any]:
        """1 where it is true."""
        return sa.literal(0) if self._column is not None else self._dialect.truth_at(self._path)


def field_of(name: str, known: Mapping[str, Any], dialect: Dialect) -> Field:
    """The field of this name; `UnknownField` where no record can have it."""
    columns: Mapping[str, ColumnElement[str]] = {
        "id": tables.record.c.id,
        "createdAt": tables.record.c.created,
    }
    path = path_of(name, {**dict.fromkeys(columns), **known})
    column = columns.get(name) if name == "id" or name not in known else None
    return Field(path, dialect, column=column)


class Narrowing:
    """Makes conditions of filters."""

    def __init__(self, dialect: Dialect, known: Mapping[str, Any]) -> None:
        self._dialect = dialect
        self._known = known

    def condition(self, found: Filter) -> Condition:
        """The condition that every record which the filter takes meets."""
        if isinstance(found, Comparison):
            return self._comparison(found)
        parts = [self.condition(part) for part in found.parts]
        if not parts:
            return sa.false() if found.any_of else sa.true()
        return sa.or_(*parts) if found.any_of else sa.and_(*parts)

    def _comparison(self, term: Comparison) -> Condition:
        field = field_of(term.field, self._known, self._dialect)
        value, operator = term.value, term.operator
        if operator in WITHOUT_VALUE:
            return self._absent(field, operator)
        if operator == "equals":
            return self._equals(field, value)
        if operator == "notEquals":
            there = sa.and_(field.kind.is_not(None), field.kind != "null")
            return sa.and_(there, ~self._equals(field, value)) if self._sure(value) else there
        if operator == "in":
            return self._in(field, value)
        return self._compared(field, operator, value)

    def _compared(self, field: Field, operator: str, value: Any) -> Condition:
        if operator == "between":
            low = self._ordered(field, "greaterOrEqual", value[0])
            return sa.and_(low, self._ordered(field, "lessOrEqual", value[1]))
        if operator in ORDER:
            return self._ordered(field, operator, value)
        return self._of_texts(field, operator, hidden(operand_text(value)))

    def _sure(self, value: Any) -> bool:
        """Whether the database says of every value whether it equals this one."""
        return self._dialect.exact or operand_number(value) is None

    @staticmethod
    def _absent(field: Field, operator: str) -> Condition:
        if operator == "isMissing":
            return field.kind.is_(None)
        if operator == "isNull":
            return sa.and_(field.kind.is_not(None), field.kind == "null")
        empty = sa.or_(
            field.kind.is_(None),
            field.kind == "null",
            sa.func.coalesce(field.text == "", sa.false()),
        )
        return empty if operator == "isEmpty" else ~empty

    def _equals(self, field: Field, value: Any) -> Condition:
        if value is None:
            return self._absent(field, "isNull")
        if field.is_column:  # never null, and an index may find it
            return field.text == hidden(value) if isinstance(value, str) else sa.false()
        if isinstance(value, bool):
            is_boolean = sa.func.coalesce(field.kind.in_(self._dialect.booleans), sa.false())
            return sa.and_(is_boolean, field.truth == int(value))
        number = operand_number(value)
        found = []
        if number is not None:
            low, high = self._dialect.bounds(number)
            found.append(sa.func.coalesce(field.number.between(low, high), sa.false()))
        if isinstance(value, str):
            found.append(sa.func.coalesce(field.text == hidden(value), sa.false()))
        return sa.or_(*found) if found else sa.false()

    def _in(self, field: Field, values: list[Any]) -> Condition:
        texts = [hidden(value) for value in values if isinstance(value, str)]
        numbers = [value for value in values if operand_number(value) is not None]
        others = [value for value in values if value is None or isinstance(value, bool)]
        found = [self._equals(field, value) for value in others]
        if texts:
            found.append(field.text.in_(texts))
        if len(numbers) <= MOST_NUMBERS:
            found += [self._equals(field, value) for value in numbers]
        else:
            found.append(self._among(field, numbers))
        return sa.or_(*found) if found else sa.false()

    def _among(self, field: Field, values: list[Any]) -> Condition:
        numbers = [operand_number(value) for value in values]
        if self._dialect.exact:
            return field.number.in_([self._dialect.bounds(number)[0] for number in numbers])
        return field.number.is_not(None)

    def _ordered(self, field: Field, operator: str, value: Any) -> Condition:
        number = operand_number(value)
        if number is None:
            if not isinstance(value, str):
                return sa.false()
            return _compared(field.text, operator, hidden(value))
        low, high = self._dialect.bounds(number)
        if self._dialect.exact:
            return _compared(field.number, operator, low)
        below = operator.startswith("less")
        return _compared(
            field.number, "lessOrEqual" if below else "greaterOrEqual", high if below else low
        )

    def _of_texts(self, field: Field, operator: str, part: str) -> Condition:
        if operator == "contains":
            return self._dialect.contains(field.text, part)
        if operator == "startsWith":
            return self._dialect.starts(field.text, part)
        return self._dialect.ends(field.text, part)


def _compared(column: ColumnElement[Any], operator: str, value: Any) -> Condition:
    found: dict[str, Condition] = {
        "greaterThan": column > value,
        "lessThan": column < value,
        "greaterOrEqual": column >= value,
        "lessOrEqual": column <= value,
    }
    return found[operator]
