"""Which plugins are installed, and which handler serves which node type.

Entry points are taken in one by one: a plugin that breaks is listed with its cause and harms
nothing else. A registry is a frozen picture; `load_registry` makes a new one.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

import pluggy

from caudal_core import hookspecs
from caudal_core.errors import PluginError, error_text
from caudal_core.handler import Handler
from caudal_core.hookspecs import GROUP, WorkflowSource

OURS = ("caudal-builtin", "caudal-integrations", "caudal-ot")
"""Distributions that keep a type which another one claims as well."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One distribution and what became of it; `error` says why something was not taken in."""

    name: str
    version: str
    status: Literal["ok", "failed"]
    handlers: tuple[str, ...] = ()
    error: str | None = None


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
    hooks: Any = None

    @classmethod
    def of(cls, *handlers: Handler, package: str = "test", version: str = "0") -> Registry:
        """A registry of just these handlers, for tests and for embedding."""
        found = {item.type: Registered(item, package, version) for item in handlers}
        plugin = Plugin(package, version, "ok", tuple(found))
        return cls(handlers=found, plugins=(plugin,))


@dataclass(slots=True)
class _Candidate:
    """One entry point while it is taken in."""

    name: str
    version: str
    module: Any = None
    handlers: tuple[Handler, ...] = ()
    errors: list[str] = field(default_factory=list)


def load_registry(
    *,
    prefer: Mapping[str, str] | None = None,
    points: Iterable[EntryPoint] | None = None,
    before: Registry | None = None,
) -> Registry:
    """Look at every installed package anew.

    `prefer` names for a type that several packages claim the distribution that gets it. `before`
    is the registry in use: a loaded package whose version has changed since is kept as it was, and
    its plugin says that a restart is needed.
    """
    importlib.invalidate_caches()
    found = entry_points(group=GROUP) if points is None else points
    candidates = sorted((_take_in(point) for point in found), key=_order)
    _note_changed(candidates, before)
    handlers = _choose(candidates, prefer or {})
    hooks, working = _manager(), [item for item in candidates if item.module is not None]
    for item in working:
        hooks.register(item.module, name=f"{item.name}/{id(item.module)}")
    return Registry(
        handlers=handlers,
        plugins=_plugins(candidates, handlers),
        known_types=_merged(hooks.hook.caudal_known_types()),
        sources=tuple(source for group in hooks.hook.caudal_workflow_sources() for source in group),
        runners=_merged(hooks.hook.caudal_runners()),
        hooks=hooks.hook,
    )


def _order(candidate: _Candidate) -> tuple[bool, str]:
    return candidate.name not in OURS, candidate.name


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    return manager


def _take_in(point: EntryPoint) -> _Candidate:
    """Load one entry point by a manager of its own, so that its mistakes are its alone."""
    dist = point.dist
    candidate = _Candidate(dist.name if dist else point.name, dist.version if dist else "0")
    try:
        module = point.load()
        manager = _manager()
        manager.register(module)
        manager.check_pending()
        candidate.handlers = _handlers(manager)
        candidate.module = module
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a plugin does must not stop the others
        candidate.errors.append(f"{point.value}: {_cause(error)}")
    return candidate


def _cause(error: BaseException) -> str:
    if isinstance(error, pluggy.PluginValidationError):
        hooks = sorted(name for name in vars(hookspecs) if name.startswith("caudal_"))
        return f"{error}; the hooks are: {', '.join(hooks)}"
    return error_text(error)


def _handlers(manager: pluggy.PluginManager) -> tuple[Handler, ...]:
    found = [item for group in manager.hook.caudal_handlers() for item in group]
    for item in found:
        if not isinstance(item, Handler):
            message = f"caudal_handlers gave {item!r}, which was not made by @handler"
            raise PluginError(message=message)
    types = [item.type for item in found]
    twice = sorted({name for name in types if types.count(name) > 1})
    if twice:
        raise PluginError(message=f"it has two handlers of the type {', '.join(twice)}")
    return tuple(found)


def _choose(candidates: list[_Candidate], prefer: Mapping[str, str]) -> dict[str, Registered]:
    """Give every type to one package; of the others only that type is refused."""
    chosen: dict[str, Registered] = {}
    for item in sorted(candidates, key=lambda c: not _preferred(c, prefer)):
        for handler in item.handlers:
            holder = chosen.get(handler.type)
            if holder is None:
                chosen[handler.type] = Registered(handler, item.name, item.version)
            else:
                item.errors.append(_clash(handler.type, item, holder))
    order = [handler.type for item in candidates for handler in item.handlers]
    return {name: chosen[name] for name in dict.fromkeys(order)}


def _preferred(candidate: _Candidate, prefer: Mapping[str, str]) -> bool:
    return any(prefer.get(handler.type) == candidate.name for handler in candidate.handlers)


def _clash(type_: str, item: _Candidate, holder: Registered) -> str:
    return (
        f"the type '{type_}' of {item.name} {item.version} is refused, "
        f"as {holder.package} {holder.version} has it; "
        f"CAUDAL_PREFER={type_}={item.name} would choose this one"
    )


def _note_changed(candidates: list[_Candidate], before: Registry | None) -> None:
    loaded = {plugin.name: plugin.version for plugin in before.plugins} if before else {}
    for item in candidates:
        old = loaded.get(item.name)
        if old is not None and old != item.version:
            item.errors.append(f"restart needed: version {old} is loaded, {item.version} installed")


def _plugins(
    candidates: list[_Candidate], handlers: Mapping[str, Registered]
) -> tuple[Plugin, ...]:
    """One entry a distribution, also where it has several entry points."""
    out = []
    for name in dict.fromkeys(item.name for item in candidates):
        mine = [item for item in candidates if item.name == name]
        errors = [error for item in mine for error in item.errors]
        types = tuple(key for key, value in handlers.items() if value.package == name)
        broken = any(item.module is None for item in mine)
        refused = any(item.handlers for item in mine) and not types
        status: Literal["ok", "failed"] = "failed" if broken or refused else "ok"
        out.append(Plugin(name, mine[0].version, status, types, "; ".join(errors) or None))
    return tuple(out)


def _merged(mappings: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {key: value for mapping in reversed(mappings) for key, value in mapping.items()}
