"""What a reader of finished runs, or a command line, needs of the lower floors is quickly there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import unembed

LIGHT = (
    "unembed.lens",
    "unembed.discovery.settings",
    "unembed.enrichment.discovery_rate",
    "unembed.enrichment.pairs",
    "unembed.enrichment.running_sum",
    "unembed.enrichment.settings",
    "unembed.enrichment.simulated_null",
    "unembed.enrichment.tails",
    "unembed.explanation.classes",
    "unembed.explanation.explanation",
    "unembed.explanation.settings",
    "unembed.matching.settings",
    "unembed.sweep.bins",
    "unembed.sweep.settings",
    "unembed.sweep.statistics",
    "unembed.sweep.tails",
    "unembed.sweep.tsea.readings",
)
HEAVY = ("torch", "numba", "scipy", "networkx")

PROGRAM = """
import importlib, pathlib, sys, types

root, light, heavy = pathlib.Path(sys.argv[1]), sys.argv[2].split(","), sys.argv[3].split(",")
for init in sorted(root.rglob("__init__.py")):  # packages without what they export
    name = ".".join(init.parent.relative_to(root.parent).parts)
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [str(init.parent)]
for name in light:
    importlib.import_module(name)
    found = [each for each in heavy if each in sys.modules]
    assert not found, f"{name} imports {found}"
"""


def test_they_import_nothing_heavy() -> None:
    root = str(Path(unembed.__file__).parent)
    arguments = [sys.executable, "-c", PROGRAM, root, ",".join(LIGHT), ",".join(HEAVY)]
    ended = subprocess.run(arguments, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
