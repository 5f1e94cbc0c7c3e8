"""Comparison, conditions and texts put together."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from caudal_builtin.equality import equal_to
from caudal_builtin.expressions.failure import CannotCompute, unfit
from caudal_builtin.expressions.scope import Scope
from caudal_builtin.moments import read_moment
from caudal_builtin.numbers import PLAIN, alike, as_number
from caudal_builtin.row_errors import shown
from caudal_core.formats import as_text
from caudal_core.values import JSON

MAX_TEXT: Final = 1_000_000


def equals(left: JSON, right: JSON) -> bool:
    """Whether two values are equal as a condition sees it; null equals null alone."""
    if left is None or right is None:
        return left is right
    if type(left) in PLAIN and type(right) in PLAIN:
        return bool(left == right)
    return equal_to(right)(left)


def ordering(sign: str) -> Callable[[Scope, JSON, JSON], bool | None]:
    """How `sign` puts two values in order: numbers or dates, never texts by their letters."""
    compare: Callable[[Any, Any], bool] = _ORDER[sign]

    def apply(scope: Scope, left: JSON, right: JSON) -> bool | None:
        if type(left) in PLAIN and type(right) in PLAIN:
            return compare(left, right)
        if left is None or right is None:
            return None
        return compare(*_alike(sign, scope, left, right))

    return apply


_ORDER: Final = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def _alike(sign: str, scope: Scope, left: JSON, right: JSON) -> tuple[Any, Any]:
    a, b = as_number(left), as_number(right)
    if a is not None and b is not None:
        return alike(a, b)
    at, other = read_moment(left), read_moment(right)
    if at is None or other is None:
        both = f"{shown(left)} {sign} {shown(right)}"
        raise CannotCompute(
            f"{both} cannot be told: both must be numbers, or both dates such as 2026-03-01",
            f"{both} no se puede saber: ambos deben ser números, o ambos fechas como 2026-03-01",
        )
    return scope.alike(left, at, right, other)


def truth(value: JSON) -> bool | None:
    """A condition's answer: true, false, or null where nobody knows."""
    if value is None or type(value) is bool:
        return value
    raise unfit(value, "true or false", "true ni false")


def text(value: JSON) -> str:
    """A value as it is written inside a text; null is written as nothing."""
    return value if type(value) is str else as_text(value)


def joined(*values: JSON) -> str:
    """The texts of all values, one after the other."""
    parts = list(map(text, values))
    check_length(sum(map(len, parts)))
    return "".join(parts)


def check_length(characters: int) -> None:
    """Refuse to make a text that is longer than a text may be."""
    if characters > MAX_TEXT:
        why = f"the text would be longer than {MAX_TEXT} characters"
        raise CannotCompute(why, f"el texto superaría los {MAX_TEXT} caracteres")
