"""Workflows in an application's own database."""

import json
import sqlite3
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from tests.peers import postgres
from tests.server.applications import NODES, WORKFLOW, find

from caudal_server.sources import SourceFailed, WorkflowNotFound


@pytest.fixture
def source(tmp_path: Path) -> str:
    """The address of an SQLite file as an application may have it."""
    path = tmp_path / "its app?.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE workflows (id, name TEXT, data)")
    rows: list[tuple[Any, ...]] = [
        ("a", "From its row", json.dumps({"nodes": NODES})),
        ("b", "From its row", json.dumps(WORKFLOW).encode()),
        (7, "A number", json.dumps(WORKFLOW)),
        ("null", None, None),
        ("broken", None, "{"),
        ("a' OR '1'='1", "Quoted", json.dumps(WORKFLOW)),
    ]
    connection.executemany("INSERT INTO workflows VALUES (?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return f"sqlite:///{str(path).replace('?', '%3F')}"


def test_a_row_is_a_workflow(source: str) -> None:
    """Its JSON may be text or bytes; the row's name counts where the JSON has none."""
    found = find("a", "b", "a' OR '1'='1", workflow_source=source)
    assert ["From its row", "Prices", "Prices"] == [item.name for item in found]
    assert {"nodes": NODES, "name": "From its row"} == found[0].document
    assert found[0].origin.startswith("the database sqlite:///")


@pytest.mark.parametrize("workflow_id", ["x", "' OR 1=1 --", "null"])
def test_an_id_that_no_row_has_is_not_found(source: str, workflow_id: str) -> None:
    """An id is a bound value, never a part of the query; a row without data is no workflow."""
    with pytest.raises(WorkflowNotFound):
        find(workflow_id, workflow_source=source)


def test_a_database_that_is_lenient_about_numbers_is_not_believed(source: str) -> None:
    """A row of the number 7 is that of the id 7 alone, not of 7x."""
    query = "SELECT id, name, data FROM workflows WHERE id = CAST(:id AS INTEGER)"
    assert "Prices" == find("7", workflow_source=source, workflow_query=query)[0].name
    with pytest.raises(WorkflowNotFound):
        find("7x", workflow_source=source, workflow_query=query)


def test_a_query_may_name_other_tables(source: str) -> None:
    """What matters is the parameter `:id` and a column `data`."""
    query = "SELECT data, 'acme' AS \"organizationId\" FROM workflows WHERE id = :id"
    (found,) = find("a", workflow_source=source, workflow_query=query)
    assert "acme" == found.organization
    query = "SELECT id, name FROM workflows WHERE id = :id"
    with pytest.raises(SourceFailed, match="no column 'data'; it gives: id, name"):
        find("a", workflow_source=source, workflow_query=query)


def test_a_failing_database_is_no_absence(source: str) -> None:
    """A missing table and broken JSON are errors."""
    with pytest.raises(SourceFailed, match="no such table: flows"):
        find("a", workflow_source=source, workflow_query="SELECT data FROM flows WHERE id = :id")
    with pytest.raises(SourceFailed, match="is not JSON"):
        find("broken", workflow_source=source)


def test_a_query_changes_nothing(source: str) -> None:
    """A file is opened for reading alone, and is not made where there is none."""
    query = "DELETE FROM workflows WHERE id = :id RETURNING data"
    with pytest.raises(SourceFailed, match="readonly"):
        find("a", workflow_source=source, workflow_query=query)
    with pytest.raises(SourceFailed, match="unable to open database file"):
        find("a", workflow_source=f"{source}2")
    assert not Path(f"{source}2".removeprefix("sqlite:///")).exists()


def test_a_missing_driver_is_named() -> None:
    """What to install is said, and no password is."""
    with pytest.raises(SourceFailed, match="its driver is not installed: pip install") as caught:
        find("a", workflow_source="oracle+cx_oracle://user:secret@localhost/app")
    assert "secret" not in str(caught.value)


def test_postgresql_is_asked_the_same_way() -> None:
    """The same query works on PostgreSQL; an id that its column cannot hold is not found."""
    with postgres() as address, psycopg.connect(address, autocommit=True) as connection:
        _ask_postgres(connection)


def _ask_postgres(connection: psycopg.Connection[Any]) -> None:
    known = connection.info
    table = f"workflows_{uuid4().hex}"
    source = f"postgresql+psycopg://{known.user}@{known.host}:{known.port}/{known.dbname}"
    query = f"SELECT id, name, data FROM {table} WHERE id = :id"  # noqa: S608 - its own name
    try:
        connection.execute(f"CREATE TABLE {table} (id integer, name text, data jsonb)")
        row = f"INSERT INTO {table} VALUES (7, 'Row', %s)"  # noqa: S608 - its own name
        connection.execute(row, (json.dumps(WORKFLOW),))
        assert "Prices" == find("7", workflow_source=source, workflow_query=query)[0].name
        with pytest.raises(WorkflowNotFound):
            find("seven", workflow_source=source, workflow_query=query)
    finally:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
