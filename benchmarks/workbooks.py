"""A large workbook, written as text: libraries take minutes for what is read in a second."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

_OOXML = "http://schemas.openxmlformats.org"
_SHEETS = f"{_OOXML}/spreadsheetml/2006/main"
_RELATIONS = f"{_OOXML}/officeDocument/2006/relationships"
_PACKAGE = f"{_OOXML}/package/2006"
_WORDS = ("when", "plant", "price", "power", "count", "code", "note", "ok")
_PLACES = ("north", "south", "east", "west", "Málaga", "Ñuñoa")
_AT_ONCE = 5_000

_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_SHEETS}" xmlns:r="{_RELATIONS}"><sheets>'
    '<sheet name="Data" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_RELATIONS}/sharedStrings" Target="sharedStrings.xml"/>'
    f'<Relationship Id="rId3" Type="{_RELATIONS}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_SHEETS}"><cellXfs count="2"><xf numFmtId="0"/>'
    '<xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>',
    "xl/sharedStrings.xml": f'<sst xmlns="{_SHEETS}">'
    + "".join(f"<si><t>{text}</t></si>" for text in (*_WORDS, *_PLACES))
    + "</sst>",
}


def write_workbook(path: Path, rows: int) -> None:
    """So many rows of a moment, two shared texts, two decimals, a whole number, a code, a flag."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _PARTS.items():
            archive.writestr(name, text)
        with archive.open("xl/worksheets/sheet1.xml", "w") as file:
            file.write(f'<worksheet xmlns="{_SHEETS}"><sheetData><row r="1">'.encode())
            for place, letter in enumerate("ABCDEFGH"):
                file.write(f'<c r="{letter}1" t="s"><v>{place}</v></c>'.encode())
            file.write(b"</row>")
            for start in range(2, rows + 2, _AT_ONCE):
                end = min(start + _AT_ONCE, rows + 2)
                file.write("".join(map(_row, range(start, end))).encode())
            file.write(b"</sheetData></worksheet>")


def _row(n: int) -> str:
    chance = random.Random(n)  # noqa: S311 - data, no secret
    return (
        f'<row r="{n}"><c r="A{n}" s="1"><v>{46_000 + n * 15 / 1440!r}</v></c>'
        f'<c r="B{n}" t="s"><v>{8 + n % 6}</v></c><c r="C{n}"><v>{chance.random() * 100!r}</v></c>'
        f'<c r="D{n}"><v>{round(chance.random() * 1000, 3)}</v></c><c r="E{n}"><v>{n}</v></c>'
        f'<c r="F{n}" t="inlineStr"><is><t>C{n:07}</t></is></c>'
        f'<c r="G{n}" t="s"><v>{8 + n * 7 % 6}</v></c><c r="H{n}" t="b"><v>{n % 2}</v></c></row>'
    )
