"""The handler `output`."""

from __future__ import annotations

from typing import Any

from caudal_builtin.wording import amount
from caudal_core import Config, Context, Data, Text, handler


@handler(
    "output",
    title=Text(en="Output", es="Salida"),
    description=Text(
        en="Mark what comes in as the workflow's result.",
        es="Marca lo que llega como resultado del flujo.",
    ),
    category="basic",
    icon="flag",
    effect="pure",
    light=True,
)
def output(config: Config, data: Data, ctx: Context) -> Any:
    """Mark what comes in as the workflow's result.

    Ports:
        in: anything.
        out: the same, unchanged; it is the execution's final output.
    """
    ctx.say(f"the result is {amount(data)}")
    return data
