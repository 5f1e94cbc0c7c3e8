"""How values are written inside texts, and the filters of templates that write them otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Final

from caudal_core.errors import DataError, TemplateError
from caudal_core.values import JSON, decimal_text, to_wire

MAX_DIGITS: Final = 5_000
"""More than any number has that is written for people."""

_NUMBER = re.compile(r"(?=(?:\D*\d){1,15}\D*$)-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
_DATE_TOKENS: Final = ("yyyy", "yy", "MM", "M", "dd", "d", "HH", "H", "mm", "ss", "SSS")
_LETTERS = re.compile(r"([^\W\d_])\1*")


@dataclass(frozen=True, slots=True)
class People:
    """How numbers are written in a text for people: the locale, such as `es-ES`."""

    locale: str


def literal(text: str) -> JSON:
    """A default as it is written: a plain number is a number, everything else a text."""
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def unreadable(text: str, why: str, why_es: str) -> TemplateError:
    """The error for a template that cannot be read."""
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


def filter_named(text: str, template: str) -> Callable[[JSON, People | None], JSON] | None:
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
            raise unreadable(
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
