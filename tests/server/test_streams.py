"""Server-Sent Events and WebSocket, over a server that really listens."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import websockets
from tests.server.serving import Service, flow, listening, node

from caudal_core.journal import NodeRun
from caudal_server import events
from caudal_server.previews import preview_entry

THREE = flow(node("a", "give", value=1), node("g", "gate", rows=50), node("out", "output"))


async def _events(here: Service, path: str, after: str | None = None) -> list[dict[str, Any]]:
    """All events of a stream that ends."""
    headers = {} if after is None else {"Last-Event-ID": after}
    found: list[dict[str, Any]] = []
    async with here.http.stream("GET", path, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        event: dict[str, Any] = {}
        async for line in response.aiter_lines():
            name, _, value = line.partition(": ")
            if not line and "event" in event:
                found.append(event)
                event = {}
            elif name in ("event", "id"):
                event[name] = value
            elif name == "data":
                event["data"] = json.loads(value)
    return found


async def _listeners(here: Service, count: int) -> None:
    """Return once so many listen to the engine."""
    while len(here.engine._notices._listeners) != count:  # noqa: ASYNC110, SLF001 - a set tells nobody
        await asyncio.sleep(0.01)


def _nodes(events: list[dict[str, Any]]) -> list[str]:
    return [event["data"]["nodeId"] for event in events if event["event"] == "node"]


async def test_an_execution_is_told_to_its_end(tmp_path: Path) -> None:
    """Every node, the progress, then the end; asked again later, the same nodes."""
    async with listening(tmp_path) as here:
        execution_id = await here.start(THREE)
        path = f"/api/executions/{execution_id}/events"
        live = await _events(here, path)
        assert ["a", "g", "out"] == _nodes(live)
        assert "execution_complete" == live[-1]["event"]
        assert ("completed", 1) == (live[-1]["data"]["status"], live[-1]["data"]["finalOutput"])
        assert "execution_progress" in {event["event"] for event in live}
        later = await _events(here, path)
        assert [*(event for event in live if event["event"] == "node")] == later[:-1]


async def test_a_stream_is_resumed_behind_the_last_event(tmp_path: Path) -> None:
    """With `Last-Event-ID` only what came after it is sent; behind the end there is nothing."""
    async with listening(tmp_path) as here:
        execution_id = (await here.run(THREE))["executionId"]
        path = f"/api/executions/{execution_id}/events"
        events = await _events(here, path)
        assert ["g", "out"] == _nodes(await _events(here, path, events[0]["id"]))
        end = await here.http.get(path, headers={"Last-Event-ID": events[-1]["id"]})
        assert 204 == end.status_code
        await here.get(path, 422, headers={"Last-Event-ID": "x"})


async def test_all_executions_are_told(tmp_path: Path) -> None:
    """`/api/events` tells of every execution of the organisation, and forgets who has left."""
    async with listening(tmp_path) as here:
        ends: list[str] = []
        async with here.http.stream("GET", "/api/events?organizationId=acme") as response:
            lines = response.aiter_lines()
            assert "retry: 2000" == await anext(lines)
            await _listeners(here, 1)
            await here.run(THREE, organizationId="other")
            execution_id = (await here.run(THREE, organizationId="acme"))["executionId"]
            async for line in lines:
                if line.startswith("data: "):
                    data = json.loads(line[6:])
                    ends.append(data["executionId"])
                    if data.get("type") == "execution_complete":
                        break
        assert {execution_id} == set(ends)
        await _listeners(here, 0)


async def test_what_many_hear_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event of a node is written once, however many listen."""
    made: list[str] = []

    def counted(run: NodeRun) -> Any:
        made.append(run.node_id)
        return preview_entry(run)

    monkeypatch.setattr(events, "preview_entry", counted)
    async with listening(tmp_path) as here, asyncio.TaskGroup() as listeners:

        async def listen() -> list[str]:
            heard = []
            async with here.http.stream("GET", "/api/events") as response:
                async for line in response.aiter_lines():
                    if line.startswith("data: ") and "nodeId" in (data := json.loads(line[6:])):
                        heard.append(data["nodeId"])
                    if line == "event: execution_complete":
                        break
            return heard

        tasks = [listeners.create_task(listen()) for _ in range(3)]
        await _listeners(here, 3)
        await here.run(THREE)
    assert [["a", "g", "out"]] * 3 == [task.result() for task in tasks]
    assert ["a", "g", "out"] == made


async def _messages(here: Service, path: str) -> list[dict[str, Any]]:
    url = str(here.http.base_url).replace("http://", "ws://").rstrip("/")
    async with websockets.connect(f"{url}{path}") as socket:
        return [json.loads(message) async for message in socket]


async def test_a_socket_follows_one_execution(tmp_path: Path) -> None:
    """Progress messages, then `execution_complete`, then the socket is closed."""
    async with listening(tmp_path) as here:
        execution_id = await here.start(THREE)
        for _ in range(2):
            messages = await _messages(here, f"/ws?executionId={execution_id}")
            *before, last = messages
            assert {"execution_progress"} == {message["type"] for message in before}
            assert {
                "type",
                "executionId",
                "workflowId",
                "status",
                "progress",
                "currentNodeId",
                "error",
                "logs",
                "timestamp",
            } == set(before[0])
            assert ("execution_complete", 1) == (last["type"], last["finalOutput"])


async def test_a_socket_of_an_unknown_execution_says_so(tmp_path: Path) -> None:
    """`execution_error` names what was not found."""
    async with listening(tmp_path) as here:
        [message] = await _messages(here, "/ws?executionId=none")
        assert "execution_error" == message["type"]
        assert "Execution none not found" == message["error"]


async def test_a_socket_follows_all_executions(tmp_path: Path) -> None:
    """Without an id the socket tells of all that change from now on."""
    async with listening(tmp_path) as here:
        url = str(here.http.base_url).replace("http://", "ws://").rstrip("/")
        async with websockets.connect(f"{url}/ws") as socket:
            await _listeners(here, 1)
            execution_id = await here.start(THREE)
            message: dict[str, Any] = {}
            while message.get("type") != "execution_complete":
                message = json.loads(await socket.recv())
                assert execution_id == message["executionId"]
        await _listeners(here, 0)


async def test_streams_end_when_the_server_stops(tmp_path: Path) -> None:
    """Nobody who listens keeps a server from stopping."""
    async with listening(tmp_path) as here:
        execution_id = await here.start(flow(node("g", "gate")))
        path = f"/api/executions/{execution_id}"
        await here.until_running(execution_id)
        stream = asyncio.create_task(_events(here, f"{path}/events"))
        poll = asyncio.create_task(here.get(f"{path}?wait=60"))
        await asyncio.sleep(0.3)
        here.app.state.stopping.set()
        assert "execution_complete" not in {event["event"] for event in await stream}
        assert "running" == (await poll)["status"]
