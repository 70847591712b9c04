"""Files of the cache, and what to say when the disk refuses one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unembed import cache
from unembed.disk import refused
from unembed.errors import SourceError


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path for a file of the cache, which is there whole or not at all."""
    try:
        with cache.new_file(path) as part:
            yield part
    except OSError as error:
        raise not_kept(path, error, "UNEMBED_CACHE") from error


def not_kept(path: Path, error: OSError, variable: str) -> SourceError:
    """Return the error for a file that the disk refuses, in the cache that `variable` names."""
    return SourceError(
        f"{path} in the cache cannot be written: {refused(error)} {variable} names the folder of "
        "the cache: set it to another one."
    )
