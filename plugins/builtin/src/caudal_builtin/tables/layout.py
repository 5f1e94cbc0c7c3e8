"""What both kinds of file come down to: names, columns, and what a person should know of them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Literal

from caudal_builtin.tables.coded import Column
from caudal_builtin.tables.problem import UnreadableTable
from caudal_builtin.tables.ranges import block, cut
from caudal_builtin.wording import counted

MAX_CELLS: Final = 20_000_000
CHECK_EVERY: Final = 10_000
"""Rows between two looks at whether the execution was cancelled."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to read a file; what is null is found out. `header_row` counts from 1.

    `skip_rows` are left out below the names; `range` is a block such as `B3:F200`, `B:F` or `B3`.
    """

    header_row: int | None = None
    skip_rows: int = 0
    range: str | None = None
    sheet: str | int | None = None
    delimiter: str | None = None
    encoding: str | None = None
    decimal: Literal[".", ","] | None = None
    check: Callable[[], None] = lambda: None


@dataclass(slots=True)
class Table:
    """Column by column what a file holds.

    `places` says of each row which one it is of the file, from 1, `letters` the same of each
    column; `skipped` counts empty rows.
    `warnings` and `notes` are lines for the node's log. `misfits` are cells that a person should
    look at, as `{cell, column, value, why}`, the first few of each kind.
    """

    names: list[str]
    columns: Sequence[Column]
    places: Sequence[int] = ()
    letters: Sequence[int] = ()
    skipped: int = 0
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    misfits: list[dict[str, Any]] = field(default_factory=list)


def laid_out(
    rows: Iterable[Sequence[Any]],
    options: Options,
    shown: Callable[[Any], Any] = lambda cell: cell,
) -> Table:
    """A table from its rows, the row of the names among them.

    Without `header_row` the names are the first row that is not empty. Rows may differ in length:
    what is missing is an empty text, what is beyond the names gets names of its own. A column that
    has neither a name nor a value is left out. `shown` gives what a person sees of a cell.
    """
    numbered = cut(rows, options.range)
    at, first = names_row(numbered, options.header_row)
    header = [_name(shown(cell)) for cell in first]
    at += sum(1 for _ in islice(numbered, options.skip_rows))
    body, places, last = _body(numbered, len(header), options.check)
    width = max([len(header), *map(len, body)])
    columns = _columns(body, width, options.check)
    header += [""] * (width - len(header))
    kept = [i for i in range(width) if header[i] or any(map(is_filled, columns[i]))]
    table = Table(_unique([header[i] for i in kept], kept), [columns[i] for i in kept], places)
    left = block(options.range).left if options.range else 0
    table.letters = [left + place + 1 for place in kept]
    table.skipped = max(last, at) - at - len(body)
    table.warnings = [*_about_names(header, kept, table.names), *_about_lengths(first, body)]
    return table


def _columns(
    body: Sequence[Sequence[Any]], width: int, check: Callable[[], None]
) -> list[list[Any]]:
    if body and set(map(len, body)) == {width}:
        check()
        return list(map(list, zip(*body, strict=True)))
    columns = []
    for i in range(width):
        check()
        columns.append([row[i] if i < len(row) else "" for row in body])
    return columns


def _body(
    numbered: Iterator[tuple[int, Sequence[Any]]], width: int, check: Callable[[], None]
) -> tuple[list[Sequence[Any]], Sequence[int], int]:
    """The rows below the names that are not empty, their places, and that of the last row."""
    body: list[Sequence[Any]] = []
    places, place = array("Q"), 0
    for place, row in numbered:
        if place % CHECK_EVERY == 0:
            check()
        if (row and is_filled(row[0])) or any(map(is_filled, row)):
            width = max(width, len(row))
            body.append(row)
            places.append(place)
            if len(body) * width > MAX_CELLS:
                check_size(len(body), width, "table", "tabla")
    return body, places, place


def check_size(rows: int, columns: int, what: str, what_es: str) -> None:
    """Refuse what, laid out as one block, would take all memory."""
    if rows * columns > MAX_CELLS:
        raise UnreadableTable(
            f"the {what} reaches over {rows} × {columns} cells, the limit is {MAX_CELLS}",
            es=f"la {what_es} abarca {rows} × {columns} celdas, el límite es {MAX_CELLS}",
            hint="remove what stands far outside the table, or split the file",
            hint_es="quite lo que esté lejos de la tabla o divida el archivo",
        )


def names_row(
    numbered: Iterator[tuple[int, Sequence[Any]]], header_row: int | None
) -> tuple[int, Sequence[Any]]:
    """The row of the names, and its place, from 1; what is above it is read past."""
    for place, row in numbered:
        if header_row is None and any(map(is_filled, row)):
            return place, row
        if place == header_row:
            if any(map(is_filled, row)):
                return place, row
            break
    if header_row is None:
        raise UnreadableTable(
            "the table is empty",
            es="la tabla está vacía",
            hint="give one with a row of names, or name the sheet that has it",
            hint_es="use una con una fila de nombres, o indique la hoja que la tiene",
        )
    raise UnreadableTable(
        f"row {header_row} holds no column names",
        es=f"la fila {header_row} no contiene nombres de columnas",
        hint="set headerRow to the row of the names, counted from 1",
        hint_es="ponga en headerRow la fila de los nombres, contando desde 1",
    )


def is_filled(cell: Any) -> bool:
    """Whether anything stands in a cell: nulls and blanks are nothing."""
    return not (cell is None or (type(cell) is str and (not cell or cell.isspace())))


def _name(cell: Any) -> str:
    """A column's name on one line, without the blanks around it."""
    text = "" if cell is None else str(cell)
    return " ".join(part.strip() for part in text.lstrip("\ufeff").splitlines()).strip()


def _unique(header: Sequence[str], places: Sequence[int]) -> list[str]:
    """`price`, `price_2`; a column without a name is called by its place: `column_3`."""
    given, taken = set(header), set[str]()
    counts: dict[str, int] = {}
    names: list[str] = []
    for name, place in zip(header, places, strict=True):
        plain = unique = name or f"column_{place + 1}"
        while unique in taken or (unique != name and unique in given):
            counts[plain] = counts.get(plain, 1) + 1
            unique = f"{plain}_{counts[plain]}"
        taken.add(unique)
        names.append(unique)
    return names


def _about_names(header: Sequence[str], kept: Sequence[int], names: Sequence[str]) -> list[str]:
    pairs = [(header[place], name) for place, name in zip(kept, names, strict=True)]
    nameless = [name for old, name in pairs if not old]
    doubled = [name for old, name in pairs if old and old != name]
    lines = []
    if nameless:
        lines.append(f"{counted(len(nameless), 'column')} without a name: {_list(nameless)}")
    if doubled:
        lines.append(f"{counted(len(doubled), 'column')} with a name used before: {_list(doubled)}")
    return lines


def _about_lengths(header: Sequence[Any], body: Sequence[Sequence[Any]]) -> list[str]:
    width = len(header)
    if set(map(len, body)) <= {width}:
        return []
    shorter = sum(len(row) < width for row in body)
    longer = sum(any(map(is_filled, row[width:])) for row in body if len(row) > width)
    lines = []
    if shorter:
        lines.append(f"{counted(shorter, 'row')} shorter than the header, filled with null")
    if longer:
        rows = counted(longer, "row")
        lines.append(f"{rows} longer than the header, kept in columns of their own")
    return lines


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
