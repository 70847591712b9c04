"""Which z of many pairs lie beyond a value of each set, on the CPU or where the z are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.enrichment.lookup import count_beyond, list_beyond, raise_to_largest

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


def how_many_beyond(z: Float[Tensor, "features sets"], critical: F32) -> I64:
    """Return [K] how many pairs have a |z| that reaches each of K steps.

    Args:
        z: [B, S] on any device.
        critical: [K, S] the steps of each set.
    """
    if z.device.type == "cpu":
        found = np.zeros((len(z), len(critical)), np.int64)
        count_beyond(z.numpy(), critical, found)
        return np.asarray(found.sum(0))
    size = z.abs()
    counts = [(size >= step).sum() for step in torch.from_numpy(critical).to(z.device)]
    total: I64 = torch.stack(counts).cpu().numpy() if counts else np.empty(0, np.int64)
    return total


def how_many_in_each(z: Float[Tensor, "features sets"], critical: F32) -> I64:
    """Return [B] of how many sets |z| reaches the critical value [S], of each feature.

    Args:
        z: [B, S] on any device.
        critical: [S] of each set.
    """
    if z.device.type == "cpu":
        found = np.zeros((len(z), 1), np.int64)
        count_beyond(z.numpy(), critical[None], found)
        return found[:, 0]
    counts: I64 = (z.abs() >= torch.from_numpy(critical).to(z.device)).sum(1).cpu().numpy()
    return counts


def pairs_beyond(z: Float[Tensor, "features sets"], critical: F32) -> tuple[I32, I32, F32]:
    """Return row, set and z of the pairs whose |z| reaches the set's critical value.

    Args:
        z: [B, S] on any device.
        critical: [S] of each set.
    """
    if z.device.type == "cpu":
        return _listed(z.numpy(), critical)
    reaches = z.abs() >= torch.from_numpy(critical).to(z.device)
    row, token_set = reaches.nonzero().T
    values = z[row, token_set].cpu().numpy()
    return row.int().cpu().numpy(), token_set.int().cpu().numpy(), values


def largest_of_each(z: Float[Tensor, "features sets"]) -> F32:
    """Return [S] the largest |z| of each set.

    Args:
        z: [B, S] on any device, of at least one feature.
    """
    if z.device.type == "cpu":
        found = np.zeros(z.shape[1], np.float32)
        raise_to_largest(z.numpy(), found)
        return found
    largest: F32 = z.abs().amax(0).cpu().numpy()
    return largest


def _listed(z: F32, critical: F32) -> tuple[I32, I32, F32]:
    starts = np.append(0, np.cumsum(how_many_in_each(torch.from_numpy(z), critical)))
    total = int(starts[-1])
    found = np.empty(total, np.int32), np.empty(total, np.int32), np.empty(total, np.float32)
    list_beyond(z, critical, starts, *found)
    return found
