"""The handlers that come with Caudal: triggers, logic, tables and webhooks."""

from caudal_builtin.plugin import (
    caudal_handlers,
    caudal_known_types,
    caudal_record_stores,
    caudal_triggers,
)

__all__ = ["caudal_handlers", "caudal_known_types", "caudal_record_stores", "caudal_triggers"]
