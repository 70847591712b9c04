"""The cache folder: what was fetched or derived once, and can be made again at any time.

An entry is sealed, and says in its seal which entry it is: one that is damaged, or lies under
another's name, is made again, and never used.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from unembed import sealed
from unembed.errors import FormatError

ENTRY = "unembed.entry"
"""What an entry says of itself: its path below the cache folder."""


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


@contextmanager
def new_entry(path: Path) -> Iterator[Path]:
    """Yield a temporary path as `new_file` does; what is written there is sealed.

    Raises:
        OSError: when the disk refuses.
    """
    with new_file(path) as part:
        yield part
        sealed.seal(part, entry_of(path))


def verify(path: Path, *, required: bool = True) -> bool:
    """Return whether an entry is sealed, which is whole then, and of this name.

    Args:
        path: of the entry.
        required: whether it must be sealed. Earlier versions sealed nothing, and what they fetched
            cannot be fetched again without a network.

    Raises:
        FormatError: when it is damaged, or of another name.
        OSError: when it is not there, or may not be read.
    """
    is_sealed = sealed.verify(path, required=required)
    if is_sealed and sealed.said_of(path) != entry_of(path):
        raise FormatError(f"{path} is another entry of the cache.")
    return is_sealed


def content(path: Path, *, required: bool = True) -> bytes:
    """Return what was written to an entry, which is verified first (see `verify`)."""
    verify(path, required=required)
    return sealed.content(path)


def entry_of(path: Path) -> dict[str, str]:
    """Return what an entry says of itself."""
    folder = cache_folder()
    inside = path.is_relative_to(folder)
    return {ENTRY: path.relative_to(folder).as_posix() if inside else path.name}
