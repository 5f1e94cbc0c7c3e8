"""`caudal config show`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.server.cli.command import caudal


def shown() -> dict[str, tuple[str, str]]:
    """By the name of each setting its value and its origin."""
    found = json.loads(caudal("config", "show", "--json").stdout)
    return {item["name"]: (item["value"], item["origin"]) for item in found}


def test_every_setting_has_value_and_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting says whether it comes from the environment, from `.env` or is the default."""
    Path(".env").write_text("CAUDAL_LANGUAGE=es\nPORT=3001\n")
    monkeypatch.setenv("CAUDAL_PORT", "8123")
    found = shown()
    assert ("8123", "environment") == found["CAUDAL_PORT"]
    assert ("es", ".env") == found["CAUDAL_LANGUAGE"]
    assert ("localhost", "default") == found["CAUDAL_HOST"]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("postgresql://me:hush@host/app", "postgresql://••••@host/app"),
        ("postgresql+psycopg://me:pa/hush@host/app", "postgresql+psycopg://••••@host/app"),
        ("postgresql+psycopg://me:pa@ss:hush@host/app", "postgresql+psycopg://••••@host/app"),
        ("https://hush@host/{id}", "https://••••@host/{id}"),
    ],
)
def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch, source: str, value: str) -> None:
    """No part of a password in an address is ever shown, whatever characters it has."""
    monkeypatch.setenv("CAUDAL_WORKFLOW_SOURCE", source)
    assert "hush" not in caudal("config", "show").stdout
    assert value == shown()["CAUDAL_WORKFLOW_SOURCE"][0]


def test_who_is_told_and_what_signs_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the URL that is told nothing but its scheme is shown, of a secret nothing."""
    monkeypatch.setenv("CAUDAL_ON_FAILURE", "https://chat.example.org/hush/hush?a=hush")
    monkeypatch.setenv("CAUDAL_CALLBACK_SECRET", "hush hush hush hush")
    monkeypatch.setenv("CAUDAL_EGRESS_ALLOW", "example.org, 10.0.0.0/8")
    assert "hush" not in caudal("config", "show").stdout
    found = shown()
    assert "https://••••" == found["CAUDAL_ON_FAILURE"][0]
    assert "••••" == found["CAUDAL_CALLBACK_SECRET"][0]
    assert "example.org,10.0.0.0/8" == found["CAUDAL_EGRESS_ALLOW"][0]
    monkeypatch.setenv("CAUDAL_ON_FAILURE", "teller")
    assert "teller" == shown()["CAUDAL_ON_FAILURE"][0]


def test_table_has_a_line_for_each() -> None:
    """Without --json the settings are a table, a line each."""
    done = caudal("config", "show")
    assert 0 == done.exit_code
    assert sorted(shown()) == sorted(line.split()[0] for line in done.stdout.splitlines()[1:])


def test_names_in_vain_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt CAUDAL_ name is told with the one that is perhaps meant."""
    monkeypatch.setenv("CAUDAL_PROT", "1")
    assert (
        "CAUDAL_PROT is set, but means nothing; did you mean CAUDAL_PORT?"
        in caudal("config", "show").stderr
    )


def test_invalid_setting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that does not fit exits with 2 and names the variable."""
    monkeypatch.setenv("CAUDAL_PORT", "many")
    done = caudal("config", "show")
    assert 2 == done.exit_code
    assert "CAUDAL_PORT" in done.stderr
