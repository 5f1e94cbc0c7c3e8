"""What was used last, as much of it as may be kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

COUNT = 256
SIZE = 32_000_000
"""Bytes of text, measured as JSON, of all that is kept together."""

V = TypeVar("V")


class Recent(Generic[V]):
    """Keeps the values that were used last; one that is larger than all may be is kept alone.

    It belongs to one thread.
    """

    def __init__(self, count: int = COUNT, size: int = SIZE) -> None:
        self._count = count
        self._size = size
        self._held = 0
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable) -> V | None:
        """The value, which counts as used by this."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, value: V, size: int) -> None:
        """Keep a value of so many bytes, and let go of others for it."""
        self.drop(key)
        self._values[key] = value, size
        self._held += size
        while len(self._values) > self._count or (self._held > self._size and len(self) > 1):
            _, (_, gone) = self._values.popitem(last=False)
            self._held -= gone

    def drop(self, key: Hashable) -> None:
        """Let go of a value, if it is there."""
        _, size = self._values.pop(key, (None, 0))
        self._held -= size
