"""A stranger's package, written from CONTRIBUTING.md alone, beside nothing but `caudal-core`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.acceptance import stranger
from tests.acceptance.stranger import HANDLER, PACKAGE, PAGE, ROOT, TEST, Environment

# The environments are built once, by one worker.
pytestmark = pytest.mark.xdist_group("stranger")

PLUGINS = "[[p.name, p.version, p.status, p.error] for p in load_registry().plugins]"
BROKEN = "import a_library_that_nobody_has\n"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's files and a wheel of each package, `caudal-core` among them."""
    folder = tmp_path_factory.mktemp("stranger")
    stranger.write(stranger.files(), folder)
    stranger.write(stranger.another("caudal-vats", "2.5.0"), folder)
    stranger.write(stranger.another("caudal-leak", "0.3.1", BROKEN), folder)
    packages = [folder / name for name in (PACKAGE, "caudal-vats", "caudal-leak")]
    stranger.build([*packages, ROOT / "core"], folder / "dist")
    return folder / "dist"


def installed(wheels: Path, folder: Path, *names: str) -> Environment:
    """An environment with `caudal-core` and the packages of these names."""
    stranger.write(stranger.files(), folder)
    environment = Environment(folder)
    wanted = [next(wheels.glob(f"{name}-*.whl")) for name in ("caudal_core", *names)]
    environment.install(*map(str, wanted))
    return environment


@pytest.fixture(scope="module")
def alone(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The package with nothing beside it."""
    return installed(wheels, tmp_path_factory.mktemp("alone"), "caudal_tank")


@pytest.fixture(scope="module")
def crowded(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The package beside one that cannot be imported and one that claims its type."""
    names = ("caudal_tank", "caudal_vats", "caudal_leak")
    return installed(wheels, tmp_path_factory.mktemp("crowded"), *names)


@pytest.fixture(scope="module")
def tested(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The package with pytest beside it."""
    environment = installed(wheels, tmp_path_factory.mktemp("tested"), "caudal_tank")
    environment.install("pytest")
    return environment


def test_the_handler_with_its_test_is_short() -> None:
    """Config, handler, hook and test have under 30 lines, and the page says how many."""
    files = stranger.files()
    lines = len(files[HANDLER].splitlines()) + len(files[TEST].splitlines())
    assert lines < 30
    assert f"have {lines} lines together" in PAGE.read_text(encoding="utf-8")


def test_it_needs_the_core_alone(alone: Environment) -> None:
    """Neither server nor other plugins come with a handler package."""
    names = "[d.name for d in distributions()]"
    found = {name for name in alone.value(names) if name.startswith("caudal")}
    assert {"caudal-core", "caudal-tank"} == found


def test_it_is_found(alone: Environment) -> None:
    """An installed package is taken in by its entry point, and its handlers are there."""
    assert [["caudal-tank", "1.0.0", "ok", None]] == alone.value(PLUGINS)
    assert ["tankVolume"] == alone.value("list(load_registry().handlers)")


def test_it_runs_in_the_embedded_engine(alone: Environment) -> None:
    """The page's script runs the page's workflow and prints what the page says."""
    printed = alone.python("try_it.py")
    assert 'completed {"level":1,"volume":12.566}\n' == printed
    assert '{"level":1,"volume":12.566}' in PAGE.read_text(encoding="utf-8")


def test_its_own_tests_pass(tested: Environment) -> None:
    """The handler's test and the conformance kit pass, every rule included."""
    printed = tested.python("-m", "pytest", "-q", "-p", "no:cacheprovider", folder=PACKAGE)
    assert "2 passed" in printed


def test_a_broken_package_is_named(crowded: Environment) -> None:
    """A package that cannot be imported is listed with its version and cause."""
    _, version, status, error = row(crowded.value(PLUGINS), "caudal-leak")
    assert ("0.3.1", "failed") == (version, status)
    assert "No module named 'a_library_that_nobody_has'" in error


def test_a_clash_names_both(crowded: Environment) -> None:
    """The package that does not get the type says so, with both names and versions."""
    _, _, status, error = row(crowded.value(PLUGINS), "caudal-vats")
    assert "failed" == status
    for text in ("'tankVolume'", "caudal-vats 2.5.0", "caudal-tank 1.0.0", "CAUDAL_PREFER"):
        assert text in error


def test_the_operator_chooses(crowded: Environment) -> None:
    """Of two packages with one type the one that is preferred has it."""
    chosen = "load_registry(prefer={'tankVolume': 'caudal-vats'}).handlers['tankVolume'].package"
    assert "caudal-vats" == crowded.value(chosen)


def test_the_others_work_on(crowded: Environment) -> None:
    """Beside a broken and a clashing package the good one is found and runs."""
    assert ["caudal-tank", "1.0.0", "ok", None] in crowded.value(PLUGINS)
    assert crowded.python("try_it.py").startswith("completed")


def row(plugins: list[list[Any]], name: str) -> list[Any]:
    """The entry of one plugin."""
    return next(plugin for plugin in plugins if plugin[0] == name)
