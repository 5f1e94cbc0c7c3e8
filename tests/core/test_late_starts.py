"""Who hears of late starts, and how often."""

from __future__ import annotations

from datetime import timedelta

from tests.core.clocks import utc

from caudal_core.triggers.late import LateStart, LateStarts

NOON = utc("2026-06-01 12:00")


def _late(minutes: int, trigger: str = "w:t") -> LateStart:
    return LateStart(
        trigger_id=trigger,
        workflow_id="w",
        workflow_name="W",
        node_id="t",
        planned=NOON + timedelta(minutes=minutes),
        tolerance=60,
        execution_id=None,
        why="it has not begun yet",
    )


def test_a_planned_time_is_told_once() -> None:
    """Not again, nor one before it; a later one is, and one of another trigger."""
    starts, heard = LateStarts(), list[LateStart]()
    starts.listen(heard.append)
    for late in (_late(1), _late(1), _late(0), _late(2), _late(1, "w:other")):
        starts.tell(late)
    assert [_late(1), _late(2), _late(1, "w:other")] == heard


def test_a_trigger_that_begins_anew_is_told_of_anew() -> None:
    """Its planned times may lie before those that were told of: a clock was set right."""
    starts, heard = LateStarts(), list[LateStart]()
    starts.listen(heard.append)
    starts.tell(_late(5))
    starts.forget("w:other")
    starts.tell(_late(1))
    starts.forget("w:t")
    starts.tell(_late(1))
    assert [_late(5), _late(1)] == heard


def test_a_listener_that_fails_holds_nobody_up() -> None:
    """The others hear of it all the same; who has ended its listening does not."""
    starts, heard, gone = LateStarts(), list[LateStart](), list[LateStart]()

    def fails(_: LateStart) -> None:
        raise ValueError("broken")

    starts.listen(fails)
    starts.listen(heard.append)
    starts.listen(gone.append)()
    starts.tell(_late(1))
    assert ([_late(1)], []) == (heard, gone)
