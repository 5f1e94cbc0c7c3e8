"""A year of quarter-hours in Madrid, as the files that the examples read; the same every time."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from math import sin, tau
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from openpyxl import Workbook  # type: ignore[import-untyped]

QUARTERS = 35_040
"""Of a year with 365 days: one day has 92 and one 100."""
CLOCKS_FORWARD, CLOCKS_BACK = "2026-03-29", "2026-10-25"
START = datetime(2025, 12, 31, 23, tzinfo=UTC)
MADRID = ZoneInfo("Europe/Madrid")
CSV_HEAD = ("Fecha", "Contador", "Lectura (kWh)", "Energía (kWh)", "Temp. (°C)", "Observación")


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of an hour; money and energy in hundredths, which nothing rounds."""

    time: datetime
    kwh: int
    price: int
    """Of its hour, in cents for a MWh."""
    total: int
    degrees: int
    """In tenths."""

    @property
    def hour(self) -> str:
        """With its offset, so that the two hours from 02:00 in October are two."""
        return self.time.replace(minute=0).isoformat()

    @property
    def remark(self) -> str:
        """What somebody noted: now and then, in the signs of Spanish."""
        if self.time.minute == 15 and self.time.hour == 2 and self.time.day % 10 == 5:
            return "Sin señal; «lectura» no disponible"
        return f"Revisión según parte nº {self.time.day}" if self.kwh % 1_000 == 7 else ""


@cache
def quarters() -> tuple[Quarter, ...]:
    """All of the year."""
    chance = Random(2026)  # noqa: S311 - test data, nothing secret
    found, total, price = [], 109_650_225, 0
    for index in range(QUARTERS):
        time = (START + index * timedelta(minutes=15)).astimezone(MADRID)
        if time.minute == 0:
            price = round(7_000 + 6_000 * sin(tau * (time.hour - 14) / 24) + chance.gauss(0, 900))
        kwh = abs(round(chance.gauss(10_400 if 6 <= time.hour < 22 else 1_700, 800)))
        total += kwh
        degrees = round(150 + 120 * sin(tau * (index / QUARTERS - 0.3)) + chance.gauss(0, 20))
        found.append(Quarter(time, kwh, price, total, degrees))
    return tuple(found)


def make_files(folder: Path) -> None:
    """The three files of the examples' data, of a whole year."""
    _workbook(
        folder / "prices-2026.xlsx",
        ("hour", "Price (€/MWh)"),
        ((q.hour, q.price / 100) for q in quarters() if q.time.minute == 0),
    )
    _workbook(
        folder / "meter.xlsx",
        ("time", "hour", "meter", "kWh"),
        ((q.time.isoformat(), q.hour, "0417", q.kwh / 100) for q in quarters()),
    )
    with (folder / "lecturas.csv").open("w", encoding="latin-1", newline="") as file:
        writer = csv.DictWriter(file, CSV_HEAD, delimiter=";", lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(csv_rows())


def csv_rows() -> Iterator[Mapping[str, str]]:
    """As an office program in Spain writes them: local times, and no word of a zone."""
    for at, q in enumerate(quarters()):
        lost = q.remark.startswith("Sin")
        cells = (
            f"{q.time:%d/%m/%Y %H:%M}",
            f"0041{7 + at % 2}",
            "" if lost else _spanish(q.total, 2),
            "" if lost else _spanish(q.kwh, 2),
            _spanish(q.degrees, 1),
            q.remark,
        )
        yield dict(zip(CSV_HEAD, cells, strict=True))


def _spanish(number: int, digits: int) -> str:
    """`109650225` as `1.096.502,25`."""
    whole, rest = divmod(abs(number), 10**digits)
    sign = "-" if number < 0 else ""
    return f"{sign}{whole:,}".replace(",", ".") + f",{rest:0{digits}}"


def _workbook(path: Path, head: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(list(head))
    for row in rows:
        sheet.append(list(row))
    book.save(path)
