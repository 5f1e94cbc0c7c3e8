"""What it takes to read files, beside the library that does it by hand in the same run.

Each reading is a process of its own, in turn with its floor. Ours counts from the handler's call,
with a worker that is warm, to its records as a list of objects, though the next node may take them
in columns; the library's from its call, imported already, to the same kind of value. Peaks are of
all processes that take part.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import ratio
from benchmarks.workbooks import write_workbook

TURNS = 3
SHEET_ROWS = 200_000
TEXT_ROWS = 1_000_000
PAGES = 200

OURS = """
from caudal_builtin.{module} import {handler}
from caudal_core.files import FileAccess
from caudal_core.testing.handlers import run_handler
from caudal_core.handler import Handler
from caudal_core.context import Context, Environment
files = FileAccess([folder])
def read(name):
    ctx = Context("n", Environment(files=files))
    return {handler}({handler}.parse({{"filePath": name}}), {{}}, ctx)
read(small)
def work():
    return read(large){rows}
"""
FASTEXCEL = """
import fastexcel, pyarrow
fastexcel.read_excel(folder + "/" + small).load_sheet(0).to_arrow()
def work():
    return fastexcel.read_excel(folder + "/" + large).load_sheet(0).to_arrow().to_pylist()
"""
PYARROW = """
from pyarrow import csv
options = csv.ParseOptions(delimiter=";")
csv.read_csv(folder + "/" + small, parse_options=options)
def work():
    return csv.read_csv(folder + "/" + large, parse_options=options).to_pylist()
"""
PDFIUM = """
import pypdfium2
def read(name):
    document = pypdfium2.PdfDocument(folder + "/" + name)
    return [document[n].get_textpage().get_text_bounded() for n in range(len(document))]
read(small)
def work():
    return read(large)
"""
TIMED = """
import json, os, sys, time
folder, small, large = sys.argv[1:]
{script}
begin = time.perf_counter()
found = work()
seconds = time.perf_counter() - begin
def peak(pid):
    with open(f"/proc/{{pid}}/status") as file:
        own = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    with open(f"/proc/{{pid}}/task/{{pid}}/children") as file:
        return own + sum(map(peak, file.read().split()))
print(json.dumps([seconds, peak(os.getpid()) / 1000]))
"""


def figures() -> Iterator[dict[str, Any]]:
    """A workbook, a text and a document, each beside its library."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_workbook(folder / "small.xlsx", 10)
        write_workbook(folder / "large.xlsx", SHEET_ROWS)
        excel = OURS.format(module="excel_input", handler="excel_input", rows=".view()")
        yield _pair(
            f"xlsx of {SHEET_ROWS:,} × 8 to records",
            folder,
            "xlsx",
            excel,
            FASTEXCEL,
            floor="fastexcel by hand, to a list of objects",
            most=1.5,
        )
        _write_text(folder / "small.csv", 10)
        _write_text(folder / "large.csv", TEXT_ROWS)
        yield _pair(
            f"csv of {TEXT_ROWS:,} × 6 to records",
            folder,
            "csv",
            excel,
            PYARROW,
            floor="pyarrow.csv by hand, to a list of objects",
            most=None,
        )
        _write_document(folder / "small.pdf", 2)
        _write_document(folder / "large.pdf", PAGES)
        pdf = OURS.format(module="pdf_input", handler="pdf_input", rows="")
        yield _pair(
            f"pdf of {PAGES} pages to text",
            folder,
            "pdf",
            pdf,
            PDFIUM,
            floor="pypdfium2 by hand",
            most=1.5,
        )


def _pair(
    name: str, folder: Path, kind: str, script: str, hand: str, *, floor: str, most: float | None
) -> dict[str, Any]:
    turns = [[_timed(code, folder, kind) for code in (script, hand)] for _ in range(TURNS)]
    values, floors = ([turn[n][0] for turn in turns] for n in (0, 1))
    peaks = {
        key: round(max(t[n][1] for t in turns)) for n, key in enumerate(("peakMB", "floorPeakMB"))
    }
    return ratio(name, values, floors, "s", floor=floor, most=most, **peaks)


def _timed(script: str, folder: Path, kind: str) -> tuple[float, float]:
    code = TIMED.format(script=script)
    names = [str(folder), f"small.{kind}", f"large.{kind}"]
    done = subprocess.run(
        [sys.executable, "-c", code, *names], check=True, capture_output=True, text=True
    )
    seconds, megabytes = json.loads(done.stdout)
    return seconds, megabytes


def _write_text(path: Path, rows: int) -> None:
    """A Spanish file: semicolons, decimal commas, dd/mm/yyyy."""
    chance = random.Random(1)  # noqa: S311 - data, no secret
    with path.open("w", encoding="utf-8") as file:
        file.write("Fecha;Planta;Precio (€/MWh);Potencia;CP;Nota\n")
        for n in range(rows):
            price = f"{chance.uniform(-10, 300):.2f}".replace(".", ",")
            file.write(
                f"{n % 28 + 1:02}/01/2026 {n % 24:02}:15;Planta {n % 50};{price};{n % 1000};"
                f"{n % 10000:05};{'ok' if n % 3 else ''}\n"
            )


def _write_document(path: Path, pages: int) -> None:
    from tests.builtin.pdfs import pdf

    page = "\n".join(f"Line {n}: price {n * 1.5} EUR/MWh at plant {n % 7}" for n in range(60))
    path.write_bytes(pdf([page] * pages, compress=True))
