"""What the conformance kit finds nothing wrong with, and what it looks at."""

from __future__ import annotations

import subprocess
import sys
from copy import copy
from pathlib import Path
from typing import Any

import pytest
from tests.core.conforming import TITLE, GoodConfig, good, like, plain, returns_a_set

from caudal_core import Config, Context, DataError, Field, HandlerError
from caudal_core.errors import NotFound
from caudal_core.testing import check_handler, installed_handlers, review_handler
from caudal_core.testing.subject import Subject

# -- what is fine ---------------------------------------------------------------------------------


def test_a_good_handler() -> None:
    """A handler that keeps to everything has the full score, strictly too."""
    found = check_handler(good, strict=True)
    assert (100, (), True) == (found.score, found.findings, found.passed)
    assert "good: 19 of 19 points (100 %)" == str(found)


def test_what_must_be_and_what_should() -> None:
    """The least that can be written passes; strictly, what it should have is asked for."""
    found = check_handler(plain)
    assert ({"titles"}, True) == ({f.rule.name for f in found.findings}, found.passed)
    assert (18, 19, 94) == (found.points, found.of, found.score)
    with pytest.raises(AssertionError, match="should titles: the node has no title"):
        check_handler(plain, strict=True)


def test_a_broken_rule_raises() -> None:
    """A required rule that is broken fails the test, with everything that was found."""
    with pytest.raises(AssertionError) as caught:
        check_handler(like(plain, returns_a_set, wants="value", wants_records=False))
    text = str(caught.value)
    words = ("plain: 16 of 19", "must results", "should titles")
    assert [] == [word for word in words if word not in text]


def test_an_error_of_ours_is_fine() -> None:
    """A handler may refuse whatever it is given, as long as it says why."""

    def refuses(config: GoodConfig, data: Any, ctx: Context) -> Any:
        """Refuse."""
        raise DataError("nothing is good enough")

    assert () == review_handler(like(good, refuses)).findings


class Needs(Config):
    """A field that has no default, but an example."""

    table: str = Field(title=TITLE, description="Which one.", examples=["meters"])


def test_required_fields_are_tried_with_their_examples() -> None:
    """A config that cannot be empty is refused clearly, and the handler tried with the examples."""
    tables: list[str] = []

    def reads(config: Needs, data: Any, ctx: Context) -> Any:
        """Read a table."""
        tables.append(config.table)

    assert () == review_handler(like(good, reads, config=Needs)).findings
    assert {"meters"} == set(tables)
    review_handler(like(good, reads, config=Needs), config={"table": "own"})
    assert {"meters", "own"} == set(tables)


@pytest.mark.parametrize("effects", [False, True])
@pytest.mark.parametrize("effect", ["pure", "idempotent", "keyed", "transactional", "at_most_once"])
def test_effects_are_not_tried_out(effect: str, *, effects: bool) -> None:
    """What changes the world more with each run is not run, unless one asks for it."""
    runs: list[bool] = []

    def acts(config: GoodConfig, data: Any, ctx: Context) -> Any:
        """Do something outside."""
        runs.append(ctx.dry_run)

    review_handler(like(good, acts, effect=effect), effects=effects)
    assert (effects or effect in {"pure", "idempotent"}) == bool(runs)
    assert all(runs)


async def slow(config: GoodConfig, data: Any, ctx: Context) -> Any:
    """Wait for something, then fail as the outside world does."""
    raise HandlerError("no network")


def test_handlers_of_every_form() -> None:
    """Handlers of several ports, of one record and of `async def` are tried as the engine would."""
    seen: list[set[str]] = []

    def joins(config: GoodConfig, data: Any, ctx: Context) -> Any:
        """Look at the ports."""
        seen.append(set(data))
        return dict(data)

    def row(config: GoodConfig, data: Any, ctx: Context) -> Any:
        """Hand on a record."""
        return data

    forms = [
        like(good, joins, inputs=("A", "B"), wants="ports"),
        like(good, row, per_row=True),
        like(good, slow, is_async=True),
    ]
    assert [()] * 3 == [review_handler(form).findings for form in forms]
    assert [{"A"}, {"A", "B"}] == sorted(map(copy, {frozenset(ports) for ports in seen}), key=len)


def test_trials_are_made_once() -> None:
    """All rules look at the same runs."""
    subject = Subject(good)
    assert subject.trials is subject.trials
    assert all(trial.result is not None for trial in subject.trials)


# -- what is installed ----------------------------------------------------------------------------


def test_installed_handlers() -> None:
    """All that is installed, or what some packages bring; a package that is not there is said."""
    found = [made.type for made in installed_handlers("caudal-builtin")]
    assert {"trigger", "condition", "join"} <= set(found) <= {m.type for m in installed_handlers()}
    with pytest.raises(NotFound, match="no-such-package"):
        installed_handlers("no-such-package")


PLUGIN_TEST = """
from caudal_core.testing import check_handler

def test_conventions(installed_handler):
    check_handler(installed_handler)

def test_other():
    pass
"""


@pytest.mark.parametrize(("setting", "passed"), [("caudal-builtin", True), ("no-such", False)])
def test_the_pytest_plugin(tmp_path: Path, setting: str, *, passed: bool) -> None:
    """A test with the argument `installed_handler` runs once for each handler of the packages."""
    (tmp_path / "test_kit.py").write_text(PLUGIN_TEST, encoding="utf-8")
    settings = f"[pytest]\ncaudal_packages = {setting}\n"
    (tmp_path / "pytest.ini").write_text(settings, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert passed == (done.returncode == 0)
    assert passed == ("test_conventions[condition]" in done.stdout)
    assert ("no-such not found" in done.stdout) == (not passed)
