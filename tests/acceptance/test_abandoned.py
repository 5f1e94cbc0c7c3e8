"""Handlers that go on after a cancel: they cost the server nothing but their threads."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

from tests.acceptance.client import LONGEST
from tests.acceptance.flows import Document, chain, node
from tests.acceptance.serving import Server, serving

THREADS = 3
LATE = 4.0
"""Seconds in which a cancelled execution ends, on a machine that has more to do."""


def deaf(folder: Path, name: str) -> Document:
    """A workflow whose only node goes on until there is a file `go`."""
    config = {"folder": str(folder), "mine": name, "others": ["go"]}
    return chain(node("d", "trialDeaf", config))


def abandoned(server: Server) -> int:
    """What the gauge shows."""
    text = server.ask("GET", "/metrics").content.decode()
    found = re.search(r"^caudal_abandoned_threads(?:{.*})? (\d+)", text, re.MULTILINE)
    assert found is not None
    return int(found[1])


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that nobody tells of."""
    end = monotonic() + LONGEST
    while not condition():
        assert monotonic() < end
        sleep(0.02)


def test_threads_that_hear_of_no_cancel(tmp_path: Path) -> None:
    """Counted, named, told to the balancer once most are lost; and all is well when they end."""
    with serving(tmp_path, CAUDAL_MAX_RUNNING=str(THREADS)) as server:
        for number in range(THREADS - 1):
            server.ask("GET", "/readyz").expect(200)
            assert number == abandoned(server)
            identity = server.start(deaf(tmp_path, f"deaf{number}"))
            until((tmp_path / f"deaf{number}").exists)
            begun = monotonic()
            server.post(f"/api/executions/{identity}/cancel")
            assert "cancelled" == server.ended(identity).state
            assert monotonic() < begun + LATE
            said = f"the handler 'trialDeaf' goes on.*node d of execution {identity}"
            until(lambda wanted=said: re.search(wanted, server.said) is not None)  # type: ignore[misc]
        assert THREADS - 1 == abandoned(server)
        told = server.get("/readyz", 503)["detail"]
        assert f"nodes have abandoned {THREADS - 1} threads" in told
        (tmp_path / "others").mkdir()
        (tmp_path / "others" / "go").touch()
        others = [server.start(deaf(tmp_path / "others", f"{n}")) for n in range(2 * THREADS)]
        assert {"completed"} == {server.ended(identity).state for identity in others}
        (tmp_path / "go").touch()
        until(lambda: abandoned(server) == 0)
        server.ask("GET", "/readyz").expect(200)
