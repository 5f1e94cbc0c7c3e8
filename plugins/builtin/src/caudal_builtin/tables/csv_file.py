"""Text files: cells between delimiters, in whatever encoding and style of numbers."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Final

from caudal_builtin.tables.cells import convert
from caudal_builtin.tables.encoding import encoding_of
from caudal_builtin.tables.layout import CHECK_EVERY, Options, Table, check_size, laid_out
from caudal_builtin.tables.problem import UnreadableTable
from caudal_builtin.tables.sniff import delimiter_of, title_above
from caudal_builtin.tables.text_columns import read_columns

_SAMPLE: Final = 200
_NO_DELIMITER: Final = "\x1f"
"""Parts the cells of a file that has one column: it stands in no text."""
_EXCEL_HINT = re.compile(r"\ufeff?sep=(.)\s*", re.IGNORECASE)


def read_text(path: Path, options: Options) -> Table:
    """The table in a text file; `UnreadableTable` says what is wrong with it, and where."""
    encoding = encoding_of(path, options.encoding)
    with path.open(encoding=encoding, newline="") as file:
        lines = iter(file)
        sample = list(islice(lines, _SAMPLE))
        hint = _EXCEL_HINT.fullmatch(sample[0]) if sample else None
        if hint is not None:  # a line that Excel writes for itself
            del sample[0]
        seen = sample[: _SAMPLE - 1] or sample
        said = options.delimiter or (hint[1] if hint else None)
        delimiter = said or delimiter_of(seen, options.header_row)
        table = None
        if delimiter and sample:
            table = read_columns(
                path, encoding, delimiter, options, hint=hint is not None, first=sample[0]
            )
        if table is None:
            rows = _rows(chain(sample, lines), delimiter or _NO_DELIMITER, options)
            table = laid_out(rows, options)
    table.encoding, table.delimiter = encoding, delimiter
    if said is None:
        table.warnings += title_above(seen, options.header_row, delimiter)
    convert(table, options)
    return table


def _rows(lines: Iterator[str], delimiter: str, options: Options) -> Iterator[list[str]]:
    cells = 0

    def watched() -> Iterator[str]:
        """The same lines; a row of too many cells is refused before it is cut into them."""
        nonlocal cells
        for line in lines:
            cells += line.count(delimiter)
            check_size(1, cells, "table", "tabla")
            yield line

    reader = csv.reader(watched(), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            cells = 0
            yield row
            if reader.line_num % CHECK_EVERY == 0:
                options.check()
    except csv.Error as error:
        raise _broken(reader.line_num, str(error)) from None


def _broken(line: int, why: str) -> UnreadableTable:
    return UnreadableTable(
        f"the file cannot be read at line {line}: {why}",
        es=f"el archivo no se puede leer en la línea {line}: {why}",
        hint="look for a quote that is never closed, or a quote inside a cell that is not doubled",
        hint_es="busque una comilla sin cerrar, o una comilla dentro de una celda sin duplicar",
    )
