"""The device of a sweep, by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from unembed.errors import UnembedError
from unembed.sweep.settings import AUTO

BYTES = 2**28
"""So many are worked on at once on a GPU; what is made on the way takes several times as much."""


def at_once(size: int) -> int:
    """Return how many rows of a size in bytes are worked on together."""
    return max(1, BYTES // size)


def device_named(name: str) -> torch.device:
    """Return a torch device that float64 numbers can be reckoned with on.

    Args:
        name: as torch has it: `cpu`, `cuda`, `cuda:1` …; or `auto`, for a GPU that torch's CUDA (or
            ROCm) sees, and else the CPU.

    Raises:
        UnembedError: when it is not there, or knows no float64.
    """
    if name == AUTO:
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        float(torch.ones(1, device=device, dtype=torch.float64) + 1)  # a kernel is there, and runs
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        raise UnembedError(
            f"The device {name!r} cannot be used: {str(error).splitlines()[0][:200]} Use 'cpu', "
            "or install a torch build for this machine's GPU. (Apple's 'mps' has no float64.)"
        ) from error
    return device


def described(name: str) -> str:
    """Return what a device is called by torch, and by its maker where that is known.

    >>> described("cpu")
    'cpu'

    Args:
        name: of a device that is there.
    """
    device = torch.device(name)
    return f"{name} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else name


@contextmanager
def enough_memory(device: torch.device | str) -> Iterator[None]:
    """Say what can be done where a device has no memory left for what is done within.

    Raises:
        UnembedError: when it has not.
    """
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise UnembedError(
            f"The device {str(device)!r} has too little memory left for W_U, a tile of logit "
            "weights and what is read of it. Use a smaller tile (--tile 128), end what else holds "
            "its memory, or make the run on the 'cpu', in another folder or with --overwrite. "
            f"({str(error).splitlines()[0][:200]})"
        ) from error
