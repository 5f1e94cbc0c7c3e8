"""Which plugins are taken in, what becomes of broken ones, and who gets a type."""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import EntryPoint

import pytest
from tests.core.sites import GOOD, HEAD, Site, error, module_of, plugin

from caudal_core.registry import OURS, Plugin, Registry, load_registry


def test_a_plugin_is_taken_in(site: Site) -> None:
    """A package is known by its distribution's name and version, with the types that it brings."""
    site.install("acme-meters", GOOD.format(type="readMeter"), version="2.3")
    registry = site.load()
    assert (Plugin("acme-meters", "2.3", "ok", ("readMeter",)),) == registry.plugins
    registered = registry.handlers["readMeter"]
    assert ("acme-meters", "2.3") == (registered.package, registered.version)


def test_an_entry_point_without_a_distribution() -> None:
    """An entry point that nobody installed is known by its own name."""
    point = EntryPoint("loose", "no_such_module_at_all", "caudal")
    (found,) = load_registry(points=[point]).plugins
    assert ("loose", "0", "failed") == (found.name, found.version, found.status)


def test_what_is_installed_is_found() -> None:
    """Without being told where to look it takes in what this environment has."""
    assert "ok" == plugin(load_registry(), "caudal-builtin").status


# -- broken plugins -------------------------------------------------------------------------------

BROKEN = {
    "a missing import": ("import no_such_module_at_all", ["No module named", "no_such_module_at"]),
    "an error at import": ("1 / 0", ["ZeroDivisionError"]),
    "a syntax error": ("def broken(:\n    pass", ["SyntaxError"]),
    "leaving at import": ("import sys\nsys.exit(3)", ["SystemExit", "3"]),
    "a base exception": ("class Odd(BaseException): pass\nraise Odd('why')", ["Odd: why"]),
    "a misspelt hook": (
        HEAD + "@hookimpl\ndef caudal_handler():\n    return (made('x'),)",
        ["caudal_handler'", "the hooks are", "caudal_handlers"],
    ),
    "a misspelt argument": (
        HEAD + "@hookimpl\ndef caudal_node_finished(node):\n    pass",
        ["caudal_node_finished", "'node'"],
    ),
    "a hook that is not marked": (
        HEAD + "def caudal_handlers():\n    return (made('x'),)",
        ["caudal_handlers is not marked with @hookimpl"],
    ),
    "one of two hooks not marked": (
        HEAD
        + "@hookimpl\ndef caudal_known_types():\n    return {}\n"
        + "def caudal_handlers():\n    return (made('x'),)",
        ["caudal_handlers is not marked with @hookimpl"],
    ),
    "no hook at all": ("x = 1", ["none of the hooks", "caudal_handlers"]),
    "a plain function for a handler": (
        HEAD + "@hookimpl\ndef caudal_handlers():\n    return (made,)",
        ["<function made", "not made by @handler"],
    ),
    "one handler instead of a tuple": (
        HEAD + "@hookimpl\ndef caudal_handlers():\n    return made('x')",
        ["instead of a tuple of handlers"],
    ),
    "two handlers of one type": (
        HEAD + "@hookimpl\ndef caudal_handlers():\n    return (made('x'), made('x'))",
        ["two handlers of the type x"],
    ),
    "handlers that raise": (
        HEAD + "@hookimpl\ndef caudal_handlers():\n    raise ValueError('not today')",
        ["ValueError: not today"],
    ),
    "a handler that is written wrong": (
        HEAD + "@handler('x')\ndef x(data):\n    pass",
        ["the handler 'x'", "takes 1 parameters"],
    ),
    "known types that raise": (
        HEAD + "@hookimpl\ndef caudal_known_types():\n    raise ValueError('no list')",
        ["ValueError: no list"],
    ),
    "known types of the wrong kind": (
        HEAD + "@hookimpl\ndef caudal_known_types():\n    return 7",
        ["TypeError"],
    ),
    "sources that raise": (
        HEAD + "@hookimpl\ndef caudal_workflow_sources():\n    return [1 / 0]",
        ["ZeroDivisionError"],
    ),
    "runners that raise": (
        HEAD + "@hookimpl\ndef caudal_runners():\n    return {}['x']",
        ["KeyError"],
    ),
    "an attribute that is not there": ("", ["AttributeError"]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin(site: Site, case: str) -> None:
    """A plugin that breaks is listed with version and cause, and the others are taken in."""
    source, words = BROKEN[case]
    entry = "main = plugin_aaa_broken:nothing" if "attribute" in case else None
    site.install("aaa-broken", source, version="0.7", entry=entry)
    site.install("zzz-good", GOOD.format(type="fine"))
    registry = site.load()
    broken = plugin(registry, "aaa-broken")
    assert ("0.7", "failed", ()) == (broken.version, broken.status, broken.handlers)
    assert [] == [word for word in words if word not in error(registry, "aaa-broken")]
    assert ("ok", ("fine",)) == (plugin(registry, "zzz-good").status, registry.plugins[1].handlers)
    assert ["fine"] == list(registry.handlers)


def test_the_interrupt_of_a_person_is_heard(site: Site) -> None:
    """Ctrl-C while a plugin is imported ends the program, as it would anywhere."""
    site.install("slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        site.load()


def test_one_broken_entry_point_of_two(site: Site) -> None:
    """A distribution of which one entry point breaks keeps what the other brings, and says so."""
    site.install("half", GOOD.format(type="fine"), entry="a = plugin_half\nb = half_missing")
    found = plugin(site.load(), "half")
    assert ("failed", ("fine",)) == (found.status, found.handlers)
    assert "half_missing" in (found.error or "")


@pytest.mark.parametrize("entry", ["a = plugin_twice\nb = plugin_twice", "a = plugin_twice"])
def test_a_module_named_twice(site: Site, entry: str) -> None:
    """Two entry points to the same module are one plugin."""
    site.install("twice", GOOD.format(type="fine"), entry=entry)
    assert (Plugin("twice", "1.0", "ok", ("fine",)),) == site.load().plugins


def test_a_module_of_two_distributions(site: Site) -> None:
    """A distribution that offers another one's module is told that its type is taken."""
    site.install("first", GOOD.format(type="fine"))
    site.install("second", "", entry="main = plugin_first")
    registry = site.load()
    assert ["first"] == [item.package for item in registry.handlers.values()]
    assert "'fine'" in error(registry, "second")


# -- clashes --------------------------------------------------------------------------------------


def test_a_clash_names_both(site: Site) -> None:
    """Of two packages with one type the first by name has it; the other is told by whom."""
    site.install("beta", GOOD.format(type="same"), version="2.0")
    site.install("alpha", GOOD.format(type="same"), version="1.5")
    registry = site.load()
    assert "alpha" == registry.handlers["same"].package
    text = error(registry, "beta")
    words = ("'same'", "beta 2.0", "alpha 1.5", "CAUDAL_PREFER=same=beta")
    assert [] == [word for word in words if word not in text]
    assert None is plugin(registry, "alpha").error


def test_only_the_clashing_type_is_refused(site: Site) -> None:
    """What else the other package brings is taken in, and it counts as working."""
    site.install("alpha", GOOD.format(type="same"))
    both = HEAD + "@hookimpl\ndef caudal_handlers():\n    return (made('same'), made('other'))"
    site.install("beta", both)
    found = plugin(site.load(), "beta")
    assert ("ok", ("other",)) == (found.status, found.handlers)
    assert "'same'" in (found.error or "")


def test_a_plugin_of_which_nothing_is_left(site: Site) -> None:
    """A package all of whose types are taken has failed."""
    site.install("alpha", GOOD.format(type="same"))
    site.install("beta", GOOD.format(type="same"))
    assert "failed" == plugin(site.load(), "beta").status


@pytest.mark.parametrize("name", [*OURS, "Caudal_OT"])
def test_ours_keep_their_types(site: Site, name: str) -> None:
    """The packages of Caudal itself keep a type that a stranger's claims, whatever its name."""
    site.install("aaa", GOOD.format(type="join"))
    site.install(name, GOOD.format(type="join"))
    assert name == site.load().handlers["join"].package


def test_the_operator_decides(site: Site) -> None:
    """A type goes to the package that the operator names for it."""
    site.install("caudal-ot", GOOD.format(type="join"))
    site.install("my-own.join", GOOD.format(type="join"))
    registry = site.load(join="My_Own-Join")
    assert "my-own.join" == registry.handlers["join"].package
    assert "my-own.join 1.0 has it" in error(registry, "caudal-ot")


def test_a_preference_is_for_one_type(site: Site) -> None:
    """Preferring a package for one type does not give it another."""
    two = HEAD + "@hookimpl\ndef caudal_handlers():\n    return (made('join'), made('output'))"
    site.install("caudal-builtin", two)
    site.install("theirs", two)
    handlers = site.load(join="theirs").handlers
    assert {"join": "theirs", "output": "caudal-builtin"} == {
        type_: registered.package for type_, registered in handlers.items()
    }


def test_a_preference_for_nobody(site: Site) -> None:
    """Preferring a package that is not there changes nothing."""
    site.install("alpha", GOOD.format(type="join"))
    assert "alpha" == site.load(join="ghost").handlers["join"].package


# -- what else plugins bring ----------------------------------------------------------------------


def test_known_types_sources_and_runners(site: Site) -> None:
    """What a plugin gives by its other hooks is in the registry; ours come first."""
    more = """
    from caudal_core import hookimpl

    class Source:
        name = "{name}"
        def fetch(self, workflow_id):
            return None

    @hookimpl
    def caudal_known_types():
        return {{"shared": "{name}", "of-{name}": "x"}}

    @hookimpl
    def caudal_workflow_sources():
        return (Source(),)

    @hookimpl
    def caudal_runners():
        return {{"shared": "{name}"}}
    """
    for name in ("aaa", "caudal-ot"):
        site.install(name, more.format(name=name))
    registry = site.load()
    assert {"shared": "caudal-ot", "of-aaa": "x", "of-caudal-ot": "x"} == registry.known_types
    assert ["caudal-ot", "aaa"] == [source.name for source in registry.sources]
    assert {"shared": "caudal-ot"} == registry.runners


def test_notices_reach_every_plugin(site: Site) -> None:
    """What the registry calls to tell of an event reaches all plugins that listen."""
    listener = """
    from caudal_core import hookimpl
    heard = []

    @hookimpl
    def caudal_node_finished(node_id):
        heard.append(node_id)
    """
    site.install("one", listener)
    site.install("two", listener)
    hooks = site.load().hooks
    hooks.caudal_node_finished(execution_id="e", node_id="n", status="completed")
    assert (["n"], ["n"]) == tuple(sys.modules[module_of(name)].heard for name in ("one", "two"))


# -- reload ---------------------------------------------------------------------------------------


def test_a_new_package_is_found_on_reload(site: Site) -> None:
    """A package that was installed meanwhile is taken in without a restart."""
    site.install("old", GOOD.format(type="old"))
    before = site.load()
    site.install("new", GOOD.format(type="new"))
    after = site.load(before)
    assert (["old"], ["new", "old"]) == (list(before.handlers), sorted(after.handlers))
    assert None is plugin(after, "new").error


def test_a_package_in_the_environment_is_found_on_reload(site: Site) -> None:
    """The same holds for what pip puts beside everything else."""
    before = load_registry()
    site.install("new-in-site", GOOD.format(type="newInSite"))
    after = load_registry(before=before)
    assert ("newInSite" in before.handlers, "newInSite" in after.handlers) == (False, True)


def test_a_removed_package_is_gone_on_reload(site: Site) -> None:
    """The types of a package that was removed are not there any more."""
    site.install("old", GOOD.format(type="old"))
    before = site.load()
    shutil.rmtree(site.folder / "plugin_old-1.0.dist-info")
    assert ({}, ()) == (site.load(before).handlers, site.load(before).plugins)


def test_a_changed_package_needs_a_restart(site: Site) -> None:
    """A loaded package of which another version is installed goes on as it was, and says so."""
    site.install("grown", GOOD.format(type="grown"), version="1.0")
    registry = site.load()
    site.install("grown", GOOD.format(type="grown").replace("A handler", "Anew"), version="2.0")
    for _ in range(3):
        registry = site.load(registry)
        found = plugin(registry, "grown")
        assert ("ok", "1.0", ("grown",)) == (found.status, found.version, found.handlers)
        assert "restart needed: version 1.0 is loaded, 2.0 installed" == found.error
        assert (True, "2.0") == (found.restart_needed, found.installed)
        registered = registry.handlers["grown"]
        assert ("1.0", "A handler.") == (registered.version, registered.handler.description.en)


def test_a_mended_package_is_read_anew(site: Site) -> None:
    """A plugin that could not be loaded is loaded when it is mended, without a restart."""
    site.install("mended", "raise ValueError", version="1.0")
    before = site.load()
    site.install("mended", GOOD.format(type="mended") + "\n# mended", version="1.1")
    found = plugin(site.load(before), "mended")
    assert Plugin("mended", "1.1", "ok", ("mended",)) == found


def test_a_package_that_broke_meanwhile(site: Site) -> None:
    """A reload does not touch what is loaded: its new version may be as broken as it likes."""
    site.install("fine", GOOD.format(type="fine"))
    before = site.load()
    site.install("fine", "1 / 0", version="2.0")
    after = site.load(before)
    assert ["fine"] == list(after.handlers)
    assert "restart needed" in error(after, "fine")


def test_a_registry_of_handlers() -> None:
    """For tests and embedding a registry is made of handlers alone."""
    assert ({}, (Plugin("test", "0", "ok"),)) == (Registry.of().handlers, Registry.of().plugins)
