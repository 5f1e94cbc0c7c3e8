"""`caudal handlers` and `caudal plugins`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tests.server.cli.command import caudal

KEYS = {
    "type",
    "typeVersion",
    "title",
    "category",
    "package",
    "version",
    "inputs",
    "outputs",
    "effect",
    "configSchema",
}


def test_handlers_are_listed() -> None:
    """`caudal handlers` lists every type with its package, one a line."""
    done = caudal("handlers")
    assert 0 == done.exit_code
    line = next(text for text in done.stdout.splitlines() if text.startswith("condition "))
    assert ["condition", "Condition", "logic", "caudal-builtin", "1.0.0"] == line.split()


def test_handlers_as_json() -> None:
    """--json gives the objects of the API, with titles in both languages."""
    found = {item["type"]: item for item in json.loads(caudal("handlers", "--json").stdout)}
    assert KEYS <= set(found["join"])
    assert {"en": "Join", "es": "Unir"} == found["join"]["title"]
    assert ["A", "B"] == found["join"]["inputs"]
    assert "joinKey" in found["join"]["configSchema"]["properties"]


def test_one_handler() -> None:
    """With a type its ports and each key of its config are shown; as JSON, a list of one."""
    shown = caudal("handlers", "condition").stdout
    assert "conditionOperator" in shown
    assert "true, false" in shown
    only = json.loads(caudal("handlers", "condition", "--json").stdout)
    assert ["condition"] == [item["type"] for item in only]


def test_unknown_handler() -> None:
    """An unknown type exits with 2 and names the nearest."""
    done = caudal("handlers", "conditon")
    assert 2 == done.exit_code
    assert "no handler of the type 'conditon'; did you mean 'condition'?" in done.stderr


@pytest.mark.parametrize("words", [["plugins"], ["plugins", "list"]])
def test_plugins(words: list[str]) -> None:
    """`caudal plugins`, with or without `list`, shows each package and its handlers."""
    shown = caudal(*words)
    assert 0 == shown.exit_code
    assert "caudal-builtin" in shown.stdout
    found = {item["name"]: item for item in json.loads(caudal(*words, "--json").stdout)}
    builtin = found["caudal-builtin"]
    assert {"name", "version", "status", "handlers", "error"} == set(builtin)
    assert ("ok", None) == (builtin["status"], builtin["error"])
    assert "addField" in builtin["handlers"]


def test_broken_plugin_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A plugin that cannot be loaded is listed with its cause; the exit code is 0."""
    info = tmp_path / "broken_plugin-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-plugin\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[caudal]\nbroken = broken_plugin\n")
    (tmp_path / "broken_plugin.py").write_text("raise RuntimeError('no luck')\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    done = caudal("plugins")
    assert 0 == done.exit_code
    assert "broken-plugin 0.1: broken_plugin: RuntimeError: no luck" in done.stderr
    found = {item["name"]: item for item in json.loads(caudal("plugins", "--json").stdout)}
    assert "failed" == found["broken-plugin"]["status"]
    assert "no luck" in found["broken-plugin"]["error"]
    assert 0 == caudal("handlers").exit_code
