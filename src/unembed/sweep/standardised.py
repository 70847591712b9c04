"""Features scaled to logit weights of standard deviation 1, before these are multiplied out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.products import lengths, product
from unembed.sweep.statistics import F64, OneFeature
from unembed.ties import Ties
from unembed.unembedding import Unembedding

FLAT = 1e-6
"""A row is flat when its std is below this share of |w| · rms|row of W_U|: rounding alone."""


class Standardised(NamedTuple):
    """Features scaled for the product with W_U.

    Attributes:
        scaled: [F, d_model] float32 on the device of the product, each row's logit weights of
            standard deviation 1; zeros for flat features.
        std: [F] of the logit weights before, 0 for flat features; with the cosine lens that of
            the cosines.
        norm: [F] Euclidean length of the rows before.
    """

    scaled: Float[Tensor, "features d_model"]
    std: F64
    norm: F64


def standardise(
    W_dec: Float[Tensor, "features d_model"],
    unembedding: Unembedding,
    root: Float[Tensor, "d_model d_model"],
) -> Standardised:
    """Return features scaled so that their logit weights have standard deviation 1.

    Args:
        W_dec: [F, d_model] directions of any length, on any device.
        unembedding: whose tokens the logit weights are of.
        root: the unembedding's, on that device.
    """
    norm, unit = _unit_rows(W_dec)
    return _scaled(unit, norm, lengths(product(unit, root)), unembedding)


def read_one(w: Float[Tensor, " d_model"], unembedding: Unembedding) -> OneFeature:
    """Return the logit weights of one feature, by sqrt(wᵀ Σ w) in place of the root of Σ.

    Factoring Σ takes longer than all of W_U for one row; the result agrees with the sweep's to the
    rounding of float32.

    Args:
        w: [d_model] a finite direction of any length.
        unembedding: whose tokens the logit weights are of.
    """
    norm, unit = unit_rows(w[None])
    wide = unit.double()
    variance = (product(wide, unembedding.covariance) * wide).sum(1)
    features = _scaled(unit, norm, variance.clamp_min(0).sqrt(), unembedding)
    z = settled(product(features.scaled, unembedding.W_U.T), unembedding.ties)[0].numpy()
    mean = mean_weights(w[None], features.norm, unembedding)
    return OneFeature(z, float(features.std[0]), float(mean[0]))


def settled(z: Float[Tensor, "tile tokens"], ties: Ties) -> Float[Tensor, "tile tokens"]:
    """Return z in which tokens of identical rows have the same value, that of the first; in place.

    What a product rounds may depend on where a column stands in its block.

    Args:
        z: [T, n] on any device.
        ties: which rows of W_U are identical.
    """
    if len(ties):
        copies, of = (torch.from_numpy(each).to(z.device) for each in ties.copies)
        z[:, copies] = z[:, of]
    return z


def mean_weights(
    W_dec: Float[Tensor, "features d_model"], norm: F64, unembedding: Unembedding
) -> F64:
    """Return [F] the mean logit weight, which centring took away and the cosine lens keeps.

    Args:
        W_dec: [F, d_model] directions of any length, on any device.
        norm: [F] their lengths.
        unembedding: whose tokens the logit weights are of.
    """
    mean_row = unembedding.mean_row.double().to(W_dec.device)
    mean: F64 = product(W_dec.double(), mean_row).cpu().numpy()
    return mean / np.where(norm == 0, 1.0, norm) if unembedding.lens == "cosine" else mean


def unit_rows(W_dec: Tensor) -> tuple[Tensor, Tensor]:
    """Return the length of each row in float64, and float32 rows of length 1, on the CPU."""
    norm, unit = _unit_rows(W_dec)
    return norm.cpu(), unit.cpu()


def _unit_rows(W_dec: Tensor) -> tuple[Tensor, Tensor]:
    wide = W_dec.double()
    norm = lengths(wide)
    return norm, (wide / norm.clamp_min(torch.finfo(torch.float64).tiny)[:, None]).float()


def is_flat(spread: Tensor, norm: Tensor, unembedding: Unembedding) -> Tensor:
    """Return [F] whether rows of these lengths write nothing.

    Args:
        spread: [F] the standard deviation of the logit weights of the row at length 1.
        norm: [F] the row's own length.
        unembedding: whose tokens the logit weights are of.
    """
    return (spread <= FLAT * unembedding.rms) | (norm == 0)


def _scaled(unit: Tensor, norm: Tensor, spread: Tensor, unembedding: Unembedding) -> Standardised:
    flat = is_flat(spread, norm, unembedding)
    scaled = torch.where(flat[:, None], 0.0, unit / spread[:, None].float())
    std = torch.where(flat, 0.0, spread if unembedding.lens == "cosine" else spread * norm)
    return Standardised(scaled, *torch.stack([std, norm]).cpu().numpy())
