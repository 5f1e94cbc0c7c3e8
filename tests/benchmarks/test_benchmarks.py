"""What `python -m benchmarks` says of its figures."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks import __main__ as command
from benchmarks import http
from benchmarks.client import Load
from benchmarks.disk import disk
from benchmarks.figures import at_most, ratio
from benchmarks.soak import judged


@pytest.mark.parametrize(("held", "code"), [((True, True), 0), ((False, True), 1)])
def test_a_limit_that_does_not_hold_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    held: tuple[bool, ...],
    code: int,
) -> None:
    """All figures are printed first, a line each below that of the machine."""
    figures = [
        at_most(f"figure {place}", 0 if fine else 2, "s", 1) for place, fine in enumerate(held)
    ]
    monkeypatch.setattr(command, "ALL", {"some": lambda: [*figures, {"figure": "free"}]})
    monkeypatch.setattr(sys, "argv", ["benchmarks"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert code == ended.value.code
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()[1:]]
    assert ["figure 0", "figure 1", "free"] == [line["figure"] for line in lines]
    assert [*held, None] == [line.get("holds") for line in lines]


def test_a_ratio_names_its_floor() -> None:
    """What a cost is compared with is said beside it."""
    found = ratio("chain", [8.0], [2.0], "µs", floor="bare task", most=4.0)
    assert ("bare task", 2.0, 4.0, True) == tuple(
        found[key] for key in ("floorOf", "floor", "ratio", "holds")
    )


def test_the_disk_is_measured_where_the_figure_is(tmp_path: Path) -> None:
    """What a commit costs there and which file system that is; nothing stays behind."""
    found = disk(tmp_path)
    assert 0 < found["fdatasyncMicroseconds"]
    assert found["fileSystem"]
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(("accepted", "lost"), [(8, 0), (8, 1)])
def test_an_execution_that_did_not_complete_is_no_figure(
    monkeypatch: pytest.MonkeyPatch, accepted: int, lost: int
) -> None:
    """What was accepted must have completed, and its time is that until all have settled."""
    counts = iter([5, 5 + accepted - lost])

    def load(*_: Any, **__: Any) -> Load:
        return Load(seconds=1.0, accepted=accepted, settled=2.0)

    monkeypatch.setattr(http, "timed", load)
    monkeypatch.setattr(http, "completed", lambda _: next(counts))
    if lost:
        with pytest.raises(RuntimeError, match="8 executions were accepted, 7 completed"):
            http.executed(0, 16)
    else:
        assert 4.0 == http.executed(0, 16)[1]


def test_a_soak_sees_what_grows() -> None:
    """What grows from the third quarter to the last, beyond what is allowed, does not hold."""
    flat = {"megabytes": 100.0, "descriptors": 30.0, "threads": 7.0, "tasks": 6.0}
    samples = [{**flat, "megabytes": 100.0 + 2 * number} for number in range(40)]
    found = judged(samples)
    assert [False, True, True, True] == [figure["holds"] for figure in found.values()]
    assert all(figure["holds"] for figure in judged([flat] * 40).values())
