"""What a handler is given beside its config and its data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from caudal_core import Context, NotAvailable, Records, UnknownField
from caudal_core.context import Environment
from caudal_core.errors import ExecutionCancelled, FileRefused, NodeTimeout
from caudal_core.files import FileAccess
from caudal_core.notes import MAX_LOG_CHARACTERS, MAX_LOG_LINES


def context(node_id: str = "n1", attempt: int = 1, **environment: Any) -> Context:
    """A context as the engine makes it."""
    return Context(node_id, Environment(**environment), attempt)


def test_where_a_node_is() -> None:
    """A handler sees its node and attempt, and what holds for the whole execution."""
    ctx = context(
        "n7",
        3,
        execution_id="e1",
        organization="acme",
        labels={"user": "42"},
        inputs={"day": 1},
        timezone="Europe/Madrid",
        locale="es-ES",
        language="es",
        dry_run=True,
    )
    assert ("n7", 3, "e1", "acme") == (ctx.node_id, ctx.attempt, ctx.execution_id, ctx.organization)
    assert ({"user": "42"}, {"day": 1}) == (ctx.labels, ctx.inputs)
    assert ("Europe/Madrid", "es-ES", "es") == (ctx.timezone, ctx.locale, ctx.language)
    assert (True, 0, None) == (ctx.dry_run, ctx.generation, ctx.deadline)


def test_the_clock_is_the_engines() -> None:
    """`now()` is the clock that the engine was given, in UTC by default."""
    moment = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert moment == context(clock=lambda: moment).now()
    assert UTC is context().now().tzinfo


def test_the_key_belongs_to_node_and_execution() -> None:
    """All attempts have the same key; another node, execution or generation has another."""
    key = context(execution_id="e").idempotency_key
    assert key == context(attempt=5, execution_id="e").idempotency_key
    others = [
        context("n2", execution_id="e"),
        context(execution_id="f"),
        Context("n1", Environment(execution_id="e"), generation=1),
    ]
    assert 4 == len({key, *(other.idempotency_key for other in others)})
    assert key.isalnum()


# -- what it says ---------------------------------------------------------------------------------


def test_the_last_word_counts() -> None:
    """The last message stands; what was reported beside earlier ones stays."""
    ctx = context()
    assert None is ctx.said
    ctx.say("first", rows=1, kept=2)
    ctx.say("second", rows=3)
    assert ("second", {"rows": 3, "kept": 2}) == (ctx.notes.message, ctx.notes.report)


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_the_log(level: str) -> None:
    """A line has its level, and is filled as logging fills it."""
    ctx = context()
    getattr(ctx.log, level)("read %d of %s", 3, "five")
    getattr(ctx.log, level)("100 % sure")
    expected = [{"level": level, "message": text} for text in ("read 3 of five", "100 % sure")]
    assert expected == ctx.notes.log


def test_the_log_is_bounded() -> None:
    """Beyond the limit lines are counted, not kept; long ones are cut."""
    ctx = context()
    ctx.log.info("x" * 10_000)
    for _ in range(MAX_LOG_LINES + 9):
        ctx.log.info("more")
    assert (MAX_LOG_LINES, 10) == (len(ctx.notes.log), ctx.notes.dropped)
    assert MAX_LOG_CHARACTERS == len(ctx.notes.log[0]["message"])


def test_progress() -> None:
    """The last progress counts, its text bounded; whoever watches is woken."""
    ctx = context()
    woken: list[int] = []
    ctx.notes.changed = lambda: woken.append(1)
    ctx.progress(1)
    ctx.progress(2.5, 10, "x" * 500)
    assert ({"done": 2.5, "total": 10, "message": "x" * 200}, 2) == (ctx.notes.progress, len(woken))


# -- whether somebody waits -----------------------------------------------------------------------


def test_check_is_silent_while_somebody_waits() -> None:
    """Without a cancel and within the time `check` does nothing."""
    ctx = Context("n", Environment(), deadline=monotonic() + 1000)
    ctx.check()
    ctx.progress(1)
    assert not ctx.cancelled


def test_a_cancelled_node() -> None:
    """After a cancel `check` and `progress` raise."""
    ctx = context()
    ctx.cancel()
    assert ctx.cancelled
    calls: list[Callable[[], None]] = [ctx.check, lambda: ctx.progress(1)]
    for call in calls:
        with pytest.raises(ExecutionCancelled):
            call()


def test_a_node_whose_time_is_over() -> None:
    """After the deadline `check` raises."""
    ctx = Context("n", Environment(), deadline=monotonic() - 1)
    with pytest.raises(NodeTimeout):
        ctx.check()


# -- templates and files --------------------------------------------------------------------------


def test_a_template_of_one_record() -> None:
    """A value is filled from a record; texts inside lists and objects too."""
    ctx = context()
    row = {"price": 1.5, "name": "Ñ"}
    assert 1.5 == ctx.render("{{price}}", row)
    assert "Ñ: 1.5" == ctx.render("{{name}}: {{price}}", row)
    assert {"a": [1.5, 7]} == ctx.render({"a": ["{{price}}", 7]}, row)
    with pytest.raises(UnknownField, match="'prise'"):
        ctx.render("{{prise}}", row)


def test_a_template_of_all_records() -> None:
    """Of records it is one value each; a record that lacks a known field gives null."""
    ctx = context()
    rows = Records([{"a": 1}, {"b": 2}])
    assert [1, None] == ctx.render("{{a}}", rows)
    assert ["x", "x"] == ctx.render("x", rows)
    assert [] == ctx.render("{{a}}", Records())
    with pytest.raises(UnknownField, match="a, b"):
        ctx.render("{{c}}", rows)


def test_a_template_for_people() -> None:
    """For people numbers are written by the execution's locale."""
    ctx = context(locale="es-ES")
    assert "1.234,5 €" == ctx.render("{{n}} €", {"n": 1234.5}, people=True)
    assert "1234.5 €" == ctx.render("{{n}} €", {"n": 1234.5})


def test_a_file(tmp_path: Path) -> None:
    """A file under an allowed folder is found, every other refused."""
    (tmp_path / "a.csv").write_text("x", encoding="utf-8")
    assert tmp_path / "a.csv" == context(files=FileAccess([tmp_path])).file("a.csv")
    with pytest.raises(FileRefused, match="CAUDAL_FILE_ROOTS"):
        context().file("a.csv")


LATER: dict[str, Callable[[Context], Any]] = {
    "http": lambda ctx: ctx.http,
    "connection": lambda ctx: ctx.connection("plant"),
    "blob_writer": lambda ctx: ctx.blob_writer(),
}


@pytest.mark.parametrize("name", LATER)
def test_what_a_later_version_brings(name: str) -> None:
    """What is not there yet says so in both languages, instead of pretending."""
    with pytest.raises(NotAvailable) as caught:
        LATER[name](context())
    assert "not available in this version" in caught.value.text()
    assert "no está disponible en esta versión" in caught.value.text("es")


@pytest.mark.parametrize("name", ["success", "error", "output_data", "outputData", "metadata"])
def test_a_name_that_the_result_has(name: str) -> None:
    """What is reported never hides behind what every result has."""
    with pytest.raises(ValueError, match=f"'{name}'"):
        context().say("done", **{name: 1})


def test_what_is_said_is_one_line() -> None:
    """A message is kept up to a length that a list of many can show."""
    ctx = context()
    ctx.say("x" * 1_000_000)
    assert "x" * 2_000 == ctx.notes.message
