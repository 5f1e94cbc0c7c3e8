"""Why a file cannot be read as a table."""

from __future__ import annotations

from caudal_core import HandlerError


class UnreadableTable(HandlerError):
    """A file that is no table, is broken, or is not written as its config says."""

    code = "TABLE"


def refused(
    why: str,
    why_es: str,
    hint: str = "give a .csv, .tsv, .xlsx, .xlsm, .xlsb, .xls, .ods or .parquet file",
    hint_es: str = "use un archivo .csv, .tsv, .xlsx, .xlsm, .xlsb, .xls, .ods o .parquet",
) -> UnreadableTable:
    """A file that is no table at all."""
    return UnreadableTable(
        f"the file cannot be read as a table: {why}",
        es=f"el archivo no se puede leer como tabla: {why_es}",
        hint=hint,
        hint_es=hint_es,
    )


def with_password() -> UnreadableTable:
    """A workbook that only its password opens."""
    return UnreadableTable(
        "the workbook is protected by a password",
        es="el libro está protegido con contraseña",
        hint="save it in Excel without a password",
        hint_es="guárdelo en Excel sin contraseña",
    )
