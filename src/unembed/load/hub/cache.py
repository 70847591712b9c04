"""Files of the cache, which are there whole or not at all, also when two programs write one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unembed.errors import SourceError


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path, which gets its name when all went well and else is removed."""
    part = path.with_name(f".{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise not_kept(path, error, "UNEMBED_CACHE") from error


def not_kept(path: Path, error: OSError, variable: str) -> SourceError:
    """Return the error for a file that the disk refuses, in the cache that `variable` names."""
    return SourceError(
        f"{path} in the cache cannot be written: {error.strerror or error}. Make room, or set "
        f"{variable} to another folder."
    )
