"""The conformance kit: every rule can fail, and says what is wrong and how to mend it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from tests.core.conforming import BAD, GoodConfig, good, like, never_ends
from tests.peers import need_module

from caudal_core import Context
from caudal_core.runner.protocol import LIGHT_ROWS
from caudal_core.testing import RULES, lightness, review_handler

ROOT = Path(__file__).parents[2]


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
    need_module(library)
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
