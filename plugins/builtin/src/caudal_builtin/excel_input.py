"""The handler `excelInput`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caudal_builtin.named_file import named_file
from caudal_builtin.tables import job
from caudal_builtin.tables.config import ExcelInputConfig
from caudal_builtin.wording import counted
from caudal_core import (
    Context,
    Data,
    HandlerError,
    Records,
    Text,
    WorkerCrashed,
    WorkerLimit,
    handler,
)
from caudal_core.files import short


@handler(
    "excelInput",
    title=Text(en="Excel or CSV", es="Excel o CSV"),
    description=Text(
        en="Read a table from a spreadsheet, a csv file or the workflow itself.",
        es="Lee una tabla de una hoja de cálculo, de un csv o del propio flujo.",
    ),
    category="data",
    icon="sheet",
    effect="idempotent",
)
def excel_input(config: ExcelInputConfig, data: Data, ctx: Context) -> Records:
    """Read a table from a spreadsheet, a csv file or the workflow itself.

    Ports:
        in: only what templates in `filePath` and `fileId` name is looked at, in an object or in
            the one record of a list.
        out: records. Empty cells are null, empty rows are left out and counted. Beside the output
            stand `rows`, `columns`, `encoding`, `delimiter`, `sheet`, `fileName`, `skipped` and
            `misfits`, cells by their names that do not fit: `{cell, value, why}`, the first 20.

    Config:
        parsedData: with a file named too, the file is read.
        sheet, range, headerRow, skipRows: rows are counted as the file has them, from 1.
        delimiter, encoding, decimal: what kind of file it is, is told by its content.

    Values of a text file are decided for whole columns: numbers (`12`, `1.234,56`; `08001` and
    others that are codes stay texts), dates (`31/12/2026 23:45` or ISO, handed on as ISO without a
    zone), else texts. A workbook's cells keep their types.

    Errors:
        TABLE: the file is no workbook, text or Parquet, is broken, protected or too large, or is
            not written as the config says.
        WORKER_LIMIT, WORKER_CRASHED: the file takes too much, or ends the process that reads it.
        NODE_MEMORY: the records would take more than a node may build.
        FILE_REFUSED: the file is missing or lies outside the allowed folders.
        NOT_AVAILABLE: the file is remote.
        UNKNOWN_FIELD: `columns` names one that is not there, or a template a field that is not.
        DATA: a template, and a list that does not have one record.
    """
    name = named_file(config, data, ctx, inline=bool(config.parsed_data))
    if name:
        return _from_file(config, name, ctx)
    if config.parsed_data is None:
        raise HandlerError(
            "there is no table: neither parsedData nor a file is given",
            es="no hay tabla: no se indica ni parsedData ni un archivo",
            hint="upload a file, or set filePath",
            hint_es="suba un archivo o indique filePath",
        )
    return _inline(config, config.parsed_data, ctx)


def _inline(config: ExcelInputConfig, rows: list[dict[str, Any]], ctx: Context) -> Records:
    records = Records(rows)
    if config.columns:
        records = records.select(config.columns)
    _say(ctx, records, records.columns, config.file_name or None)
    return records


def _from_file(config: ExcelInputConfig, name: str, ctx: Context) -> Records:
    if config.parsed_data:
        ctx.log.warning("both parsedData and a file are given; the file is read")
    path = ctx.file(name)
    shown = config.file_name or ctx.file_name(name)
    asked = job.request(path, config.options(ctx), config.columns)
    what = f"reading '{short(shown)}'"
    try:
        answer = ctx.in_worker(job.read, asked, what=what)
    except (WorkerLimit, WorkerCrashed):
        ctx.in_worker(job.explain, asked, what=what)  # raises what it finds
        raise
    for line in answer.value["warnings"]:
        ctx.log.warning("%s", line)
    for line in answer.value["notes"]:
        ctx.log.info("%s", line)
    ctx.afford(job.weight_of(answer), counted(answer.value["rows"], "record"))
    records = job.records_of(answer, ctx.check)
    _say(ctx, records, answer.value["names"], shown, answer.value)
    return records


def _say(
    ctx: Context,
    records: Records,
    columns: list[str],
    name: str | None,
    about: Mapping[str, Any] | None = None,
) -> None:
    found = about or {}
    skipped = found.get("skipped", 0)
    size = f"{counted(len(records), 'row')} with {counted(len(columns), 'column')}"
    read = f"{size} from {short(name or 'the workflow')}"
    ctx.say(
        read + (f", {counted(skipped, 'empty row')} left out" if skipped else ""),
        rows=len(records),
        columns=columns,
        file_name=name,
        encoding=found.get("encoding"),
        delimiter=found.get("delimiter"),
        sheet=found.get("sheet"),
        skipped=skipped,
        misfits=found.get("misfits", []),
    )
