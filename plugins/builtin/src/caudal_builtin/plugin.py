"""What this package adds to Caudal."""

from __future__ import annotations

from typing import Any

from caudal_builtin.add_field import add_field
from caudal_builtin.comment import comment
from caudal_builtin.condition import condition
from caudal_builtin.excel_input import excel_input
from caudal_builtin.fetch_data import fetch_data
from caudal_builtin.human_approval import human_approval
from caudal_builtin.join import join
from caudal_builtin.manual_input import manual_input
from caudal_builtin.output import output
from caudal_builtin.pdf_input import pdf_input
from caudal_builtin.rename_columns import action, rename_columns
from caudal_builtin.save_records import save_records
from caudal_builtin.schedules.schedule import Schedule
from caudal_builtin.split_columns import split_columns
from caudal_builtin.store.places import open_application, open_store
from caudal_builtin.trigger import trigger
from caudal_builtin.webhook import Webhook, webhook
from caudal_builtin.webhook_response import webhook_response
from caudal_core import Handler, Trigger, hookimpl
from caudal_core.stores import OpenStore

_ELSEWHERE = {
    # Not in this version; whoever has a workflow with one is told which package will bring it.
    "caudal-builtin": ("python",),
    "caudal-integrations": ("http", "llm", "mysql", "sendEmail", "sendSMS", "esios", "climatiq"),
    "caudal-ot": (
        "opcua",
        "mqtt",
        "modbus",
        "scada",
        "mes",
        "dataHistorian",
        "timeSeriesAggregator",
        "mqttTrigger",
        "opcuaTrigger",
    ),
}


@hookimpl
def caudal_handlers() -> tuple[Handler, ...]:
    """The handlers of this package, in reading order."""
    return (
        trigger,
        manual_input,
        webhook,
        webhook_response,
        output,
        comment,
        human_approval,
        condition,
        join,
        add_field,
        split_columns,
        rename_columns,
        action,
        excel_input,
        pdf_input,
        fetch_data,
        save_records,
    )


@hookimpl
def caudal_record_stores() -> dict[str, OpenStore]:
    """The built-in store, and the tables of an application."""
    return {"store": open_store, "application": open_application}


@hookimpl
def caudal_triggers() -> tuple[Trigger[Any], ...]:
    """What starts workflows by itself."""
    return (Schedule(), Webhook())


@hookimpl
def caudal_known_types() -> dict[str, str]:
    """The node types of its sister packages."""
    return {type_: package for package, types in _ELSEWHERE.items() for type_ in types}
