"""Tables that handlers return: those of pyarrow, pandas and polars, as what they say in JSON."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any, NoReturn

from caudal_core.errors import InvalidResult
from caudal_core.tables.columns import ABSENT, Columns
from caudal_core.tables.lossless import NotInColumns, array_of
from caudal_core.tables.times import in_known_years, timestamp_texts
from caudal_core.values import normalise

Rows = list[dict[str, Any]]


def is_table(value: Any) -> bool:
    """Whether this is a table of a library that was imported already, as its value exists."""
    return any(isinstance(value, kind) for kind in _kinds())


def _kinds() -> list[Any]:
    """The table types of the libraries that are in use."""
    names = (("pyarrow", "Table"), ("pandas", "DataFrame"), ("polars", "DataFrame"))
    return [getattr(sys.modules[lib], name) for lib, name in names if lib in sys.modules]


def table_of(value: Any) -> Columns | Rows:
    """What a table holds, in columns where nothing is lost by that, else as records.

    Dates, times, bytes, decimals become what they are between nodes. Of a pandas frame the index
    goes along as columns where it has a name, and is left out where it has none.
    """
    root = type(value).__module__.partition(".")[0]
    if root == "pandas":
        return _of_pandas(value)
    return canonical(value.to_arrow() if root == "polars" else value)


def canonical(table: Any) -> Columns | Rows:
    """An Arrow table in the types of `Columns`, or its records."""
    table.validate(full=True)
    return _together(
        [(name, table.column(index)) for index, name in enumerate(table.column_names)],
        table.num_rows,
    )


def _together(columns: list[tuple[str, Any]], count: int) -> Columns | Rows:
    import pyarrow as pa

    _check_names([name for name, _ in columns])
    if not count or not columns:
        return [{} for _ in range(count)]
    found = {name: plain_array(values) for name, values in columns}
    try:
        arrays = {
            name: array_of(name, values) if type(values) is list else values
            for name, values in found.items()
        }
    except NotInColumns:
        lists = [v if type(v) is list else v.to_pylist() for v in found.values()]
        return [dict(zip(found, cells, strict=True)) for cells in zip(*lists, strict=True)]
    return Columns(pa.table(arrays))


def _check_names(names: list[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            _refuse(f"it has two columns '{name}'", f"tiene dos columnas '{name}'")
        if name.startswith(ABSENT):
            _refuse("a column's name begins with NUL", "el nombre de una columna empieza por NUL")


def _refuse(why: str, why_es: str) -> NoReturn:
    raise InvalidResult(
        f"the table cannot be handed on: {why}",
        es=f"la tabla no se puede entregar: {why_es}",
        hint="give each column its own name",
        hint_es="dé a cada columna un nombre propio",
    )


def plain_array(array: Any) -> Any:
    """The column in one of the five types, or the list of its values."""
    if type(array) is list:
        return array
    import pyarrow as pa

    if in_known_years(array):
        return timestamp_texts(array)
    for test, convert in _conversions(pa.types):
        if test(array.type):
            return convert(array)
    # As a handler's records would have them. A null object is one with nulls to `normalise`.
    values = array.to_pylist() if pa.types.is_nested(array.type) else array
    return [normalise(value) for value in values]


def _conversions(is_: Any) -> list[tuple[Any, Any]]:
    return [
        (is_.is_dictionary, lambda array: plain_array(array.cast(array.type.value_type))),
        (is_.is_run_end_encoded, _decoded),
        (is_.is_null, lambda array: array),
        (is_.is_boolean, lambda array: array),
        (is_.is_integer, _whole),
        (is_.is_floating, _finite),
        (is_.is_large_string, lambda array: array),
        (is_.is_string, _text),
        (is_.is_string_view, _text),
        (is_.is_date, _text),
    ]


def _decoded(array: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type.value_type
    return plain_array(pa.chunked_array([pc.run_end_decode(c) for c in array.chunks], kind))


def _finite(array: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    wide = array.cast(pa.float64())
    finite = pc.is_finite(wide)
    return wide if pc.all(finite).as_py() is not False else pc.if_else(finite, wide, None)


def _text(array: Any) -> Any:
    import pyarrow as pa

    return array.cast(pa.large_string())


def _whole(array: Any) -> Any:
    import pyarrow as pa

    try:
        return array.cast(pa.int64())
    except pa.ArrowInvalid:  # beyond 2⁶³
        return array.to_pylist()


def _of_pandas(frame: Any) -> Columns | Rows:
    """Column by column: one that holds objects may mix types, which Arrow would bring together."""
    index = [name for name in frame.index.names if name is not None]
    if index:
        kept = [name for name in frame.index.names if name is None]
        frame = frame.reset_index(level=index) if kept else frame.reset_index()
    columns = []
    for place, label in enumerate(frame.columns):
        series = frame.iloc[:, place]
        name = next(iter(normalise({label: None})))
        columns.append((name, _series(series)))
    return _together(columns, len(frame))


def _series(series: Any) -> Any:
    import pyarrow as pa

    if series.dtype != object:
        try:
            array = pa.Array.from_pandas(series)
        except pa.ArrowException:  # a type of pandas alone
            series = series.astype(object)
        else:
            return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    missing = series.isna()
    return [
        None if lacks else normalise(value) for value, lacks in zip(series, missing, strict=True)
    ]
