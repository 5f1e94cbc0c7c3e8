"""Crash points: at which passing of a step the process dies, and on which side of it."""

from __future__ import annotations

import pytest

from caudal_core.errors import InvalidRequest
from caudal_core.journal import crashing


class Died(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize(
    ("point", "kept"),
    [
        ("blob:before", []),
        ("blob:after", ["a"]),
        ("blob:before:2", ["a"]),
        ("blob:after:2", ["a", "b"]),
        ("accept:before", ["a", "b", "c"]),
    ],
)
def test_a_value_is_kept_up_to_the_point(
    monkeypatch: pytest.MonkeyPatch, point: str, kept: list[str]
) -> None:
    """It dies at the passing that is named, the first if none is, before or after the file."""

    def die(_: object) -> None:
        raise Died

    files: list[str] = []

    def put(content: bytes | memoryview) -> str:
        files.append(bytes(content).decode())
        return files[-1]

    monkeypatch.setenv(crashing.VARIABLE, point)
    monkeypatch.setattr(crashing, "die", die)
    putting, dead = crashing.crashing_put(put), False
    for content in (b"a", b"b", b"c"):
        try:
            assert content.decode() == putting(content)
        except Died:
            dead = True
            break
    assert (kept, point.startswith("blob")) == (files, dead)


@pytest.mark.parametrize("wrong", ["blob", "blob:beside", "nothing:before", "blob:after:x"])
def test_a_point_that_is_none_is_refused(wrong: str) -> None:
    """It is said how to write one."""
    with pytest.raises(InvalidRequest, match="write it as STEP:before or STEP:after"):
        crashing.CrashPoint(wrong)
