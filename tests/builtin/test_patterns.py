"""Regular expressions that no text can make slow."""

import pytest

from caudal_builtin.conditions.patterns import matcher


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^ES[0-9]{4}", "ES0021 x", True),
        ("^ES[0-9]{4}", "xES0021", False),
        ("0021", "ES0021 x", True),
        ("(?i)ana", "Ana", True),
        ("ana", "Ana", False),
        (r"^\w+$", "ñandú", True),
        ("^$", "", True),
    ],
)
def test_a_pattern_is_found_anywhere(pattern: str, text: str, found: bool) -> None:  # noqa: FBT001
    """A pattern is searched for; anchors tie it to the ends."""
    assert found is matcher(pattern)(text)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "unclosed group"),
        ("a{2,1}", "invalid repetition count range"),
        ("(?=a)b", "look-around"),
        (r"(a)\1", "backreferences are not supported"),
        ("a{1000}{1000}{100}", "exceeds size limit"),
    ],
)
def test_an_unreadable_pattern_says_why(pattern: str, reason: str) -> None:
    """A pattern with a mistake, or with what the engine does not know, is refused with a reason."""
    with pytest.raises(ValueError, match=reason):
        matcher(pattern)


def test_a_hostile_pattern_ends() -> None:
    """A pattern whose tries double with each letter elsewhere ends at once on a long text."""
    assert matcher("^(a+)+$")("a" * 200_000 + "b") is False
