"""The types of properties, as they are inferred from values.

`text`, `integer`, `number`, `boolean`, `date` and `dateTime` (texts in ISO 8601), `object`,
`list`; `null` while nothing but null was seen, `any` where values of several types stand. A type
describes what is there; it never changes or refuses a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

TYPES: Final = (
    "text",
    "integer",
    "number",
    "boolean",
    "date",
    "dateTime",
    "object",
    "list",
    "null",
    "any",
)
_PLAIN: Final[Mapping[type, str]] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    Decimal: "number",
    dict: "object",
    list: "list",
}
_WIDER: Final = {
    frozenset(("integer", "number")): "number",
    frozenset(("date", "text")): "text",
    frozenset(("dateTime", "text")): "text",
    frozenset(("date", "dateTime")): "text",
}
_DATE = re.compile(r"\d{4}-(0\d|1[0-2])-([0-2]\d|3[01])")
_MOMENT = re.compile(
    r"\d{4}-(0\d|1[0-2])-([0-2]\d|3[01])T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?"
)


def wider(one: str, other: str) -> str:
    """The narrowest type that holds the values of both."""
    if other in (one, "null"):
        return one
    return other if one == "null" else _WIDER.get(frozenset((one, other)), "any")


def widened(known: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """All properties of both; those of `known` first, each wide enough for both."""
    found = dict(known)
    for name, type_ in more.items():
        found[name] = wider(found[name], type_) if name in found else type_
    return found


def inferred(rows: Sequence[Mapping[str, Any]], known: Mapping[str, str]) -> dict[str, str]:
    """The properties in `rows`, in order of first appearance.

    Texts are read only while the answer can still matter: not where `known` says text already.
    """
    kinds: dict[str, set[type]] = {}
    for row in rows:
        for name, value in row.items():
            if name in kinds:
                kinds[name].add(type(value))
            else:
                kinds[name] = {type(value)}
    return {name: _of(name, found, rows, known.get(name)) for name, found in kinds.items()}


def _of(name: str, kinds: set[type], rows: Iterable[Mapping[str, Any]], known: str | None) -> str:
    type_ = "null"
    for kind in kinds - {type(None), str}:
        type_ = wider(type_, _PLAIN.get(kind, "any"))
    if str not in kinds:
        return type_
    return wider(type_, "text" if known in ("text", "any") else _of_texts(name, rows))


def _of_texts(name: str, rows: Iterable[Mapping[str, Any]]) -> str:
    texts = (value for row in rows if type(value := row.get(name)) is str)
    test: Callable[[str], Any] | None = None
    type_ = "text"
    for text in texts:
        if test is None:
            if _DATE.fullmatch(text):
                test, type_ = _DATE.fullmatch, "date"
            elif _MOMENT.fullmatch(text):
                test, type_ = _MOMENT.fullmatch, "dateTime"
            else:
                return "text"
        elif test(text) is None:
            return "text"
    return type_
