"""A call with a key that is made again, whatever became of the server meanwhile."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from time import sleep

import pytest
from tests.acceptance.client import LONGEST, Client
from tests.acceptance.flows import chain, made, node
from tests.acceptance.serving import serving

PATH = "/api/workflows/execute"
BODY = {"workflow": chain(made("a", {"x": 1}), node("o", "output"), id="asked"), "labels": {}}


@pytest.mark.crash
def test_one_execution_for_each_key(tmp_path: Path) -> None:
    """Killed while clients ask by keys, and asked again, the server has one execution a key."""
    answered: dict[str, str] = {}
    asked: list[str] = []

    def keep_asking(port: int, client: int) -> None:
        http = Client(port)
        with closing(http):
            for number in range(10_000):
                key = f"{client}-{number}"
                asked.append(key)
                try:
                    answer = http.ask("POST", PATH, BODY, Idempotency_Key=key)
                except (OSError, HTTPException):
                    return
                answered[key] = answer.expect(200)["executionId"]

    with serving(tmp_path) as server:
        threads = [threading.Thread(target=keep_asking, args=(server.port, n)) for n in range(4)]
        for thread in threads:
            thread.start()
        while len(answered) < 100:
            sleep(0.005)
        server.end(signal.SIGKILL)
        for thread in threads:
            thread.join(LONGEST)
    with serving(tmp_path) as server:
        again = {}
        for key in asked:
            answer = server.ask("POST", PATH, BODY, Idempotency_Key=key).expect(200)
            again[key] = answer["executionId"]
        assert answered == {key: again[key] for key in answered}
        assert len(again) == len(set(again.values()))
        found = server.get("/api/workflows/asked/executions?limit=1")["total"]
        assert len(again) == found
        states = Counter(server.ended(identity).state for identity in again.values())
        assert {"completed": len(again)} == states
