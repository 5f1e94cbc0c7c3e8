"""Forms with files: `multipart/form-data`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from caudal_core.errors import InvalidRequest

MOST_FIELDS = 10_000
"""Fields of a form: each takes many times its bytes."""

LONGEST_HEAD = 16_384
"""Bytes of the headers of one part."""


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form; `file_name` is null where it is no file."""

    name: str
    content: bytes
    content_type: str
    charset: str
    file_name: str | None


def parts(body: bytes, boundary: str) -> Iterator[Part]:
    """The fields in their order; `InvalidRequest` where the body is no such form."""
    whole, line = b"\r\n" + body, b"\r\n--" + boundary.encode("latin-1", "replace")
    check_count(whole.count(line) - 1, "the form")
    _, *pieces = whole.split(line)
    if not pieces or not pieces[-1].startswith(b"--"):
        raise refused(f"its last line is not the boundary '{boundary}'")
    for piece in pieces[:-1]:
        line, newline, rest = piece.partition(b"\r\n")
        if line.strip(b" \t") or not newline:
            raise refused("something stands behind a boundary")
        yield _part(*(b"\r\n" + rest).partition(b"\r\n\r\n"))


def check_count(fields: int, what: str) -> None:
    """Refuse more fields than a form may have."""
    if fields > MOST_FIELDS:
        message = f"{what} has {fields:,} fields; {MOST_FIELDS:,} are allowed"
        raise InvalidRequest(message=message)


def _part(head: bytes, gap: bytes, content: bytes) -> Part:
    if not gap:
        raise refused("a part has no blank line after its headers")
    return part_of(head, content)


def part_of(head: bytes, content: bytes = b"") -> Part:
    """A field from its headers and what it holds."""
    if len(head) > LONGEST_HEAD:
        raise refused(f"the headers of a part have {len(head):,} bytes; {LONGEST_HEAD:,} are most")
    headers = _headers(head)
    name = headers.get_param("name", header="content-disposition")
    if not isinstance(name, str):
        raise refused("a part has no name")
    return Part(
        _unescaped(name),
        content,
        headers.get_content_type(),
        headers.get_content_charset() or "utf-8",
        _file_name(headers),
    )


def _file_name(headers: Message) -> str | None:
    found = headers.get_filename()
    plain = isinstance(headers.get_param("filename", header="content-disposition"), str)
    return _unescaped(found) if plain and found is not None else found


def _unescaped(name: str) -> str:
    """The name as it was before a form was made of it.

    Browsers write these three characters so in the names of a form, and no others: a percent sign
    stands for itself (HTML Standard, multipart/form-data encoding algorithm).
    """
    return name.replace("%0D", "\r").replace("%0A", "\n").replace("%22", '"')


def _headers(head: bytes) -> Message:
    headers = Message()
    try:
        lines = head.decode().split("\r\n")
    except UnicodeDecodeError:
        raise refused("the headers of a part are not UTF-8") from None
    for line in filter(None, lines):
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise refused("a part has a header without a name")
        if name.strip().lower() in ("content-disposition", "content-type"):
            headers[name.strip()] = value.strip()
    return headers


def refused(why: str) -> InvalidRequest:
    """What is wrong with a form."""
    return InvalidRequest(message=f"the body is not a multipart form: {why}")
