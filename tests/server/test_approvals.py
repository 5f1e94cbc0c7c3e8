"""The list of what people are asked: its pages, and what they are narrowed by."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.server.serving import Service, Value, flow, node, service

from caudal_core import Context, Question, Wait, handler


@handler("ask")
def ask(config: Value, data: Any, ctx: Context) -> Any:
    """Ask the person that the config names."""
    if ctx.answer is None:
        return Wait(Question("May it go on?", config.text))
    return data


async def _asked(here: Service, count: int) -> list[str]:
    """Executions that ask Ana and Eva in turn, in the order in which they asked."""
    found = []
    for number in range(count):
        found.append(await here.start(flow(node("q", "ask", text=("ana", "eva")[number % 2]))))
        while len((await here.get("/api/approvals"))["approvals"]) <= number:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return found


@pytest.mark.parametrize("memory", [True, False])
@pytest.mark.parametrize(
    ("query", "sizes", "step"),
    [("limit=2", [2, 2, 1], 1), ("limit=5", [5], 1), ("limit=2&assignedUserId=ana", [2, 1], 2)],
)
async def test_it_is_read_in_pages(
    tmp_path: Path, query: str, sizes: list[int], step: int, *, memory: bool
) -> None:
    """The oldest first; `nextCursor` and `Link` lead on with the same filter, and end."""
    async with service(tmp_path, ask, memory=memory) as here:
        executions = await _asked(here, 5)
        seen: list[list[str]] = []
        path: str | None = f"/api/approvals?{query}"
        while path is not None:
            answer = await here.http.get(path)
            seen.append([each["executionId"] for each in answer.json()["approvals"]])
            cursor = answer.json()["nextCursor"]
            link = answer.headers.get("link")
            assert (cursor is None) == (link is None)
            path = link and link.removeprefix("<").partition(">")[0]
            assert path is None or cursor in path
        assert sizes == list(map(len, seen))
        assert executions[::step] == [each for page in seen for each in page]


async def test_it_is_narrowed(tmp_path: Path) -> None:
    """By the execution, by who is asked, by whether it has been decided."""
    async with service(tmp_path, ask) as here:
        first, second, third = await _asked(here, 3)

        async def listed(query: str) -> list[str]:
            page = await here.get(f"/api/approvals?{query}")
            return [each["executionId"] for each in page["approvals"]]

        assert [second] == await listed(f"executionId={second}")
        assert [second] == await listed("assignedUserId=eva")
        (asked,) = (await here.get(f"/api/approvals?executionId={first}"))["approvals"]
        await here.post(f"/api/approvals/{asked['id']}", {"approved": False})
        assert [second, third] == await listed("")
        assert [first] == await listed("status=rejected")
        assert {first, second, third} == set(await listed("status=all"))
