"""Workflows and inputs as the command line gets them: files and `NAME=VALUE`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from caudal_core.errors import InvalidRequest
from caudal_core.intake import check_texts, loads
from caudal_core.values import JSON


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file, `-` being standard input; `InvalidRequest` says what is wrong."""
    value = loads(_bytes(path), what="standard input" if str(path) == "-" else str(path))
    if not isinstance(value, dict):
        raise InvalidRequest(message=f"{path} holds no JSON object")
    return value


def _bytes(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidRequest(message=f"{path} cannot be read: {error.strerror}") from None


def gather_inputs(file: Path | None, given: Sequence[str]) -> dict[str, Any]:
    """The inputs of an execution: those of the file, then each `NAME=VALUE` in its order.

    `InvalidRequest` where a request with these inputs would be refused.
    """
    from caudal_server.requests import execute_request

    found = read_object(file) if file is not None else {}
    for text in given:
        name, separator, value = text.partition("=")
        if not name or not separator:
            raise InvalidRequest(message=f"--input {text}: write it as NAME=VALUE")
        found[name] = value_of(name, value)
        check_texts([name, found[name]], f"--input {name}")
    return execute_request({"workflow": {}, "inputs": found}).inputs


def value_of(name: str, text: str) -> JSON:
    """The JSON value that a text is, else the text itself.

    JSON that would be refused in a request, such as an object with a key twice, is refused here.
    """
    with suppress(ValueError, RecursionError):  # then it is JSON, but more than is taken
        try:
            json.loads(text, parse_constant=_no_number)
        except json.JSONDecodeError:
            return text
    return loads(text, what=f"--input {name}")


def _no_number(name: str) -> None:
    """NaN and Infinity are Python's idea of JSON."""
    raise json.JSONDecodeError(name, name, 0)
