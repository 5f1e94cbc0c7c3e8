"""A webhook's request as a workflow sees it."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping, Sequence
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

from caudal_core.errors import InvalidRequest
from caudal_core.intake import loads
from caudal_core.registry import Registry
from caudal_core.trigger import Call
from caudal_core.values import JSON
from caudal_server.multipart import Part, check_count, parts

TOKEN_HEADER = "x-webhook-token"  # noqa: S105 - the name of a header
CREDENTIALS = frozenset(("authorization", "cookie", "proxy-authorization", TOKEN_HEADER))
"""Headers that no workflow gets to see."""

_XML = ("application/xml", "application/xhtml+xml")


def webhook_nodes(document: Mapping[str, Any], registry: Registry) -> list[Mapping[str, Any]]:
    """The workflow's nodes that take calls."""
    nodes = document.get("nodes")
    found = nodes if isinstance(nodes, list) else []
    types = [type_ for type_, trigger in registry.triggers.items() if trigger.takes_calls]
    return [node for node in found if isinstance(node, Mapping) and node.get("type") in types]


def setting(node: Mapping[str, Any], key: str, registry: Registry) -> str:
    """What a node's config has under `key` or another name for it, as text; empty where nothing."""
    config = node.get("config")
    registered = registry.handlers.get(str(node.get("type")))
    names = registered.handler.config.wire_names() if registered else {}
    wanted = names.get(key, key)
    for name, value in config.items() if isinstance(config, Mapping) else ():
        if names.get(name, name) == wanted and value not in (None, ""):
            return str(value)
    return ""


def admits(tokens: Sequence[str], given: Sequence[str]) -> bool:
    """Whether one of the texts given is one of the tokens; how long it takes tells nothing."""
    pairs = [(token, text) for token in tokens for text in given]
    same = [hmac.compare_digest(token.encode(), text.encode()) for token, text in pairs]
    return any(same)


def call_of(method: str, headers: Iterable[tuple[str, str]], query: str, data: JSON) -> Call:
    """The call as triggers are given it."""
    shown: dict[str, str] = {}
    for name, value in headers:
        if name.lower() not in CREDENTIALS:
            before = shown.get(name.lower())
            shown[name.lower()] = value if before is None else f"{before}, {value}"
    return Call(method, shown, _form(query, "the query"), data)


def body_data(body: bytes, content_type: str) -> JSON:
    """The body as a value: JSON as it is, a form as an object, text as text, all else as base64.

    An empty body is `{}`. `InvalidRequest` where it is not what its type says.
    """
    if not body:
        return {}
    kind = Message()
    kind["content-type"] = content_type or "text/plain"
    media = kind.get_content_type()
    if media == "application/json" or media.endswith("+json"):
        return loads(body)
    if media == "application/x-www-form-urlencoded":
        return _form(_text(body, "utf-8"))
    if media == "multipart/form-data":
        return _multipart(body, kind.get_boundary())
    if content_type and not (media.startswith("text/") or media in _XML or media.endswith("+xml")):
        return base64.b64encode(body).decode()
    return _text(body, kind.get_content_charset() or "utf-8")


def _text(body: bytes, charset: str) -> str:
    try:
        text = body.decode("utf-8-sig" if charset in ("utf-8", "utf8") else charset)
    except LookupError:
        message = f"the charset '{charset}' is not known"
        raise InvalidRequest(message=message) from None
    except ValueError:
        message = f"the body is not {charset}; name its charset in Content-Type"
        raise InvalidRequest(message=message) from None
    return _checked(text)


def _checked(text: str) -> str:
    """What databases and other readers cannot keep is refused, as it is in JSON."""
    if "\x00" in text:
        raise InvalidRequest(message="the request holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidRequest(message="the request holds half of a surrogate pair") from None
    return text


def _form(text: str, what: str = "the form") -> dict[str, Any]:
    check_count(text.count("&") + 1, what)
    pairs = parse_qsl(text, keep_blank_values=True)
    return _gathered([(_checked(name), _checked(value)) for name, value in pairs])


def _gathered(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An object of names to values; to a list of values where a name came several times."""
    lists: dict[str, list[Any]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else found for name, found in lists.items()}


def _multipart(body: bytes, boundary: str | None) -> dict[str, Any]:
    """The fields of a form; a file is `{fileName, contentType, content}` with base64 in it."""
    if not boundary:
        raise InvalidRequest(message="Content-Type names no boundary of the multipart form")
    return _gathered([(_checked(part.name), _field(part)) for part in parts(body, boundary)])


def _field(part: Part) -> JSON:
    if part.file_name is None:
        return _text(part.content, part.charset)
    return {
        "fileName": _checked(part.file_name),
        "contentType": part.content_type,
        "content": base64.b64encode(part.content).decode(),
    }
