"""Addresses with characters that no text of a database can hold."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.acceptance.serving import Server
from tests.acceptance.shared import Cluster
from tests.builtin.record_stores import schema


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on a PostgreSQL."""
    with schema() as url:
        cluster = Cluster(tmp_path_factory.mktemp("shared"), url)
        with cluster.server("one") as server:
            yield server
        cluster.database.dispose()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/executions/%00", 404),
        ("DELETE", "/api/executions/%00", 404),
        ("POST", "/api/executions/%00/cancel", 404),
        ("POST", "/api/executions/%00/retry", 404),
        ("GET", "/api/executions/%00/nodes/a/data", 404),
        ("GET", "/api/executions?workflowId=%00", 200),
        ("GET", "/api/executions?ids=%00", 200),
        ("GET", "/api/workflows/%00/versions/1", 404),
        ("DELETE", "/api/workflows/%00", 404),
        ("GET", "/api/approvals/%00", 404),
        ("GET", "/api/approvals?cursor=%00", 200),
        ("GET", "/api/effects?executionId=%00", 200),
        ("GET", "/api/schedules/%00/ticks", 404),
    ],
)
def test_a_nul_is_not_found_in_either_database(
    server: Server, shared: Server, method: str, path: str, status: int
) -> None:
    """NUL in an id or a filter is one that nothing has: the same answer from both databases."""
    asked = [each.ask(method, path).expect(status) for each in (server, shared)]
    assert asked[0].get("detail") == asked[1].get("detail")
