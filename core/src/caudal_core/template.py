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
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from functools import lru_cache
from typing import Any, Final

from pydantic import BaseModel

from caudal_core.errors import DataError, TemplateError, UnknownField
from caudal_core.records import Records, Row
from caudal_core.values import JSON, decimal_text, to_wire

MAX_DIGITS: Final = 5_000
"""More than any number has that is written for people."""

_MISSING: Final = object()
_PATH = re.compile(r"[^.\[\]|]+(?:\.[^.\[\]|]+|\[\d+\])+")
_STEP = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)")
_NUMBER = re.compile(r"(?=(?:\D*\d){1,15}\D*$)-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
_DATE_TOKENS: Final = ("yyyy", "yy", "MM", "M", "dd", "d", "HH", "H", "mm", "ss", "SSS")
_LETTERS = re.compile(r"([^\W\d_])\1*")


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

    def require(self, data: Records) -> None:
        """Raise `UnknownField` if no record has what this names, and it has no default.

        Where there are no records nobody knows what they would have: nothing is raised.
        """
        if self.default is not _MISSING or not len(data) or self._has(data.view()[0]):
            return
        columns = data.columns
        if any(name in columns for name in (self.text, self.spaced, self.name)):
            return
        if not any(map(self._has, data)):
            raise UnknownField(self.name, [*self._beside(data), *columns])

    def _beside(self, data: Records) -> list[str]:
        """The paths that differ from this one in their last step alone."""
        if not self.path or isinstance(self.path[-1], int):
            return []
        parents = (_follow(row, self.path[:-1]) for row in data)
        parent = next((found for found in parents if isinstance(found, Mapping)), {})
        return [f"{self.name.rpartition('.')[0]}.{key}" for key in parent]

    def _has(self, record: Row) -> bool:
        """Whether a record has what this names, be it null."""
        if self.text in record or self.spaced in record or self.name in record:
            return True
        return bool(self.path) and _follow(record, self.path) is not _MISSING

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
    position = 0
    while (start := text.find("{{", position)) >= 0:
        end = text.find("}}", start)
        if end < 0:
            raise _unreadable(
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
        raise _unreadable(text, "'{{}}' names no field", "'{{}}' no nombra ningún campo")
    name, *pipes = (piece.strip() for piece in inner.split("|"))
    default: JSON = _MISSING
    filters: list[Callable[[JSON, People | None], JSON]] = []
    for pipe in pipes:
        found = _filter(pipe, text)
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


def _unreadable(text: str, why: str, why_es: str) -> TemplateError:
    shown = text if len(text) <= 60 else text[:60] + "…"
    return TemplateError(
        f"the template '{shown}' cannot be read: {why}",
        es=f"la plantilla '{shown}' no se puede leer: {why_es}",
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
    with localcontext(prec=MAX_DIGITS):  # babel fills up with zeros, and refuses what is longer
        return str(format_decimal(value, pattern, locale, decimal_quantization=False))


def _filter(text: str, template: str) -> Callable[[JSON, People | None], JSON] | None:
    """The filter that `text` names, or nothing if it is a default."""
    if text == "upper":
        return lambda value, people: as_text(value, people).upper()
    if text == "json":
        return lambda value, _: _json(value)
    if digits := re.fullmatch(r"number:(\d{1,2})", text):
        return _number_filter(int(digits[1]))
    if text.startswith("date:") and text != "date:":
        pattern = text.removeprefix("date:")
        _check_pattern(pattern, template)
        return _date_filter(pattern)
    return None


def _check_pattern(pattern: str, template: str) -> None:
    """Refuse letters that would be taken for a date's parts, or left standing, by mistake."""
    for run in _LETTERS.finditer(pattern):
        if run[0] not in _DATE_TOKENS and run[0] != "T":
            allowed = f"{' '.join(_DATE_TOKENS)} T"
            raise _unreadable(
                template,
                f"'{run[0]}' in 'date:{pattern}' is no part of a date; there are {allowed}",
                f"'{run[0]}' en 'date:{pattern}' no es parte de una fecha; existen {allowed}",
            )


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
        rounded = _rounded(number, digits)
        return _localised(rounded, people, digits) if people else f"{rounded:f}"

    return apply


def _rounded(number: float | Decimal, digits: int) -> Decimal:
    """The number as it is written, with so many decimals; halves go away from zero."""
    exact = Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
    needed = max(exact.adjusted(), 0) + digits + 2
    context = Context(prec=needed, rounding=ROUND_HALF_UP)
    return exact.quantize(Decimal(1).scaleb(-digits), context=context)


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
    """A date by a pattern of `yyyy yy MM M dd d HH H mm ss SSS`; all else stands as it is.

    Each is a run of one letter: another run, such as `MMM`, is none of them.
    """
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
    return _LETTERS.sub(lambda run: fields.get(run[0], run[0]), pattern)


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
    require_fields(value, data)
    columns = data.columns
    return [render_value(value, row, columns=columns, people=people) for row in data.view()]
