"""`compiled`: numba's compiler as the kernels use it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def _cache_works() -> bool:
    """Whether numba finds a folder for compiled kernels: a read-only install may have none."""
    try:
        numba.njit(cache=True)(_cache_works)
    except RuntimeError:
        return False
    return True


_CACHE = _cache_works()


def compiled() -> Callable[[Kernel], Kernel]:
    """Return a decorator that compiles a kernel: without the interpreter's lock, kept on disk.

    Numba's own threads would compile for several times as long (`workers.over_rows` has others),
    and `fastmath` would come to other bits in a process that compiles than in one that finds the
    kernel in the cache (`fixed_order` has sums).
    """
    # numba has no types: said here once, so that kernels keep theirs
    decorator: Any = numba.njit(cache=_CACHE, nogil=True)
    return cast("Callable[[Kernel], Kernel]", decorator)
