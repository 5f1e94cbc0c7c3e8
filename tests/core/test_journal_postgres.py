"""The journal in a real PostgreSQL: what is written, and what is no longer for this server."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import sqlite
from tests.builtin.record_stores import schema
from tests.core.bases import Base, accepted, run, sink_of
from tests.core.test_journal import soon
from tests.core.test_schema import a_newer_server

from caudal_core.errors import Unavailable
from caudal_core.journal import Journal
from caudal_core.journal.fences import FENCES, FREE
from caudal_core.journal.postgres import PostgresPlace, PostgresSink, unreachable
from caudal_core.journal.postgres_sql import postgres_schema, postgres_statements
from caudal_core.journal.schema import WrongSchema
from caudal_core.journal.statements import Statement, clauses
from caudal_core.journal.tables import metadata

# -- the statements --------------------------------------------------------------------------------


def test_who_may_write_a_row_is_said_of_every_statement() -> None:
    """A statement is the owner's alone or anybody's: nobody forgets to say which."""
    assert set(range(len(clauses()))) == {*FENCES, *FREE}
    assert set() == FENCES.keys() & FREE


def test_both_databases_take_the_same_rows() -> None:
    """The values of a row come in the same order, whatever the database; no value comes twice."""
    dialect: Any = sqlite.dialect
    texts = postgres_statements()
    for number, clause in clauses().items():
        there = clause.compile(dialect=dialect(paramstyle="qmark"))
        places = range(1, len(there.positiontup) + 1)
        assert all(f"${place}" in texts[number] for place in places)
        assert f"${len(places) + 1}" not in texts[number]


def test_nothing_of_sqlites_own_words_is_left() -> None:
    """What PostgreSQL says in other words is said in these."""
    for text in (*postgres_statements(), *postgres_schema()):
        assert "OR IGNORE" not in text
        assert "OR REPLACE" not in text
        assert "WITHOUT ROWID" not in text


# -- what is written -------------------------------------------------------------------------------


async def test_rows_are_in_the_database(base: Base) -> None:
    """What was flushed can be read by anybody."""
    owner = base.server().owner
    async with sink_of(base, owner) as sink:
        assert await sink.commit([(Statement.ACCEPT, accepted("e1", owner))], 0) is None
    columns = "id, owner, labels, state, created"
    found = base.query(f"SELECT {columns} FROM execution")  # noqa: S608 - our own names
    assert [("e1", owner, b'{"a":"b"}', "pending", 12.5)] == found
    assert set(metadata.tables) <= {row[0] for row in base.query("SELECT relname FROM pg_class")}


async def test_a_row_written_twice_is_one(base: Base) -> None:
    """A batch that is sent again leaves one row each; an execution that is there stays."""
    owner = base.server().owner
    rows = [(Statement.ACCEPT, accepted("e1", owner)), (Statement.NODE, run("e1"))]
    async with sink_of(base, owner) as sink:
        await sink.commit(rows, 0)
        await sink.commit([(Statement.START, ("running", 13.0, "e1"))], 0)
        await sink.commit([*rows, (Statement.NODE, run("e1", state="failed"))], 0)
    assert [("running", 13.0)] == base.query("SELECT state, started FROM execution")
    assert [("failed",)] == base.query("SELECT state FROM node_run")


async def test_a_batch_is_all_or_nothing(base: Base) -> None:
    """If one row cannot be written none of its batch is there; the next one is."""
    owner = base.server().owner
    both = [
        (Statement.ACCEPT, accepted(key, owner, state=state))
        for key, state in (("e1", "pending"), ("e2", None))
    ]
    async with sink_of(base, owner) as sink:
        with pytest.raises(Unavailable, match="null value in column"):
            await sink.commit(both, 0)
        assert [] == base.query("SELECT id FROM execution")
        await sink.commit(both[:1], 0)
    assert [("e1",)] == base.query("SELECT id FROM execution")


async def test_characters_that_no_text_can_hold(base: Base) -> None:
    """A text that PostgreSQL refuses is written with a mark in place of what it refuses."""
    owner = base.server().owner
    rows = [
        (Statement.ACCEPT, accepted("e1", owner)),
        (Statement.NODE, run("e1", message="a\0b\ud800", output=b"\x00")),
    ]
    async with sink_of(base, owner) as sink:
        assert await sink.commit(rows, 0) is None
    assert [("a\ufffdb?", b"\x00")] == base.query("SELECT message, output FROM node_run")


async def test_what_no_text_can_hold_is_not_found(base: Base) -> None:
    """A question for such a text finds what was written with the mark, or nothing: no error."""
    owner = base.server().owner
    async with sink_of(base, owner) as sink:
        assert (
            await sink.commit([(Statement.ACCEPT, accepted("e1", owner, client_key="a\0"))], 0)
            is None
        )
    there = metadata.tables["execution"].c
    with base.engines[0].connect() as connection:
        for column, value, found in ((there.id, "\0", []), (there.client_key, "a\0", ["e1"])):
            query = select(there.id).where(column.in_([value, "\ud800"]))
            assert found == connection.execute(query).scalars().all()


@pytest.mark.parametrize("kill", ["writer", "connection"])
async def test_what_writes_is_killed(base: Base, kill: str) -> None:
    """The writer or its connection dies: another is made, and every flushed row is there once."""
    owner = base.server().owner
    sink = PostgresSink(base.place, lambda: owner, 5.0)
    made = Journal(sink)
    await made.open()
    try:
        for turn in range(4):
            for number in range(70):
                made.write(Statement.ACCEPT, accepted(f"{turn}/{number}", owner))
                if number == 35 and kill == "writer":
                    assert sink.pid is not None
                    os.kill(sink.pid, signal.SIGKILL)
                if number == 35 and kill == "connection":
                    killed = base.query(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE application_name = %s AND pid <> pg_backend_pid()",
                        base.name,
                    )
                    assert len(killed) >= 1
            await soon(made.flush())
            assert [((turn + 1) * 70,)] == base.query("SELECT count(*) FROM execution")
    finally:
        await made.close()


# -- versions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("revision", "said"), [("0000", "caudal migrate"), ("9999", "start the newer version again")]
)
async def test_tables_of_another_version_are_refused(base: Base, revision: str, said: str) -> None:
    """An older or newer database keeps the server from starting, and it says what to do."""
    base.query("UPDATE alembic_version SET version_num = %s", revision)
    with pytest.raises(WrongSchema, match=said):
        async with sink_of(base, "me"):
            pass


def test_bringing_up_makes_what_is_not_there() -> None:
    """`caudal migrate` makes the tables in an empty database, and changes none of this version."""
    with schema() as url:
        place = PostgresPlace(url)
        assert None is place.bring_up()
        assert "0001" == place.bring_up()
        base = Base(url)
        assert [("0001",)] == base.query("SELECT version_num FROM alembic_version")
        for engine in base.engines:
            engine.dispose()


def test_an_older_database_is_brought_up(
    base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once all servers on it are stopped; an older server refuses it from then on."""
    server = base.server()
    with monkeypatch.context() as newer:
        a_newer_server(tmp_path, newer)
        with pytest.raises(WrongSchema, match="in use by process"):
            base.place.bring_up()
        assert [("0001",)] == base.query("SELECT version_num FROM alembic_version")
        server.leave()
        assert "0001" == base.place.bring_up()
        assert [("0002",)] == base.query("SELECT version_num FROM alembic_version")
        assert [] == base.query("SELECT note FROM workflow")
        assert "0002" == base.place.bring_up()
    with pytest.raises(WrongSchema, match="start the newer version again"):
        base.place.prepare()


@pytest.mark.parametrize("option", ["nonsense=1", "sslmode=nonsense"])
def test_an_address_that_the_driver_does_not_take(option: str) -> None:
    """It is said what is wrong with it, and no password."""
    place = PostgresPlace(f"postgresql://postgres:a-password@127.0.0.1:1/test?{option}")
    with pytest.raises(Unavailable, match="nonsense") as caught:
        place.prepare()
    assert "a-password" not in caught.value.text()


@pytest.mark.parametrize("options", ["", "?nonsense=1", "?connect_timeout=soon", "?sslmode=x"])
async def test_a_database_that_does_not_answer(options: str) -> None:
    """The error says so, and in time; options that the driver does not know are such a cause."""
    url = f"postgresql://nobody@127.0.0.1:1/nothing{options}"
    place = PostgresPlace(url)
    async with asyncio.timeout(20):
        with pytest.raises(Unavailable, match="the database does not answer"):
            async with sink_of(Base(place.url.render_as_string()), "me"):
                pass


def test_what_the_driver_says_is_one_line() -> None:
    """Its errors have several; whoever reads the log gets one, with the kind of the error."""
    found = unreachable(ConnectionError("no answer\n\tfrom  the host\n"))
    assert "the database does not answer: ConnectionError: no answer from the host" == found.text()
    assert "the database does not answer: gone" == unreachable("gone").text()
