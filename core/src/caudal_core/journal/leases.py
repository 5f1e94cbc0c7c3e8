"""Who listens for a trigger where several servers could."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol


class Leases(Protocol):
    """Grants each trigger to one server for a while. Its methods block: call them in a thread.

    `alone`: no other server can be there.
    """

    alone: bool

    def hold(self, triggers: Collection[str]) -> set[str]:
        """Take or renew the lease of each; returns those that this server holds now."""

    def release(self, triggers: Collection[str]) -> None:
        """Let go of what this server holds of them, so that another may take it at once."""


class SoleHolder:
    """Where no other server can be: everything is held."""

    alone = True

    def hold(self, triggers: Collection[str]) -> set[str]:
        """All of them."""
        return set(triggers)

    def release(self, triggers: Collection[str]) -> None:
        """Nothing to do."""
