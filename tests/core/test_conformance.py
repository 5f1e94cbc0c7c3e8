"""The conformance kit: every rule can fail, and says what is wrong and how to mend it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from pathlib import Path
from random import random
from types import FunctionType
from typing import Any, Self

import pytest
from pydantic import ConfigDict, model_validator

from caudal_core import (
    Config,
    Context,
    DataError,
    Field,
    Handler,
    HandlerError,
    Outputs,
    Records,
    Text,
    handler,
)
from caudal_core.errors import NotFound
from caudal_core.runner.protocol import LIGHT_ROWS
from caudal_core.testing import (
    RULES,
    check_handler,
    installed_handlers,
    lightness,
    review_handler,
)
from caudal_core.testing.subject import Subject

ROOT = Path(__file__).parents[2]
TITLE = Text(en="Some title", es="Un título")


class GoodConfig(Config):
    """A config that has all that one should have."""

    factor: int = Field(2, title=TITLE, description="By how much.", ge=1)
    name: str = Field("", title=TITLE, description="What it is called.")


@handler("good", title=TITLE, effect="pure")
def good(config: GoodConfig, data: Any, ctx: Context) -> Any:
    """Hand on what comes in."""
    ctx.say("handed on", at=ctx.now())
    return data


@handler("plain", effect="pure")
def plain(config: Config, data: Records, ctx: Context) -> Records:
    """Keep to what must be, with the least that can be written."""
    return data


def like(made: Handler, function: Callable[..., Any] | None = None, **changes: Any) -> Handler:
    """A handler with one thing about it that is not as it should be."""
    return replace(made, **{**changes, **({"function": function} if function else {})})


# -- handlers that break one rule each ------------------------------------------------------------


def silent(config: GoodConfig, data: Any, ctx: Context) -> Any:  # noqa: D103 - that is its fault
    return data


class Untitled(Config):
    """A config of which nobody can read what it means."""

    factor: int = 2


class OneLanguage(Config):
    """A config that speaks English alone."""

    factor: int = Field(2, title="Factor", description="By how much.")


class Stumbling(Config):
    """A validator that stumbles over a missing field."""

    table: str | None = Field(None, title=TITLE, description="Which one.")

    @model_validator(mode="after")
    def _look(self) -> Self:
        assert self.table.isidentifier()  # type: ignore[union-attr]
        return self


class Choice:
    """Something that JSON does not know."""


class NoSchema(Config):
    """A type that no form can show."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    choice: Choice | None = Field(None, title=TITLE, description="One of them.")


class BadDefault(Config):
    """A default that its own limits refuse."""

    share: float = Field(150.0, title=TITLE, description="In per cent.", le=100)


class OddDefault(Config):
    """A default that JSON cannot write."""

    names: Any = Field(default_factory=lambda: {1, 2}, title=TITLE, description="Some names.")
    when: Any = Field(object(), title=TITLE, description="At what time.")


class Forgetful(Config):
    """A config that forgets what it does not know."""

    model_config = ConfigDict(extra="ignore")


def needs_a_field(config: GoodConfig, data: Any, ctx: Context) -> Any:
    """Take for granted what comes in."""
    return [{**row, "n": row["n"] * 2} for row in data]


def never_ends(config: GoodConfig, data: Any, ctx: Context) -> Any:
    """Look for the end of an empty list."""
    while not ctx.cancelled:
        pass


def returns_a_set(config: GoodConfig, data: Any, ctx: Context) -> Any:
    """Return what JSON does not have."""
    return {1, 2}


def wrong_port(config: GoodConfig, data: Any, ctx: Context) -> Outputs:
    """Name a port that is not there."""
    return Outputs(outt=data)


def throws_dice(config: GoodConfig, data: Any, ctx: Context) -> Any:
    """Return something else each time."""
    return random()  # noqa: S311


def says_dice(config: GoodConfig, data: Any, ctx: Context) -> Any:
    """Say something else each time."""
    ctx.say(f"{random()}")  # noqa: S311
    return data


def changes_its_input(config: GoodConfig, data: Records, ctx: Context) -> Any:
    """Write into records that others see too."""
    for row in data.view():
        row["seen"] = True  # type: ignore[index]
    return data


BAD: dict[str, tuple[str, Handler, list[str]]] = {
    "a type in capitals": ("names", like(good, type="Read_Meter"), ["'Read_Meter'", "camelCase"]),
    "a port with a line": ("names", like(good, outputs=("failed_rows",)), ["'failed_rows'"]),
    "the engine's port": ("names", like(good, outputs=("out", "error")), ["'error'", "onError"]),
    "no docstring": ("docstring", like(good, silent), ["docstring"]),
    "no title": ("titles", like(good, title=Text("good")), ["no title in English and Spanish"]),
    "a title in English": ("titles", like(good, title=Text("Good one")), ["Spanish"]),
    "a field without title": (
        "titles",
        like(good, config=Untitled),
        ["factor", "a title in English", "a title in Spanish", "a description"],
    ),
    "a field in one language": (
        "titles",
        like(good, config=OneLanguage),
        ["factor lacks a title in Spanish"],
    ),
    "no effect": ("effect", like(good, effect_declared=False), ["idempotent", 'effect="pure"']),
    "an empty config that stumbles": (
        "emptyConfig",
        like(good, config=Stumbling),
        ["AttributeError", "default"],
    ),
    "a config without schema": ("schema", like(good, config=NoSchema), ["no JSON Schema"]),
    "a default beyond the limits": ("schema", like(good, config=BadDefault), ["share", "100"]),
    "a default that is no JSON": (
        "schema",
        like(good, config=OddDefault),
        ["no JSON Schema", "not JSON serializable"],
    ),
    "keys that are forgotten": ("unknownKeys", like(good, config=Forgetful), ['extra="allow"']),
    "input taken for granted": (
        "hostileInput",
        like(good, needs_a_field),
        ["on [{}]", "KeyError: 'n'", "DataError"],
    ),
    "a result that is no JSON": ("results", like(good, returns_a_set), ["set is not a JSON value"]),
    "a port that is not there": ("results", like(good, wrong_port), ["'outt'"]),
    "another result each time": ("pure", like(good, throws_dice), ["another result", "ctx.now()"]),
    "another message each time": ("pure", like(good, says_dice), ["another result"]),
    "an input that is changed": (
        "pure",
        like(good, changes_its_input, wants="records", wants_records=True),
        ["changes its input", "rows()"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_rule_can_fail(case: str) -> None:
    """A handler that breaks a rule is found out, by that rule alone and with how to mend it."""
    rule, bad, words = BAD[case]
    findings = review_handler(bad).findings
    assert {rule} == {finding.rule.name for finding in findings}
    text = "\n".join(map(str, findings))
    assert [] == [word for word in words if word not in text]


def test_a_run_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that does not come back from a small input is given up and named."""
    import caudal_core.testing.trial
    import caudal_core.testing.trials

    for module in (caudal_core.testing.trial, caudal_core.testing.trials):
        monkeypatch.setattr(module, "LONGEST", 0.05)
    (finding,) = review_handler(like(good, never_ends), config={}).findings
    assert ("hostileInput", True) == (finding.rule.name, "longer than 0.05 s" in finding.wrong)


def test_every_rule_has_a_handler_that_breaks_it() -> None:
    """No rule is without a proof that it can fail."""
    proven = {rule for rule, _, _ in BAD.values()} | {"lightImport"}
    assert {rule.name for rule in RULES} == proven


@pytest.mark.parametrize("library", ["sqlalchemy", "openpyxl", "httpx2"])
def test_a_heavy_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    """A module that loads a heavy library when it is imported is found out; inside is fine."""
    pytest.importorskip(library)
    source = """
    from typing import Any
    from caudal_core import Config, Context, handler
    {outside}

    @handler("x", effect="pure")
    def x(config: Config, data: Any, ctx: Context) -> Any:
        "Do nothing."
        {inside}
        return data
    """.replace("\n    ", "\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for place in ("outside", "inside"):
        text = {"outside": "", "inside": "", place: f"import {library}"}
        name = f"plugin_{place}_{library}"
        (tmp_path / f"{name}.py").write_text(source.format(**text), encoding="utf-8")
        made = importlib.import_module(name).x
        found = [f for f in review_handler(made).findings if f.rule.name == "lightImport"]
        assert (place == "outside") == bool(found)
        assert all(library in finding.wrong and name in finding.wrong for finding in found)


IMPORTS: dict[str, tuple[str, list[str]]] = {
    "leaves the program": ("sys.exit(3)", ["raises SystemExit: 3"]),
    "leaves it at once": ("os._exit(7)", ["ends the program with exit code 7"]),
    "does not end": ("threading.Event().wait()", ["takes longer than 1.5 s"]),
    "asks somebody": ("input()", []),
    "says something at the end": ("atexit.register(print, 'bye')", []),
}


@pytest.mark.parametrize("case", IMPORTS)
def test_an_import_that_does_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """A module that does what it should not when it is imported is found out in so many words."""
    line, words = IMPORTS[case]
    name = f"plugin_{case.replace(' ', '_')}"
    source = f"import atexit, os, sys, threading\n{line}\n"
    (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    if "does not end" in case:
        monkeypatch.setattr(lightness, "LONGEST", 1.5)
    function = copy_of(good.function, module=name)
    findings = review_handler(like(good, function)).findings
    assert ["lightImport"] * bool(words) == [finding.rule.name for finding in findings]
    text = "\n".join(map(str, findings))
    assert [] == [word for word in [*words, *([name] if words else [])] if word not in text]


def copy_of(function: Callable[..., Any], module: str) -> Callable[..., Any]:
    """The same function, as if another module had defined it."""
    made = FunctionType(function.__code__, function.__globals__, function.__name__)
    made.__module__, made.__doc__ = module, function.__doc__
    return made


def test_a_large_input_is_tried() -> None:
    """A handler that stumbles only over many records with values in them is found out."""

    def stumbles(config: GoodConfig, data: Any, ctx: Context) -> Any:
        """Take for granted that few records come in."""
        rows = data if isinstance(data, list) else []
        return [row["nowhere"] for row in rows if len(rows) > LIGHT_ROWS]

    (finding,) = review_handler(like(good, stumbles)).findings
    assert ("hostileInput", True) == (finding.rule.name, "KeyError: 'nowhere'" in finding.wrong)


def test_what_it_changes_in_place_is_its_own() -> None:
    """A plain value is the handler's own, with all that is in it, however large it is."""

    def writes(config: GoodConfig, data: Any, ctx: Context) -> Any:
        """Write into the lists of every record."""
        for row in data if isinstance(data, list) else []:
            for value in row.values() if isinstance(row, dict) else []:
                if isinstance(value, list):
                    value.append("mine")
        return data

    assert () == review_handler(like(good, writes)).findings


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
