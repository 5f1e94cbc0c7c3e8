"""The ledger: what nodes did to the world, over HTTP and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.server.cli.command import caudal
from tests.server.serving import HANDLERS, flow, node, service

from caudal_core import Config, Context, Handler, HandlerError, handler


class Sending(Config):
    """How it goes."""

    way: str = ""


def _send(config: Sending, data: Any, ctx: Context) -> Any:
    ctx.say(f"sent with {ctx.idempotency_key[:4]}")
    if config.way == "refused":
        raise HandlerError("the number is wrong")
    if config.way == "broken":
        raise ConnectionResetError
    while config.way == "slow":
        ctx.check()
    return data


SENDERS: tuple[Handler, ...] = (
    handler("sendKeyed", effect="keyed")(_send),
    handler("saveOnce", effect="transactional")(_send),
    handler("sendOnce", effect="at_most_once")(_send),
)


def sending() -> Any:
    """A workflow that does something of every kind, and fails in every way."""
    nodes = [
        node("plain", "give", value=1),
        node("k", "sendKeyed"),
        node("t", "saveOnce"),
        node("o", "sendOnce"),
        node("refused", "sendOnce", way="refused"),
        node("broken", "sendKeyed", way="broken"),
        {**node("slow", "sendKeyed", way="slow"), "timeoutSeconds": 0.05},
        {**node("slowOnce", "sendOnce", way="slow"), "timeoutSeconds": 0.05},
    ]
    return {**flow(*nodes, name="Sending"), "connections": []}


@pytest.mark.parametrize("memory", [True, False])
async def test_what_was_done_is_listed(tmp_path: Path, *, memory: bool) -> None:
    """Every run whose effect counts, with its key, and whether it is known what became of it."""
    async with service(tmp_path, *HANDLERS, *SENDERS, memory=memory) as here:
        status = await here.run(sending())
        found = (await here.get("/api/effects"))["effects"]
        assert {
            "k": ("keyed", "completed", True),
            "t": ("transactional", "completed", True),
            "o": ("at_most_once", "completed", True),
            "refused": ("at_most_once", "failed", True),
            "broken": ("keyed", "failed", False),
            "slow": ("keyed", "failed", False),
            "slowOnce": ("at_most_once", "interrupted", False),
        } == {
            each["nodeId"]: (each["effect"], each["status"], each["outcomeKnown"]) for each in found
        }
        (kept,) = (each for each in found if each["nodeId"] == "k")
        assert ("Sending", "sendKeyed", 1, status["executionId"]) == (
            kept["workflowName"],
            kept["nodeType"],
            kept["attempt"],
            kept["executionId"],
        )
        assert f"sent with {kept['idempotencyKey'][:4]}" == kept["message"]
        assert 7 == len({each["idempotencyKey"] for each in found})


@pytest.mark.parametrize("memory", [True, False])
async def test_it_is_read_in_pages(tmp_path: Path, *, memory: bool) -> None:
    """The newest first, each once; `since` and the execution narrow it."""
    async with service(tmp_path, *HANDLERS, *SENDERS, memory=memory) as here:
        for _ in range(3):
            await here.run(flow(node("k", "sendKeyed"), node("t", "saveOnce")))
        whole = (await here.get("/api/effects?since=1h"))["effects"]
        assert 6 == len(whole)
        assert whole == sorted(whole, key=lambda each: each["startedAt"], reverse=True)
        pages, path = [], "/api/effects?limit=4"
        while True:
            page = await here.get(path)
            pages += page["effects"]
            if page["nextCursor"] is None:
                break
            path = f"/api/effects?limit=4&cursor={page['nextCursor']}"
        assert whole == pages
        one = whole[0]["executionId"]
        assert whole[:2] == (await here.get(f"/api/effects?executionId={one}"))["effects"]
        assert [] == (await here.get("/api/effects?until=2020-01-01"))["effects"]
        assert [] == (await here.get("/api/effects?since=0s"))["effects"]


@pytest.mark.parametrize(
    ("query", "said"),
    [("since=yesterday", "24h, 30m, 7d"), ("limit=0", "1 to 1,000"), ("cursor=x", "cursor")],
)
async def test_what_does_not_fit(tmp_path: Path, query: str, said: str) -> None:
    """It is refused with what would fit."""
    async with service(tmp_path) as here:
        assert said in (await here.get(f"/api/effects?{query}", 422))["detail"]


async def test_the_command_line_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`caudal effects` lists the same of a data folder, also while a server runs on it."""
    monkeypatch.chdir(tmp_path)
    async with service(tmp_path, *HANDLERS, *SENDERS) as here:
        await here.run(sending())
        whole = (await here.get("/api/effects"))["effects"]
        beside = caudal("effects", "--since", "24h", "--data", tmp_path / "data", "--json")
        assert whole == json.loads(beside.stdout)
    after = caudal("effects", "--data", tmp_path / "data")
    assert 0 == after.exit_code
    assert 8 == len(after.stdout.splitlines())
    assert "of 3 nobody knows whether it happened" in after.stderr
    assert [] == json.loads(
        caudal("effects", "--since", "0s", "--data", tmp_path / "data", "--json").stdout
    )


def test_a_folder_without_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so, and how to name another."""
    monkeypatch.chdir(tmp_path)
    done = caudal("effects", "--data", tmp_path)
    assert 2 == done.exit_code
    assert "name the folder with --data" in done.stderr
