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

from caudal_builtin.tables.arrays import array_of
from caudal_builtin.tables.coded import Coded, Column
from caudal_builtin.tables.held import Held, whole_or_not
from caudal_builtin.tables.layout import CHECK_EVERY, Options
from caudal_core import Answer, Records, UnknownField
from caudal_core.tables.weight import WEIGHED, weight
from caudal_core.values import decode, encode

if TYPE_CHECKING:
    import pyarrow as pa

LARGE: Final = 10_000
"""Rows from which on a table is handed over as Arrow."""

_FORM: Final = b"caudal:form"
_JSON: Final = b"json"
"""The form of a column whose values have several types: each stands there as JSON."""

_WHOLE: Final = b"whole"
"""The form of a column of numbers in which those without decimals are whole numbers."""

_ATOMS: Final = frozenset((str, float, bool, type(None)))
_WIDE: Final = b" "
"""What the journal form begins with where its numbers are more than plain JSON keeps."""

_POINTER: Final = 8
_CELL: Final = 24
"""Bytes of a value beside what it is in a file: a number's object, or what is around a text."""

_EXACT: Final = 1 << 53
"""Beyond it a float leaves whole numbers out."""

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
        return Answer({**about, "columns": [_sent(list(column)) for column in columns]})
    return Answer(about, _as_ipc(names, columns))


def explain(asked: dict[str, Any]) -> None:
    """Runs in a worker where another has died of the same file: `UnreadableTable` says why."""
    from caudal_builtin.tables.xlsx_file import why_too_large

    why_too_large(Path(asked["path"]), Options(**asked["options"]))


def _sent(column: list[Any]) -> list[Any] | str:
    """A column of a small table: itself, or its journal form where plain JSON would lose some."""
    if set(map(type, column)) <= _ATOMS:
        return column
    written = encode(column)
    return written.decode() if written[:1] == _WIDE else column


def _columns_sent(answer: Answer) -> list[list[Any]] | None:
    """The columns of a small table."""
    columns = answer.value.get("columns")
    return columns and [decode(c.encode()) if type(c) is str else c for c in columns]


def _as_ipc(names: Sequence[str], columns: Sequence[Column]) -> bytes:
    import pyarrow as pa

    arrays = list(map(_in_arrow, columns))
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


def _in_arrow(column: Column) -> tuple[pa.Array, bytes]:
    if isinstance(column, Held):
        return column.values, _WHOLE if column.whole else b""
    return _coded(column) if isinstance(column, Coded) else _as_array(column)


def _coded(column: Coded) -> tuple[pa.Array, bytes]:
    """The same of a column by its different values; texts that come again stand there once."""
    import pyarrow as pa

    values, form = _as_array(column.values)
    if pa.types.is_large_string(values.type) and 2 * len(values) < len(column):
        return pa.DictionaryArray.from_arrays(column.codes, values), form
    return values.take(column.codes), form


def _as_array(column: list[Any]) -> tuple[pa.Array, bytes]:
    """The column in Arrow, and its form if it is not to be taken as it stands."""
    kinds = set(map(type, column)) - {type(None)}
    with suppress(OverflowError, UnicodeEncodeError):
        if len(kinds) <= 1 and kinds <= {int, float, str, bool}:
            return array_of(column, next(iter(kinds), None)), b""
        if kinds == {int, float} and all(map(_told_apart, column)):
            return array_of(column, float), _WHOLE
    return array_of([encode(value).decode() for value in column], str), _JSON


def _told_apart(value: Any) -> bool:
    """Whether a number among floats remains what it is: whole, or with decimals."""
    if type(value) is int:
        return -_EXACT <= value <= _EXACT
    return value is None or not value.is_integer()


def weight_of(answer: Answer) -> int:
    """About the bytes that the records of an answer take; none of them is made for that."""
    names, count = answer.value["names"], answer.value["rows"]
    columns = _columns_sent(answer)
    if columns is not None:
        values = sum(map(weight, columns))
    else:
        table = _table_of(answer.body)
        if _stays(table):
            return len(answer.body)
        values = sum(map(_weight_in_rows, table.schema, table.columns))
    return int(count * (_POINTER + getsizeof(dict.fromkeys(names))) + values)


def _weight_in_rows(field: pa.Field, column: pa.ChunkedArray) -> int:
    """What the values of a column will take, of which nested ones are many times their text."""
    count = len(column)
    if _form_of(field) != _JSON:
        return count * _CELL + int(column.nbytes)
    some = [column[at].as_py() for at in range(0, count, max(1, count // WEIGHED))]
    return weight(_read_as(_JSON, some)) * count // len(some)


def records_of(answer: Answer, check: Callable[[], None]) -> Records:
    """The records of an answer, in columns where each of a large table is of one type."""
    names, count = answer.value["names"], answer.value["rows"]
    columns = _columns_sent(answer)
    if columns is None:
        table = _table_of(answer.body)
        if _stays(table):
            return Records(table.replace_schema_metadata(None))
        columns = list(map(_values_of, table.schema, table.columns))
    records: list[dict[str, Any]] = []
    with _uncollected():
        for start in range(0, count, CHECK_EVERY):
            check()
            some = [column[start : start + CHECK_EVERY] for column in columns]
            records += [dict(zip(names, row, strict=True)) for row in zip(*some, strict=True)]
    return Records(records)


def _stays(table: pa.Table) -> bool:
    """Whether the records are handed on in these columns, none of which stands for another."""
    named = not any(name.startswith("\0") for name in table.column_names)
    return named and not any(map(_form_of, table.schema))


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


def _table_of(body: bytes) -> pa.Table:
    import pyarrow as pa

    with pa.ipc.open_stream(pa.py_buffer(body)) as stream:
        return stream.read_all()


def _form_of(field: pa.Field) -> bytes | None:
    found: bytes | None = (field.metadata or {}).get(_FORM)
    return found


def _values_of(field: pa.Field, column: pa.ChunkedArray) -> list[Any]:
    import pyarrow as pa

    if not pa.types.is_dictionary(field.type):
        return _read_as(_form_of(field), column.to_pylist())
    chunk = column.combine_chunks()
    coded = chunk.chunk(0) if isinstance(chunk, pa.ChunkedArray) else chunk
    return list(Coded(_read_as(_form_of(field), coded.dictionary.to_pylist()), coded.indices))


def _read_as(form: bytes | None, values: list[Any]) -> list[Any]:
    import orjson

    if form == _JSON and any(text[:1] == " " for text in values):
        return [decode(text.encode()) for text in values]
    if form == _JSON:
        found: list[Any] = orjson.loads(f"[{','.join(values)}]")
        return found
    if form == _WHOLE:
        return list(map(whole_or_not, values))
    return values
