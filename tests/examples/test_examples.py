"""The workflows in `examples/`: each is run and compared with what plain Python finds."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook  # type: ignore[import-untyped]

from caudal_core.engine import Engine, EngineOptions, Execution
from caudal_core.files import FileAccess
from caudal_core.graph import build_graph
from caudal_core.registry import load_registry
from caudal_core.triggers import Kept
from caudal_core.triggers.wanted import wanted_by
from caudal_core.triggers.watching import planned

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = [
    "each-morning",
    "limpieza-csv",
    "meter-cost",
    "per-row-branches",
    "power-peaks",
    "price-filter",
    "save-readings",
    "webhook-answer",
]
PRICE = "Price (€/MWh)"


def document(name: str) -> dict[str, Any]:
    """An example as it is stored."""
    found: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return found


async def executed(name: str, inputs: dict[str, Any] | None = None) -> Execution:
    """An example at its end."""
    options = EngineOptions(files=FileAccess([EXAMPLES]))
    async with Engine(load_registry(), options=options) as engine:
        execution = await engine.submit(document(name), inputs)
        assert await execution.finished(60)
        return execution


def left(execution: Execution, node_id: str) -> Any:
    """What a node handed on by its one port; nothing if it did not run."""
    found = [run.outputs for run in execution.runs if run.node_id == node_id and run.outputs]
    return next(iter(found[0].values())).data if found else None


@cache
def workbook(name: str) -> list[dict[str, Any]]:
    """The rows of a sample workbook."""
    return table(EXAMPLES / "data" / name)


def table(path: Path) -> list[dict[str, Any]]:
    """The rows of a workbook by column, times as ISO text."""
    sheet = load_workbook(path).active
    assert sheet is not None
    head, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(map(str, head), map(iso, row), strict=True)) for row in rows]


def iso(value: Any) -> Any:
    """A time as the engine hands it on."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def rounded(number: Decimal, places: str) -> float:
    """Rounded as on paper."""
    return float(number.quantize(Decimal(places), "ROUND_HALF_UP"))


def exact(number: float) -> Decimal:
    """The decimal that a person reads."""
    return Decimal(str(number))


def lecturas() -> Iterator[dict[str, str]]:
    """The rows of the Spanish csv, every cell the text that it is."""
    with (EXAMPLES / "data" / "lecturas.csv").open(encoding="latin-1", newline="") as file:
        yield from csv.DictReader(file, delimiter=";")


def number(text: str) -> float | None:
    """`1.096.502,25` as a number, an empty cell as none."""
    return float(text.replace(".", "").replace(",", ".")) if text else None


def test_all_examples_are_here() -> None:
    """Every workflow in the folder has a test in this file."""
    assert sorted(path.stem for path in EXAMPLES.glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_example_is_complete(name: str) -> None:
    """An example's id is its file's name; it has a name, and its nodes labels and positions."""
    found = document(name)
    assert name == found["id"]
    assert found["name"]
    assert found["description"]
    for node in found["nodes"]:
        assert {"label", "x", "y"} <= set(node)


@pytest.mark.parametrize("name", NAMES)
def test_example_is_explained(name: str) -> None:
    """The README beside the examples has a paragraph about each."""
    assert f"`{name}.json`" in (EXAMPLES / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_example_has_no_warnings(name: str) -> None:
    """An example uses no config key that is unknown."""
    assert () == build_graph(document(name), load_registry()).warnings


async def test_price_filter() -> None:
    """price-filter keeps the hours from 120 €/MWh, in their order, and adds the price of a kWh."""
    expected = [
        {**row, "Price (€/kWh)": rounded(exact(row[PRICE]) / 1000, "0.00001")}
        for row in workbook("prices-2026.xlsx")
        if row[PRICE] >= 120
    ]
    execution = await executed("price-filter")
    assert "completed" == execution.record.state
    assert 0 < len(expected) < len(workbook("prices-2026.xlsx")) / 4
    assert expected == left(execution, "result")


async def test_each_morning() -> None:
    """each-morning leaves the hours that cost nothing, and is due at six on working days."""
    expected = [row for row in workbook("prices-2026.xlsx") if row[PRICE] <= 0]
    execution = await executed("each-morning")
    assert "completed" == execution.record.state
    assert expected
    assert expected == left(execution, "result")
    found = document("each-morning")
    kept = Kept("each-morning", found["name"], 1, lambda: found)
    (wanted,) = wanted_by(kept, found, load_registry(), "UTC")
    friday = datetime(2026, 3, 27, 12, tzinfo=UTC)
    assert [datetime(2026, 3, 30, 4, tzinfo=UTC)] == planned(wanted, friday, friday, None, 1)


async def test_meter_cost() -> None:
    """meter-cost gives each reading the price of its hour and their product."""
    prices = {row["hour"]: row[PRICE] for row in workbook("prices-2026.xlsx")}
    priced = [{**row, PRICE: prices[row["hour"]]} for row in workbook("meter.xlsx")]
    costs = [exact(row["kWh"]) * exact(row[PRICE]) / 1000 for row in priced]
    execution = await executed("meter-cost")
    found = left(execution, "result")
    assert "completed" == execution.record.state
    assert 2972 == len(found)
    assert list(map(float, costs)) == pytest.approx([row["Cost (€)"] for row in found], abs=0.00006)
    assert priced == [{key: row[key] for key in row if key != "Cost (€)"} for row in found]


async def test_limpieza_csv() -> None:
    """limpieza-csv reads decimal commas, codes and Spanish dates, and parts the remarks off."""
    readings, remarks = [], []
    for row in lecturas():
        day, clock = row["Fecha"].split()
        date = "-".join(reversed(day.split("/")))
        head = {"fecha": f"{date}T{clock}:00", "contador": row["Contador"]}
        numbers = {
            "lectura_kwh": number(row["Lectura (kWh)"]),
            "energia_kwh": number(row["Energía (kWh)"]),
            "temperatura_c": number(row["Temp. (°C)"]),
        }
        readings.append(head | numbers)
        if row["Observación"]:
            remarks.append(head | {"observacion": row["Observación"]})
    execution = await executed("limpieza-csv")
    assert "completed" == execution.record.state
    assert 1486 == len(readings)
    assert "00417" == readings[0]["contador"]
    assert readings == left(execution, "lecturas")
    assert "Sin señal; lectura no disponible" in {row["observacion"] for row in remarks}
    assert remarks == left(execution, "incidencias")


async def test_per_row_branches() -> None:
    """per-row-branches puts a surcharge on readings above 120 kWh and keeps all readings."""
    rows = [{key: row[key] for key in ("time", "meter", "kWh")} for row in workbook("meter.xlsx")]
    expected = [
        {**row, "Surcharge (€)": rounded((exact(row["kWh"]) - 120) * Decimal("1.4064"), "0.01")}
        for row in rows
        if row["kWh"] > 120
    ]
    expected += [{**row, "Surcharge (€)": 0} for row in rows if row["kWh"] <= 120]
    execution = await executed("per-row-branches")
    assert "completed" == execution.record.state
    assert 50 < sum(row["Surcharge (€)"] > 0 for row in expected) < 200
    assert expected == left(execution, "result")


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (
            {"meter": "0417", "kWh": 131.5, "limit": 120},
            ("alarm", 202, {"meter": "0417", "alarm": True, "excess": 11.5}),
        ),
        (
            {"meter": "0417", "kWh": 98.25, "limit": 120},
            ("fine", 200, {"meter": "0417", "kWh": 98.25}),
        ),
    ],
)
async def test_webhook_answer(
    body: dict[str, Any], answer: tuple[str, int, dict[str, Any]]
) -> None:
    """webhook-answer answers 202 with the excess over the limit, 200 with the reading otherwise."""
    execution = await executed("webhook-answer", {"_webhookData": body})
    ended = {run.node_id: run for run in execution.runs if run.shown == "completed"}
    taken = [name for name in ("alarm", "fine") if name in ended]
    assert [answer[0]] == taken
    report = json.loads(ended[answer[0]].report)
    assert answer[1] == report["webhookResponseStatusCode"]
    assert answer[2] == report["webhookResponseBody"]


def test_data_is_what_the_script_makes(tmp_path: Path) -> None:
    """The sample data in the repository is what its script writes."""
    script = EXAMPLES / "data" / "make.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, timeout=60)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {"lecturas.csv", "meter.xlsx", "prices-2026.xlsx"} == set(made)
    assert made["lecturas.csv"] == (EXAMPLES / "data" / "lecturas.csv").read_bytes()
    for name in ("meter.xlsx", "prices-2026.xlsx"):
        assert workbook(name) == table(tmp_path / name)


def test_data_is_small() -> None:
    """No file of sample data is larger than 300 kB."""
    assert 300_000 > max(path.stat().st_size for path in (EXAMPLES / "data").iterdir())


def test_example_runs_from_the_command_line(tmp_path: Path) -> None:
    """`caudal run` prints the same final output, with the files beside the workflow at hand."""
    caudal = Path(sys.executable).with_name("caudal")
    command: list[str | Path] = [caudal, "run", EXAMPLES / "limpieza-csv.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=True)
    found = json.loads(done.stdout)
    assert {"lecturas", "incidencias"} == set(found)
    assert [row["Contador"] for row in lecturas()] == [row["contador"] for row in found["lecturas"]]
    assert "✓ Lecturas exportadas (csv)" in done.stderr.decode()
    assert [] == list(tmp_path.iterdir())
