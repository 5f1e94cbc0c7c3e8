"""Who is to be told of what: written with what happened, delivered when that is on disk.

A notice is written in the transaction of what it tells of. A workflow that is told is executed by a
key of the notice's own, and the notice is deleted in the transaction that accepts the execution: so
it is told once, whenever the server dies. A URL is called until it answers; after a crash it may be
called once more, with the same id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import time
from typing import TYPE_CHECKING, Any

from caudal_core.engine.delivery import Delivery
from caudal_core.engine.execution import new_id
from caudal_core.engine.postman import Postman
from caudal_core.engine.telling import Ended, moment
from caudal_core.journal.notice import ARMED, CALLBACK, DUE, FAILURE, RECOVERY, Notice
from caudal_core.journal.statements import Statement
from caudal_core.values import decode, encode
from caudal_core.workflow import Settings, content_hash

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine

ORIGIN = "notice"
"""What marks an execution that tells of another one."""

LONGEST = 3_600.0
"""Seconds for which what happens again and again is gathered at most."""

REMEMBERED = 1_000
"""Causes that are remembered."""

Workflow = tuple[str | None, str]


@dataclass(slots=True)
class _Burst:
    """What happens for one cause: the notice that gathers it, if one does, and for how long.

    What goes on is gathered twice as long each time, until it has been quiet up to `quiet`.
    """

    workflow: Workflow
    notice: Notice | None
    window: float
    quiet: float = 0.0


class Outbox:
    """`busy` says whether also the end of an execution that did not fail concerns somebody.

    `base_url` is where the server can be reached, for links.
    """

    def __init__(self, engine: Engine) -> None:
        self.busy = False
        self.base_url = ""
        self.delivery = Delivery(engine, self._taken)
        self.postman = Postman(engine)
        self._engine = engine
        self._callbacks: dict[str, Notice] = {}
        self._ailing: dict[Workflow, Notice] = {}
        self._bursts: dict[str, _Burst] = {}

    async def start(self) -> None:
        """Go on with what was not delivered when the last engine stopped."""
        history = self._engine.storage.history
        if history is None:
            return
        if not self._engine.storage.exclusive:
            self.postman.start()
            return
        for notice in await self._engine.read(history.notices):
            if notice.state == DUE:
                if notice.cause is not None:
                    window = self._engine.options.notice_seconds
                    self._bursts[notice.cause] = _Burst(_workflow(notice), notice, window)
                self.delivery.add(notice)
            elif notice.kind == CALLBACK:
                self._callbacks[notice.execution or ""] = notice
            else:
                self._ailing[_workflow(notice)] = notice
        self._look()

    def committed(self, notice: Notice) -> None:
        """It is on disk: now it may be delivered."""
        if notice.state == DUE and (self._engine.storage.exclusive or self.postman.delivers):
            self.delivery.add(notice)

    async def close(self) -> None:
        """Leave the rest to the next engine, or to another server."""
        await self.postman.close()
        await self.delivery.close()

    # -- what other servers do -------------------------------------------------------------------

    def adopt(self, callback: Notice) -> None:
        """Its execution goes on here."""
        if callback.state == ARMED:
            self._callbacks[callback.execution or ""] = callback
            self.busy = True

    def forget(self, execution_id: str) -> None:
        """Its execution goes on at another server."""
        self._callbacks.pop(execution_id, None)
        self._look()

    def armed_elsewhere(self, found: Sequence[Notice], *, before: float) -> None:
        """Which workflows ail, by what the database says; what is younger than `before` stays."""
        known = {_workflow(notice): notice for notice in found}
        for workflow, notice in list(self._ailing.items()):
            if notice.created < before and workflow not in known:
                del self._ailing[workflow]
        for workflow, notice in known.items():
            self._ailing.setdefault(workflow, notice)
        self._look()

    # -- what happens ----------------------------------------------------------------------------

    def callback(self, execution_id: str, url: str) -> Notice:
        """The notice that has a URL called when an execution has ended, not written yet."""
        return _new(CALLBACK, url, execution_id, ARMED)

    def arm(self, callback: Notice) -> None:
        """Have it called; to be called when its execution is accepted, in that transaction."""
        self._callbacks[callback.execution or ""] = callback
        self._write(callback)
        self.busy = True

    def disarm(self, callback: Notice) -> None:
        """Forget it: its execution was not accepted after all."""
        self._callbacks.pop(callback.execution or "", None)
        self._engine.journal.write(Statement.DROP_NOTICE, (callback.id,))
        self._look()

    def awaited(self, execution_id: str) -> Notice | None:
        """The callback that waits for the end of an execution."""
        return self._callbacks.get(execution_id)

    def ended(self, end: Ended) -> None:
        """An execution has ended; to be called when that is written, in the same transaction."""
        notice = self._callbacks.pop(end.record.id, None)
        if notice is not None:
            notice.state, notice.due = DUE, time()
            self._write(notice, tell=True)
        if end.record.origin != ORIGIN:
            if end.state == "failed":
                self._failed(end)
            elif end.state == "completed":
                self._completed(end)
        self._look()

    def _failed(self, end: Ended) -> None:
        settings, record = end.settings, end.record
        target = self.target(settings)
        told = end.told(self._link(record.id))
        if target is not None:
            cause = end.cause(target)
            self._gather(FAILURE, target, told, cause=cause, workflow=end.workflow, of=record.id)
        back = settings.on_recovery.workflow_id if settings.on_recovery else None
        if back is None and target is not None and target.startswith(("http://", "https://")):
            back = target
        if back is not None and end.workflow not in self._ailing:
            notice = _new(RECOVERY, back, record.id, ARMED)
            notice.organization, notice.workflow_id = end.workflow
            since = {"since": moment(end.completed), "failed": told["execution"]}
            notice.told = encode({**since, "failedWith": end.error})
            self._ailing[end.workflow] = notice
            self._write(notice)

    def _completed(self, end: Ended) -> None:
        notice = self._ailing.get(end.workflow)
        if notice is None or end.record.created < notice.created:
            return  # it had begun before the failure, so it says nothing about now
        del self._ailing[end.workflow]
        before = decode(notice.told or b"{}")
        notice.execution = end.record.id
        notice.told = encode({**end.told(self._link(end.record.id)), **before})
        notice.state, notice.due = DUE, self._calm(end.workflow)
        self._write(notice, tell=True)

    def _calm(self, workflow: Workflow) -> float:
        """Its next failure is told as the first one was; when the last one will have been told."""
        mine = [cause for cause, burst in self._bursts.items() if burst.workflow == workflow]
        due = time()
        for cause in mine:
            notice = self._bursts[cause].notice
            if notice is None:
                del self._bursts[cause]
            else:
                due = max(due, notice.due or due)
        return due

    def target(self, settings: Settings) -> str | None:
        """Who is told of what goes wrong with a workflow: by its own settings, or the engine's."""
        own = settings.on_failure
        return self._engine.options.on_failure if own is None else own.workflow_id

    def notify(
        self,
        kind: str,
        told: Mapping[str, Any],
        *,
        settings: Settings,
        workflow: Workflow,
        cause: str,
        of: str | None = None,
    ) -> bool:
        """Tell whoever is told of a workflow's failures something else; whether there is somebody.

        `workflow` is its organisation and id, `of` the execution that it is about. What has the
        same `kind` and `cause` in a short time is one notice with a count. It is in the
        transaction of what is written just before.
        """
        target = self.target(settings)
        if target is None:
            return False
        whole = content_hash(repr((kind, *workflow, target, cause)).encode(errors="replace"))
        self._gather(kind, target, dict(told), cause=whole, workflow=workflow, of=of)
        return True

    def _gather(
        self,
        kind: str,
        target: str,
        told: dict[str, Any],
        *,
        cause: str,
        workflow: Workflow,
        of: str | None,
    ) -> None:
        now = time()
        burst = self._bursts.get(cause)
        if burst is not None and burst.notice is not None and self._is_gone(burst.notice):
            self._taken(burst.notice)
        if burst is not None and burst.notice is not None:
            notice = burst.notice
            notice.count += 1
            notice.told = encode({**decode(notice.told or b"{}"), "until": moment(now)})
            self._write(notice)
            return
        window = self._engine.options.notice_seconds
        if burst is not None and now < burst.quiet:
            window = min(2 * burst.window, LONGEST)
        notice = _new(kind, target, of, DUE)
        notice.organization, notice.workflow_id = workflow
        notice.cause, notice.due = cause, now + window
        notice.told = encode({**told, "since": moment(now), "until": moment(now)})
        self._bursts[cause] = _Burst(workflow, notice, window)
        self._write(notice, tell=True)

    def _is_gone(self, notice: Notice) -> bool:
        """Whether another server may be delivering it by now."""
        return not self._engine.storage.exclusive and (notice.due or 0.0) <= time()

    def _taken(self, notice: Notice) -> None:
        """It is being delivered: what happens from now on is told by the next one."""
        burst = self._bursts.get(notice.cause) if notice.cause is not None else None
        if burst is None or burst.notice is not notice:
            return
        now = time()
        burst.notice, burst.quiet = None, now + 2 * burst.window
        if len(self._bursts) > REMEMBERED:
            gone = [key for key, b in self._bursts.items() if b.notice is None and b.quiet < now]
            for key in gone:
                del self._bursts[key]

    def _write(self, notice: Notice, *, tell: bool = False) -> None:
        subject = notice if tell else None
        self._engine.journal.write(Statement.NOTICE, notice.row(), subject)

    def _link(self, execution_id: str) -> str:
        return f"{self.base_url}/api/executions/{execution_id}"

    def _look(self) -> None:
        self.busy = bool(self._callbacks or self._ailing)


def _new(kind: str, target: str, execution: str | None, state: str) -> Notice:
    return Notice(
        id=new_id(),
        kind=kind,
        state=state,
        target=target,
        execution=execution,
        workflow_id=None,
        organization=None,
        cause=None,
        count=1,
        created=time(),
        due=None,
    )


def _workflow(notice: Notice) -> Workflow:
    return notice.organization, notice.workflow_id or ""
