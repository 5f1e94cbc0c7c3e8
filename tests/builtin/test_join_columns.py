"""The handler `join`: what becomes of columns that both tables have."""

from typing import Any

import pytest

from caudal_builtin.join import join
from caudal_core import Context, DataError
from caudal_core.context import Environment
from caudal_core.records import Records
from caudal_core.testing import run_handler


def merged(a: Any, b: Any, **config: Any) -> Any:
    """What a join by the field `k` hands on."""
    stored = {"joinStrategy": "mergeByKey", "joinKey": "k", **config}
    return run_handler(join, {"A": a, "B": b}, stored).output


def with_metadata(a: Records, b: Records, **config: Any) -> tuple[Records, Context]:
    """A join of tables whose columns have metadata, and the context that it spoke to."""
    ctx = Context("n", Environment())
    found = join(join.parse(config), {"A": a, "B": b}, ctx)
    assert isinstance(found, Records)
    return found, ctx


def test_bs_fields_win_but_missing_ones_overwrite_nothing() -> None:
    """On a clash B's value counts, null too; a field that B's record lacks leaves A's."""
    a = [{"k": 1, "v": "a", "w": "a"}, {"k": 2, "v": "a", "w": "a"}]
    b = [{"k": 1, "v": "b"}, {"k": 2, "v": None, "x": "b"}]
    expected = [{"k": 1, "v": "b", "w": "a"}, {"k": 2, "v": None, "w": "a", "x": "b"}]
    assert expected == merged(a, b)


def test_a_suffix_keeps_both_values() -> None:
    """With a suffix fields of B that A has too get it, in every record; the key does not."""
    a = [{"k": 1, "v": "a"}, {"k": 2, "v": "a"}]
    b = [{"k": 1, "v": "b", "x": 1}, {"k": 3, "v": "b"}]
    expected = [
        {"k": 1, "v": "a", "v_b": "b", "x": 1},
        {"k": 2, "v": "a"},
        {"k": 3, "v_b": "b"},
    ]
    assert expected == merged(a, b, joinSuffix="_b", joinType="outer")


def test_a_suffix_that_clashes_is_refused() -> None:
    """A suffix must not give the name of another column."""
    with pytest.raises(DataError, match="gives 'v_b', which is a column already; choose another"):
        merged([{"k": 1, "v": 1, "v_b": 2}], [{"k": 1, "v": 3}], joinSuffix="_b")


def test_columns_keep_what_is_known_of_them() -> None:
    """Units and the like go on from both sides, under a new name too."""
    a = Records([{"k": 1, "v": 1}], metadata={"v": {"unit": "kWh"}, "k": {"unit": "1"}})
    b = Records([{"k": 1, "v": 2, "w": 3}], metadata={"v": {"unit": "MWh"}, "w": {"unit": "€"}})
    config = {"joinStrategy": "mergeByKey", "joinKey": "k"}
    found, ctx = with_metadata(a, b, joinSuffix="_b", **config)
    assert {
        "v": {"unit": "kWh"},
        "k": {"unit": "1"},
        "v_b": {"unit": "MWh"},
        "w": {"unit": "€"},
    } == found.metadata
    assert [] == ctx.notes.log


@pytest.mark.parametrize("strategy", ["concat", "mergeByKey"])
def test_contradicting_metadata_is_warned_of(strategy: str) -> None:
    """A column that is kWh on one side and MWh on the other goes on as in B, with a warning."""
    a = Records([{"k": 1, "v": 1}], metadata={"v": {"unit": "kWh"}})
    b = Records([{"k": 1, "v": 2}], metadata={"v": {"unit": "MWh"}})
    found, ctx = with_metadata(a, b, joinStrategy=strategy, joinKey="k")
    assert {"v": {"unit": "MWh"}} == found.metadata
    (line,) = ctx.notes.log
    assert line["level"] == "warning"
    assert "the column 'v' is {'unit': 'kWh'} in A and {'unit': 'MWh'} in B" in line["message"]


def test_the_input_is_not_changed() -> None:
    """Siblings in the graph that got the same records see nothing of a join."""
    a, b = [{"k": 1, "v": 1}], [{"k": 1, "v": 2}]
    with_metadata(Records(a), Records(b), joinStrategy="mergeByKey", joinKey="k", joinSuffix="_b")
    assert ([{"k": 1, "v": 1}], [{"k": 1, "v": 2}]) == (a, b)
