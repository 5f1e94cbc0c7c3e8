"""A back-up of what is kept elsewhere, made while somebody uses it."""

from __future__ import annotations

import json
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from tests.core.engines import ended
from tests.core.flows import HANDLERS, document, give

from caudal_core.engine import Engine, FolderStorage
from caudal_core.errors import InvalidRequest
from caudal_core.journal.blobs import BlobFolder
from caudal_core.journal.remote import RemoteBlobs
from caudal_core.registry import Registry
from caudal_server import backup
from caudal_server.restoring import restore

MUCH = ["x" * 1_000] * 100


async def test_values_elsewhere_are_never_whole_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come by way of a file, piece by piece, and go to where values are kept then."""
    blobs, folder = RemoteBlobs(f"memory://{tmp_path.name}"), tmp_path / "data"
    async with Engine(Registry.of(*HANDLERS), storage=FolderStorage(folder, blobs)) as engine:
        execution = await ended(await engine.submit(document({"a": give(MUCH)})))
    monkeypatch.setattr(blobs, "get", None)
    found = backup.back_up(folder, blobs, tmp_path / "file")
    assert (1, []) == (found.values, found.missing)
    there = tmp_path / "restored"
    assert 1 == restore(tmp_path / "file", there, BlobFolder(there / "blobs")).values
    async with Engine(Registry.of(*HANDLERS), storage=FolderStorage(there)) as engine:
        (run,) = (await engine.view(execution.id)).runs
        assert MUCH == await engine.data((run.outputs or {})["out"])


async def test_a_file_that_is_deleted_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is deleted while the back-up is made is not in it, and hinders nothing."""
    folder = tmp_path / "data"
    async with Engine(Registry.of(*HANDLERS), storage=FolderStorage(folder)) as engine:
        await ended(await engine.submit(document({"a": give(1)})))
    uploads = folder / "files"
    uploads.mkdir()
    (uploads / "stays").write_text("1")
    gone = uploads / "gone"
    gone.write_text("2")
    rest = backup._rest  # noqa: SLF001 - what it has found may be gone a moment later

    def then_gone(of: Path) -> list[Path]:
        found = list(rest(of))
        gone.unlink()
        return found

    monkeypatch.setattr(backup, "_rest", then_gone)
    assert 1 == backup.back_up(folder, BlobFolder(folder / "blobs"), tmp_path / "file").files


async def _backed_up(folder: Path) -> Path:
    """The file of a back-up with one file beside the databases."""
    async with Engine(Registry.of(*HANDLERS), storage=FolderStorage(folder)) as engine:
        await ended(await engine.submit(document({"a": give(1)})))
    (folder / "files").mkdir()
    (folder / "files" / "one").write_text("1")
    backup.back_up(folder, BlobFolder(folder / "blobs"), folder.parent / "file")
    return folder.parent / "file"


async def test_what_was_restored_is_counted(tmp_path: Path) -> None:
    """Databases by their names, and how many files there were besides."""
    file, there = await _backed_up(tmp_path / "data"), tmp_path / "restored"
    found = restore(file, there, BlobFolder(there / "blobs"))
    assert (["caudal.db"], 0, 1) == (found.databases, found.values, found.files)
    assert "1" == (there / "files" / "one").read_text()


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"caudal": "9.1.0", "schema": "9999"}, "was made by Caudal 9.1.0, whose tables"),
        ({"caudal": "1.0.0"}, "is no back-up of Caudal: it lacks"),
        ([], "is no back-up of Caudal: it lacks"),
        (None, "is no back-up of Caudal: it lacks"),
    ],
)
async def test_a_back_up_of_another_version_is_refused(
    tmp_path: Path, about: Any, said: str
) -> None:
    """What begins with no word of ours, or with one of later tables, leaves nothing behind."""
    file, there = await _backed_up(tmp_path / "data"), tmp_path / "restored"
    other = tmp_path / "other"
    with tarfile.open(file) as source, tarfile.open(other, "w") as target:
        first, *rest = source.getmembers()
        if about is not None:
            content = json.dumps(about).encode()
            first.size = len(content)
            target.addfile(first, BytesIO(content))
        for item in rest:
            target.addfile(item, source.extractfile(item))
    with pytest.raises(InvalidRequest, match=said):
        restore(other, there, BlobFolder(there / "blobs"))
    assert not there.exists()
