"""The handler `excelInput`: tables in the workflow, and where files may be."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.builtin.files import Read, warnings

from caudal_builtin.excel_input import excel_input
from caudal_core import DataError, FileRefused, HandlerError, NotAvailable, UnknownField
from caudal_core.files import FileAccess
from caudal_core.testing.handlers import run_handler

# In the workflow ---------------------------------------------------------------------------------


def test_a_table_in_the_workflow_is_handed_on_as_it_is() -> None:
    """Inline values are not read again: a text stays a text."""
    rows = [{"a": "1,5", "b": "08001"}, {"a": 2, "b": None}]
    ran = run_handler(excel_input, {}, {"parsedData": rows, "fileName": "x.xlsx"})
    assert rows == ran.output
    assert "2 rows with 2 columns from x.xlsx" == ran.message
    assert (2, ["a", "b"], "x.xlsx") == tuple(
        ran.report[key] for key in ("rows", "columns", "fileName")
    )


def test_the_table_may_be_stored_as_text() -> None:
    """A list stored as JSON text is that list."""
    stored = {"parsedData": json.dumps([{"a": 1}])}
    assert [{"a": 1}] == run_handler(excel_input, {}, stored).output
    with pytest.raises(ValidationError, match="the list is not JSON"):
        excel_input.parse({"parsedData": "[{"})
    with pytest.raises(ValidationError, match="dictionary"):
        excel_input.parse({"parsedData": [1]})


def test_an_empty_table_is_a_table() -> None:
    """An empty list in the workflow is handed on; no list and no file is an error."""
    assert [] == run_handler(excel_input, {}, {"parsedData": []}).output
    with pytest.raises(HandlerError, match="neither parsedData nor a file"):
        run_handler(excel_input, {}, {"fileName": "x.xlsx", "parsedData": ""})


def test_columns_of_a_table_in_the_workflow() -> None:
    """Columns may be chosen here too."""
    stored = {"parsedData": [{"a": 1, "b": 2}], "columns": "b"}
    assert [{"b": 2}] == run_handler(excel_input, {}, stored).output


def test_a_file_wins_over_the_table_in_the_workflow(read: Read) -> None:
    """Where both are given the file is read, and the log says so."""
    ran = read("a\n1\n", parsedData=[{"a": 2}])
    assert [{"a": 1}] == ran.output
    assert ["both parsedData and a file are given; the file is read"] == warnings(ran)


# Where files may be ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stored",
    [
        {"gcsPath": "gs://bucket/file.xlsx"},
        {"useGCS": True, "gcsPath": "file.xlsx", "parsedData": [{"a": 1}]},
        {"filePath": "https://example.com/a.csv"},
        {"filePath": "http://example.com/a.csv"},
        {"fileId": "s3://bucket/a.csv"},
        {"filePath": "GS://bucket/a.csv"},
    ],
)
def test_remote_files_are_refused(stored: dict[str, Any]) -> None:
    """A file elsewhere is refused, saying that this version reads none."""
    with pytest.raises(NotAvailable, match="this version reads no remote files"):
        run_handler(excel_input, {}, stored)


def test_a_cloud_path_beside_a_table_in_the_workflow_is_no_harm() -> None:
    """What an editor stored beside the table itself does not stop the table."""
    stored = {"gcsPath": "gs://b/f.xlsx", "useGCS": False, "parsedData": [{"a": 1}]}
    assert [{"a": 1}] == run_handler(excel_input, {}, stored).output


def test_files_outside_the_open_folders_are_refused(tmp_path: Path) -> None:
    """A path is read only under the folders that the operator opened."""
    (tmp_path / "open").mkdir()
    (tmp_path / "a.csv").write_text("a\n1\n")
    access = FileAccess([tmp_path / "open"])
    for name in ("../a.csv", str(tmp_path / "a.csv")):
        with pytest.raises(FileRefused):
            run_handler(excel_input, {}, {"filePath": name}, files=access)


def test_the_path_may_be_a_template(tmp_path: Path) -> None:
    """The name of the file may come from the object that came in."""
    (tmp_path / "2024.csv").write_text("a\n1\n")
    stored = {"filePath": "{{year}}.csv"}
    files = FileAccess([tmp_path])
    assert [{"a": 1}] == run_handler(excel_input, {"year": 2024}, stored, files=files).output
    with pytest.raises(UnknownField):
        run_handler(excel_input, {"month": 1}, stored, files=files)


@pytest.mark.parametrize("key", ["filePath", "fileId"])
def test_a_template_takes_the_one_record_of_a_list(tmp_path: Path, key: str) -> None:
    """A list of one record fills the name; one of none or several says that one is needed."""
    (tmp_path / "2024.csv").write_text("a\n1\n")
    stored, files = {key: "{{year}}.csv"}, FileAccess([tmp_path])
    row = {"year": 2024}
    assert [{"a": 1}] == run_handler(excel_input, [row], stored, files=files).output
    for rows, count in (([row, row], "2 records"), ([], "0 records")):
        expected = f"{key} '{{{{year}}}}.csv' is filled from one object, but {count} came in"
        with pytest.raises(DataError, match=re.escape(expected)):
            run_handler(excel_input, rows, stored, files=files)


@pytest.mark.parametrize(
    ("stored", "data"),
    [
        ({"fileId": "x" * 5_000}, {}),
        ({"filePath": "x" * 5_000 + "{{year}}"}, []),
        ({"filePath": "s3://" + "x" * 5_000}, {}),
        ({"filePath": "a.csv", "fileName": "x" * 5_000}, {}),
    ],
)
def test_a_long_name_is_not_repeated_whole(
    tmp_path: Path, stored: dict[str, Any], data: Any
) -> None:
    """An error, or what is said, is short however long a name the config gives."""
    (tmp_path / "a.csv").write_text("a\n1\n")
    try:
        ran = run_handler(excel_input, data, stored, files=FileAccess([tmp_path]))
        said = ran.message or ""
    except HandlerError as error:
        said = str(error)
    assert "x" * 90 in said
    assert len(said) < 300 + len(str(tmp_path))


def test_a_name_without_templates_takes_whatever_comes(read: Read, tmp_path: Path) -> None:
    """What comes in is not looked at where the name is fixed."""
    (tmp_path / "a.csv").write_text("a\n1\n")
    files = FileAccess([tmp_path])
    for data in ([], [{}, {}], 5, None):
        ran = run_handler(excel_input, data, {"filePath": "a.csv"}, files=files)
        assert [{"a": 1}] == ran.output
