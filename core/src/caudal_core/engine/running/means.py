"""What every execution of an engine is run with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from caudal_core.engine.execution import Execution
from caudal_core.engine.keeping import Keeper
from caudal_core.engine.running.budget import LoopBudget
from caudal_core.engine.states import States
from caudal_core.engine.telling.outbox import Outbox
from caudal_core.engine.waits.approvals import Approvals
from caudal_core.journal import Journal
from caudal_core.runner import Runner


@dataclass(frozen=True, slots=True)
class Means:
    """`in_thread` runs what blocks.

    `holds` says whether an execution must not go on now; then it is woken once it may (null:
    nothing ever keeps one from that).
    """

    journal: Journal
    runner: Runner
    budget: LoopBudget
    keeper: Keeper
    approvals: Approvals
    states: States
    in_thread: Callable[[Callable[[], Any]], Awaitable[Any]]
    outbox: Outbox
    holds: Callable[[Execution], bool] | None = None
