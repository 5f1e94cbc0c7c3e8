"""How a filter compares, and how records are sorted: the meaning that every store keeps to.

- A comparison with null or with a property that a record lacks is never met, but for `isEmpty`
  (missing, null or an empty text), `isNull`, `isMissing`, and `equals` null, which is `isNull`.
- Numbers compare as numbers, as they are written: 1 and 1.0 are equal, and no digit is lost.
- A text that is written like a number, as a value to compare with, also stands for that number.
- Texts compare by their characters, so ISO dates compare as dates; `contains`, `startsWith` and
  `endsWith` are for texts and heed capitals.
- Values of different kinds are not equal and have no order.
"""

from __future__ import annotations

import operator as op
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from caudal_core.stores.filters import Comparison, Filter, Operator, path_of
from caudal_core.stores.model import Sort
from caudal_core.values import JSON

Row = Mapping[str, Any]
Test = Callable[[Row], bool]
MISSING: Final[Any] = object()
_NUMERAL = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?")
_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "greaterThan": op.gt,
    "lessThan": op.lt,
    "greaterOrEqual": op.ge,
    "lessOrEqual": op.le,
}
ORDER: Final = frozenset(_ORDER)


def number_of(value: JSON) -> int | Decimal | None:
    """A JSON number as the exact number that it is written as; nothing for any other value."""
    kind = type(value)
    if kind is int or kind is Decimal:
        return value  # type: ignore[no-any-return] # it is one of the two
    return Decimal(repr(value)) if kind is float else None


def operand_number(value: JSON) -> int | Decimal | None:
    """The number that a value to compare with stands for: its own, or that which its text says."""
    if isinstance(value, str):
        if not _NUMERAL.fullmatch(value):
            return None
        return int(value) if "." not in value else Decimal(value)
    return number_of(value)


def value_at(row: Row, path: tuple[str, ...]) -> JSON:
    """What stands there, or `MISSING`."""
    found: Any = row
    for step in path:
        if not isinstance(found, Mapping) or step not in found:
            return MISSING
        found = found[step]
    return found


def matcher(found: Filter, known: Mapping[str, Any]) -> Test:
    """The test of one record; `UnknownField` for a field that is not among `known`."""
    if isinstance(found, Comparison):
        path, test = path_of(found.field, known), _test(found.operator, found.value)
        return lambda row: test(value_at(row, path))
    tests = [matcher(part, known) for part in found.parts]
    if found.any_of:
        return lambda row: any(test(row) for test in tests)
    return lambda row: all(test(row) for test in tests)


def _test(operator: Operator, value: JSON) -> Callable[[Any], bool]:
    simple = _SIMPLE.get(operator)
    if simple is not None:
        return simple
    if operator == "equals":
        return _equals(value)
    if operator == "notEquals":
        same = _equals(value)
        return lambda found: found is not MISSING and found is not None and not same(found)
    if operator == "in":
        tests = [_equals(item) for item in value]
        return lambda found: any(test(found) for test in tests)
    return _compared(operator, value)


def _compared(operator: Operator, value: JSON) -> Callable[[Any], bool]:
    if operator == "between":
        low, high = _ordered("greaterOrEqual", value[0]), _ordered("lessOrEqual", value[1])
        return lambda found: low(found) and high(found)
    return _ordered(operator, value) if operator in _ORDER else _of_texts(operator, value)


def _equals(value: JSON) -> Callable[[Any], bool]:
    if value is None:
        return _SIMPLE["isNull"]
    number = operand_number(value)

    def same(found: Any) -> bool:
        if type(found) is str or type(found) is bool:
            return type(found) is type(value) and bool(found == value)
        return number is not None and number_of(found) == number

    return same


def _ordered(operator: str, value: JSON) -> Callable[[Any], bool]:
    compare, number = _ORDER[operator], operand_number(value)
    if number is not None:
        return lambda found: (mine := number_of(found)) is not None and compare(mine, number)
    if not isinstance(value, str):
        return _never
    return lambda found: type(found) is str and compare(found, value)


def _never(_: Any) -> bool:
    """What has no order is never before or behind anything."""
    return False


def _of_texts(operator: str, value: JSON) -> Callable[[Any], bool]:
    text = operand_text(value)
    if operator == "contains":
        return lambda found: type(found) is str and text in found
    if operator == "startsWith":
        return lambda found: type(found) is str and found.startswith(text)
    return lambda found: type(found) is str and found.endswith(text)


def operand_text(value: JSON) -> str:
    """A value to look for in texts, as it is written."""
    if value is None:
        return ""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


_SIMPLE: Final[Mapping[str, Callable[[Any], bool]]] = {
    "isEmpty": lambda found: found is MISSING or found is None or found == "",
    "isNotEmpty": lambda found: not (found is MISSING or found is None or found == ""),
    "isNull": lambda found: found is None,
    "isMissing": lambda found: found is MISSING,
}


def sorted_rows(rows: Iterable[Row], sort: tuple[Sort, ...], known: Mapping[str, Any]) -> list[Row]:
    """The records in the order that is asked for; those that are equal stay as they are."""
    found = list(rows)
    for one in reversed(sort):
        path = path_of(one.field, known)
        found.sort(key=lambda row: sort_key(value_at(row, path)), reverse=one.descending)
    return found


def sort_key(value: JSON) -> tuple[int, Any]:
    """What values of all kinds are sorted by."""
    if value is MISSING or value is None:
        return 0, 0
    if isinstance(value, bool):
        return 1, value
    number = number_of(value)
    if number is not None:
        return 2, number
    return (3, value) if isinstance(value, str) else (4, 0)
