"""A handler's function called on the same records as rows and in columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.core.tables import exact, in_columns

from caudal_core import CaudalError, Context, Handler, Records
from caudal_core.context import Environment
from caudal_core.handler import Outputs

Rows = list[dict[str, Any]]


def both(
    handler: Handler,
    config: Mapping[str, Any],
    data: Rows | Mapping[str, Rows],
    **environment: Any,
) -> tuple[Any, Any]:
    """What it comes to from rows and from columns; both the same where they cannot be columns."""
    if isinstance(data, Mapping):
        plain: Any = {port: Records(rows) for port, rows in data.items()}
        columns: Any = {port: in_columns(rows) for port, rows in data.items()}
        fits = all(table is not None for table in columns.values())
    else:
        plain, columns = Records(data), in_columns(data)
        fits = columns is not None
    one = outcome(handler, config, plain, **environment)
    return one, outcome(handler, config, columns, **environment) if fits else one


def outcome(handler: Handler, config: Mapping[str, Any], data: Any, **environment: Any) -> Any:
    """All that a call leaves: outputs, message, report and log, or the error."""
    ctx = Context("node", Environment(**environment))
    try:
        returned = handler(handler.parse(config), data, ctx)
    except CaudalError as error:
        return type(error).__name__, str(error)
    notes = ctx.notes
    outputs = returned if isinstance(returned, Outputs) else {"out": returned}
    report = {key: exact(value) for key, value in notes.report.items()}
    handed_on = {port: (exact(value), dict(value.metadata)) for port, value in outputs.items()}
    return handed_on, notes.message, report, notes.log
