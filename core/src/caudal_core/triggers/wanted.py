"""Which triggers a workflow switches on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from pydantic import ValidationError

from caudal_core.config import Config
from caudal_core.errors import error_text
from caudal_core.graph.problems import config_problem
from caudal_core.registry import Registry
from caudal_core.trigger import Clock, Trigger, TriggerContext
from caudal_core.triggers.firing import Target
from caudal_core.triggers.names import mark_of, trigger_id
from caudal_core.zones import known_zone

LONGEST_TOLERANCE = 366 * 86_400


@dataclass(frozen=True, slots=True)
class Kept:
    """A workflow that is kept here. `mark` is another one whenever its JSON is.

    `read` gives the JSON; it blocks.
    """

    id: str
    name: str
    mark: Hashable
    read: Callable[[], Mapping[str, Any] | None]
    digest: str | None = None
    organization: str | None = None


class Place(Protocol):
    """Where the workflows are whose triggers are listened to."""

    async def all(self) -> Sequence[Kept]:
        """Every one, each id once."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A trigger that a node switches on. `problem` says why it cannot be listened to, if so.

    `mark` is the hash of all that a listener depends on, `tolerance` how many seconds after a
    planned time it must have begun; null where it is not known.
    """

    workflow: Kept
    target: Target
    trigger: Trigger[Any]
    config: Config
    timezone: str
    mark: str
    tolerance: float | None = None
    problem: str | None = None

    @property
    def id(self) -> str:
        """Names the trigger."""
        return self.target.trigger

    def context(
        self, clock: Clock, since: datetime, last: datetime | None = None
    ) -> TriggerContext:
        """What its listener is given."""
        ids = self.target.workflow_id, self.target.node_id
        return TriggerContext(*ids, self.timezone, since, last, clock)


def wanted_by(
    kept: Kept, document: Mapping[str, Any], registry: Registry, timezone: str
) -> list[Wanted]:
    """Every trigger that a workflow switches on; the workflow may be a draft with mistakes."""
    zone = _zone(document) or timezone
    found = [_wanted(kept, document, node, registry, zone) for node in _nodes(document)]
    by_id = {item.id: item for item in found if item is not None}
    return list(by_id.values())


def wrong_triggers(
    document: Mapping[str, Any], registry: Registry, timezone: str = "UTC"
) -> Iterator[tuple[str, str]]:
    """The id of each node whose trigger could not listen, and why."""
    kept = Kept("", "", "", lambda: document)
    for item in wanted_by(kept, document, registry, timezone):
        if item.problem is not None:
            yield item.target.node_id, item.problem


def _nodes(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    nodes = document.get("nodes")
    for node in nodes if isinstance(nodes, list) else ():
        if isinstance(node, Mapping) and isinstance(node.get("id"), str):
            yield node


def _zone(document: Mapping[str, Any]) -> str | None:
    settings = document.get("settings")
    name = settings.get("timezone") if isinstance(settings, Mapping) else None
    try:
        return known_zone(name) if isinstance(name, str) and name else None
    except ValueError:
        return None  # the check of the workflow says so


def _wanted(
    kept: Kept,
    document: Mapping[str, Any],
    node: Mapping[str, Any],
    registry: Registry,
    timezone: str,
) -> Wanted | None:
    name = node.get("type")
    trigger = registry.triggers.get(name) if isinstance(name, str) else None
    if trigger is None:
        return None
    given = node.get("config")
    plain = dict(given) if isinstance(given, Mapping) else {}
    target = Target(
        trigger=trigger_id(kept.id, node["id"]),
        type=trigger.name,
        node_id=node["id"],
        workflow_id=kept.id,
        workflow=document,
        digest=kept.digest,
        organization=kept.organization,
    )
    mark = mark_of(trigger.name, plain, timezone)
    made = Wanted(kept, target, trigger, Config(), timezone, mark)
    try:
        config = trigger.config.model_validate(plain)
        if not trigger.wanted(config):
            return None
        return replace(made, config=config, tolerance=_tolerance(trigger, config))
    except ValidationError as error:
        return replace(made, problem=_wrong(error, trigger.config, node["id"], plain))
    except Exception as error:  # noqa: BLE001 - what a plugin makes of a config costs this node alone
        return replace(made, problem=error_text(error))


def _tolerance(trigger: Trigger[Any], config: Config) -> float | None:
    """What the trigger says, once for all who ask; `ValueError` where it is no time."""
    given = trigger.tolerance(config)
    if given is None:
        return None
    if type(given) not in (int, float) or not 0 <= given <= LONGEST_TOLERANCE:
        message = f"its tolerance is {given!r}; it is 0 s to 366 days"
        raise ValueError(message)
    return float(given)


def _wrong(
    error: ValidationError, model: type[Config], node_id: str, stored: dict[str, Any]
) -> str:
    found = error.errors(include_url=False)
    problems = [config_problem(dict(item), model, node_id, 0, stored) for item in found]
    return "; ".join(str(problem["message"]) for problem in problems)
