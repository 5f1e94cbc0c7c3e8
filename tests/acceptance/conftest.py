"""One server for all tests that do not need one of their own."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest
from tests.acceptance.serving import Server, serving
from tests.acceptance.shared import cluster

__all__ = ["cluster"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the built-in handlers and those of `trial.py`."""
    with serving(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the server wrote beside a test that failed."""
    report = yield
    found = getattr(item, "funcargs", {}).get("server")
    if report.failed and isinstance(found, Server):
        report.sections.append(("what the server wrote", found.said[-4_000:]))
    return report
