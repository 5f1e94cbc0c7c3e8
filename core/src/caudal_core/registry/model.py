"""What is installed, as a frozen picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from caudal_core.handler import Handler
from caudal_core.hookspecs import WorkflowSource
from caudal_core.stores import OpenStore
from caudal_core.trigger import Trigger


@dataclass(frozen=True, slots=True)
class Plugin:
    """One distribution and what became of it; `error` says why something was not taken in.

    `version` is the one that is loaded (the one installed, if it is not `loaded`). `installed` is
    the version that a restart would load, where it is another.
    """

    name: str
    version: str
    status: Literal["ok", "failed"]
    handlers: tuple[str, ...] = ()
    error: str | None = None
    loaded: bool = True
    installed: str | None = None

    @property
    def restart_needed(self) -> bool:
        """Whether another version is installed than the one that is loaded."""
        return self.installed is not None


@dataclass(frozen=True, slots=True)
class Registered:
    """A handler and the package it came from."""

    handler: Handler
    package: str
    version: str


@dataclass(frozen=True, slots=True)
class Registry:
    """All that is installed, as it was when it was loaded."""

    handlers: Mapping[str, Registered] = field(default_factory=dict)
    plugins: tuple[Plugin, ...] = ()
    known_types: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[WorkflowSource, ...] = ()
    runners: Mapping[str, Any] = field(default_factory=dict)
    blob_stores: Mapping[str, Any] = field(default_factory=dict)
    stores: Mapping[str, OpenStore] = field(default_factory=dict)
    hooks: Any = None
    triggers: Mapping[str, Trigger[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, *handlers: Handler, package: str = "test", version: str = "0") -> Registry:
        """A registry of just these handlers, for tests and for embedding."""
        found = {item.type: Registered(item, package, version) for item in handlers}
        plugin = Plugin(package, version, "ok", tuple(found))
        return cls(handlers=found, plugins=(plugin,))
