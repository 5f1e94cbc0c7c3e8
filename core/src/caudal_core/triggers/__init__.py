"""Triggers at work: who listens, what they tell of, and that each event starts one execution."""

from caudal_core.triggers.firing import Fired, Firing, Target
from caudal_core.triggers.late import LateStart
from caudal_core.triggers.names import execution_id, trigger_id
from caudal_core.triggers.service import TriggerService
from caudal_core.triggers.wanted import Kept, Place, wrong_triggers
from caudal_core.triggers.watching import TriggerView

__all__ = [
    "Fired",
    "Firing",
    "Kept",
    "LateStart",
    "Place",
    "Target",
    "TriggerService",
    "TriggerView",
    "execution_id",
    "trigger_id",
    "wrong_triggers",
]
