"""What is installed is looked through one by one: no broken package hides another."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.core.sites import GOOD, HEAD, Site, error, plugin

from caudal_core.registry import Plugin, load_registry
from caudal_core.testing import installed_handlers


def metadata(folder: Path, name: str, entries: str | bytes, about: str | None) -> None:
    """A distribution's folder with these entry points, and with metadata if there are any."""
    info = folder / f"{name}.dist-info"
    info.mkdir()
    text = entries.encode() if isinstance(entries, str) else entries
    (info / "entry_points.txt").write_bytes(text)
    if about is not None:
        (info / "METADATA").write_text(about, encoding="utf-8")


NAMED = "Metadata-Version: 2.1\nName: odd-one\nVersion: 1.0\n"
BROKEN: dict[str, tuple[str | bytes, str | None, list[str]]] = {
    "no metadata": ("[caudal]\nbroken = nowhere_at_all", None, ["nowhere_at_all", "No module"]),
    "metadata without a name": ("[caudal]\nbroken = nowhere_at_all", "", ["nowhere_at_all"]),
    "a line without a sign": ("[caudal]\njust a line", NAMED, ["'just a line'", "name = module"]),
    "no module": ("[caudal]\nodd = not a module!", NAMED, ["'odd = not a module!'"]),
    "nothing after the sign": ("[caudal]\nodd =", NAMED, ["'odd ='"]),
    "a file that is no text": (b"[caudal]\nodd = \xff\xfe", NAMED, ["cannot be read"]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_distribution(site: Site, case: str) -> None:
    """A distribution that nobody can read is listed with its cause; the others are taken in."""
    entries, about, words = BROKEN[case]
    metadata(site.folder, "odd_one-1.0", entries, about)
    site.install("zzz-good", GOOD.format(type="fine"))
    registry = load_registry()
    name = "odd-one" if about else "odd_one"
    broken = plugin(registry, name)
    assert ("1.0", "failed") == (broken.version, broken.status)
    assert [] == [word for word in words if word not in error(registry, name)]
    assert "zzz-good" == registry.handlers["fine"].package
    assert "ok" == plugin(registry, "caudal-builtin").status


def test_a_good_entry_point_beside_a_broken_one(site: Site) -> None:
    """Of a distribution with a line that nobody understands the other entry points are taken in."""
    site.install("half", GOOD.format(type="fine"), entry="odd\n\n# a note\nmain = plugin_half")
    found = plugin(load_registry(), "half")
    assert ("failed", ("fine",)) == (found.status, found.handlers)
    assert "'odd'" in (found.error or "")


def test_the_lines_of_others_are_theirs(site: Site) -> None:
    """A broken entry point of another group makes no plugin of its distribution."""
    entries = "[console_scripts]\njust a line\n"
    metadata(site.folder, "stranger-1.0", entries, NAMED.replace("odd-one", "stranger"))
    assert "stranger" not in {item.name for item in load_registry().plugins}


def test_a_package_without_metadata_works(site: Site) -> None:
    """A package that lost its metadata goes by the name of its folder."""
    (site.folder / "plugin_bare.py").write_text(GOOD.format(type="fine"), encoding="utf-8")
    metadata(site.folder, "bare-2.5", "[caudal]\nmain = plugin_bare", None)
    assert Plugin("bare", "2.5", "ok", ("fine",)) == plugin(load_registry(), "bare")


def test_a_distribution_that_is_there_twice(site: Site) -> None:
    """Of two versions of a distribution the one that Python finds first counts, as for imports."""
    later = site.folder / "later"
    later.mkdir()
    site.install("twice", GOOD.format(type="fine"), version="1.0")
    metadata(later, "plugin_twice-2.0", "[caudal]\nmain = nowhere_at_all", None)
    sys.path.append(str(later))  # the fixture puts the path back
    found = [item for item in load_registry().plugins if "twice" in item.name]
    assert [Plugin("twice", "1.0", "ok", ("fine",))] == found


def test_a_hook_goes_by_the_name_of_its_distribution(site: Site) -> None:
    """What a hook does wrong is told of the package that a person has installed."""
    listener = HEAD + "@hookimpl\ndef caudal_node_finished(node_id):\n    pass\n"
    for name in ("one-listener", "other-listener"):
        site.install(name, listener)
    impls = site.load().hooks.caudal_node_finished.get_hookimpls()
    assert {"one-listener", "other-listener"} == {impl.plugin_name for impl in impls}


@pytest.mark.parametrize("name", ["acme-meters", "acme_meters", "Acme.Meters"])
def test_the_handlers_of_a_package(site: Site, name: str) -> None:
    """A package is asked for by any spelling of its name that package indexes take for the same."""
    site.install("acme-meters", GOOD.format(type="readMeter"))
    assert ["readMeter"] == [made.type for made in installed_handlers(name)]
