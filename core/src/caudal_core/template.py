"""Templates: texts with `{{…}}`, filled from a record by look-up and nothing else.

Between the braces stands a column's name as it is in the data: `{{Precio (€/MWh)}}`. The whole
text is tried as a key, then as a path (`a.b`, `items[0].x`), then as a name with what follows `|`:
a default (`{{price|0}}`, used where the field is unknown or null) or one of `number:2`,
`date:dd/MM/yyyy HH:mm`, `upper`, `json`. A text that is exactly one placeholder keeps the value's
type; elsewhere null prints as nothing, booleans, numbers, lists and objects as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pydantic import BaseModel

from caudal_core.errors import UnknownField
from caudal_core.formats import People, as_text, filter_named, literal, unreadable
from caudal_core.records import Records, Row
from caudal_core.values import JSON

_MISSING: Final = object()
_NOWHERE: Final = object()
"""Where a path would go on there is nothing, so that nobody knows what it would lead to."""
_PATH = re.compile(r"[^.\[\]|]+(?:\.[^.\[\]|]+|\[\d+\])+")
_STEP = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One `{{…}}`: the text without and with the spaces around it, and what else it may mean."""

    text: str
    spaced: str
    path: tuple[str | int, ...]
    name: str
    default: JSON
    filters: tuple[Callable[[JSON, People | None], JSON], ...]

    @property
    def spare(self) -> JSON:
        """The default; null if there is none."""
        return None if self.default is _MISSING else self.default

    def require(self, data: Records) -> None:
        """Raise `UnknownField` if no record has what this names, and it has no default.

        Where there are no records nobody knows what they would have: nothing is raised.
        """
        if self.default is not _MISSING or not len(data) or self._has(_first(data)):
            return
        columns = data.columns
        if any(name in columns for name in (self.text, self.spaced, self.name)):
            return
        found = set(map(self._has, data))
        if True not in found and False in found:
            raise UnknownField(self.name, [*self._beside(data), *columns])

    def _beside(self, data: Records) -> list[str]:
        """The paths that differ from this one in their last step alone."""
        if not self.path or isinstance(self.path[-1], int):
            return []
        parents = (_follow(row, self.path[:-1]) for row in data)
        parent = next((found for found in parents if isinstance(found, Mapping)), {})
        return [f"{self.name.rpartition('.')[0]}.{key}" for key in parent]

    def _has(self, record: Row) -> bool | None:
        """Whether a record has what this names, be it null; null where it cannot be known."""
        if self.text in record or self.spaced in record or self.name in record:
            return True
        found = _follow(record, self.path) if self.path else _MISSING
        return None if found is _NOWHERE else found is not _MISSING

    def value(self, record: Mapping[str, Any], columns: list[str] | None) -> JSON:
        """The value for one record.

        `columns` are those of its whole table, if it is of one: what no record of the table has
        below a column is null here, and refused by `require`.
        """
        found = record.get(self.text, _MISSING)
        if found is _MISSING:
            found = self._beyond_key(record, columns)
        return found

    def _beyond_key(self, record: Mapping[str, Any], columns: list[str] | None) -> JSON:
        table = columns or ()
        found = record.get(self.spaced, _MISSING)
        if found is not _MISSING or self.text in table or self.spaced in table:
            return None if found is _MISSING else found
        found = record.get(self.name, _MISSING)
        if found is _MISSING and self.path and self.name not in table:
            found = _follow(record, self.path)
            found = None if found is _NOWHERE else found
        if found is not _MISSING and found is not None:
            return found
        if self.default is not _MISSING:
            return self.default
        if found is None or self.name in table or (self.path and self.path[0] in table):
            return None
        raise UnknownField(self.name, columns if columns is not None else list(record))


def _first(data: Records) -> Row:
    """The first record; of a table in columns only this one is made."""
    return data.slice(0, 1).view()[0] if data.in_columns else data.view()[0]


def _follow(record: Mapping[str, Any], path: tuple[str | int, ...]) -> Any:
    """What a path leads to; `_NOWHERE` if something on the way is null, or a list ends before."""
    value: Any = record
    for step in path:
        if value is None:
            return _NOWHERE
        if isinstance(value, list) and isinstance(step, int):
            if step >= len(value):
                return _NOWHERE
        elif not isinstance(value, Mapping) or step not in value:
            return _MISSING
        value = value[step]
    return value


@dataclass(frozen=True, slots=True)
class Template:
    """A text cut into what stays and what is looked up."""

    parts: tuple[str | Placeholder, ...]

    @property
    def constant(self) -> bool:
        """Whether there is nothing to look up."""
        return not any(isinstance(part, Placeholder) for part in self.parts)

    def render(
        self,
        record: Mapping[str, Any],
        *,
        columns: list[str] | None = None,
        people: People | None = None,
    ) -> JSON:
        """The text filled from one record, or the value where it is one placeholder alone."""
        parts = self.parts
        if len(parts) == 1 and isinstance(parts[0], Placeholder):
            return self._filled(parts[0], record, columns, people)
        return "".join(
            part
            if isinstance(part, str)
            else as_text(self._filled(part, record, columns, people), people)
            for part in parts
        )

    @staticmethod
    def _filled(
        part: Placeholder,
        record: Mapping[str, Any],
        columns: list[str] | None,
        people: People | None,
    ) -> JSON:
        value = part.value(record, columns)
        for apply in part.filters:
            value = apply(value, people)
        return value


@lru_cache(maxsize=4096)
def compile_template(text: str) -> Template:
    """Read a template; `TemplateError` says what cannot be read, and where."""
    parts: list[str | Placeholder] = []
    position = 0
    while (start := text.find("{{", position)) >= 0:
        end = text.find("}}", start)
        if end < 0:
            raise unreadable(
                text,
                f"'{{{{' at character {start + 1} is never closed",
                f"'{{{{' en el carácter {start + 1} no se cierra",
            )
        if start > position:
            parts.append(text[position:start])
        parts.append(_placeholder(text[start + 2 : end], text))
        position = end + 2
    if position < len(text) or not parts:
        parts.append(text[position:])
    return Template(tuple(parts))


def _placeholder(spaced: str, text: str) -> Placeholder:
    inner = spaced.strip()
    if not inner:
        raise unreadable(text, "'{{}}' names no field", "'{{}}' no nombra ningún campo")
    name, *pipes = (piece.strip() for piece in inner.split("|"))
    default: JSON = _MISSING
    filters: list[Callable[[JSON, People | None], JSON]] = []
    for pipe in pipes:
        found = filter_named(pipe, text)
        if found is not None:
            filters.append(found)
        else:
            default = literal(pipe)
    path = tuple(_steps(name)) if _PATH.fullmatch(name) else ()
    return Placeholder(inner, spaced, path, name, default, tuple(filters))


def _steps(path: str) -> Iterable[str | int]:
    for index, key in _STEP.findall(path):
        yield int(index) if index else key


def templates_in(value: JSON) -> Iterable[str]:
    """Every text with braces inside a config value."""
    if isinstance(value, str):
        if "{{" in value:
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from templates_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from templates_in(item)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from templates_in(getattr(value, name))


def render_value(
    value: JSON,
    record: Mapping[str, Any],
    *,
    columns: list[str] | None = None,
    people: People | None = None,
) -> JSON:
    """A config value with every text in it filled from one record; other values as they are."""
    if isinstance(value, str):
        if "{{" not in value:
            return value
        return compile_template(value).render(record, columns=columns, people=people)
    if isinstance(value, Mapping):
        return {
            key: render_value(item, record, columns=columns, people=people)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [render_value(item, record, columns=columns, people=people) for item in value]
    return value


def require_fields(value: JSON, data: Records) -> None:
    """Raise `UnknownField` for the first placeholder in a config value that no record has.

    Asked once a table; a field that only some records have is null in the others.
    """
    for text in templates_in(value):
        for part in compile_template(text).parts:
            if isinstance(part, Placeholder):
                part.require(data)


def render_rows(value: JSON, data: Records, people: People | None = None) -> list[JSON]:
    """A config value filled from each record; `UnknownField` for what no record has."""
    if not isinstance(value, Mapping | list | tuple) and (
        type(value) is not str or "{{" not in value
    ):
        return [value] * len(data)
    require_fields(value, data)
    columns = data.columns
    return [render_value(value, row, columns=columns, people=people) for row in data.view()]
