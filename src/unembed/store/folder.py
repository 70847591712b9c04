"""A run's folder: taken for one run, and never for two."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from unembed.errors import RunError
from unembed.store.atomic import write_atomically
from unembed.store.manifest import MANIFEST, differences, read_manifest
from unembed.store.shards import FEATURES, TOKENS


def claim(folder: Path, manifest: dict[str, Any], *, overwrite: bool = False) -> None:
    """Write the manifest into a new run folder, or check that the folder holds this run.

    Args:
        folder: new, empty, or a run's.
        manifest: of the run that will be written there.
        overwrite: throw away the tables of the run that is there; other files stay.

    Raises:
        RunError: when the folder holds another run, or files that are no run.
    """
    if (folder / MANIFEST).exists():
        if not overwrite:
            _check_same(folder, manifest)
            return
        (folder / TOKENS).unlink(missing_ok=True)
        shutil.rmtree(folder / FEATURES, ignore_errors=True)
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(
            f"{folder} is there already and is no run. Choose a new folder for the run; nothing "
            "in this one was touched."
        )
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    write_atomically(folder / MANIFEST, lambda part: part.write_text(text, encoding="utf-8"))


def _check_same(folder: Path, manifest: dict[str, Any]) -> None:
    found = differences(read_manifest(folder), json.loads(json.dumps(manifest)))
    if found:
        raise RunError(
            f"{folder} holds another run. It differs in {'; '.join(found[:6])}. Choose another "
            "folder, or start over with --overwrite."
        )
