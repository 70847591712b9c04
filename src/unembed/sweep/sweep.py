"""The sweep: features × tokens in tiles, each tile read once and thrown away.

The logit weights L = W_dec @ W_Uᵀ are never held whole. Since W_U is centred, a row's standard
deviation is known before the product, `std = sqrt(w Σ wᵀ)`; rows are divided by it first, so
that a tile arrives as z-scores and every reader works on fixed scales.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.errors import WeightError
from unembed.products import ROWS, cholesky, product
from unembed.sweep import accelerator, cpu
from unembed.sweep.device import device_named, enough_memory
from unembed.sweep.settings import SweepSettings, Weight
from unembed.sweep.standardised import Standardised, mean_weights, settled, standardise
from unembed.sweep.statistics import F64, FeatureStatistics, TileReadings, joined, moments
from unembed.sweep.tsea import Membership, TseaReadings
from unembed.sweep.tsea import accelerator as tsea_accelerator
from unembed.sweep.tsea import cpu as tsea_cpu
from unembed.unembedding import Unembedding, beyond_float32, covariance_of, directions

I64 = npt.NDArray[np.int64]

Value = TypeVar("Value", bound=np.generic)

_TILES_AT_ONCE = 4
"""On a GPU, where a tile is so soon read that starting the next one counts."""


class Tile(NamedTuple):
    """One tile of the sweep.

    Attributes:
        z: [T, n] float32 on the sweep's device, standardised logit weights; zeros for flat
            features.
        features: the rows that made it, scaled (on that device), with their std and norms.
        mean: [T] the mean logit weight, 0 for the logit lens.
    """

    z: Float[Tensor, "tile tokens"]
    features: Standardised
    mean: F64

    def first(self, count: int) -> Tile:
        """Return the tile of the first so many features alone."""
        scaled, std, norm = self.features
        features = Standardised(scaled[:count], std[:count], norm[:count])
        return Tile(self.z[:count], features, self.mean[:count])


class Sweep:
    """A prepared sweep against one unembedding: tiles in, statistics out.

    Holds W_U (on the device) and one tile of weights, whatever F is.

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
        self._rows = -(-self.settings.tile // ROWS) * ROWS
        if self.device.type != "cpu":
            self._rows *= _TILES_AT_ONCE
        with enough_memory(self.device):
            self._W_U = unembedding.W_U.to(self.device)
        self._tile: Tensor | None = None

    def read(self, W_dec: Float[Tensor, "features d_model"]) -> FeatureStatistics:
        """Return the statistics of features, computed tile by tile.

        Args:
            W_dec: [F, d_model] finite directions, as wide as the unembedding.

        Raises:
            ShapeError: when they are not as wide.
            WeightError: when they are not finite, none at all, or no numbers of float32; when
                their logit weights may be more than float32 holds.
            UnembedError: when the device has too little memory.
        """
        W_dec = directions(W_dec, self.unembedding)
        if not len(W_dec):
            raise WeightError("There are no directions to read: W_dec has no rows.")
        too_large = beyond_float32(W_dec, self.unembedding)
        if too_large.any():
            raise WeightError(
                f"Row {int(torch.nonzero(too_large)[0])} of W_dec is so long that its logit "
                "weights may be larger than float32 holds. Multiply all of W_dec by one small "
                "number, which changes no rank and no z."
            )
        with enough_memory(self.device):
            return joined([self.statistics(tile) for tile in self.tiles(W_dec)])

    def tiles(self, W_dec: Float[Tensor, "features d_model"]) -> Iterator[Tile]:
        """Yield features tile by tile with their z-scores, for any readers; each once, in order.

        A tile holds whole blocks of products (`products.ROWS`), all but the last of them, so that
        its size changes no bit. A tile's z is overwritten by the next one.

        Args:
            W_dec: [F, d_model] finite directions, as wide as the unembedding.
        """
        for rows in torch.split(W_dec, self._rows):
            there = rows.to(self.device)
            features = self.standardised(there)
            mean = mean_weights(there, features.norm, self.unembedding)
            yield Tile(self._z_scores(features.scaled), features, mean)

    def statistics(self, tile: Tile) -> FeatureStatistics:
        """Return the statistics of a tile's features."""
        found = (
            cpu.read_tile(tile.z.numpy(), self.top_k)
            if self.device.type == "cpu"
            else accelerator.read_tile(tile.z, self.top_k)
        )
        return self._in_weights(found, tile.features.std, tile.features.norm, tile.mean)

    def tsea(self, tile: Tile, sets: Membership, weight: Weight = "none") -> TseaReadings:
        """Return the enrichment of every set in a tile's features.

        Args:
            tile: as `tiles` yields it.
            sets: over this unembedding's rows.
            weight: what a hit adds: `none`, `normal-scores` or `magnitude`.
        """
        sets = sets.with_ties(self.unembedding.ties)
        found = (
            tsea_cpu.read_tile(tile.z.numpy(), sets, weight)
            if self.device.type == "cpu"
            else tsea_accelerator.read_tile(tile.z, sets, weight)
        )
        flat = tile.features.std == 0
        found.es[flat], found.peak[flat], found.auroc[flat] = 0, 0, 0.5
        return found

    def tsea_of(
        self, tile: Tile, row: I64, token_set: I64, sets: Membership, weight: Weight = "none"
    ) -> TseaReadings:
        """Return the enrichment of single pairs [P] of a tile's features and sets.

        The same numbers as `tsea` has for them, at the price of these pairs alone.

        Args:
            tile: as `tiles` yields it.
            row: [P] of the tile, ascending; none of a flat feature.
            token_set: [P] numbers of testable sets.
            sets: over this unembedding's rows.
            weight: what a hit adds.
        """
        sets = sets.with_ties(self.unembedding.ties)
        if self.device.type == "cpu":
            return tsea_cpu.read_pairs(tile.z.numpy(), row, token_set, sets, weight)
        return tsea_accelerator.read_pairs(tile.z, row, token_set, sets, weight)

    def standardised(self, W_dec: Float[Tensor, "features d_model"]) -> Standardised:
        """Return features scaled so that their logit weights have standard deviation 1.

        Args:
            W_dec: [F, d_model] directions of any length.
        """
        return standardise(W_dec.to(self.device), self.unembedding, self._root)

    @cached_property
    def covariance(self) -> Float[Tensor, "d_model d_model"]:
        """Σ on the CPU (`Unembedding.covariance`), made on the sweep's device.

        A GPU makes it in a moment, and always itself: its digits do not depend on what the cache
        folder holds.
        """
        if self.device.type == "cpu":
            return self.unembedding.covariance
        return covariance_of(self._W_U).cpu()

    @cached_property
    def _root(self) -> Tensor:
        if self.device.type == "cpu":
            return self.unembedding.root
        return cholesky(self.covariance).float().to(self.device)

    def _z_scores(self, scaled: Tensor) -> Tensor:
        if self._tile is None:
            shape = (self._rows, self.unembedding.n_tokens)
            self._tile = torch.empty(shape, dtype=torch.float32, device=self.device)
        out = self._tile[: len(scaled)]
        return settled(product(scaled, self._W_U.T, out=out), self.unembedding.ties)

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
            left_tail=defined(of_z.left_tail),
            right_tail=defined(of_z.right_tail),
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
