"""Large data: previews with their true size beside them, and answers that stay small."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.acceptance.flows import chain, field, flow, node
from tests.acceptance.serving import Run, Server

SMALL = 64_000
MUCH = 20_000_000


def large(rows: int = 0, characters: int = 0) -> Any:
    """A workflow whose node `big` hands on this much to the node `o`."""
    config = {"rows": rows, "characters": characters}
    return chain(node("big", "trialLarge", config), node("o", "output"))


def whole(server: Server, info: Any) -> Any:
    """All pages of what a preview's `href` leads to, put together."""
    found: list[Any] = []
    while True:
        joint = "&" if "?" in info["href"] else "?"
        page = server.get(f"{info['href']}{joint}offset={len(found)}&limit=1000")
        if not isinstance(page["data"], list):
            return page["data"]
        found += page["data"]
        if len(found) >= page["total"]:
            return found


def places(run: Run) -> list[tuple[Any, Any]]:
    """Every place where the value of `big` stands, with what stands beside it."""
    out, into = run.entries["big"]["outputData"], run.entries["o"]
    return [
        (run.status["finalOutput"], run.status.get("finalOutputInfo")),
        (out["outputData"], out.get("outputDataInfo")),
        (into["inputData"], into.get("inputDataInfo")),
    ]


def test_up_to_the_limit_values_are_whole(server: Server) -> None:
    """A value of up to 64 kB is given whole, and nothing stands beside it."""
    for value, info in places(server.completed(large(characters=SMALL - 100))):
        assert "x" * (SMALL - 100) == value
        assert info is None


def test_more_records_are_shown_in_part(server: Server) -> None:
    """Above, the first 20 records stand there, and beside them how much there is and where."""
    run = server.completed(large(rows=2_500, characters=50))
    expected = [{"n": number, "text": "x" * 50} for number in range(2_500)]
    for value, info in places(run):
        assert expected[:20] == value
        assert (True, 2_500) == (info["truncated"], info["rows"])
        assert len(json.dumps(expected, separators=(",", ":"))) == info["bytes"]
        assert expected == whole(server, info)


def test_a_longer_text_is_shown_in_part(server: Server) -> None:
    """Of a longer text the first 2,000 characters are shown."""
    for value, info in places(server.completed(large(characters=100_000))):
        assert "x" * 2_000 == value
        assert (True, None, 100_002) == (info["truncated"], info["rows"], info["bytes"])
        assert "x" * 100_000 == whole(server, info)


def test_a_preview_in_a_status_takes_little(server: Server) -> None:
    """The entries of a status have `outputData` under 2 kB, with the true size where it is cut."""
    run = server.completed(large(rows=2_500, characters=50))
    assert run.status["logs"]
    for entry in run.status["logs"]:
        result = entry["outputData"]
        assert len(json.dumps(result)) < 2_200
        assert isinstance(result["outputData"], list)
        assert 2_500 == result["outputDataInfo"]["rows"]


def test_large_reports_are_shown_in_part_too(server: Server) -> None:
    """What stands beside an output is a preview where it is large, with its own size."""
    config = {"conditionField": "n", "conditionOperator": "lessThan", "conditionValue": 1_500}
    decide = node("c", "condition", {**config, "processingMode": "perRow"})
    big = node("big", "trialLarge", {"rows": 2_500, "characters": 50})
    run = server.completed(chain(big, decide))
    result = run.entries["c"]["outputData"]
    assert (20, 1_500) == (len(result["trueRecords"]), result["trueRecordsInfo"]["rows"])
    assert (1_500, 1_000) == (result["trueCount"], result["falseCount"])


def test_the_next_node_gets_all_of_it(server: Server) -> None:
    """What is shown in part is handed on whole."""
    big = node("big", "trialLarge", {"rows": 2_500, "characters": 50})
    run = server.completed(chain(big, field("f", "more", "{{n}}")))
    assert [2_499] == [row["more"] for row in whole(server, run.status["finalOutputInfo"])[-1:]]


@pytest.mark.parametrize("kind", ["rows", "text"])
def test_the_status_stays_small_however_large_the_data_is(server: Server, kind: str) -> None:
    """With an output of 20 MB a status takes less than 64 kB."""
    workflow = large(200_000, 80) if kind == "rows" else large(characters=MUCH)
    run = server.completed(workflow)
    info = run.status["finalOutputInfo"]
    assert info["bytes"] >= MUCH
    answer = server.ask("GET", f"/api/executions/{run.status['executionId']}")
    assert len(answer.content) < SMALL


def test_the_status_stays_small_however_many_nodes_there_are(server: Server) -> None:
    """With 2,000 nodes a status takes less than 64 kB, whatever each handed on."""
    nodes = [field(f"n{number}", f"f{number % 50}", "x" * 500) for number in range(2_000)]
    identity = server.start(chain(*nodes))
    sizes = []
    while True:
        answer = server.ask("GET", f"/api/executions/{identity}")
        sizes.append(len(answer.content))
        if answer.json["status"] not in {"pending", "running"}:
            break
    assert "completed" == answer.json["status"]
    assert 2_000 == answer.json["progress"]["completedNodes"]
    assert max(sizes) < SMALL


def test_large_inputs_are_taken(server: Server) -> None:
    """Inputs of some megabytes reach their node whole."""
    rows = [{"n": number, "text": "y" * 50} for number in range(30_000)]
    run = server.completed(flow([node("w", "webhook")]), {"_webhookData": rows})
    assert rows == whole(server, run.status["finalOutputInfo"])
