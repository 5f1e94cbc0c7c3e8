"""The handler `pdfInput`."""

from __future__ import annotations

from sys import getsizeof
from typing import Any

from pydantic import field_validator

from caudal_builtin.named_file import FileConfig, named_file
from caudal_builtin.pdf import job
from caudal_builtin.pdf.pages import parse
from caudal_builtin.wording import counted
from caudal_core import Context, Data, Field, HandlerError, Secret, Text, handler
from caudal_core.files import short


class PdfInputConfig(FileConfig):
    """Where the document is, and which of its pages are wanted."""

    pdf_text: str | None = Field(
        None,
        title=Text(en="Text", es="Texto"),
        description=Text(
            en="The text itself, kept in the workflow.",
            es="El propio texto, guardado en el flujo.",
        ),
        aliases=["parsedText"],
        template=False,
    )
    pages: str = Field(
        "",
        title=Text(en="Pages", es="Páginas"),
        description=Text(
            en="Which pages of a file to read, all without it; with a text how many it has.",
            es="Qué páginas de un archivo leer, sin ello todas; con un texto, cuántas tiene.",
        ),
        examples=["1-3,7", "5-", "-1"],
        template=False,
    )
    by_page: bool = Field(
        default=False,
        title=Text(en="By page", es="Por página"),
        description=Text(
            en="Hand on records, one a page, instead of one object.",
            es="Entregar registros, uno por página, en lugar de un objeto.",
        ),
    )
    password: Secret = Field(
        Secret(""),
        title=Text(en="Password", es="Contraseña"),
        description=Text(en="Opens a protected file.", es="Abre un archivo protegido."),
    )

    @field_validator("pages", mode="before")
    @classmethod
    def _as_text(cls, given: Any) -> Any:
        return str(given) if type(given) is int else given

    @field_validator("pages")
    @classmethod
    def _written_right(cls, given: str) -> str:
        parse(given)
        return given.strip()


@handler(
    "pdfInput",
    title=Text(en="PDF", es="PDF"),
    description=Text(
        en="Read the text of a PDF file, or take it from the workflow itself.",
        es="Lee el texto de un archivo PDF o lo toma del propio flujo.",
    ),
    category="data",
    icon="file-text",
    effect="idempotent",
)
def pdf_input(config: PdfInputConfig, data: Data, ctx: Context) -> Any:
    """Read the text of a PDF file, or take it from the workflow itself.

    Ports:
        in: only what templates in `filePath` and `fileId` name is looked at, in an object or in
            the one record of a list.
        out: `{text, fileName, pages}`, `pages` being how many the document has; `byPage` hands on
            records `{page, text, fileName}`. Beside the output stand `needsOcr`, `ocrPages` and
            `document`, what it says of itself.

    Config:
        pdfText: with a file named too, the file is read.
        pages: from 1; `5-` is the fifth and all behind it, `-2` the last two.

    A page without text that shows a picture is a scan: its text is empty, `needsOcr` is true and
    `ocrPages` names it; nothing is guessed.

    Errors:
        PDF: the file is none, is broken, is protected, or lacks a page that is wanted.
        FILE_REFUSED: the file is missing or lies outside the allowed folders.
        NOT_AVAILABLE: the file is remote.
        WORKER_LIMIT, WORKER_CRASHED: the file takes too much, or ends the process that reads it.
        NODE_MEMORY: the text would take more than a node may build.
    """
    name = named_file(config, data, ctx, inline=config.pdf_text is not None)
    if name:
        return _from_file(config, name, ctx)
    if config.pdf_text is None:
        raise HandlerError(
            "there is no document: neither pdfText nor a file is given",
            es="no hay documento: no se indica ni pdfText ni un archivo",
            hint="upload a file, or set filePath",
            hint_es="suba un archivo o indique filePath",
        )
    return _inline(config, config.pdf_text, ctx)


def _inline(config: PdfInputConfig, text: str, ctx: Context) -> Any:
    pages = int(config.pages) if config.pages.isdecimal() else None
    shown = config.file_name or None
    ctx.say(
        f"{counted(len(text), 'character')} from {short(shown or 'the workflow')}", needs_ocr=False
    )
    if config.by_page:
        return [{"page": 1, "text": text, "fileName": shown}]
    return {"text": text, "fileName": shown, "pages": pages}


def _from_file(config: PdfInputConfig, name: str, ctx: Context) -> Any:
    if config.pdf_text:
        ctx.log.warning("both pdfText and a file are given; the file is read")
    path = ctx.file(name)
    shown = config.file_name or ctx.file_name(name)
    asked = {"path": str(path), "pages": config.pages}
    asked["password"] = config.password.get_secret_value()
    found = ctx.in_worker(job.read, asked, what=f"reading '{short(shown)}'").value
    pages = found["pages"]
    ctx.afford(sum(getsizeof(page["text"]) for page in pages), "text")
    scans = [page["page"] for page in pages if page["images"]]
    _say(ctx, shown, found, scans)
    if config.by_page:
        return [{"page": page["page"], "text": page["text"], "fileName": shown} for page in pages]
    text = "\n\n".join(page["text"] for page in pages if page["text"])
    return {"text": text, "fileName": shown, "pages": found["count"]}


def _say(ctx: Context, shown: str, found: dict[str, Any], scans: list[int]) -> None:
    read, size = len(found["pages"]), sum(len(page["text"]) for page in found["pages"])
    message = f"{counted(size, 'character')} from {counted(read, 'page')} of {short(shown)}"
    if scans:
        message += f"; {counted(len(scans), 'page')} of it a scan without text: OCR is needed"
        ctx.log.warning("pages without text that show a picture: %s", ", ".join(map(str, scans)))
    if found["reader"] == "pypdf":
        ctx.log.warning("the file is damaged; it was read as far as it can be")
    ctx.say(message, needs_ocr=bool(scans), ocr_pages=scans, document=found["metadata"])
