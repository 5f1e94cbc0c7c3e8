"""Worker processes: what they answer, and that nothing they do harms their parent."""

import sys
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest
from tests.core import labours

from caudal_core import HandlerError, UnknownField, WorkerCrashed, WorkerLimit
from caudal_core.context import Context, Environment
from caudal_core.errors import ExecutionCancelled
from caudal_core.workers import Answer, Limits, Workers

MEBIBYTE = 1 << 20


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Workers of the test's own, ended with it."""
    made = Workers(2)
    yield made
    made.close()


def run(
    workers: Workers,
    function: Callable[[Any], Any],
    argument: Any = None,
    *,
    seconds: float = 60,
    memory: int = 1 << 30,
    check: Callable[[], None] = lambda: None,
) -> Answer:
    """What a function comes to in a worker."""
    limits = Limits(seconds, memory)
    return workers.run(function, argument, what="the test", limits=limits, check=check)


def test_a_worker_answers(workers: Workers) -> None:
    """A JSON value goes there and one comes back, with bytes beside it if the function likes."""
    assert 42 == run(workers, labours.double, 21).value
    assert b"x" * MEBIBYTE == run(workers, labours.echo, MEBIBYTE).body


def test_a_worker_is_used_again(workers: Workers) -> None:
    """The second piece of work finds the process of the first."""
    first, second = (run(workers, labours.echo, 1).value for _ in range(2))
    assert first == second


def test_too_long_is_ended(workers: Workers) -> None:
    """Work beyond its time is ended, with an error that says the limit; the next goes on."""
    with pytest.raises(WorkerLimit, match=r"the test took longer than 0.2 s.*CAUDAL_FILE_SECONDS"):
        run(workers, labours.sleep, 60, seconds=0.2)
    assert 2 == run(workers, labours.double, 1).value


def test_too_much_memory_is_refused(workers: Workers) -> None:
    """Work that asks for more memory than it may have fails; the same worker then has room."""
    if sys.platform == "linux":
        with pytest.raises(WorkerLimit, match=r"more than 200 MiB .*CAUDAL_FILE_MEMORY"):
            run(workers, labours.swallow, 400 * MEBIBYTE, memory=200 * MEBIBYTE)
    assert MEBIBYTE == run(workers, labours.swallow, MEBIBYTE, memory=200 * MEBIBYTE).value


def test_an_abort_ends_the_worker_alone(workers: Workers) -> None:
    """What ends the worker is an error here, and the next piece of work gets another."""
    with pytest.raises(WorkerCrashed, match=r"ended the process that did it \(exit code -6\)"):
        run(workers, labours.abort)
    assert 2 == run(workers, labours.double, 1).value


def test_its_errors_are_raised_here(workers: Workers) -> None:
    """A typed error arrives as it is; one of a class unknown here, or a mistake, with its text."""
    with pytest.raises(UnknownField, match="did you mean 'price'"):
        run(workers, labours.refuse, "prise")
    with pytest.raises(HandlerError, match="strange"):
        run(workers, labours.own)
    with pytest.raises(WorkerCrashed, match="IndexError: no such index"):
        run(workers, labours.stumble)


def test_cancelling_ends_the_work(workers: Workers) -> None:
    """Whoever cancels does not wait for what can no longer be of use."""
    ctx = Context("n", Environment())
    ctx.cancel()
    with pytest.raises(ExecutionCancelled):
        run(workers, labours.sleep, 600, check=ctx.check)


def test_secrets_stay_at_home(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker reads what strangers made: it has none of the server's environment."""
    monkeypatch.setenv("OPENAI_API_KEY", "invented")
    assert "OPENAI_API_KEY" not in run(workers, labours.secrets).value


def test_more_work_than_workers(workers: Workers) -> None:
    """What finds no free worker waits for one."""
    found: list[Any] = []
    threads = [
        Thread(target=lambda n=n: found.append(run(workers, labours.double, n).value))  # type: ignore[misc]
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [0, 2, 4, 6, 8, 10] == sorted(found)


def test_a_handler_asks_its_context() -> None:
    """`ctx.in_worker` works with the limits of the execution; a handler may ask for less time."""
    ctx = Context("n", Environment(limits=Limits(60, 1 << 30)))
    assert 42 == ctx.in_worker(labours.double, 21, what="doubling").value
    with pytest.raises(WorkerLimit, match=r"waiting took longer than 0.2 s"):
        ctx.in_worker(labours.sleep, 60, what="waiting", seconds=0.2)
