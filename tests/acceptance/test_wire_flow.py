"""Which nodes run and when: in parallel, skipped, poisoned; and how far an execution is."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.flows import chain, field, flow, link, made, node, table
from tests.acceptance.serving import Server, serving

PARTED = {"conditionField": "n", "conditionValue": 1, "processingMode": "perRow"}
ROWS = [{"n": 1}, {"n": 2}, {"n": 1}]


def meeting(folder: Path, node_id: str, *others: str) -> Any:
    """A node that says that it is there and waits for others."""
    config = {"folder": str(folder), "mine": node_id, "others": list(others)}
    return node(node_id, "trialMeet", config)


# -- order -----------------------------------------------------------------------------------------


def test_independent_nodes_run_in_parallel(server: Server, tmp_path: Path) -> None:
    """Nodes that do not depend on each other run at the same time: each sees the other there."""
    names = ("a", "b", "c", "d")
    nodes = [meeting(tmp_path, name, *names) for name in names]
    assert "completed" == server.run(flow(nodes)).state


def test_a_node_runs_as_soon_as_it_can(server: Server, tmp_path: Path) -> None:
    """It is not done layer by layer: the end of a chain runs while its first one's sibling does."""
    slow = meeting(tmp_path, "slow", "last")
    nodes = [slow, field("first", "a", 1), field("second", "b", 2), meeting(tmp_path, "last")]
    connections = [link("first", "second"), link("second", "last")]
    assert "completed" == server.run(flow(nodes, connections)).state


def test_a_node_waits_for_all_that_it_depends_on(server: Server, tmp_path: Path) -> None:
    """A node begins when every node that leads to it has ended, with the data of all."""
    slow = node("slow", "trialMeet", {"folder": str(tmp_path), "stay": 0.2})
    nodes = [slow, made("quick", {"b": 1}), node("o", "output")]
    run = server.completed(flow(nodes, [link("quick", "o"), link("slow", "o")]), {"a": 1})
    assert {"b": 1, "a": 1} == run.final
    assert "o" == run.logs[-1]["nodeId"]


def test_how_many_run_at_once_is_bounded(tmp_path: Path) -> None:
    """With CAUDAL_MAX_RUNNING 2 a third node begins when one of two has ended."""
    with serving(tmp_path, CAUDAL_MAX_RUNNING="2") as server:
        config = {"folder": str(tmp_path), "stay": 0.2}
        run = server.completed(flow([node(name, "trialMeet", config) for name in "abcdef"]))
    took = [entry["duration"] for entry in run.logs]
    assert 6 == len(took)
    whole = seconds(run.status["completedAt"]) - seconds(run.status["startedAt"])
    assert whole > 3 * 0.2 - 0.01


def seconds(text: str) -> float:
    """A timestamp of the wire in seconds."""
    return datetime.fromisoformat(text).timestamp()


# -- branches --------------------------------------------------------------------------------------


def branches(value: Any, config: Any) -> Any:
    """A condition over a value with a node behind each side, and one behind both."""
    first = table("a", value) if isinstance(value, list) else made("a", value)
    behind = [field("yes", "way", "yes"), field("no", "way", "no"), node("both", "output")]
    connections = [
        link("a", "c"),
        link("c", "yes", "true"),
        link("c", "no", "false"),
        link("yes", "both"),
        link("no", "both"),
    ]
    return flow([first, node("c", "condition", config), *behind], connections)


def test_a_port_that_is_not_taken_skips(server: Server) -> None:
    """What hangs only on a port that is not taken is skipped, down to the end of its branch."""
    decide = node("c", "condition", {"conditionField": "n", "conditionValue": 1})
    nodes = [
        made("a", {"n": 1}),
        decide,
        field("f", "x", 1),
        field("g", "y", 1),
        node("o", "output"),
    ]
    connections = [link("a", "c"), link("c", "f", "false"), link("f", "g"), link("c", "o", "true")]
    run = server.completed(flow(nodes, connections))
    skipped = {name for name, state in run.states.items() if state == "skipped"}
    assert {"f", "g"} == skipped
    assert {"n": 1} == run.final


def test_a_node_runs_if_one_connection_delivered(server: Server) -> None:
    """Of several incoming connections one that delivered is enough."""
    run = server.completed(branches({"n": 1}, {"conditionField": "n", "conditionValue": 1}))
    assert {"n": 1, "way": "yes"} == run.final
    assert ("completed", "skipped", "completed") == tuple(
        run.states[name] for name in ("yes", "no", "both")
    )


def test_a_join_may_get_nothing_at_a_port(server: Server) -> None:
    """A join whose B was skipped runs, and gets nothing for B."""
    decide = node("c", "condition", {"conditionField": "n", "conditionValue": 1})
    nodes = [table("a", [{"n": 1}]), decide, field("f", "x", 1), node("j", "join")]
    connections = [link("a", "c"), link("c", "f", "false"), link("a", "j"), link("f", "j")]
    run = server.completed(flow(nodes, connections))
    assert ("skipped", [{"n": 1}]) == (run.states["f"], run.final)


def test_per_row_takes_both_ports(server: Server) -> None:
    """In perRow mode each row goes its own way, and both ports are taken where they have rows."""
    run = server.completed(branches(ROWS, PARTED))
    assert [{"n": 1, "way": "yes"}] * 2 == run.output("yes")
    assert [{"n": 2, "way": "no"}] == run.output("no")
    assert 3 == len(run.final)
    told = run.entries["c"]["outputData"]
    assert (2, 1) == (told["trueCount"], told["falseCount"])


def test_per_row_does_not_take_a_port_without_rows(server: Server) -> None:
    """A per-row branch with no rows is not taken."""
    run = server.completed(branches([{"n": 1}], PARTED))
    assert ("completed", "skipped") == (run.states["yes"], run.states["no"])


def test_per_row_on_no_rows_takes_no_port(server: Server) -> None:
    """In perRow mode an empty list takes neither port: all behind it is skipped."""
    run = server.completed(branches([], PARTED))
    assert ["skipped"] * 3 == [run.states[name] for name in ("yes", "no", "both")]
    assert run.final is None
    assert 100 == run.status["progress"]["percentage"]


def test_batch_decides_by_the_first_record(server: Server) -> None:
    """In batch mode the first record decides, and the whole input goes one way."""
    run = server.completed(branches(ROWS, {**PARTED, "processingMode": "batch"}))
    assert [{**row, "way": "yes"} for row in ROWS] == run.output("yes")
    assert "skipped" == run.states["no"]


def test_batch_on_no_rows_takes_false(server: Server) -> None:
    """In batch mode an empty list goes by the port `false`."""
    run = server.completed(branches([], {**PARTED, "processingMode": "batch"}))
    assert ("skipped", "completed") == (run.states["yes"], run.states["no"])
    assert [] == run.final


# -- failures --------------------------------------------------------------------------------------


def failing(node_id: str, **more: Any) -> Any:
    """A node that fails."""
    return node(node_id, "trialFail", {"text": f"{node_id} is empty"}, label="Tank", **more)


def test_a_failure_poisons(server: Server) -> None:
    """What depends on a failed node is skipped even if another connection delivered."""
    nodes = [failing("f"), made("a", {"a": 1}), node("o", "output"), field("p", "x", 1)]
    run = server.run(flow(nodes, [link("f", "o"), link("a", "o"), link("o", "p")]))
    assert "failed" == run.state
    assert {"f": "failed", "a": "completed", "o": "skipped", "p": "skipped"} == run.states


def test_a_failure_poisons_a_join_too(server: Server) -> None:
    """A join does not run on one port alone where the other one's source has failed."""
    nodes = [table("a", [{"n": 1}]), failing("f"), node("j", "join")]
    run = server.run(flow(nodes, [link("a", "j"), link("f", "j")]))
    assert ("failed", "skipped") == (run.state, run.states["j"])


def test_independent_branches_go_on(server: Server) -> None:
    """Beside a failed node what does not depend on it runs to its end."""
    branch = chain(made("a", {"a": 1}), field("b", "x", 1), field("c", "y", 2))
    run = server.run(flow([failing("f"), *branch["nodes"]], branch["connections"]))
    assert {"f": "failed", "a": "completed", "b": "completed", "c": "completed"} == run.states
    assert {"a": 1, "x": 1, "y": 2} == run.output("c")


def test_the_error_names_each_failed_node_and_its_cause(server: Server) -> None:
    """`error` is «label (id): cause; what to do», a line a failed node."""
    run = server.run(flow([failing("f"), failing("g"), node("t", "trigger")]))
    assert {
        "Tank (f): f is empty; fill it",
        "Tank (g): g is empty; fill it",
    } == set(run.status["error"].splitlines())


# -- how far it is ---------------------------------------------------------------------------------


def test_nodes_and_executions_have_their_statuses(server: Server, tmp_path: Path) -> None:
    """An execution is `running` while a node is; nodes are `running`, then `completed`."""
    identity = server.start(chain(meeting(tmp_path, "a", "go"), node("o", "output")))
    status = server.status_until(identity, lambda found: found["currentNodeId"] == "a")
    assert "running" == status["status"]
    [entry] = status["logs"]
    assert ("a", "running", None) == (entry["nodeId"], entry["status"], entry["outputData"])
    (tmp_path / "go").touch()
    run = server.ended(identity)
    assert ("completed", {"a": "completed", "o": "completed"}) == (run.state, run.states)


def test_what_had_not_ended_is_cancelled(server: Server, tmp_path: Path) -> None:
    """Of a cancelled execution the nodes that ran or waited are `cancelled`, others stay."""
    nodes = [node("t", "trigger"), meeting(tmp_path, "a", "never"), node("o", "output")]
    identity = server.start(chain(*nodes))
    server.status_until(identity, lambda found: found["currentNodeId"] == "a")
    server.post(f"/api/executions/{identity}/cancel")
    run = server.ended(identity)
    assert "cancelled" == run.state
    assert {"t": "completed", "a": "cancelled", "o": "cancelled"} == run.states


def test_percentage_counts_the_graphs_nodes(server: Server, tmp_path: Path) -> None:
    """`totalNodes` counts the graph's nodes, and the percentage is the share that is done."""
    nodes = [node("t", "trigger"), meeting(tmp_path, "a", "go"), field("f", "x", 1), failing("z")]
    identity = server.start(chain(*nodes))
    status = server.status_until(identity, lambda found: found["progress"]["completedNodes"])
    assert {
        "totalNodes": 4,
        "completedNodes": 1,
        "failedNodes": 0,
        "percentage": 25,
    } == status["progress"]
    (tmp_path / "go").touch()
    progress = server.ended(identity).status["progress"]
    counts = [progress[name] for name in ("totalNodes", "completedNodes", "failedNodes")]
    assert [4, 3, 1] == counts


def test_skipped_nodes_count_as_done(server: Server) -> None:
    """The percentage is 100 at the end of every completed execution, skipped nodes or not."""
    run = server.completed(branches({"n": 1}, {"conditionField": "n", "conditionValue": 1}))
    assert {
        "totalNodes": 5,
        "completedNodes": 5,
        "failedNodes": 0,
        "percentage": 100,
    } == run.status["progress"]


@pytest.mark.parametrize("connected", [False, True])
def test_a_lone_comment_is_no_node(server: Server, *, connected: bool) -> None:
    """A comment without connections is not run and not counted; one with them is."""
    nodes = [made("a", {"a": 1}), node("c", "comment", {"commentText": "for people"})]
    run = server.completed(flow(nodes, [link("a", "c")] if connected else []))
    assert 1 + connected == run.status["progress"]["totalNodes"]
    assert connected is ("c" in run.entries)
