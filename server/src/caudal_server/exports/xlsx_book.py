"""Records as an Excel workbook of one sheet.

Texts are texts, never formulas or links. What Excel's numbers do not hold stays a text: whole
numbers of more than 15 digits and exact decimals. Lists and objects are JSON texts. Null, a missing
field and an empty text are all an empty cell.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from caudal_core import Records
from caudal_core.formats import as_text
from caudal_core.values import JSON
from caudal_server.exports.options import Options
from caudal_server.refused import Refused

MOST_ROWS: Final = 1_048_576
MOST_COLUMNS: Final = 16_384
LONGEST: Final = 32_767
"""Characters that a cell holds."""

ROWS: Final = 10_000
_DIGITS: Final = 10**15
_PIECE: Final = 1_000_000


def xlsx_pieces(data: Records, _options: Options) -> Iterator[bytes]:
    """The workbook, made in a file and then read piece by piece."""
    names = data.columns
    _check(len(data) + 1, MOST_ROWS, "rows", "ask for a part of them by offset and limit, or for")
    _check(len(names), MOST_COLUMNS, "columns", "split the columns before, or ask for")
    with tempfile.TemporaryDirectory(prefix="caudal-xlsx-") as folder:
        path = Path(folder) / "data.xlsx"
        _write(path, data, names, Path(folder))
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece


def _check(count: int, most: int, what: str, advice: str) -> None:
    if count > most:
        detail = f"an Excel sheet has {most:,} {what} at most, and these would be {count:,}"
        raise Refused(422, "TOO_LARGE", detail, hint=f"{advice} format=csv or parquet")


def _write(path: Path, data: Records, names: list[str], folder: Path) -> None:
    import xlsxwriter

    # Row by row into a file, so that memory stays flat.
    how = {"constant_memory": True, "tmpdir": str(folder)}
    with xlsxwriter.Workbook(str(path), how) as book:
        sheet = book.add_worksheet("data")
        for column, name in enumerate(names):
            _put(sheet, 0, column, name, name)
        for start in range(0, len(data), ROWS):
            for index, row in enumerate(data.slice(start, ROWS), start + 1):
                for column, name in enumerate(names):
                    _put(sheet, index, column, row.get(name), name)


class _AllDigits(float):
    """A float written with all digits it needs, as Excel writes it; xlsxwriter cuts it at 16.

    1.7976931348623157e308 would be infinite then, and 1/7 another number.
    """

    __slots__ = ()

    def __format__(self, _spec: str, /) -> str:
        return float.__repr__(self)


def _put(sheet: Any, row: int, column: int, value: JSON, name: str) -> None:
    if value is None or value == "":
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, float):
        sheet.write_number(row, column, _AllDigits(value))
    elif isinstance(value, int) and abs(value) < _DIGITS:
        sheet.write_number(row, column, value)
    else:
        text = as_text(value) if isinstance(value, int | Decimal | list | dict) else value
        if len(text) > LONGEST:
            detail = f"row {row - 1}, column '{name}': an Excel cell holds {LONGEST:,} characters"
            hint = "ask for format=csv or parquet"
            raise Refused(422, "TOO_LARGE", f"{detail}, and this has {len(text):,}", hint=hint)
        sheet.write_string(row, column, text)
