"""Signatures of calls to the outside, as Standard Webhooks has them.

The header `webhook-id` is the same at each attempt, `webhook-timestamp` the seconds since 1970 of
this one, `webhook-signature` is `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from time import time

PREFIX = "whsec_"
LEAST = 16
"""Bytes of a secret."""

FILE = "callback.secret"


def key_of(secret: str) -> bytes:
    """The key that a secret stands for: base64 behind `whsec_`, else the text; `ValueError`."""
    if secret.startswith(PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            message = f"what follows {PREFIX} is no base64"
            raise ValueError(message) from None
    else:
        key = secret.encode()
    if len(key) < LEAST:
        message = f"a secret has {LEAST} bytes at least; this one has {len(key)}"
        raise ValueError(message)
    return key


def kept_key(folder: Path) -> bytes:
    """The key of the data folder, made when it is first needed. Blocks."""
    path = folder / FILE
    try:
        return key_of(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        text = PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{FILE}.{secrets.token_hex(8)}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)  # the first that makes one, where servers share the folder
    except FileExistsError:
        text = path.read_text(encoding="ascii").strip()
    finally:
        part.unlink()
    return key_of(text)


def signing_key(secret: str | None, folder: Path) -> bytes:
    """What signs the calls of a server: the key of this secret, else of its data folder. Blocks."""
    return key_of(secret) if secret is not None else kept_key(folder)


def signed(key: bytes, call_id: str, body: bytes, now: float | None = None) -> dict[str, str]:
    """The headers of a call."""
    moment = str(int(time() if now is None else now))
    content = f"{call_id}.{moment}.".encode() + body
    digest = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": call_id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{digest}",
    }
