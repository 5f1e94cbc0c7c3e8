"""What a record store has to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from caudal_core.stores.model import Entity, Page, Query, Report, Write


class RecordStore(Protocol):
    """A place of entities and their records. Its methods block, and are called in threads.

    What it cannot do it refuses with `NotAvailable`; what is wrong with one row, by `RowRefused`.
    """

    name: str
    """How people know it: `the store`, `the database postgresql://host/shop`."""

    def entities(self) -> Sequence[Entity]:
        """All of them, by name."""

    def find(self, ref: str) -> Entity | None:
        """The entity of this id, else of this name, with its properties; or nothing."""

    def create(
        self, name: str, properties: Mapping[str, str], organization: str | None = None
    ) -> Entity:
        """A new entity without records; `EntityExists` if the name is taken."""

    def change(self, entity: Entity, name: str, properties: Mapping[str, str]) -> Entity:
        """Rename it and add properties; one that is there becomes wide enough for its new type."""

    def delete(self, entity: Entity) -> None:
        """Delete it with its records."""

    def read(self, entity: Entity, query: Query) -> Page:
        """Its records, each with `id`, `createdAt` where that is known, and its properties."""

    def write(self, entity: Entity, write: Write) -> Report:
        """Write records in one transaction; an entity with an empty id is made in the same."""

    def remove(self, entity: Entity, ids: Sequence[str]) -> int:
        """Delete the records of these ids; how many there were."""

    def close(self) -> None:
        """Let go of everything."""


@dataclass(frozen=True, slots=True)
class StorePlace:
    """Where a record store may keep things, or find them.

    `folder` is Caudal's data folder, `database_url` the database that the operator keeps records in
    instead, `records_url` that of an application with tables of its own. All may be null.
    """

    folder: Path | None = None
    database_url: str | None = None
    records_url: str | None = None


OpenStore = Callable[[StorePlace], RecordStore | None]
"""Makes a record store, or nothing where it has no place. It must not connect yet."""
