"""A plain HTTP/1.1 client that keeps its connection alive and sends nothing that it need not."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http.client import HTTPConnection
from time import monotonic
from typing import Any

LONGEST = 60.0
"""Seconds after which a test has hung."""

IDLE = 60.0
"""Seconds after which an idle connection is not used again; the server keeps it for 75."""

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,}Z")
"""A timestamp of the service's own."""

NOBODY = "01234567-0000-7000-8000-000000000000"
"""An id that no execution has."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers by their names in lower case, and body."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        assert "application/json" == self.headers["content-type"].partition(";")[0]
        return json.loads(self.content)

    def expect(self, status: int) -> Any:
        """The body, which must be JSON, of an answer that must have this status."""
        assert status == self.status, self.content[:2_000].decode(errors="replace")
        return self.json


class Client:
    """One connection to `localhost`, whichever of its addresses that is first."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("localhost", port, timeout=LONGEST)
        self._asked = monotonic()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One question; a body is sent as JSON, bytes as they are, `_` in a header as `-`."""
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {} if content is None else {"Content-Type": "application/json"}
        if monotonic() - self._asked > IDLE:
            self.close()  # the server closes idle connections; the next question opens another
        self._asked = monotonic()
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            self._connection.request(method, path, content, sent)
            response = self._connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
