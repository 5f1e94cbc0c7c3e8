# ruff: noqa: INP001 - the builder reads this file by its path
"""Puts the examples of the repository into the wheel, as `caudal_server/cli/examples`.

They live at the root of the repository, outside this package. An sdist carries them where the wheel
wants them, so that a wheel can be built from either. An editable install reads them where they are.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INSIDE = {"wheel": "caudal_server/cli/examples", "sdist": "src/caudal_server/cli/examples"}
SUFFIXES = (".json", ".md", ".csv", ".xlsx")


class Examples(BuildHookInterface[Any]):
    """Adds the workflows and their data, not the script that makes the data."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files, if this is a checkout."""
        folder = Path(self.root).parent / "examples"
        if version == "editable" or not (folder / "meter-cost.json").is_file():
            return
        for file in sorted(folder.rglob("*")):
            if file.suffix in SUFFIXES:
                inside = f"{INSIDE[self.target_name]}/{file.relative_to(folder).as_posix()}"
                build_data["force_include"][str(file)] = inside
