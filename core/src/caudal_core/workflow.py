"""The workflow as it is kept: the models of its JSON.

Unknown keys survive a round trip, in the workflow, in a node and in a config: editors keep their
own keys there. A model never changes the text that was stored; `canonical` and `content_hash` work
on the JSON itself.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from caudal_core.zones import ZoneName

UNNAMED = "Unnamed Workflow"


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="allow", alias_generator=to_camel, populate_by_name=True, frozen=True
    )


class Node(_Model):
    """One node: an id, the type that names its handler, its config, and how it is to be run."""

    id: str = Field(min_length=1)
    type: str = Field(min_length=1)
    label: str | None = None
    config: dict[str, Any] | None = None
    type_version: int | None = Field(None, ge=1)
    retries: int | None = Field(None, ge=0, le=100)
    retry_delay_seconds: float | None = Field(None, ge=0, le=86_400)
    timeout_seconds: float | None = Field(None, gt=0, le=2_592_000)
    on_error: Literal["fail", "continue", "branch"] | None = None
    on_interrupted: Literal["fail", "ask", "rerun"] | None = None
    on_row_error: Literal["fail", "drop", "keep"] | None = None

    @property
    def title(self) -> str:
        """The label, or the type where there is none."""
        return self.label or self.type


class Connection(_Model):
    """From a node's output port to another node's input port; no port named means the first."""

    id: str | None = None
    from_node_id: str
    to_node_id: str
    output_type: str | None = None
    from_port: str | None = None
    input_port: str | None = None

    @property
    def output_port(self) -> str | None:
        """The port it leaves; `fromPort` is the older name of `outputType`."""
        return self.output_type or self.from_port


def _no_address(value: str) -> str:
    if "://" in value:
        message = "it must be the id of a workflow; only the operator may have a URL called"
        raise ValueError(message)
    return value


class Told(_Model):
    """Who is told of something: a workflow, which is then executed."""

    workflow_id: Annotated[str, AfterValidator(_no_address)] = Field(min_length=1)


def _told(value: Any) -> Any:
    """An id alone names the workflow; what an editor leaves empty names nobody."""
    return {"workflowId": value} if isinstance(value, str) and value else value or None


class Settings(_Model):
    """What holds for the whole workflow; everything is optional."""

    timezone: ZoneName | None = None
    locale: str | None = None
    language: str | None = None
    on_failure: Annotated[Told | None, BeforeValidator(_told)] = None
    on_recovery: Annotated[Told | None, BeforeValidator(_told)] = None
    max_concurrency: int | None = Field(None, ge=1)
    timeout_seconds: float | None = Field(None, gt=0)
    retention_days: float | None = Field(None, gt=0)
    max_active_executions: int | None = Field(None, ge=1)


class Workflow(_Model):
    """A graph of nodes."""

    id: str | None = None
    name: str | None = None
    organization_id: str | None = None
    description: str | None = None
    tags: list[Any] | None = None
    nodes: list[Node]
    connections: list[Connection] | None = None
    settings: Settings | None = None

    @property
    def title(self) -> str:
        """The name, or what stands for one."""
        return self.name or UNNAMED


def canonical(document: dict[str, Any]) -> bytes:
    """The workflow's JSON as it is stored and hashed: the document itself, its key order kept."""
    from caudal_core.values import encode

    return encode(document)


def content_hash(text: bytes | memoryview) -> str:
    """SHA-256, hex, of a workflow's or a value's stored text."""
    return hashlib.sha256(text).hexdigest()
