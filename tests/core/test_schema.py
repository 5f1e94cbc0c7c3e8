"""A database of another version: an older one is brought up, a newer one is refused."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from tests.core.engines import ended, running
from tests.core.flows import document, give
from tools import migrations

from caudal_core.journal import schema
from caudal_core.journal.tables import metadata

NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.add_column("workflow", sa.Column("note", sa.Text()))
    with op.batch_alter_table("about") as table:
        table.alter_column("value", nullable=True)
    {more}
"""


@pytest.fixture
def _newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the server is of a version whose tables have one more column."""
    a_newer_server(tmp_path, monkeypatch)


def a_newer_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str = "") -> None:
    """The same, for as long as `monkeypatch` lasts."""
    folder = tmp_path / "migrations"
    shutil.copytree(schema.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "v0002_note.py").write_text(NEXT.format(more=more))
    monkeypatch.setattr(schema, "FOLDER", folder)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", 2)


async def filled(folder: Path) -> str:
    """The id of an execution in a folder of this version."""
    async with running(folder) as engine:
        return (await ended(await engine.submit(document({"a": give(1)})))).id


def revision(database: Path) -> str:
    """What the database says of itself."""
    with closing(sqlite3.connect(database)) as connection:
        [(found,)] = connection.execute("SELECT version_num FROM alembic_version")
        return str(found)


def tables(database: Path) -> dict[str, str]:
    """Each table and index as it was made."""
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        return {name: " ".join(sql.lower().split()) for name, sql in connection.execute(query)}


def test_the_revisions_lead_to_the_tables(tmp_path: Path) -> None:
    """All revisions, one after the other, make what `journal/tables.py` describes."""
    with schema.at(tmp_path / "caudal.db") as engine:
        schema.upgrade(engine)
        with engine.connect() as connection:
            options = {"compare_type": True, "compare_server_default": True}
            context = MigrationContext.configure(connection, opts=options)
            assert [] == compare_metadata(context, metadata)
            assert schema.head() == schema.revision_of(connection)


async def test_a_new_database_needs_no_revision(tmp_path: Path) -> None:
    """The tables of a new database are those that the revisions make, and it says which."""
    await filled(tmp_path / "new")
    with schema.at(tmp_path / "made.db") as engine:
        schema.upgrade(engine)
    new, made = tmp_path / "new" / "caudal.db", tmp_path / "made.db"
    assert revision(made) == revision(new)
    assert tables(made).keys() == tables(new).keys()
    assert "without rowid" in tables(made)["node_run"]


def test_the_first_revision_is_current() -> None:
    """While it is the only one, it is written anew from the tables (`make docs`)."""
    if [migrations.FIRST] == list(migrations.VERSIONS.glob("v*.py")):
        assert migrations.first() == migrations.FIRST.read_text(encoding="utf-8")


async def test_an_older_database_is_copied_and_brought_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing in it is lost, the copy is as it was before, and the way back is told."""
    data = tmp_path / "data"
    identity = await filled(data)
    a_newer_server(tmp_path, monkeypatch)
    with caplog.at_level(logging.WARNING):
        async with running(data) as engine:
            assert "completed" == (await engine.view(identity)).record.state
    assert "0002" == revision(data / "caudal.db")
    copy = data / "caudal.db.before-0002"
    assert "0001" == revision(copy)
    assert "was brought from schema 0001 to 0002" in caplog.text
    assert "rename caudal.db.before-0002 to caudal.db" in caplog.text
    caplog.clear()
    async with running(data):
        assert "" == caplog.text  # once is enough


async def test_an_older_server_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is older than the database touches nothing, and says what to do."""
    data = tmp_path / "data"
    await filled(data)
    with monkeypatch.context() as newer:
        a_newer_server(tmp_path, newer)
        schema.bring_up(data / "caudal.db")
    before = (data / "caudal.db").read_bytes()
    with pytest.raises(schema.WrongSchema, match="start the newer version again") as caught:
        async with running(data):
            pass
    assert "rename caudal.db.before-0002 to caudal.db" in caught.value.text()
    assert before == (data / "caudal.db").read_bytes()


async def test_the_way_back_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does what the message says has the older database again."""
    data = tmp_path / "data"
    identity = await filled(data)
    with monkeypatch.context() as newer:
        a_newer_server(tmp_path, newer)
        copy = schema.bring_up(data / "caudal.db")
    assert copy is not None
    for name in ("caudal.db", "caudal.db-wal", "caudal.db-shm"):
        (data / name).unlink(missing_ok=True)
    copy.rename(data / "caudal.db")
    async with running(data) as engine:
        assert "completed" == (await engine.view(identity)).record.state


async def test_a_revision_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change of the tables is one transaction: all of it or nothing."""
    data = tmp_path / "data"
    await filled(data)
    before = tables(data / "caudal.db")
    with monkeypatch.context() as newer:
        a_newer_server(tmp_path, newer, more='raise RuntimeError("no")')
        with pytest.raises(schema.WrongSchema, match=r"is as it was: .*no; start"):
            schema.bring_up(data / "caudal.db")
    assert before == tables(data / "caudal.db")
    assert "0001" == revision(data / "caudal.db")


def test_alembic_is_imported_when_there_is_something_to_do(tmp_path: Path) -> None:
    """A start with a database of this version, or none, does not load it."""
    program = (
        "import asyncio, sys\n"
        "from caudal_core.engine import Engine, FolderStorage\n"
        "from caudal_core.registry import Registry\n"
        "async def main():\n"
        f"    async with Engine(Registry(), storage=FolderStorage({str(tmp_path)!r})): pass\n"
        "asyncio.run(main())\n"
        "asyncio.run(main())\n"
        "print('alembic' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert "False\n" == ran.stdout
