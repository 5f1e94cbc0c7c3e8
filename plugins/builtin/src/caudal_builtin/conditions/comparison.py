"""The comparison rules of `condition`: for each operator a test of one value, made once a call.

**Equality** is in `equality`. **Order**: both sides are numbers, or texts that read as numbers; or
else both are dates or date-times. All else is an error: nothing is ever put in order by its
letters. **Texts**: `contains`, `startsWith`, `endsWith` and `matches` tell capitals from small
letters and take a number as it is written in JSON; on a list `contains` asks for an equal item.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, Final, Literal

from caudal_builtin.conditions.patterns import matcher
from caudal_builtin.equality import Test, equal_to, json_list, not_equal_to, one_of
from caudal_builtin.moments import Zone, read_moment
from caudal_builtin.numbers import NUMBERS, PLAIN, alike, as_number
from caudal_builtin.row_errors import RowError, shown
from caudal_core.formats import as_text
from caudal_core.values import JSON

Operator = Literal[
    "equals",
    "notEquals",
    "contains",
    "greaterThan",
    "lessThan",
    "greaterOrEqual",
    "lessOrEqual",
    "isEmpty",
    "isNotEmpty",
    "startsWith",
    "endsWith",
    "matches",
    "in",
    "between",
]

_PAIR = re.compile(r" (?:and|y) | ?; ?| ?, ", re.IGNORECASE)
"""What stands between two limits in a text whose blanks are single ones."""


class NotComparable(RowError):
    """Two values that an operator cannot compare."""

    code = "NOT_COMPARABLE"
    en = "{place}{left} and {right} cannot be compared by {operator}: {why}"
    es = "{place_es}{left} y {right} no se pueden comparar con {operator}: {why_es}"
    hint_en = "correct the value, or compare by another operator"
    hint_es = "corrija el valor o compare con otro operador"

    def __init__(self, name: str, left: JSON, right: JSON, why: tuple[str, str]) -> None:
        values = {"operator": name, "left": shown(left), "right": shown(right)}
        super().__init__(why=why[0], why_es=why[1], **values)


_ORDER_NEEDS = (
    "both must be numbers, or both dates such as 2026-03-01",
    "ambos deben ser números, o ambos fechas como 2026-03-01",
)
_TEXT_NEEDS = ("it takes texts and numbers", "admite textos y números")
_PAIR_NEEDS = ("it needs two values to lie between", "necesita dos valores como límites")


def comparison(name: Operator, right: JSON, zone: Zone) -> Test:
    """The test of a value, never null, against `right`; the test may raise `NotComparable`."""
    if name in _ORDER:
        return _ordered(name, right, zone)
    if name == "between":
        return _between(right, zone)
    return _MAKERS[name](right)


_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "greaterThan": operator.gt,
    "lessThan": operator.lt,
    "greaterOrEqual": operator.ge,
    "lessOrEqual": operator.le,
}


def _ordered(name: str, right: JSON, zone: Zone) -> Test:
    compare, number = _ORDER[name], as_number(right)
    moment = read_moment(right) if number is None else None
    plain = type(number) in PLAIN

    def test(value: Any) -> bool:
        if number is not None:
            if plain and type(value) in PLAIN:
                return compare(value, number)
            left = as_number(value)
            if left is not None:
                return compare(*alike(left, number))
        elif moment is not None:
            at = read_moment(value)
            if at is not None:
                return compare(*zone.alike(at, moment))
        raise NotComparable(name, value, right, _ORDER_NEEDS)

    return test


def pair_in(value: JSON) -> list[JSON]:
    """The values of a `between`: a list, also as JSON in a text, or a text with two of them.

    They are parted as in `1 and 5`, `1,5; 2,5`, `1, 5` or `1,5` (1 and 5).
    """
    if type(value) is not str:
        return value if type(value) is list else [value]
    listed = json_list(value)
    if listed is not None:
        return listed
    parts = _PAIR.split(" ".join(value.split()))
    return list(parts if len(parts) > 1 else parts[0].split(","))


def has_zone(name: Operator, right: JSON) -> bool:
    """Whether times are put in order here with one that says its zone."""
    sides = pair_in(right) if name == "between" else [right] if name in _ORDER else []
    return any(at is not None and at.tzinfo is not None for at in map(read_moment, sides))


def _between(right: JSON, zone: Zone) -> Test:
    pair = pair_in(right)
    if len(pair) != 2:
        return _refusing("between", right, _PAIR_NEEDS)
    above = _ordered("greaterOrEqual", pair[0], zone)
    below = _ordered("lessOrEqual", pair[1], zone)
    return lambda value: above(value) and below(value)


def _refusing(name: str, right: JSON, why: tuple[str, str]) -> Test:
    def test(value: Any) -> bool:
        raise NotComparable(name, value, right, why)

    return test


def _contains(right: JSON) -> Test:
    equal, within = equal_to(right), _on_texts("contains", operator.contains, right)
    return lambda value: any(map(equal, value)) if type(value) is list else within(value)


def _on_texts(name: str, compare: Callable[[str, str], bool], right: JSON) -> Test:
    wanted = _written(right)
    if wanted is None:
        return _refusing(name, right, _TEXT_NEEDS)

    def test(value: Any) -> bool:
        text = value if type(value) is str else _written(value)
        if text is None:
            raise NotComparable(name, value, right, _TEXT_NEEDS)
        return compare(text, wanted)

    return test


def _written(value: JSON) -> str | None:
    """A text or a number as it is written; nothing for all else."""
    return as_text(value) if type(value) is str or type(value) in NUMBERS else None


def _matches(right: JSON) -> Test:
    found = matcher(as_text(right))
    return _on_texts("matches", lambda text, _: found(text), right)


_MAKERS: Final[dict[str, Callable[[JSON], Test]]] = {
    "equals": equal_to,
    "notEquals": not_equal_to,
    "contains": _contains,
    "startsWith": lambda right: _on_texts("startsWith", str.startswith, right),
    "endsWith": lambda right: _on_texts("endsWith", str.endswith, right),
    "matches": _matches,
    "in": one_of,
}
