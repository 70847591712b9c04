"""What a command, or a reader of a finished run, imports: counted in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent / "golden" / "schema-1"

SLOW = ("torch", "numba", "scipy", "networkx", "fastapi", "uvicorn", "plotly", "pandas")
"""Packages that no reading of a run may wait for."""
TABLES = ("numpy", "polars")
"""Those that reading a table needs, but no text of help."""

COMMANDS = (
    "saes", "explain", "explore", "report", "enrichment", "leading-edge", "layers", "match",
    "check", "compare", "demo", "features", "find", "lens", "lens fit", "neuronpedia", "run",
    "sets", "sets check", "sets discover", "sets export", "sets list", "sets show", "show",
    "sides", "annotate", "mcp", "export", "export circuit-tracer", "lens check",
    "neuronpedia links", "neuronpedia fetch", "neuronpedia agreement", "neuronpedia export",
    "steer", "export control-vector", "publish",
)  # fmt: skip

PROGRAM = """
import io, json, os, sys
from contextlib import redirect_stderr, redirect_stdout

asked, heavy = json.load(sys.stdin)
from unembed.cli import app

told = []
for words, typed in asked:
    os.environ.pop("_UNEMBED_COMPLETE", None)
    if typed is not None:
        os.environ |= {"_UNEMBED_COMPLETE": "complete_bash", "COMP_WORDS": typed,
                       "COMP_CWORD": str(len(typed.split(" ")) - 1)}
    out, errors, status = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(errors):
        try:
            app(words, prog_name="unembed")
        except SystemExit as ended:
            status = ended.code or 0
    imported = [name for name in heavy if name in sys.modules]
    told.append([out.getvalue(), errors.getvalue(), status, imported])
json.dump(told, sys.stdout)
"""

Told = list[tuple[str, str, int, list[str]]]


def asked(*of: tuple[str, str | None], heavy: tuple[str, ...]) -> Told:
    """What each command line, or what is typed of one, prints, and what is imported by then."""
    content: Any = [[words.split(), typed] for words, typed in of], heavy
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=json.dumps(content), capture_output=True, text=True,
        check=False, env={**os.environ, "COLUMNS": "100"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return [tuple(each) for each in json.loads(ended.stdout)]  # type: ignore[misc]


def typed(*texts: str) -> list[tuple[str, str | None]]:
    """What a shell asks when the tabulator is pressed behind each text."""
    return [("", f"unembed {text}") for text in texts]


def test_help_and_completion_import_nothing_heavy() -> None:
    helps = [("--help", None), *((f"{name} --help", None) for name in COMMANDS)]
    texts = ("sh", "features --so", f"features {GOLDEN} --bank ", f"show {GOLDEN} sae",
             f"find {GOLDEN} --class pred", f"match {GOLDEN} ml")  # fmt: skip
    told = asked(*helps, *typed(*texts), heavy=(*SLOW, *TABLES))
    for (words, at), (out, errors, status, imported) in zip(
        [*helps, *typed(*texts)], told, strict=True
    ):
        assert imported == [], f"unembed {at or words} imports {imported}"
        assert at or status == 0, errors
        assert out.strip(), f"{at or words} says nothing; {errors}"
    completed = [out.split() for out, *_ in told[len(helps) :]]
    assert completed == [
        ["show"], ["--sort"], ["sae.3", "mlp.3"], ["sae.3/"], ["prediction"], ["mlp.3"]
    ]  # fmt: skip


def test_all_commands_are_asked() -> None:
    groups = sorted({"", *(name.rpartition(" ")[0] for name in COMMANDS)})
    ended = asked(*((f"{group} --help".strip(), None) for group in groups), heavy=())
    for name in COMMANDS:
        page = ended[groups.index(name.rpartition(" ")[0])][0]
        assert f" {name.split()[-1]} " in page, name
    named = sum(line.startswith("│ ") and line[2] not in " -" for line in ended[0][0].splitlines())
    assert named == len([name for name in COMMANDS if " " not in name])


def test_reading_a_run_imports_no_torch() -> None:
    commands = (
        f"show {GOLDEN} sae.3/5", f"features {GOLDEN}", f"features {GOLDEN} --csv",
        f"find {GOLDEN} --class diffuse", f"find {GOLDEN} --set many", f"enrichment {GOLDEN}",
        f"layers {GOLDEN} --json", f"layers {GOLDEN}", f"explain {GOLDEN} sae.3/20 --stored",
        f"neuronpedia links {GOLDEN} sae.3/5", f"check {GOLDEN}",
    )  # fmt: skip
    texts = (f"find {GOLDEN} --set s", f"enrichment {GOLDEN} --family ",
             f"layers {GOLDEN} --family golden,g")  # fmt: skip
    of = [*((words, None) for words in commands), *typed(*texts)]
    told = asked(*of, heavy=SLOW)
    for (words, at), (out, errors, status, imported) in zip(of, told, strict=True):
        assert imported == [], f"unembed {at or words} imports {imported}"
        assert at or status == 0, errors
        assert out.strip(), f"{at or words} says nothing; {errors}"
    completed = [out.split() for out, *_ in told[len(commands) :]]
    assert completed == [["some"], ["golden"], ["golden,golden"]]


LIGHT = (
    "unembed", "unembed.questions.run", "unembed.lens", "unembed.discovery.settings",
    "unembed.enrichment.discovery_rate", "unembed.enrichment.pairs",
    "unembed.enrichment.running_sum", "unembed.enrichment.settings",
    "unembed.enrichment.simulated_null", "unembed.enrichment.tails", "unembed.explanation.classes",
    "unembed.explanation.explanation", "unembed.explanation.settings",
    "unembed.matching.settings", "unembed.sweep.bins", "unembed.sweep.settings",
    "unembed.sweep.statistics", "unembed.sweep.tsea.readings",
)  # fmt: skip
"""Modules that readers and the command line take settings, names and arrays' shapes from."""

IMPORT = """
import importlib, json, sys

names, heavy = json.load(sys.stdin)
for name in names:
    importlib.import_module(name)
    found = [each for each in heavy if each in sys.modules]
    assert not found, f"{name} imports {found}"
"""


def test_light_modules_import_nothing_heavy() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", IMPORT], input=json.dumps([LIGHT, SLOW]), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr


def test_what_is_imported_is_seen() -> None:
    """The count itself: what reads a table is said to import polars."""
    before, after = asked(("--version", None), (f"features {GOLDEN}", None), heavy=("polars",))
    assert (before[3], after[3]) == ([], ["polars"])
