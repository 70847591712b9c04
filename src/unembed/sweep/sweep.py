"""The sweep: features × tokens in tiles, each tile read once and thrown away.

The logit weights L = W_dec @ W_Uᵀ are never held whole. Since W_U is centred, a row's standard
deviation is known before the product, `std = sqrt(w Σ wᵀ)`; rows are divided by it first, so
that a tile arrives as z-scores and every reader works on fixed scales.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.products import product
from unembed.sweep import accelerator, cpu
from unembed.sweep.device import device_named
from unembed.sweep.settings import SweepSettings, Weight
from unembed.sweep.statistics import F64, FeatureStatistics, TileReadings, joined, moments
from unembed.sweep.tsea import Membership, TseaReadings
from unembed.sweep.tsea import accelerator as tsea_accelerator
from unembed.sweep.tsea import cpu as tsea_cpu
from unembed.unembedding import Unembedding

FLAT = 1e-6
"""A row is flat when its std is below this share of |w| · rms|row of W_U|: rounding alone."""


Value = TypeVar("Value", bound=np.generic)


class Standardised(NamedTuple):
    """Features scaled for the product with W_U.

    Attributes:
        scaled: [F, d_model] float32, each row's logit weights of standard deviation 1; zeros for
            flat features.
        std: [F] of the logit weights before, 0 for flat features; with the cosine lens that of
            the cosines.
        norm: [F] Euclidean length of the rows before.
    """

    scaled: Float[Tensor, "features d_model"]
    std: F64
    norm: F64


class Tile(NamedTuple):
    """One tile of the sweep.

    Attributes:
        z: [T, n] float32 on the sweep's device, standardised logit weights; zeros for flat
            features.
        features: the rows that made it, scaled, with their std and norms.
        mean: [T] the mean logit weight, 0 for the logit lens.
    """

    z: Float[Tensor, "tile tokens"]
    features: Standardised
    mean: F64


class Sweep:
    """A prepared sweep against one unembedding: tiles in, statistics out.

    Holds W_U (on the device), one d × d factor, and one tile of weights, whatever F is.

    Args:
        unembedding: prepared and centred.
        settings: tile, device and how many tokens to keep.

    Raises:
        UnembedError: when the device is not there.
    """

    def __init__(self, unembedding: Unembedding, settings: SweepSettings | None = None) -> None:
        self.unembedding = unembedding
        self.settings = settings or SweepSettings()
        self.device = device_named(self.settings.device)
        self.top_k = min(self.settings.top_k, unembedding.n_tokens)
        self._W_U = unembedding.W_U.to(self.device)
        self._factor, self._rms = _factor(unembedding)
        self._tile: Tensor | None = None

    def read(self, W_dec: Float[Tensor, "features d_model"]) -> FeatureStatistics:
        """Return the statistics of features, computed tile by tile.

        Args:
            W_dec: [F, d_model] finite directions, as wide as the unembedding.
        """
        return joined([self.statistics(tile) for tile in self.tiles(W_dec)])

    def tiles(self, W_dec: Float[Tensor, "features d_model"]) -> Iterator[Tile]:
        """Yield features tile by tile with their z-scores, for any readers; each once, in order.

        A tile's z is overwritten by the next one.

        Args:
            W_dec: [F, d_model] finite directions, as wide as the unembedding.
        """
        for rows in torch.split(W_dec, self.settings.tile):
            features = self.standardised(rows)
            z = self._z_scores(features.scaled)
            yield Tile(z, features, self._mean(rows, features.norm))

    def statistics(self, tile: Tile) -> FeatureStatistics:
        """Return the statistics of a tile's features."""
        found = (
            cpu.read_tile(tile.z.numpy(), self.top_k)
            if self.device.type == "cpu"
            else accelerator.read_tile(tile.z, self.top_k)
        )
        return self._in_weights(found, tile.features.std, tile.features.norm, tile.mean)

    def enrichment(self, tile: Tile, sets: Membership, weight: Weight = "none") -> TseaReadings:
        """Return the enrichment of every set in a tile's features.

        Args:
            tile: as `tiles` yields it.
            sets: over this unembedding's rows.
            weight: what a hit adds: `none`, `normal-scores` or `magnitude`.
        """
        found = (
            tsea_cpu.read_tile(tile.z.numpy(), sets, weight)
            if self.device.type == "cpu"
            else tsea_accelerator.read_tile(tile.z, sets, weight)
        )
        flat = tile.features.std == 0
        found.es[flat], found.peak[flat], found.auroc[flat] = 0, 0, 0.5
        return found

    def standardised(self, W_dec: Float[Tensor, "features d_model"]) -> Standardised:
        """Return features scaled so that their logit weights have standard deviation 1.

        Args:
            W_dec: [F, d_model] directions of any length.
        """
        wide = W_dec.double()
        norm = torch.linalg.vector_norm(wide, dim=1)
        unit = (wide / norm.clamp_min(torch.finfo(torch.float64).tiny)[:, None]).float()
        spread = torch.linalg.vector_norm(product(unit, self._factor), dim=1, dtype=torch.float64)
        flat = (spread <= FLAT * self._rms) | (norm == 0)
        scaled = torch.where(flat[:, None], 0.0, unit / spread[:, None].float())
        std = torch.where(flat, 0.0, spread if self._cosine else spread * norm)
        return Standardised(scaled, std.numpy(), norm.numpy())

    def _z_scores(self, scaled: Tensor) -> Tensor:
        if self._tile is None:
            shape = (self.settings.tile, self.unembedding.n_tokens)
            self._tile = torch.empty(shape, dtype=torch.float32, device=self.device)
        out = self._tile[: len(scaled)]
        return product(scaled.to(self.device), self._W_U.T, out=out)

    @property
    def _cosine(self) -> bool:
        return self.unembedding.lens == "cosine"

    def _mean(self, W_dec: Tensor, norm: F64) -> F64:
        """The mean logit weight, which centring took away and the cosine lens keeps."""
        mean: F64 = product(W_dec.double(), self.unembedding.mean_row.double()).numpy()
        return mean / np.where(norm == 0, 1.0, norm) if self._cosine else mean

    def _in_weights(self, found: TileReadings, std: F64, norm: F64, mean: F64) -> FeatureStatistics:
        """Turn readings of z into logit weights, correcting for the rounding of std."""
        flat = std == 0
        with np.errstate(divide="ignore", invalid="ignore"):
            of_z = moments(found.sums, self.unembedding.n_tokens)

        def defined(values: npt.NDArray[Value]) -> npt.NDArray[Value]:
            values[flat] = 0
            return values

        def weights(z: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
            return (z * std[:, None] + mean[:, None]).astype(np.float32)

        ids = self.unembedding.token_ids.astype(np.int32)
        top, bottom = weights(found.top_z), weights(found.bottom_z)
        return FeatureStatistics(
            mean=mean,
            std=defined(std * of_z.std),
            skewness=defined(of_z.skewness),
            kurtosis=defined(of_z.kurtosis),
            minimum=bottom[:, 0].astype(np.float64),
            maximum=top[:, 0].astype(np.float64),
            norm=norm,
            flat=flat,
            histogram=defined(found.counts),
            top_ids=defined(ids[found.top_rows]),
            top_weights=defined(top),
            bottom_ids=defined(ids[found.bottom_rows]),
            bottom_weights=defined(bottom),
        )


def _factor(unembedding: Unembedding) -> tuple[Tensor, float]:
    """Return R with R Rᵀ = Σ, so that std = |w R|, and the rms length of W_U's rows."""
    values, vectors = torch.linalg.eigh(unembedding.covariance)
    factor = vectors * values.clamp_min(0).sqrt()
    return factor.float(), float(values.clamp_min(0).sum().sqrt())
