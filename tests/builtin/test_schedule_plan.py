"""When a schedule is due: intervals, cron expressions, and both nights of a clock change."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.clocks import utc

from caudal_builtin.schedules.config import interval_of, kind_of, plan_of, seconds_of, tolerance_of
from caudal_builtin.schedules.plan import Cron, Every, Plan
from caudal_builtin.trigger import TriggerConfig

MADRID = ZoneInfo("Europe/Madrid")
AUTUMN = utc("2026-10-24 22:00"), utc("2026-10-25 23:00")
"""From midnight to midnight of the day on which 2:00 to 3:00 exists twice."""
SPRING = utc("2026-03-28 23:00"), utc("2026-03-29 22:00")
"""The same for the day on which 2:00 to 3:00 does not exist."""


def times(plan: Plan, span: tuple[datetime, datetime]) -> list[str]:
    """The planned times of a day, as the clocks of Madrid show them with their offset."""
    begin, end = span[0] - timedelta(seconds=1), span[1]
    found = []
    for moment in plan.after(begin):
        if moment >= end:
            break
        found.append(moment.astimezone(MADRID).strftime("%H:%M%z"))
    return found


def madrid(expression: str) -> Cron:
    """A cron expression by the clocks of Madrid."""
    return Cron.of(expression, MADRID)


@pytest.mark.parametrize(
    ("expression", "autumn", "spring"),
    [
        ("30 2 * * *", ["02:30+0200"], ["03:00+0200"]),
        ("0 2 * * *", ["02:00+0200"], ["03:00+0200"]),
        ("0 3 * * *", ["03:00+0100"], ["03:00+0200"]),
        ("0,30 2 * * *", ["02:00+0200", "02:30+0200"], ["03:00+0200"]),
    ],
)
def test_a_fixed_hour_comes_once(expression: str, autumn: list[str], spring: list[str]) -> None:
    """In the hour that is double the first time counts, for the missing one what follows it."""
    assert autumn == times(madrid(expression), AUTUMN)
    assert spring == times(madrid(expression), SPRING)


def test_hourly_means_each_real_hour() -> None:
    """An hourly job runs 25 times on the long day and 23 times on the short one, an hour apart."""
    for span, count in ((AUTUMN, 25), (SPRING, 23)):
        plan = madrid("0 * * * *")
        found = list(islice(plan.after(span[0] - timedelta(seconds=1)), count + 1))
        assert [timedelta(hours=1)] * count == [b - a for a, b in pairwise(found)]
        assert span[1] == found[-1]


def test_the_second_of_two_equal_hours_does_not_lead_back() -> None:
    """Asked in the second 2:10, a job of 2:30 is due the next day, never in the past."""
    second = utc("2026-10-25 01:10")
    assert utc("2026-10-26 01:30") == next(madrid("30 2 * * *").after(second))


@pytest.mark.parametrize("span", [AUTUMN, SPRING], ids=["autumn", "spring"])
def test_an_interval_counts_seconds_that_pass(span: tuple[datetime, datetime]) -> None:
    """A change of the clocks neither stretches nor shortens an interval."""
    found = list(islice(Every(1800, span[0], MADRID).after(span[0]), 60))
    assert {timedelta(minutes=30)} == {b - a for a, b in pairwise(found)}


EXPRESSIONS = [
    "30 2 * * *",
    "0 * * * *",
    "*/30 * * * *",
    "*/30 2 * * *",
    "0 1-4 * * *",
    "30 2,3 * * *",
    "15 2 L 3,10 *",
    "0 3 * * SUN",
]
PLANS = st.one_of(
    st.sampled_from(EXPRESSIONS).map(madrid),
    st.integers(1, 90_000).map(lambda seconds: Every(seconds, utc("2026-03-20 00:00:07"), MADRID)),
)
MOMENTS = st.one_of(
    st.integers(0, 10 * 86_400).map(lambda s: utc("2026-03-24 00:00") + timedelta(seconds=s)),
    st.integers(0, 10 * 86_400).map(lambda s: utc("2026-10-20 00:00") + timedelta(seconds=s)),
)


@given(PLANS, MOMENTS, st.integers(0, 200_000))
def test_looking_back_finds_what_was_ahead(plan: Plan, after: datetime, seconds: int) -> None:
    """What was missed is just what would have come, at clock changes too; times only rise."""
    until = after + timedelta(seconds=min(seconds, 4_000 if isinstance(plan, Every) else seconds))
    ahead = []
    for moment in plan.after(after):
        if moment > until:
            break
        ahead.append(moment)
    assert ahead == plan.latest(after, until, len(ahead) + 1)
    assert ahead[-3:] == plan.latest(after, until, 3)
    assert ahead == sorted(set(ahead))
    assert all(after < moment <= until and moment.tzinfo is UTC for moment in ahead)


def test_looking_back_costs_what_it_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no clock is set, a cron of each second is not walked through for hours at each tick."""
    import cronsim

    steps = 0

    class Counted(cronsim.CronSim):
        def __next__(self) -> datetime:
            nonlocal steps
            steps += 1
            return super().__next__()

    monkeypatch.setattr(cronsim, "CronSim", Counted)
    noon = utc("2026-06-01 12:00")
    assert [noon] == madrid("* * * * * *").latest(noon - timedelta(seconds=1), noon, 1_000)
    assert steps < 10


# -- from the config of a node ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "seconds"),
    [
        ({"scheduleInterval": "30s"}, 30),
        ({"scheduleInterval": "5m"}, 300),
        ({"scheduleInterval": "1h30m"}, 5400),
        ({"scheduleInterval": "1,5 h"}, 5400),
        ({"scheduleInterval": "1d"}, 86_400),
        ({"scheduleInterval": "2 weeks"}, 1_209_600),
        ({"scheduleInterval": 5, "scheduleIntervalUnit": "minutes"}, 300),
        ({"scheduleIntervalValue": "15"}, 900),
        ({"scheduleIntervalValue": 2, "scheduleIntervalUnit": "hours"}, 7200),
        (
            {"scheduleInterval": "5m", "scheduleIntervalValue": 1, "scheduleIntervalUnit": "d"},
            86_400,
        ),
    ],
)
def test_intervals_as_editors_store_them(config: dict[str, object], seconds: int) -> None:
    """A text with units, or a value beside its unit, which wins; without a unit minutes."""
    assert seconds == interval_of(TriggerConfig.model_validate(config))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "neither an interval nor a cron"),
        ({"scheduleInterval": "soon"}, "write it as 30s, 5m, 1h or 1d"),
        ({"scheduleInterval": "5"}, "without a unit"),
        ({"scheduleInterval": "5 parsecs"}, "has the unit 'parsecs'"),
        ({"scheduleInterval": "0.5s"}, "in whole seconds"),
        ({"scheduleInterval": "400d"}, "1 s to 366 days"),
        ({"scheduleIntervalValue": 1e300}, "1 s to 366 days"),
        ({"scheduleIntervalValue": 0}, "the interval is 0 s"),
        ({"scheduleIntervalValue": -1}, "the interval is -60 s"),
        ({"scheduleInterval": "-5m"}, "write it as 30s"),
        ({"scheduleInterval": "0s"}, "1 s to 366 days"),
        ({"scheduleInterval": "nan", "scheduleIntervalUnit": "s"}, "write it as 30s"),
        ({"scheduleInterval": "inf", "scheduleIntervalUnit": "s"}, "write it as 30s"),
        ({"scheduleInterval": "1e308", "scheduleIntervalUnit": "w"}, "1 s to 366 days"),
        ({"scheduleInterval": "9" * 100_000 + "!"}, "has 100001 characters; it may have 255"),
        ({"cron": "1," * 500_000 + "1 * * * *"}, "cron has 1000009 characters"),
        ({"cron": "* * * * *", "timezone": "x" * 1_000_000}, "timezone has 1000000 characters"),
        ({"scheduleType": "x" * 256}, "scheduleType has 256 characters"),
        ({"scheduleType": "lunar"}, "it is interval or cron"),
        ({"scheduleType": "cron"}, "cron is empty"),
        ({"cron": "61 0 * * *"}, "is no cron expression: bad minute"),
        ({"cron": "every day"}, "write minute, hour"),
        ({"cron": "0 0 30 2 *"}, "is no cron expression"),
        ({"cron": "0 0 * * *", "timezone": "Europe/Madird"}, "no time zone 'Europe/Madird'"),
    ],
)
def test_what_makes_no_sense_is_said(config: dict[str, object], said: str) -> None:
    """A schedule that cannot be is an error that says what to write."""
    with pytest.raises(ValueError, match=said):
        plan_of(TriggerConfig.model_validate(config), utc("2026-01-01 00:00"), "UTC")


@pytest.mark.parametrize("given", ["inf", "nan", "-5", 0, "0", 1e300, "9" * 400, "soon", "367d"])
def test_a_tolerance_that_makes_no_sense_is_said(given: object) -> None:
    """It is a time from a second to a year: with less nothing is in time, with more no sum is."""
    with pytest.raises(ValueError, match="scheduleTolerance"):
        tolerance_of(TriggerConfig.model_validate({"scheduleTolerance": given}))


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(None, 60), ("", 60), (5, 5), ("1h", 3600), (1, 1), ("366d", 366 * 86_400)],
)
def test_a_tolerance_is_in_seconds(given: object, seconds: float) -> None:
    """A minute where none is given; a bare number counts seconds."""
    assert seconds == tolerance_of(TriggerConfig.model_validate({"scheduleTolerance": given}))


def test_a_cron_expression_means_cron() -> None:
    """Where the kind is not said, what is there decides; a kind that is said decides first."""
    both = {"cron": "@daily", "scheduleInterval": "5m"}
    assert "cron" == kind_of(TriggerConfig.model_validate(both))
    assert "interval" == kind_of(TriggerConfig.model_validate({**both, "scheduleType": "Interval"}))


def test_the_zone_of_the_node_comes_before_that_of_the_workflow() -> None:
    """`timezone` of the node decides by which clock the expression is read."""
    start = utc("2026-01-15 00:00")
    for zone, hour in (("Europe/Madrid", 5), (None, 6)):
        config = TriggerConfig.model_validate({"cron": "0 6 * * *", "timezone": zone})
        assert hour == next(plan_of(config, start, "UTC").after(start)).hour


@given(st.text(max_size=20))
def test_no_text_is_more_than_an_error(text: str) -> None:
    """Whatever somebody writes is read or refused."""
    with suppress(ValueError):
        assert isinstance(seconds_of(text, "s"), float)
