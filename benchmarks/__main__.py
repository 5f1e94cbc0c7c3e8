"""Run benchmarks and print one JSON line a figure: `python -m benchmarks [NAME…]`.

Names: `nodes`, `http`, `durability`, `status`, `startup`, `data`, `files`, `records`. A figure says
its value, its unit, the floor of the same run, the ratio of the two, the limit that it is held
against and whether it holds; a durable one also what `fdatasync` takes in its folder, in µs. If one
does not hold, the exit code is 1. Nothing else should be running: the machine's load is printed
first.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks import data, durability, files, http, nodes, records, startup, status

ALL: dict[str, Callable[[], Iterable[dict[str, Any]]]] = {
    "nodes": nodes.figures,
    "http": http.figures,
    "durability": durability.figures,
    "status": status.figures,
    "startup": startup.figures,
    "data": data.figures,
    "files": files.figures,
    "records": records.figures,
}


def main() -> None:
    """Run what the command line names, or everything."""
    names = sys.argv[1:] or list(ALL)
    unknown = [name for name in names if name not in ALL]
    if unknown:
        sys.exit(f"no benchmark '{unknown[0]}'; there are {', '.join(ALL)}")
    machine = {
        "machine": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": os.getloadavg(),
    }
    print(json.dumps(machine), flush=True)
    held = True
    for name in names:
        for figure in ALL[name]():
            held = held and figure.get("holds", True)
            print(json.dumps({"benchmark": name, **figure}, ensure_ascii=False), flush=True)
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
