"""What a node may say about its failures: retries, limits of time, and what follows."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.flows import chain, field, flow, link, made, node
from tests.acceptance.serving import Run, Server

CALM = "the tank is empty; fill it"


def flaky(times: int, **options: Any) -> Any:
    """A node whose first attempts fail."""
    return node("f", "trialFail", {"times": times}, label="Tank", **options)


def attempts(run: Run) -> list[tuple[int, str]]:
    """Number and status of every attempt at the node `f`, in the order of time."""
    return [(log["attempt"], log["status"]) for log in run.logs if log["nodeId"] == "f"]


def test_without_retries_one_attempt_is_made(server: Server) -> None:
    """A node without options is tried once."""
    run = server.run(flow([flaky(1)]))
    assert ("failed", [(1, "failed")]) == (run.state, attempts(run))


def test_retries_are_further_tries(server: Server) -> None:
    """`retries: 2` is two more tries after the first, each with its own entry."""
    run = server.completed(chain(made("a", {"a": 1}), flaky(2, retries=2)))
    assert [(1, "failed"), (2, "failed"), (3, "completed")] == attempts(run)
    assert {"a": 1} == run.final
    assert run.status["error"] is None
    assert (2, 0) == (
        run.status["progress"]["completedNodes"],
        run.status["progress"]["failedNodes"],
    )


def test_retries_come_to_an_end(server: Server) -> None:
    """When all tries have failed the node has, once."""
    run = server.run(flow([flaky(9, retries=2)]))
    assert [(1, "failed"), (2, "failed"), (3, "failed")] == attempts(run)
    assert "failed" == run.state
    assert f"Tank (f): {CALM}" == run.status["error"]
    assert 1 == run.status["progress"]["failedNodes"]


def test_attempts_have_entries_of_their_own(server: Server) -> None:
    """Each attempt has its own id, input, error and time."""
    run = server.completed(chain(made("a", {"a": 1}), flaky(1, retries=1)))
    first, second = [entry for entry in run.logs if entry["nodeId"] == "f"]
    assert first["id"] != second["id"]
    assert {"a": 1} == first["inputData"] == second["inputData"]
    assert (CALM, None) == (first["error"], second["error"])
    assert first["timestamp"] <= second["timestamp"]


def test_a_retry_may_wait(server: Server) -> None:
    """`retryDelaySeconds` is about how long it waits before the next try."""
    run = server.completed(flow([flaky(1, retries=1, retryDelaySeconds=0.6)]))
    first, second = [datetime.fromisoformat(entry["timestamp"]) for entry in run.logs]
    assert (second - first).total_seconds() > 0.25


def test_a_node_may_have_a_limit(server: Server, tmp_path: Path) -> None:
    """`timeoutSeconds` ends an attempt, and the error names the limit in seconds."""
    waiting = {"folder": str(tmp_path), "others": ["never"]}
    run = server.run(flow([node("w", "trialMeet", waiting, label="Wait", timeoutSeconds=0.5)]))
    assert ("failed", "failed") == (run.state, run.states["w"])
    assert "timed out after 0.5 s" in run.entries["w"]["error"]
    assert run.status["error"].startswith("Wait (w): timed out after 0.5 s")


def test_each_try_has_the_whole_limit(server: Server, tmp_path: Path) -> None:
    """A time-out is a failure like others: it is tried again, and each try has the limit."""
    waiting = {"folder": str(tmp_path), "others": ["never"]}
    node_ = node("f", "trialMeet", waiting, timeoutSeconds=0.2, retries=1)
    run = server.run(flow([node_]))
    assert [(1, "failed"), (2, "failed")] == attempts(run)
    assert all("timed out after 0.2 s" in entry["error"] for entry in run.logs)


def test_within_its_limit_nothing_happens(server: Server) -> None:
    """A node that ends in time is not touched by its limit."""
    assert {"x": 1} == server.completed(flow([field("a", "x", 1, timeoutSeconds=30)])).final


@pytest.mark.parametrize("options", [{}, {"onError": "fail"}, {"onError": None}])
def test_by_default_a_failure_fails(server: Server, options: dict[str, Any]) -> None:
    """`onError` is `fail` where it is missing: the execution fails."""
    run = server.run(chain(flaky(9, **options), node("o", "output")))
    assert ("failed", "failed", "skipped") == (run.state, run.states["f"], run.states["o"])
    assert run.final is None


def test_continue_hands_on_the_input(server: Server) -> None:
    """`continue` hands on the input unchanged, marks the node failed, and fails nothing else."""
    nodes = [made("a", {"a": 1}), flaky(9, onError="continue"), node("o", "output")]
    run = server.completed(chain(*nodes))
    assert {"a": "completed", "f": "failed", "o": "completed"} == run.states
    assert {"a": 1} == run.final
    assert CALM == run.entries["f"]["error"]
    assert 100 == run.status["progress"]["percentage"]


def test_continue_leaves_by_the_first_port(server: Server) -> None:
    """What a failed node with several ports hands on leaves by the first."""
    config = {"conditionField": "n", "conditionOperator": "greaterThan", "conditionValue": "x"}
    nodes = [
        made("a", {"n": 1}),
        node("c", "condition", config, onError="continue"),
        node("yes", "output"),
        node("no", "output"),
    ]
    connections = [link("a", "c"), link("c", "yes", "true"), link("c", "no", "false")]
    run = server.completed(flow(nodes, connections))
    assert ("failed", {"yes": {"n": 1}}) == (run.states["c"], run.final)


def branching(times: int) -> Any:
    """A node that fails so often, with an output behind it and one behind its port `error`."""
    behind = [node("o", "output"), node("e", "output")]
    connections = [link("a", "f"), link("f", "o"), link("f", "e", "error")]
    return flow([made("a", {"a": 1}), flaky(times, onError="branch"), *behind], connections)


def test_branch_delivers_the_error(server: Server) -> None:
    """`branch` delivers `{error, node, input}` on the port `error`; the execution completes."""
    run = server.completed(branching(9))
    assert {"a": "completed", "f": "failed", "o": "skipped", "e": "completed"} == run.states
    delivered = run.final["e"]
    assert {"error", "node", "input"} == delivered.keys()
    assert "the tank is empty" in str(delivered["error"])
    assert "f" in str(delivered["node"])
    assert {"a": 1} == delivered["input"]


def test_branch_without_failure(server: Server) -> None:
    """Where nothing fails the port `error` is not taken."""
    run = server.completed(branching(0))
    assert ("skipped", {"o": {"a": 1}}) == (run.states["e"], run.final)


def test_retries_come_before_the_branch(server: Server) -> None:
    """`onError` counts once all tries have failed."""
    nodes = [flaky(1, retries=1, onError="branch"), node("e", "output")]
    run = server.completed(flow(nodes, [link("f", "e", "error")]))
    assert {"f": "completed", "e": "skipped"} == run.states


@pytest.mark.parametrize("policy", ["fail", "ask", "rerun", None])
def test_what_an_interruption_means_may_be_said(server: Server, policy: str | None) -> None:
    """`onInterrupted` may be `fail`, `ask` or `rerun`."""
    workflow = flow([node("a", "trigger", onInterrupted=policy)])
    assert "completed" == server.run(workflow).state
