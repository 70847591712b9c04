"""Arrays in the cache folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from unembed.cache import cache_folder, new_entry, verify

F64 = npt.NDArray[np.float64]


def kept_array(name: str, shape: tuple[int, ...], make: Callable[[], F64]) -> F64:
    """Return an array from the cache, or make it and keep it there.

    A cache that is damaged or cannot be written costs time, never the result.

    Args:
        name: a path below the cache folder, different for all that may differ.
        shape: of the array.
        make: makes it.
    """
    path = cache_folder() / name
    with suppress(Exception):
        verify(path)
        found = np.load(path, allow_pickle=False)
        if found.shape == shape and found.dtype == np.float64:
            whole: F64 = found
            return whole
    made = make()
    with suppress(OSError), new_entry(path) as part, part.open("wb") as file:
        np.save(file, made)
    return made
