"""Handlers that see one record at a time: order, bounded concurrency, failed rows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from caudal_core.context import Context
from caudal_core.errors import CaudalError, DataError, InvalidResult, error_text
from caudal_core.handler import Handler, Outputs
from caudal_core.records import Records

ROWS_AT_ONCE = 16
FAILED_ROWS_SHOWN = 20


class RowFailed(DataError):
    """A record that the handler could not take, by its index from 0."""

    code = "ROW_FAILED"
    en = "row {row}: {cause}"
    es = "fila {row}: {cause}"
    hint_en = "mend the row, or set onRowError to drop or keep"
    hint_es = "corrija la fila o ponga onRowError en drop o keep"

    def __init__(self, row: int, cause: str) -> None:
        CaudalError.__init__(self, message="", row=row, cause=cause)


def _record(returned: Any) -> dict[str, Any]:
    """What a handler made of a record, which is a record."""
    if isinstance(returned, Mapping) and not isinstance(returned, Outputs):
        return dict(returned)
    what = f"a {type(returned).__name__}"
    raise InvalidResult(
        f"the handler made {what} of a record, and one of single records makes a record",
        es=f"el manejador hizo {what} de un registro, y debe hacer un registro",
        hint="return an object, such as {**row, 'volume': 1.5}",
    )


def _is_ours(error: BaseException) -> bool:
    """Whether the task is being stopped, and the handler did not raise that by itself."""
    task = asyncio.current_task()
    cancelled = isinstance(error, asyncio.CancelledError) and task and task.cancelling()
    return isinstance(error, GeneratorExit) or bool(cancelled)


class Rows:
    """Collects what became of each record; `policy` is `fail`, `drop` or `keep`."""

    def __init__(self, data: Records, ctx: Context, policy: str) -> None:
        self._data = data
        self._ctx = ctx
        self._policy = policy
        self._out: list[Any] = [None] * len(data)
        self._failed: dict[int, str] = {}
        self._done = 0

    def run(self, handler: Handler, config: Any) -> Records:
        """Every record through a `def` handler."""
        for index, row in enumerate(self._data.rows()):
            try:
                self._out[index] = _record(handler.function(config, row, self._ctx))
            except BaseException as error:  # noqa: BLE001 - it is the row's failure
                self._failure(index, row, error)
            self._ended()
        return self._collected()

    async def run_async(self, handler: Handler, config: Any) -> Records:
        """Every record through an `async def` handler, a bounded number at once."""
        queue = iter(enumerate(self._data.rows()))

        async def worker() -> None:
            for index, row in queue:
                try:
                    self._out[index] = _record(await handler.function(config, row, self._ctx))
                except BaseException as error:
                    if _is_ours(error):
                        raise
                    self._failure(index, row, error)
                self._ended()

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(ROWS_AT_ONCE, len(self._out))):
                    group.create_task(worker())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return self._collected()

    def _ended(self) -> None:
        self._done += 1
        self._ctx.progress(self._done, len(self._out))

    def _failure(self, index: int, row: dict[str, Any], error: BaseException) -> None:
        if self._policy == "fail" or self._ctx.cancelled:
            raise RowFailed(index, error_text(error)) from error
        self._failed[index] = error_text(error)
        self._out[index] = row if self._policy == "keep" else None

    def _collected(self) -> Records:
        if self._failed:
            shown = sorted(self._failed.items())[:FAILED_ROWS_SHOWN]
            self._ctx.notes.report["failedRows"] = [{"row": i, "error": e} for i, e in shown]
            self._ctx.notes.report["failedCount"] = len(self._failed)
        kept = [
            row
            for index, row in enumerate(self._out)
            if self._policy != "drop" or index not in self._failed
        ]
        single = self._data.single and len(kept) == 1
        return Records(kept, single=single, metadata=self._data.metadata)
