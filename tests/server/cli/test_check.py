"""`caudal check`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.server.cli.command import caudal, doubling, saved


def test_valid_workflow() -> None:
    """A workflow without problems exits with 0."""
    done = caudal("check", saved(doubling()))
    assert 0 == done.exit_code
    assert "flow.json: valid, 0 problem(s), 0 warning(s)\n" == done.stdout


def broken() -> dict[str, Any]:
    """A workflow with two problems."""
    flow = doubling()
    flow["nodes"][1]["config"]["expression"] = "1 +"
    flow["connections"].append({"fromNodeId": "twice", "toNodeId": "nowhere"})
    return flow


def test_every_problem_is_listed_with_its_place() -> None:
    """Problems exit with 2; each is told with a pointer into the JSON."""
    done = caudal("check", saved(broken()))
    assert 2 == done.exit_code
    assert "[/nodes/1/config/expression]" in done.stdout
    assert "[/connections/2/toNodeId]" in done.stdout
    assert "not valid, 2 problem(s)" in done.stdout


def test_json_lists_problems_and_warnings() -> None:
    """--json prints `{valid, problems, warnings}`."""
    done = caudal("check", saved(broken()), "--json")
    found = json.loads(done.stdout)
    assert 2 == done.exit_code
    assert {"valid", "problems", "warnings"} == set(found)
    assert False is found["valid"]
    assert ["INVALID_CONFIG", "UNKNOWN_NODE"] == sorted(item["code"] for item in found["problems"])


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--strict"], 2)])
def test_warnings_count_only_under_strict(options: list[str], code: int) -> None:
    """An unknown config key is a warning with the nearest one; --strict makes it count."""
    flow = doubling()
    flow["nodes"][1]["config"]["fieldNam"] = "x"
    done = caudal("check", saved(flow), "--json", *options)
    found = json.loads(done.stdout)
    assert code == done.exit_code
    assert (code == 0) is found["valid"]
    assert ["UNKNOWN_CONFIG_KEY"] == [item["code"] for item in found["warnings"]]
    assert "did you mean 'fieldName'?" in found["warnings"][0]["message"]


def test_file_that_is_no_json() -> None:
    """A file that is no JSON exits with 2 and says where."""
    Path("flow.json").write_text('{"nodes": [}')
    done = caudal("check", "flow.json")
    assert 2 == done.exit_code
    assert "flow.json is not JSON" in done.stderr
    assert "line 1, column 12" in done.stderr
