"""The handler `splitColumns`."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from caudal_builtin.memory import afford_copies
from caudal_builtin.wording import counted
from caudal_core import Config, Context, Field, Outputs, Records, Text, handler


class SplitColumnsConfig(Config):
    """Which columns leave by which port."""

    columns_output_a: list[str] = Field(
        default_factory=list,
        title=Text(en="Columns of output A", es="Columnas de la salida A"),
        description=Text(
            en="Columns that leave by A, in this order. Without any, A is not taken.",
            es="Columnas que salen por A, en este orden. Sin ninguna, A no se toma.",
        ),
        template=False,
    )
    columns_output_b: list[str] = Field(
        default_factory=list,
        title=Text(en="Columns of output B", es="Columnas de la salida B"),
        description=Text(
            en="Columns that leave by B, in this order. Without any, B is not taken.",
            es="Columnas que salen por B, en este orden. Sin ninguna, B no se toma.",
        ),
        template=False,
    )

    @model_validator(mode="after")
    def _not_both_empty(self) -> Self:
        if not self.columns_output_a and not self.columns_output_b:
            message = "name at least one column in columnsOutputA or columnsOutputB"
            raise ValueError(message)
        return self


@handler(
    "splitColumns",
    title=Text(en="Split columns", es="Dividir columnas"),
    description=Text(
        en="Send some columns one way and some the other.",
        es="Envía unas columnas por un camino y otras por el otro.",
    ),
    category="logic",
    icon="columns-2",
    outputs=("A", "B"),
    effect="pure",
    light=True,
)
def split_columns(config: SplitColumnsConfig, data: Records, ctx: Context) -> Outputs:
    """Send some columns one way and some the other.

    Ports:
        in: records, or one object.
        A, B: the same records with the columns of that output alone, in the order of its list; a
            column may leave by both. A port whose list is empty is not taken. `outputA` and
            `outputB` stand beside the output.

    Errors:
        UnknownField: no record has a column of the lists.
    """
    lists = {"A": config.columns_output_a, "B": config.columns_output_b}
    afford_copies(data, ctx, times=2)
    taken = Outputs(**{port: data.select(names) for port, names in lists.items() if names})
    shown = [f"{port}: {', '.join(names) or 'not taken'}" for port, names in lists.items()]
    report = {f"output_{port}": records for port, records in taken.items()}
    ctx.say(f"{counted(len(data), 'record')} split into {'; '.join(shown)}", **report)
    return taken
