"""`compiled`: numba's compiler as the kernels use it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

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


def compiled(**options: Any) -> Callable[[Kernel], Kernel]:
    """Return a decorator that compiles a kernel: without the interpreter's lock, kept on disk.

    Args:
        **options: numba's, such as `fastmath`.
    """
    # numba has no types: said here once, so that kernels keep theirs
    decorator: Callable[[Kernel], Kernel] = numba.njit(cache=_CACHE, nogil=True, **options)
    return decorator
