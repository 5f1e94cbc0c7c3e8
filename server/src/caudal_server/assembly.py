"""From settings to an engine with all that is installed."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import httpx2

from caudal_core.engine import Engine, EngineOptions, FolderStorage, PostgresStorage, Storage
from caudal_core.errors import error_text, nearest
from caudal_core.files import UPLOAD, FileAccess
from caudal_core.hookspecs import BlobStore
from caudal_core.journal import Sink
from caudal_core.journal.blobs import BlobFolder
from caudal_core.journal.remote import RemoteBlobs
from caudal_core.registry import Registry, load_registry
from caudal_core.runner import EmbeddedRunner, Runner
from caudal_core.stores import RecordStores, StorePlace
from caudal_core.text import Text
from caudal_core.uploads import Uploads
from caudal_core.workers import Limits
from caudal_server.databases import check_journal, database_of
from caudal_server.environment import variable_of
from caudal_server.settings import InvalidSettings, Settings
from caudal_server.showing import masked
from caudal_server.signing import signing_key

EMBEDDED = "embedded"


def make_engine(
    settings: Settings, registry: Registry | None = None, *, advice: Text = UPLOAD
) -> Engine:
    """The engine that the settings describe, not started; `InvalidSettings` if there is none.

    `advice` says what to do about the id of a file that nobody uploaded.
    """
    found = registry or load_registry(prefer=settings.prefer)
    options = EngineOptions(
        timezone=settings.timezone,
        locale=settings.locale,
        language=settings.language,
        files=FileAccess(settings.file_roots, uploads_of(settings), advice=advice),
        limits=Limits(settings.file_seconds, settings.file_memory),
        records=_records(settings, found),
        max_queued=settings.max_queued,
        node_memory=settings.node_memory,
        disk_reserve=settings.disk_reserve,
        retention_days=settings.retention_days,
        retention_blobs=settings.retention_blobs,
        on_failure=_told(settings.on_failure),
        notice_seconds=settings.notice_seconds,
    )
    storage = _storage(settings, _blobs(settings.blobs, found))
    return Engine(found, storage=storage, runner=_runner(settings, found), options=options)


def _storage(settings: Settings, blobs: BlobStore | None) -> Storage:
    if (url := settings.database) is None:
        return DataFolder(settings.data, blobs)
    check_journal(url)
    place = None if settings.blobs is None else masked(settings.blobs)
    return SharedDatabase(
        url,
        settings.data,
        blobs,
        lease=settings.lease_seconds,
        place=place,
        key=partial(signing_key, settings.callback_secret, settings.data),
    )


def blobs_of(settings: Settings) -> BlobStore:
    """Where large values are kept, for those who have no engine."""
    if settings.blobs is None:
        return BlobFolder(settings.data / "blobs")
    found = _blobs(settings.blobs, load_registry(prefer=settings.prefer))
    assert found is not None  # noqa: S101 - there is a URL
    return found


def _told(target: str | None) -> str | None:
    """Who is told of failures, if it is a URL that can be called or the id of a workflow."""
    if target is None or "://" not in target:
        return target
    try:
        url = httpx2.URL(target)
        fits = url.scheme in ("http", "https") and bool(url.host)
    except (httpx2.InvalidURL, ValueError):
        fits = False
    if not fits:
        message = (
            "CAUDAL_ON_FAILURE is neither the id of a workflow nor a URL that can be called; "
            "write it as https://example.org/failures"
        )
        raise InvalidSettings(message=message)
    return target


def uploads_of(settings: Settings) -> Uploads:
    """The uploaded files, in the data folder."""
    return Uploads(settings.data / "files")


def _records(settings: Settings, registry: Registry) -> RecordStores:
    """The record stores; they connect when records are first asked for."""
    for name in ("store_url", "records_url"):
        if (url := getattr(settings, name)) is not None:
            database_of(variable_of(name), url, only="postgresql" if name == "store_url" else "")
    # Servers that share a database share the entities too.
    place = StorePlace(settings.data, settings.store_url or settings.database, settings.records_url)
    return RecordStores(registry.stores, place)


class DataFolder(FolderStorage):
    """The folder of the settings; when the engine starts, `InvalidSettings` if it cannot be one."""

    def sink(self) -> Sink:
        """Make the folder if it is not there."""
        try:
            return super().sink()
        except OSError as error:
            raise _no_folder(self.folder, error) from None


class SharedDatabase(PostgresStorage):
    """The same with a PostgreSQL."""

    def sink(self) -> Sink:
        """Make the folder if it is not there."""
        try:
            return super().sink()
        except OSError as error:
            raise _no_folder(self.folder, error) from None


def _no_folder(folder: Path, error: OSError) -> InvalidSettings:
    message = (
        f"the data folder {folder} cannot be made: {error.strerror or error}; "
        "name another with --data or CAUDAL_DATA"
    )
    return InvalidSettings(message=message)


def _blobs(url: str | None, registry: Registry) -> BlobStore | None:
    """Where large values are kept, if not in the data folder."""
    if url is None:
        return None
    scheme, separator, place = url.partition("://")
    if not separator:
        message = "CAUDAL_BLOBS is no URL; write one such as s3://bucket/blobs or file:///var/blobs"
        raise InvalidSettings(message=message)
    try:
        if make := registry.blob_stores.get(scheme):
            store: BlobStore = make(url)
            return store
        return BlobFolder(Path(place)) if scheme == "file" else RemoteBlobs(url)
    except Exception as error:
        near = nearest(scheme, list(registry.blob_stores))
        hint = f"; did you mean {near}://?" if near else ""
        message = f"CAUDAL_BLOBS: {masked(url)} cannot be used: {error_text(error)}{hint}"
        raise InvalidSettings(message=message) from error


def _runner(settings: Settings, registry: Registry) -> Runner:
    if settings.runner == EMBEDDED:
        most = settings.max_running
        if most is None:
            return EmbeddedRunner()
        return EmbeddedRunner(threads=most, nodes_at_once=most)
    make = registry.runners.get(settings.runner)
    if make is None:
        known = [EMBEDDED, *registry.runners]
        near = nearest(settings.runner, known)
        message = f"CAUDAL_RUNNER: there is no runner '{settings.runner}'; there is: " + (
            ", ".join(known) + (f"; did you mean '{near}'?" if near else "")
        )
        raise InvalidSettings(message=message)
    runner: Runner = make()
    return runner
