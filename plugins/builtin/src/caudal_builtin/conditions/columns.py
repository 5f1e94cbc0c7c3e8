"""A condition asked of whole columns, with the very same outcome as record by record.

Numbers and texts are compared by Arrow where that is the same comparison; everything else by the
tests of `comparison`, once for each different value. Where a value cannot be compared, or a
template is filled from each record, nothing is decided here: the rows are asked, and say where.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from caudal_builtin.conditions.comparison import comparison, pair_in
from caudal_builtin.conditions.rule import passes_quality
from caudal_builtin.conditions.terms import OnMissing, Quality, Term
from caudal_builtin.moments import Zone
from caudal_builtin.numbers import PLAIN, as_number
from caudal_builtin.row_errors import RowError
from caudal_core import Context, Records, UnknownField
from caudal_core.formats import as_text
from caudal_core.values import JSON, MAX_SAFE_INTEGER

_MOST: Final = 2**63
_SIGNS: Final = {
    "equals": "equal",
    "notEquals": "not_equal",
    "greaterThan": "greater",
    "lessThan": "less",
    "greaterOrEqual": "greater_equal",
    "lessOrEqual": "less_equal",
}
_ON_TEXTS: Final = {
    "contains": "match_substring",
    "startsWith": "starts_with",
    "endsWith": "ends_with",
}


class Met(NamedTuple):
    """Which records meet the condition (an Arrow mask), and how many lack a value."""

    mask: Any
    missing: int


class Asked(NamedTuple):
    """How the terms come together."""

    terms: Sequence[Term]
    all_of: bool
    on_missing: OnMissing
    min_quality: Quality | None
    strict: bool


def met_in_columns(asked: Asked, data: Records, zone: Zone, ctx: Context) -> Met | None:
    """What the condition comes to in each record; nothing where the rows must be asked.

    `zone` is to be thrown away in that case.
    """
    if any(term.templated and not _about_emptiness(term) for term in asked.terms):
        return None
    columns = _columns(asked, data)
    try:
        found = _together(asked, columns, len(data), zone, ctx)
    except RowError:
        return None
    if found is not None:
        _warn(asked, data, ctx)
    return found


def _about_emptiness(term: Term) -> bool:
    return term.operator in ("isEmpty", "isNotEmpty")


def _columns(asked: Asked, data: Records) -> list[Any]:
    """The values that each term asks about; of a field that no record has there are none."""
    import pyarrow as pa

    known, found = data.columns, []
    for term in asked.terms:
        if term.field not in known:
            if asked.strict:
                raise UnknownField(term.field, known)
            found.append(pa.nulls(len(data)))
        else:
            found.append(_good(data, term.field, asked.min_quality))
    return found


def _good(data: Records, field: str, minimum: Quality | None) -> Any:
    """The column, null where the record's quality is below the least."""
    values = data.values(field)
    if minimum is None or "quality" not in data.columns:
        return values
    import pyarrow.compute as pc

    passes = _by_value(data.values("quality"), passes_quality(minimum))
    return pc.if_else(pc.fill_null(passes, fill_value=True), values, None)


def _warn(asked: Asked, data: Records, ctx: Context) -> None:
    for term in asked.terms:
        if term.field not in data.columns:
            ctx.log.warning("%s", UnknownField(term.field, data.columns))


def _together(
    asked: Asked, columns: Sequence[Any], count: int, zone: Zone, ctx: Context
) -> Met | None:
    """The terms in their order, each asked only where those before it have not decided."""
    import pyarrow as pa
    import pyarrow.compute as pc

    undecided: Any | None = None  # all of them
    missing: Any | None = None  # none of them
    for term, column in zip(asked.terms, columns, strict=True):
        ctx.check()
        met = _outcome(term, column, undecided, zone)
        if met.null_count:
            lacks = _both(pc.is_null(met), undecided)
            if asked.on_missing == "error" and pc.any(lacks).as_py():
                return None
            missing = lacks if missing is None else pc.or_(missing, lacks)
            met = pc.fill_null(met, fill_value=asked.on_missing == "true")
        undecided = _both(met if asked.all_of else pc.invert(met), undecided)
    if undecided is None:
        undecided = pa.repeat(pa.scalar(value=True), count)
    lacking = 0 if missing is None else pc.sum(missing).as_py() or 0
    return Met(undecided if asked.all_of else pc.invert(undecided), lacking)


def _both(mask: Any, other: Any | None) -> Any:
    import pyarrow.compute as pc

    return mask if other is None else pc.and_(mask, other)


def _outcome(term: Term, values: Any, undecided: Any | None, zone: Zone) -> Any:
    """Whether each value meets the term, null where there is none; of those decided, anything."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if _about_emptiness(term):
        empty = pc.is_null(values)
        if values.type == pa.large_string():
            empty = pc.or_(empty, pc.fill_null(pc.equal(values, ""), fill_value=False))
        return empty if term.operator == "isEmpty" else pc.invert(empty)
    if pa.types.is_null(values.type):
        return values.cast(pa.bool_())
    right = "" if term.value is None else term.value
    found = _by_arrow(term.operator, values, right)
    if found is not None:
        return found
    if undecided is not None:  # a test may raise, or read a zone: only where it is wanted
        values = pc.if_else(undecided, values, None)
    return _by_value(values, comparison(term.operator, right, zone))


def _by_value(values: Any, test: Callable[[Any], bool]) -> Any:
    """The outcome of a test that is asked once for each different value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_null(values.type):
        return values.cast(pa.bool_())
    plain = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    coded = plain.dictionary_encode()
    outcomes = pa.array([test(value) for value in coded.dictionary.to_pylist()], pa.bool_())
    return pc.take(outcomes, coded.indices)


def _by_arrow(operator: str, values: Any, right: JSON) -> Any | None:
    """Arrow's own comparison, where it is the same one."""
    import pyarrow as pa

    if pa.types.is_boolean(values.type):
        return None
    if values.type == pa.large_string():
        return _texts(operator, values, right)
    if operator == "between":
        return _between(values, right)
    number = as_number(right)
    return _numbers(operator, values, number) if type(number) in PLAIN else None


def _between(values: Any, right: JSON) -> Any | None:
    import pyarrow.compute as pc

    pair = [as_number(side) for side in pair_in(right)]
    if len(pair) != 2 or not all(type(side) in PLAIN for side in pair):
        return None
    above = _numbers("greaterOrEqual", values, pair[0])
    below = _numbers("lessOrEqual", values, pair[1])
    return None if above is None or below is None else pc.and_(above, below)


def _texts(operator: str, values: Any, right: JSON) -> Any | None:
    """Texts letter by letter."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if operator in ("equals", "notEquals") and isinstance(right, str):
        return getattr(pc, _SIGNS[operator])(values, pa.scalar(right, pa.large_string()))
    if operator in _ON_TEXTS and isinstance(right, str):
        return getattr(pc, _ON_TEXTS[operator])(values, pattern=as_text(right))
    return None


def _numbers(operator: str, values: Any, number: Any) -> Any | None:
    """Numbers by value: of two types they are brought together without rounding either."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if operator not in _SIGNS:
        return None
    if pa.types.is_floating(values.type):
        if abs(number) > MAX_SAFE_INTEGER and type(number) is int:
            return None
        limit = pa.scalar(float(number), pa.float64())
    elif abs(number) >= _MOST:
        return None
    elif number == int(number):
        limit = pa.scalar(int(number), pa.int64())
    else:
        # No whole number equals it; above it is above its floor.
        operator = {"greaterOrEqual": "greaterThan", "lessThan": "lessOrEqual"}.get(
            operator, operator
        )
        if operator in ("equals", "notEquals"):
            return pc.if_else(pc.is_valid(values), operator == "notEquals", None)
        limit = pa.scalar(math.floor(number), pa.int64())
    return getattr(pc, _SIGNS[operator])(values, limit)


def sum_of(mask: Any) -> int:
    """How many are true."""
    import pyarrow.compute as pc

    return int(pc.sum(mask).as_py() or 0)


def inverted(mask: Any) -> Any:
    """The others."""
    import pyarrow.compute as pc

    return pc.invert(mask)
