"""Large values elsewhere: any place of fsspec does, and an engine goes on from it."""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.core.engines import ended
from tests.core.flows import HANDLERS, document, give

from caudal_core import Config, Context, Records, handler, hookspecs
from caudal_core.engine import Engine, FolderStorage
from caudal_core.errors import NotFound
from caudal_core.journal.remote import RemoteBlobs
from caudal_core.payload import TablePayload
from caudal_core.registry import Registry

MANY = [{"n": n, "text": "x" * 20} for n in range(5_000)]


def test_what_was_put_is_there(tmp_path: Path) -> None:
    """The bytes come back under their hash, put once or twice; nothing else is left."""
    blobs = RemoteBlobs(f"local://{tmp_path}")
    name = blobs.put(b"much")
    assert (name, b"much") == (blobs.put(memoryview(b"much")), blobs.get(name))
    assert [name] == [path.name for path in tmp_path.rglob("*") if path.is_file()]
    with pytest.raises(NotFound):
        blobs.get("0" * 64)


def test_no_way_there_is_an_error_that_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a filesystem raises is an `OSError`, so that a result waits and is not lost."""
    blobs = RemoteBlobs("memory://away")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no credentials")

    monkeypatch.setattr(blobs._files, "pipe_file", fail)  # noqa: SLF001 - the far end
    with pytest.raises(OSError, match="no credentials"):
        blobs.put(b"never there")


async def test_a_table_comes_back_from_elsewhere(tmp_path: Path) -> None:
    """A table that is fetched whole is the same table, with what is known of it."""

    @handler("table", effect="pure")
    def table(config: Config, data: Any, ctx: Context) -> Records:
        columns = {"n": list(range(20_000)), "text": ["ñ"] * 20_000}
        return Records(pa.table(columns), metadata={"n": {"unit": "kWh"}})

    storage = FolderStorage(tmp_path, RemoteBlobs("memory://tables"))
    async with Engine(Registry.of(table), storage=storage) as engine:
        execution = await ended(await engine.submit({"nodes": [{"id": "t", "type": "table"}]}))
        payload = (execution.runs[0].outputs or {})["out"]
        assert not payload.whole
        found = await engine.whole(payload)
        assert isinstance(found, TablePayload)
        assert {"n": {"unit": "kWh"}} == found.metadata
        assert {"n": 19_999, "text": "ñ"} == found.records().slice(19_999, 1).view()[0]


async def test_an_engine_reads_back_from_elsewhere(tmp_path: Path) -> None:
    """Values kept elsewhere are read back by the next engine."""
    for first in (True, False):
        storage = FolderStorage(tmp_path, RemoteBlobs("memory://elsewhere"))
        async with Engine(Registry.of(*HANDLERS), storage=storage) as engine:
            if first:
                execution = await ended(await engine.submit(document({"a": give(MANY)})))
                execution_id = execution.id
                continue
            view = await engine.view(execution_id)
            assert MANY == await engine.data((view.runs[0].outputs or {})["out"])
    assert not (tmp_path / "blobs").exists()


def test_the_plugin_in_the_docstring_works(tmp_path: Path) -> None:
    """What `caudal_blob_stores` shows can be pasted: it keeps bytes and gives them back."""
    text = inspect.getdoc(hookspecs.caudal_blob_stores) or ""
    scope: dict[str, Any] = {}
    exec(textwrap.dedent(text.partition("::\n")[2]), scope)  # noqa: S102 - our own example
    store = scope["caudal_blob_stores"]()["shelf"](f"shelf://{tmp_path}/blobs")
    name = store.put(memoryview(b"much"))
    assert b"much" == store.get(name) == store.local(name).read_bytes()
