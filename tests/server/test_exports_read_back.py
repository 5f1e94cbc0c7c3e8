"""Files that the server writes, read by `excelInput`: numbers are what they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.core.tables import REAL, exact

from caudal_builtin.excel_input import excel_input
from caudal_core import Records
from caudal_core.files import FileAccess
from caudal_core.testing.handlers import Ran, run_handler
from caudal_server.exports.csv_text import csv_pieces
from caudal_server.exports.options import Options


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
    rows = [{"id": f"row {index}", "n": number} for index, number in enumerate(numbers)]
    ran = read_back(tmp_path_factory.mktemp("csv"), csv_pieces(Records(rows), options))
    assert exact(rows) == exact(ran.output)
