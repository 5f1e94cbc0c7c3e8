"""Files over HTTP, from the upload to the records; hostile ones beside a server that goes on."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from tests.acceptance.flows import chain, node
from tests.acceptance.serving import Server
from tests.builtin.pdfs import pdf
from tests.builtin.test_excel_formats import RECORDS, sheet_of, xls, xlsx

BOUNDARY = "caudal"


def upload(server: Server, content: bytes, name: str) -> str:
    """The id under which a file is kept."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    made = server.ask("POST", "/api/files", body, **{"Content-Type": kind}).expect(201)
    return str(made["id"])


def reading(type_: str, **config: Any) -> dict[str, Any]:
    """A workflow that reads one file."""
    return chain(node("read", type_, config), node("out", "output"))


@pytest.mark.parametrize("made", [xls, xlsx])
def test_an_uploaded_workbook_becomes_records(server: Server, made: Any) -> None:
    """What is uploaded is read by its id, and called by the name it came with."""
    file_id = upload(server, made(), "precios.xlsx")
    run = server.completed(reading("excelInput", fileId=file_id))
    assert RECORDS == run.final
    assert "precios.xlsx" == run.entries["read"]["outputData"]["fileName"]


def test_an_uploaded_document_becomes_text(server: Server) -> None:
    """A PDF too."""
    file_id = upload(server, pdf(["Año 2026"]), "a.pdf")
    final = server.completed(reading("pdfInput", fileId=file_id)).final
    assert {"text": "Año 2026", "fileName": "a.pdf", "pages": 1} == final


def test_a_hostile_file_ends_a_worker_and_no_server(server: Server) -> None:
    """A workbook that makes its reader abort fails its node; the server answers all the while."""
    far = sheet_of('<c r="A1"><v>1</v></c>', '<c r="XFD1048576"><v>2</v></c>')
    file_id = upload(server, far, "far.xlsx")
    run = server.run(reading("excelInput", fileId=file_id))
    assert "failed" == run.status["status"]
    assert "reaches over 1048576 × 16384 cells" in run.status["error"]
    assert (
        RECORDS
        == server.completed(reading("excelInput", fileId=upload(server, xlsx(), "a.xlsx"))).final
    )


def test_a_link_leads_nowhere_else(server: Server, tmp_path: Path) -> None:
    """A link in an open folder to a file outside is refused, and so is the server's own folder."""
    (tmp_path / "secret.csv").write_text("a\n1\n")
    (server.files / "link.csv").symlink_to(tmp_path / "secret.csv")
    for name in ("link.csv", str(tmp_path / "secret.csv"), str(server.folder / "data/caudal.db")):
        run = server.run(reading("excelInput", filePath=name))
        assert "lies outside the folders" in run.status["error"]


def test_cancelling_ends_the_reading(server: Server) -> None:
    """An execution that reads a large file ends within seconds of its cancelling."""
    line = ";".join(f"{n}.5" for n in range(200)) + "\n"
    (server.files / "large.csv").write_bytes(line.encode() * 60_000)
    started = server.post(
        "/api/workflows/execute", {"workflow": reading("excelInput", filePath="large.csv")}
    )
    path = f"/api/executions/{started['executionId']}"
    while server.get(path)["currentNodeId"] is None:
        assert server.get(path)["status"] in {"pending", "running"}
    begun = monotonic()
    assert server.post(f"{path}/cancel")["success"]
    while server.get(f"{path}?wait=5")["status"] != "cancelled":
        assert monotonic() - begun < 30
