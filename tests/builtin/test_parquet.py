"""The handler `excelInput` and Parquet: what a file says of its columns, and large values."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from tests.builtin.files import Read, reader

from caudal_builtin.excel_input import excel_input
from caudal_core.errors import NodeMemory
from caudal_core.files import FileAccess
from caudal_core.testing.handlers import run_handler


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes a file of this content and reads it."""
    return reader(tmp_path)


def said_json(texts: list[Any]) -> bytes:
    """A Parquet file of one column, whose field says that it is JSON."""
    out = pa.BufferOutputStream()
    array = pa.array(texts)
    schema = pa.schema([pa.field("a", array.type, metadata={"json": "true"})])
    pq.write_table(pa.table([array], schema=schema), out)
    return bytes(out.getvalue().to_pybytes())


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (
            ["[1]", "[1", None],
            "row 2 is not JSON: Expecting ',' delimiter (line 1, column 3), '[1'",
        ),
        (["", "1"], "row 1 is not JSON: Expecting value (line 1, column 1), ''"),
        (["1", "2, 3"], "row 2 is not JSON: Extra data (line 1, column 2), '2, 3'"),
        (["NaN"], "row 1 holds NaN, which is no JSON number, 'NaN'"),
        (['{"b": 1, "b": 2}'], "row 1 has the key 'b' twice in one object"),
        (["[" * 100_000], "row 1 is nested too deeply, '[[["),
        (["9" * 5_000], "row 1 holds a whole number that is too long, '999"),
        (["1e999"], "row 1 holds 1e999, which is beyond what a number can be"),
    ],
)
def test_what_a_field_says_to_be_json_is_checked(
    read: Read, texts: list[str | None], why: str
) -> None:
    """A column that is not what its field says stays the texts it has, and the log says why."""
    ran = read(said_json(texts))
    assert texts == [row["a"] for row in ran.output]
    (line,) = ran.log
    told = "column 'a' stays text, though its field says that it is JSON: the text in "
    assert line["message"].startswith(told + why)
    assert ("info", True) == (line["level"], len(line["message"]) < 300)


def test_a_field_of_numbers_that_says_json_is_numbers(read: Read) -> None:
    """Only texts can be JSON; what says so of others is told and does nothing."""
    ran = read(said_json([1, 2]))
    assert [{"a": 1}, {"a": 2}] == ran.output
    assert ["column 'a' holds no texts, though its field says JSON"] == [
        line["message"] for line in ran.log
    ]


@pytest.mark.parametrize("times", [1, 4_000])
def test_exact_decimals_of_parquet_keep_their_digits(read: Read, times: int) -> None:
    """A decimal of more than 15 digits is that decimal, in small files and in large ones."""
    values = [Decimal("1234567890.12345678901"), None, Decimal("1.50000000000")]
    out = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": pa.array(values * times, pa.decimal128(30, 11))}), out)
    ran = read(bytes(out.getvalue().to_pybytes()))
    assert [values[0], None, 1.5] * times == [row["a"] for row in ran.output]


def test_nested_values_of_a_large_file_are_weighed(tmp_path: Path) -> None:
    """What a list takes as a list counts, which is many times its text."""
    (tmp_path / "a").write_bytes(said_json(["[" + "[0]," * 50 + "0]"] * 20_000))
    files = FileAccess([tmp_path])
    with pytest.raises(NodeMemory):
        run_handler(excel_input, {}, {"filePath": "a"}, files=files, node_memory=30_000_000)
