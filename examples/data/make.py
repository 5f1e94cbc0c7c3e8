"""Make the sample data of the examples; the same values every time.

    .venv/bin/python examples/data/make.py [FOLDER]

writes into FOLDER, by default its own: `prices-2026.xlsx` (the electricity price of each hour of
the first quarter), `meter.xlsx` (what a plant drew in each quarter of an hour of March) and
`lecturas.csv` (two meters, as a Spanish office program exports them).

Times are local and carry no zone. The hour that the clocks skip on 29 March is not there.
"""

from __future__ import annotations

import csv
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from math import exp, sin, tau
from pathlib import Path
from random import Random
from typing import Any

from openpyxl import Workbook  # type: ignore[import-untyped]
from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped]
from openpyxl.styles import Font  # type: ignore[import-untyped]

Row = Sequence[Any]

YEAR_START = datetime(2026, 1, 1)  # noqa: DTZ001 - local, as the files have it
MARCH = datetime(2026, 3, 1)  # noqa: DTZ001
APRIL = datetime(2026, 4, 1)  # noqa: DTZ001
SKIPPED = datetime(2026, 3, 29, 2)  # noqa: DTZ001
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
SATURDAY, SUNDAY = 5, 6


def main(folder: Path) -> None:
    """Write the three files."""
    write_workbook(folder / "prices-2026.xlsx", "Prices", price_rows())
    write_workbook(folder / "meter.xlsx", "Readings", meter_rows())
    write_csv(folder / "lecturas.csv", csv_rows())


def times(start: datetime, step: timedelta) -> Iterator[datetime]:
    """Local times up to the end of March, without the hour that does not exist."""
    time = start
    while time < APRIL:
        if not SKIPPED <= time < SKIPPED + HOUR:
            yield time
        time += step


def bell(hour: float, centre: float, width: float) -> float:
    """A bump of height 1 at an hour of the day."""
    return exp(-(((hour - centre) / width) ** 2))


def price_rows() -> Iterator[Row]:
    """Dear mornings and evenings, middays that the spring sun makes cheap, at times below zero."""
    random = chance()
    yield "hour", "Price (€/MWh)"
    for time in times(YEAR_START, HOUR):
        season = (time - YEAR_START).days / 90
        price = 78 + 38 * bell(time.hour, 9, 2.2) + 62 * bell(time.hour, 20.5, 2.4)
        price -= (35 + 70 * season) * bell(time.hour, 14, 3.2)
        price -= 16 if time.weekday() >= SATURDAY else 0
        price += 12 * sin(tau * (time - YEAR_START).days / 11) + random.gauss(0, 7)
        yield time, round(price if price > 0 else price / 20, 2)


def meter_rows() -> Iterator[Row]:
    """A plant with two shifts from Monday to Friday and one on Saturday morning."""
    random = chance()
    yield "time", "hour", "meter", "kWh"
    for time in times(MARCH, QUARTER):
        last = 22 if time.weekday() < SATURDAY else 14
        works = 6 <= time.hour < last and time.weekday() != SUNDAY
        energy = random.gauss(104, 10) if works else random.gauss(17, 1.5)
        yield time, time.replace(minute=0), "0417", round(energy, 2)


def csv_rows() -> Iterator[Row]:
    """Two meters hour by hour; a reading is missing now and then, with a remark about it."""
    random = chance()
    yield "Fecha", "Contador", "Lectura (kWh)", "Energía (kWh)", "Temp. (°C)", "Observación"
    totals = {"00417": 48_213.7, "00418": 1_096_502.25}
    for time in times(MARCH, HOUR):
        degrees = 9 + 6 * sin(tau * (time.hour - 9) / 24) + random.gauss(0, 2)
        for meter, total in totals.items():
            energy = round(abs(random.gauss(210 if 6 <= time.hour < 22 else 55, 18)), 2)
            reading = totals[meter] = total + energy
            remark = remark_at(time, meter)
            lost = remark.startswith("Sin señal")
            numbers = ("", "") if lost else (spanish(reading, 2), spanish(energy, 2))
            yield f"{time:%d/%m/%Y %H:%M}", meter, *numbers, spanish(degrees, 1), remark


def remark_at(time: datetime, meter: str) -> str:
    """What somebody noted beside a reading."""
    if time.day % 10 == 4 and meter == "00418" and 3 <= time.hour <= 4:
        return "Sin señal; lectura no disponible"
    if time.day % 7 == 2 and time.hour == 8 and meter == "00417":
        return "Revisión según parte nº " + str(300 + time.day)
    return ""


def chance() -> Random:
    """The same dice for every run."""
    return Random(2026)  # noqa: S311 - sample data, nothing secret


def spanish(number: float, digits: int) -> str:
    """`1096502.25` as `1.096.502,25`."""
    return f"{number:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def write_csv(path: Path, rows: Iterable[Row]) -> None:
    """Semicolons, Latin-1 and the line ends of Windows."""
    with path.open("w", encoding="latin-1", newline="") as file:
        csv.writer(file, delimiter=";", lineterminator="\r\n").writerows(rows)


def write_workbook(path: Path, title: str, rows: Iterator[Row]) -> None:
    """One sheet with a bold header."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    for letter in "ABCD":
        sheet.column_dimensions[letter].width = 18
    sheet.append([cell(sheet, name, font=Font(bold=True)) for name in next(rows)])
    for row in rows:
        sheet.append([cell(sheet, value) for value in row])
    book.save(path)
    forget_when(path)


def cell(sheet: Any, value: Any, font: Font | None = None) -> WriteOnlyCell:
    """A cell; a time is shown to the minute."""
    made = WriteOnlyCell(sheet, value)
    if font is not None:
        made.font = font
    if isinstance(value, datetime):
        made.number_format = "yyyy-mm-dd hh:mm"
    return made


def forget_when(path: Path) -> None:
    """Leave out of a workbook when it was written, so that equal data is an equal file."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    moment = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
    parts["docProps/core.xml"] = moment.sub(b"2026-04-01T00:00:00Z", parts["docProps/core.xml"])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as book:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            book.writestr(entry, content)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
