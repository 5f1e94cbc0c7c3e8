"""What is asked again and again is found by an index, however much is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, insert, text
from tests.builtin.record_stores import schema

from caudal_core.journal.filters import Filter
from caudal_core.journal.history import History
from caudal_core.journal.postgres_sql import postgres_schema
from caudal_core.journal.servers import Servers
from caudal_core.journal.statements import schema as sqlite_schema
from caudal_core.journal.tables import execution, notice, timer

KEPT = 5_000
EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}
TABLES = ("execution", "timer", "notice")
SCANS = tuple(f"{scan} {table}" for scan in ("SCAN", "Seq Scan on") for table in TABLES)


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database in which thousands wait, each for an hour of its own, of many organisations."""
    if request.param == "sqlite":
        database = create_engine(f"sqlite:///{tmp_path / 'caudal.db'}")
        _fill(database, sqlite_schema())
        yield database
        database.dispose()
        return
    with schema() as url:
        database = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        _fill(database, postgres_schema())
        yield database
        database.dispose()


def _fill(database: Engine, tables: list[str]) -> None:
    with database.begin() as connection:
        for statement in tables:
            connection.exec_driver_sql(statement)
        connection.execute(insert(execution), [_waits(number) for number in range(KEPT)])
        rows = [
            {"execution": f"{number:08}", "node": "n", "kind": "time", "due": 1e9 + number}
            for number in range(KEPT)
        ]
        connection.execute(insert(timer), rows)
        connection.execute(insert(notice), [_told(number) for number in range(KEPT)])
        connection.execute(text("ANALYZE"))


def _waits(number: int) -> dict[str, Any]:
    texts = dict.fromkeys(("workflow_id", "workflow_name", "workflow_hash", "plan_hash"), "w")
    counts = dict.fromkeys(("epoch", "total_nodes", "completed_nodes", "failed_nodes", "seq"), 1)
    own = {"id": f"{number:08}", "organization": f"o{number % 100}", "created": 1e9 + number}
    return {**texts, **counts, **own, "state": "waiting"}


def _told(number: int) -> dict[str, Any]:
    texts = {"kind": "callback", "state": "delivered", "target": "http://localhost/"}
    return {**texts, "id": f"{number:08}", "count": 1, "created": 1e9 + number, "attempts": 1}


def plan_of(database: Engine, ask: Callable[[], object]) -> str:
    """How the database would answer what is asked."""
    asked: list[tuple[str, Any]] = []

    @event.listens_for(database, "before_cursor_execute")
    def note(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        asked.append((statement, values))

    ask()
    event.remove(database, "before_cursor_execute", note)
    with database.connect() as connection:
        explain = EXPLAIN[database.dialect.name]
        return "\n".join(
            str(row[-1])
            for statement, values in asked
            for row in connection.exec_driver_sql(explain + statement, values)
        )


async def test_looks_that_are_taken_all_the_time(filled: Engine) -> None:
    """What is due, what is next, what goes on and what is listed: no look at all that is kept."""
    history = History(filled)
    looks: list[Callable[[], object]] = [
        lambda: history.waits.due(1e9 + 5, (0.0, ""), 256),
        lambda: history.waits.next_due(1e9),
        history.unfinished,
        lambda: history.executions(Filter()),
        lambda: history.executions(Filter(status=("running",))),
        lambda: history.executions(Filter(organization="nobody's")),
    ]
    if filled.dialect.name == "postgresql":
        servers = Servers(filled)
        looks += [lambda: servers.free([], 100), servers.to_cancel, servers.woken, history.notices]
    for look in looks:
        plan = plan_of(filled, look)
        scans = [found for found in SCANS if found in plan and f"{found} USING INDEX" not in plan]
        assert [] == scans, plan


async def test_the_next_moment_is_the_first_of_an_index(filled: Engine) -> None:
    """Of all that wait only the first is looked at, not those that all of them wait for."""
    waits = History(filled).waits
    assert 1e9 + 11 == waits.next_due(1e9 + 10)
    assert waits.next_due(1e9 + KEPT) is None
    assert "timer_by_due" in plan_of(filled, lambda: waits.next_due(1e9 + 10))


@pytest.mark.parametrize("filled", ["postgresql"], indirect=True)
async def test_of_those_that_wait_only_those_to_be_cancelled_are_looked_at(filled: Engine) -> None:
    """A look for what nobody has does not go through all that waits."""
    plan = plan_of(filled, lambda: Servers(filled).free([], 100))
    assert "execution_to_cancel" in plan, plan
