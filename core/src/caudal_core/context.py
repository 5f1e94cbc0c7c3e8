"""What a handler is given beside its config and its data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn, overload

from caudal_core.errors import (
    ExecutionCancelled,
    InvalidResult,
    NodeMemory,
    NodeTimeout,
    NotAvailable,
    clean_text,
)
from caudal_core.files import FileAccess
from caudal_core.formats import People
from caudal_core.notes import Log, Notes
from caudal_core.records import Records, Row
from caudal_core.stores import RecordAccess, RecordStores
from caudal_core.template import render_rows, render_value
from caudal_core.values import JSON, decode, encode, normalise
from caudal_core.waits import Reply
from caudal_core.workers import Answer, Limits, shared_workers

MAX_MESSAGE_CHARACTERS = 2_000
TAKEN = frozenset(("success", "error", "outputdata", "outputdatainfo", "metadata"))
"""Names that a node's result has of its own, as they are compared."""


def utc_now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


ReadState = Callable[[str, str], "bytes | None"]
"""From a workflow's id and a node's to what that node has kept, in journal form."""

MAX_STATE = 64_000
"""Bytes that what a node keeps between executions may take."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What all nodes of one execution share."""

    execution_id: str = "execution"
    organization: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    timezone: str = "UTC"
    locale: str = "en-US"
    language: str = "en"
    dry_run: bool = False
    files: FileAccess = field(default_factory=FileAccess)
    limits: Limits = field(default_factory=Limits)
    records: RecordStores = field(default_factory=RecordStores)
    clock: Callable[[], datetime] = utc_now
    workflow_id: str = ""
    read_state: ReadState | None = None
    node_memory: int | None = None


class Context:
    """The execution a node runs in, and its ways to speak to it.

    `deadline` is on `time.monotonic()`'s scale, or null. `attempt` counts from 1. `generation`
    is raised by each retry or replay of the execution. `answer` says how the wait ended that the
    handler asked for (see `caudal_core.Wait`); it is null when the handler is first called.
    """

    __slots__ = (
        "_cancelled",
        "_env",
        "_notes",
        "_records",
        "_state",
        "_state_before",
        "answer",
        "attempt",
        "deadline",
        "generation",
        "node_id",
    )

    def __init__(
        self,
        node_id: str,
        env: Environment,
        attempt: int = 1,
        *,
        generation: int = 0,
        deadline: float | None = None,
    ) -> None:
        self.node_id = node_id
        self.attempt = attempt
        self.generation = generation
        self.deadline = deadline
        self._env = env
        self._notes: Notes | None = None
        self._records: RecordAccess | None = None
        self._cancelled = False
        self.answer: Reply | None = None
        self._state_before: bytes | None = None
        self._state: JSON = None

    @property
    def notes(self) -> Notes:
        """What the node has said, made when it first says something."""
        if self._notes is None:
            self._notes = Notes()
        return self._notes

    @property
    def said(self) -> Notes | None:
        """What the node has said, or nothing if it has been silent."""
        return self._notes

    @property
    def execution_id(self) -> str:
        """The id of the execution."""
        return self._env.execution_id

    @property
    def organization(self) -> str | None:
        """The organisation that the execution belongs to, if any."""
        return self._env.organization

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels given when the execution was asked for."""
        return self._env.labels

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The execution's inputs as they were given; not to be changed."""
        return self._env.inputs

    @property
    def timezone(self) -> str:
        """The IANA zone of date-times that say none."""
        return self._env.timezone

    @property
    def locale(self) -> str:
        """How texts for people write numbers, such as `es-ES`."""
        return self._env.locale

    @property
    def language(self) -> str:
        """`en` or `es`."""
        return self._env.language

    @property
    def dry_run(self) -> bool:
        """Whether nothing outside may be changed."""
        return self._env.dry_run

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this node in this execution; another after a retry."""
        text = f"{self.execution_id}\n{self.node_id}\n{self.generation}"
        return hashlib.sha256(text.encode()).hexdigest()[:40]

    @property
    def log(self) -> Log:
        """The node's log."""
        return Log(self.notes)

    def now(self) -> datetime:
        """This moment in UTC: the only clock that a handler may read."""
        return self._env.clock()

    def say(self, message: str, **report: Any) -> None:
        """Say in one line what was done, and what stands beside the output in the result.

        Names in `report` are written in camelCase. A value that is also handed on by a port is
        kept once. `ValueError` for a name that the result has already.
        """
        for name in report:
            if name.replace("_", "").lower() in TAKEN:
                text = f"the result has '{name}' of its own; give what is reported another name"
                raise ValueError(text)
        self.notes.message = clean_text(message)[:MAX_MESSAGE_CHARACTERS]
        self.notes.report.update(report)

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """How far the node is; seen by whoever watches within a second."""
        self.notes.progress = {"done": done, "total": total, "message": clean_text(message)[:200]}
        self.notes.tell()
        self.check()

    def check(self) -> None:
        """Raise if the execution was cancelled or the node's time is over; call it in loops."""
        if self._cancelled:
            raise ExecutionCancelled
        if self.deadline is not None and monotonic() > self.deadline:
            raise NodeTimeout(seconds=0)

    def afford(self, size: int, what: str = "records") -> None:
        """Raise `NodeMemory` if `size` bytes are more than a node may build; ask before building.

        The limit is the operator's, `CAUDAL_NODE_MEMORY`; without one everything may be built.
        """
        limit = self._env.node_memory
        if limit is not None and size > limit:
            raise NodeMemory(size, limit, what)

    def cancel(self) -> None:
        """Make the next `check()` raise; the engine calls this."""
        self._cancelled = True

    @property
    def cancelled(self) -> bool:
        """Whether the engine no longer waits for this node."""
        return self._cancelled

    @overload
    def render(self, value: JSON, data: Records, *, people: bool = False) -> list[JSON]: ...
    @overload
    def render(self, value: JSON, data: Row, *, people: bool = False) -> JSON: ...
    def render(self, value: JSON, data: Records | Row, *, people: bool = False) -> JSON:
        """Fill the templates in a config value from a record, or from each of `Records`.

        `people=True` writes numbers by the execution's locale. `UnknownField` names a field that
        is nowhere in the data.
        """
        style = People(self.locale) if people else None
        if not isinstance(data, Records):
            return render_value(value, data, people=style)
        return render_rows(value, data, style)

    def file(self, name: str) -> Path:
        """The file of this id or path, if the operator allows it; else `FileRefused`."""
        return self._env.files.path(name)

    def file_name(self, name: str) -> str:
        """What people call the file of this id or path."""
        return self._env.files.name(name)

    def in_worker(
        self,
        function: Callable[[Any], Any],
        argument: Any,
        *,
        what: str,
        seconds: float | None = None,
    ) -> Answer:
        """Call a function with a JSON value in a process of its own, and wait for what it returns.

        For what can hang, take all memory or end the program: parsing files of strangers. Of the
        function, which stands in a module by its name, the worker imports the module; it returns a
        JSON value, or an `Answer` with bytes beside it. `what` names the work in errors. The limits
        are the operator's (`CAUDAL_FILE_SECONDS`, `CAUDAL_FILE_MEMORY`); `seconds` may ask for less
        time. `WorkerLimit` where it takes too much, `WorkerCrashed` where the process ends, and
        the function's own `CaudalError`. A cancelled node ends its worker.
        """
        limits = self._env.limits
        if seconds is not None:
            limits = Limits(min(seconds, limits.seconds), limits.memory)
        return shared_workers().run(function, argument, what=what, limits=limits, check=self.check)

    @property
    def records(self) -> RecordAccess:
        """The entities that can be read and written; see `caudal_core.stores.RecordAccess`."""
        if self._records is None:
            self._records = RecordAccess(
                self._env.records,
                effect=self.idempotency_key,
                now=self.now,
                check=self.check,
                afford=self.afford,
                organization=self.organization,
                dry_run=self.dry_run,
            )
        return self._records

    @property
    def http(self) -> NoReturn:
        """The guarded HTTP client."""
        raise _absent("the guarded HTTP client", "el cliente HTTP protegido")

    def connection(self, connection_id: str) -> NoReturn:
        """The open session of a connection."""
        raise _absent(f"the connection '{connection_id}'", f"la conexión '{connection_id}'")

    def blob_writer(self) -> NoReturn:
        """A writer for data that is too large to hold in memory."""
        raise _absent("writing blobs piece by piece", "escribir blobs por partes")

    @property
    def state(self) -> JSON:
        """What this node of this workflow keeps from one execution to the next.

        An empty object at first, of up to 64 kB as JSON. It may be changed in place or set anew;
        what it is when the handler returns is kept, in the transaction of the node's result, and
        nothing is kept when the handler raises. Of two executions at one time the last one wins.
        """
        if self._state_before is None:
            read = self._env.read_state
            found = None if read is None else read(self._env.workflow_id, self.node_id)
            self._state_before = found or b"{}"
            self._state = decode(self._state_before)
        return self._state

    @state.setter
    def state(self, value: JSON) -> None:
        _ = self.state
        self._state = value

    @property
    def has_read_state(self) -> bool:
        """Whether the handler has looked at what it keeps; the runner asks this."""
        return self._state_before is not None

    def changed_state(self) -> bytes | None:
        """What is to be kept, in journal form; nothing where it is as before.

        `InvalidResult` where it takes more than it may.
        """
        kept = encode(normalise(self._state))
        if len(kept) > MAX_STATE:
            raise InvalidResult(
                f"ctx.state takes {len(kept):,} bytes; {MAX_STATE:,} are the limit",
                es=f"ctx.state ocupa {len(kept):,} bytes; el límite es {MAX_STATE:,}",
                hint="keep large data in an entity: ctx.records",
            )
        return None if kept == self._state_before else kept


def _absent(what: str, what_es: str) -> NotAvailable:
    return NotAvailable(
        f"{what} is not available in this version of Caudal",
        es=f"{what_es} no está disponible en esta versión de Caudal",
    )
