"""The entry points of what is installed, read one by one: none that is broken hides another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import PurePath

from caudal_core.errors import error_text
from caudal_core.hookspecs import GROUP

_FILE = "entry_points.txt"
_FOLDERS = (".dist-info", ".egg-info")


@dataclass(frozen=True, slots=True)
class Found:
    """One entry point, or why there is none in its place; `package` is the distribution."""

    package: str
    version: str
    point: EntryPoint | None = None
    error: str | None = None


def normal_name(distribution: str) -> str:
    """The name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def installed() -> Iterator[Found]:
    """Every entry point of our group; of a distribution that is there twice, those Python sees."""
    seen: set[str] = set()
    for dist in distributions():
        name = normal_name(_folder(dist)[0] or _about(dist)[0])
        if name not in seen:
            seen.add(name)
            yield from _of(dist)


def given(point: EntryPoint) -> Found:
    """An entry point that somebody else has read."""
    return Found(*(_about(point.dist) if point.dist else (point.name, "0")), point)


def _of(dist: Distribution) -> Iterator[Found]:
    try:
        text = dist.read_text(_FILE) or ""
    except Exception as error:  # noqa: BLE001 - what is wrong with one must not hide the others
        yield Found(*_about(dist), error=f"{_FILE} cannot be read: {error_text(error)}")
        return
    for line in _lines(text):
        name, _, value = map(str.strip, line.partition("="))
        if EntryPoint.pattern.match(value):
            yield Found(*_about(dist), EntryPoint(name, value, GROUP))
        else:
            wrong = f"{_FILE}: '{line[:80]}' names no module; write it as name = module"
            yield Found(*_about(dist), error=wrong)


def _lines(text: str) -> Iterator[str]:
    """The lines of our group; those of others are for others to judge."""
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line.strip("[]")
        elif group == GROUP and line and not line.startswith("#"):
            yield line


def _about(dist: Distribution) -> tuple[str, str]:
    """Name and version; the folder's name stands in for what its metadata do not say."""
    name, version = _folder(dist)
    return _told(dist, "Name") or name or "unknown", _told(dist, "Version") or version or "0"


def _told(dist: Distribution, key: str) -> str | None:
    try:
        return dist.metadata[key]
    except Exception:  # noqa: BLE001 - no metadata, or none that anybody can read
        return None


def _folder(dist: Distribution) -> tuple[str, str]:
    """Name and version as its folder tells them, `acme_meters-1.0.dist-info`; empty if none do."""
    path = PurePath(str(getattr(dist, "_path", "")))
    if path.suffix not in _FOLDERS:
        return "", ""
    name, _, version = path.stem.partition("-")
    return name, version
