"""Filters: comparisons of a record's properties, brought together with `and` and `or`.

As JSON: `{"field": "price", "operator": "greaterThan", "value": 50}`, a list of such (all must be
met), `{"and": […]}` or `{"or": […]}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from caudal_core.errors import InvalidRequest, UnknownField, nearest
from caudal_core.values import JSON

Operator = Literal[
    "equals",
    "notEquals",
    "greaterThan",
    "lessThan",
    "greaterOrEqual",
    "lessOrEqual",
    "between",
    "in",
    "contains",
    "startsWith",
    "endsWith",
    "isEmpty",
    "isNotEmpty",
    "isNull",
    "isMissing",
]
OPERATORS: Final[tuple[str, ...]] = get_args(Operator)
SYMBOLS: Final[Mapping[str, str]] = {
    "=": "equals",
    "==": "equals",
    "!=": "notEquals",
    "<>": "notEquals",
    ">": "greaterThan",
    "<": "lessThan",
    ">=": "greaterOrEqual",
    "<=": "lessOrEqual",
}
WITHOUT_VALUE: Final = frozenset(("isEmpty", "isNotEmpty", "isNull", "isMissing"))
MOST_TERMS = 200
MOST_VALUES = 10_000
DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Comparison:
    """One property and what it is compared with. How is said in `caudal_core.stores.matching`."""

    field: str
    operator: Operator
    value: JSON = None


@dataclass(frozen=True, slots=True)
class Group:
    """Several filters: all must be met, or with `any_of` one of them."""

    parts: tuple[Filter, ...]
    any_of: bool = False


Filter: TypeAlias = Comparison | Group


def filter_of(value: JSON) -> Filter | None:
    """The filter that a JSON value means; nothing for null and for an empty list.

    `InvalidRequest` says which part of it cannot be read.
    """
    if value is None or value in ([], {}):
        return None
    found = _filter(value, "filter", 0)
    if (count := sum(1 for _ in fields_of(found))) > MOST_TERMS:
        raise InvalidRequest(message=f"the filter has {count} comparisons; {MOST_TERMS} are most")
    return found


def fields_of(found: Filter) -> Sequence[str]:
    """The fields of all comparisons, in order."""
    if isinstance(found, Comparison):
        return (found.field,)
    return [field for part in found.parts for field in fields_of(part)]


def _filter(value: JSON, place: str, depth: int) -> Filter:
    if depth > DEEPEST:
        raise InvalidRequest(message=f"the filter is nested more than {DEEPEST} times")
    if isinstance(value, list):
        return _group(value, place, depth, any_of=False)
    if not isinstance(value, dict):
        raise _unreadable(place)
    for word in ("and", "or"):
        if value.keys() == {word} and isinstance(value[word], list):
            return _group(value[word], f"{place}.{word}", depth, any_of=word == "or")
    return _comparison(value, place)


def _group(values: list[JSON], place: str, depth: int, *, any_of: bool) -> Group:
    parts = [_filter(part, f"{place}[{at}]", depth + 1) for at, part in enumerate(values)]
    return Group(tuple(parts), any_of)


def _comparison(value: dict[str, Any], place: str) -> Comparison:
    field, name = value.get("field"), value.get("operator", "equals")
    if not isinstance(field, str) or not field or not isinstance(name, str):
        raise _unreadable(place)
    name = SYMBOLS.get(name, name)
    if name not in OPERATORS:
        near = nearest(name, list(OPERATORS))
        more = f"did you mean '{near}'?" if near else f"there are: {', '.join(OPERATORS)}"
        raise InvalidRequest(message=f"{place}: there is no operator '{name}'; {more}")
    if name not in WITHOUT_VALUE and "value" not in value:
        raise InvalidRequest(message=f"{place} compares '{field}' with nothing: give it a value")
    operator: Any = name
    return Comparison(field, operator, _operand(operator, value.get("value"), place))


def _operand(operator: Operator, value: JSON, place: str) -> JSON:
    if operator in WITHOUT_VALUE:
        return None
    if operator in ("in", "between"):
        values = _several(value)
        if operator == "between" and len(values) != 2:
            raise InvalidRequest(message=f"{place}: between needs two values, such as [1, 5]")
        if len(values) > MOST_VALUES:
            raise InvalidRequest(message=f"{place}: in takes {MOST_VALUES:,} values at most")
        return values
    if isinstance(value, list | dict):
        raise InvalidRequest(message=f"{place}: {operator} compares with one value, not several")
    return value


def _several(value: JSON) -> list[JSON]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    found = value if isinstance(value, list) else [value]
    return [item for item in found if not isinstance(item, list | dict)]


def _unreadable(place: str) -> InvalidRequest:
    form = '{"field": "price", "operator": "greaterThan", "value": 50}'
    message = f"{place} is no comparison; write it as {form}, a list of them, or and/or of them"
    return InvalidRequest(message=message)


def path_of(field: str, known: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys that lead to a field: itself where it is a property, else `a.b` as `a`, then `b`.

    `UnknownField` for what no record can have.
    """
    if field in known:
        return (field,)
    steps = tuple(field.split("."))
    if len(steps) > 1 and steps[0] in known and all(steps):
        return steps
    raise UnknownField(field, list(known))
