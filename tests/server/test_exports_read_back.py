"""Files that the server writes, read by `excelInput`: values are what they were."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.core.tables import REAL, exact, rows

from caudal_builtin.excel_input import excel_input
from caudal_builtin.tables import job
from caudal_core import Records
from caudal_core.files import FileAccess
from caudal_core.testing.handlers import Ran, run_handler
from caudal_server.exports.csv_text import csv_pieces
from caudal_server.exports.options import Options
from caudal_server.exports.tables import parquet_pieces


def read_back(folder: Path, pieces: Any) -> Ran:
    """What `excelInput` reads from a file of these pieces."""
    (folder / "data").write_bytes(b"".join(pieces))
    stored = {"filePath": "data"}
    return run_handler(excel_input, {}, stored, files=FileAccess([folder]))


@pytest.mark.parametrize("options", [Options(), Options(delimiter=";", decimal=",")])
@settings(deadline=None)
@given(st.lists(REAL, min_size=1, max_size=5))
@example([0.1 + 0.2, 1e-7, 1.5])
@example([1e16, 5e-324, 1.7976931348623157e308, -0.0])
def test_decimal_numbers_of_a_csv_read_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, options: Options, numbers: list[float]
) -> None:
    """However many digits and whatever exponent a float has, `excelInput` reads that float."""
    found = [{"id": f"row {index}", "n": number} for index, number in enumerate(numbers)]
    ran = read_back(tmp_path_factory.mktemp("csv"), csv_pieces(Records(found), options))
    assert exact(found) == exact(ran.output)


ODD = [
    {
        "id": 1,
        "mixed": 1,
        "nested": [1, {"a": None}],
        "huge": 2**70,
        "exact": Decimal(10) / 3**80,
    },
    {"id": 2, "mixed": 2.0, "nested": {}, "huge": None, "exact": Decimal("0.1234567890123456789")},
    {"id": 3, "mixed": "2", "nested": None, "huge": 7, "exact": Decimal(3) / Decimal(7)},
    {"id": 4, "mixed": True, "nested": [2**64, 1e300], "huge": -(2**64), "exact": None},
]


@pytest.mark.parametrize("times", [1, job.LARGE // len(ODD)])
def test_mixed_nested_and_huge_columns_of_parquet_read_back_as_they_were(
    tmp_path: Path, times: int
) -> None:
    """What goes as JSON texts into our Parquet comes back as the values, in files of every size."""
    ran = read_back(tmp_path, parquet_pieces(Records(ODD * times), Options()))
    assert exact(ODD) * times == exact(ran.output)
    assert [] == ran.log
    assert Decimal("0.1234567890123456789") == ran.output[1]["exact"]


@settings(deadline=None)
@given(rows(odd=True, lacking=False, least=1))
def test_records_of_parquet_read_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, found: list[dict[str, Any]]
) -> None:
    """Whatever a column holds, its values and their types come back."""
    ran = read_back(tmp_path_factory.mktemp("pq"), parquet_pieces(Records(found), Options()))
    assert exact(found) == exact(ran.output)
