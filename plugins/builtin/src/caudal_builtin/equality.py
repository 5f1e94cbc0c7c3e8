"""When two values are equal.

Texts are equal letter by letter, numbers by value. A text equals a number if it is that number
written canonically or with a decimal comma (see `numbers`). A boolean equals itself and the text
`true` or `false`, never 1 or 0. Lists and objects are equal when all in them is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from caudal_builtin.numbers import NUMBERS, as_number
from caudal_core.values import JSON

Test = Callable[[Any], bool]
"""Whether a value, never null, is what a condition asks for."""

_BOOLEANS = {"true": True, "false": False}


def is_empty(value: JSON) -> bool:
    """Whether there is nothing in it: null, or a text, list or object without content."""
    return value is None or value in ("", [], {})


def equal_to(right: JSON) -> Test:
    """Whether a value is equal to `right`."""
    if type(right) is str:
        return _equal_to_text(right)
    if type(right) is bool:
        written = "true" if right else "false"
        return lambda value: value is right or (type(value) is str and value == written)
    if type(right) in NUMBERS:
        return lambda value: as_number(value) == right
    return lambda value: type(value) is type(right) and bool(value == right)


def _equal_to_text(right: str) -> Test:
    number, boolean = as_number(right), _BOOLEANS.get(right)

    def test(value: Any) -> bool:
        if type(value) is str:
            return value == right
        if type(value) is bool:
            return value is boolean
        return number is not None and type(value) in NUMBERS and bool(value == number)

    return test


def not_equal_to(right: JSON) -> Test:
    """Whether a value is not equal to `right`."""
    equal = equal_to(right)
    return lambda value: not equal(value)


def one_of(right: JSON) -> Test:
    """Whether a value is equal to one of those in `right`."""
    tests = [equal_to(item) for item in items_in(right)]
    return lambda value: any(test(value) for test in tests)


def items_in(value: JSON) -> list[JSON]:
    """The values of a list: a list, a JSON list as text, or items between commas."""
    if type(value) is not str:
        return value if type(value) is list else [value]
    if value.lstrip().startswith("["):
        try:
            return list(json.loads(value))
        except ValueError:
            pass  # `[a], [b]` is items between commas
    return [item.strip() for item in value.split(",") if item.strip()]
