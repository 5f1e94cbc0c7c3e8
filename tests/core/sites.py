"""Folders of installed packages for tests, and what a registry says of them."""

from __future__ import annotations

import shutil
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from textwrap import dedent

from caudal_core.registry import Plugin, Registry, load_registry

HEAD = """
from caudal_core import Config, Context, Records, handler, hookimpl

def made(type_, about="A handler."):
    def function(config: Config, data: Records, ctx: Context) -> Records:
        return data
    function.__doc__ = about
    return handler(type_, effect="pure")(function)
"""

GOOD = (
    HEAD
    + """
@hookimpl
def caudal_handlers():
    return (made("{type}"),)
"""
)


def module_of(name: str) -> str:
    """The module of a distribution; none of ours has such a name."""
    return "plugin_" + name.replace("-", "_").replace(".", "_")


class Site:
    """A folder of installed packages, each a module with its metadata."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self, name: str, source: str, *, version: str = "1.0", entry: str | None = None
    ) -> None:
        """Install a distribution whose module has this source, in place of what it was before."""
        module = module_of(name)
        for old in self.folder.glob(f"{module}-*.dist-info"):
            shutil.rmtree(old)
        (self.folder / f"{module}.py").write_text(dedent(source), encoding="utf-8")
        info = self.folder / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8"
        )
        entries = entry or f"main = {module}"
        (info / "entry_points.txt").write_text(f"[caudal]\n{entries}\n", encoding="utf-8")

    @property
    def points(self) -> list[EntryPoint]:
        """The entry points of what is installed here and nowhere else."""
        found = distributions(path=[str(self.folder)])
        return [point for dist in found for point in dist.entry_points.select(group="caudal")]

    def load(self, before: Registry | None = None, **prefer: str) -> Registry:
        """The registry of what is installed here."""
        return load_registry(points=self.points, prefer=prefer, before=before)


def plugin(registry: Registry, name: str) -> Plugin:
    """What the registry says of one distribution."""
    (found,) = (item for item in registry.plugins if item.name == name)
    return found


def error(registry: Registry, name: str) -> str:
    """What is wrong with one distribution."""
    text = plugin(registry, name).error
    assert text is not None
    return text
