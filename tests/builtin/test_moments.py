"""Dates and date-times as they stand in data."""

# ruff: noqa: DTZ001 - local times are what is tested

import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from caudal_builtin.moments import LocalTimeUnclear, Zone, read_moment

EAST = timezone(timedelta(hours=1))
TWICE = datetime(2026, 10, 25, 2, 30)
NEVER = datetime(2026, 3, 29, 2, 30)
LIMIT = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01", datetime(2026, 3, 1)),
        ("2026-03-01T10:30", datetime(2026, 3, 1, 10, 30)),
        ("2026-03-01 10:30:15", datetime(2026, 3, 1, 10, 30, 15)),
        ("2026-03-01T10:30:15.250", datetime(2026, 3, 1, 10, 30, 15, 250_000)),
        ("2026-03-01T10:30:15.123456789", datetime(2026, 3, 1, 10, 30, 15, 123_456)),
        ("2026-03-01T10:30Z", datetime(2026, 3, 1, 10, 30, tzinfo=UTC)),
        ("2026-03-01T10:30:00+01:00", datetime(2026, 3, 1, 10, 30, tzinfo=EAST)),
        ("2026-03-01T10:30:00+0100", datetime(2026, 3, 1, 10, 30, tzinfo=EAST)),
        ("2026-03-01T10:30:00+01", datetime(2026, 3, 1, 10, 30, tzinfo=EAST)),
    ],
)
def test_iso_texts_are_moments(text: str, moment: datetime) -> None:
    """A date is its midnight; a text without a zone gives a moment without one."""
    found = read_moment(text)
    assert moment == found
    assert found is not None
    assert moment.tzinfo == found.tzinfo


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-30",
        "2026-13-01",
        "01/03/2026",
        "20260301",
        "2026-W10-1",
        "2026-03",
        "10:30",
        "2026-03-01T25:00",
        " 2026-03-01",
        "",
        20260301,
        None,
        True,
        ["2026-03-01"],
    ],
)
def test_other_values_are_not(value: Any) -> None:
    """What is no day of the calendar in ISO form is not guessed at."""
    assert read_moment(value) is None


def test_two_without_a_zone_need_none() -> None:
    """Two local times are compared as they stand."""
    zone = Zone("Europe/Madrid")
    assert (NEVER, TWICE) == zone.alike(NEVER, TWICE)
    assert not zone.used


def test_one_without_a_zone_is_placed() -> None:
    """Next to a time with a zone a local time is of the zone's."""
    zone = Zone("Europe/Madrid")
    left, right = zone.alike(datetime(2026, 7, 1, 12, 0), datetime(2026, 7, 1, 10, 0, tzinfo=UTC))
    assert left == right
    assert zone.used


@pytest.mark.parametrize(
    ("moment", "said", "said_es"),
    [
        (TWICE, "2026-10-25T02:30:00 exists twice in", "existe dos veces en"),
        (NEVER, "2026-03-29T02:30:00 does not exist in", "no existe en"),
    ],
)
def test_an_unclear_local_time_is_an_error(moment: datetime, said: str, said_es: str) -> None:
    """A local time that exists twice or never is refused, saying so."""
    with pytest.raises(LocalTimeUnclear) as caught:
        Zone("Europe/Madrid").alike(LIMIT, moment)
    assert f"the local time {said} Europe/Madrid; give the time its offset" in str(caught.value)
    assert said_es in caught.value.text("es")


@pytest.mark.parametrize(("ambiguous", "hour"), [("first", 0), ("second", 1)])
def test_ambiguous_chooses(ambiguous: Any, hour: int) -> None:
    """`first` and `second` choose between the two times that a local time may mean."""
    left, right = Zone("Europe/Madrid", ambiguous).alike(TWICE, LIMIT)
    assert datetime(2026, 10, 25, hour, 30, tzinfo=UTC) == left.astimezone(UTC)
    assert (ambiguous == "second") is (left > right)


@pytest.mark.parametrize("moment", [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59)])
def test_the_ends_of_the_calendar_are_compared(moment: datetime) -> None:
    """The first and the last moment there are can be placed in any zone."""
    for name in ("Pacific/Auckland", "America/Los_Angeles"):
        left, right = Zone(name).alike(moment, LIMIT)
        assert (left < right) is (moment.year == 1)


def test_the_error_survives_a_trip_to_another_process() -> None:
    """The error keeps its row and field when it is pickled."""
    with pytest.raises(LocalTimeUnclear) as caught:
        Zone("Europe/Madrid").alike(TWICE, LIMIT)
    error = caught.value.about("at").in_row(3)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own words
    assert str(error) == str(copy)
    assert str(copy).startswith("row 3, field 'at': the local time")
