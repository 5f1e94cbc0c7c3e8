"""What can go wrong with the command line itself."""

from __future__ import annotations

from caudal_core.errors import CaudalError


class OutputFailed(CaudalError):
    """Standard output takes nothing more: it is full, or was closed from outside."""

    code = "OUTPUT_FAILED"
    en = "standard output cannot be written: {cause}"
    es = "no se puede escribir en la salida estándar: {cause}"
    hint_en = "send it to another file with >"
    hint_es = "envíela a otro fichero con >"
