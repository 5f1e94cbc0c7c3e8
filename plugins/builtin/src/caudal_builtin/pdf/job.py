"""Reading a PDF in a worker. PDFium reads it; what it cannot open, pypdf tries."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from caudal_builtin.pdf.pages import chosen
from caudal_builtin.pdf.problem import UnreadablePdf, broken, wrong_password

MAX_CHARACTERS: Final = 50_000_000
_DEPTH: Final = 3
"""How deep in groups pictures are looked for on a page without text."""

_WORDS: Final = ("Title", "Author", "Subject", "Creator", "CreationDate")


def read(asked: dict[str, Any]) -> dict[str, Any]:
    """`{path, pages, password}` → `{count, pages: [{page, text, images}], metadata, reader}`."""
    path = Path(asked["path"])
    with path.open("rb") as file:
        start = file.read(1_024)
    if b"%PDF-" not in start:
        raise _no_pdf(start)
    return _by_pdfium(path, asked["pages"], asked["password"])


def _no_pdf(start: bytes) -> UnreadablePdf:
    what = "it is empty" if not start else "its content is something else, whatever its name"
    return UnreadablePdf(
        f"the file is no PDF: {what}",
        es="el archivo no es un PDF",
        hint="give a PDF; excelInput reads workbooks and texts",
        hint_es="use un PDF; excelInput lee libros y textos",
    )


def _by_pdfium(path: Path, pages: str, password: str) -> dict[str, Any]:
    import pypdfium2 as pdfium
    from pypdfium2.raw import FPDF_ERR_PASSWORD

    try:
        document = pdfium.PdfDocument(path, password=password or None)
        count = len(document)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == FPDF_ERR_PASSWORD or "assword" in str(error):
            raise wrong_password(given=bool(password)) from None
        return _by_pypdf(path, pages, password)
    try:
        numbers = chosen(pages, count)
        return {
            "count": count,
            "pages": _bounded(_pdfium_page(document, number) for number in numbers),
            "metadata": _words(document.get_metadata_dict()),
            "reader": "pdfium",
        }
    except pdfium.PdfiumError as error:
        raise broken(str(error)) from None
    finally:
        document.close()


def _pdfium_page(document: Any, number: int) -> dict[str, Any]:
    from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

    page = document[number - 1]
    try:
        reader = page.get_textpage()
        text = _plain(reader.get_text_bounded())
        reader.close()
        pictures: Any = () if text else page.get_objects([FPDF_PAGEOBJ_IMAGE], max_depth=_DEPTH)
        return {"page": number, "text": text, "images": next(iter(pictures), None) is not None}
    finally:
        page.close()


def _by_pypdf(path: Path, pages: str, password: str) -> dict[str, Any]:
    """Slower, and more patient with what is damaged."""
    from pypdf import PdfReader
    from pypdf.errors import FileNotDecryptedError, PyPdfError

    try:
        reader = PdfReader(path, strict=False)
        if reader.is_encrypted and not reader.decrypt(password):
            raise wrong_password(given=bool(password))
        count = len(reader.pages)
        numbers = chosen(pages, count)
        return {
            "count": count,
            "pages": _bounded(_pypdf_page(reader, number) for number in numbers),
            "metadata": _words({k.lstrip("/"): v for k, v in (reader.metadata or {}).items()}),
            "reader": "pypdf",
        }
    except FileNotDecryptedError:
        raise wrong_password(given=bool(password)) from None
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise broken(str(error)[:200] or type(error).__name__) from None


def _pypdf_page(reader: Any, number: int) -> dict[str, Any]:
    page = reader.pages[number - 1]
    text = _plain(page.extract_text())
    return {"page": number, "text": text, "images": not text and bool(len(page.images))}


def _bounded(pages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found, size = [], 0
    for page in pages:
        size += len(page["text"])
        if size > MAX_CHARACTERS:
            raise UnreadablePdf(
                f"the text has more than {MAX_CHARACTERS:,} characters",
                es=f"el texto tiene más de {MAX_CHARACTERS:,} caracteres",
                hint="name fewer pages",
                hint_es="indique menos páginas",
            )
        found.append(page)
    return found


def _plain(text: str) -> str:
    """Lines that end as everywhere else, without what stands for no character."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return lines.replace("\ufffe", "").encode("utf-8", "replace").decode().strip()


def _words(metadata: dict[str, Any]) -> dict[str, str]:
    return {name: str(metadata[name])[:1_000] for name in _WORDS if metadata.get(name)}
