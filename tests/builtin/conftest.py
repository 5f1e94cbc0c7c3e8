"""What many tests of the built-in handlers are given."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.builtin.files import Read, reader
from tests.builtin.record_stores import opened

from caudal_core.stores import RecordStore


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes a file of this content and reads it: `read("a;b", decimal=",")`."""
    return reader(tmp_path)


@pytest.fixture
def store(kind: str, tmp_path: Path) -> Iterator[RecordStore]:
    """An empty store."""
    with opened(kind, tmp_path) as found:
        yield found
