"""The journal in a real PostgreSQL: what is written, and what is no longer for this server."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.dialects import sqlite
from tests.builtin.record_stores import schema
from tests.core.test_journal import soon
from tests.core.test_schema import a_newer_server

from caudal_core.errors import Unavailable
from caudal_core.journal import Journal
from caudal_core.journal.fences import FENCES, FREE
from caudal_core.journal.journal import Lost
from caudal_core.journal.postgres import PostgresPlace, PostgresSink
from caudal_core.journal.postgres_sql import postgres_schema, postgres_statements
from caudal_core.journal.schema import WrongSchema
from caudal_core.journal.servers import Servers
from caudal_core.journal.statements import ACCEPT, NODE, Statement, clauses
from caudal_core.journal.tables import metadata
from caudal_core.journal.unused import note

FEW = {"created": 12.5, "epoch": 1, "labels": b'{"a":"b"}'}


def accepted(key: str, owner: str, **more: Any) -> tuple[Any, ...]:
    """The row of an execution."""
    counts = dict.fromkeys(("total_nodes", "completed_nodes", "failed_nodes", "seq"), 0)
    texts = dict.fromkeys(("workflow_id", "workflow_name", "workflow_hash", "plan_hash"), "w")
    known = {**FEW, **counts, **texts, "id": key, "owner": owner, "state": "pending", **more}
    return tuple(known.get(name) for name in ACCEPT)


def run(key: str, number: int = 0, **more: Any) -> tuple[Any, ...]:
    """The row of a run of one of its nodes."""
    known = {"execution": key, "number": number, "node": "n", "generation": 0, "attempt": 1}
    known |= {"epoch": 1, "seq": 1, "state": "completed", **more}
    return tuple(known.get(name) for name in NODE)


class Base:
    """An empty database, and who speaks to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = url.rpartition("=")[2]
        self.place = PostgresPlace(url)
        self.connections = [self.place.connections() for _ in range(2)]
        self.engines = [each.database for each in self.connections]

    def server(self, number: int = 0, seconds: float = 15.0) -> Servers:
        """A server that has just been started."""
        found = Servers(self.engines[number], seconds)
        found.register()
        return found

    def query(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(text, values)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def base() -> Iterator[Base]:
    """An empty database with all tables."""
    with schema() as url:
        found = Base(f"{url}&application_name={uuid4().hex}")
        found.place.prepare()
        try:
            yield found
        finally:
            for each in found.connections:
                each.close()


@asynccontextmanager
async def sink_of(base: Base, owner: str) -> AsyncIterator[PostgresSink]:
    """The sink of a server."""
    made = PostgresSink(base.place, lambda: owner, 5.0)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


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
                if number == 35 and kill == "writer" and sink.pid is not None:
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


# -- fences ----------------------------------------------------------------------------------------


async def test_rows_of_what_is_anothers_are_left_out(base: Base) -> None:
    """Of a batch only the rows of executions that others have go; the sink says which these are."""
    owner, other = base.server().owner, base.server(1).owner
    async with sink_of(base, owner) as sink, sink_of(base, other) as theirs:
        await theirs.commit([(Statement.ACCEPT, accepted("theirs", other))], 0)
        rows = [
            (Statement.ACCEPT, accepted("mine", owner)),
            (Statement.NODE, run("mine")),
            (Statement.NODE, run("theirs")),
            (Statement.PLAN, ("plan", b"{}")),
            (Statement.CANCEL, (1.0, "theirs")),
        ]
        assert Lost(["theirs"], None) == await sink.commit(rows, 0)
    assert [("mine",)] == base.query("SELECT execution FROM node_run")
    assert [("plan",)] == base.query("SELECT hash FROM plan")
    assert [(1.0,)] == base.query("SELECT cancel_requested FROM execution WHERE id = 'theirs'")


async def test_a_server_that_is_believed_dead_writes_nothing_of_its_own(base: Base) -> None:
    """What it accepts is there all the same, for others to go on with."""
    server = base.server()
    owner = server.owner
    async with sink_of(base, owner) as sink:
        await sink.commit([(Statement.ACCEPT, accepted("before", owner))], 0)
        base.query("DELETE FROM server")
        rows = [
            (Statement.NODE, run("before")),
            (Statement.ACCEPT, accepted("after", owner)),
            (Statement.NODE, run("after")),
        ]
        assert Lost(["after", "before"], owner) == await sink.commit(rows, 0)
    assert not server.renew()
    assert [] == base.query("SELECT execution FROM node_run")
    free = base.server(1).free((), 10)
    assert {"after", "before"} == {found.id for found in free}


async def test_nothing_is_taken_over_while_its_owner_writes(base: Base) -> None:
    """Who is in the middle of a transaction is not buried, however long its lease has run out."""
    server, other = base.server(seconds=-1.0), base.server(1)
    with psycopg.connect(base.url) as connection:
        connection.execute("SELECT 1 FROM server WHERE id = %s FOR KEY SHARE", (server.owner,))
        assert [] == other.bury()
    assert [server.name] == other.bury()


async def test_two_servers_write_the_same_versions(base: Base) -> None:
    """In whatever order each was asked for them, neither waits for the other in a ring."""
    insert = postgres_statements()[Statement.WORKFLOW_VERSION]
    async with sink_of(base, base.server().owner) as sink:
        with psycopg.connect(base.url, cursor_factory=psycopg.RawCursor) as connection:
            connection.execute("SET deadlock_timeout = '10s'")
            connection.execute(insert, ("a", b"{}", 0.0))
            rows = [(Statement.WORKFLOW_VERSION, (key, b"{}", 0.0)) for key in "ba"]
            committing = asyncio.create_task(sink.commit(rows, 0))
            await asyncio.sleep(0.3)
            await asyncio.to_thread(connection.execute, insert, ("b", b"{}", 0.0))
            connection.commit()
        assert await committing is None
    assert [("a",), ("b",)] == base.query("SELECT hash FROM workflow_version ORDER BY hash")


def test_a_version_that_is_being_named_is_not_deleted(base: Base) -> None:
    """What deletes versions waits for whoever is about to commit an execution that names one."""
    server, statements = base.server(), postgres_statements()
    base.query("INSERT INTO workflow_version VALUES ('w', '{}', 0), ('x', '{}', 0)")
    base.query("INSERT INTO about VALUES ('unused w', '0'), ('unused x', '0')")
    with (
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(base.url, cursor_factory=psycopg.RawCursor) as connection,
    ):
        connection.execute(statements[Statement.WORKFLOW_VERSION], ("w", b"{}", 0.0))
        deleting = pool.submit(server.unused.delete)
        with pytest.raises(TimeoutError):
            deleting.result(0.3)
        connection.execute(statements[Statement.ACCEPT], accepted("e1", server.owner))
        connection.commit()
        assert 1 == deleting.result(10)
    assert [("w",)] == base.query("SELECT hash FROM workflow_version")


def test_who_notes_a_version_may_write_another(base: Base) -> None:
    """What deletes versions and a batch that erases, then accepts, do not wait for each other."""
    server, statements = base.server(), postgres_statements()
    base.query("INSERT INTO workflow_version VALUES ('w', '{}', 0)")
    base.query("INSERT INTO about VALUES ('unused w', '0')")
    with (
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(base.url, cursor_factory=psycopg.RawCursor) as connection,
    ):
        connection.execute("SET deadlock_timeout = '10s'")
        connection.execute(statements[Statement.UNUSED], note("w"))
        deleting = pool.submit(server.unused.delete)
        with suppress(TimeoutError):
            deleting.result(0.3)
        connection.execute("SET lock_timeout = '5s'")
        connection.execute(statements[Statement.WORKFLOW_VERSION], ("x", b"{}", 0.0))
        connection.commit()
        assert 1 == deleting.result(10)
    assert [("unused w",)] == base.query("SELECT key FROM about WHERE key LIKE 'unused%%'")


# -- who has what ----------------------------------------------------------------------------------


@contextmanager
def executions(base: Base, owner: str | None, *states: str) -> Iterator[list[str]]:
    """Executions in these states, which this server has."""
    ids = [f"e{number:03d}" for number in range(len(states))]
    columns = "id, workflow_id, workflow_name, workflow_hash, plan_hash, state, owner, epoch"
    for key, state in zip(ids, states, strict=True):
        base.query(
            f"INSERT INTO execution ({columns}, created, total_nodes, completed_nodes, "  # noqa: S608
            "failed_nodes, seq) VALUES (%s, 'w', 'w', 'w', 'w', %s, %s, 1, 0, 0, 0, 0, 0)",
            *(key, state, owner),
        )
    yield ids


def test_what_has_ended_never_comes_back(base: Base) -> None:
    """Only what has not ended, and what nobody living has, can be claimed."""
    server, other = base.server(), base.server(1)
    states = ("pending", "running", "waiting", "completed", "failed", "cancelled")
    with executions(base, None, *states) as ids:
        assert ids[:3] == server.claim(ids)
        assert [] == other.claim(ids)
        assert [("pending", 2), ("running", 2), ("running", 2)] == base.query(
            "SELECT state, epoch FROM execution WHERE owner IS NOT NULL ORDER BY id"
        )
        server.leave()
        assert ids[:3] == other.claim(ids)


def test_each_is_claimed_by_one(base: Base) -> None:
    """Many servers that claim at one time share what there is: each execution is one server's."""
    servers = [base.server(number % 2) for number in range(6)]
    with executions(base, "nobody", *["running"] * 120) as ids, ThreadPoolExecutor(6) as pool:
        while free := servers[0].free((), 1_000):
            wanted = [found.id for found in free]
            list(pool.map(lambda server, wanted=wanted: server.claim(wanted), servers))
        owners = base.query("SELECT owner, count(*) FROM execution GROUP BY owner")
        assert {server.owner for server in servers} >= {row[0] for row in owners}
        assert [(2, len(ids))] == base.query("SELECT epoch, count(*) FROM execution GROUP BY epoch")


def test_a_dead_server_claims_nothing(base: Base) -> None:
    """Who is believed dead must begin anew before it gets anything."""
    server = base.server()
    with executions(base, None, "pending") as ids:
        base.query("DELETE FROM server")
        assert [] == server.claim(ids)
        server.register()
        assert ids == server.claim(ids)
        server.let_go(ids)
        assert [(None,)] == base.query("SELECT owner FROM execution")


def test_a_cancel_reaches_its_server(base: Base) -> None:
    """What one server asks for is found by the server that has the execution, until it ended."""
    server, other = base.server(), base.server(1)
    with executions(base, server.owner, "running", "completed") as ids:
        assert ("running", None) == (
            other.ask_to_cancel(ids[0], 5.0),
            other.ask_to_cancel(ids[1], 5.0),
        )
        assert ids[:1] == server.to_cancel()
        assert [] == other.to_cancel()
        base.query("UPDATE execution SET state = 'cancelled', completed = 6")
        assert [] == server.to_cancel()


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
