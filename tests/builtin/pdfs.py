"""PDF files as tests write them: by hand, so that each says what stands in it."""

import io
import zlib
from collections.abc import Sequence

from pypdf import PdfReader, PdfWriter

SCAN = object()
"""A page that shows a picture and no text."""


def pdf(pages: Sequence[object], *, title: str = "Prices", compress: bool = False) -> bytes:
    """A document with these pages: texts, or `SCAN`."""
    kids = " ".join(f"{5 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {len(pages)}/Kids[{kids}]>>".encode(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        _stream(
            b"\x80",
            "/Type/XObject/Subtype/Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray",
        ),
    ]
    for number, page in enumerate(pages):
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents {6 + 2 * number} 0 R"
            "/Resources<</Font<</F 3 0 R>>/XObject<</I 4 0 R>>>>>>".encode()
        )
        shown = b"q 500 0 0 700 50 50 cm /I Do Q" if page is SCAN else _lines(str(page))
        packed = zlib.compress(shown) if compress else shown
        objects.append(_stream(packed, "/Filter/FlateDecode" if compress else ""))
    objects.append(f"<</Title({title})>>".encode())
    return _written(objects)


def _lines(text: str) -> bytes:
    drawn = [b"BT /F 9 Tf 12 TL 40 770 Td"]
    for line in text.splitlines():
        escaped = line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        drawn.append(b"(" + escaped.encode("cp1252") + b") Tj T*")
    return b"\n".join([*drawn, b"ET"])


def _stream(content: bytes, more: str = "") -> bytes:
    return f"<<{more}/Length {len(content)}>>stream\n".encode() + content + b"\nendstream"


def _written(objects: Sequence[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj" % number + content + b"\nendobj\n"
    start, count = len(out), len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % count
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root 1 0 R/Info %d 0 R>>\n" % (count, len(objects))
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def protected(content: bytes, password: str) -> bytes:
    """The same document, which only the password opens."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(content)))
    writer.encrypt(password, algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
