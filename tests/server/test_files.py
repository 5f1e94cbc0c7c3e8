"""Uploaded files over HTTP."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.server.serving import Service, flow, node, service

from caudal_core import Config, Context, handler

MEBIBYTE = 1 << 20


async def uploaded(live: Service, content: bytes, name: str = "prices.csv") -> Any:
    """What is answered to a file that is taken in."""
    return await live.post("/api/files", status=201, files={"file": (name, content, "text/csv")})


def left(folder: Path) -> list[str]:
    """What is in the folder of uploads."""
    return sorted(path.name for path in (folder / "data" / "files").glob("*"))


async def test_a_file_goes_in_and_comes_out(tmp_path: Path) -> None:
    """An uploaded file is described, found, given back byte by byte, and deleted."""
    content = bytes(range(256)) * 10_000
    async with service(tmp_path) as live:
        made = await uploaded(live, content, "año 2026.csv")
        assert ["año 2026.csv", len(content), "text/csv"] == [
            made[key] for key in ("name", "size", "contentType")
        ]
        assert hashlib.sha256(content).hexdigest() == made["sha256"]
        assert made["createdAt"].endswith("Z")
        assert made == await live.get(f"/api/files/{made['id']}")
        answer = await live.http.get(f"/api/files/{made['id']}/content")
        assert content == answer.content
        assert (
            "attachment; filename*=UTF-8''a%C3%B1o%202026.csv"
            == (answer.headers["content-disposition"])
        )
        assert 204 == (await live.http.delete(f"/api/files/{made['id']}")).status_code
        await live.get(f"/api/files/{made['id']}", 404)
        await live.get(f"/api/files/{made['id']}/content", 404)
        assert 404 == (await live.http.delete(f"/api/files/{made['id']}")).status_code
    assert [] == left(tmp_path)


async def test_several_files_in_one_form_are_refused(tmp_path: Path) -> None:
    """None is dropped in silence: who sends two is told, and none is kept."""
    async with service(tmp_path) as live:
        files = [("file", ("a.csv", b"a\n1\n", "text/csv")), ("file", ("b.csv", b"b", "text/csv"))]
        answer = await live.http.post("/api/files", files=files)
        assert 422 == answer.status_code
        assert "several fields 'file': send one file a request" in answer.json()["detail"]
        assert [] == (await live.get("/api/files"))["files"]
    assert [] == left(tmp_path)


async def test_files_are_listed_in_pages(tmp_path: Path) -> None:
    """Newest first, a page at a time, each file once."""
    async with service(tmp_path) as live:
        made = [(await uploaded(live, b"x", f"{n}.csv"))["id"] for n in range(5)]
        seen, cursor = [], ""
        while True:
            page = await live.get(f"/api/files?limit=2{cursor}")
            seen += [file["id"] for file in page["files"]]
            if page["nextCursor"] is None:
                break
            cursor = f"&cursor={page['nextCursor']}"
        assert sorted(made, reverse=True) == seen
        await live.get("/api/files?limit=0", 422)
        refused = await live.get("/api/files?cursor=zzz", 422)
        assert "cursor is none that this server gave" in refused["detail"]


async def test_a_file_survives_a_restart(tmp_path: Path) -> None:
    """What was answered 201 is there after a restart; what never came whole is not."""
    async with service(tmp_path) as live:
        made = await uploaded(live, b"a;b\n")
    (tmp_path / "data" / "files" / ("f" + "0" * 32 + ".part")).write_bytes(b"half")
    async with service(tmp_path) as live:
        assert made == await live.get(f"/api/files/{made['id']}")
    assert [made["id"], f"{made['id']}.json"] == left(tmp_path)


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", "a/b.csv"])
async def test_a_name_is_never_a_path(tmp_path: Path, name: str) -> None:
    """Of a name with folders the last part is kept, and only to be shown."""
    async with service(tmp_path) as live:
        made = await uploaded(live, b"x", name)
        assert name.replace("\\", "/").rpartition("/")[2] == made["name"]
    assert [made["id"], f"{made['id']}.json"] == left(tmp_path)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('filename="a%22b.csv"', 'a"b.csv'),
        ('filename="a%0D%0Ab.csv"', "a b.csv"),
        ('filename="100%25 %41 %0d.csv"', "100%25 %41 %0d.csv"),
        ("filename*=UTF-8''a%2522b.csv", "a%22b.csv"),
        ('filename="a\\"b.csv"', 'a"b.csv'),
        ('filename="gpj\u202e.exe"', "gpj .exe"),
    ],
)
async def test_a_name_is_read_as_browsers_write_it(tmp_path: Path, header: str, name: str) -> None:
    """Quotes and line ends come as %22, %0D and %0A, and nothing else does; then it is cleaned."""
    head = f'--B\r\nContent-Disposition: form-data; name="file"; {header}\r\n\r\n'
    async with service(tmp_path) as live:
        body = head.encode() + b"x\r\n--B--\r\n"
        answer = await live.http.post("/api/files", content=body, headers=FORM)
        assert (201, name) == (answer.status_code, answer.json().get("name"))


@pytest.mark.parametrize("file_id", ["..%2Fcaudal.db", "f0", "x" * 300, "f" + "0" * 32])
async def test_an_unknown_id(tmp_path: Path, file_id: str) -> None:
    """What is no id of a file is answered 404, whatever it looks like."""
    async with service(tmp_path) as live:
        await live.get(f"/api/files/{file_id}", 404)


async def test_a_file_has_a_largest_size(tmp_path: Path) -> None:
    """Beyond the limit a file is refused, with the setting that allows more; nothing is left."""
    async with service(tmp_path, max_upload=MEBIBYTE) as live:
        await uploaded(live, b"x" * MEBIBYTE)
        for size in (MEBIBYTE + 1, 3 * MEBIBYTE):
            answer = await live.post("/api/files", status=413, files={"file": b"x" * size})
            assert "CAUDAL_MAX_UPLOAD" in answer["hint"]
    assert 2 == len(left(tmp_path))


FORM = {"Content-Type": "multipart/form-data; boundary=B"}
HEAD = b'--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "ends before its last boundary"),
        (HEAD + b"never ends", "ends before its last boundary"),
        (b"--B--\r\n", "no field 'file'"),
        (b'--B\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--B--', "no field 'file'"),
        (HEAD + b"x\r\n--Bx--\r\n", "something stands behind a boundary"),
        (b"--B\r\nno colon\r\n\r\nx\r\n--B--", "a header without a name"),
        (b"--B\r\n" + b"x" * 20_000, "the headers of a part have more than"),
    ],
)
async def test_a_broken_form(tmp_path: Path, body: bytes, why: str) -> None:
    """A form that is broken says how, and leaves nothing behind."""
    async with service(tmp_path) as live:
        answer = await live.http.post("/api/files", content=body, headers=FORM)
        assert 422 == answer.status_code
        assert why in answer.json()["detail"]
    assert [] == left(tmp_path)


async def test_what_is_no_form(tmp_path: Path) -> None:
    """Another kind of body is told what is expected."""
    async with service(tmp_path) as live:
        answer = await live.post("/api/files", {"file": "x"}, 422)
        assert "multipart/form-data" in answer["detail"]


@pytest.mark.parametrize("size", [1, 2, 7, 64])
@pytest.mark.parametrize("content", [b"", b"\r\n", b"x\r\n--", b"\r\n--A\r\n--C", b"a" * 99])
async def test_a_form_may_be_cut_anywhere(tmp_path: Path, size: int, content: bytes) -> None:
    """However the network cuts a form into pieces, the file is the same."""
    before = b'--B\r\nContent-Disposition: form-data; name="other"\r\n\r\nnothing\r\n'
    body = before + HEAD + content + b"\r\n--B--\r\n"

    async def cut() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    async with service(tmp_path) as live:
        answer = await live.http.post("/api/files", content=cut(), headers=FORM)
        assert 201 == answer.status_code, answer.text
        made = answer.json()
        assert content == (await live.http.get(f"/api/files/{made['id']}/content")).content


class Named(Config):
    """The file that a test wants read."""

    file_id: str = ""


@handler("length")
def length(config: Named, data: Any, ctx: Context) -> Any:
    """The name and the size of a file."""
    path = ctx.file(config.file_id)
    return {"name": ctx.file_name(config.file_id), "size": path.stat().st_size}


async def test_a_node_reads_an_uploaded_file(tmp_path: Path) -> None:
    """Any handler finds an uploaded file by its id; one that is gone is an error that says so."""
    async with service(tmp_path, length) as live:
        made = await uploaded(live, b"12345")
        status = await live.run(flow(node("a", "length", fileId=made["id"])))
        assert {"name": "prices.csv", "size": 5} == status["finalOutput"]
        await live.http.delete(f"/api/files/{made['id']}")
        status = await live.run(flow(node("a", "length", fileId=made["id"])))
        assert f"there is no uploaded file {made['id']}" in status["error"]
