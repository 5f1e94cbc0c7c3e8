"""The values that travel between nodes, and their two JSON forms.

Inside, a value is null, a boolean, a whole number of any size, a finite float, a `Decimal` of more
than 15 digits, a text, a list or an object. `normalise` brings whatever a handler returned to this
form, once, at the node's border, so that a value is the same with and without a restart.

- **Journal form** (`encode`, `decode`): numbers stay numbers and come back equal, of equal type.
- **Wire form** (`to_wire`): whole numbers beyond ±(2⁵³−1) and decimals of more than 15 digits are
  text, as no JavaScript reader could keep them.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from itertools import chain
from typing import Any
from uuid import UUID

import orjson

from caudal_core.errors import InvalidResult, error_text

JSON = Any
"""Null, boolean, number, text, list or object."""

MAX_SAFE_INTEGER = 2**53 - 1
MAX_DEPTH = 200
EXACT = (
    orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_PASSTHROUGH_DATACLASS
)
"""How the journal form is written: what JSON's own types cannot hold is an error."""
_ATOMS = frozenset((str, int, bool, type(None)))
_FLAT = _ATOMS | {float}
_TOO_DEEP = ("it is nested too deeply", "está anidado a demasiada profundidad")


def normalise(value: Any) -> JSON:
    """`value` in the inside form; the very same object where nothing had to change.

    Dates become `YYYY-MM-DD`, date-times ISO 8601 (a zone is kept, none is ever added), durations
    ISO 8601, bytes base64, NaN and infinities null, decimals of up to 15 digits floats (but for
    those that no float holds). A scalar of numpy or Arrow is what it stands for. Raises
    `InvalidResult` with the path of what cannot be handed on.
    """
    if type(value) is list and len(value) > 50 and is_flat_table(value):
        return value
    return _normalise(value, "", 0)


def is_flat_table(rows: list[Any]) -> bool:
    """Whether these are records of plain scalars; decided without a Python loop over cells."""
    if set(map(type, rows)) != {dict}:
        return False
    if not set(map(type, chain.from_iterable(rows))) <= {str}:
        return False
    cells = set(map(type, chain.from_iterable(map(dict.values, rows))))
    if not cells <= _FLAT:
        return False
    return float not in cells or _all_finite(rows)


def _all_finite(rows: list[dict[str, Any]]) -> bool:
    cells = chain.from_iterable(map(dict.values, rows))
    return all(map(math.isfinite, (cell for cell in cells if type(cell) is float)))


def _normalise(value: Any, path: str, depth: int) -> JSON:
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is float:
        return value if math.isfinite(value) else None
    if depth > MAX_DEPTH:
        raise _invalid(path, *_TOO_DEEP)
    if kind is dict:
        return _object(value, path, depth + 1)
    if kind is list:
        return _list(value, path, depth + 1)
    return _foreign(value, path, depth)


def _object(value: dict[Any, Any], path: str, depth: int) -> JSON:
    changed = False
    out = {}
    for key, item in value.items():
        name = key if type(key) is str else _key(key, path)
        kind = type(item)
        new = item if kind in _ATOMS else _normalise(item, f"{path}.{name}", depth)
        changed = changed or new is not item or name is not key
        out[name] = new
    if len(out) < len(value):
        raise _invalid(path, "two keys become the same text", "dos claves dan el mismo texto")
    return out if changed else value


def _list(value: list[Any], path: str, depth: int) -> JSON:
    out = [
        item if type(item) in _ATOMS else _normalise(item, f"{path}[{index}]", depth)
        for index, item in enumerate(value)
    ]
    return value if all(map(_same, out, value)) else out


def _same(a: object, b: object) -> bool:
    return a is b


def _key(key: Any, path: str) -> str:
    if isinstance(key, Enum):
        key = key.value
    if isinstance(key, str):
        return str(key)
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, date):
        return key.isoformat()
    if isinstance(key, int | float | UUID):
        return str(key)
    raise _invalid(path, f"a key is of type {type(key).__name__}", "una clave no es texto")


def _foreign(value: Any, path: str, depth: int) -> JSON:
    """A value that is not of JSON's own types."""
    for kind, convert in _CONVERTERS:
        if isinstance(value, kind):
            return convert(value)
    if isinstance(value, Enum):
        return _normalise(value.value, path, depth + 1)
    if isinstance(value, Mapping):
        return _object(dict(value), path, depth + 1)
    if isinstance(value, tuple | list):
        return _list(list(value), path, depth + 1)
    if getattr(value, "shape", None) == () or hasattr(value, "as_py"):
        return _scalar(value, path, depth)
    raise _no_json(value, path)


def _no_json(value: Any, path: str) -> InvalidResult:
    name = type(value).__name__
    return _invalid(path, f"a {name} is not a JSON value", f"un {name} no es un valor JSON")


def _scalar(value: Any, path: str, depth: int) -> JSON:
    """A scalar of numpy (`item`) or of Arrow (`as_py`)."""
    try:
        plain = value.as_py() if hasattr(value, "as_py") else value.item()
    except Exception as error:  # noqa: BLE001 - what it cannot tell without losing some of it
        name, why = type(value).__name__, error_text(error)
        raise _invalid(
            path, f"a {name} has no plain form: {why}", f"un {name} no tiene forma simple: {why}"
        ) from None
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if type(plain) is int and kind == "M":
        return _long_moment(str(value))
    if type(plain) is int and kind == "m":
        return _long_duration(plain, value.dtype.str)
    if type(plain) is type(value):
        raise _no_json(value, path)
    return _normalise(plain, path, depth + 1)


def _decimal(value: Decimal) -> JSON:
    """A float where that holds the same number, for people who write it with up to 15 digits."""
    if not value.is_finite():
        return None
    number = float(value)
    exact = len(value.as_tuple().digits) <= 15 and Decimal(repr(number)) == value
    return number if exact else value


def _moment(value: datetime) -> JSON:
    """Its own ISO form, as a subclass may know more digits; some libraries have one for «none»."""
    return None if value != value else value.isoformat()  # noqa: PLR0124 - that one is not itself


def _long_moment(text: str) -> str:
    """A time of numpy with more digits, or further away, than Python's: as a `datetime` is told."""
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction:0<6}" if fraction else whole


def iso_duration(value: timedelta) -> str:
    """ISO 8601 in days and seconds: `P1DT3600S`, `-PT0.5S`."""
    length = abs(value)
    seconds = f"{length.seconds}.{length.microseconds:06d}"
    return _iso_duration(length.days, seconds, negative=value < timedelta(0))


def _iso_duration(days: int, seconds: str, *, negative: bool) -> str:
    sign = "-" if negative else ""
    seconds = seconds.rstrip("0").rstrip(".")
    clock = f"T{seconds}S" if seconds != "0" or not days else ""
    return f"{sign}P{f'{days}D' if days else ''}{clock}"


def _long_duration(count: int, form: str) -> JSON:
    """A duration of numpy that Python has no form for; `form` is its dtype, such as `<m8[25ns]`."""
    unit = _UNIT.search(form)
    if unit is None:  # so many of what nobody said
        return count
    count, name = count * int(unit[1] or 1), unit[2]
    if name in ("Y", "M"):
        return f"{'-' if count < 0 else ''}P{abs(count)}{name}"
    digits = _DIGITS.get(name, 0)
    seconds, rest = divmod(abs(count) * _SECONDS.get(name, 1), 10**digits)
    days, seconds = divmod(seconds, _SECONDS["D"])
    return _iso_duration(days, f"{seconds}.{rest:0{digits}d}", negative=count < 0)


_UNIT = re.compile(r"\[(\d*)(\w+)\]")
_SECONDS = {"W": 604_800, "D": 86_400, "h": 3_600, "m": 60}
_DIGITS = {"ms": 3, "us": 6, "ns": 9, "ps": 12, "fs": 15, "as": 18}
"""The units of numpy: the seconds that each has, or the digits of a second that it counts."""


_CONVERTERS: tuple[tuple[Any, Callable[[Any], JSON]], ...] = (
    (datetime, _moment),
    (date, date.isoformat),
    (time, time.isoformat),
    (timedelta, iso_duration),
    (Decimal, _decimal),
    (bytes | bytearray | memoryview, lambda value: base64.b64encode(bytes(value)).decode()),
    (UUID, str),
    (bool, bool),
    (str, lambda value: str(value.value if isinstance(value, Enum) else value)),
    (int, int),
    (float, lambda value: float(value) if math.isfinite(value) else None),
)


def _invalid(path: str, why: str, why_es: str) -> InvalidResult:
    place = path.lstrip(".") or "the result"
    return InvalidResult(
        f"{place} cannot be handed on: {why}",
        es=f"{place} no se puede entregar: {why_es}",
        hint="return JSON values: null, booleans, numbers, texts, lists and objects",
        hint_es="devuelva valores JSON: null, booleanos, números, textos, listas y objetos",
    )


def encode(value: JSON) -> bytes:
    """The journal form of a normalised value.

    It begins with a space where a number needs more than JSON's usual readers keep; such a text is
    still JSON, with every `Decimal` written in an exponent with a capital E.
    """
    try:
        return orjson.dumps(value, option=EXACT)
    except TypeError:
        pass
    try:
        return b" " + orjson.dumps(_wide(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise _unkeepable(error) from None


def _unkeepable(error: Exception) -> InvalidResult:
    """What no check before the writing looks for, as it is so rare."""
    if isinstance(error, RecursionError) or "recursion" in str(error).lower():
        return _invalid("", *_TOO_DEEP)
    if isinstance(error, orjson.JSONEncodeError):
        return _invalid("", "a text is not valid Unicode", "un texto no es Unicode válido")
    return _invalid("", "a whole number is too long", "un número entero es demasiado largo")


def _wide(value: JSON) -> Any:
    if type(value) is dict:
        return {key: _wide(item) for key, item in value.items()}
    if type(value) is list:
        return [_wide(item) for item in value]
    if type(value) is int and abs(value) > MAX_SAFE_INTEGER:
        return orjson.Fragment(str(value))
    if type(value) is Decimal:
        sign, digits, exponent = value.as_tuple()
        number = "".join(map(str, digits))
        return orjson.Fragment(f"{'-' if sign else ''}{number}E{exponent}")
    return value


def decode(encoded: bytes) -> JSON:
    """The value whose journal form this is."""
    if encoded[:1] == b" ":
        return json.loads(encoded, parse_float=_number)
    return orjson.loads(encoded)


def _number(text: str) -> float | Decimal:
    return Decimal(text) if "E" in text else float(text)


def to_wire(value: JSON) -> bytes:
    """The wire form of a normalised value."""
    try:
        return orjson.dumps(value, option=EXACT)
    except TypeError:
        return orjson.dumps(_readable(value))


def wire_form(encoded: bytes) -> bytes:
    """The wire form of a value in journal form; nearly always the same bytes."""
    return to_wire(decode(encoded)) if encoded[:1] == b" " else encoded


def _readable(value: JSON) -> JSON:
    if type(value) is dict:
        return {key: _readable(item) for key, item in value.items()}
    if type(value) is list:
        return [_readable(item) for item in value]
    if type(value) is int and abs(value) > MAX_SAFE_INTEGER:
        return str(value)
    return decimal_text(value) if type(value) is Decimal else value


def decimal_text(value: Decimal) -> str:
    """All digits of a decimal; with an exponent only where the zeros would be hundreds."""
    return format(value, "f") if abs(value.adjusted()) < 400 else str(value)
