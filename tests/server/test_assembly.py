"""From settings to an engine: where large values are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from caudal_core.journal.blobs import BlobFolder
from caudal_core.journal.remote import RemoteBlobs
from caudal_core.registry import Registry
from caudal_server.assembly import make_engine
from caudal_server.settings import InvalidSettings, Settings


def made(folder: Path, url: str | None, registry: Registry | None = None) -> object:
    """The store that a URL leads to."""
    settings = Settings(data=folder / "data", timezone="UTC", blobs=url)
    return make_engine(settings, registry or Registry()).storage.blobs


def test_places_for_large_values(tmp_path: Path) -> None:
    """The data folder by default, a folder by `file://`, else what fsspec has for the scheme."""
    assert isinstance(made(tmp_path, None), BlobFolder)
    assert isinstance(made(tmp_path, f"file://{tmp_path}/blobs"), BlobFolder)
    assert isinstance(made(tmp_path, "memory://x"), RemoteBlobs)


def test_a_plugin_brings_a_place(tmp_path: Path) -> None:
    """A scheme that a plugin has is the plugin's, with the URL as it was written."""
    given: list[str] = []

    def shelf(url: str) -> BlobFolder:
        given.append(url)
        return BlobFolder(tmp_path / "shelf")

    registry = Registry(blob_stores={"shelf": shelf})
    assert isinstance(made(tmp_path, "shelf://here", registry), BlobFolder)
    assert ["shelf://here"] == given


@pytest.mark.parametrize(
    ("url", "said"),
    [("blobs", "is no URL"), ("nowhere://x", "nowhere"), ("shel://x", "did you mean shelf://?")],
)
def test_no_such_place(tmp_path: Path, url: str, said: str) -> None:
    """A URL that leads nowhere is an error that says so, when the server starts."""
    with pytest.raises(InvalidSettings) as error:
        made(tmp_path, url, Registry(blob_stores={"shelf": str}))
    assert said in str(error.value)
