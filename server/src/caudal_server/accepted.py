"""Executions that a call has begun: by a key once, and the answer that tells of one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from caudal_core.engine import Execution
from caudal_core.engine.once import Asked
from caudal_core.journal import ExecutionRecord
from caudal_server import keys, state, waiting
from caudal_server.answers import json_answer
from caudal_server.documents import status_document
from caudal_server.parameters import wait_seconds

MOST_SECONDS = 600.0

Prepare = Callable[[], Awaitable[Execution]]


async def entered(
    request: Request, body: dict[str, Any], prepare: Prepare, organization: str | None = None
) -> Response:
    """Accept what `prepare` gives, by the call's key if it has one; the answer says so.

    With `?wait=SECONDS` (600 at most) it comes when the execution has ended, as usual when the
    time is up.
    """
    seconds = wait_seconds(request, MOST_SECONDS)
    if keys.HEADER in request.headers:
        asked = await keys.submitted(request, body, organization, prepare)
        return await _known(request, asked, seconds)
    engine = state.engine(request)
    execution = await engine.enter(await prepare())
    if seconds:
        await waiting.end(request, execution, seconds)
    return json_answer(await _answer(request, execution.record, ended=seconds > 0))


async def _known(request: Request, asked: Asked, seconds: float) -> Response:
    """The answer for an execution that may have been there before; then it has `repeated`."""
    engine = state.engine(request)
    execution = await engine.watch(asked.id) if seconds else None
    if execution is not None:
        await waiting.end(request, execution, seconds)
    record = (await engine.view(asked.id, last=0)).record
    answer = await _answer(request, record, ended=seconds > 0)
    return json_answer(answer | {"repeated": True} if asked.repeated else answer)


async def _answer(request: Request, record: ExecutionRecord, *, ended: bool) -> dict[str, Any]:
    answer = {
        "success": True,
        "executionId": record.id,
        "status": "pending",
        "message": f"Execution of '{record.workflow_name}' accepted",
        "workflowId": record.workflow_id,
        "workflowName": record.workflow_name,
    }
    if record.parent is not None:
        answer["parent"] = record.parent
    if not ended or not record.finished:
        return answer
    view = await state.engine(request).view(record.id, last=10)
    return answer | status_document(view) | {"message": f"Execution {record.state}"}
