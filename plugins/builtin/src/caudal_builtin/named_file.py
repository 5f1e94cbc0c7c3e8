"""The file that a node reads, as its config names it."""

from __future__ import annotations

import re

from caudal_builtin.inputs import are_records
from caudal_builtin.wording import counted
from caudal_core import Config, Context, Data, DataError, Field, NotAvailable, Text
from caudal_core.files import short
from caudal_core.formats import as_text
from caudal_core.template import templates_in

_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class FileConfig(Config):
    """Where a file is."""

    file_id: str = Field(
        "",
        title=Text(en="Uploaded file", es="Archivo subido"),
        description=Text(en="The id of an uploaded file.", es="El id de un archivo subido."),
    )
    file_path: str = Field(
        "",
        title=Text(en="Path", es="Ruta"),
        description=Text(
            en="A file in one of the folders that the operator opened to workflows.",
            es="Un archivo en una de las carpetas que el operador abrió a los flujos.",
        ),
        examples=["precios.csv", "{{path}}"],
    )
    file_name: str = Field(
        "",
        title=Text(en="Shown name", es="Nombre visible"),
        description=Text(en="Only shown.", es="Solo se muestra."),
        template=False,
    )
    gcs_path: str = Field(
        "",
        title=Text(en="Cloud path", es="Ruta en la nube"),
        description=Text(
            en="A remote file; not available in this version.",
            es="Un archivo remoto; no disponible en esta versión.",
        ),
        template=False,
    )
    use_gcs: bool = Field(
        default=False,
        title=Text(en="From the cloud", es="Desde la nube"),
        description=Text(
            en="Read the cloud path; not available in this version.",
            es="Leer la ruta en la nube; no disponible en esta versión.",
        ),
        alias="useGCS",
    )


def named_file(config: FileConfig, data: Data, ctx: Context, *, inline: bool) -> str:
    """The id or path of the file to read, templates filled; empty if none is named.

    `NotAvailable` for a remote file; `inline` says that the config holds the content itself, beside
    which a cloud path that an editor left there is no harm.
    """
    name = _filled(config, data, ctx)
    _refuse_remote(config, name, inline=inline)
    return name


def _filled(config: FileConfig, data: Data, ctx: Context) -> str:
    key = "fileId" if config.file_id else "filePath"
    name = config.file_id or config.file_path
    if not any(templates_in(name)):
        return name.strip()
    if are_records(data):
        if len(data) != 1:
            raise _one_needed(key, name, len(data))
        data = next(iter(data))
    return as_text(ctx.render(name, data if isinstance(data, dict) else {})).strip()


def _one_needed(key: str, name: str, count: int) -> DataError:
    name = short(name)
    return DataError(
        f"{key} '{name}' is filled from one object, but {counted(count, 'record')} came in",
        es=f"{key} '{name}' se rellena con un objeto, pero llegaron {count} registros",
        hint="lead one object or a single record to this node",
        hint_es="lleve a este nodo un objeto o un único registro",
    )


def _refuse_remote(config: FileConfig, name: str, *, inline: bool) -> None:
    wanted = config.use_gcs or (bool(config.gcs_path) and not name and not inline)
    remote = config.gcs_path if wanted else name
    if wanted or _REMOTE.match(name):
        remote = short(remote)
        raise NotAvailable(
            f"the remote file '{remote}' cannot be read: this version reads no remote files",
            es=f"no se puede leer el archivo remoto '{remote}': esta versión no lee remotos",
            hint="upload the file, or put it into a folder open to workflows and set filePath",
            hint_es="suba el archivo, o póngalo en una carpeta permitida e indique filePath",
        )
