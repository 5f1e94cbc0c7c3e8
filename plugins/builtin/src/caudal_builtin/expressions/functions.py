"""The closed list of functions. Each gets its arguments' values and gives null for a null."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import reduce
from typing import Any, Final

from caudal_builtin.equality import is_empty
from caudal_builtin.expressions import dates
from caudal_builtin.expressions.arithmetic import (
    EXACT,
    bounded,
    is_wide,
    negative,
    number,
    shortest,
)
from caudal_builtin.expressions.failure import unfit
from caudal_builtin.expressions.logic import check_length, equals, joined, ordering, text
from caudal_builtin.expressions.scope import Scope
from caudal_builtin.numbers import as_number, exact
from caudal_core.values import JSON

ANY_NUMBER: Final = 255
MAX_PLACES: Final = 15

_LOOSE = re.compile(r"([+-]?)0*(?=[0-9])(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Function:
    """How it is written, what computes it, and from how many arguments.

    `nulls` is for one that looks at nulls itself; `scoped` for one that gets the scope first.
    """

    form: str
    call: Callable[..., JSON]
    fewest: int
    most: int
    nulls: bool = False
    scoped: bool = False


def _round(value: JSON, digits: JSON = 0) -> JSON:
    """Halves go away from zero, as on paper; without decimals the result is whole."""
    found, places = number(value), number(digits)
    if type(places) is not int or abs(places) > MAX_PLACES:
        raise unfit(digits, "a whole number from -15 to 15", "un número entero de -15 a 15")
    if type(found) is int:
        return found if places >= 0 else _round_whole(found, 10**-places)
    try:
        rounded = EXACT.quantize(exact(found), Decimal(1).scaleb(-places))
    except InvalidOperation:
        return found  # it is so large that it has no digits there
    if places <= 0:
        return int(rounded)
    return rounded if type(found) is Decimal else float(rounded)


def _round_whole(value: int, step: int) -> int:
    size = (abs(value) + step // 2) // step * step
    return size if value >= 0 else -size


def _abs(value: JSON) -> JSON:
    found = number(value)
    return negative(found) if found < 0 else found


def _whole(function: Callable[[Any], int]) -> Callable[[JSON], JSON]:
    return lambda value: bounded(function(number(value)))


def _sqrt(value: JSON) -> JSON:
    """The root; of a decimal and of a whole number beyond a float's digits to 60 of its own."""
    found = number(value)
    if found < 0:
        raise unfit(value, "a number from 0", "un número desde 0")
    if type(found) is not Decimal and not is_wide(found):
        return math.sqrt(found)
    return shortest(EXACT.sqrt(exact(found)))


def _number(value: JSON) -> JSON:
    """A number also from a text with blanks around it, a plus or zeros in front."""
    if type(value) is not str:
        return number(value)
    if not value.strip():
        return None
    parts = _LOOSE.fullmatch(value.strip())
    found = as_number(parts[1].strip("+") + parts[2]) if parts else None
    if found is None:
        raise unfit(value, "a number", "un número")
    return found


def _extreme(sign: str) -> Callable[..., JSON]:
    """The least or the greatest of numbers or dates; a text that reads as a number is that."""
    before = ordering(sign)

    def apply(scope: Scope, *values: JSON) -> JSON:
        read = [value if (found := as_number(value)) is None else found for value in values]
        return reduce(lambda best, value: value if before(scope, value, best) else best, read)

    return apply


def _count(value: JSON) -> int:
    found = number(value)
    if type(found) is not int or found < 0:
        raise unfit(value, "a whole number from 0", "un número entero desde 0")
    return found


def _right(value: JSON, count: JSON) -> str:
    whole, many = text(value), _count(count)
    return whole[max(len(whole) - many, 0) :]


def _replace(value: JSON, old: JSON, new: JSON) -> str:
    whole, before, after = text(value), text(old), text(new)
    if not before:
        raise unfit(old, "a text to look for", "un texto que buscar")
    if len(after) > len(before):
        check_length(len(whole) + whole.count(before) * (len(after) - len(before)))
    return whole.replace(before, after)


def _length(value: JSON) -> int:
    return len(value) if type(value) is list else len(text(value))


def _contains(value: JSON, part: JSON) -> bool:
    """Whether a text has this part, or a list an item equal to it."""
    if type(value) is list:
        return any(equals(item, part) for item in value)
    return text(part) in text(value)


FUNCTIONS: Final[dict[str, Function]] = {
    "round": Function("round(number, digits)", _round, 1, 2),
    "abs": Function("abs(number)", _abs, 1, 1),
    "min": Function("min(a, b, …)", _extreme("<"), 1, ANY_NUMBER, scoped=True),
    "max": Function("max(a, b, …)", _extreme(">"), 1, ANY_NUMBER, scoped=True),
    "floor": Function("floor(number)", _whole(math.floor), 1, 1),
    "ceil": Function("ceil(number)", _whole(math.ceil), 1, 1),
    "sqrt": Function("sqrt(number)", _sqrt, 1, 1),
    "isempty": Function("isempty(value)", is_empty, 1, 1, nulls=True),
    "upper": Function("upper(text)", lambda value: text(value).upper(), 1, 1),
    "lower": Function("lower(text)", lambda value: text(value).lower(), 1, 1),
    "trim": Function("trim(text)", lambda value: text(value).strip(), 1, 1),
    "len": Function("len(text)", _length, 1, 1),
    "left": Function("left(text, count)", lambda value, n: text(value)[: _count(n)], 2, 2),
    "right": Function("right(text, count)", _right, 2, 2),
    "replace": Function("replace(text, old, new)", _replace, 3, 3),
    "concat": Function("concat(a, b, …)", joined, 1, ANY_NUMBER, nulls=True),
    "contains": Function("contains(text, part)", _contains, 2, 2),
    "number": Function("number(text)", _number, 1, 1),
    "text": Function("text(value)", text, 1, 1),
    "date": Function("date(text)", dates.as_date, 1, 1),
    "year": Function("year(date)", dates.part("year"), 1, 1),
    "month": Function("month(date)", dates.part("month"), 1, 1),
    "day": Function("day(date)", dates.part("day"), 1, 1),
    "hour": Function("hour(date)", dates.part("hour"), 1, 1),
    "minute": Function("minute(date)", dates.part("minute"), 1, 1),
    "weekday": Function("weekday(date)", dates.weekday, 1, 1),
    "dateadd": Function("dateadd(date, count, unit)", dates.dateadd, 3, 3),
    "datediff": Function("datediff(start, end, unit)", dates.datediff, 3, 3, scoped=True),
}
"""By name in small letters. `if` and `coalesce` are the parser's: they leave out what they skip."""
