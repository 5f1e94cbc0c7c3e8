"""Where a workflow is looked for by its id: the store, then what the operator named."""

from caudal_server.sources.errors import SourceFailed, SourceTimeout, WorkflowNotFound
from caudal_server.sources.finder import Found, WorkflowFinder
from caudal_server.sources.folder import WorkflowFile
from caudal_server.sources.place import organization_of

__all__ = [
    "Found",
    "SourceFailed",
    "SourceTimeout",
    "WorkflowFile",
    "WorkflowFinder",
    "WorkflowNotFound",
    "organization_of",
]
