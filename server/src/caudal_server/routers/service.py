"""Whether the server is there, and whether it can take work."""

from __future__ import annotations

from importlib.metadata import version
from time import time

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from caudal_core.engine import Engine
from caudal_server import state
from caudal_server.answers import json_answer
from caudal_server.api_docs.service import HEALTH, METRICS, READINESS, SERVICE
from caudal_server.metrics import CONTENT_TYPE, page
from caudal_server.problems import RETRY_SECONDS, problem
from caudal_server.times import moment

NAME = "Workflow Orchestration Service"


def routes() -> APIRouter:
    """`/`, `/healthz`, `/readyz`, `/metrics`."""
    router = APIRouter(tags=["Service"])
    number = version("caudal-server")

    @router.head("/", include_in_schema=False)
    @router.get("/", **SERVICE)
    async def get_service(request: Request) -> Response:  # noqa: ARG001 - one form for all
        body = {
            "service": NAME,
            "status": "running",
            "version": number,
            "timestamp": moment(time()),
        }
        return Response(orjson.dumps(body), media_type="application/json")

    @router.head("/healthz", include_in_schema=False)
    @router.get("/healthz", **HEALTH)
    async def get_health(request: Request) -> Response:  # noqa: ARG001 - one form for all
        return json_answer(b'{"status":"ok"}')

    @router.head("/readyz", include_in_schema=False)
    @router.get("/readyz", **READINESS)
    async def get_readiness(request: Request) -> Response:
        reasons = hindrances(state.engine(request))
        if not reasons:
            return json_answer(b'{"status":"ready"}')
        headers = {"Retry-After": str(RETRY_SECONDS)}
        detail = "; ".join(reasons)
        return problem(request, 503, "NOT_READY", detail, headers=headers, reasons=reasons)

    @router.head("/metrics", include_in_schema=False)
    @router.get("/metrics", **METRICS)
    async def get_metrics(request: Request) -> Response:
        told = await page(state.engine(request), state.triggers(request))
        return Response(told, media_type=CONTENT_TYPE)

    return router


def hindrances(engine: Engine) -> list[str]:
    """Why no work can be taken now; empty if it can."""
    found = []
    if engine.closing:
        found.append("the server is stopping")
    if engine.fault is not None:
        found.append(engine.fault)
    waiting, most = len(engine.unfinished), engine.options.max_queued
    if waiting >= most:
        found.append(f"{waiting:,} executions are waiting, the limit is {most:,}")
    abandoned, threads = engine.abandoned
    if 2 * abandoned > threads:
        text = "nodes have abandoned {} threads that do not come back, beside the pool's {}"
        found.append(text.format(abandoned, threads))
    return found
