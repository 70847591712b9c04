"""Builds the explorer's page into the package, so that an installed wheel needs no Node.js."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface):
    """Builds `web/` where it was not built since it changed; an sdist brings the page along."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page; a checkout that is installed to be edited can do so later."""
        root = Path(self.root)
        page = root / "src/unembed/explorer/page/index.html"
        sources = [path for path in (root / "web/src").rglob("*") if path.is_file()]
        changed = max(path.stat().st_mtime for path in sources)
        if page.is_file() and page.stat().st_mtime >= changed:
            return
        try:
            _build(root / "web")
        except (OSError, subprocess.CalledProcessError) as error:
            if version != "editable":
                raise RuntimeError(
                    f"The explorer's page could not be built by npm, of Node.js 20: {error}."
                ) from error
            self.app.display_warning(f"No explorer until `make page` has built it: {error}.")


def _build(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not installed")
    for command in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
        subprocess.run([npm, *command], cwd=folder, check=True)
