"""Caudal's core: the handler form, and everything that runs workflows made of handlers.

What a handler's author needs is here; the rest is in modules of its own: `caudal_core.engine`,
`caudal_core.registry`, `caudal_core.graph`, `caudal_core.testing`.
"""

from caudal_core.config import Config, Field, Secret
from caudal_core.context import Context
from caudal_core.errors import (
    CaudalError,
    DataError,
    FileRefused,
    HandlerError,
    NotAvailable,
    TemplateError,
    UnknownField,
    WorkerCrashed,
    WorkerLimit,
)
from caudal_core.handler import Handler, Outputs, handler
from caudal_core.hookspecs import hookimpl
from caudal_core.outcome import Outcome
from caudal_core.records import Data, Records, Row
from caudal_core.text import Text
from caudal_core.trigger import Call, Event, Trigger, TriggerContext
from caudal_core.values import JSON
from caudal_core.waits import Question, Reply, Wait
from caudal_core.workers import Answer
from caudal_core.zones import ZoneName

__all__ = [
    "JSON",
    "Answer",
    "Call",
    "CaudalError",
    "Config",
    "Context",
    "Data",
    "DataError",
    "Event",
    "Field",
    "FileRefused",
    "Handler",
    "HandlerError",
    "NotAvailable",
    "Outcome",
    "Outputs",
    "Question",
    "Records",
    "Reply",
    "Row",
    "Secret",
    "TemplateError",
    "Text",
    "Trigger",
    "TriggerContext",
    "UnknownField",
    "Wait",
    "WorkerCrashed",
    "WorkerLimit",
    "ZoneName",
    "handler",
    "hookimpl",
]
