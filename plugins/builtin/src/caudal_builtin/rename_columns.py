"""The handler `renameColumns`, and `action`, the name it has in older workflows."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Self

from pydantic import model_validator

from caudal_builtin.memory import afford_copies
from caudal_builtin.wording import counted
from caudal_core import Config, Context, Field, Records, Text, handler


class ColumnRename(Config):
    """One column's old and new name."""

    old_name: str = Field(
        "",
        title=Text(en="Old name", es="Nombre anterior"),
        description=Text(en="As it comes in.", es="Como llega."),
        template=False,
    )
    new_name: str = Field(
        "",
        title=Text(en="New name", es="Nombre nuevo"),
        description=Text(en="As it goes on.", es="Como se entrega."),
        template=False,
    )


class RenameColumnsConfig(Config):
    """Old and new names."""

    column_renames: list[ColumnRename] = Field(
        default_factory=list,
        title=Text(en="Columns", es="Columnas"),
        description=Text(
            en="Old and new names. An entry without a name is left out.",
            es="Nombres anteriores y nuevos. Una entrada sin nombre no se aplica.",
        ),
    )

    @model_validator(mode="after")
    def _one_new_name_each(self) -> Self:
        for name, count in Counter(entry.old_name for entry in self._whole()).items():
            if count > 1:
                message = f"the column '{name}' is renamed {count} times; keep one entry for it"
                raise ValueError(message)
        return self

    def _whole(self) -> list[ColumnRename]:
        return [entry for entry in self.column_renames if entry.old_name and entry.new_name]

    def old_to_new(self) -> dict[str, str]:
        """From old to new name, without the entries that change nothing."""
        return {e.old_name: e.new_name for e in self._whole() if e.old_name != e.new_name}

    def half_filled(self) -> list[str]:
        """The one name of each entry that lacks the other."""
        lacking = (e for e in self.column_renames if bool(e.old_name) != bool(e.new_name))
        return [entry.old_name or entry.new_name for entry in lacking]


@handler(
    "renameColumns",
    title=Text(en="Rename columns", es="Renombrar columnas"),
    description=Text(
        en="Give columns other names; their place and values stay.",
        es="Da otros nombres a las columnas; su lugar y sus valores se conservan.",
    ),
    category="logic",
    icon="text-cursor-input",
    effect="pure",
    light=True,
)
def rename_columns(config: RenameColumnsConfig, data: Records, ctx: Context) -> Records:
    """Give columns other names; their place and values stay.

    Ports:
        in: records, or one object.
        out: the same under the new names. All names change at once, so two can be swapped.

    Errors:
        UnknownField: no record has a column of an old name.
        DataError: two columns would end with the same name.
    """
    names = config.old_to_new()
    for name in config.half_filled():
        ctx.log.warning("the entry with '%s' lacks its other name and is left out", name)
    shown = ", ".join(f"{old} → {new}" for old, new in names.items()) or "nothing to rename"
    ctx.say(f"{counted(len(names), 'column')} renamed: {shown}")
    afford_copies(data, ctx)
    return data.rename(names) if names else data


action = dataclasses.replace(rename_columns, type="action")
