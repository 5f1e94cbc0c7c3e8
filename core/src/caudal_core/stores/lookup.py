"""Looks entities up, in one record store after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import TypeVar

from caudal_core.errors import CaudalError, NotAvailable, error_text
from caudal_core.stores.errors import EntityExists, EntityNotFound, StoreFailed
from caudal_core.stores.model import Entity, Page, Query, Report, Write
from caudal_core.stores.protocol import OpenStore, RecordStore, StorePlace

T = TypeVar("T")


class RecordStores:
    """The record stores of an engine, opened when they are first asked for.

    They are asked in the order of `openers`: the built-in store, the application's own tables, then
    what other packages offer. The first is where new entities are made.
    """

    def __init__(
        self, openers: Mapping[str, OpenStore] | None = None, place: StorePlace | None = None
    ) -> None:
        self._openers = dict(openers or {})
        self._place = place or StorePlace()
        self._opening = Lock()
        self._stores: dict[str, RecordStore] | None = None

    @classmethod
    def of(cls, *stores: RecordStore) -> RecordStores:
        """Just these stores, for tests and for embedding."""
        return cls({store.name: lambda _, store=store: store for store in stores})  # type: ignore[misc]

    def entities(self) -> list[Entity]:
        """All entities of all stores."""
        found = []
        for key, store in self._all().items():
            found += [replace(entity, store=key) for entity in _asked(store, store.entities)]
        return found

    def find(self, ref: str) -> Entity:
        """The entity of this id or name in the first store that has it; `EntityNotFound`."""
        looked_in = []
        ref = ref.replace("\x00", "?")  # no database has a name with one, and some stumble over it
        for key, store in self._all().items():
            found = _asked(store, partial(store.find, ref))
            if found is not None:
                return replace(found, store=key)
            looked_in.append(store.name)
        raise EntityNotFound(ref, looked_in, [entity.name for entity in self.entities()])

    def new(self, name: str) -> Entity:
        """An entity that the first write makes, in the first store."""
        return Entity("", name, store=next(iter(self._all()), ""))

    def create(
        self, name: str, properties: Mapping[str, str], organization: str | None = None
    ) -> Entity:
        """A new entity in the first store; `EntityExists` if the name is taken in any of them."""
        key = next(iter(self._all()), "")
        self._refuse_taken(name, key)
        store = self._store(key)
        made = _asked(store, lambda: store.create(name, properties, organization))
        return replace(made, store=key)

    def change(self, entity: Entity, name: str, properties: Mapping[str, str]) -> Entity:
        """See `RecordStore.change`; `EntityExists` if another store has the new name."""
        store = self._store(entity.store)
        if name != entity.name:
            self._refuse_taken(name, entity.store)
        changed = _asked(store, lambda: store.change(entity, name, properties))
        return replace(changed, store=entity.store)

    def _refuse_taken(self, name: str, own: str) -> None:
        """Else one entity would hide another of that name, such as a table of the application."""
        for key, store in self._all().items():
            if key != own and _asked(store, partial(store.find, name)) is not None:
                raise EntityExists(name=name)

    def delete(self, entity: Entity) -> None:
        """See `RecordStore.delete`."""
        store = self._store(entity.store)
        _asked(store, lambda: store.delete(entity))

    def read(self, entity: Entity, query: Query) -> Page:
        """See `RecordStore.read`."""
        store = self._store(entity.store)
        return _asked(store, lambda: store.read(entity, query))

    def write(self, entity: Entity, write: Write) -> Report:
        """See `RecordStore.write`."""
        store = self._store(entity.store)
        return _asked(store, lambda: store.write(entity, write))

    def remove(self, entity: Entity, ids: list[str]) -> int:
        """See `RecordStore.remove`."""
        store = self._store(entity.store)
        return _asked(store, lambda: store.remove(entity, ids))

    def store_name(self, entity: Entity) -> str:
        """How people know the store of an entity."""
        return self._store(entity.store).name

    def close(self) -> None:
        """Close the stores that were opened."""
        with self._opening:
            stores, self._stores = self._stores, None
        for store in (stores or {}).values():
            store.close()

    def _store(self, key: str) -> RecordStore:
        store = self._all().get(key)
        if store is None:
            raise _none()
        return store

    def _all(self) -> dict[str, RecordStore]:
        with self._opening:
            if self._stores is None:
                made = {key: opener(self._place) for key, opener in self._openers.items()}
                self._stores = {key: store for key, store in made.items() if store is not None}
            return self._stores


def _asked(store: RecordStore, question: Callable[[], T]) -> T:
    """What it answers; what it stumbles over is told with its name."""
    try:
        return question()
    except CaudalError:
        raise
    except Exception as error:
        # Of a database's error what it says itself, without the statement and its values.
        cause = error_text(getattr(error, "orig", None) or error)
        raise StoreFailed(store=store.name, cause=cause) from error


def _none() -> NotAvailable:
    return NotAvailable(
        "there is no record store",
        es="no hay ningún almacén de registros",
        hint="install caudal-builtin, or another package that brings one",
        hint_es="instale caudal-builtin u otro paquete que aporte uno",
    )
