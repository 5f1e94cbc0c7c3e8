"""The config of `excelInput`."""

from __future__ import annotations

import io
from typing import Any, Literal

from pydantic import field_validator

from caudal_builtin.named_file import FileConfig
from caudal_builtin.tables.layout import Options
from caudal_builtin.tables.ranges import block
from caudal_core import Context, Field, Text

_WRITTEN_OUT = {"\\t": "\t", "tab": "\t"}


class ExcelInputConfig(FileConfig):
    """Where the table is, and how it is written where that cannot be found out."""

    parsed_data: list[dict[str, Any]] | None = Field(
        None,
        title=Text(en="Table", es="Tabla"),
        description=Text(
            en="The records themselves, kept in the workflow; their values stay as they are.",
            es="Los propios registros, guardados en el flujo; sus valores no se cambian.",
        ),
        template=False,
    )
    sheet: str | int | None = Field(
        None,
        title=Text(en="Sheet", es="Hoja"),
        description=Text(
            en="Name or number from 1; without it the first visible one. Workbooks only.",
            es="Nombre o número desde 1; sin ella, la primera visible. Solo en libros.",
        ),
        template=False,
    )
    header_row: int | None = Field(
        None,
        title=Text(en="Header row", es="Fila de encabezados"),
        description=Text(
            en="The row of the column names, from 1; without it the first that is not empty.",
            es="La fila de los nombres de columna, desde 1; sin ella, la primera no vacía.",
        ),
        ge=1,
    )
    skip_rows: int = Field(
        0,
        title=Text(en="Rows to skip", es="Filas que omitir"),
        description=Text(
            en="Rows left out between the names and the data, such as one of units.",
            es="Filas omitidas entre los nombres y los datos, como una de unidades.",
        ),
        ge=0,
    )
    range: str = Field(
        "",
        title=Text(en="Range", es="Rango"),
        description=Text(
            en="The block of cells to read; without it all of the sheet.",
            es="El bloque de celdas que leer; sin él, toda la hoja.",
        ),
        examples=["B3:F200", "B:F", "B3"],
        template=False,
    )
    delimiter: str | None = Field(
        None,
        title=Text(en="Delimiter", es="Separador"),
        description=Text(
            en="The character between cells of a text file; without it it is found out.",
            es="El carácter entre celdas de un archivo de texto; sin él, se detecta.",
        ),
        examples=[";", ",", "tab"],
        template=False,
    )
    encoding: str | None = Field(
        None,
        title=Text(en="Encoding", es="Codificación"),
        description=Text(
            en="That of a text file; without it it is found out.",
            es="La de un archivo de texto; sin ella, se detecta.",
        ),
        examples=["utf-8", "latin-1"],
        template=False,
    )
    decimal: Literal[".", ","] | None = Field(
        None,
        title=Text(en="Decimal mark", es="Signo decimal"),
        description=Text(
            en="That of the numbers in a text file; without it each column shows its own.",
            es="El de los números de un archivo de texto; sin él, se detecta por columna.",
        ),
    )
    columns: list[str] = Field(
        default_factory=list,
        title=Text(en="Columns", es="Columnas"),
        description=Text(
            en="The columns to keep, in this order; without any, all.",
            es="Las columnas que conservar, en este orden; sin ninguna, todas.",
        ),
        template=False,
    )

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, given: str | None) -> str | None:
        delimiter = _WRITTEN_OUT.get(given or "", given or None)
        if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
            message = f"{given!r} is no delimiter; give one character, such as ; or , or tab"
            raise ValueError(message)
        return delimiter

    @field_validator("range")
    @classmethod
    def _a_block(cls, given: str) -> str:
        if given.strip():
            block(given)
        return given.strip()

    @field_validator("encoding")
    @classmethod
    def _known(cls, given: str | None) -> str | None:
        name = (given or "").strip()
        if not name:
            return None
        try:
            io.TextIOWrapper(io.BytesIO(), encoding=name)
        except LookupError:
            message = f"there is no encoding '{name}'; give one such as utf-8, latin-1 or cp1252"
            raise ValueError(message) from None
        return name

    def options(self, ctx: Context) -> Options:
        """How to read a file."""
        sheet = None if self.sheet is None or not str(self.sheet).strip() else self.sheet
        return Options(
            header_row=self.header_row,
            skip_rows=self.skip_rows,
            range=self.range or None,
            sheet=sheet,
            delimiter=self.delimiter,
            encoding=self.encoding,
            decimal=self.decimal,
            check=ctx.check,
        )
