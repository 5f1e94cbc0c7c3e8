"""A record as it is kept: one text in journal form, so that what comes out is what went in.

`id`, where it is a text, and `createdAt`, where it is written as the store writes it, have columns
of their own and are left out of the text. A NUL character, which databases take for an end, stands
there as U+FFFE and a 0, and U+FFFE itself as U+FFFE and a 1.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from secrets import randbits
from typing import Any

from caudal_core.stores.identity import id_of
from caudal_core.stores.matching import MISSING, value_at
from caudal_core.values import JSON, decode, encode

Row = Mapping[str, Any]
OF_ALL = ("id", "createdAt")
_MARK, _NUL = "\ufffe", "\x00"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def moment(now: datetime) -> str:
    """A moment as the store writes it: UTC, milliseconds, `Z`."""
    return now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def taken_apart(row: Row, index: int) -> tuple[str | None, str | None, Row]:
    """The id, the moment of creation, and the rest; null where the row does not bring them."""
    if "id" not in row and "createdAt" not in row:
        return None, None, row
    record_id, created = id_of(row, index), row.get("createdAt")
    rest = dict(row)
    if type(row.get("id")) is not int:
        rest.pop("id", None)
    if isinstance(created, str) and _MOMENT.fullmatch(created):
        del rest["createdAt"]
        return record_id, created, rest
    return record_id, None, rest


def packed(document: Row) -> str:
    """The text that is kept."""
    text = encode(document).decode()
    if "\\u0000" in text or _MARK in text:
        return encode(_changed(document, _hidden)).decode()
    return text


def unpacked(text: str) -> dict[str, Any]:
    """The document whose text this is."""
    found: dict[str, Any] = decode(text.encode())
    return _changed(found, _shown) if _MARK in text else found


def hidden(text: str) -> str:
    """A text as it stands within a kept one."""
    return _hidden(text) if _MARK in text or _NUL in text else text


def whole(record_id: str, created: str, text: str) -> dict[str, Any]:
    """The record as it is given out."""
    document = unpacked(text)
    return {"id": record_id, "createdAt": created, **document}


def _changed(value: JSON, change: Any) -> Any:
    if type(value) is str:
        return change(value)
    if type(value) is dict:
        return {change(key): _changed(item, change) for key, item in value.items()}
    return [_changed(item, change) for item in value] if type(value) is list else value


def _hidden(text: str) -> str:
    return text.replace(_MARK, f"{_MARK}1").replace(_NUL, f"{_MARK}0")


def _shown(text: str) -> str:
    return text.replace(f"{_MARK}0", _NUL).replace(f"{_MARK}1", _MARK)


def new_ids(now: datetime) -> Iterator[str]:
    """Ids of new records, as UUIDs of version 7: they grow, as databases like it."""
    milliseconds = int(now.timestamp() * 1000)
    head = f"{milliseconds:012x}"
    low = randbits(61)
    beginning = f"{head[:8]}-{head[8:]}-7{randbits(12):03x}-"
    for number in count(low):
        tail = f"{number + (1 << 63):016x}"
        yield f"{beginning}{tail[:4]}-{tail[4:]}"


# -- what SQLite cannot look up by itself: keys with a quotation mark -----------------------------


def sqlite_functions(connection: sqlite3.Connection) -> None:
    """Teach a connection to read what its own JSON functions have no path for."""
    connection.create_function("caudal_kind", 2, _kind, deterministic=True)
    connection.create_function("caudal_value", 2, _value, deterministic=True)


def _found(text: str, path: str) -> JSON:
    return value_at(decode(text.encode()), tuple(decode(path.encode())))


def _kind(text: str, path: str) -> str | None:
    found = _found(text, path)
    if found is MISSING:
        return None
    if isinstance(found, bool):
        return "true" if found else "false"
    names = {str: "text", dict: "object", list: "array", int: "integer", type(None): "null"}
    return names.get(type(found), "real")


def _value(text: str, path: str) -> str | int | float | None:
    found = _found(text, path)
    if found is MISSING or isinstance(found, dict | list):
        return None
    if isinstance(found, str) or found is None:
        return found
    return found if isinstance(found, int) and abs(found) < 2**63 else float(found)
