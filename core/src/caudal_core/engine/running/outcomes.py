"""What is done about an effect that must not be repeated and was cut off.

First the world is asked, by the handler's `reconcile`; where that cannot tell, the node's
`onInterrupted` says what follows: the end, another run, or a question to a person.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from caudal_core.context import Context
from caudal_core.errors import InvalidResult, error_text
from caudal_core.graph import GraphNode
from caudal_core.handler import Handler
from caudal_core.journal import NodeRun
from caudal_core.outcome import Outcome
from caudal_core.payload import NO_REPORT, Payload
from caudal_core.runner import Job, NodeResult, Runner
from caudal_core.values import encode
from caudal_core.waits import Question, Reply

LONGEST = 60.0
"""Seconds that asking the world may take where the node has no limit."""


async def reconciled(
    node: GraphNode, run: NodeRun, ctx: Context, deliveries: Mapping[str, Payload], runner: Runner
) -> tuple[str, NodeResult | None]:
    """What the handler finds, with the result if it has happened; `unknown` if it cannot tell.

    What goes wrong with that stands in the node's log.
    """
    if node.handler.reconcile is None:
        return "unknown", None
    told: list[Outcome] = []
    asker = _asker(node.handler, ctx.idempotency_key, _since(run), told)
    job = Job(asker, node.config, deliveries, ctx, timeout=node.options.timeout or LONGEST)
    try:
        result = await runner.run(job)
    except (asyncio.CancelledError, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, nothing is known by it
        why = f"what became of it could not be found out: {error_text(error)}"
        ctx.log.error("%s", why)  # noqa: TRY400 - the node's log has no tracebacks
        return "unknown", None
    kind = told[-1].kind
    ctx.log.info("what became of it was looked up: %s", kind.replace("_", " "))
    return kind, result if kind == "happened" else None


def _since(run: NodeRun) -> datetime:
    return datetime.fromtimestamp(run.started or 0, UTC)


def _asker(handler: Handler, key: str, since: datetime, told: list[Outcome]) -> Handler:
    """A handler that asks instead of acting; it returns what the other would have returned."""
    ask: Any = handler.reconcile

    def take(outcome: Any) -> Any:
        if not isinstance(outcome, Outcome):
            kind = type(outcome).__name__
            raise InvalidResult(
                f"reconcile of '{handler.type}' returned a {kind}, which is no Outcome",
                es=f"reconcile de '{handler.type}' devolvió {kind}, que no es un Outcome",
                hint="return Outcome.happened(result), did_not_happen() or unknown()",
            )
        told.append(outcome)
        return outcome.result

    async def later(config: Any, data: Any, ctx: Context) -> Any:
        return take(await ask(config, data, key, since, ctx))

    def now(config: Any, data: Any, ctx: Context) -> Any:
        return take(ask(config, data, key, since, ctx))

    is_async = inspect.iscoroutinefunction(ask)
    function = later if is_async else now
    return replace(handler, function=function, is_async=is_async, per_row=False)


def question(run: NodeRun) -> Question:
    """What a person is asked where nobody else can tell."""
    return Question(
        f"Has '{run.label}' ({run.node_id}) happened? It was cut off while it ran; it had begun at "
        f"{_since(run):%Y-%m-%d %H:%M:%S} UTC. Approve if it has happened; reject if it has not, "
        "and it is run again."
    )


def as_told(node: GraphNode, deliveries: Mapping[str, Payload], reply: Reply) -> NodeResult:
    """The result of an effect of which a person says that it has happened.

    What is handed on is what came with the answer, else what came in.
    """
    port = node.handler.outputs[0]
    by = reply.person or "a person"
    message = f"it has happened, says {by}" + (f": {reply.comment}" if reply.comment else "")
    known = {"approvalId": reply.approval_id, "decidedBy": reply.person, "comment": reply.comment}
    report = encode({name: value for name, value in known.items() if value}) or NO_REPORT
    if reply.data is not None:
        return NodeResult({port: Payload.of(reply.data)}, message, report)
    if len(deliveries) == 1:
        return NodeResult({port: next(iter(deliveries.values()))}, message, report)
    plain = {name: payload.data for name, payload in deliveries.items()}
    return NodeResult({port: Payload.of(plain)}, message, report)
