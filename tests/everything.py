"""All of the package, imported at once: it else imports itself piece by piece as it is used."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

import unembed


def import_everything() -> None:
    """Import every module."""
    for module in walk_packages(unembed.__path__, "unembed."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
