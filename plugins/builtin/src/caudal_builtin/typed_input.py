"""Values that a person types, brought to the type that was asked for or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from caudal_builtin.moments import read_moment
from caudal_builtin.numbers import NUMBERS, as_number, canonical_number
from caudal_builtin.row_errors import shown
from caudal_core import CaudalError, DataError
from caudal_core.formats import as_text
from caudal_core.intake import loads
from caudal_core.values import JSON

_WORDS: Final = {"true": True, "yes": True, "sí": True, "si": True, "false": False, "no": False}

_HOW: Final = {
    "text": ("a text", "un texto", "write a text", "escriba un texto"),
    "number": (
        "a number",
        "un número",
        "write it like 1234.5 or 1.234,5, with at most 15 digits",
        "escríbalo como 1234.5 o 1.234,5, con 15 cifras como máximo",
    ),
    "boolean": ("a boolean", "un booleano", "write true or false", "escriba true o false"),
    "date": (
        "a date",
        "una fecha",
        "write it like 2026-03-01 or 2026-03-01T10:30",
        "escríbala como 2026-03-01 o 2026-03-01T10:30",
    ),
    "json": (
        "JSON",
        "JSON",
        'write it like {"a": 1} or [1]',
        'escríbalo como {"a": 1} o [1]',
    ),
    "file": (
        "a file",
        "un fichero",
        "give the id of an uploaded file, or a path",
        "dé el id de un fichero subido, o una ruta",
    ),
}


def as_typed(value: JSON, kind: str | None, name: str) -> JSON:
    """The value as `kind`; without one, a text that is a canonical number becomes that number.

    Raises `DataError` with value, type and how to write it.
    """
    if kind is None:
        number = canonical_number(value) if type(value) is str else None
        return value if number is None else number
    try:
        return _READERS[kind](value)
    except ValueError as error:
        raise _refused(value, kind, name, str(error)) from None


def _text(value: JSON) -> JSON:
    if type(value) is str:
        return value
    if type(value) in NUMBERS:
        return as_text(value)
    raise ValueError


def _number(value: JSON) -> JSON:
    number = as_number(value.strip() if type(value) is str else value)
    if number is None:
        raise ValueError
    return number


def _boolean(value: JSON) -> JSON:
    if type(value) is bool:
        return value
    word = value.strip().lower() if type(value) is str else ""
    if word not in _WORDS:
        raise ValueError
    return _WORDS[word]


def _date(value: JSON) -> JSON:
    if read_moment(value) is None:
        raise ValueError
    return value


def _json(value: JSON) -> JSON:
    if type(value) is not str:
        return value
    try:
        return loads(value, what="the text")
    except CaudalError as error:
        raise ValueError(error.text()) from None


def _file(value: JSON) -> JSON:
    if type(value) is not str or not value.strip():
        raise ValueError
    return value


_READERS: Final[dict[str, Callable[[JSON], JSON]]] = {
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "json": _json,
    "file": _file,
}


def _refused(value: JSON, kind: str, name: str, why: str) -> DataError:
    what, what_es, hint, hint_es = _HOW[kind]
    given, given_es = f"is {shown(value)}", f"es {shown(value)}"
    if value in (None, ""):
        given, given_es = "has no value", "no tiene valor"
    why = f" ({why})" if why else ""
    return DataError(
        f"the input '{name}' must be {what} but {given}{why}",
        es=f"la entrada '{name}' debe ser {what_es} pero {given_es}{why}",
        hint=hint,
        hint_es=hint_es,
    )
