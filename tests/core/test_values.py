"""The values that travel between nodes, and their two JSON forms."""

import json
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal_core.errors import InvalidResult
from caudal_core.values import (
    MAX_SAFE_INTEGER,
    decimal_text,
    decode,
    encode,
    iso_duration,
    normalise,
    to_wire,
    wire_form,
)

NOON = datetime.fromisoformat("2026-03-01T12:00")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
EXACT = st.decimals(allow_nan=False, allow_infinity=False).filter(
    lambda value: len(value.as_tuple().digits) > 15 and abs(value.adjusted()) < 1000
)
ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=False, allow_infinity=False),
    EXACT,
    TEXTS,
)
INSIDE = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)
FOREIGN = st.one_of(
    st.floats(),
    st.decimals(),
    st.dates(),
    st.datetimes(timezones=st.none() | st.just(UTC)),
    st.times(),
    st.timedeltas(),
    st.binary(max_size=8),
    st.uuids(),
)
OUTSIDE = st.recursive(
    ATOMS | FOREIGN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(TEXTS, inner, max_size=4)
    ),
    max_leaves=20,
)


def typed(value: Any) -> Any:
    """A value with the types in it, so that 1, 1.0 and true differ."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return type(value), repr(value)


class Colour(Enum):
    """A plain enumeration."""

    RED = "red"


class Named(str, Enum):  # noqa: UP042 - a mixed-in str is what is tested
    """An enumeration whose members are texts."""

    RED = "red"


class Level(IntEnum):
    """An enumeration whose members are numbers."""

    HIGH = 3


@settings(deadline=None)
@given(INSIDE)
def test_journal_form_keeps_value_and_type(value: Any) -> None:
    """What is written to the journal comes back equal, of equal type."""
    assert typed(value) == typed(decode(encode(normalise(value))))


@settings(deadline=None)
@given(OUTSIDE)
def test_normalise_twice_is_normalise_once(value: Any) -> None:
    """A normalised value is not changed by normalising it again, nor is it copied."""
    once = normalise(value)
    assert once is normalise(once)


@settings(deadline=None)
@given(OUTSIDE)
def test_journal_and_wire_forms_are_json(value: Any) -> None:
    """Both forms of every value can be read by any reader of JSON."""
    encoded = encode(normalise(value))
    json.loads(encoded)
    assert json.loads(to_wire(normalise(value))) == json.loads(wire_form(encoded))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (date(2026, 3, 1), "2026-03-01"),
        (NOON, "2026-03-01T12:00:00"),
        (datetime(2026, 3, 1, 10, 30, tzinfo=UTC), "2026-03-01T10:30:00+00:00"),
        (datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=2))), "2026-03-01T00:00:00+02:00"),
        (time(10, 30), "10:30:00"),
        (timedelta(hours=1), "PT3600S"),
        (b"caudal", "Y2F1ZGFs"),
        (bytearray(b"caudal"), "Y2F1ZGFs"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Decimal("1.50"), 1.5),
        (Decimal("0.1234567890123456789"), Decimal("0.1234567890123456789")),
        (Decimal("NaN"), None),
        (Decimal("-Infinity"), None),
        (math.nan, None),
        (math.inf, None),
        ((1, 2), [1, 2]),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (Colour.RED, "red"),
        (Named.RED, "red"),
        (Level.HIGH, 3),
    ],
)
def test_foreign_values_become_json(value: Any, expected: Any) -> None:
    """Values of Python that are not JSON's take the form that the wire contract gives them."""
    assert typed(expected) == typed(normalise(value))


@settings(deadline=None)
@given(st.datetimes())
def test_no_zone_is_ever_added(moment: datetime) -> None:
    """A date-time without a zone stays without one."""
    text = normalise(moment)
    assert moment == datetime.fromisoformat(text)
    assert datetime.fromisoformat(text).tzinfo is None


@pytest.mark.parametrize("value", [Decimal("1E+400"), Decimal("1E-400"), Decimal("4.9E-324000")])
def test_decimal_that_no_float_holds_stays_exact(value: Decimal) -> None:
    """A short decimal beyond the floats is neither infinite nor zero."""
    assert value == normalise(value)
    assert value == decode(encode(normalise(value)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (timedelta(0), "PT0S"),
        (timedelta(days=1), "P1D"),
        (timedelta(days=1, seconds=3600), "P1DT3600S"),
        (timedelta(seconds=-0.5), "-PT0.5S"),
        (timedelta(microseconds=1), "PT0.000001S"),
        (timedelta(seconds=100), "PT100S"),
    ],
)
def test_durations(value: timedelta, expected: str) -> None:
    """Durations are ISO 8601 in days and seconds, with the sign in front."""
    assert expected == iso_duration(value)


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (MAX_SAFE_INTEGER, b"9007199254740991"),
        (MAX_SAFE_INTEGER + 1, b'"9007199254740992"'),
        (-MAX_SAFE_INTEGER - 1, b'"-9007199254740992"'),
        (2**70, b'"1180591620717411303424"'),
        (0.1, b"0.1"),
        (1e300, b"1e+300"),
        (Decimal("1234567890.1234567890"), b'"1234567890.1234567890"'),
        (Decimal("0.1234567890123456"), b'"0.1234567890123456"'),
        ({"a": [2**70]}, b'{"a":["1180591620717411303424"]}'),
        ("2026-03-01T10:30:00", b'"2026-03-01T10:30:00"'),
    ],
)
def test_wire_form(value: Any, wire: bytes) -> None:
    """On the wire long numbers are text, all others numbers."""
    assert wire == to_wire(value)
    assert wire == wire_form(encode(value))


def test_endless_zeros_are_not_written_out() -> None:
    """A decimal with a vast exponent is written with it, as its zeros would fill the memory."""
    assert "1E+999999999" == decimal_text(Decimal("1E+999999999"))
    assert "100" == decimal_text(Decimal("1E+2"))
    assert len(to_wire(Decimal("1.234567890123456789E-999999"))) < 60


def test_wide_form_begins_with_a_space_only_where_needed() -> None:
    """A journal entry that any reader keeps exactly is plain JSON."""
    assert b"[1]" == encode([1])
    assert b" [9007199254740992,1.5]" == encode([2**53, 1.5])


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (object(), "the result"),
        ({"a": [1, {2}]}, "a[1]"),
        ({"rows": [{"x": object()}]}, "rows[0].x"),
        ({(1, 2): 1}, "the result"),
        ({"a": {None: 1}}, "a"),
    ],
)
def test_what_cannot_be_handed_on_is_named(value: Any, place: str) -> None:
    """The error says where in the result the value stands that is no JSON value."""
    with pytest.raises(InvalidResult) as caught:
        normalise(value)
    assert str(caught.value).startswith(f"{place} cannot be handed on")


def test_keys_become_text() -> None:
    """Keys that are not texts become texts in one clear way."""
    keys = {2: "a", 1.5: "b", date(2026, 3, 1): "c"}
    assert {"2": "a", "1.5": "b", "2026-03-01": "c"} == normalise(keys)
    assert {"true": 1} == normalise({True: 1})
    assert {"2026-03-01T12:00:00": 1} == normalise({NOON: 1})
    assert {"red": 1} == normalise({Colour.RED: 1})


def test_two_keys_with_one_text_are_refused() -> None:
    """No value is lost because two keys read the same."""
    with pytest.raises(InvalidResult, match="two keys become the same text"):
        normalise({1: "a", "1": "b"})


def test_a_list_in_itself_is_refused() -> None:
    """A value without end is an error, not a crash."""
    value: list[Any] = []
    value.append(value)
    with pytest.raises(InvalidResult, match="nested too deeply"):
        normalise(value)


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, [["a\ud800"]]])
def test_half_a_surrogate_pair_is_refused(value: Any) -> None:
    """A text that no file or database can keep is a clear error."""
    with pytest.raises(InvalidResult, match="not valid Unicode"):
        encode(normalise(value))


def test_a_number_beyond_all_readers_is_refused() -> None:
    """A whole number of thousands of digits, which nothing could read back, is a clear error."""
    with pytest.raises(InvalidResult, match="too long"):
        encode(normalise(10**5000))


def test_large_tables_are_not_copied() -> None:
    """A table of plain scalars is handed on as the very same object."""
    rows = [{"a": index, "b": 0.5, "c": "x", "d": None, "e": True} for index in range(100)]
    assert rows is normalise(rows)


@pytest.mark.parametrize("odd", [math.nan, date(2026, 3, 1), [1], Decimal("1.5")])
def test_one_odd_cell_in_a_large_table_is_seen(odd: Any) -> None:
    """A single cell that needs conversion is found among many that do not."""
    rows: list[dict[str, Any]] = [{"a": index} for index in range(100)]
    rows[77] = {"a": odd}
    assert normalise([odd])[0] == normalise(rows)[77]["a"]
    assert 76 == normalise(rows)[76]["a"]


def test_a_moment_of_another_library_keeps_its_digits() -> None:
    """A subclass of datetime is asked for its own ISO form; one that is no moment is null."""

    class Nanoseconds(datetime):
        def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
            return super().isoformat(sep, timespec) + ".000000001"

    class NoMoment(datetime):
        __hash__ = datetime.__hash__

        def __eq__(self, other: object) -> bool:
            return False

        def __ne__(self, other: object) -> bool:
            return True

    assert "2026-03-01T00:00:00.000000001" == normalise(Nanoseconds(2026, 3, 1))
    assert normalise(NoMoment(2026, 3, 1)) is None
