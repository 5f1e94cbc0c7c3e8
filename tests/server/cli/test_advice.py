"""What to do about an error, for somebody at a terminal."""

from __future__ import annotations

import pytest

from caudal_core.errors import CaudalError, InUse, InvalidRequest, Unavailable
from caudal_server.cli.advice import AT_DATABASE, FOLDER, told_with_advice


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (
            Unavailable(message="the journal cannot be opened: [Errno 13] Permission denied: '/x'"),
            f"see that you may write there, or {FOLDER}",
        ),
        (
            Unavailable(message="the journal cannot be opened: database or disk is full"),
            f"make room on that disk, or {FOLDER}",
        ),
        (
            Unavailable(message="the journal cannot be opened: table about has no column named x"),
            f"another version made it: {FOLDER}",
        ),
        (
            Unavailable(message="port 80 cannot be listened on: Permission denied"),
            "name another with --port or CAUDAL_PORT",
        ),
        (Unavailable(message="the database does not answer: no role 'u'"), AT_DATABASE),
        (InUse(message="port 80 is in use"), "stop what holds it, or choose another"),
        (Unavailable(message="the engine is stopping"), "try again in a few seconds"),
    ],
)
def test_the_way_out_is_that_of_the_cause(error: CaudalError, advice: str) -> None:
    """That waiting helps is said only where it may; else what the cause asks for."""
    assert f"{error.text()}; {advice}" == told_with_advice(error)


def test_an_error_without_a_way_out_has_none() -> None:
    """Nothing is made up."""
    assert "no" == told_with_advice(InvalidRequest(message="no"))
