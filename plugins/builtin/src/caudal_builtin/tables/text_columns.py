"""Large text files in columns, where that says the same as row by row; else nothing is said.

Arrow cuts a text into cells ten times as fast, and is asked only where both ways must agree: every
row as wide as the first, none empty, no quotes, no lone carriage returns. Everything that is not
plain is left to the rows, which also know how to name what is wrong.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from caudal_builtin.tables.arrays import array_of
from caudal_builtin.tables.coded import Coded
from caudal_builtin.tables.layout import MAX_CELLS, Options, Table, laid_out

Check = Callable[[], None]

LARGE: Final = 1 << 20
"""Bytes from which on it pays to load Arrow."""

_CHUNK: Final = 1 << 20
_BLOCK: Final = 1 << 18
"""Bytes cut at a time; for each column as many are reserved."""
_ENCODINGS: Final = ("ascii", "utf-8", "utf-8-sig", "cp1252", "latin-1", "iso8859-1")


def read_columns(
    path: Path, encoding: str, delimiter: str, options: Options, *, hint: bool, first: str
) -> Table | None:
    """The table with its texts in columns, or nothing where it has to be read by rows.

    `first` is the line of the names; `hint` says that a line of Excel's own stands above it.
    """
    header = first.rstrip("\r\n").split(delimiter)
    plain = delimiter.isascii() and encoding in _ENCODINGS and path.stat().st_size >= LARGE
    asked = options.range is None and options.header_row in (None, 1)
    if not (plain and asked and any(map(str.strip, header))) or not _is_plain(path, options):
        return None
    read = _cells(path, encoding, delimiter, len(header), skip=int(hint), check=options.check)
    if read is None or (read.num_rows - 1) * len(header) > MAX_CELLS:
        return None
    start = 1 + options.skip_rows
    body = read.slice(start)
    del read
    columns = []
    while body.num_columns:
        options.check()
        columns.append(_coded(body.column(0)))
        body = body.remove_column(0)
    return _laid_out(header, columns, start, options)


def _is_plain(path: Path, options: Options) -> bool:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if chunk.endswith(b"\r"):
                chunk += file.read(1)
            if b'"' in chunk or chunk.count(b"\r") != chunk.count(b"\r\n"):
                return False
            options.check()
    return True


def _cells(
    path: Path, encoding: str, delimiter: str, width: int, *, skip: int, check: Check
) -> Any | None:
    """All rows, the names among them, as texts; nothing where they differ in length."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv as arrow_csv

    try:
        reader = arrow_csv.open_csv(
            path,
            arrow_csv.ReadOptions(
                encoding="utf8" if encoding in _ENCODINGS[:3] else encoding,
                autogenerate_column_names=True,
                skip_rows=skip,
                block_size=_BLOCK,
            ),
            arrow_csv.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=False),
            arrow_csv.ConvertOptions(
                column_types={f"f{n}": pa.large_string() for n in range(width)},
                null_values=[],
                strings_can_be_null=False,
            ),
        )
        read = pa.Table.from_batches(_watched(reader, check), reader.schema)
    except (pa.ArrowException, UnicodeError):
        return None
    longest = csv.field_size_limit()
    for column in read.columns:
        if (pc.max(pc.binary_length(column)).as_py() or 0) > longest:
            return None
    return read if read.num_columns == width else None


def _watched(reader: Any, check: Check) -> Iterator[Any]:
    for batch in reader:
        check()
        yield batch


def _coded(column: Any) -> Coded:
    found = column.combine_chunks().dictionary_encode()
    return Coded(found.dictionary.to_pylist(), found.indices)


def _laid_out(
    header: list[str], columns: Sequence[Coded], start: int, options: Options
) -> Table | None:
    """As the rows would be: of names and letters it only matters which columns have a value."""
    filled = [next(filter(str.strip, column.values), "") for column in columns]
    if not any(filled):
        return None
    table = laid_out([header, filled], Options(check=options.check))
    count = len(columns[0])
    kept = _not_empty(columns)
    if kept is None:
        table.places = range(start + 1, start + 1 + count)
    else:
        columns = [Coded(column.values, column.codes.take(kept)) for column in columns]
        table.places = array("Q", (start + 1 + place for place in kept.to_pylist()))
    table.skipped = count - len(table.places)
    table.columns = [columns[letter - 1] for letter in table.letters]
    return table


def _not_empty(columns: Sequence[Coded]) -> Any | None:
    """The places of rows with a value; nothing if these are all."""
    import pyarrow.compute as pc

    empty = None
    for column in columns:
        blank = [not text.strip() for text in column.values]
        if not any(blank):
            return None
        here = array_of(blank, bool).take(column.codes)
        empty = here if empty is None else pc.and_(empty, here)
        if not pc.any(empty).as_py():
            return None
    return pc.indices_nonzero(pc.invert(empty))
