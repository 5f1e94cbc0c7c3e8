"""Who is to be told of what: written with what happened, delivered when that is on disk.

A notice is written in the transaction of what it tells of. A workflow that is told is executed by a
key of the notice's own, and the notice is deleted in the transaction that accepts the execution: so
it is told once, whenever the server dies. A URL is called until it answers; after a crash it may be
called once more, with the same id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import time
from typing import TYPE_CHECKING, Any

from caudal_core.engine.telling.bursts import Bursts
from caudal_core.engine.telling.delivery import Delivery
from caudal_core.engine.telling.ended import About, Ended, moment
from caudal_core.engine.telling.postman import Postman
from caudal_core.journal.notice import (
    ARMED,
    CALLBACK,
    DELIVERED,
    DUE,
    FAILURE,
    RECOVERY,
    WAITING,
    Notice,
    Workflow,
)
from caudal_core.journal.statements import Statement
from caudal_core.values import decode, encode
from caudal_core.workflow import Settings, content_hash

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine

ORIGIN = "notice"
"""What marks an execution that tells of another one."""

AILING = 10_000
"""Workflows whose recovery is waited for; of more, the oldest is forgotten."""


class Outbox:
    """`busy` says whether also the end of an execution that did not fail concerns somebody.

    `base_url` is where the server can be reached, for links.
    """

    def __init__(self, engine: Engine) -> None:
        self.busy = False
        self.base_url = ""
        self._bursts = Bursts(lambda: engine.options, self._write, self._is_gone)
        self.delivery = Delivery(engine, self._bursts.taken)
        self.postman = Postman(engine)
        self._engine = engine
        self._callbacks: dict[str, Notice] = {}
        self._ailing: dict[Workflow, Notice] = {}
        self._reminders: dict[str, Notice] = {}

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
                if not notice.attempts and (notice.due or 0.0) > time():
                    self._bursts.go_on(notice)  # else somebody may have been told of it already
                if notice.kind == WAITING:
                    self._reminders[notice.id] = notice
                self.delivery.add(notice)
            elif notice.kind == CALLBACK:
                self._callbacks[notice.execution or ""] = notice
            else:
                self._ailing[notice.workflow] = notice
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
        known = {notice.workflow: notice for notice in found}
        for workflow, notice in list(self._ailing.items()):
            if notice.created < before and workflow not in known:
                del self._ailing[workflow]
        for workflow, notice in known.items():
            self._ailing.setdefault(workflow, notice)
        self._look()

    # -- what happens ----------------------------------------------------------------------------

    def callback(self, execution_id: str, url: str) -> Notice:
        """The notice that has a URL called when an execution has ended, not written yet."""
        return Notice.new(CALLBACK, url, execution_id, ARMED)

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
            notice = Notice.new(FAILURE, target, record.id, DUE, end.workflow)
            self._bursts.gather(notice, told, cause)
        back = settings.on_recovery.workflow_id if settings.on_recovery else None
        if back is None and target is not None and target.startswith(("http://", "https://")):
            back = target
        if back is not None and end.workflow not in self._ailing:
            notice = Notice.new(RECOVERY, back, record.id, ARMED, end.workflow)
            since = {"since": moment(end.completed), "failed": told["execution"]}
            notice.told = encode({**since, "failedWith": end.error})
            self._ail(end.workflow, notice)

    def _ail(self, workflow: Workflow, notice: Notice) -> None:
        if len(self._ailing) >= AILING:
            oldest = self._ailing.pop(next(iter(self._ailing)))
            self._engine.journal.write(Statement.DROP_NOTICE, (oldest.id,))
        self._ailing[workflow] = notice
        self._write(notice)

    def _completed(self, end: Ended) -> None:
        notice = self._ailing.get(end.workflow)
        if notice is None or end.record.created < notice.created:
            return  # it had begun before the failure, so it says nothing about now
        del self._ailing[end.workflow]
        before = decode(notice.told or b"{}")
        notice.execution = end.record.id
        notice.told = encode({**end.told(self._link(end.record.id)), **before})
        notice.state, notice.due = DUE, self._bursts.calm(end.workflow)
        self._write(notice, tell=True)

    def target(self, settings: Settings) -> str | None:
        """Who is told of what goes wrong with a workflow: by its own settings, or the engine's."""
        own = settings.on_failure
        return self._engine.options.on_failure if own is None else own.workflow_id

    def notify(
        self,
        kind: str,
        told: Mapping[str, Any],
        about: About,
        *,
        cause: str,
        once: str | None = None,
    ) -> bool:
        """Tell whoever is told of a workflow's failures something else; whether there is somebody.

        What has the same `kind` and `cause` in a short time is one notice with a count. A workflow
        is told once of what has the same name in `once`. It is in the transaction of what is
        written just before.
        """
        target = self.target(about.settings)
        if target is None:
            return False
        whole = repr((kind, *about.workflow, target, cause)).encode(errors="replace")
        notice = Notice.new(kind, target, about.execution, DUE, about.workflow)
        notice.id = once or notice.id
        self._bursts.gather(notice, told, content_hash(whole))
        return True

    def remind(self, name: str, told: Mapping[str, Any], about: About, seconds: float) -> None:
        """Tell whoever is told of failures that something still waits, in so many seconds.

        `name` names what waits; `settle` forgets it. To be called when that is written.
        """
        target = self.target(about.settings)
        if target is None:
            return
        notice = Notice.new(WAITING, target, about.execution, DUE, about.workflow)
        notice.id, notice.due = f"{WAITING}:{name}", notice.created + seconds
        notice.told = encode(dict(told))
        self._reminders[notice.id] = notice
        self._write(notice, tell=True)

    def settle(self, name: str) -> None:
        """Nobody need be reminded of it any more; to be called when that is written."""
        notice = self._reminders.pop(f"{WAITING}:{name}", None)
        if notice is not None:
            notice.state = DELIVERED  # should it be on its way to the disk, it is not told
            self.delivery.drop(notice.id)
        elif self._engine.storage.exclusive:
            return
        # Else another server may have written it.
        self._engine.journal.write(Statement.DROP_NOTICE, (f"{WAITING}:{name}",))

    def _is_gone(self, notice: Notice) -> bool:
        """Whether another server may be delivering it by now."""
        return not self._engine.storage.exclusive and (notice.due or 0.0) <= time()

    def _write(self, notice: Notice, *, tell: bool = False) -> None:
        subject = notice if tell else None
        self._engine.journal.write(Statement.NOTICE, notice.row(), subject)

    def _link(self, execution_id: str) -> str:
        return f"{self.base_url}/api/executions/{execution_id}"

    def _look(self) -> None:
        self.busy = bool(self._callbacks or self._ailing)
