"""A field added in columns: the same values, texts and errors as from rows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builtin.forms import both
from tests.core.tables import NAMES, arrow, rows

from caudal_builtin.add_field import add_field
from caudal_builtin.rename_columns import rename_columns
from caudal_builtin.split_columns import split_columns
from caudal_core import Context, Records
from caudal_core.context import Environment
from caudal_core.errors import ExecutionCancelled, NodeMemory

PLACEHOLDERS = [
    "{{a}}",
    "{{ b }}",
    "{{Precio (€/MWh)}}",
    "{{a|0}}",
    "{{b|none}}",
    "{{a|number:2}}",
    "{{a|upper}}",
    "{{b|json}}",
    "{{a|date:dd/MM/yyyy}}",
    "{{unknown}}",
    "{{unknown|x}}",
    "{{a.b}}",
]
TEXTS = st.lists(
    st.sampled_from([*PLACEHOLDERS, " paid ", "€", "{", ""]), min_size=1, max_size=4
).map("".join)
CONSTANTS = st.sampled_from([None, 1, 2.5, True, "x", 2**70, [1, 2], {"k": "{{a}}"}, ["{{a}}"]])


@settings(deadline=None, max_examples=400)
@given(rows(), TEXTS | CONSTANTS, st.sampled_from(["a", "new"]))
def test_templates_print_the_same(data: list[dict[str, Any]], value: Any, name: str) -> None:
    """The very same texts and values come from rows and from columns, and the same errors."""
    one, other = both(add_field, {"fieldName": name, "fieldValue": value}, data)
    assert one == other


OPERANDS = ["[a]", "[b]", "[Precio (€/MWh)]", "2", "1.21", "0", "-3", "9007199254740993", "[a|1]"]


@st.composite
def expressions(draw: st.DrawFn, depth: int = 2) -> str:
    """Arithmetic of every kind, and some of the other operations around it."""
    if not depth or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from([*OPERANDS, "[unknown]", "'x'"]))
    left, right = draw(expressions(depth - 1)), draw(expressions(depth - 1))
    sign = draw(st.sampled_from(["+", "-", "*", "/", "+", "*", "%", "&", ">", "="]))
    return f"({left}) {sign} ({right})"


@settings(deadline=None, max_examples=500)
@given(rows(lacking=False) | rows(), expressions())
def test_expressions_compute_the_same(data: list[dict[str, Any]], text: str) -> None:
    """The very same numbers come from whole columns, and the same errors with their rows."""
    try:
        add_field.parse({"expression": text})
    except ValueError:
        return
    one, other = both(add_field, {"fieldName": "new", "expression": text}, data)
    assert one == other


SMALL = st.integers(-5, 5) | st.sampled_from([2**53 - 1, 2**53 + 1, 2**62, -(2**63)])


@settings(deadline=None, max_examples=300)
@given(
    st.lists(SMALL | st.none(), min_size=1, max_size=4)
    | st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.none(), min_size=1),
    st.sampled_from(["+", "-", "*", "/"]),
    st.sampled_from(["[b]", "3", "0.1", "0", "[a]"]),
    st.data(),
)
def test_numbers_are_computed_to_the_last_digit(
    values: list[Any], sign: str, right: str, data: st.DataObject
) -> None:
    """Whole numbers that grow too large, divisions by zero, digits that a float has not."""
    others = data.draw(st.lists(SMALL | st.none(), min_size=len(values), max_size=len(values)))
    found = [{"a": a, "b": b} for a, b in zip(values, others, strict=True)]
    one, other = both(add_field, {"expression": f"[a] {sign} {right}"}, found)
    assert one == other


def test_no_rows_are_made() -> None:
    """Constants, templates and arithmetic leave a table in columns."""
    data = arrow(a=[1.5, 2.0, None], b=[1, 2, 3], t=["x", "ñ", None])
    for config in (
        {"fieldValue": "constant"},
        {"fieldValue": "{{t}} paid {{a}} EUR for {{b}} kWh"},
        {"fieldValue": "{{a|0.5}}"},
        {"fieldValue": "{{b|number:2}} €"},
        {"expression": "[a] * 1.21 + [b]"},
    ):
        made = add_field(add_field.parse(config), data, Context("n", Environment()))
        assert made.in_columns
        assert data._held is None  # noqa: SLF001 - that there are no rows is what this is about


def test_other_expressions_look_at_their_fields_alone() -> None:
    """What is computed record by record makes records of the fields that it names, no more."""
    data = arrow(a=["x", "y"], b=[1, 2])
    config = add_field.parse({"expression": "upper([a]) & 1"})
    made = add_field(config, data, Context("n", Environment()))
    assert ["X1", "Y1"] == made.column("newField")
    assert made.in_columns
    assert data._held is None  # noqa: SLF001 - as above


@pytest.mark.parametrize(
    "data", [arrow(a=["x" * 500] * 20_000), Records([{"a": "x" * 500}] * 20_000)]
)
@pytest.mark.parametrize("value", ["{{a}}{{a}}{{a}}", "{{a|upper}}!", "y" * 500])
def test_texts_that_are_too_much(data: Records, value: str) -> None:
    """What is more than CAUDAL_NODE_MEMORY is not built, and the error names the setting."""
    ctx = Context("n", Environment(node_memory=8_000_000))
    with pytest.raises(NodeMemory, match=r"20000 .*CAUDAL_NODE_MEMORY allows 8,000,000"):
        add_field(add_field.parse({"fieldValue": value}), data, ctx)


@pytest.mark.parametrize(
    "data", [arrow(a=["x" * 500] * 20_000), Records([{"a": "x" * 500}] * 20_000)]
)
def test_computed_texts_that_are_too_much(data: Records) -> None:
    """What an expression makes is weighed on the way too; one that is cancelled ends."""
    config = add_field.parse({"expression": "concat([a], [a], [a])"})
    ctx = Context("n", Environment(node_memory=8_000_000))
    with pytest.raises(NodeMemory, match=r"20000 values; CAUDAL_NODE_MEMORY allows 8,000,000"):
        add_field(config, data, ctx)
    ctx = Context("n", Environment())
    ctx.cancel()
    with pytest.raises(ExecutionCancelled):
        add_field(config, data, ctx)


@settings(deadline=None)
@given(
    rows(),
    st.lists(st.sampled_from([*NAMES, "unknown"]), max_size=3, unique=True),
    st.lists(st.sampled_from(NAMES), max_size=3),
)
def test_columns_are_split_alike(data: list[dict[str, Any]], a: list[str], b: list[str]) -> None:
    """Each output has the same columns of the same records, and unknown ones are the same error."""
    if a or b:
        one, other = both(split_columns, {"columnsOutputA": a, "columnsOutputB": b}, data)
        assert one == other


@settings(deadline=None)
@given(
    rows(), st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["a", "b", "x"]), max_size=3)
)
def test_columns_are_renamed_alike(data: list[dict[str, Any]], names: dict[str, str]) -> None:
    """Columns get the same new names, and two of one name are the same error."""
    renames = [{"oldName": old, "newName": new} for old, new in names.items()]
    one, other = both(rename_columns, {"columnRenames": renames}, data)
    assert one == other
