"""The examples over a year of quarter-hours, with both changes of the clocks in it.

What comes out is compared with what plain Python makes of the numbers that the files were made of,
and it is the same however the data travels: as it comes, in columns, and in parts so small that
they are rows everywhere. A webhook is called for the two nights in which the clocks change alone:
a call for every quarter-hour of the year would take minutes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.examples.test_examples import document
from tests.examples.year import CLOCKS_BACK, CLOCKS_FORWARD, QUARTERS, csv_rows, make_files
from tests.examples.year import quarters as year
from tests.server.test_entities import serving

from caudal_builtin.excel_input import excel_input
from caudal_builtin.tables.config import ExcelInputConfig
from caudal_core import Context, Records, handler
from caudal_core.engine import Engine, EngineOptions, FolderStorage
from caudal_core.files import FileAccess
from caudal_core.registry import Registry, load_registry

pytestmark = pytest.mark.xdist_group("year")  # the files are made once

PART = QUARTERS // 4
"""Rows of a part: fewer than those from which on a file is handed over in columns."""
PRICE = "Price (€/MWh)"
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of a year where the examples look for theirs."""
    folder = tmp_path_factory.mktemp("year")
    (folder / "data").mkdir()
    make_files(folder / "data")
    return folder


@handler("excelInput", effect="idempotent")
def in_columns(config: ExcelInputConfig, data: Any, ctx: Context) -> Records:
    """The same table in columns; whole numbers among others are written as those, 5.0 for 5."""
    found = excel_input(config, data, ctx)
    columns = {name: found.column(name) for name in found.columns}
    for name, values in columns.items():
        if set(map(type, values)) == {int, float}:
            columns[name] = list(map(float, values))  # type: ignore[arg-type] # they are numbers
    table = Records(pa.table(columns))
    assert table.in_columns
    return table


@cache
def installed() -> Registry:
    """All that there is."""
    return load_registry()


@cache
def columnar() -> Registry:
    """The same, with workbooks that arrive in columns."""
    found = (one.handler for one in installed().handlers.values())
    return Registry.of(*(one for one in found if one.type != "excelInput"), in_columns)


async def results(
    workflow: dict[str, Any],
    files: Path,
    folder: Path | None = None,
    registry: Registry | None = None,
) -> dict[str, Any]:
    """What each output node of a workflow hands on; with a folder it is read back from there."""
    storage = FolderStorage(folder) if folder else None
    options = EngineOptions(files=FileAccess([files]))
    async with Engine(registry or installed(), storage=storage, options=options) as engine:
        execution = await engine.submit(workflow)
        assert await execution.finished(60)
        assert "completed" == execution.record.state, execution.record.error
        view = await engine.view(execution.id)
        return {
            run.node_id: await engine.data(payload)
            for run in view.runs
            if run.type == "output"
            for payload in (run.outputs or {}).values()
        }


def parts(workflow: dict[str, Any], file: str) -> Iterator[dict[str, Any]]:
    """The workflow over one part of a file after the other."""
    for start in range(0, QUARTERS, PART):
        part = json.loads(json.dumps(workflow))
        for node in part["nodes"]:
            if node["type"] == "excelInput" and node["config"]["filePath"].endswith(file):
                block = f"A1:F{1 + start + PART}"
                node["config"] |= {"headerRow": 1, "skipRows": start, "range": block}
        yield part


async def every_way(name: str, file: str, files: Path, folder: Path) -> dict[str, Rows]:
    """The results of an example, which are the same however the data travels."""
    workflow = document(name)
    found = await results(workflow, files, folder)
    assert found == await results(workflow, files, registry=columnar())
    small = [await results(part, files) for part in parts(workflow, file)]
    whole = {node: [row for part in small for row in part[node]] for node in found}
    assert _sorted(name, whole) == _sorted(name, found)
    return found


def _sorted(name: str, found: dict[str, Rows]) -> dict[str, Rows]:
    """The branches of per-row-branches come one behind the other, in each part anew."""
    if name != "per-row-branches":
        return found
    return {node: sorted(rows, key=lambda row: str(row["time"])) for node, rows in found.items()}


def rounded(number: float, digits: int, exact: Decimal) -> float:
    """Of what doubles compute, halves away from zero; no further off than that allows."""
    found = Decimal(repr(number)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    assert abs(found - exact) <= Decimal("0.5000001").scaleb(-digits)
    return float(found)


def test_the_year_has_both_changes_of_the_clocks() -> None:
    """92 quarter-hours on the one day, 100 on the other, and no instant twice."""
    days = Counter(f"{q.time:%Y-%m-%d}" for q in year())
    assert (92, 100) == (days.pop(CLOCKS_FORWARD), days.pop(CLOCKS_BACK))
    assert {96} == set(days.values())
    assert QUARTERS == len({q.time.isoformat() for q in year()})


async def test_price_filter(files: Path, tmp_path: Path) -> None:
    """The dear hours of the year, in order, each with the price of a kWh."""
    expected = [
        {
            "hour": q.hour,
            PRICE: q.price / 100,
            "Price (€/kWh)": rounded(q.price / 100 / 1000, 5, Decimal(q.price).scaleb(-5)),
        }
        for q in year()
        if q.time.minute == 0 and q.price >= 12_000
    ]
    found = await results(document("price-filter"), files, tmp_path)
    assert 1_000 < len(expected) < 3_000
    assert {"result": expected} == found
    assert found == await results(document("price-filter"), files, registry=columnar())


def costs() -> Rows:
    """What meter-cost makes of the year."""
    return [
        {
            "time": q.time.isoformat(),
            "hour": q.hour,
            "meter": "0417",
            "kWh": q.kwh / 100,
            PRICE: q.price / 100,
            "Cost (€)": rounded(
                (q.kwh / 100) * (q.price / 100) / 1000, 4, Decimal(q.kwh * q.price).scaleb(-7)
            ),
        }
        for q in year()
    ]


async def test_meter_cost(files: Path, tmp_path: Path) -> None:
    """Every quarter-hour gets the price of its hour, also where the clocks show an hour twice."""
    found = await every_way("meter-cost", "meter.xlsx", files, tmp_path)
    assert {"result": costs()} == found


async def test_limpieza_csv(files: Path, tmp_path: Path) -> None:
    """Decimal commas, codes and Spanish dates of a year are read, and the remarks parted off."""
    readings, remarks = [], []
    for q, cells in zip(year(), csv_rows(), strict=True):
        head = {"fecha": f"{q.time:%Y-%m-%dT%H:%M:%S}", "contador": cells["Contador"]}
        lost = not cells["Energía (kWh)"]
        measured = {
            "lectura_kwh": None if lost else q.total / 100,
            "energia_kwh": None if lost else q.kwh / 100,
            "temperatura_c": q.degrees / 10,
        }
        readings.append(head | measured)
        if q.remark:
            remarks.append(head | {"observacion": q.remark})
    found = await every_way("limpieza-csv", "lecturas.csv", files, tmp_path)
    assert {2} == set(Counter(row["fecha"] for row in readings).values()) - {1}
    assert 30 < len(remarks)
    assert {"lecturas": readings, "incidencias": remarks} == found


def surcharge(kwh: int) -> float:
    """What a quarter-hour of so many hundredths of a kWh pays."""
    exact = Decimal(kwh - 12_000) * Decimal("0.014064")
    return rounded((kwh / 100 - 120) * 1.4064, 2, exact)


async def test_per_row_branches(files: Path, tmp_path: Path) -> None:
    """What is above the contracted power pays, the rest does not, and none is lost."""
    expected = [
        {
            "time": q.time.isoformat(),
            "meter": "0417",
            "kWh": q.kwh / 100,
            "Surcharge (€)": surcharge(q.kwh) if above else 0,
        }
        for above in (True, False)
        for q in year()
        if (q.kwh > 12_000) is above
    ]
    found = await every_way("per-row-branches", "meter.xlsx", files, tmp_path)
    assert {"result": expected} == found


async def test_webhook_answer(tmp_path: Path) -> None:
    """Each reading of the nights in which the clocks change gets its answer."""
    changes = (CLOCKS_FORWARD, CLOCKS_BACK)
    some = [q for q in year() if f"{q.time:%Y-%m-%d}" in changes and q.time.hour < 7]
    storage = FolderStorage(tmp_path)
    async with Engine(installed(), storage=storage) as engine:
        for q in some:
            reading = {"meter": "Señal nº 3", "kWh": q.kwh / 100, "limit": 104, "at": q.hour}
            workflow = document("webhook-answer")
            execution = await engine.submit(workflow, {"_webhookData": reading})
            assert await execution.finished(30)
            reports = [json.loads(run.report) for run in execution.runs if run.report]
            (body,) = (r["webhookResponseBody"] for r in reports if "webhookResponseBody" in r)
            excess = (q.kwh - 10_400) / 100
            alarm = {"meter": "Señal nº 3", "alarm": True, "excess": excess}
            fine = {"meter": "Señal nº 3", "kWh": q.kwh / 100}
            assert (alarm if excess > 0 else fine) == body
    assert 24 + 32 == len(some)


async def test_meter_cost_over_http(files: Path, tmp_path: Path) -> None:
    """A server gives the same, page by page, and shows how many records there are."""
    async with serving(tmp_path, file_roots=(files,)) as service:
        status = await service.run(document("meter-cost"))
        assert "completed" == status["status"], status
        assert QUARTERS == status["finalOutputInfo"]["rows"]
        path = f"/api/executions/{status['executionId']}/nodes/result/data"
        found: Rows = []
        for offset in range(0, QUARTERS, 10_000):
            page = await service.get(path, params={"offset": offset, "limit": 10_000})
            found += page["data"]
    assert costs() == found
