"""The handler `pdfInput`: the text of documents, page by page."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.builtin.pdfs import SCAN, pdf, protected

from caudal_builtin.pdf.pages import chosen
from caudal_builtin.pdf.problem import UnreadablePdf
from caudal_builtin.pdf_input import pdf_input
from caudal_core import HandlerError, NotAvailable
from caudal_core.files import FileAccess
from caudal_core.testing.handlers import Ran, run_handler
from caudal_core.workers import Limits

Read = Callable[..., Ran]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes a file of this content and reads it."""

    def run(content: bytes, **config: Any) -> Ran:
        (tmp_path / "file.pdf").write_bytes(content)
        stored = {"filePath": "file.pdf", **config}
        limits = Limits(20, 1 << 30)
        files = FileAccess([tmp_path])
        return run_handler(pdf_input, {}, stored, files=files, limits=limits)

    return run


def test_the_text_of_all_pages(read: Read) -> None:
    """The pages' texts in their order, accents too, with what the document says of itself."""
    ran = read(pdf(["Año 2026\nPrecio (€/MWh)", "second"]))
    assert {
        "text": "Año 2026\nPrecio (€/MWh)\n\nsecond",
        "fileName": "file.pdf",
        "pages": 2,
    } == ran.output
    assert {"needsOcr": False, "ocrPages": [], "document": {"Title": "Prices"}} == ran.report
    assert "29 characters from 2 pages of file.pdf" == ran.message


def test_by_page(read: Read) -> None:
    """On request there is one record a page."""
    ran = read(pdf(["one", "two", "three"]), byPage=True, pages="2-")
    assert [
        {"page": 2, "text": "two", "fileName": "file.pdf"},
        {"page": 3, "text": "three", "fileName": "file.pdf"},
    ] == ran.output


def test_a_scan_says_so(read: Read) -> None:
    """A page with a picture and no text is named; an empty page is just empty."""
    ran = read(pdf(["one", SCAN, "", SCAN]))
    assert "one" == ran.output["text"]  # type: ignore[index, call-overload]
    assert (True, [2, 4]) == (ran.report["needsOcr"], ran.report["ocrPages"])
    assert "OCR is needed" in str(ran.message)
    assert ["warning"] == [line["level"] for line in ran.log]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", [1, 2, 3, 4, 5]), ("2", [2]), ("4-", [4, 5]), ("-2", [4, 5]), ("3, 1-3", [3, 1, 2])],
)
def test_pages_are_chosen(text: str, expected: list[int]) -> None:
    """Single pages, ranges, open ones and the last few, each page once, in the order said."""
    assert expected == chosen(text, 5)


@pytest.mark.parametrize("text", ["6", "2-9", "7-"])
def test_a_page_that_is_not_there(text: str) -> None:
    """A page beyond the end is an error that says how many there are."""
    with pytest.raises(UnreadablePdf, match=r"there is no page \d; the PDF has 5"):
        chosen(text, 5)


@pytest.mark.parametrize("text", ["0", "a", "3-1", "1;2", "--1"])
def test_pages_that_are_written_wrong(text: str) -> None:
    """How pages are written is checked before anything runs."""
    with pytest.raises(ValidationError, match="range"):
        pdf_input.parse({"pages": text})


def test_the_text_may_stand_in_the_workflow() -> None:
    """A text that the editor has read already is handed on, under either of its names."""
    for key in ("pdfText", "parsedText"):
        ran = run_handler(pdf_input, {}, {key: "héllo", "fileName": "a.pdf", "pages": 3})
        assert {"text": "héllo", "fileName": "a.pdf", "pages": 3} == ran.output
    with pytest.raises(HandlerError, match="neither pdfText nor a file"):
        run_handler(pdf_input, {}, {"fileName": "a.pdf"})


def test_remote_files_are_refused() -> None:
    """A file elsewhere is refused, saying that this version reads none."""
    for stored in ({"gcsPath": "gs://b/a.pdf"}, {"filePath": "https://example.com/a.pdf"}):
        with pytest.raises(NotAvailable, match="this version reads no remote files"):
            run_handler(pdf_input, {}, stored)


def test_a_password(read: Read) -> None:
    """A protected file is read with its password; without one or with another it says so."""
    content = protected(pdf(["secret text"]), "llave")
    assert "secret text" == read(content, password="llave").output["text"]  # type: ignore[index, call-overload]
    with pytest.raises(UnreadablePdf, match="protected by a password; set password"):
        read(content)
    with pytest.raises(UnreadablePdf, match="the password is another"):
        read(content, password="wrong")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"PK\x03\x04 a workbook", "its content is something else"),
        (b"<html>a page</html>", "its content is something else"),
        (b"%PDF-1.7\ngarbage", "cannot be read"),
    ],
)
def test_what_is_no_pdf(read: Read, content: bytes, why: str) -> None:
    """Whatever its name, a file that is no PDF or is damaged says so."""
    with pytest.raises(UnreadablePdf, match=why):
        read(content)


def test_a_truncated_file(read: Read) -> None:
    """Half a file is an error or what is left of it, never a crash."""
    whole = pdf(["one"] * 20)
    for part in (len(whole) // 3, len(whole) // 2, len(whole) - 20):
        with suppress(UnreadablePdf):
            assert "one" in str(read(whole[:part]).output)


def test_a_bomb(read: Read) -> None:
    """A page that unpacks to a thousand times its size harms nobody: the next file is read."""
    vast = pdf(["(" + "A" * 90_000_000], compress=True)
    assert len(vast) < 200_000
    with suppress(HandlerError):
        assert len(read(vast).output["text"]) < 100_000_000  # type: ignore[index, call-overload, arg-type]
    assert 2 == read(pdf(["x", "y"], compress=True)).output["pages"]  # type: ignore[index, call-overload]
