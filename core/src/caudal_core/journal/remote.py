"""Large values in any place that fsspec reaches, by a URL such as `s3://bucket/blobs`."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

from caudal_core.errors import NotFound
from caudal_core.workflow import content_hash


class RemoteBlobs:
    """Blobs below a URL. A filesystem beyond fsspec's own needs its package, such as `s3fs`.

    A blob is written under another name and then moved, so that it is there whole or not at all.
    Whatever a filesystem raises is an `OSError` here, so that what is to be kept is tried again.
    """

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs

        self._files: Any
        self._files, self._root = url_to_fs(url)

    def put(self, content: bytes | memoryview) -> str:
        """See `BlobStore.put`."""
        name = content_hash(content)
        path = self._path(name)
        try:
            if not self._files.exists(path):
                self._files.makedirs(self._files._parent(path), exist_ok=True)  # noqa: SLF001 - fsspec's own way to say it
                part = f"{path}.{uuid4().hex}.part"  # two may keep the same value at one time
                self._files.pipe_file(part, bytes(content))
                self._files.mv(part, path)
        except Exception as error:
            raise _unreachable(error) from error
        return name

    def get(self, name: str) -> bytes:
        """See `BlobStore.get`."""
        try:
            return bytes(self._files.cat_file(self._path(name)))
        except FileNotFoundError:
            raise NotFound(kind="blob", id=name) from None
        except Exception as error:
            raise _unreachable(error) from error

    def fetch(self, name: str, target: Path) -> None:
        """Copy a blob into a file, piece by piece; `NotFound` if it is gone."""
        try:
            self._files.get_file(self._path(name), str(target))
        except FileNotFoundError:
            raise NotFound(kind="blob", id=name) from None
        except Exception as error:
            raise _unreachable(error) from error

    def local(self, name: str) -> Path | None:  # noqa: ARG002 - the protocol names it
        """Nothing: what is elsewhere is fetched."""
        return None

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name[:2]}/{name}"


def _unreachable(error: Exception) -> OSError:
    return error if isinstance(error, OSError) else OSError(f"{type(error).__name__}: {error}")
