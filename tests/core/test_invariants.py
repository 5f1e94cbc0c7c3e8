"""The checker of whole journals: it is silent on a sound one and finds each thing that is wrong."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from tests.core.engines import ended, running
from tests.core.flows import document, fail, give

from caudal_core.testing.invariants import broken

SOUND = [
    ({"a": give({"x": 1}), "b": "passThread", "c": "output"}, ("a b", "b c")),
    ({"a": give(1), "f": fail(retries=1), "s": "pass"}, ("a f", "f s")),
]


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of an engine that has run a few workflows."""
    folder = tmp_path_factory.mktemp("sound")

    async def fill() -> None:
        async with running(folder) as engine:
            for nodes, connections in SOUND:
                await ended(await engine.submit(document(nodes, *connections)))

    asyncio.run(fill())
    return folder / "caudal.db"


@contextmanager
def changed(journal: Path, folder: Path, *statements: str) -> Iterator[Engine]:
    """A copy of the journal in which something has been changed."""
    copy = shutil.copytree(journal.parent, folder / "copy")  # with its log, which is part of it
    database = create_engine(f"sqlite:///{copy / journal.name}")
    with database.begin() as connection:
        for statement in statements:
            assert connection.execute(text(statement)).rowcount, statement
    yield database
    database.dispose()


def test_a_sound_journal_is_sound(journal: Path, tmp_path: Path) -> None:
    """Nothing is wrong with what an engine writes."""
    with changed(journal, tmp_path) as database:
        assert [] == broken(database)


DONE = "execution = (SELECT id FROM execution WHERE state = 'completed')"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE execution SET state = 'running'", "was accepted and has not ended"),
        ("UPDATE execution SET error = NULL WHERE state = 'failed'", "its error is None"),
        ("UPDATE execution SET completed = NULL", "ended at no time"),
        ("UPDATE execution SET completed_nodes = 2 WHERE state = 'completed'", "it counts 2"),
        ("UPDATE execution SET epoch = 0", "beyond 0"),
        ("DELETE FROM plan", "its plan is not there"),
        ("DELETE FROM workflow_version", "version is not there"),
        ("DELETE FROM execution WHERE state = 'completed'", "without their execution"),
        ("DELETE FROM node_run WHERE node = 'b' AND {done}", "without a record of b"),
        ("UPDATE node_run SET state = 'running' WHERE node = 'b' AND {done}", "b is running"),
        ("UPDATE node_run SET state = 'cancelled' WHERE node = 'b' AND {done}", "b is cancelled"),
        ("UPDATE node_run SET seq = 1 WHERE node = 'c' AND {done}", "two records have one number"),
        ("UPDATE node_run SET seq = 0 WHERE node = 'c' AND {done}", "recorded before b"),
        ("UPDATE node_run SET attempt = 3 WHERE attempt = 2", "attempts [1, 3]"),
        ("UPDATE node_run SET state = 'completed' WHERE attempt = 1", "began again after"),
    ],
)
def test_what_is_wrong_is_found(journal: Path, tmp_path: Path, change: str, said: str) -> None:
    """Each promise that is broken is named, with its execution."""
    with changed(journal, tmp_path, change.format(done=DONE)) as database:
        found = broken(database)
    assert any(said in line for line in found), found


def test_what_has_not_ended_may_be_allowed(journal: Path, tmp_path: Path) -> None:
    """In the middle of work executions are open, and that is no fault."""
    statement = "UPDATE execution SET state = 'running', error = NULL"
    with changed(journal, tmp_path, statement) as database:
        assert [] == broken(database, ended=False)


def test_every_output_is_shown(journal: Path, tmp_path: Path) -> None:
    """Whoever knows what a node must hand on is shown what it did."""

    def looked(row: Any, run: Any, outputs: Any) -> str | None:
        return None if outputs == {"out": {"x": 1}} or run.node in "fs" else f"is {outputs}"

    with changed(journal, tmp_path) as database:
        wrong = broken(database, output=looked)
    assert 1 == len(wrong)
    assert wrong[0].endswith("a: is {'out': 1}")
