"""What a file is, by its content and never by its name; and the character between its cells."""

from __future__ import annotations

import contextlib
import csv
import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from caudal_builtin.tables.numerals import with_comma
from caudal_builtin.tables.problem import UnreadableTable, refused, with_password

MAX_BYTES: Final = 200_000_000
MAX_UNPACKED: Final = 1_000_000_000
DELIMITERS: Final = (";", "\t", "|", ",")
"""What may stand between cells; of equals the one that numbers and texts hold least."""
_FEWEST: Final = 2
_AGREEING: Final = 0.6
"""How many rows, and which part of all, agree on a delimiter if that is to be said."""

Kind = Literal["xlsx", "xls", "xlsb", "ods", "parquet", "text"]

_BEGINNINGS: Final = (
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
)
_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""A workbook with a password is an old container of this one stream."""

_BOOKS: Final[tuple[tuple[str, Kind], ...]] = (
    ("xl/workbook.xml", "xlsx"),
    ("xl/workbook.bin", "xlsb"),
    ("content.xml", "ods"),
)
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|table|\?xml)", re.IGNORECASE)


def kind_of_file(path: Path) -> Kind:
    """Whether a file is a workbook or a text; `UnreadableTable` says what else it is."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise refused(
            f"it has {size / 1e6:.0f} MB, the limit is {MAX_BYTES / 1e6:.0f} MB",
            f"ocupa {size / 1e6:.0f} MB, el límite es {MAX_BYTES / 1e6:.0f} MB",
            *_SPLIT,
        )
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        raise refused("it is empty", "está vacío", *_FILLED)
    if start.startswith(b"PK\x03\x04"):
        return _workbook(path)
    if start.startswith(_OLD):
        if _ENCRYPTED in path.read_bytes():
            raise with_password()
        return "xls"
    if start.startswith(b"PAR1"):
        return "parquet"
    for beginning, what in _BEGINNINGS:
        if start.startswith(beginning):
            raise _no_table(what)
    if _MARKUP.match(start):
        raise _no_table("an HTML or XML document", *_FROM_A_PAGE)
    return "text"


def _workbook(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {member.filename: member.file_size for member in archive.infolist()}
            secret = "META-INF/manifest.xml" in sizes and _is_secret(archive)
    except (zipfile.BadZipFile, OSError, RuntimeError):
        raise refused("it is a damaged workbook or archive", "está dañado", *_AGAIN) from None
    kind = next((kind for name, kind in _BOOKS if name in sizes), None)
    if kind is None:
        raise _no_table("a zip archive that is no workbook")
    if secret:
        raise with_password()
    if sum(sizes.values()) > MAX_UNPACKED:
        raise refused(
            f"unpacked it has more than {MAX_UNPACKED / 1e6:.0f} MB",
            f"descomprimido ocupa más de {MAX_UNPACKED / 1e6:.0f} MB",
            *_SPLIT,
        )
    return kind


def _is_secret(archive: zipfile.ZipFile) -> bool:
    """Whether an OpenDocument file says that its parts are encrypted."""
    with archive.open("META-INF/manifest.xml") as file:
        return b"encryption-data" in file.read(1_000_000)


def _no_table(what: str, *hints: str) -> UnreadableTable:
    return refused(f"it is {what}", f"su contenido no es una tabla ({what})", *hints)


_SPLIT: Final = ("split it into several files", "divídalo en varios archivos")
_FILLED: Final = (
    "see that it was saved and sent whole: a table has a row of names",
    "compruebe que se guardó y se envió entero: una tabla tiene una fila de nombres",
)
_AGAIN: Final = (
    "open it in Excel and save it again as .xlsx",
    "ábralo en Excel y guárdelo de nuevo como .xlsx",
)
_FROM_A_PAGE: Final = (
    "whatever its name says, it is a page: open it in Excel and save it as .xlsx",
    "diga lo que diga su nombre, es una página: ábralo en Excel y guárdelo como .xlsx",
)


def delimiter_of(lines: Sequence[str], header_row: int | None) -> str | None:
    """The character between the cells of these lines; nothing if there is one column only.

    It is the one that cuts the most rows into as many cells as the row of the names.
    """
    best, found = (0.0, 1), None
    for delimiter in DELIMITERS:
        widths = [width for _, width in _widths(lines, delimiter, header_row)]
        width = widths[0] if widths else 0
        alike = widths.count(width) / len(widths) if widths else 0.0
        if width > 1 and (alike, width) > best:
            best, found = (alike, width), delimiter
    return found


def title_above(lines: Sequence[str], header_row: int | None, found: str | None) -> list[str]:
    """A line for the log where the rows agree on a delimiter that the row of the names lacks."""
    if found is not None and _agreeing(lines, found, header_row) is not None:
        return []
    for delimiter in DELIMITERS:
        place = None if delimiter == found else _agreeing(lines, delimiter, header_row)
        if place is not None:
            shown = "tab" if delimiter == "\t" else delimiter
            line = f"the row of the names lacks the delimiter '{shown}' on which the rows below "
            return [line + f"agree; if the names stand in row {place}, set headerRow to {place}"]
    return []


def _agreeing(lines: Sequence[str], delimiter: str, header_row: int | None) -> int | None:
    """The place of the first row below the names with as many cells as nearly all of them have."""
    below = _widths(lines, delimiter, header_row)[1:]
    if len(below) < _FEWEST:
        return None
    (width, count), *_ = Counter(width for _, width in below).most_common(1)
    if width == 1 or count < _AGREEING * len(below):
        return None
    texts = [line.strip() for line in lines[header_row or 1 :] if line.strip()]
    if delimiter == "," and all(with_comma(text) is not None for text in texts):
        return None  # one column of numbers with decimal commas
    return next(place for place, cells in below if cells == width)


def _widths(lines: Sequence[str], delimiter: str, header_row: int | None) -> list[tuple[int, int]]:
    """Of the rows from that of the names on which are not empty: the place, from 1, and cells."""
    rows = list(enumerate(_rows(lines, delimiter), 1))[(header_row or 1) - 1 :]
    return [(place, len(row)) for place, row in rows if any(map(str.strip, row))]


def _rows(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """The rows up to the first that cannot be read; the reading itself will say why."""
    rows: list[list[str]] = []
    with contextlib.suppress(csv.Error):
        rows.extend(csv.reader(lines, delimiter=delimiter))
    return rows
