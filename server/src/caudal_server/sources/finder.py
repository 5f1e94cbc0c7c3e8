"""Looks a workflow up by its id, in one place after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from caudal_core.engine import Engine
from caudal_core.errors import error_text
from caudal_core.hookspecs import WorkflowSource
from caudal_core.runner.pool import ThreadPool
from caudal_core.workflow import UNNAMED
from caudal_server.databases import ESCAPED, database_of
from caudal_server.settings import InvalidSettings, Settings
from caudal_server.showing import bare, masked
from caudal_server.sources.database import WorkflowDatabase, asks_for_id
from caudal_server.sources.errors import SourceFailed, SourceTimeout, Unusable, WorkflowNotFound
from caudal_server.sources.folder import WorkflowFile, WorkflowFolder
from caudal_server.sources.ids import MAX_ID, may_exist
from caudal_server.sources.place import Place, organization_of, unwrap
from caudal_server.sources.url import PLACEHOLDER, WorkflowUrl, can_be_asked

SECONDS = 5.0
"""How long one place may take."""

STORE = "the store"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """A workflow and where it was: `origin` is one of the texts that `lookedIn` gives.

    `version` and `digest`, the hash of its text, are null for one that is not kept in the store.
    """

    document: dict[str, Any]
    id: str
    origin: str
    version: int | None = None
    digest: str | None = None

    @property
    def name(self) -> str:
        """The workflow's name, or what stands for one."""
        return str(self.document.get("name") or UNNAMED)

    @property
    def organization(self) -> str | None:
        """The organisation that the workflow names as its own."""
        return organization_of(self.document)


class WorkflowFinder:
    """Looks in the store, in `--workflows DIR`, in `CAUDAL_WORKFLOW_SOURCE`, then asks plugins.

    It keeps nothing of what it was given: each execution takes the workflow as it is then.
    """

    def __init__(self, engine: Engine, settings: Settings, *, seconds: float = SECONDS) -> None:
        """Raises `InvalidSettings` where a setting names nothing that could be asked."""
        self._engine = engine
        self._seconds = seconds
        self._pool = ThreadPool(4, "caudal-source")
        folder = settings.workflows
        self.folder = (
            None if folder is None else WorkflowFolder(folder, self._pool, settings.max_body)
        )
        self._application = _application(settings, self._pool)

    async def find(self, workflow_id: str) -> Found:
        """The workflow of this id.

        `WorkflowNotFound` if no place has it; `SourceFailed` or `SourceTimeout` if a place could
        not say, as then nobody knows whether it does.
        """
        looked_in = [STORE]
        if not may_exist(workflow_id):
            raise WorkflowNotFound(workflow_id[:MAX_ID], looked_in)
        stored = await self._engine.library.find(workflow_id)
        if stored is not None:
            kept, text = stored
            return Found(text, workflow_id, STORE, kept.version, kept.hash)
        for place in self._places():
            document = await self._ask(place, workflow_id)
            looked_in.append(place.name)
            if document is not None:
                return Found(_known_by(workflow_id, document), workflow_id, place.name)
        raise WorkflowNotFound(workflow_id, looked_in)

    async def files(self) -> Sequence[WorkflowFile]:
        """What is in `--workflows DIR`, the broken files too."""
        folder = self.folder
        return () if folder is None else await self._in_time(folder.all(), folder.name, "*")

    async def close(self) -> None:
        """Close what is open to the places."""
        if self._application is not None:
            await self._application.close()
        self._pool.close()

    async def _ask(self, place: Place, workflow_id: str) -> dict[str, Any] | None:
        return await self._in_time(place.fetch(workflow_id), place.name, workflow_id)

    async def _in_time(self, asked: Coroutine[Any, Any, T], source: str, workflow_id: str) -> T:
        """What is asked for, or an error that names the place and says what is wrong with it."""
        try:
            async with asyncio.timeout(self._seconds):
                return await asked
        except TimeoutError:
            raise SourceTimeout(source=source, id=workflow_id, seconds=self._seconds) from None
        except Unusable as error:
            cause = str(error)
        except Exception as error:  # noqa: BLE001 - whatever a driver or a plugin raises is theirs
            cause = error_text(error)
        raise SourceFailed(source=source, id=workflow_id, cause=cause)

    def _places(self) -> list[Place]:
        own = (self.folder, self._application)
        offered = self._engine.registry.sources
        return [
            *(place for place in own if place is not None),
            *(_Offered(source, self._pool) for source in offered),
        ]


class _Offered:
    """A place that a plugin offers."""

    def __init__(self, source: WorkflowSource, pool: ThreadPool) -> None:
        self._source = source
        self._pool = pool
        self.name = str(getattr(source, "name", "") or type(source).__name__)

    async def fetch(self, workflow_id: str) -> dict[str, Any] | None:
        """What the source gives, read in a thread."""
        fetch = self._source.fetch
        found: dict[str, Any] | None = await self._pool.run(lambda: unwrap(fetch(workflow_id)))
        return found


def _known_by(workflow_id: str, document: dict[str, Any]) -> dict[str, Any]:
    """The workflow under the id that it was asked for by, whatever its own JSON calls it."""
    if document.get("id") in (None, workflow_id):
        return document
    return {**document, "id": workflow_id}


def _application(settings: Settings, pool: ThreadPool) -> WorkflowUrl | WorkflowDatabase | None:
    """The place that `CAUDAL_WORKFLOW_SOURCE` names."""
    source = settings.workflow_source
    if not source:
        return None
    if source.startswith(("http://", "https://")):
        return _url(source, pool, settings.max_body)
    return _database(source, settings.workflow_query, pool)


def _url(source: str, pool: ThreadPool, limit: int) -> WorkflowUrl:
    if PLACEHOLDER not in source:
        message = (
            "CAUDAL_WORKFLOW_SOURCE is a URL without {id}; "
            "write {id} where the workflow's id stands, as in http://localhost:3001/workflows/{id}"
        )
        raise InvalidSettings(message=message)
    if not can_be_asked(source):
        message = (
            f"CAUDAL_WORKFLOW_SOURCE is no URL that could be asked: {masked(source)}; write it as "
            f"http://localhost:3001/workflows/{{id}}, {ESCAPED}"
        )
        raise InvalidSettings(message=message)
    return WorkflowUrl(source, pool=pool, limit=limit)


def _database(source: str, query: str, pool: ThreadPool) -> WorkflowDatabase:
    url = database_of("CAUDAL_WORKFLOW_SOURCE", source, besides="a URL with {id}")
    if not asks_for_id(query):
        message = f"CAUDAL_WORKFLOW_QUERY has no parameter :id, so it could find nothing: {query}"
        raise InvalidSettings(message=message)
    return WorkflowDatabase(url, query, pool=pool, name=f"the database {bare(source)}")
