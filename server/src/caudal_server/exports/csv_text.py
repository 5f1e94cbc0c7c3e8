"""Records as csv (RFC 4180, UTF-8).

Texts stand in quotes, all else without: so `"08001"`, `"true"` and `""` are told from a number, a
boolean and null (nothing at all). Lists and objects are JSON texts. No value is changed: a text
that begins with `=` stays that text, which a spreadsheet program may take for a formula. For such
programs there is `xlsx`, where a text is a text.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from caudal_core import Records
from caudal_core.formats import as_text
from caudal_core.values import JSON
from caudal_server.exports.options import Options

ROWS: Final = 20_000
"""Records that are written at a time."""

_END: Final = "\r\n"
_BOM: Final = "\ufeff"


def csv_pieces(data: Records, options: Options) -> Iterator[bytes]:
    """The header, then some records at a time."""
    names = data.columns
    head = options.delimiter.join(map(_quoted, names)) + _END
    yield ((_BOM if options.bom else "") + head).encode()
    lines = _lines_of_table if data.in_columns else _lines_of_rows
    for start in range(0, len(data), ROWS):
        yield lines(data.slice(start, ROWS), names, options).encode()


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _lines_of_rows(data: Records, names: list[str], options: Options) -> str:
    lines = (
        options.delimiter.join([cell(row.get(name), options.decimal) for name in names])
        for row in data
    )
    return "".join(f"{line}{_END}" for line in lines)


def cell(value: JSON, decimal: str) -> str:
    """One value as it stands between two delimiters."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _quoted(value)
    text = as_text(value)
    if isinstance(value, list | dict):
        return _quoted(text)
    if decimal != "." and isinstance(value, float | Decimal):
        return text.replace(".", decimal)
    return text


def _lines_of_table(data: Records, names: list[str], options: Options) -> str:
    from caudal_core.tables.texts import joined

    known = data.columns  # a piece may lack a column that others have
    parts = [_cells(data.values(name), options) if name in known else "" for name in names]
    if len(names) == 1:
        parts.append("")  # a single column is put together with nothing
        found = joined(parts)
    else:
        found = joined(_of_texts(parts, len(data)), options.delimiter)
    return _END.join(found.to_pylist()) + _END


def _of_texts(parts: list[Any], count: int) -> list[Any]:
    """With a column of nothing where a piece has none."""
    import pyarrow as pa

    nothing = pa.repeat(pa.scalar("", pa.large_string()), count)
    return [nothing if isinstance(part, str) else part for part in parts]


def _cells(array: Any, options: Options) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    from caudal_core.tables.texts import joined, texts

    if array.type == pa.large_string():
        escaped = pc.replace_substring(array, pattern='"', replacement='""')
        return pc.if_else(pc.is_null(array), None, joined(['"', escaped, '"']))
    found = texts(array)
    if options.decimal != "." and pa.types.is_floating(array.type):
        return pc.replace_substring(found, pattern=".", replacement=options.decimal)
    return found
