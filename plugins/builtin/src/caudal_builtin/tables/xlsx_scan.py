"""A look at a sheet before it is read.

The reader lays a sheet out as one block from its first cell to its last: two cells in far corners
would take all memory there is. It also shows cells with errors and formulas without a stored
result as empty; here they are counted.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from xml.parsers import expat

from caudal_builtin.tables.layout import check_size

_CHUNK: Final = 1 << 20
_LONGEST: Final = 4 * _CHUNK
"""No cell is so long: whatever that is need not be held together."""
_ENDS: Final = (b"</c>", b":c>", b"/>")
_REFERENCE = re.compile(rb' r="([A-Za-z]{0,3})([0-9]{1,9})"')
_ANY_REFERENCE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{0,3})([0-9]{1,9})["']""")
SHOWN: Final = 20
"""Cells that are told one by one."""

_UNUSUAL: Final = (b"\tr", b"\nr", b"\rr", b"r='", b"r =", b"r= ")
"""What shows that attributes are written in another way than Excel does, which takes longer."""
_NO_RESULT = re.compile(  # what is taken is never given back, so that no sheet makes it slow
    rb"</(?:\w+:)?f>\s*+(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?+\s*+$"
)
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]*)<")
_EMPTY_LOOKING: Final = ((b"e", b't="e"'), (b"'", b"t='e'"), (b"f", b"f>"))
_ISO: Final = ((b"d", b't="d'), (b"'", b"t='d"))
"""What shows cells of these kinds, and a byte of it that few sheets hold many of."""
_DATA_END = re.compile(rb"</(?:\w+:)?sheetData\s*>")
_OVERLAP: Final = 64
"""Bytes of a chunk that are looked at again with the next, as a mark may be cut in two."""
_CELL_END = re.compile(rb"</(?:\w+:)?c>")


@dataclass(slots=True)
class SheetScan:
    """How far a sheet reaches, and its cells that will look empty.

    `iso` says that there may be moments written as texts. `tail` is what follows the cells, or null
    where that is longer than of any sheet that is worth a hurry.
    """

    rows: int = 0
    columns: int = 0
    iso: bool = False
    tail: bytes | None = b""
    errors: int = 0
    formulas: int = 0
    cells: list[dict[str, Any]] = field(default_factory=list)


def scan(path: Path, sheet: str) -> SheetScan:
    """Look at a sheet; `UnreadableTable` if it is too large to lay out."""
    found = SheetScan()
    with zipfile.ZipFile(path) as archive:
        member = member_of(archive, sheet)
        if member is None:
            return found
        for piece in _pieces(archive, member):
            _count(piece, found)
            check_size(found.rows, found.columns, f"sheet '{sheet}'", f"hoja '{sheet}'")
    return found


def glance(path: Path, sheet: str) -> SheetScan:
    """Only what kinds of cells there are: a fraction of the time that a scan takes."""
    found = SheetScan()
    with zipfile.ZipFile(path) as archive:
        member = member_of(archive, sheet)
        if member is None:
            return found
        if _look(archive, member, found):
            for piece in _pieces(archive, member):
                _empty_looking(piece, found)
    return found


def _look(archive: zipfile.ZipFile, member: str, found: SheetScan) -> bool:
    """Whether any cell will look empty; and whether there may be moments as texts."""
    empty_looking, end = False, b""
    with archive.open(member) as file:
        while chunk := file.read(_CHUNK):
            piece = end + chunk
            empty_looking = empty_looking or any(_holds(piece, *mark) for mark in _EMPTY_LOOKING)
            found.iso = found.iso or any(_holds(piece, *mark) for mark in _ISO)
            found.tail = _tail(found.tail, piece, chunk)
            end = chunk[-_OVERLAP:]
    return empty_looking


def _tail(before: bytes | None, piece: bytes, chunk: bytes) -> bytes | None:
    """What follows the cells, one chunk further."""
    if before:
        return before + chunk if len(before) < _LONGEST else None
    if before is None or b"sheetData" not in piece:
        return before
    ends = _DATA_END.search(piece)
    return piece[ends.start() :] if ends else b""


def _holds(piece: bytes, rare: bytes, mark: bytes) -> bool:
    """Whether a mark is there; of a byte that is mostly not, that is known ten times as soon."""
    return rare in piece and mark in piece


def size_of(path: Path, sheet: str) -> int:
    """The bytes of a sheet, unpacked; 0 where it is not found."""
    with zipfile.ZipFile(path) as archive:
        member = member_of(archive, sheet)
        return archive.getinfo(member).file_size if member else 0


def sheets_of(archive: zipfile.ZipFile) -> list[str]:
    """The names of all sheets."""
    found = _elements(archive, "xl/workbook.xml")
    return [attributes.get("name", "") for name, attributes in found if name == "sheet"]


def _pieces(archive: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    """The sheet in pieces that end with a cell, so that nothing is cut in two."""
    rest = b""
    with archive.open(member) as file:
        while chunk := file.read(_CHUNK):
            whole = rest + chunk
            end = max(whole.rfind(mark) + len(mark) if mark in whole else 0 for mark in _ENDS)
            if len(whole) - end > _LONGEST:
                end = len(whole)
            piece, rest = whole[:end], whole[end:]
            yield piece
    yield rest


def _count(piece: bytes, found: SheetScan) -> None:
    unusual = any(mark in piece for mark in _UNUSUAL)
    references = (_ANY_REFERENCE if unusual else _REFERENCE).findall(piece)
    if references:
        letters, digits = zip(*references, strict=True)
        found.rows = max(found.rows, *map(int, set(digits)))
        found.columns = max(found.columns, *map(_column, set(letters)))
    _empty_looking(piece, found)


def _empty_looking(piece: bytes, found: SheetScan) -> None:
    """Count cells with errors and formulas without results, and keep the first few."""
    errors = piece.count(b't="e"') + piece.count(b"t='e'")
    if not errors and b"f>" not in piece:
        return
    found.errors += errors
    for cell in _CELL_END.split(piece):
        if b't="e"' in cell or b"t='e'" in cell:
            _keep(found, cell, "an error")
        elif b"f>" in cell and _NO_RESULT.search(cell):
            found.formulas += 1
            _keep(found, cell, "a formula without a stored result")


def _keep(found: SheetScan, cell: bytes, why: str) -> None:
    if len(found.cells) >= SHOWN:
        return
    start = cell.rfind(b"<c ")
    reference = _ANY_REFERENCE.search(cell, max(start, 0))
    shown = _VALUE.search(cell)
    value = shown[1].decode("utf-8", "replace")[:40] if shown else None
    name = (reference[1] + reference[2]).decode() if reference else None
    found.cells.append({"cell": name, "value": value, "why": why})


def _column(letters: bytes) -> int:
    """`A` is 1, `Z` 26, `AA` 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def member_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The name of the file in the archive that holds a sheet."""
    wanted = ""
    for name, attributes in _elements(archive, "xl/workbook.xml"):
        if name == "sheet" and attributes.get("name") == sheet:
            wanted = next((v for k, v in attributes.items() if k.endswith(":id")), "")
    for name, attributes in _elements(archive, "xl/_rels/workbook.xml.rels"):
        if name == "Relationship" and attributes.get("Id") == wanted:
            target = attributes.get("Target", "")
            return target.lstrip("/") if target.startswith(("/", "xl/")) else f"xl/{target}"
    return None


def _elements(archive: zipfile.ZipFile, member: str) -> list[tuple[str, dict[str, str]]]:
    """The elements of a small XML file, without their prefixes, in order."""
    found: list[tuple[str, dict[str, str]]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        found.append((name.rpartition(":")[2], attributes))

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.Parse(archive.read(member), True)  # noqa: FBT003 - expat's own form
    return found
