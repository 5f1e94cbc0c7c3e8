"""Who may write what into a database that several servers share, and who has what."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import psycopg
import pytest
from tests.core.bases import Base, accepted, run, sink_of
from tests.core.engines import LONG

from caudal_core.journal.journal import Lost
from caudal_core.journal.postgres_sql import postgres_statements
from caudal_core.journal.statements import Statement
from caudal_core.journal.unused import note

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


def waits_for_a_lock(base: Base) -> bool:
    """Whether what writes for a server stands before a row that somebody else has."""
    text = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
    return base.query(text, base.name) != []


async def test_two_servers_write_the_same_versions(base: Base) -> None:
    """In whatever order each was asked for them, neither waits for the other in a ring."""
    insert = postgres_statements()[Statement.WORKFLOW_VERSION]
    async with sink_of(base, base.server().owner) as sink:
        with psycopg.connect(base.url, cursor_factory=psycopg.RawCursor) as connection:
            connection.execute("SET deadlock_timeout = '10s'")
            connection.execute(insert, ("a", b"{}", 0.0))
            rows = [(Statement.WORKFLOW_VERSION, (key, b"{}", 0.0)) for key in "ba"]
            committing = asyncio.create_task(sink.commit(rows, 0))
            async with asyncio.timeout(LONG):
                while not waits_for_a_lock(base):  # noqa: ASYNC110 - nothing tells of it
                    await asyncio.sleep(0.01)
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
