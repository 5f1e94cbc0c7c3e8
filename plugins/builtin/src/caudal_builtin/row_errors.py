"""Errors in one record: they learn their field and their row on the way out."""

from __future__ import annotations

from typing import Any, Self

from caudal_core import CaudalError, DataError
from caudal_core.values import JSON, to_wire

_SHOWN = 60


class RowError(DataError):
    """What a record's value made impossible; `{place}` in the texts says where, rows from 0."""

    def __init__(self, **params: Any) -> None:
        CaudalError.__init__(self, message="", place="", place_es="", **params)

    def about(self, field: str) -> Self:
        """The same error, naming the field."""
        return self._at(f"field '{field}': ", f"campo '{field}': ")

    def in_row(self, index: int) -> Self:
        """The same error, naming the row."""
        return self._at(f"row {index}, ", f"fila {index}, ")

    def _at(self, place: str, place_es: str) -> Self:
        self.params["place"] = place + self.params["place"]
        self.params["place_es"] = place_es + self.params["place_es"]
        return self


def shown(value: JSON) -> str:
    """A value for a message: as JSON, cut where it is long."""
    text = to_wire(value).decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
