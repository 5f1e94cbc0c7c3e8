"""Record stores of packages: found, asked in order, and refused where they are no stores."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.sites import Site, error

from caudal_core import NotAvailable
from caudal_core.errors import InvalidRequest
from caudal_core.stores import EntityExists, Query, RecordStores, filter_of, sort_of
from caudal_core.testing import MemoryRecordStore

OFFERS = """
from caudal_core import hookimpl
from caudal_core.testing import MemoryRecordStore

class Store(MemoryRecordStore):
    name = "{name}"

@hookimpl
def caudal_record_stores():
    return {{"{key}": lambda place: {made}}}
"""


def offers(name: str, key: str, made: str) -> str:
    """A plugin that offers one store."""
    return OFFERS.format(name=name, key=key, made=made)


def test_stores_of_packages_are_asked_in_their_order(site: Site) -> None:
    """Ours first, then by name; one without a place is none, and of one name the first counts."""
    site.install("zzz-mine", offers("last", "z", "Store(both=[], z=[])"))
    site.install("caudal-ot", offers("first", "o", "Store(both=[])"))
    site.install("bbb-none", offers("none", "b", "None"))
    site.install("aaa-same", offers("same", "o", "Store(never=[])"))
    registry = site.load()
    assert ["o", "b", "z"] == list(registry.stores)
    stores = RecordStores(registry.stores)
    assert [("both", "o"), ("both", "z"), ("z", "z")] == [
        (entity.name, entity.store) for entity in stores.entities()
    ]
    assert "o" == stores.find("both").store
    assert "first" == stores.store_name(stores.new("x"))


def test_no_entity_hides_another() -> None:
    """A name that any store has is taken, for a new entity and for one that is renamed."""
    first, second = MemoryRecordStore(meters=[]), MemoryRecordStore(sales=[{"kWh": 1}])
    second.name = "shop"
    stores = RecordStores.of(first, second)
    with pytest.raises(EntityExists, match="'sales'"):
        stores.create("sales", {})
    with pytest.raises(EntityExists, match="'sales'"):
        stores.change(stores.find("meters"), "sales", {})
    assert [1] == [row["kWh"] for row in stores.read(stores.find("sales"), Query()).records]
    assert "counters" == stores.change(stores.find("meters"), "counters", {}).name


def test_what_is_no_mapping_of_stores_is_refused(site: Site) -> None:
    """The package is named with its cause, and harms no other."""
    broken = (
        "from caudal_core import hookimpl\n@hookimpl\ndef caudal_record_stores():\n    return 5"
    )
    site.install("aaa-broken", broken)
    site.install("zzz-good", offers("good", "g", "Store()"))
    registry = site.load()
    assert "TypeError" in error(registry, "aaa-broken")
    assert ["g"] == list(registry.stores)


def test_without_a_store_it_is_said() -> None:
    """Nothing is kept in silence nowhere."""
    with pytest.raises(NotAvailable, match="there is no record store"):
        RecordStores().create("a", {})


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (5, "filter is no comparison"),
        ([{"field": ""}], r"filter\[0\] is no comparison"),
        ([{"field": "k"}], r"filter\[0\] compares 'k' with nothing: give it a value"),
        ({"or": [{"field": "a", "operator": "equal"}]}, r"filter.or\[0\]: .*did you mean 'equals'"),
        ({"field": "a", "operator": "between", "value": 1}, "between needs two values"),
        ({"field": "a", "value": [1]}, "compares with one value"),
        ([{"field": "a", "value": 1}] * 201, "201 comparisons"),
        ({"field": "a", "operator": "in", "value": [1] * 10_001}, "10,000 values"),
    ],
)
def test_a_filter_that_cannot_be_read(value: Any, why: str) -> None:
    """The part that is wrong is named by its place."""
    with pytest.raises(InvalidRequest, match=why):
        filter_of(value)


def test_a_filter_that_is_nested_too_deeply() -> None:
    """Twenty levels are more than anybody means."""
    value: Any = {"field": "a", "value": 1}
    for _ in range(25):
        value = {"and": [value]}
    with pytest.raises(InvalidRequest, match="nested"):
        filter_of(value)


def test_an_order_without_a_column() -> None:
    """A mere sign names nothing."""
    with pytest.raises(InvalidRequest, match="names no column"):
        sort_of(["-"])
