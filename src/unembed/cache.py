"""The cache folder: what was fetched or derived once, and can be made again at any time."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]


def cache_folder() -> Path:
    """Return `UNEMBED_CACHE`, or `~/.cache/unembed`; it need not exist."""
    named = os.environ.get("UNEMBED_CACHE")
    if named and named.startswith("~/"):  # as a settings file writes it, which no shell has read
        return Path(named).expanduser()
    return Path(named or Path.home() / ".cache" / "unembed")


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


def kept_array(name: str, shape: tuple[int, ...], make: Callable[[], F64]) -> F64:
    """Return an array from the cache, or make it and keep it there.

    A cache that is damaged or cannot be written costs time, never the result.

    Args:
        name: a path below the cache folder, different for all that may differ.
        shape: of the array.
        make: makes it.
    """
    path = cache_folder() / name
    with suppress(Exception), path.open("rb") as file:
        found = np.load(file, allow_pickle=False)
        if found.shape == shape and found.dtype == np.float64:
            whole: F64 = found
            return whole
    made = make()
    with suppress(OSError), new_file(path) as part, part.open("wb") as file:
        np.save(file, made)
    return made
