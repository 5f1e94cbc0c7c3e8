"""Entities and their records, wherever they are kept: what a store must do, and how it is asked."""

from caudal_core.stores.access import RecordAccess
from caudal_core.stores.errors import EntityExists, EntityNotFound, RowRefused, StoreFailed
from caudal_core.stores.filters import Comparison, Filter, Group, filter_of
from caudal_core.stores.gathering import gathered
from caudal_core.stores.lookup import RecordStores
from caudal_core.stores.model import Entity, Mode, Page, Query, Report, Sort, Write, sort_of
from caudal_core.stores.protocol import OpenStore, RecordStore, StorePlace

__all__ = [
    "Comparison",
    "Entity",
    "EntityExists",
    "EntityNotFound",
    "Filter",
    "Group",
    "Mode",
    "OpenStore",
    "Page",
    "Query",
    "RecordAccess",
    "RecordStore",
    "RecordStores",
    "Report",
    "RowRefused",
    "Sort",
    "StoreFailed",
    "StorePlace",
    "Write",
    "filter_of",
    "gathered",
    "sort_of",
]
