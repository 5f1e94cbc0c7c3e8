"""Which characters have no place in a name."""

import pytest

from caudal_core.names import has_unseen, without_unseen
from caudal_core.uploads import MAX_NAME, shown

FAMILY = "\U0001f469\u200d\U0001f467"
"""An emoji of two parts, which only a joiner between them makes one."""


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("gpj\u202e.exe", "gpj .exe"),
        ("a\r\n\tb", "a b"),
        ("a\x7f\x85\u2028b", "a b"),
        ("\ufeffa\u200b\u00ad\u2066b\u2069", " a b "),
        ("\u061c\u200e\u200f", " "),
        ("half \ud800", "half  "),
    ],
)
def test_what_is_not_seen_has_no_place(name: str, seen: str) -> None:
    """Control characters, marks that turn the direction of a text, line ends, halves of pairs."""
    assert has_unseen(name)
    assert seen == without_unseen(name)
    assert not has_unseen(without_unseen(name))


@pytest.mark.parametrize(
    "name", ["año 2026", "سجل.csv", "קובץ", "\u0645\u06cc\u200c\u062e", FAMILY, "a\xa0b"]
)
def test_what_is_seen_stays(name: str) -> None:
    """Letters of every script, with the joiners that some are written with."""
    assert not has_unseen(name)
    assert name == without_unseen(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/b\\invoice\u202egpj.exe", "invoice gpj.exe"),
        ("\u202e", "file"),
        ("../..", ".."),
        ("x" * 300 + "\u200e.csv", "x" * (MAX_NAME - 5) + " .csv"),
    ],
)
def test_the_name_of_a_file_is_shown_without(name: str, expected: str) -> None:
    """What people see is the name's last part; it never turns around."""
    assert expected == shown(name)
