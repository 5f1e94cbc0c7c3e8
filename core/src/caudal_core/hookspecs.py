"""Every place where a package can add to Caudal. Each docstring is a plugin to start from.

A package names a module (or any object) with its implementations in the entry point group
`caudal`; its hooks are called when Caudal starts and on reload, never while a node runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pluggy

if TYPE_CHECKING:
    from caudal_core.handler import Handler
    from caudal_core.stores import OpenStore
    from caudal_core.trigger import Trigger

GROUP = "caudal"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


class WorkflowSource(Protocol):
    """Workflows that live elsewhere."""

    name: str

    def fetch(self, workflow_id: str) -> Mapping[str, Any] | None:
        """The workflow's JSON, or nothing if this source does not have it.

        Called in a thread, once for each accepted execution, with a limit of a few seconds.
        """


class BlobStore(Protocol):
    """Where large values are kept, each under the SHA-256 of its bytes."""

    def put(self, content: bytes | memoryview) -> str:
        """Keep the bytes and give their name; called in a thread.

        What this has returned stays. `OSError` where there is no room or no way: it is tried again.
        """

    def get(self, name: str) -> bytes:
        """The bytes of this name; `NotFound` if they are gone. Called in a thread."""

    def local(self, name: str) -> Path | None:
        """The file of this machine that holds them, if one does: a table is then used in place."""


@hookspec
def caudal_handlers() -> Iterable[Handler]:  # type: ignore[empty-body]
    """Give the handlers of this package, in the order in which they are to be read.

    ::

        from caudal_core import Config, Context, Records, handler, hookimpl

        @handler("double", effect="pure")
        def double(config: Config, data: Records, ctx: Context) -> Records:
            \"\"\"Double the field `value` of every record.\"\"\"
            return data.with_column("value", [2 * v for v in data.column("value")])

        @hookimpl
        def caudal_handlers():
            return (double,)
    """


@hookspec
def caudal_known_types() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Name node types that other packages bring, so that a workflow lacking one is told which.

    ::

        from caudal_core import hookimpl

        @hookimpl
        def caudal_known_types():
            return {"opcua": "caudal-ot"}
    """


@hookspec
def caudal_workflow_sources() -> Iterable[WorkflowSource]:  # type: ignore[empty-body]
    """Give places to look for a workflow whose id is not stored here.

    ::

        import json
        from pathlib import Path
        from caudal_core import hookimpl

        class Folder:
            name = "folder"

            def fetch(self, workflow_id):
                path = Path("workflows") / f"{workflow_id}.json"
                return json.loads(path.read_text()) if path.is_file() else None

        @hookimpl
        def caudal_workflow_sources():
            return (Folder(),)
    """


@hookspec
def caudal_record_stores() -> Mapping[str, OpenStore]:  # type: ignore[empty-body]
    """Give places of entities and their records, by a name of one word.

    Each is a function that gets the `StorePlace` and gives the store, or nothing where it has no
    place; it is called when records are first asked for. The stores are asked in order: those of
    `caudal-builtin`, then those of other packages by the packages' names.

    ::

        import json
        from pathlib import Path
        from caudal_core import NotAvailable, hookimpl
        from caudal_core.stores import Entity, Page

        class Folder:
            \"\"\"Every file `NAME.json` of a folder, a list of objects, is an entity.\"\"\"

            name = "the folder entities"

            def entities(self):
                return [self.find(path.stem) for path in sorted(Path("entities").glob("*.json"))]

            def find(self, ref):
                found = ref.isidentifier() and Path("entities", f"{ref}.json").is_file()
                return Entity(id=ref, name=ref) if found else None

            def read(self, entity, query):
                if query.where or query.sort or query.cursor or query.as_of:
                    raise NotAvailable("a folder is read as it is, without filter and order")
                records = json.loads(Path("entities", f"{entity.id}.json").read_text())
                return Page(records[: query.limit])

            def create(self, *_):
                raise NotAvailable("a folder is read only")

            change = delete = write = remove = create

            def close(self):
                pass

        @hookimpl
        def caudal_record_stores():
            return {"folder": lambda place: Folder()}
    """


@hookspec
def caudal_runners() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Give ways to run nodes, by the name that `CAUDAL_RUNNER` chooses one by.

    ::

        from caudal_core import hookimpl
        from caudal_core.runner import EmbeddedRunner

        @hookimpl
        def caudal_runners():
            return {"two-threads": lambda: EmbeddedRunner(threads=2)}
    """


@hookspec
def caudal_blob_stores() -> Mapping[str, Callable[[str], BlobStore]]:  # type: ignore[empty-body]
    """Give places for large values, by the scheme of the URL in `CAUDAL_BLOBS` that names one.

    ::

        import hashlib
        from pathlib import Path
        from caudal_core import hookimpl

        class Shelf:
            def __init__(self, url):
                self.folder = Path(url.removeprefix("shelf://"))
                self.folder.mkdir(parents=True, exist_ok=True)

            def put(self, content):
                name = hashlib.sha256(content).hexdigest()
                (self.folder / name).write_bytes(content)
                return name

            def get(self, name):
                return (self.folder / name).read_bytes()

            def local(self, name):
                return self.folder / name

        @hookimpl
        def caudal_blob_stores():
            return {"shelf": Shelf}
    """


@hookspec
def caudal_triggers() -> Iterable[Trigger[Any]]:  # type: ignore[empty-body]
    """Give what starts workflows by itself; `caudal_core.Trigger` says what a trigger must do.

    The nodes that switch one on have its name as their type, so a handler of this name belongs to
    it, which hands on the execution's inputs.

    ::

        from pathlib import Path
        from caudal_core import Config, Event, Field, Trigger, hookimpl

        class NewFileConfig(Config):
            folder: str = Field(title="Folder")
            seconds: float = Field(5, gt=0, unit="s", title="Between two looks")

        class NewFile(Trigger):
            \"\"\"Starts a workflow once for every csv file that appears in a folder.\"\"\"

            name = "newFile"
            config = NewFileConfig

            async def listen(self, config, ctx):
                while True:
                    for path in sorted(Path(config.folder).glob("*.csv")):
                        yield Event(key=path.name, inputs={"path": str(path)})
                        # Here its execution is on disk: the file could be moved away.
                    await ctx.sleep(config.seconds)

        @hookimpl
        def caudal_triggers():
            return (NewFile(),)
    """


@hookspec
def caudal_node_finished(execution_id: str, node_id: str, status: str) -> None:
    """Hear that a node has ended, once that is recorded. Be quick: the engine waits.

    ::

        from caudal_core import hookimpl

        @hookimpl
        def caudal_node_finished(node_id, status):
            print(node_id, status)
    """


@hookspec
def caudal_execution_finished(execution_id: str, workflow_id: str, status: str) -> None:
    """Hear that an execution has ended, once that is recorded. Be quick: the engine waits.

    ::

        from caudal_core import hookimpl

        @hookimpl
        def caudal_execution_finished(workflow_id, status):
            print(workflow_id, status)
    """
