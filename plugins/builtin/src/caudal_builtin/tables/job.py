"""Reading a table in a worker: what is asked, what is answered, and the records made of it.

A small table is answered as JSON, a large one as Arrow IPC: below some ten thousand rows the
library's loading takes longer than it saves.
"""

from __future__ import annotations

import gc
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from sys import getsizeof
from typing import TYPE_CHECKING, Any, Final

from caudal_builtin.tables.layout import CHECK_EVERY, Options
from caudal_core import Answer, Records, UnknownField
from caudal_core.tables.weight import weight

if TYPE_CHECKING:
    import pyarrow as pa

LARGE: Final = 10_000
"""Rows from which on a table is handed over as Arrow."""

_FORM: Final = b"caudal:form"
_JSON: Final = b"json"
"""The form of a column whose values have several types: each stands there as JSON."""

_WHOLE: Final = b"whole"
"""The form of a column of numbers in which those without decimals are whole numbers."""

_POINTER: Final = 8
_CELL: Final = 24
"""Bytes of a value beside what it is in a file: a number's object, or what is around a text."""

_ABOUT: Final = ("skipped", "encoding", "delimiter", "sheet", "warnings", "notes", "misfits")


def request(path: Path, options: Options, columns: Sequence[str]) -> dict[str, Any]:
    """What a worker is asked."""
    said = {f.name: getattr(options, f.name) for f in fields(options) if f.name != "check"}
    return {"path": str(path), "options": said, "columns": list(columns)}


def read(asked: dict[str, Any]) -> Answer:
    """Runs in the worker: the table in a file, as an answer."""
    from caudal_builtin.tables.reading import read_table

    table = read_table(Path(asked["path"]), Options(**asked["options"]))
    names = asked["columns"] or table.names
    at = {name: index for index, name in enumerate(table.names)}
    for name in names:
        if name not in at:
            raise UnknownField(name, table.names)
    about = {name: getattr(table, name) for name in _ABOUT}
    about |= {"names": names, "rows": len(table.places)}
    columns = [table.columns[at[name]] for name in names]
    if len(table.places) < LARGE:
        return Answer({**about, "columns": columns})
    return Answer(about, _as_ipc(names, columns))


def explain(asked: dict[str, Any]) -> None:
    """Runs in a worker where another has died of the same file: `UnreadableTable` says why."""
    from caudal_builtin.tables.xlsx_file import why_too_large

    why_too_large(Path(asked["path"]), Options(**asked["options"]))


def _as_ipc(names: Sequence[str], columns: Sequence[list[Any]]) -> bytes:
    import pyarrow as pa

    arrays = [_as_array(column) for column in columns]
    schema = pa.schema(
        [
            pa.field(name, array.type, metadata={_FORM: form} if form else None)
            for name, (array, form) in zip(names, arrays, strict=True)
        ]
    )
    batch = pa.record_batch([array for array, _ in arrays], schema=schema)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def _as_array(column: list[Any]) -> tuple[pa.Array, bytes]:
    """The column in Arrow, and its form if it is not to be taken as it stands."""
    import orjson
    import pyarrow as pa

    kinds = set(map(type, column)) - {type(None)}
    with suppress(pa.ArrowInvalid, OverflowError):
        if len(kinds) <= 1 and kinds <= {int, float, str, bool}:
            return pa.array(column), b""
        if kinds == {int, float} and all(map(_told_apart, column)):
            return pa.array(column, pa.float64()), _WHOLE
    return pa.array([orjson.dumps(value).decode() for value in column], pa.string()), _JSON


def _told_apart(value: float | None) -> bool:
    """Whether a number without decimals is a whole number."""
    return type(value) is not float or not value.is_integer()


def weight_of(answer: Answer) -> int:
    """About the bytes that the records of an answer take; none of them is made for that."""
    names, count = answer.value["names"], answer.value["rows"]
    columns = answer.value.get("columns")
    values = (
        count * len(names) * _CELL + len(answer.body or b"")
        if columns is None
        else sum(map(weight, columns))
    )
    return int(count * (_POINTER + getsizeof(dict.fromkeys(names))) + values)


def records_of(answer: Answer, check: Callable[[], None]) -> Records:
    """The records of an answer."""
    names, count = answer.value["names"], answer.value["rows"]
    columns = answer.value.get("columns")
    if columns is None:
        columns = _columns_of(answer.body)
    records: list[dict[str, Any]] = []
    with _uncollected():
        for start in range(0, count, CHECK_EVERY):
            check()
            some = [column[start : start + CHECK_EVERY] for column in columns]
            records += [dict(zip(names, row, strict=True)) for row in zip(*some, strict=True)]
    return Records(records)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No look for cycles while so many records are made that cannot be part of one."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _columns_of(body: bytes) -> list[list[Any]]:
    import orjson
    import pyarrow as pa

    with pa.ipc.open_stream(pa.py_buffer(body)) as stream:
        table = stream.read_all()
    found = []
    for field, column in zip(table.schema, table.columns, strict=True):
        values = column.to_pylist()
        form = (field.metadata or {}).get(_FORM)
        if form == _JSON:
            values = orjson.loads(f"[{','.join(values)}]")
        elif form == _WHOLE:
            values = [int(v) if v is not None and v.is_integer() else v for v in values]
        found.append(values)
    return found
