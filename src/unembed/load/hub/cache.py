"""Files of the cache, and what to say when the disk refuses one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unembed import cache
from unembed.disk import refused
from unembed.errors import FormatError, SourceError


@contextmanager
def new_entry(path: Path) -> Iterator[Path]:
    """Yield a temporary path for an entry of the cache, which is there whole or not at all."""
    try:
        with cache.new_entry(path) as part:
            yield part
    except OSError as error:
        raise not_kept(path, error, "UNEMBED_CACHE") from error


def read_entry(path: Path, most: int) -> bytes | None:
    """Return what an entry holds; None where it is not there, damaged, too large, or another's.

    What earlier versions fetched is taken as it is: without a network it cannot be had again.

    Args:
        path: of the entry.
        most: bytes that such an entry may have, with its seal.
    """
    try:
        return cache.content(path, required=False) if path.stat().st_size <= most else None
    except (OSError, FormatError):
        return None


def is_entry(path: Path, size: int) -> bool:
    """Return whether an entry of some bytes is whole: those of earlier versions have so many."""
    try:
        return cache.verify(path, required=False) or path.stat().st_size == size
    except (OSError, FormatError):
        return False


def not_kept(path: Path, error: OSError, variable: str) -> SourceError:
    """Return the error for a file that the disk refuses, in the cache that `variable` names."""
    return SourceError(
        f"{path} in the cache cannot be written: {refused(error)} {variable} names the folder of "
        "the cache: set it to another one."
    )
