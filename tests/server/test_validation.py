"""Workflows over HTTP: whether they could run."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.server.applications import with_service
from tests.server.serving import Service, flow, node

from caudal_core import Config, Field, handler


class Known(Config):
    """A config that takes no other keys than these in earnest."""

    condition_field: str = Field("", aliases=["field"])


@handler("check", effect="pure", light=True)
def check(config: Known, data: Any, ctx: Any) -> Any:
    """Hand on what came in."""
    return data


@handler("trigger", effect="pure", light=True)
def trigger(config: Config, data: Any, ctx: Any) -> Any:
    """Hand on what came in."""
    return data


@handler("webhook", effect="pure", light=True)
def webhook(config: Config, data: Any, ctx: Any) -> Any:
    """Hand on what came in."""
    return data


def test_validate_answers_the_question(tmp_path: Path) -> None:
    """200 for both: what is valid, and every problem of what is not."""

    async def test(found: Service) -> None:
        good = flow(node("a", "give"), node("b", "output"))
        for body in (good, {"workflow": good}):
            assert {"valid": True, "problems": [], "warnings": []} == await found.post(
                "/api/workflows/validate", body
            )
        bad = flow(node("a", "giv"), node("a", "give"), node("c", "rows", rows="many"))
        answer = await found.post("/api/workflows/validate", bad)
        assert answer["valid"] is False
        assert {"UNKNOWN_TYPE", "DUPLICATE_NODE_ID", "INVALID_CONFIG"} <= {
            problem["code"] for problem in answer["problems"]
        }
        missing = await found.post("/api/workflows/validate", {"name": "x"})
        assert "nodes: it is missing" == missing["problems"][0]["message"]
        problem = await found.post("/api/workflows/validate", [], 422)
        assert "a JSON object is expected" in problem["detail"]

    with_service(tmp_path, test, check, trigger, webhook)


@pytest.mark.parametrize("broken", [False, True])
def test_warnings_name_what_has_no_effect(tmp_path: Path, *, broken: bool) -> None:
    """Unknown keys with the nearest, and signatures; also beside problems. Schedules have one."""

    async def test(found: Service) -> None:
        nodes = [
            node("a", "check", conditionFeld="x", field="y"),
            node("b", "trigger", scheduleEnabled=True, scheduleInterval="5m"),
            node("c", "trigger", cron="0 6 * * *"),
            node("d", "trigger", scheduleEnabled=False, scheduleType="interval"),
            node("e", "webhook", webhookSecret="s3cret"),
            node("f", "webhook", webhookSecret=""),
            {**node("h", "give"), "onInterrupted": "ask"},
            *([node("g", "none")] if broken else []),
        ]
        answer = await found.post("/api/workflows/validate", {"nodes": nodes})
        assert broken is not answer["valid"]
        own = [w for w in answer["warnings"] if w["nodeId"] == "a"]
        assert ["/nodes/0/config/conditionFeld"] == [w["pointer"] for w in own]
        assert "did you mean 'conditionField'?" in own[0]["message"]
        later = [w for w in answer["warnings"] if w["code"] == "NOT_AVAILABLE"]
        assert ["/nodes/4/config/webhookSecret"] == [w["pointer"] for w in later]
        assert "s3cret" not in json.dumps(answer)

    with_service(tmp_path, test, check, trigger, webhook)
