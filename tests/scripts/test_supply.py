"""What the package is made of: every dependency explained, a wheel that is always the same."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts import advisories, document_dependencies, lowest_versions

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")

LARGE = ("*.gguf", "*.safetensors", "*.npz", "*.npy", "*.xz", "*.gz")
"""Files that say nothing of how a wheel is made, and take long to compress."""


def test_every_dependency_is_explained() -> None:
    """A row of the page for each package that `pyproject.toml` names, and none for others."""
    project = lowest_versions.project()
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    named = {Requirement(text).name for each in lists for text in each} - {"unembed"}
    assert set(re.findall(r"^\| `([\w.-]+)` \|", PAGE, re.MULTILINE)) - {"unembed"} == named


def test_sizes_are_of_the_packages_that_are_installed() -> None:
    base = document_dependencies.brought("unembed") - {"unembed"}
    assert {"torch", "numpy", "polars", "typer"} <= base
    assert {"fastapi", "plotly", "gguf"}.isdisjoint(base)
    more = document_dependencies.brought("unembed", ["explore"]) - base
    assert {"fastapi", "uvicorn", "starlette"} <= more
    assert document_dependencies.size("torch") > 50 * document_dependencies.size("networkx")


def test_no_declared_version_has_a_known_advisory() -> None:
    assert advisories.troubled(advisories.allowed(), "allowed") == []
    (line,) = advisories.troubled({"filelock": "3.20.1", "polars": "1.0"}, "installed")
    assert line.startswith("filelock 3.20.1 is installed: CVE-2026-22701")


def test_lowest_versions_are_all_declared() -> None:
    found = lowest_versions.lowest()
    assert found["typer"] == "0.19"  # the first that knows Literal
    assert "torch" not in found
    assert {"polars", "fastapi", "gguf"} <= found.keys()


@pytest.mark.slow
def test_the_wheel_is_the_same_from_any_folder(tmp_path: Path) -> None:
    if not (ROOT / "src/unembed/explorer/page/index.html").is_file():
        pytest.skip("The explorer's page is not built: make page")
    digests = set()
    for name in ("here", "elsewhere"):
        folder = tmp_path / name / "unembed"
        for part in ("src", "web/src"):
            ignored = shutil.ignore_patterns("__pycache__", *LARGE)
            shutil.copytree(ROOT / part, folder / part, ignore=ignored)
        for part in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
            shutil.copy(ROOT / part, folder / part)
        os.utime(folder / "src/unembed/explorer/page/index.html")
        command = "import hatchling.build, sys; hatchling.build.build_wheel(sys.argv[1])"
        subprocess.run(
            [sys.executable, "-c", command, str(tmp_path / name)], cwd=folder, check=True,
            env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}, timeout=300,
        )  # fmt: skip
        (wheel,) = (tmp_path / name).glob("*.whl")
        digests.add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert len(digests) == 1
