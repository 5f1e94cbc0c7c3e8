"""One entry point while it is taken in, apart from all others."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pluggy

from caudal_core import hookspecs
from caudal_core.errors import PluginError, error_text
from caudal_core.handler import Handler
from caudal_core.hookspecs import GROUP, WorkflowSource
from caudal_core.registry.installed import Found
from caudal_core.stores import OpenStore
from caudal_core.trigger import Trigger


@dataclass(slots=True)
class Candidate:
    """One entry point while it is taken in."""

    name: str
    version: str
    installed: str | None = None
    module: Any = None
    handlers: tuple[Handler, ...] = ()
    known_types: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[WorkflowSource, ...] = ()
    runners: Mapping[str, Any] = field(default_factory=dict)
    blob_stores: Mapping[str, Any] = field(default_factory=dict)
    stores: Mapping[str, OpenStore] = field(default_factory=dict)
    triggers: tuple[Trigger[Any], ...] = ()
    errors: list[str] = field(default_factory=list)

    def ask(self, manager: pluggy.PluginManager) -> None:
        """Call its hooks and keep what they give."""
        hook = manager.hook
        self.handlers = _handlers(hook.caudal_handlers())
        self.known_types = merged(hook.caudal_known_types())
        self.sources = tuple(source for group in hook.caudal_workflow_sources() for source in group)
        self.runners = merged(hook.caudal_runners())
        self.blob_stores = merged(hook.caudal_blob_stores())
        self.stores = merged(hook.caudal_record_stores())
        self.triggers = _triggers(hook.caudal_triggers())


def new_manager() -> pluggy.PluginManager:
    """A manager that knows the hooks and no plugin yet."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    return manager


def take_in(found: Found) -> Candidate:
    """Load one entry point by a manager of its own, so that its mistakes are its alone."""
    candidate, point = Candidate(found.package, found.version), found.point
    if point is None:
        candidate.errors.append(found.error or "it has no entry point")
        return candidate
    loaded = set(sys.modules)
    try:
        module = point.load()
        manager = new_manager()
        manager.register(module)
        manager.check_pending()
        _require_marks(module, manager)
        candidate.ask(manager)
        candidate.module = module
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a plugin does must not stop the others
        candidate.errors.append(f"{point.value}: {_cause(error)}")
        _forget(point.value.partition(":")[0].strip(), loaded)
    return candidate


def _forget(module: str, loaded: set[str]) -> None:
    """Unload what a broken plugin has loaded, so that a mended one is read anew on reload."""
    top = module.partition(".")[0]
    for name in set(sys.modules) - loaded:
        if name == top or name.startswith(f"{top}."):
            del sys.modules[name]


def _require_marks(module: Any, manager: pluggy.PluginManager) -> None:
    """Raise for a hook without `@hookimpl`, which nobody would ever call."""
    marked = {caller.name for caller in manager.get_hookcallers(module) or ()}
    bare = [name for name in _hook_names() if callable(getattr(module, name, None))]
    if forgotten := sorted(set(bare) - marked):
        raise PluginError(message=f"{', '.join(forgotten)} is not marked with @hookimpl")
    if not marked:
        message = f"it implements none of the hooks {', '.join(_hook_names())}"
        raise PluginError(message=message)


def _hook_names() -> list[str]:
    return sorted(name for name in vars(hookspecs) if name.startswith("caudal_"))


def _cause(error: BaseException) -> str:
    if isinstance(error, pluggy.PluginValidationError):
        return f"{error}; the hooks are: {', '.join(_hook_names())}"
    return error_text(error)


def _handlers(groups: Iterable[Iterable[Handler]]) -> tuple[Handler, ...]:
    found = [item for group in groups for item in _several(group)]
    for item in found:
        if not isinstance(item, Handler):
            message = f"caudal_handlers gave {item!r}, which was not made by @handler"
            raise PluginError(message=message)
    types = [item.type for item in found]
    twice = sorted({name for name in types if types.count(name) > 1})
    if twice:
        raise PluginError(message=f"it has two handlers of the type {', '.join(twice)}")
    return tuple(found)


def _several(group: Any) -> Iterable[Any]:
    if isinstance(group, Iterable):
        return group
    raise PluginError(message=f"caudal_handlers gave {group!r} instead of a tuple of handlers")


def _triggers(groups: Iterable[Iterable[Any]]) -> tuple[Trigger[Any], ...]:
    found = tuple(item for group in groups for item in group)
    for item in found:
        if not isinstance(item, Trigger) or not isinstance(getattr(item, "name", None), str):
            message = f"caudal_triggers gave {item!r}, which is no Trigger with a name"
            raise PluginError(message=message)
    return found


def merged(mappings: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """All of them in one, in their order; the first that has a key gives its value."""
    found: dict[str, Any] = {}
    for mapping in mappings:
        found |= {key: value for key, value in {**mapping}.items() if key not in found}
    return found
