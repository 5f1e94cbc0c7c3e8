"""How data moves from node to node: inputs, merges, columns and what is known of them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.acceptance.flows import chain, field, flow, link, made, node, table
from tests.acceptance.serving import Server

OUT = node("o", "output")


def merged(server: Server, *values: Any) -> Any:
    """What comes in at one port where several nodes hand on these values."""
    names = [f"v{number}" for number in range(len(values))]
    nodes = [_giving(name, value) for name, value in zip(names, values, strict=True)]
    connections = [link(name, "o") for name in names]
    return server.completed(flow([*nodes, OUT], connections)).final


def _giving(name: str, value: Any) -> Any:
    return table(name, value) if isinstance(value, list) else made(name, value)


# -- one connection, several connections -----------------------------------------------------------


@pytest.mark.parametrize("value", [{"a": 1}, [{"a": 1}, {"b": 2}], [], {}])
def test_one_connection_hands_on_the_output(server: Server, value: Any) -> None:
    """With one incoming connection the node's input is that output."""
    assert value == merged(server, value)


@pytest.mark.parametrize("value", ["text", 7, 1.5, True, [1, "a", None], [[1], [2]]])
def test_what_is_no_record_is_a_value(server: Server, value: Any) -> None:
    """Anything but records is handed on as the JSON value that it is."""
    workflow = chain(node("w", "webhook"), OUT)
    assert value == server.completed(workflow, {"_webhookData": value}).final


def test_records_are_put_one_after_the_other(server: Server) -> None:
    """Record lists into one port are concatenated in the order of the connections."""
    found = merged(server, [{"n": 1}, {"n": 2}], [{"m": 3}], [{"n": 4}])
    assert [{"n": 1}, {"n": 2}, {"m": 3}, {"n": 4}] == found


def test_objects_are_merged(server: Server) -> None:
    """Objects into one port are merged in the order of the connections; the later one wins."""
    assert {"a": 1, "b": 2, "c": 3} == merged(server, {"a": 1, "b": 1}, {"b": 2}, {"c": 3})


def test_the_order_is_that_of_the_connections(server: Server) -> None:
    """The order of the list of connections counts, not that of the nodes nor that of time."""
    nodes = [table("early", [{"n": 1}]), table("start", [{"n": 2}]), field("late", "m", 3), OUT]
    connections = [link("start", "late"), link("late", "o"), link("early", "o")]
    found = server.completed(flow(nodes, connections)).output("o")
    assert [{"n": 2, "m": 3}, {"n": 1}] == found


@pytest.mark.parametrize(
    ("one", "other"), [([{"n": 1}], {"n": 2}), ({"n": 2}, [{"n": 1}]), ([], {"a": 1})]
)
def test_a_mix_is_an_error(server: Server, one: Any, other: Any) -> None:
    """Records and an object at one port are an error that says so and suggests a join."""
    nodes = [_giving("a", one), _giving("b", other), node("o", "output", label="Result")]
    run = server.run(flow(nodes, [link("a", "o"), link("b", "o")]))
    assert ("failed", "failed") == (run.state, run.states["o"])
    assert "Result (o): " in run.status["error"]
    assert "records" in run.status["error"]
    assert "an object" in run.status["error"]
    assert "join" in run.status["error"]


def test_a_join_takes_a_mix(server: Server) -> None:
    """What cannot be merged can be joined, as the error suggests."""
    nodes = [table("a", [{"n": 1}]), made("b", {"n": 2}), node("j", "join")]
    run = server.completed(flow(nodes, [link("a", "j"), link("b", "j")]))
    assert [{"n": 1}, {"n": 2}] == run.final


def test_each_port_is_merged_by_itself(server: Server) -> None:
    """Several connections into one port of a join are concatenated before it joins."""
    nodes = [*(table(name, [{"n": name}]) for name in "abc"), node("j", "join")]
    connections = [link("a", "j", into="B"), link("b", "j", into="A"), link("c", "j", into="B")]
    run = server.completed(flow(nodes, connections))
    assert {"A": [{"n": "b"}], "B": [{"n": "a"}, {"n": "c"}]} == run.input("j")


def test_no_node_sees_what_another_does_to_its_input(server: Server) -> None:
    """Two nodes behind one output each get it as it was."""
    nodes = [table("t", [{"n": 1}]), field("x", "n", 2), field("y", "m", 3)]
    run = server.completed(flow(nodes, [link("t", "x"), link("t", "y")]))
    assert {"x": [{"n": 2}], "y": [{"n": 1, "m": 3}]} == run.final
    assert [{"n": 1}] == run.output("t")


# -- inputs ----------------------------------------------------------------------------------------


def test_roots_receive_the_inputs(server: Server) -> None:
    """Every node without incoming connections receives the execution's inputs, others do not."""
    workflow = flow([node("a", "trigger"), field("b", "x", 1), OUT], [link("a", "o")])
    run = server.completed(workflow, {"day": "2026-01-31"})
    assert {"day": "2026-01-31"} == run.input("a") == run.final
    assert {"day": "2026-01-31", "x": 1} == run.output("b")


def test_without_inputs_roots_receive_an_empty_object(server: Server) -> None:
    """Where no inputs are sent, they are an empty object."""
    assert {} == server.completed(flow([node("a", "trigger")])).final


def test_an_input_overrides_a_manual_input(server: Server) -> None:
    """A key of the inputs that is the id of a `manualInput` overrides that node's value alone."""
    price = node("m1", "manualInput", {"inputVarName": "price", "inputVarValue": 1})
    hours = node("m2", "manualInput", {"inputVarName": "hours", "inputVarValue": 24})
    workflow = flow([price, hours, node("t", "trigger")])
    run = server.completed(workflow, {"m1": 50.5, "other": True})
    assert {"m1": {"price": 50.5}, "m2": {"hours": 24}, "t": {"other": True}} == run.final


def test_webhook_nodes_receive_the_webhooks_data(server: Server) -> None:
    """`inputs._webhookData` is what `webhook` nodes receive; other roots never see it."""
    workflow = flow([node("w", "webhook", {"webhookData": {"test": 1}}), node("t", "trigger")])
    run = server.completed(workflow, {"_webhookData": {"meter": 7}, "a": 1})
    assert {"w": {"meter": 7}, "t": {"a": 1}} == run.final


def test_reserved_keys_are_refused(server: Server) -> None:
    """Other keys of the inputs that begin with `_` are reserved, and nothing runs."""
    body = {"workflow": flow([node("t", "trigger")], id="reserved"), "inputs": {"_mine": 1}}
    detail = server.post("/api/workflows/execute", body, 422)["detail"]
    assert "'_mine'" in detail
    assert "reserved" in detail
    assert [] == server.get("/api/executions?workflowId=reserved")["executions"]


# -- columns ---------------------------------------------------------------------------------------


def test_columns_are_the_union_of_all_keys(server: Server) -> None:
    """The columns are the union of the keys of all records, in order of first appearance."""
    rows = [{"b": 1}, {"a": 2, "b": 3}, {"c": 4, "a": 5}]
    run = server.completed(flow([table("t", rows)]))
    assert ["b", "a", "c"] == run.entries["t"]["outputData"]["columns"]
    assert rows == run.final


def test_a_record_keeps_lacking_what_it_lacks(server: Server) -> None:
    """No record gains a key that it did not have, and none loses one that is null."""
    rows: list[dict[str, Any]] = [{"a": 1}, {"b": None}, {}]
    workflow = chain(table("t", rows), field("f", "c", 1))
    assert [{"a": 1, "c": 1}, {"b": None, "c": 1}, {"c": 1}] == server.completed(workflow).final


def test_mixed_types_are_kept(server: Server) -> None:
    """A column of mixed types keeps its values; nothing becomes another type in silence."""
    values: list[Any] = [
        1,
        1.0,
        "1",
        "08001",
        True,
        None,
        [1],
        {"a": 1},
        "2026-03-29T02:30",
        -0.5,
        "",
    ]
    rows = [{"v": value} for value in values]
    split = node("s", "splitColumns", {"columnsOutputA": ["v"]})
    rename = node("r", "renameColumns", {"columnRenames": [{"oldName": "v", "newName": "w"}]})
    found = [row["w"] for row in server.completed(chain(table("t", rows), split, rename)).final]
    assert values == found
    assert list(map(type, values)) == list(map(type, found))


def test_what_is_known_of_a_column_travels_with_it(server: Server) -> None:
    """Unit, quality and zone of a column go with it through every node that hands it on."""
    about = {"unit": "€/MWh", "quality": "Good", "timezone": "Europe/Madrid"}
    rename = {"columnRenames": [{"oldName": "price", "newName": "cost"}]}
    decide = {"conditionField": "hour", "conditionValue": 1, "processingMode": "perRow"}
    workflow = chain(
        table("t", [{"hour": 1, "price": 50}, {"hour": 2, "price": 60}]),
        node("u", "trialUnits"),
        field("f", "x", 1),
        node("r", "renameColumns", rename),
        node("c", "condition", decide),
        node("s", "splitColumns", {"columnsOutputA": ["cost"]}),
        node("n", "comment"),
        OUT,
    )
    run = server.completed(workflow)
    shown = {name: entry["outputData"].get("metadata") for name, entry in run.entries.items()}
    by_port = {"true": {"cost": about}, "false": {"cost": about}}
    expected = {"t": None, "u": {"price": about}, "f": {"price": about}, "c": by_port}
    expected |= {name: {"cost": about} for name in "rsno"}
    assert expected == shown


def test_what_is_known_of_columns_survives_merges_and_joins(server: Server) -> None:
    """A column keeps what is known of it where records are concatenated or joined."""
    about = {"price": {"unit": "€/MWh", "quality": "Good", "timezone": "Europe/Madrid"}}
    by_hour = {"joinStrategy": "mergeByKey", "joinKey": "hour"}
    nodes = [
        table("t", [{"hour": 1, "price": 50}]),
        node("u", "trialUnits"),
        table("k", [{"hour": 1, "kWh": 3}]),
        node("j", "join", by_hour),
        OUT,
    ]
    connections = [link("t", "u"), link("k", "j"), link("u", "j"), link("k", "o"), link("u", "o")]
    run = server.completed(flow(nodes, connections))
    assert about == run.entries["j"]["outputData"]["metadata"]
    assert about == run.entries["o"]["outputData"]["metadata"]


def test_a_replaced_column_is_another_one(server: Server) -> None:
    """What was known of a column's values is not said of the values that replace them."""
    workflow = chain(table("t", [{"price": 50}]), node("u", "trialUnits"), field("f", "price", 1))
    assert "metadata" not in server.completed(workflow).entries["f"]["outputData"]
