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
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from pydantic import BaseModel

from caudal_core.errors import DataError, TemplateError, UnknownField
from caudal_core.values import JSON, decimal_text, to_wire

_MISSING: Final = object()
_PATH = re.compile(r"[^.\[\]|]+(?:\.[^.\[\]|]+|\[\d+\])+")
_STEP = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)")
_NUMBER = re.compile(r"(?=(?:\D*\d){1,15}\D*$)-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
_DATE_TOKEN = re.compile(r"yyyy|yy|MM|M|dd|d|HH|H|mm|ss|SSS")


@dataclass(frozen=True, slots=True)
class People:
    """How numbers are written in a text for people: the locale, such as `es-ES`."""

    locale: str


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One `{{…}}`: the text without and with the spaces around it, and what else it may mean."""

    text: str
    spaced: str
    path: tuple[str | int, ...]
    name: str
    default: JSON
    filters: tuple[Callable[[JSON, People | None], JSON], ...]

    def value(self, record: Mapping[str, Any], columns: list[str] | None) -> JSON:
        """The value for one record; `columns` are those of its whole table, if it is of one."""
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
        if found is not _MISSING and found is not None:
            return found
        if self.default is not _MISSING:
            return self.default
        if found is None or self.name in table or (self.path and self.path[0] in table):
            return None
        raise UnknownField(self.name, columns if columns is not None else list(record))


def _follow(record: Mapping[str, Any], path: tuple[str | int, ...]) -> Any:
    value: Any = record
    for step in path:
        if isinstance(step, int):
            inside = isinstance(value, list) and step < len(value)
        else:
            inside = isinstance(value, Mapping) and step in value
        if not inside:
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
    rest, position = text, 0
    while (start := rest.find("{{")) >= 0:
        end = rest.find("}}", start)
        if end < 0:
            raise _unreadable(text, f"'{{{{' at character {position + start + 1} is never closed")
        if start:
            parts.append(rest[:start])
        parts.append(_placeholder(rest[start + 2 : end], text))
        rest, position = rest[end + 2 :], position + end + 2
    if rest or not parts:
        parts.append(rest)
    return Template(tuple(parts))


def _placeholder(spaced: str, text: str) -> Placeholder:
    inner = spaced.strip()
    if not inner:
        raise _unreadable(text, "'{{}}' names no field")
    name, *pipes = (piece.strip() for piece in inner.split("|"))
    default: JSON = _MISSING
    filters: list[Callable[[JSON, People | None], JSON]] = []
    for pipe in pipes:
        found = _filter(pipe)
        if found is not None:
            filters.append(found)
        else:
            default = literal(pipe)
    path = tuple(_steps(name)) if _PATH.fullmatch(name) else ()
    return Placeholder(inner, spaced, path, name, default, tuple(filters))


def _steps(path: str) -> Iterable[str | int]:
    for index, key in _STEP.findall(path):
        yield int(index) if index else key


def literal(text: str) -> JSON:
    """A default as it is written: a plain number is a number, everything else a text."""
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def _unreadable(text: str, why: str) -> TemplateError:
    shown = text if len(text) <= 60 else text[:60] + "…"
    return TemplateError(
        f"the template '{shown}' cannot be read: {why}",
        es=f"la plantilla '{shown}' no se puede leer: {why}",
        hint="write {{name}} with a field's name between the braces",
        hint_es="escriba {{nombre}} con el nombre de un campo entre las llaves",
    )


def as_text(value: JSON, people: People | None = None) -> str:
    """A value inside a text."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if people is not None and not isinstance(value, bool | list | dict):
        return _localised(value, people, None)
    if isinstance(value, Decimal):
        return decimal_text(value)
    return str(value) if type(value) is int else _json(value)


def _json(value: JSON) -> str:
    return to_wire(value).decode()


def _localised(value: JSON, people: People, digits: int | None) -> str:
    from babel.numbers import format_decimal

    pattern = None if digits is None else "#,##0" + ("." + "0" * digits if digits else "")
    locale = people.locale.replace("-", "_")
    quantize = digits is not None
    return str(format_decimal(value, pattern, locale, decimal_quantization=quantize))


def _filter(text: str) -> Callable[[JSON, People | None], JSON] | None:
    """The filter that `text` names, or nothing if it is a default."""
    if text == "upper":
        return lambda value, people: as_text(value, people).upper()
    if text == "json":
        return lambda value, _: _json(value)
    if digits := re.fullmatch(r"number:(\d{1,2})", text):
        return _number_filter(int(digits[1]))
    if text.startswith("date:") and text != "date:":
        return _date_filter(text.removeprefix("date:"))
    return None


def _number_filter(digits: int) -> Callable[[JSON, People | None], JSON]:
    def apply(value: JSON, people: People | None) -> JSON:
        if value is None:
            return None
        number = literal(value) if isinstance(value, str) else value
        if isinstance(number, str | bool | list | dict):
            raise DataError(
                f"'number:{digits}' needs a number, got {_json(value)[:60]}",
                es=f"'number:{digits}' necesita un número, llegó {_json(value)[:60]}",
            )
        if isinstance(number, int):
            number = Decimal(number)  # a float would not hold all digits
        return _localised(number, people, digits) if people else f"{number:.{digits}f}"

    return apply


def _date_filter(pattern: str) -> Callable[[JSON, People | None], JSON]:
    def apply(value: JSON, _: People | None) -> JSON:
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise DataError(
                f"'date:{pattern}' needs a date, got {_json(value)[:60]}",
                es=f"'date:{pattern}' necesita una fecha, llegó {_json(value)[:60]}",
            ) from None
        return format_date(moment, pattern)

    return apply


def format_date(moment: datetime | date, pattern: str) -> str:
    """A date by a pattern of `yyyy yy MM M dd d HH H mm ss SSS`; all else stands as it is."""
    at = moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001
    fields = {
        "yyyy": f"{at.year:04}",
        "yy": f"{at.year % 100:02}",
        "MM": f"{at.month:02}",
        "M": str(at.month),
        "dd": f"{at.day:02}",
        "d": str(at.day),
        "HH": f"{at.hour:02}",
        "H": str(at.hour),
        "mm": f"{at.minute:02}",
        "ss": f"{at.second:02}",
        "SSS": f"{at.microsecond // 1000:03}",
    }
    return _DATE_TOKEN.sub(lambda token: fields[token[0]], pattern)


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
