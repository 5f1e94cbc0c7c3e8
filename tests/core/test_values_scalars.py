"""The scalars of numpy and Arrow, by stand-ins that answer as they do; neither need be there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from tests.peers import need_module

from caudal_core.errors import InvalidResult
from caudal_core.values import encode, normalise

NOON = datetime.fromisoformat("2026-03-01T12:00")


class Numpy:
    """A scalar of numpy: `form` is its dtype's, `plain` what it is in Python, `text` its `str`."""

    shape = ()

    def __init__(self, form: str, plain: Any, text: str = "") -> None:
        self.dtype = SimpleNamespace(kind=form[1], str=form)
        self._plain = plain
        self._text = text

    def item(self) -> Any:
        """The value in Python; of a time with too many digits a whole number."""
        return self._plain

    def __str__(self) -> str:
        return self._text


@dataclass
class Arrow:
    """A scalar of Arrow."""

    plain: Any

    def as_py(self) -> Any:
        """The value in Python."""
        if isinstance(self.plain, Exception):
            raise self.plain
        return self.plain


NANOSECONDS = 1_767_225_600_000_000_000
MOMENTS: list[tuple[Numpy, str | None]] = [
    (Numpy("<M8[s]", NOON), "2026-03-01T12:00:00"),
    (Numpy("<M8[D]", date(2026, 3, 1)), "2026-03-01"),
    (Numpy("<M8[ns]", NANOSECONDS, "2026-01-01T00:00:00.000000000"), "2026-01-01T00:00:00"),
    (
        Numpy("<M8[ns]", NANOSECONDS + 500_000_000, "2026-01-01T00:00:00.500000000"),
        "2026-01-01T00:00:00.500000",
    ),
    (
        Numpy("<M8[ns]", NANOSECONDS + 1, "2026-01-01T00:00:00.000000001"),
        "2026-01-01T00:00:00.000000001",
    ),
    (Numpy("<M8[D]", 6_585_322, "20000-01-01"), "20000-01-01"),
    (Numpy("<M8[ns]", None, "NaT"), None),
]
DURATIONS: list[tuple[Numpy, str | int | None]] = [
    (Numpy("<m8[s]", timedelta(hours=1)), "PT3600S"),
    (Numpy("<m8[ns]", 5), "PT0.000000005S"),
    (Numpy("<m8[ns]", 0), "PT0S"),
    (Numpy("<m8[ns]", 90_000 * 10**9), "P1DT3600S"),
    (Numpy("<m8[ns]", -86_400 * 10**9 - 500_000_000), "-P1DT0.5S"),
    (Numpy("<m8[25ns]", 3), "PT0.000000075S"),
    (Numpy("<m8[as]", 1), "PT0.000000000000000001S"),
    (Numpy("<m8[M]", 3), "P3M"),
    (Numpy("<m8[Y]", -2), "-P2Y"),
    (Numpy("<m8[W]", 10**12), "P7000000000000D"),
    (Numpy("<m8[s]", 10**18), "P11574074074074DT6400S"),
    (Numpy("<m8[ns]", None), None),
    (Numpy("<m8", 5), 5),
]


@pytest.mark.parametrize(("value", "expected"), [*MOMENTS, *DURATIONS])
def test_times_of_numpy(value: Numpy, expected: str | int | None) -> None:
    """Times and durations are text with all their digits, never a count of nanoseconds."""
    assert expected == normalise(value)
    assert [{"at": expected}] == normalise([{"at": value}])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Numpy("<i8", 3), 3),
        (Numpy("<f4", 1.5), 1.5),
        (Numpy("<f8", float("nan")), None),
        (Numpy("|b1", True), True),  # noqa: FBT003 - what is in it
        (Arrow(3), 3),
        (Arrow(None), None),
        (Arrow(datetime(2026, 3, 1, tzinfo=UTC)), "2026-03-01T00:00:00+00:00"),
        (Arrow([{"a": timedelta(hours=1)}]), [{"a": "PT3600S"}]),
    ],
)
def test_other_scalars(value: Any, expected: Any) -> None:
    """A scalar is what it stands for, with what is in it."""
    assert expected == normalise(value)


def test_a_scalar_without_a_plain_form() -> None:
    """A scalar that stands for nothing of Python's is refused as what it is, with its place."""
    endless = Numpy("<f16", None)
    endless._plain = endless  # noqa: SLF001 - as numpy's long double gives itself
    with pytest.raises(InvalidResult, match="a cannot be handed on: a Numpy is not a JSON value"):
        normalise({"a": endless})
    with pytest.raises(InvalidResult, match=r"a Arrow has no plain form: ValueError: too fine"):
        normalise([Arrow(ValueError("too fine"))])


def test_numpy_itself() -> None:
    """Where numpy is there, its own scalars become the same as the stand-ins."""
    numpy = need_module("numpy")
    value = [numpy.datetime64("2026-01-01T00:00:00", "ns"), numpy.timedelta64(5, "ns")]
    assert ["2026-01-01T00:00:00", "PT0.000000005S"] == normalise(value)


@pytest.mark.parametrize("levels", [300, 100_000])
def test_a_value_nested_too_deeply(levels: int) -> None:
    """What is nested beyond what can be written is refused for that and nothing else."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    for write in (encode, normalise):
        with pytest.raises(InvalidResult, match="nested too deeply"):
            write(value)
