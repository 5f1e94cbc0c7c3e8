"""The data of a node as a file: every format gives back what the node handed on."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from tests.core.tables import in_columns, rows
from tests.server.serving import Service, Value, flow, give, node, output, service

from caudal_core import Config, Context, Records, handler
from caudal_core.values import decode, to_wire
from caudal_server.exports.csv_text import csv_pieces
from caudal_server.exports.options import Options
from caudal_server.exports.xlsx_book import xlsx_pieces

MOMENT = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001 - without a zone
ODD: list[dict[str, Any]] = [
    {"id": 1, "mixed": 1, "text": "08001", "when": MOMENT, "only here": True},
    {"id": 2, "mixed": 2.0, "text": "=1+1", "when": MOMENT.replace(tzinfo=UTC)},
    {"id": 3, "mixed": "2", "text": 'a "b";\r\nñ€🙂', "when": date(2026, 3, 1)},
    {"id": 4, "mixed": None, "text": "", "when": None},
    {"id": 5, "mixed": True, "text": "true", "when": "2026-03-01T10:00"},
    {"id": 6, "mixed": float("nan"), "text": None, "when": None, "bytes": b"\x00\xff"},
    {"id": 7, "mixed": 2**64, "text": "x", "when": None, "exact": Decimal("0.1234567890123456789")},
    {"id": 8, "mixed": [1, {"a": None}], "text": "x", "when": None, "exact": Decimal("1.5")},
]
EXPECTED: list[dict[str, Any]] = [
    {"id": 1, "mixed": 1, "text": "08001", "when": "2026-10-25T02:30:00", "only here": True},
    {"id": 2, "mixed": 2.0, "text": "=1+1", "when": "2026-10-25T02:30:00+00:00"},
    {"id": 3, "mixed": "2", "text": 'a "b";\r\nñ€🙂', "when": "2026-03-01"},
    {"id": 4, "mixed": None, "text": "", "when": None},
    {"id": 5, "mixed": True, "text": "true", "when": "2026-03-01T10:00"},
    {
        "id": 6,
        "mixed": None,
        "text": None,
        "when": None,
        "bytes": "AP8=",
    },
    {"id": 7, "mixed": 2**64, "text": "x", "when": None, "exact": Decimal("0.1234567890123456789")},
    {"id": 8, "mixed": [1, {"a": None}], "text": "x", "when": None, "exact": 1.5},
]
NAMES = ["id", "mixed", "text", "when", "only here", "bytes", "exact"]
MANY = 1_500


@handler("odd", effect="pure")
def odd(config: Value, data: Any, ctx: Context) -> Any:
    """Everything that is hard to keep, `rows` times."""
    return ODD * config.rows


@handler("table", effect="pure")
def table(config: Value, data: Any, ctx: Context) -> Records:
    """Records in columns."""
    count = config.rows
    columns = pa.table(
        {
            "n": pa.array(range(count)),
            "half": pa.array([n / 2 if n % 3 else None for n in range(count)]),
            "text": pa.array([f'ñ "{n}"' for n in range(count)]),
            "at": pa.array(range(count), pa.timestamp("s", "Europe/Madrid")),
        }
    )
    return Records(columns, metadata={"half": {"unit": "€/MWh"}})


@handler("seen", effect="pure")
def seen(config: Config, data: Records, ctx: Context) -> Any:
    """What the next node sees, written out."""
    return repr(data.view()[: len(ODD)])


HANDLERS = (odd, table, seen, give, output)
FLOW = flow(node("o", "odd", rows=1), node("s", "seen"), node("out", "output"), id="f", name="F")


def fields(text: str, delimiter: str = ",") -> Iterator[list[tuple[bool, str]]]:
    """The records of a csv: each field with whether it stands in quotes."""
    mark = re.escape(delimiter)
    one = re.compile(rf'("(?:[^"]|"")*"|[^{mark}\r\n]*)({mark}|\r\n)')
    record: list[tuple[bool, str]] = []
    for found in one.finditer(text):
        quoted = found[1].startswith('"')
        record.append((quoted, found[1][1:-1].replace('""', '"') if quoted else found[1]))
        if found[2] == "\r\n":
            yield record
            record = []


def bare(value: Any) -> tuple[bool, str]:
    """How a value is told in a csv."""
    if value is None:
        return False, ""
    if isinstance(value, str):
        return True, value
    if isinstance(value, list):
        return True, to_wire(value).decode()
    return False, format(value, "f") if isinstance(value, Decimal) else orjson_text(value)


def orjson_text(value: Any) -> str:
    """A number or boolean as JSON has it, of any size."""
    return str(value) if type(value) is int else orjson.dumps(value).decode()


async def file(here: Service, path: str, format: str, query: str = "") -> tuple[bytes, Any]:
    """A file and its headers."""
    found = await here.http.get(f"{path}?format={format}{query}")
    assert 200 == found.status_code, found.text
    return found.content, found.headers


@pytest.mark.parametrize("times", [1, MANY], ids=["small", "by reference"])
async def test_nothing_silent(tmp_path: Path, times: int) -> None:
    """Values that are hard to keep come out the same by every door, before and after a restart."""
    workflow = flow(
        node("o", "odd", rows=times), node("s", "seen"), node("out", "output"), id="f", name="F"
    )
    data = tmp_path / "data"
    async with service(data, *HANDLERS) as here:
        status = await here.run(workflow)
        execution_id = status["executionId"]
        wire = orjson.loads(to_wire(EXPECTED))
        logs = (await here.get(f"/api/executions/{execution_id}/logs"))["logs"]
        assert wire == logs[0]["outputData"]["outputData"][: len(wire)]
        assert repr(EXPECTED) == logs[1]["outputData"]["outputData"]
        alone = await here.run(flow(node("o", "odd", rows=times), id="g", name="G"))
        assert wire == alone["finalOutput"][: len(wire)]
        await every_door(here, execution_id, times)
    async with service(data, *HANDLERS) as here:
        await every_door(here, execution_id, times)


async def every_door(here: Service, execution_id: str, times: int) -> None:
    """The data of the node in each format."""
    path = f"/api/executions/{execution_id}/nodes/o/data"
    page = await here.get(f"{path}?offset={len(ODD) * (times - 1)}")
    assert orjson.loads(to_wire(EXPECTED)) == page["data"]
    text, headers = await file(here, path, "csv")
    assert "text/csv; charset=utf-8" == headers["content-type"]
    lines = list(fields(text.decode()))
    assert [(True, name) for name in NAMES] == lines[0]
    assert [[bare(row.get(name)) for name in NAMES] for row in EXPECTED] * times == lines[1:]
    for format in ("parquet", "arrow"):
        content, _ = await file(here, path, format)
        assert EXPECTED * times == read_back(content, format)
    if times == 1:
        content, _ = await file(here, path, "xlsx")
        assert expected_cells() == cells(content)


def read_back(content: bytes, format: str) -> list[dict[str, Any]]:
    """The records of a Parquet file or an Arrow stream, by what the fields say of themselves.

    Where some records lack a field it is null, and the count is told.
    """
    source = io.BytesIO(content)
    parquet = format == "parquet"
    found = pq.read_table(source) if parquet else pa.ipc.open_stream(source).read_all()
    columns = {}
    for field in found.schema:
        values = found[field.name].to_pylist()
        if (field.metadata or {}).get(b"json") == b"true":
            values = [None if v is None else decode(_journal(v)) for v in values]
        columns[field.name] = values
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for name in ("only here", "bytes", "exact"):
        lacking = sum(name not in row for row in EXPECTED) * len(records) // len(EXPECTED)
        assert str(lacking).encode() == found.schema.field(name).metadata[b"missing"]
    return [
        {key: value for key, value in row.items() if key in like}
        for row, like in zip(records, EXPECTED * (len(records) // len(EXPECTED)), strict=True)
    ]


def _journal(text: str) -> bytes:
    """The text as what reads every digit of it."""
    return b" " + text.encode()


def cells(content: bytes) -> list[list[Any]]:
    """The cells of a workbook below its header."""
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    # A return is written as the format says; openpyxl leaves it so.
    rows = sheet.iter_rows(min_row=2, values_only=True)
    return [[v.replace("_x000D_", "") if isinstance(v, str) else v for v in row] for row in rows]


def expected_cells() -> list[list[Any]]:
    """As `exports.xlsx_book` says: what is no number of Excel's is a text, nothing is empty."""
    return [[cell(row.get(name)) for name in NAMES] for row in EXPECTED]


def cell(value: Any) -> Any:
    """What a cell holds."""
    if value == "" or value is None:
        return None
    if type(value) is int and value >= 10**15:
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, str):
        return value.replace("\r\n", "\n")  # as openpyxl reads it
    return to_wire(value).decode() if isinstance(value, list) else value


async def test_a_table_in_every_format(tmp_path: Path) -> None:
    """A large table is read in pages and as files, with its units, before and after a restart."""
    workflow = flow(node("t", "table", rows=70_000), node("out", "output"), id="f", name="F")
    async with service(tmp_path, *HANDLERS) as here:
        execution_id = (await here.run(workflow))["executionId"]
    async with service(tmp_path, *HANDLERS) as here:
        status = await here.get(f"/api/executions/{execution_id}")
        assert 20 == len(status["finalOutput"])
        assert 70_000 == status["finalOutputInfo"]["rows"]
        path = f"/api/executions/{execution_id}/nodes/out/data"
        page = await here.get(f"{path}?offset=69999&limit=5")
        last = {"n": 69_999, "half": None, "text": 'ñ "69999"', "at": "1970-01-01T20:26:39+01:00"}
        assert (70_000, [last]) == (page["total"], page["data"])
        content, headers = await file(here, path, "arrow")
        assert 'attachment; filename="out.arrows"' in headers["content-disposition"]
        found = pa.ipc.open_stream(content).read_all()
        assert {b"unit": "€/MWh".encode()} == found.schema.field("half").metadata
        assert found.slice(69_999).to_pylist() == [last]
        content, _ = await file(here, path, "parquet", "&offset=10&limit=2")
        assert [10, 11] == pq.read_table(io.BytesIO(content))["n"].to_pylist()
        content, _ = await file(here, path, "csv", "&decimal=,&bom=true&offset=1&limit=2")
        assert content.decode() == (
            '\ufeff"n";"half";"text";"at"\r\n'
            '1;0,5;"ñ ""1""";"1970-01-01T01:00:01+01:00"\r\n'
            '2;1,0;"ñ ""2""";"1970-01-01T01:00:02+01:00"\r\n'
        )


@settings(deadline=None)
@given(rows())
def test_csv_is_the_same_from_both_forms(found: list[dict[str, Any]]) -> None:
    """The very same text is written from rows and from columns."""
    columns = in_columns(found)
    if columns is not None:
        for how in (Options("csv"), Options("csv", ";", ",")):
            one, other = (b"".join(csv_pieces(d, how)) for d in (Records(found), columns))
            assert one == other


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("format=pdf", "format is 'pdf'; it is one of json, csv, xlsx, parquet, arrow"),
        ("format=csv&decimal=x", "decimal is 'x'"),
        ("format=csv&delimiter=ab", "delimiter is 'ab'"),
        ("format=csv&decimal=,&delimiter=,", "both ','"),
        ("format=csv&limit=0", "limit"),
    ],
)
async def test_wrong_questions(tmp_path: Path, query: str, said: str) -> None:
    """A file that cannot be made so is refused, with what there is."""
    async with service(tmp_path, *HANDLERS) as here:
        execution_id = (await here.run(FLOW))["executionId"]
        answer = await here.get(f"/api/executions/{execution_id}/nodes/o/data?{query}", 422)
        assert said in answer["detail"]


async def test_what_is_no_records(tmp_path: Path) -> None:
    """A value that is no table is JSON alone; and the error says so."""
    async with service(tmp_path, *HANDLERS) as here:
        execution_id = (await here.run(FLOW))["executionId"]
        path = f"/api/executions/{execution_id}/nodes/s/data"
        answer = await here.get(f"{path}?format=csv", 422)
        assert "has a text, and csv holds records" in answer["detail"]


def test_a_workbook_keeps_all_digits_of_a_float() -> None:
    """As Excel does in its files: none is rounded, and the largest does not become infinite."""
    numbers = [1 / 7, 0.1 + 0.2, 1.7976931348623157e308, 5e-324, -123456789.12345679, 1e22, -0.0]
    content = b"".join(xlsx_pieces(Records([{"n": number} for number in numbers]), Options("xlsx")))
    assert numbers == [row[0] for row in cells(content)]


async def test_what_excel_does_not_hold(tmp_path: Path) -> None:
    """A text longer than a cell is an error that says where, and what to ask for."""
    long = [{"a": "x" * 40_000}]
    workflow = flow(node("g", "give", value=long), id="f", name="F")
    async with service(tmp_path, *HANDLERS) as here:
        execution_id = (await here.run(workflow))["executionId"]
        path = f"/api/executions/{execution_id}/nodes/g/data"
        answer = await here.get(f"{path}?format=xlsx", 422)
        assert "row 0, column 'a'" in answer["detail"]


async def test_the_name_of_a_file(tmp_path: Path) -> None:
    """A node's id gives the file its name, also where it holds what no header may."""
    workflow = flow(node('año"1', "give", value=[{"a": 1}]), id="f", name="F")
    async with service(tmp_path, *HANDLERS) as here:
        execution_id = (await here.run(workflow))["executionId"]
        path = f"/api/executions/{execution_id}/nodes/a%C3%B1o%221/data"
        _, headers = await file(here, path, "csv")
        assert headers["content-disposition"] == (
            "attachment; filename=\"a_o_1.csv\"; filename*=UTF-8''a%C3%B1o%221.csv"
        )
