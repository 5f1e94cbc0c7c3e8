"""Files as tests of `excelInput` write and read them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]

from caudal_builtin.excel_input import excel_input
from caudal_core.files import FileAccess
from caudal_core.testing.handlers import Ran, run_handler

Read = Callable[..., Ran]

SPANISH = (
    "Fecha;Precio (€/MWh);CP;Teléfono;Años\n"
    "01/02/2024 00:00;1.234,56;08001;+34600111222;3\n"
    "01/02/2024 01:00;-0,5;28001;+34600111223;12\n"
    "13/02/2024 02:15;12;08002;+34600111224;1\n"
)
"""A file as Spanish programs write it."""


def reader(folder: Path) -> Read:
    """Writes a file of this content and reads it: `read("a;b", decimal=",")`."""

    def run(content: str | bytes | Path, *, name: str = "file.csv", **config: Any) -> Ran:
        path = folder / name
        if isinstance(content, Path):
            content = content.read_bytes()
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        stored = {"filePath": name, **config}
        return run_handler(excel_input, {}, stored, files=FileAccess([folder]))

    return run


def workbook(path: Path, *sheets: Any, names: tuple[str, ...] = ()) -> Path:
    """A workbook with these sheets, written beside where it will be read."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for index, rows in enumerate(sheets):
        sheet = book.create_sheet(names[index] if names else f"Sheet{index + 1}")
        for row in rows:
            sheet.append(row)
    target = path / "made.xlsx"
    book.save(target)
    return target


def warnings(ran: Ran) -> list[str]:
    """The warnings in the log of a run."""
    return [line["message"] for line in ran.log if line["level"] == "warning"]
