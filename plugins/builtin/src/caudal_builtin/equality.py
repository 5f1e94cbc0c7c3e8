"""When two values are equal.

Texts are equal letter by letter, numbers by value. A text equals a number if it is that number
written canonically or with a decimal comma (see `numbers`). A boolean equals itself and the text
`true` or `false`, never 1 or 0. Lists and objects are equal when all in them is by these rules;
null in them equals null alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from caudal_builtin.numbers import NUMBERS, PLAIN, Number, alike, as_number
from caudal_core import CaudalError
from caudal_core.intake import loads
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
        return _equal_to_number(right)
    if type(right) is list:
        return _equal_to_list(right)
    if type(right) is dict:
        return _equal_to_object(right)
    return lambda value: value is None


def _equal_to_text(right: str) -> Test:
    number, boolean = as_number(right), _BOOLEANS.get(right)

    def test(value: Any) -> bool:
        if type(value) is str:
            return value == right
        if type(value) is bool:
            return value is boolean
        if number is None or type(value) not in NUMBERS:
            return False
        return bool(value == number) if type(value) in PLAIN else _same(value, number)

    return test


def _equal_to_number(right: Number) -> Test:
    plain = type(right) in PLAIN

    def test(value: Any) -> bool:
        if plain and type(value) in PLAIN:
            return bool(value == right)
        number = as_number(value)
        return number is not None and _same(number, right)

    return test


def _same(left: Number, right: Number) -> bool:
    one, other = alike(left, right)
    return one == other


def _equal_to_list(right: list[JSON]) -> Test:
    tests = [equal_to(item) for item in right]

    def test(value: Any) -> bool:
        if type(value) is not list or len(value) != len(tests):
            return False
        return all(equal(item) for equal, item in zip(tests, value, strict=True))

    return test


def _equal_to_object(right: dict[str, JSON]) -> Test:
    tests = {key: equal_to(item) for key, item in right.items()}

    def test(value: Any) -> bool:
        if type(value) is not dict or value.keys() != tests.keys():
            return False
        return all(equal(value[key]) for key, equal in tests.items())

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
    listed = json_list(value)
    if listed is not None:  # `[a], [b]` is items between commas
        return listed
    return [item.strip() for item in value.split(",") if item.strip()]


def json_list(text: str) -> list[JSON] | None:
    """The list that a text is in JSON, or nothing."""
    if not text.lstrip().startswith("["):
        return None
    try:
        found = loads(text)
    except CaudalError:
        return None
    return found if isinstance(found, list) else None
