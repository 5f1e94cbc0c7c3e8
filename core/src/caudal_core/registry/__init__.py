"""Which plugins are installed, and which handler serves which node type.

Entry points are taken in one by one: a plugin that breaks is listed with its cause and harms
nothing else. A registry is a frozen picture; `load_registry` makes a new one.
"""

from caudal_core.registry.load import OURS, load_registry
from caudal_core.registry.model import Plugin, Registered, Registry

__all__ = ["OURS", "Plugin", "Registered", "Registry", "load_registry"]
