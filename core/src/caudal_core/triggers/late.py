"""That a planned time passed without a start in its tolerance: a fact that others can be told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LateStart:
    """A planned time whose execution did not begin within `tolerance` seconds.

    `execution_id` is null where none has begun yet, or none will; `why` says what is known.
    """

    trigger_id: str
    workflow_id: str
    workflow_name: str
    node_id: str
    planned: datetime
    tolerance: float
    execution_id: str | None
    why: str


Listener = Callable[[LateStart], None]


class LateStarts:
    """Tells each planned time once; what goes wrong in a listener is logged and stops nothing."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._told: dict[str, datetime] = {}

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; returns what takes it away."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def forget(self, trigger: str) -> None:
        """Its planned times begin anew, perhaps before those that were told of."""
        self._told.pop(trigger, None)

    def tell(self, late: LateStart) -> None:
        """It is late; of one planned time that is told once."""
        told = self._told.get(late.trigger_id)
        if told is not None and told >= late.planned:
            return
        self._told[late.trigger_id] = late.planned
        text = "workflow %s did not start within %g s of %s: %s"
        _log.warning(text, late.workflow_id, late.tolerance, late.planned.isoformat(), late.why)
        for listener in tuple(self._listeners):
            try:
                listener(late)
            except Exception:  # noqa: BLE001 - whoever listens must not hold up the others
                _log.exception("a listener failed while it was told of a late start")
