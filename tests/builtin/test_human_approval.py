"""`humanApproval` asks, and goes the way that was decided."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from caudal_builtin.human_approval import NobodyAnswered, human_approval
from caudal_core import Question, Reply
from caudal_core.testing import run_handler

ASKED = {
    "assignedUserId": "u7",
    "assignedUserName": "Ana",
    "notificationChannel": "mail",
    "message": "Open the valve?",
}


def test_it_asks() -> None:
    """At first it waits, for the person that is named, and hands nothing on."""
    ran = run_handler(human_approval, {"bar": 5}, {**ASKED, "approvalTimeout": "3600"})
    assert ran.wait is not None
    assert (Question("Open the valve?", "u7", "Ana", "mail"), 3600) == (
        ran.wait.question,
        ran.wait.seconds,
    )
    assert ({}, "waits for the decision of Ana on an object with 1 field") == (
        ran.outputs,
        ran.message,
    )


@pytest.mark.parametrize("approved", [True, False])
@pytest.mark.parametrize("data", [None, {"bar": 4}])
def test_the_decision_is_the_port(approved: bool, data: Any) -> None:  # noqa: FBT001
    """What came in leaves by it, or what came with the decision; beside it stands who decided."""
    at = datetime(2026, 1, 31, 10, tzinfo=UTC)
    reply = Reply(
        approved=approved, person="Eva", comment="ok", decided=at, data=data, approval_id="a1"
    )
    ran = run_handler(human_approval, {"bar": 5}, ASKED, answer=reply)
    assert {"true" if approved else "false": data or {"bar": 5}} == ran.outputs
    assert {
        "approved": approved,
        "decidedBy": "Eva",
        "decidedAt": "2026-01-31T10:00:00Z",
        "comment": "ok",
        "approvalId": "a1",
        "timedOut": False,
    } == ran.report
    assert f"{'approved' if approved else 'rejected'} by Eva: ok" == ran.message


@pytest.mark.parametrize(("way", "port"), [("reject", "false"), ("approve", "true")])
def test_nobody_answers(way: str, port: str) -> None:
    """It goes on as it was told for that case."""
    config = {"approvalTimeout": 60, "onTimeout": way}
    ran = run_handler(human_approval, {"bar": 5}, config, answer=Reply(late=True))
    assert {port: {"bar": 5}} == ran.outputs
    assert (True, None) == (ran.report["timedOut"], ran.report["decidedBy"])


def test_nobody_answers_and_that_is_a_failure() -> None:
    """Without a word it fails, and says within which time nobody decided."""
    with pytest.raises(NobodyAnswered, match="60 s") as found:
        run_handler(human_approval, 1, {"approvalTimeout": 60}, answer=Reply(late=True))
    assert "nadie decidió en 60 s" == found.value.text("es")
