"""The device of a sweep, by name."""

from __future__ import annotations

import torch

from unembed.errors import UnembedError


def device_named(name: str) -> torch.device:
    """Return a torch device that float64 numbers can be put on.

    Args:
        name: as torch has it: `cpu`, `cuda`, `cuda:1` …

    Raises:
        UnembedError: when it is not there, or knows no float64.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device, dtype=torch.float64)
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        raise UnembedError(
            f"The device {name!r} cannot be used: {str(error).splitlines()[0][:200]} Use 'cpu', "
            "or install a torch build for this machine's GPU. (Apple's 'mps' has no float64.)"
        ) from error
    return device
