"""From what is installed to a registry: every type gets one package, every mistake a text."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint
from typing import Any, Literal

from caudal_core.handler import Handler
from caudal_core.registry.candidate import Candidate, merged, new_manager, take_in
from caudal_core.registry.installed import given, installed, normal_name
from caudal_core.registry.model import Plugin, Registered, Registry
from caudal_core.trigger import Trigger

OURS = ("caudal-builtin", "caudal-integrations", "caudal-ot")
"""Distributions that keep a type which another one claims as well."""


def load_registry(
    *,
    prefer: Mapping[str, str] | None = None,
    points: Iterable[EntryPoint] | None = None,
    before: Registry | None = None,
) -> Registry:
    """Look at every installed package anew.

    `prefer` names for a type that several packages claim the distribution that gets it. `before`
    is the registry in use: a loaded package whose version has changed since is kept as it was, and
    its plugin says that a restart is needed; one that could not be loaded is tried again.
    """
    importlib.invalidate_caches()
    found = installed() if points is None else map(given, points)
    candidates = sorted(_unique(map(take_in, found)), key=_order)
    _note_changed(candidates, before)
    handlers = _choose(candidates, prefer or {})
    triggers = _choose_triggers(candidates)
    return Registry(
        handlers=handlers,
        plugins=_plugins(candidates, handlers),
        known_types=merged(item.known_types for item in candidates),
        sources=tuple(source for item in candidates for source in item.sources),
        runners=merged(item.runners for item in candidates),
        blob_stores=merged(item.blob_stores for item in candidates),
        stores=merged(item.stores for item in candidates),
        hooks=_hooks(candidates),
        triggers=triggers,
    )


def _unique(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Without those that only repeat the module of another of the same distribution."""
    seen: dict[tuple[str, int], Candidate] = {}
    for item in candidates:
        seen.setdefault((item.name, id(item if item.module is None else item.module)), item)
    return list(seen.values())


def _order(candidate: Candidate) -> tuple[bool, str]:
    name = normal_name(candidate.name)
    return name not in OURS, name


def _hooks(candidates: list[Candidate]) -> Any:
    """What calls a hook of all plugins at once; each goes by the name of its distribution."""
    manager = new_manager()
    for item in candidates:
        if item.module is not None and not manager.is_registered(item.module):
            manager.register(item.module, None if manager.has_plugin(item.name) else item.name)
    return manager.hook


def _choose(candidates: list[Candidate], prefer: Mapping[str, str]) -> dict[str, Registered]:
    """Give every type to one package; of the others only that type is refused."""
    claims: dict[str, list[tuple[Candidate, Handler]]] = {}
    for item in candidates:
        for handler in item.handlers:
            claims.setdefault(handler.type, []).append((item, handler))
    chosen: dict[str, Registered] = {}
    for type_, claimed in claims.items():
        wanted = normal_name(prefer.get(type_, ""))
        first, *others = sorted(claimed, key=lambda claim: normal_name(claim[0].name) != wanted)
        holder = chosen[type_] = Registered(first[1], first[0].name, first[0].version)
        for item, _ in others:
            item.errors.append(_clash(type_, item, holder))
    return chosen


def _choose_triggers(candidates: list[Candidate]) -> dict[str, Trigger[Any]]:
    """By the type of their nodes; where several claim one, all but the first are refused."""
    chosen: dict[str, tuple[Trigger[Any], Candidate]] = {}
    for item in candidates:
        for trigger in item.triggers:
            first, holder = chosen.setdefault(trigger.node_type, (trigger, item))
            if first is not trigger:
                item.errors.append(
                    f"the trigger '{trigger.name}' of {item.name} {item.version} is refused, as "
                    f"{holder.name} {holder.version} has the nodes '{trigger.node_type}'"
                )
    return {type_: trigger for type_, (trigger, _) in chosen.items()}


def _clash(type_: str, item: Candidate, holder: Registered) -> str:
    return (
        f"the type '{type_}' of {item.name} {item.version} is refused, "
        f"as {holder.package} {holder.version} has it; "
        f"CAUDAL_PREFER={type_}={item.name} would choose this one"
    )


def _note_changed(candidates: list[Candidate], before: Registry | None) -> None:
    """Name a package that is loaded by the version that is loaded, whatever is installed by now."""
    plugins = before.plugins if before else ()
    loaded = {plugin.name: plugin.version for plugin in plugins if plugin.loaded}
    for item in candidates:
        old = loaded.get(item.name)
        if old is not None and old != item.version:
            item.errors.append(f"restart needed: version {old} is loaded, {item.version} installed")
            item.version, item.installed = old, item.version


def _plugins(candidates: list[Candidate], handlers: Mapping[str, Registered]) -> tuple[Plugin, ...]:
    """One entry a distribution, also where it has several entry points."""
    out = []
    for name in dict.fromkeys(item.name for item in candidates):
        mine = [item for item in candidates if item.name == name]
        errors = [error for item in mine for error in item.errors]
        types = tuple(key for key, value in handlers.items() if value.package == name)
        broken = any(item.module is None for item in mine)
        refused = any(item.handlers for item in mine) and not types
        status: Literal["ok", "failed"] = "failed" if broken or refused else "ok"
        loaded = any(item.module is not None for item in mine)
        error = "; ".join(errors) or None
        version, installed = mine[0].version, mine[0].installed
        out.append(Plugin(name, version, status, types, error, loaded, installed))
    return tuple(out)
