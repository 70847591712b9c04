"""Hold what is installed here, and what `pyproject.toml` allows, against published advisories.

    python -m scripts.advisories

The advisories in `advisories.json` are those that are known to the authors; they are checked
without a network, and are not all that there are. Where `pip-audit` is installed and reaches its
database, it is asked too; where not, that is said, and the check does not fail for it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts.lowest_versions import lowest

KNOWN = Path(__file__).with_name("advisories.json")
UNCALLED = ("torch",)
"""What may be older than its advisory says: the fault is in a part that `unembed` never calls."""


def troubled(versions: dict[str, str], what: str) -> list[str]:
    """Return a line for each advisory that a version is older than."""
    known = json.loads(KNOWN.read_text(encoding="utf-8"))
    return [
        f"{name} {versions[name]} is {what}: {advisory}, {why}. {fixed} is the first without it."
        for name, advisories in known.items()
        for fixed, advisory, why in advisories
        if name in versions and Version(versions[name]) < Version(fixed)
    ]


def installed() -> dict[str, str]:
    """Return what is installed beside this interpreter."""
    return {canonicalize_name(each.metadata["Name"]): each.version for each in distributions()}


def allowed() -> dict[str, str]:
    """Return the lowest versions that are declared, less those whose fault cannot be met."""
    found = {canonicalize_name(name): number for name, number in lowest().items()}
    return {name: number for name, number in found.items() if name not in UNCALLED}


def main() -> int:
    """Return the exit status."""
    found = troubled(installed(), "installed") + troubled(allowed(), "allowed by pyproject.toml")
    print("\n".join(found) or "No advisory that is known here.")
    return int(bool(found)) or _audited()


def _audited() -> int:
    if find_spec("pip_audit") is None:
        print("pip-audit is not installed: only the advisories of advisories.json were checked.")
        return 0
    command = [sys.executable, "-m", "pip_audit", "--local", "--skip-editable"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "vulnerabilit" not in done.stdout + done.stderr:
        last = (done.stderr.strip().splitlines() or ["?"])[-1]
        print(f"pip-audit could not reach its database, so it was not asked: {last[:200]}")
        return 0
    print(done.stdout + done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
