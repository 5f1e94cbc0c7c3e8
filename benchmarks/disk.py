"""What a durable figure stands on: the disk of the folder that it was measured in."""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

TIMES = 200
BLOCK = b"\0" * 4096
MOUNTS = Path("/proc/self/mountinfo")


def disk(folder: Path) -> dict[str, Any]:
    """The median of appending 4 kB and `fdatasync`, in µs, and the name of the file system."""
    return {
        "fdatasyncMicroseconds": round(_fdatasync(folder), 1),
        "fileSystem": _file_system(folder),
    }


def _fdatasync(folder: Path) -> float:
    sync = getattr(os, "fdatasync", os.fsync)
    path, samples = folder / "fdatasync", []
    with path.open("ab", buffering=0) as file:
        for _ in range(TIMES):
            begin = perf_counter()
            file.write(BLOCK)
            sync(file.fileno())
            samples.append((perf_counter() - begin) * 1e6)
    path.unlink()
    return median(samples)


def _file_system(folder: Path) -> str:
    """That of the longest mount point above the folder; of several at one place the last."""
    if not MOUNTS.exists():
        return "unknown"
    found = {}
    for line in MOUNTS.read_text().splitlines():
        place, _, kind = line.partition(" - ")
        found[Path(place.split()[4].replace("\\040", " "))] = kind.split()[0]
    real = folder.resolve()
    return next((found[above] for above in (real, *real.parents) if above in found), "unknown")
