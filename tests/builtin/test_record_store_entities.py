"""What every record store knows of its entities: in memory, in SQLite, in PostgreSQL."""

from __future__ import annotations

from itertools import product

import pytest
from tests.builtin.record_stores import EVERY, REAL, save

from caudal_core.errors import InvalidRequest
from caudal_core.stores import (
    EntityExists,
    EntityNotFound,
    Query,
    RecordStore,
)


@EVERY
def test_entities_have_a_life(store: RecordStore) -> None:
    """Made, found by id and name, renamed, widened, deleted with their records."""
    made = store.create("one", {"a": "integer"}, "acme")
    with pytest.raises(EntityExists):
        store.create("one", {})
    assert [made.id] * 2 == [found.id for ref in ("one", made.id) if (found := store.find(ref))]
    changed = store.change(made, "two", {"a": "number", "b": "text"})
    assert ("two", {"a": "number", "b": "text"}) == (changed.name, dict(changed.properties))
    save(store, "two", [{"id": "x"}, {"id": "y"}])
    assert 1 == store.remove(changed, ["x", "z"])
    assert ["two"] == [entity.name for entity in store.entities()]
    assert [1] == [entity.records for entity in store.entities()]
    store.delete(changed)
    assert store.find("two") is None
    with pytest.raises(EntityNotFound):
        store.read(changed, Query())


@REAL
@pytest.mark.parametrize("name", ["", " ", "x" * 256, "a\nb"])
def test_a_name_that_nobody_could_read_is_refused(store: RecordStore, name: str) -> None:
    """Names are shown in lists and messages."""
    with pytest.raises(InvalidRequest):
        store.create(name, {})


def test_every_pair_of_types_has_a_wider_one() -> None:
    """Widening is the same both ways, and nothing gets narrower by it."""
    from caudal_core.stores.types import TYPES, wider

    for one, other in product(TYPES, TYPES):
        both = wider(one, other)
        assert both == wider(other, one)
        assert both in TYPES
        assert both == wider(both, one) == wider(both, other)
