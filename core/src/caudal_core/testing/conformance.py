"""The conformance kit: whether a handler keeps to what the engine, editors and users rely on.

In the tests of a handler package::

    from caudal_core.testing import check_handler

    def test_conventions() -> None:
        check_handler(double)

or, for all that a package brings, with the argument that the pytest plugin knows
(`caudal_packages = ["my-package"]` under `[tool.pytest.ini_options]` narrows it)::

    def test_conventions(installed_handler) -> None:
        check_handler(installed_handler)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caudal_core.errors import NotFound, PluginError
from caudal_core.handler import Handler
from caudal_core.registry import Plugin, Registry, load_registry
from caudal_core.registry.installed import normal_name
from caudal_core.testing.review import Review, review
from caudal_core.testing.subject import Subject


def review_handler(
    handler: Handler, *, config: Mapping[str, Any] | None = None, effects: bool = False
) -> Review:
    """All that is to be mended in a handler, and its score.

    `config` is a stored config to try the handler with; without it, the empty one and the one made
    of the fields' examples are tried. A handler that changes the outside world more with each run
    is tried only with `effects`. Every trial is a dry run.
    """
    return review(Subject(handler, config, effects=effects))


def check_handler(
    handler: Handler,
    *,
    config: Mapping[str, Any] | None = None,
    effects: bool = False,
    strict: bool = False,
) -> Review:
    """Raise `AssertionError` if the handler breaks a required rule, or with `strict` any rule.

    The error's text lists everything that was found. See `review_handler`.
    """
    found = review_handler(handler, config=config, effects=effects)
    if not found.passed or (strict and found.findings):
        raise AssertionError(str(found))
    return found


def installed_handlers(*packages: str) -> list[Handler]:
    """The handlers of the installed packages, or of just these; `my_package` is `my-package`.

    Raises `NotFound` for a package that is not installed and `PluginError` for one that could not
    be taken in whole.
    """
    registry = load_registry()
    wanted = {normal_name(_require(registry, name).name) for name in packages}
    return [
        registered.handler
        for registered in registry.handlers.values()
        if not packages or normal_name(registered.package) in wanted
    ]


def _require(registry: Registry, name: str) -> Plugin:
    same = (item for item in registry.plugins if normal_name(item.name) == normal_name(name))
    plugin = next(same, None)
    if plugin is None:
        raise NotFound(kind="plugin package", id=name)
    if plugin.error is not None:
        raise PluginError(message=f"{plugin.name} {plugin.version}: {plugin.error}")
    return plugin
