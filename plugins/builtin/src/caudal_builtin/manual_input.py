"""The handler `manualInput`."""

from __future__ import annotations

from typing import Any, Literal

from caudal_builtin.typed_input import as_typed
from caudal_core import Config, Context, Data, Field, Text, handler
from caudal_core.records import kind_of


class ManualInputConfig(Config):
    """A name and a value."""

    input_var_name: str = Field(
        "input",
        title=Text(en="Name", es="Nombre"),
        description=Text(
            en="The field that holds the value.", es="El campo que contiene el valor."
        ),
        aliases=("manualInputVarName", "variableName"),
        template=False,
    )
    input_var_value: Any = Field(
        "",
        title=Text(en="Value", es="Valor"),
        description=Text(
            en="Used where the execution's inputs give none for this node.",
            es="Se usa cuando las entradas de la ejecución no dan otro para este nodo.",
        ),
        aliases=("manualInputVarValue", "variableValue"),
        template=False,
    )
    input_type: Literal["text", "number", "boolean", "date", "json", "file"] | None = Field(
        None,
        title=Text(en="Type", es="Tipo"),
        description=Text(
            en="What the value must be. Without a type, a text that is a plain number becomes one.",
            es="Qué debe ser el valor. Sin tipo, un texto que es un número pasa a serlo.",
        ),
    )

    @property
    def name(self) -> str:
        """The name of the field; `input` where none was given."""
        return self.input_var_name.strip() or "input"


@handler(
    "manualInput",
    title=Text(en="Manual input", es="Entrada manual"),
    description=Text(
        en="Hand on a value that a person gives.",
        es="Entrega un valor que da una persona.",
    ),
    category="basic",
    icon="keyboard",
    effect="pure",
    light=True,
)
def manual_input(config: ManualInputConfig, data: Data, ctx: Context) -> dict[str, Any]:
    """Hand on a value that a person gives.

    Ports:
        in: not looked at.
        out: an object with one field, `{name: value}`.

    Config:
        An input of the execution under this node's id replaces the value. It may also be the whole
        object, `{name: value}`. A type is asked of both alike; a `file` is a file's id or path.

    Errors:
        DataError: the value is not of the type asked for.
    """
    name, value, origin = config.name, config.input_var_value, "config"
    if ctx.node_id in ctx.inputs:
        value, origin = ctx.inputs[ctx.node_id], "inputs"
        if isinstance(value, dict) and set(value) == {name}:
            value = value[name]
    value = as_typed(value, config.input_type, name)
    ctx.say(f"'{name}' is {kind_of(value)}, from the {origin}")
    return {name: value}
