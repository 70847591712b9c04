"""The cache folder: what was fetched or derived once, and can be made again at any time."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory


def cache_folder() -> Path:
    """Return `UNEMBED_CACHE`, or `~/.cache/unembed`; it need not exist.

    A user without a home has a folder that goes with this process.
    """
    named = os.environ.get("UNEMBED_CACHE")
    try:
        if named == "~" or (named and named.startswith("~/")):  # as a settings file writes it
            return Path(named).expanduser()
        return Path(named or Path.home() / ".cache" / "unembed")
    except RuntimeError:
        return Path(_passing().name)


@cache
def _passing() -> TemporaryDirectory[str]:
    """A new folder that is removed when the process ends: one that others know could be theirs."""
    return TemporaryDirectory(prefix="unembed-", ignore_cleanup_errors=True)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path, which gets its name when all went well and else is removed.

    The file is there whole or not at all, also when two programs write it at once.

    Raises:
        OSError: when the disk refuses.
    """
    part = path.with_name(f".{uuid.uuid4().hex}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
