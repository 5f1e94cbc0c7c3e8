"""Records that a store reads, gathered while somebody watches how many they become."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from caudal_core.stores.model import Query

AT_ONCE: Final = 5_000
"""Records that are made before they are weighed."""


def gathered(records: Iterator[dict[str, Any]], query: Query) -> list[dict[str, Any]]:
    """All of them, as a list; `query.weigh` is told of it after every `AT_ONCE`, and may raise."""
    found: list[dict[str, Any]] = []
    while part := list(islice(records, AT_ONCE)):
        found += part
        query.weigh(found)
    return found
