"""The lowest versions that `pyproject.toml` declares, for `make lowest`.

    python scripts/lowest_versions.py > constraints.txt     # the whole list, one a line
    python scripts/lowest_versions.py --check               # that these are what is installed here

torch is left as the Makefile pins it: its lowest version would bring a CUDA toolkit of gigabytes.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PINNED_ELSEWHERE = ("torch",)
EXTRAS = ("gguf", "sentencepiece", "nltk", "plots", "explore")
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)>=(?P<lowest>[\w.]+)(?P<when>\s*;.*)?")


def project() -> dict[str, Any]:
    """Return what `pyproject.toml` says of the project."""
    content = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(content)["project"]
    return found


def lowest() -> dict[str, str]:
    """Return the lowest version of each dependency that this interpreter needs."""
    extras = project()["optional-dependencies"]
    wanted = [*project()["dependencies"], *(each for extra in EXTRAS for each in extras[extra])]
    found = {}
    for text in wanted:
        said = _REQUIREMENT.fullmatch(text)
        if said is None:
            raise SystemExit(f"{text!r} does not say its lowest version, as NAME>=VERSION.")
        only_old = said["when"] is not None and "python_version < '3.11'" in said["when"]
        if said["name"] not in PINNED_ELSEWHERE and not (only_old and sys.version_info >= (3, 11)):
            found[said["name"]] = said["lowest"]
    return found


def main() -> int:
    """Return the exit status."""
    wanted = lowest()
    if "--check" not in sys.argv:
        print("\n".join(f"{name}=={number}" for name, number in wanted.items()))
        return 0
    missed = {
        name: (number, version(name))
        for name, number in wanted.items()
        if _parts(version(name)) != _parts(number)
    }
    for name, (number, found) in missed.items():
        print(f"{name} is {found} here; its lowest declared version is {number}.")
    return int(bool(missed))


def _parts(number: str) -> tuple[str, ...]:
    """Return a version's parts, less the zeros behind them: 1.26 is 1.26.0."""
    parts = number.split(".")
    while len(parts) > 1 and parts[-1] == "0":
        parts.pop()
    return tuple(parts)


if __name__ == "__main__":
    sys.exit(main())
