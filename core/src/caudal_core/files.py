"""Files that a node may read: uploaded ones, and those in folders that the operator allowed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from caudal_core.errors import FileRefused
from caudal_core.uploads import Uploads, is_id


class FileAccess:
    """Looks names up among the uploaded files and under the allowed folders, and nowhere else.

    `roots` are the operator's folders (`CAUDAL_FILE_ROOTS`). A relative name is looked for under
    each in turn; an absolute one must lie inside one of them, links followed.
    """

    def __init__(
        self, roots: Iterable[str | os.PathLike[str]] = (), uploads: Uploads | None = None
    ) -> None:
        self.roots = tuple(Path(root).resolve() for root in roots)
        self.uploads = uploads

    def path(self, name: str) -> Path:
        """The file of this id or name; `FileRefused` says why it may not be read."""
        if self.uploads is not None and self.uploads.find(name) is not None:
            return self.uploads.path(name)
        if is_id(name):
            raise FileRefused(
                f"there is no uploaded file {name}",
                es=f"no hay ningún archivo subido {name}",
                hint="upload it with POST /api/files, which gives its id",
                hint_es="súbalo con POST /api/files, que da su id",
            )
        if not self.roots:
            raise FileRefused(
                f"the file '{name}' may not be read: no folder is open to workflows",
                es=f"no se puede leer el archivo '{name}': ninguna carpeta está permitida",
                hint="name the folders that workflows may read in CAUDAL_FILE_ROOTS",
                hint_es="indique en CAUDAL_FILE_ROOTS las carpetas que los flujos pueden leer",
            )
        if "\x00" in name:
            raise FileRefused("a file's name holds a NUL character")
        try:
            found = [inside for root in self.roots if (inside := self._inside(root, name))]
            file = next(filter(Path.is_file, found), None)
        except (OSError, RuntimeError, UnicodeError) as error:
            raise self._unreachable(name, error) from None
        if file is None:
            raise self._refused(name, exists_somewhere=bool(found))
        return file

    def name(self, name: str) -> str:
        """What people call the file of this id or path."""
        uploaded = self.uploads.find(name) if self.uploads is not None else None
        if uploaded is not None:
            return uploaded.name
        return name.replace("\\", "/").rpartition("/")[2] or name

    @staticmethod
    def _inside(root: Path, name: str) -> Path | None:
        path = (root / name).resolve()
        return path if path.is_relative_to(root) else None

    @staticmethod
    def _unreachable(name: str, error: Exception) -> FileRefused:
        """A name too long, links in a circle, a folder that this process may not enter."""
        shown = name[:100].encode("ascii", "backslashreplace").decode()
        why = getattr(error, "strerror", None) or "the system cannot follow this name"
        return FileRefused(
            f"the file '{shown}' cannot be reached: {why}",
            es=f"no se puede llegar al archivo '{shown}': {why}",
        )

    def _refused(self, name: str, *, exists_somewhere: bool) -> FileRefused:
        roots = ", ".join(map(str, self.roots))
        if exists_somewhere:
            return FileRefused(
                f"there is no file '{name}' under {roots}",
                es=f"no hay ningún archivo '{name}' en {roots}",
            )
        return FileRefused(
            f"the file '{name}' lies outside the folders that workflows may read ({roots})",
            es=f"el archivo '{name}' está fuera de las carpetas permitidas ({roots})",
        )
