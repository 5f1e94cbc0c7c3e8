"""How the server is set up: `CAUDAL_…` in the environment, `.env`, or the command line.

An earlier place wins: command line, environment, the file that `CAUDAL_…_FILE` names, `.env` in
the working directory, default. Names without the prefix are nobody's here: the `.env` of an
application, with its own `PORT` or `JWT_SECRET`, may lie beside the server.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from caudal_core.errors import CaudalError
from caudal_core.zones import ZoneName
from caudal_server.egress import entry_of
from caudal_server.environment import ENV_FILE, PREFIX, encoding, everything, variable_of
from caudal_server.hosts import allowed
from caudal_server.signing import key_of
from caudal_server.timezones import machine_timezone

FINDING = "SELECT id, name, data FROM workflows WHERE id = :id"

SQLITE = "sqlite"
"""In place of a database's address: the file in the data folder."""

SECRETS = (
    "workflow_source",
    "store_url",
    "records_url",
    "blobs",
    "database_url",
    "on_failure",
    "callback_secret",
)
"""Fields that may hold a password: they may stand in a file of their own and are shown masked."""


class InvalidSettings(CaudalError):
    """Settings that do not fit; the text names each variable and what is wrong with it."""

    code = "INVALID_SETTINGS"


def _roots(value: Any) -> Any:
    """Folders with `:` between them (`;` on Windows)."""
    if not isinstance(value, str):
        return value
    return tuple(part for part in value.split(os.pathsep) if part)


def _preferences(value: Any) -> Any:
    """`type=distribution, …` as a mapping."""
    if not isinstance(value, str):
        return value
    pairs = [[text.strip() for text in part.partition("=")] for part in value.split(",")]
    if not all(type_ and name for type_, _, name in pairs):
        message = "write it as type=distribution, with commas between several"
        raise ValueError(message)
    return {type_: name for type_, _, name in pairs}


def _hosts(value: Any) -> Any:
    """Hosts and CIDRs with commas between them."""
    if not isinstance(value, str):
        return value
    found = tuple(part.strip() for part in value.split(",") if part.strip())
    for part in found:
        entry_of(part)
    return found


def _names(value: Any) -> Any:
    """Names of hosts with commas between them."""
    if not isinstance(value, str):
        return value
    return tuple(allowed(part) for part in value.split(",") if part.strip())


def _secret(value: str | None) -> str | None:
    """A secret that signs; `ValueError` for one that nobody could sign with."""
    if value is not None:
        key_of(value)
    return value


class Settings(BaseSettings):
    """Every setting that this version acts on. `load_settings` makes one and says what is wrong."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    host: str = Field("localhost", description="Where to listen; localhost is 127.0.0.1 and ::1.")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        (), description="Other names, with commas between, by which Host and Origin may call it."
    )
    port: int = Field(8000, ge=0, le=65_535, description="The port; 0 takes a free one.")
    data: Path = Field(Path("caudal-data"), description="The folder of executions and results.")
    database_url: str | None = Field(
        None,
        description="The PostgreSQL of executions and workflows, which several servers may share.",
    )
    lease_seconds: float = Field(
        15.0,
        ge=1,
        description="After so long a silence other servers go on with what a server had.",
    )
    blobs: str | None = Field(
        None,
        description="Where large values are kept: a URL of fsspec, else the data folder.",
    )
    workflows: Path | None = Field(None, description="A folder of workflows as JSON files.")
    workflow_source: str | None = Field(
        None,
        description="Where an application keeps its workflows: a URL with {id}, or a database's.",
    )
    workflow_query: str = Field(FINDING, description="What finds a workflow in that database.")
    store_url: str | None = Field(
        None,
        description="The PostgreSQL that keeps entities and their records, instead of a file.",
    )
    records_url: str | None = Field(
        None, description="The database of an application whose tables are entities too."
    )
    runner: str = Field("embedded", description="What runs the nodes.")
    prefer: Annotated[dict[str, str], NoDecode, BeforeValidator(_preferences)] = Field(
        default_factory=dict,
        description="type=distribution: which package gets a type that several claim.",
    )
    timezone: ZoneName = Field(
        default_factory=machine_timezone, description="The zone of date-times that say none."
    )
    locale: str = Field("en-US", description="How texts for people write numbers.")
    language: str = Field(
        "en",
        pattern="^(en|es)$",
        description="The language of texts that handlers write for people.",
    )
    file_roots: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_roots)] = Field(
        (), description="Folders whose files workflows may read."
    )
    file_seconds: float = Field(120.0, gt=0, description="Seconds that reading one file may take.")
    file_memory: ByteSize = Field(
        ByteSize(2 * 1024**3), ge=64 * 1024**2, description="Memory that reading one file may take."
    )
    max_upload: ByteSize = Field(
        ByteSize(1024**3), ge=1, description="The largest file that can be uploaded, as in 1GiB."
    )
    max_body: ByteSize = Field(
        ByteSize(32 * 1024**2), ge=1, description="The largest body of a request, as in 32MiB."
    )
    max_queued: int = Field(10_000, ge=1, description="How many executions may be unfinished.")
    node_memory: ByteSize = Field(
        ByteSize(2 * 1024**3), ge=1, description="What a built-in node may build, as in 2GiB."
    )
    max_running: int | None = Field(None, ge=1, description="How many nodes may run at once.")
    drain_seconds: float = Field(
        30.0, ge=0, description="Seconds that executions get to end when the server stops."
    )
    webhook_timeout: float = Field(
        30.0, gt=0, description="Seconds that a webhook's caller waits for a workflow's answer."
    )
    disk_reserve: ByteSize = Field(
        ByteSize(256 * 1024**2),
        ge=0,
        description="With less free on the disk no new work is taken; 0 looks at nothing.",
    )
    retention_days: float = Field(
        30.0, ge=0, description="Days for which ended executions are kept; 0 keeps them for ever."
    )
    retention_blobs: ByteSize = Field(
        ByteSize(5 * 1000**3),
        ge=0,
        description="What large values may take before the oldest executions go; 0 is no limit.",
    )
    schedules: bool = Field(
        default=True, description="Whether schedules and other triggers start anything: on or off."
    )
    on_failure: str | None = Field(
        None,
        description="Who is told of failures, unless a workflow says: a workflow's id, or a URL.",
    )
    notice_seconds: float = Field(
        5.0, ge=0, description="Seconds for which failures of one cause are gathered."
    )
    egress_allow: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_hosts)] = Field(
        (), description="Hosts and CIDRs, with commas between, that a callbackUrl may name."
    )
    callback_secret: Annotated[str | None, AfterValidator(_secret)] = Field(
        None, description="What signs calls to URLs, else a secret in the data folder."
    )
    public_url: str | None = Field(
        None, description="Where people reach this server, for links; else where it listens."
    )
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="What the log tells."
    )

    _said: frozenset[str] = frozenset()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - named by the base class
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The places in the order in which they win."""
        return init_settings, env_settings, _SecretFiles(settings_cls), dotenv_settings

    @property
    def database(self) -> str | None:
        """The PostgreSQL of the journal; null where that is in the data folder."""
        return None if self.database_url == SQLITE else self.database_url

    @property
    def said(self) -> frozenset[str]:
        """The fields that the command line gave."""
        return self._said


class _SecretFiles(PydanticBaseSettingsSource):
    """Takes a secret from the file that `CAUDAL_…_FILE` names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """The file's text without the space around it."""
        variable = f"{variable_of(field_name)}_FILE"
        file = everything().get(variable)
        if file is None:
            return None, field_name, False
        try:
            return Path(file).read_text(encoding="utf-8").strip(), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            message = f"{variable}: {file} cannot be read: {error}"
            raise InvalidSettings(message=message) from None

    def __call__(self) -> dict[str, Any]:
        """What the files hold, by field."""
        fields = self.settings_cls.model_fields
        found = {name: self.get_field_value(fields[name], name)[0] for name in SECRETS}
        return {name: value for name, value in found.items() if value}


def load_settings(**given: Any) -> Settings:
    """The settings in force; `given` are those of the command line, null where it says nothing.

    Raises `InvalidSettings`, which names every variable or option that does not fit.
    """
    said = {name: value for name, value in given.items() if value is not None}
    try:
        settings = Settings(_env_file=ENV_FILE, _env_file_encoding=encoding(), **said)
    except ValidationError as error:
        raise InvalidSettings(message=_account(error, said)) from None
    settings._said = frozenset(said)  # noqa: SLF001 - it is made here
    return settings


def _account(error: ValidationError, said: Mapping[str, Any]) -> str:
    lines = []
    for item in error.errors(include_url=False, include_context=False):
        name = str(item["loc"][0])
        shown = f"--{name.replace('_', '-')}" if name in said else variable_of(name)
        lines.append(f"{shown}: {item['msg'].removeprefix('Value error, ')}")
    return "; ".join(lines)
