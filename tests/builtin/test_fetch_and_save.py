"""The handlers `fetchData` and `saveRecords`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from tests.core.tables import arrow

from caudal_builtin.fetch_data import fetch_data
from caudal_builtin.save_records import save_records
from caudal_core import CaudalError, Context, DataError, NotAvailable, UnknownField
from caudal_core.context import Environment
from caudal_core.errors import NodeMemory
from caudal_core.stores import EntityNotFound, RecordStores, RowRefused
from caudal_core.testing import MemoryRecordStore, Ran, check_handler, run_handler

METERS = [{"meter": "A", "kWh": 5}, {"meter": "B", "kWh": 7}, {"meter": "C", "kWh": None}]


def stores(**entities: list[dict[str, Any]]) -> RecordStores:
    """A store in memory with these entities."""
    return RecordStores.of(MemoryRecordStore(**entities))


def fetched(config: dict[str, Any], data: Any = None, **more: Any) -> Ran:
    """What `fetchData` gives of the meters."""
    config = {"entityName": "meters", **config}
    return run_handler(fetch_data, data, config, records=stores(meters=METERS), **more)


def meters(ran: Ran) -> list[str]:
    """The meters of the records that came."""
    return [row["meter"] for row in ran.output]


def test_fetch_gives_all_records() -> None:
    """Each with its id; beside them how many and of what."""
    ran = fetched({})
    assert ["A", "B", "C"] == meters(ran)
    assert all("id" in row for row in ran.output)
    assert "3 records of 'meters'" == ran.message
    assert (3, "meters") == (ran.report["count"], ran.report["entityName"])


def test_fetch_filters_sorts_limits_and_chooses() -> None:
    """In this order."""
    where = [{"field": "kWh", "operator": "isNotEmpty"}]
    config = {"filter": where, "sort": "-kWh", "limit": "1", "columns": "kWh, meter"}
    assert [{"kWh": 7, "meter": "B"}] == fetched(config).output


def test_a_filter_is_filled_from_the_input() -> None:
    """From an object or the one record of a list; its value keeps its type."""
    config = {"filter": {"field": "kWh", "operator": ">=", "value": "{{least}}"}}
    assert ["B"] == meters(fetched(config, {"least": 6}))
    assert ["A", "B"] == meters(fetched(config, [{"least": 5}]))
    with pytest.raises(DataError, match="2 records came in"):
        fetched(config, [{"least": 5}, {"least": 6}])


def test_the_inputs_keys_are_added() -> None:
    """To every record, where it has none of its own; what is reserved and lists add nothing."""
    data = {"site": "north", "kWh": 0, "_webhookData": {}}
    ran = fetched({}, data, inputs=data)
    assert [5, 7, None] == [row["kWh"] for row in ran.output]
    assert [("north", False)] * 3 == [(row["site"], "_webhookData" in row) for row in ran.output]
    assert "site" not in fetched({}, [{"site": "north"}]).output[0]


def test_an_entity_is_found_by_id_else_by_name() -> None:
    """Editors store both; older keys count too."""
    records = stores(meters=METERS)
    own = records.find("meters").id
    for config in (
        {"selectedEntityId": own},
        {"entityId": "gone", "entityName": "meters"},
        {"tableName": "meters"},
    ):
        assert 3 == len(run_handler(fetch_data, None, config, records=records).output)
    with pytest.raises(EntityNotFound, match="did you mean 'meters'"):
        run_handler(fetch_data, None, {"entityName": "meter"}, records=records)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({}, "choose the entity"),
        ({"entityName": "m", "filter": {"field": "a", "operator": "gt"}}, "no operator 'gt'"),
        ({"entityName": "m", "filter": "kWh > 5"}, "no comparison"),
        ({"entityName": "m", "limit": 0}, "greater than or equal to 1"),
    ],
)
def test_a_config_that_cannot_be_is_refused(config: dict[str, Any], why: str) -> None:
    """When the workflow is checked, before anything runs."""
    with pytest.raises((ValidationError, CaudalError), match=why):
        fetch_data.parse(config)


def test_what_cannot_be_fetched_is_said() -> None:
    """A property that there is not; a moment in a store without history."""
    with pytest.raises(UnknownField, match="'kwh'"):
        fetched({"sort": ["kwh"]})
    with pytest.raises(NotAvailable):
        fetched({"asOf": "2026-01-01"})


def test_a_table_whose_rows_are_too_much_is_not_saved() -> None:
    """What is in columns is weighed before it becomes rows; nothing is written."""
    records = stores()
    ctx = Context("n", Environment(node_memory=4_000_000, records=records))
    data = arrow(a=list(range(20_000)), b=["x"] * 20_000)
    assert data.nbytes < 1_000_000
    with pytest.raises(NodeMemory, match="20000 records; CAUDAL_NODE_MEMORY allows 4,000,000"):
        save_records(save_records.parse({}), data, ctx)
    assert [] == records.entities()
    ctx = Context("n", Environment(node_memory=40_000_000, records=records))
    save_records(save_records.parse({}), data, ctx)
    assert [20_000] == [entity.records for entity in records.entities()]


def test_save_makes_the_entity_and_hands_on_its_input() -> None:
    """By the default name if none is given; what was made is told."""
    records = stores()
    data = [{"a": 1, "day": "2026-01-31"}, {"a": 2}]
    ran = run_handler(save_records, data, {}, records=records)
    assert data == ran.output
    assert "2 records saved to 'saved_records': 2 inserted" == ran.message
    told = ("tableName", "count", "createdProperties")
    expected = ["saved_records", 2, {"a": "integer", "day": "date"}]
    assert expected == [ran.report[name] for name in told]
    assert 2 == len(ran.report["savedIds"])
    assert 2 == len(run_handler(fetch_data, None, ran.report, records=records).output)


def test_one_object_is_one_record() -> None:
    """It is saved as one and handed on as an object."""
    ran = run_handler(save_records, {"a": 1}, {"tableName": "one"})
    assert ({"a": 1}, 1) == (ran.output, ran.report["inserted"])


def test_save_modes() -> None:
    """Key columns may come as a text; rows without a record are told of."""
    records = stores(meters=METERS)
    rows = [{"meter": "A", "kWh": 6}, {"meter": "D", "kWh": 1}]
    config = {"entityName": "meters", "saveMode": "update", "keyColumns": "meter"}
    ran = run_handler(save_records, rows, config, records=records)
    assert (1, 1) == (ran.report["updated"], ran.report["notFound"])
    assert "1 row had no record" in ran.log[0]["message"]
    ran = run_handler(
        save_records, rows, {**config, "saveMode": "upsert"}, records=records, node_id="o"
    )
    assert (1, 1) == (ran.report["inserted"], ran.report["unchanged"])


def test_a_second_run_of_one_execution_saves_nothing_more() -> None:
    """The report of the first is told again, and that it is so."""
    records = stores()
    runs = [run_handler(save_records, {"a": 1}, {}, records=records) for _ in range(2)]
    assert 1 == len(
        run_handler(fetch_data, None, {"entityName": "saved_records"}, records=records).output
    )
    assert runs[0].report == runs[1].report
    assert "done already" in (runs[1].message or "")


def test_an_unknown_id_makes_no_entity() -> None:
    """Unless a table is named as well."""
    with pytest.raises(EntityNotFound):
        run_handler(save_records, {"a": 1}, {"entityId": "gone"})
    records = stores(meters=METERS)
    config = {"entityId": "gone", "tableName": "meters"}
    assert 1 == run_handler(save_records, {"a": 1}, config, records=records).report["count"]


def test_a_dry_run_saves_nothing() -> None:
    """And says so."""
    records = stores()
    ran = run_handler(save_records, {"a": 1}, {}, records=records, dry_run=True)
    assert "dry run" in (ran.message or "")
    assert [] == records.entities()


def test_a_refused_row_fails_the_node() -> None:
    """With its number and what to do."""
    with pytest.raises(RowRefused, match=r"row 1: .*leave the id out"):
        run_handler(save_records, [{"id": "a"}, {"id": "a"}], {})


def test_they_keep_to_the_conventions() -> None:
    """Also when they are really run."""
    for handler in (fetch_data, save_records):
        review = check_handler(handler, effects=True, strict=True)
        assert 100 == review.score
