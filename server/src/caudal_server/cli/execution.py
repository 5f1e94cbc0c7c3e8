"""One execution in this process: run it, show how it goes, print what it came to."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from caudal_core.engine import Engine, Execution
from caudal_core.engine.running.final import cause
from caudal_core.graph import Graph
from caudal_core.journal import NodeRun
from caudal_core.payload import Payload
from caudal_core.values import JSON, to_wire
from caudal_server.cli.installed import local_engine
from caudal_server.cli.progress import Progress, Step, shown
from caudal_server.cli.terminal import print_json, say
from caudal_server.documents import LOGS_SHOWN, status_document
from caudal_server.entries import message_of
from caudal_server.showing import readable

OK, FAILED, INTERRUPTED = 0, 1, 130


@dataclass(frozen=True, slots=True)
class Task:
    """A workflow's JSON and the file it is from, the inputs, and what is to be printed."""

    document: Mapping[str, Any]
    file: Path
    inputs: Mapping[str, Any]
    whole_status: bool = False


async def execute(task: Task, data: Path | None) -> int:
    """Run it in the folder `data`, or in a temporary one, and give the exit code."""
    _cancel_when_terminated()
    with _folder(data) as folder:
        async with local_engine(folder, readable=task.file.parent) as engine:
            graph = await engine.graph(task.document, workflow_id=readable(task.file.stem))
            for warning in graph.warnings:
                say(f"! {warning['message']}", "yellow")
            execution = await engine.submit(graph, task.inputs)
            interrupted = await _watch(engine, execution)
            if not execution.record.finished:
                _tell_question(execution, data)
                return FAILED
            await _print(engine, execution, task)
    if interrupted:
        return INTERRUPTED
    return OK if execution.record.state == "completed" else FAILED


def _cancel_when_terminated() -> None:
    """SIGTERM does what Ctrl-C does, so that what is temporary is removed."""
    task = asyncio.current_task()
    if task is not None:
        with suppress(NotImplementedError):  # where the event loop takes no signals
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


@contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    if data is not None:
        yield data
        return
    with TemporaryDirectory(prefix="caudal-") as name:
        yield Path(name)


async def _watch(engine: Engine, execution: Execution) -> bool:
    """Show an execution until it ends. Ctrl-C or SIGTERM cancels it; then the result is true."""
    with shown(execution.record.workflow_name, _steps(execution.graph)) as progress:
        try:
            await _follow(execution, progress)
        except asyncio.CancelledError:
            await engine.cancel(execution.id)
            await _follow(execution, progress)
            return True
    return False


def _steps(graph: Graph) -> Iterator[Step]:
    """The nodes, each below the first one that leads to it."""
    for node in graph.nodes:
        edges = [edge for _, group in node.incoming for edge in group]
        yield Step(node.id, node.label, graph.nodes[edges[0].source].id if edges else None)


async def _follow(execution: Execution, progress: Progress) -> None:
    told = 0
    while True:
        version = execution.version
        for run in execution.committed[told:]:
            progress.tell(run.node_id, run.shown, run.duration, _message(run))
        told = len(execution.committed)
        for run in execution.runs:
            if run.shown in ("running", "waiting"):
                progress.tell(run.node_id, run.shown, message=_message(run))
        if execution.record.finished or _asks(execution):
            return
        await execution.change(version, 1)


def _asks(execution: Execution) -> bool:
    """Whether it waits for a person, and here is nobody to answer."""
    if execution.record.state != "waiting":
        return False
    return any(waiting.approval_id is not None for waiting in execution.waiting.values())


def _tell_question(execution: Execution, data: Path | None) -> None:
    for waiting in execution.waiting.values():
        run = waiting.run
        say(f"✗ {run.label} ({run.node_id}): {run.message or 'it waits'}", "red")
    if data is None:
        say("! nobody can answer here: execute it on a server, or run it with --data", "yellow")
    else:
        how = f"caudal serve --data {data}, then POST /api/approvals/…"
        say(f"! execution {execution.id} waits for a person: {how}", "yellow")


def _message(run: NodeRun) -> str:
    """What a node did, is doing, or failed with."""
    if run.error is not None:
        text = str(run.error["message"])
        return text if run.settles else f"attempt {run.attempt}: {text}"
    notes = run.notes
    if run.shown == "running" and notes is not None and notes.progress is not None:
        done, total = notes.progress["done"], notes.progress["total"]
        amount = f"{done:g}" if total is None else f"{done:g} of {total:g}"
        return f"{amount} {notes.progress['message']}".strip()
    return message_of(run) or ""


async def _print(engine: Engine, execution: Execution, task: Task) -> None:
    if task.whole_status:
        print_json(to_wire(status_document(await engine.view(execution.id, last=LOGS_SHOWN))))
    elif execution.record.state == "completed":
        print_json(to_wire(await _final_output(engine, execution)))
    if execution.record.state != "completed":
        _tell_failure(execution)


async def _final_output(engine: Engine, execution: Execution) -> JSON:
    """As in the status document, but whole however large it is."""
    graph = execution.graph
    outputs = {run.node_id: run.outputs for run in execution.committed if run.outputs}
    finals = [graph.nodes[index].id for index in graph.finals]
    found = {name: await _whole(engine, outputs[name]) for name in finals if name in outputs}
    return found if len(finals) > 1 else found.get(finals[0])


async def _whole(engine: Engine, outputs: Mapping[str, Payload]) -> JSON:
    values = {port: await engine.data(payload) for port, payload in outputs.items()}
    return values if len(values) > 1 else next(iter(values.values()))


def _tell_failure(execution: Execution) -> None:
    """Each failed node with its cause and what to do, or why the execution ended otherwise."""
    for run in execution.failed:
        say(f"✗ {run.label} ({run.node_id}): {cause(run.error or {})}", "red")
    if execution.stop_reason or not execution.failed:
        say(f"✗ {execution.record.error or execution.record.state}", "red")
