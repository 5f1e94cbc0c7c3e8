"""What callers send, taken apart and checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from caudal_core.engine.again import SAME
from caudal_core.errors import InvalidRequest
from caudal_core.records import kind_of
from caudal_core.values import to_wire
from caudal_server.sources.ids import MAX_ID, may_exist

WEBHOOK_DATA = "_webhookData"
MAX_LABELS = 16
MAX_LABEL_BYTES = 1_000
MAX_NAME = 1_000


@dataclass(frozen=True, slots=True)
class ExecuteRequest:
    """A call of `execute`: the id of a workflow, or the workflow itself, or both."""

    workflow_id: str | None
    workflow: dict[str, Any] | None
    inputs: dict[str, Any]
    organization: str | None
    labels: dict[str, str]
    callback: str | None


def execute_request(body: Mapping[str, Any]) -> ExecuteRequest:
    """`{workflowId | workflow, inputs?, organizationId?, mode?, labels?, callbackUrl?}`.

    `InvalidRequest` says which part is of the wrong kind; `mode` is taken and has no effect.
    """
    callback = body.get("callbackUrl")
    if callback is not None and not isinstance(callback, str):
        message = f"callbackUrl is {kind_of(callback)}; it must be a text"
        raise InvalidRequest(message=message)
    workflow = _object(body, "workflow")
    workflow_id = short_identifier(body, "workflowId")
    check_names(workflow or {}, "workflow.")
    if workflow is None and workflow_id is None:
        raise InvalidRequest(message="workflowId is missing: name a workflow, or send one")
    inputs = _object(body, "inputs") or {}
    _check_reserved(inputs)
    return ExecuteRequest(
        workflow_id=workflow_id,
        workflow=workflow,
        inputs=inputs,
        organization=short_identifier(body, "organizationId"),
        labels=labels_of(body.get("labels")),
        callback=callback or None,
    )


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """A call of `replay`: from which node, with which input, in which version."""

    start: str | None
    inputs: Any
    newest: bool


RETRIED = frozenset(("organizationId",))
REPLAYED = RETRIED | {"from", "inputs", "version"}


def check_retry(body: Mapping[str, Any]) -> None:
    """A retry takes nothing that says from where or with what; `InvalidRequest`."""
    _check_keys(body, RETRIED, "a retry")


def replay_request(body: Mapping[str, Any]) -> ReplayRequest:
    """`{from?, inputs?, version?}`; `InvalidRequest` says which part is of the wrong kind.

    Without `from`, `inputs` that are null are those that there were.
    """
    _check_keys(body, REPLAYED, "a replay")
    start = identifier(body, "from")
    version = body.get("version") or "execution"
    if version not in ("execution", "newest"):
        message = f"version is '{str(version)[:50]}'; it is execution (default) or newest"
        raise InvalidRequest(message=message)
    inputs = body.get("inputs", SAME)
    if start is None and inputs is not SAME:
        given = _object(body, "inputs")
        _check_reserved(given or {})
        inputs = SAME if given is None else given
    return ReplayRequest(start, inputs, version == "newest")


def _check_keys(body: Mapping[str, Any], known: Collection[str], what: str) -> None:
    """A key that is not known is refused: passed over, other effects than meant would run again."""
    for key in body.keys() - known:
        names = ", ".join(sorted(known))
        message = f"there is no key '{str(key)[:50]}' in {what}; there are: {names}"
        raise InvalidRequest(message=message)


def identifier(body: Mapping[str, Any], key: str) -> str | None:
    """An id: a text, or a whole number as databases make them."""
    value = body.get(key)
    if value is None or value == "":
        return None
    if type(value) is int:
        return str(value)
    if not isinstance(value, str):
        raise InvalidRequest(message=f"{key} is {kind_of(value)}; it must be a text")
    return value


def short_identifier(body: Mapping[str, Any], key: str) -> str | None:
    """An id that lists and addresses can carry."""
    value = identifier(body, key)
    if value is not None:
        _check_id(value, key)
    return value


def _check_id(value: str, what: str) -> None:
    if not may_exist(value):
        message = (
            f"{what} is '{value[:50]}', with {len(value):,} characters; it is a text of 1 to "
            f"{MAX_ID} characters without control characters"
        )
        raise InvalidRequest(message=message)


def check_names(workflow: Mapping[str, Any], place: str = "") -> None:
    """Refuse what a workflow calls itself where no list could show it.

    What is no text is another matter: the check of the workflow says so.
    """
    for key in ("id", "organizationId"):
        if isinstance(value := workflow.get(key), str) and value:
            _check_id(value, f"{place}{key}")
    name = workflow.get("name")
    if isinstance(name, str) and len(name) > MAX_NAME:
        message = f"{place}name has {len(name):,} characters; {MAX_NAME:,} are allowed"
        raise InvalidRequest(message=message)


def _object(body: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    value = body.get(key)
    if value is None or isinstance(value, dict):
        return value
    raise InvalidRequest(message=f"{key} is {kind_of(value)}; it must be an object")


def _check_reserved(inputs: Mapping[str, Any]) -> None:
    reserved = [key for key in inputs if key.startswith("_") and key != WEBHOOK_DATA]
    if reserved:
        message = (
            f"inputs has the key '{reserved[0]}', and keys that begin with _ are reserved; "
            "give it another name"
        )
        raise InvalidRequest(message=message)


def labels_of(value: Any) -> dict[str, str]:
    """Labels: a flat object of text, 16 keys and 1 kB at most."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidRequest(message=f"labels is {kind_of(value)}; it must be an object of texts")
    for key, text in value.items():
        if not isinstance(text, str):
            message = f"labels: '{key}' is {kind_of(text)}; labels are texts"
            raise InvalidRequest(message=message)
    if len(value) > MAX_LABELS:
        message = f"labels has {len(value)} keys; {MAX_LABELS} are allowed"
        raise InvalidRequest(message=message)
    size = len(to_wire(value))
    if size > MAX_LABEL_BYTES:
        message = f"labels has {size:,} bytes as JSON; {MAX_LABEL_BYTES:,} are allowed"
        raise InvalidRequest(message=message)
    return value


@dataclass(frozen=True, slots=True)
class NodeRequest:
    """A call that runs one node by itself."""

    node_id: str
    node_type: str
    node: dict[str, Any]
    data: Any


def node_request(body: Mapping[str, Any]) -> NodeRequest:
    """`{workflowId, nodeId, nodeType, node, inputData?}`; the node may lack what stands beside it.

    `nodeType` decides which handler runs. Without `inputData` it gets `{}`, as in a workflow that
    runs without inputs.
    """
    node = _object(body, "node") or {}
    node_id = identifier(body, "nodeId") or identifier(node, "id") or "node"
    node_type = identifier(body, "nodeType") or identifier(node, "type")
    if node_type is None:
        raise InvalidRequest(message="nodeType is missing: it names the handler to run")
    whole = {**node, "id": node_id, "type": node_type}
    return NodeRequest(node_id, node_type, whole, body.get("inputData", {}))
