"""Templates filled for whole columns, with the very texts that filling each record gives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from caudal_core.errors import CaudalError, NodeMemory
from caudal_core.formats import as_text
from caudal_core.records import Records
from caudal_core.tables.lossless import array_of
from caudal_core.tables.texts import joined, texts
from caudal_core.template import Placeholder, compile_template, templates_in
from caudal_core.values import JSON

Afford = Callable[[int], None]
"""Raises `NodeMemory` where so many bytes may not be built."""


def names_in(value: JSON) -> set[str]:
    """What the columns may be called that the placeholders in a config value look at."""
    parts = (part for text in templates_in(value) for part in compile_template(text).parts)
    found = [part for part in parts if not isinstance(part, str)]
    return {str(n) for p in found for n in (p.text, p.spaced, p.name, *p.path[:1])}


def narrowed(data: Records, names: Collection[str]) -> Records:
    """Of columns only those of these names, so that rows of them take less; rows as they are."""
    if not data.in_columns:
        return data
    return data.select([name for name in data.columns if name in names])


def render_column(value: JSON, data: Records, afford: Afford = lambda _: None) -> Any | None:
    """A template filled from each record, as an Arrow array; see `render_rows`.

    Nothing where that would not surely be the same: `value` is no text with placeholders, one of
    them names no column (perhaps a path, perhaps nothing), or some value makes a filter fail or
    goes into no column.
    """
    if not isinstance(value, str) or "{{" not in value or not data.in_columns:
        return None
    parts = compile_template(value).parts
    columns = [part if isinstance(part, str) else _column(part, data) for part in parts]
    if None in columns:
        return None
    try:
        values = [
            part if isinstance(part, str) else _values(part, str(name), data)
            for part, name in zip(parts, columns, strict=True)
        ]
        if len(parts) == 1 and not isinstance(parts[0], str):
            return array_of(value, values[0]) if type(values[0]) is list else values[0]
        return _together(list(map(_written, values)), len(data), afford)
    except NodeMemory:
        raise
    except CaudalError:  # the rows say which
        return None


def _column(part: Placeholder, data: Records) -> str | None:
    """The column that a placeholder means, in the order in which a record is asked."""
    known = data.columns
    return next((name for name in (part.text, part.spaced, part.name) if name in known), None)


def _values(part: Placeholder, name: str, data: Records) -> Any:
    """One value a record: the column, or a list where it is changed on the way."""
    array = data.values(name)
    spare = part.spare if name not in (part.text, part.spaced) and array.null_count else None
    if not part.filters and spare is None:
        return array
    values = data.column(name)
    if spare is not None:
        values = [spare if value is None else value for value in values]
    for apply in part.filters:
        values = [apply(value, None) for value in values]
    return values


def _written(values: Any) -> Any:
    """The values as they stand inside a text."""
    if isinstance(values, str):
        return values
    if type(values) is list:
        return array_of("", [as_text(value) for value in values])
    return texts(values)


def _together(parts: Sequence[Any], count: int, afford: Afford) -> Any:
    afford(
        sum(count * len(part.encode()) if isinstance(part, str) else part.nbytes for part in parts)
    )
    return joined(list(parts))
