"""JSON that comes from outside, read strictly.

What other readers take in silence is refused with its reason: NaN and Infinity, numbers beyond
what a float can be, a key given twice, NUL and lone surrogates in texts, absurd depth. What they
round in silence keeps its digits: a decimal that no float gives back is a `Decimal`.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from decimal import Decimal
from functools import cache
from sys import float_info
from typing import Any, Final, NoReturn

from caudal_core.errors import InvalidRequest
from caudal_core.values import JSON, MAX_DEPTH

MOST_DIGITS: Final = 4_300
"""Characters of a decimal; as many as Python reads of a whole number."""

_SURE: Final = 16
"""Characters with which a decimal has 15 digits at most, which every float of full size keeps."""


def loads(body: bytes | str, *, what: str = "the body") -> JSON:
    """The JSON value in `body`; `InvalidRequest` says what is wrong with it and where."""
    try:
        text = body if isinstance(body, str) else body.decode("utf-8-sig")
        value = _decoder().decode(text)
    except UnicodeDecodeError as error:
        raise _refused(what, f"is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _refused(what, f"is not JSON: {error.msg} ({place})") from None
    except RecursionError:
        raise _refused(what, "is nested too deeply") from None
    except ValueError as error:
        raise _refused(what, _why(error)) from None
    if "\\u" in text or "\x00" in text:
        check_texts(value, what)
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(value, what)
    return value


@cache
def _decoder() -> json.JSONDecoder:
    """Made once: with hooks, `json.loads` makes one at each call."""
    return json.JSONDecoder(
        parse_constant=_constant, parse_float=_decimal, object_pairs_hook=_object
    )


def _refused(what: str, why: str) -> InvalidRequest:
    return InvalidRequest(message=f"{what} {why}")


def _why(error: ValueError) -> str:
    """What is said below, or, of Python's own limit on digits, the same in our words."""
    text = str(error)
    return "holds a whole number that is too long" if "set_int_max_str_digits" in text else text


def _constant(name: str) -> NoReturn:
    message = f"holds {name}, which is no JSON number"
    raise ValueError(message)


def _decimal(text: str) -> float | Decimal:
    """A float where it gives the same number back, as with all that programs print of floats."""
    if len(text) > MOST_DIGITS:
        message = "holds a decimal number that is too long"
        raise ValueError(message)
    number = float(text)
    if len(text) <= _SURE and abs(number) >= float_info.min:
        return number if not math.isinf(number) else _beyond(text)
    exact = Decimal(text)
    if math.isinf(number) or (exact and not number):
        return _beyond(text)
    return number if exact == Decimal(repr(number)) else exact


def _beyond(text: str) -> NoReturn:
    message = f"holds {text}, which is beyond what a number can be"
    raise ValueError(message)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        message = f"has the key '{twice}' twice in one object"
        raise ValueError(message)
    return found


def check_texts(value: JSON, what: str) -> None:
    """Refuse NUL and lone surrogates, which databases and other readers cannot keep."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            if "\x00" in item:
                raise _refused(what, "holds a NUL character")
            if not item.isascii() and any("\ud800" <= char <= "\udfff" for char in item):
                raise _refused(what, "holds half of a surrogate pair")
        elif isinstance(item, dict):
            stack += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            stack += item


def _check_depth(value: JSON, what: str) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for item in level for child in _children(item)]
        if not level:
            return
    raise _refused(what, f"is nested deeper than {MAX_DEPTH} levels")


def _children(value: JSON) -> list[JSON]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
