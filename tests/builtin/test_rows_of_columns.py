"""What is in columns and has to become rows is weighed before; what is put together is too."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.tables import arrow

from caudal_builtin.add_field import add_field
from caudal_builtin.condition import condition
from caudal_builtin.join import join
from caudal_builtin.webhook import webhook
from caudal_builtin.webhook_response import webhook_response
from caudal_core import Context, Records
from caudal_core.context import Environment
from caudal_core.errors import NodeMemory
from caudal_core.testing import run_handler

COUNT = 20_000
LIMIT = 1_000_000
"""Bytes: more than the columns take, and far less than their rows."""

MERGE = {"joinStrategy": "mergeByKey", "joinKey": "a"}
TOLD = rf"{COUNT} records; CAUDAL_NODE_MEMORY allows {LIMIT:,}"


def table() -> Records:
    """Two columns of numbers, which no node before has made rows of."""
    made = arrow(a=list(range(COUNT)), b=list(range(COUNT)))
    assert made.nbytes < LIMIT
    return made


def ran(made: Any, config: dict[str, Any], data: Any, memory: int = LIMIT) -> Any:
    """What a handler returns where a node may build so many bytes."""
    ctx = Context("n", Environment(node_memory=memory))
    return made(made.parse(config), data, ctx)


def held(data: Records) -> bool:
    """Whether rows were made of a table."""
    return data._held is not None  # noqa: SLF001 - what it is about is not seen from outside


@pytest.mark.parametrize(
    "config",
    [
        {"conditionField": "a", "conditionValue": "{{b}}"},
        {"conditionField": "a", "conditionOperator": "greaterThan", "conditionValue": "x"},
        {"conditionField": "a", "conditionValue": 1, "ambiguous": "infer"},
        {"conditionField": "none", "conditionValue": 1, "ambiguous": "infer"},
    ],
)
def test_a_condition_asks_before_it_looks_at_rows(config: dict[str, Any]) -> None:
    """Where columns cannot be asked, the records that decide are weighed before they are made."""
    data = table()
    with pytest.raises(NodeMemory, match=TOLD):
        ran(condition, {**config, "processingMode": "perRow"}, data)
    assert not held(data)


def test_a_condition_has_its_way_where_there_is_memory() -> None:
    """The same records are parted where their rows may be made."""
    config = {"conditionField": "a", "conditionValue": "{{b}}", "processingMode": "perRow"}
    assert COUNT == len(ran(condition, config, table(), memory=20_000_000)["true"])


def test_a_batch_makes_the_row_of_the_first_record_alone() -> None:
    """One record decides, and only that one is looked at."""
    data = table()
    config = {"conditionField": "a", "conditionValue": "{{b}}"}
    assert {"true": data} == dict(ran(condition, config, data, memory=1_000))
    assert not held(data)


@pytest.mark.parametrize("config", [{"fieldValue": {"c": "{{a}}"}}, {"expression": "text([a])"}])
def test_a_field_filled_by_records_asks_before_it_looks_at_rows(config: dict[str, Any]) -> None:
    """Templates and expressions that columns cannot be asked for are no other case."""
    data = table()
    with pytest.raises(NodeMemory, match=r"about 4,400,000 bytes of 20000"):
        ran(add_field, config, data)
    assert not held(data)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_join_asks_before_it_makes_rows(*, swapped: bool) -> None:
    """Where one side is in columns and the other cannot be, the rows of the one are weighed."""
    data, odd = table(), Records([{"a": 1, "c": [1]}, {"a": 2, "c": 0}])
    sides = {"A": odd, "B": data} if swapped else {"A": data, "B": odd}
    with pytest.raises(NodeMemory, match=TOLD):
        ran(join, MERGE, sides)
    assert not held(data)
    assert len(sides["A"]) == len(ran(join, MERGE, sides, memory=40_000_000))


def test_a_join_of_too_many_names_its_keys_without_making_all_rows() -> None:
    """The error looks at the records that it names."""
    data = arrow(a=[1] * COUNT)
    with pytest.raises(Exception, match=rf"1 \({COUNT} × {COUNT}\)"):
        ran(join, {**MERGE, "joinMatch": "all"}, {"A": data, "B": data})
    assert not held(data)


def texts(mark: str, columns: bool) -> Records:  # noqa: FBT001 - one of two forms
    """Some 2 MB of texts in few records."""
    values = [f"{mark}{n}" + "x" * 1_000 for n in range(2_000)]
    return arrow(a=values) if columns else Records([{"a": value} for value in values])


@pytest.mark.parametrize("columns_a", [False, True])
@pytest.mark.parametrize("columns_b", [False, True])
def test_two_tables_one_after_the_other_are_weighed(*, columns_a: bool, columns_b: bool) -> None:
    """What each of them would be allowed is not allowed together, in rows and in columns."""
    sides = {"A": texts("a", columns_a), "B": texts("b", columns_b)}
    told = "4000 records; CAUDAL_NODE_MEMORY allows 3,000,000"
    with pytest.raises(NodeMemory, match=told):
        ran(join, {}, sides, memory=3_000_000)
    assert 4_000 == len(ran(join, {}, sides, memory=6_000_000))


def test_one_table_alone_goes_through_a_concat() -> None:
    """Nothing is built where the other side has no records."""
    data = texts("a", columns=True)
    assert 2_000 == len(ran(join, {}, {"A": data}, memory=1_000))
    assert 2_000 == len(ran(join, {}, {"A": Records(), "B": data}, memory=1_000))


def test_columns_that_one_of_two_tables_lacks_are_weighed() -> None:
    """Two tables without a common column take more together than apart."""
    one = arrow(**{f"a{n}": list(range(1_000)) for n in range(50)})
    other = arrow(**{f"b{n}": list(range(1_000)) for n in range(50)})
    with pytest.raises(NodeMemory):
        ran(join, {}, {"A": one, "B": other}, memory=one.nbytes + other.nbytes + 1_000)


@pytest.mark.parametrize(
    "config", [{}, {"webhookResponseMode": "selected", "webhookResponseFields": ["a", "b"]}]
)
def test_an_answer_of_records_is_weighed(config: dict[str, Any]) -> None:
    """An answer is JSON, so that all of its records have to be made."""
    data = table()
    with pytest.raises(NodeMemory, match=TOLD):
        ran(webhook_response, config, data)
    assert not held(data)


def test_an_answer_from_a_template_needs_one_record() -> None:
    """The other records of a table are not made, and the table goes on as one."""
    data = table()
    config = {"webhookResponseMode": "template", "webhookResponseTemplate": "{{b}}"}
    config["webhookResponseHeaders"] = {"X-A": "{{a}}"}  # type: ignore[assignment]
    assert data is ran(webhook_response, config, data, memory=1_000)["out"]
    assert not held(data)


def test_a_table_is_answered_whole() -> None:
    """In columns or not, the caller of a webhook gets the records."""
    stored = {"webhookResponseMode": "selected", "webhookResponseFields": ["b"]}
    rows = [{"b": n} for n in range(COUNT)]
    assert rows == run_handler(webhook_response, table(), stored).report["webhookResponseBody"]
    whole = run_handler(webhook_response, table())
    assert whole.output == whole.report["webhookResponseBody"]
    assert {"a": 0, "b": 0} == whole.output[0]


def test_a_webhook_hands_a_table_on_as_it_is() -> None:
    """What another node gave stays in columns, but in the object of the whole request."""
    data = table()
    assert data is ran(webhook, {}, data, memory=1_000)
    with pytest.raises(NodeMemory, match=TOLD):
        ran(webhook, {"webhookIncludeRequest": True}, data)
