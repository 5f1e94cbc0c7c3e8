"""Files that a node may read: uploaded ones, and those in folders that the operator allowed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from caudal_core.errors import FileRefused
from caudal_core.text import Text
from caudal_core.uploads import Uploads, is_id

UPLOAD: Final = Text(
    en="upload it with POST /api/files, which gives its id",
    es="súbalo con POST /api/files, que da su id",
)
"""What to do about an id that no file has, where there is a server."""

_SHOWN: Final = 100
"""Characters of a name that an error repeats."""


class FileAccess:
    """Looks names up among the uploaded files and under the allowed folders, and nowhere else.

    `roots` are the operator's folders (`CAUDAL_FILE_ROOTS`). A relative name is looked for under
    each in turn; an absolute one must lie inside one of them, links followed. `advice` says what to
    do about an id that no uploaded file has.
    """

    def __init__(
        self,
        roots: Iterable[str | os.PathLike[str]] = (),
        uploads: Uploads | None = None,
        *,
        advice: Text = UPLOAD,
    ) -> None:
        self.roots = tuple(Path(root).resolve() for root in roots)
        self.uploads = uploads
        self._advice = advice

    def path(self, name: str) -> Path:
        """The file of this id or name; `FileRefused` says why it may not be read."""
        if self.uploads is not None and self.uploads.find(name) is not None:
            return self.uploads.path(name)
        if is_id(name):
            raise FileRefused(
                f"there is no uploaded file {name}",
                es=f"no hay ningún archivo subido {name}",
                hint=self._advice.in_("en"),
                hint_es=self._advice.in_("es"),
            )
        if not self.roots:
            raise FileRefused(
                f"the file '{short(name)}' may not be read: no folder is open to workflows",
                es=f"no se puede leer el archivo '{short(name)}': ninguna carpeta está permitida",
                hint="name the folders that workflows may read in CAUDAL_FILE_ROOTS",
                hint_es="indique en CAUDAL_FILE_ROOTS las carpetas que los flujos pueden leer",
            )
        try:
            found = [inside for root in self.roots if (inside := self._inside(root, name))]
            file = next(filter(Path.is_file, found), None)
        except (OSError, RuntimeError, ValueError) as error:
            raise _unreachable(name, error) from None
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

    def _refused(self, name: str, *, exists_somewhere: bool) -> FileRefused:
        roots = ", ".join(map(str, self.roots))
        if exists_somewhere:
            return FileRefused(
                f"there is no file '{short(name)}' under {roots}",
                es=f"no hay ningún archivo '{short(name)}' en {roots}",
                hint="correct the name, or put the file there",
                hint_es="corrija el nombre o ponga ahí el archivo",
            )
        return FileRefused(
            f"the file '{short(name)}' lies outside the folders that workflows may read ({roots})",
            es=f"el archivo '{short(name)}' está fuera de las carpetas permitidas ({roots})",
            hint="put it into one of them, or add its folder to CAUDAL_FILE_ROOTS",
            hint_es="póngalo en una de ellas o añada su carpeta a CAUDAL_FILE_ROOTS",
        )


def _unreachable(name: str, error: Exception) -> FileRefused:
    """A name too long or with NUL, links in a circle, a folder that this process may not enter."""
    why = getattr(error, "strerror", None) or "the system cannot follow this name"
    return FileRefused(
        f"the file '{short(name)}' cannot be reached: {why}",
        es=f"no se puede llegar al archivo '{short(name)}': {why}",
        hint="correct the name, or see that the folder may be read",
        hint_es="corrija el nombre o compruebe que se puede leer la carpeta",
    )


def short(name: str) -> str:
    """A name for a message, cut where it is long; what no text can hold is written out."""
    shown = name if len(name) <= _SHOWN else name[:_SHOWN] + "…"
    return shown.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
