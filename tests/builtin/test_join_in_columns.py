"""A join in columns: the same records, order, counts, messages and errors as from rows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.builtin.forms import both, outcome
from tests.core.tables import arrow

from caudal_builtin.join import join
from caudal_core import Context, Records
from caudal_core.context import Environment
from caudal_core.errors import NodeMemory
from caudal_core.tables.lossless import columns_of

FEW = st.integers(0, 3)
KEYS: list[st.SearchStrategy[Any]] = [
    FEW,
    FEW.map(str),
    FEW.map(float),
    st.sampled_from([-0.0, 0.0, 0.5, 1.0]),
    st.sampled_from(["a", "ñ", "01", ""]),
    st.booleans(),
    st.none(),
]


@st.composite
def side(draw: st.DrawFn, *names: str) -> list[dict[str, Any]]:
    """Records with keys that often meet; a field may be null, or lacking in some."""
    key, second = draw(st.sampled_from(KEYS)), draw(st.sampled_from(KEYS))
    lacking = draw(st.booleans())
    found = []
    for number in range(draw(st.integers(0, 6))):
        row: dict[str, Any] = {}
        for name, value in ((names[0], key), (names[1], second), (names[2], st.just(number))):
            if not (lacking and draw(st.integers(0, 4)) == 0):
                row[name] = draw(value | st.none())
        found.append(row)
    return found


WAYS = st.fixed_dictionaries(
    {
        "joinStrategy": st.sampled_from(["mergeByKey", "mergeByKey", "mergeByKey", "concat"]),
        "joinKey": st.sampled_from(["k", "k", "k, s", "s", "none"]),
        "joinType": st.sampled_from(["left", "inner", "outer", "right"]),
        "joinMatch": st.sampled_from(["first", "all"]),
        "joinSuffix": st.sampled_from(["", "", "_b"]),
        "maxRows": st.sampled_from([4, 100]),
    }
)


@settings(deadline=None, max_examples=500)
@given(side("k", "s", "va"), side("k", "s", "vb"), WAYS)
@example(
    [{"k": 1, "s": "x"}, {"k": 2, "s": "y"}],
    [{"k": 1, "s": 5}],
    {"joinStrategy": "mergeByKey", "joinKey": "k", "joinType": "left"},
)
def test_columns_join_as_rows_do(
    a: list[dict[str, Any]], b: list[dict[str, Any]], ways: dict[str, Any]
) -> None:
    """Whatever meets whatever, both forms come to the same, to the type and the order."""
    one, other = both(join, ways, {"A": a, "B": b})
    assert one == other


def test_a_join_stays_in_columns() -> None:
    """No rows are made where both are tables, also where some records have no match."""
    a = arrow(k=["x", "y", None], v=[1, 2, 3])
    b = arrow(k=["y", "z"], w=[1.5, 2.5])
    for kind in ("left", "inner", "outer", "right"):
        config = join.parse({"joinStrategy": "mergeByKey", "joinKey": "k", "joinType": kind})
        joined = join(config, {"A": a, "B": b}, Context("node", Environment()))
        assert joined.in_columns
        assert a._held is None  # noqa: SLF001 - that there are no rows is what this is about
        assert b._held is None  # noqa: SLF001 - as above


def test_rows_beside_a_table_become_one() -> None:
    """A few rows that fit into columns join a large table there."""
    a = arrow(k=list(range(1_000)), v=list(range(1_000)))
    config = join.parse({"joinStrategy": "mergeByKey", "joinKey": "k", "joinType": "inner"})
    data = {"A": a, "B": Records([{"k": 5, "w": "x"}])}
    joined = join(config, data, Context("node", Environment()))
    assert [{"k": 5, "v": 5, "w": "x"}] == joined.view()
    assert a._held is None  # noqa: SLF001 - that there are no rows is what this is about


TWO_THOUSAND = [{"k": 1, "v": number} for number in range(2_000)]


@pytest.mark.parametrize("one", [Records(TWO_THOUSAND), Records(columns_of(TWO_THOUSAND))])
def test_a_join_that_explodes_is_counted_before_it_is_built(one: Records) -> None:
    """Beyond CAUDAL_NODE_MEMORY nothing is built, and the error names the setting."""
    config = join.parse(
        {"joinStrategy": "mergeByKey", "joinKey": "k", "joinMatch": "all", "joinType": "inner"}
    )
    ctx = Context("node", Environment(node_memory=100_000_000))
    with pytest.raises(NodeMemory, match="4000000 records; CAUDAL_NODE_MEMORY allows 100,000,000"):
        join(config, {"A": one, "B": one}, ctx)


def test_metadata_of_both_sides() -> None:
    """Units travel with the columns of both; where they disagree B's counts, with a warning."""
    a, b = arrow(k=[1], v=[1.5]), arrow(k=[1], v=[2.5], w=[1])
    a.metadata = {"v": {"unit": "kWh"}, "k": {"unit": "id"}}
    b.metadata = {"v": {"unit": "MWh"}, "w": {"unit": "h"}}
    config = {"joinStrategy": "mergeByKey", "joinKey": "k"}
    handed_on, _, _, log = outcome(join, config, {"A": a, "B": b})
    expected = {"v": {"unit": "MWh"}, "k": {"unit": "id"}, "w": {"unit": "h"}}
    assert expected == handed_on["out"][1]
    assert "goes on as in B" in log[0]["message"]
