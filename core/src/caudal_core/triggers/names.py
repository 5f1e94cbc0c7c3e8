"""The ids of triggers and of what they start."""

from __future__ import annotations

import hashlib
import json

LENGTH = 20


def trigger_id(workflow_id: str, node_id: str) -> str:
    """Names a trigger: the same whenever this node of this workflow switches one on."""
    return hashlib.sha256(_joined(workflow_id, node_id)).hexdigest()[:LENGTH]


def execution_id(trigger: str, key: str) -> str:
    """The id of the execution that an event starts (a UUID of version 8).

    It is made from the event, so that two servers that start one event at the same time write the
    same execution: no key ever has two.
    """
    bits = int.from_bytes(hashlib.sha256(_joined(trigger, key)).digest()[:16])
    bits &= ~(0xF << 76 | 0b11 << 62)
    text = f"{bits | 8 << 76 | 0b10 << 62:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def mark_of(*parts: object) -> str:
    """The hash of JSON values: whether they are still the same."""
    return hashlib.sha256(_joined(*parts)).hexdigest()


def _joined(*parts: object) -> bytes:
    return json.dumps(parts, sort_keys=True, ensure_ascii=True, default=str).encode()
