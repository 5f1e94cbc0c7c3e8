"""What many listeners are told, made once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from caudal_core.engine.recent import Recent

COUNT = 2_000
SIZE = 16_000_000
"""Messages, and their bytes in all, that are kept for whoever comes to them a moment later."""


class Told:
    """The messages made last, by what they tell of."""

    def __init__(self) -> None:
        self._recent = Recent[bytes](COUNT, SIZE)

    def once(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """The message, made by the first who asks for it; a null key is nobody else's."""
        if key is None:
            return make()
        found = self._recent.get(key)
        if found is None:
            found = make()
            self._recent.put(key, found, len(found))
        return found
