"""What every criterion is asked, and what it answers: one value a feature."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from jaxtyping import Float

from unembed.live import RunWeights, weights_of
from unembed.products import product
from unembed.store import Run

F64 = npt.NDArray[np.float64]


class Scored(NamedTuple):
    """One criterion's scores of N features.

    Attributes:
        columns: [N] each, the one that ranks first; NaN for a feature that has no score, which is
            then not found.
        z: the column that is in standard deviations, where there is one.
        log10_q: the column of log10 q, where there is one.
        both_ways: whether a large negative score is found too, when no sign is asked for.
    """

    columns: dict[str, F64]
    z: str | None = None
    log10_q: str | None = None
    both_ways: bool = False

    @property
    def rank(self) -> str:
        """The column that ranks."""
        return next(iter(self.columns))


@dataclass(frozen=True)
class Searched:
    """The features that are searched: whole banks of a run.

    Attributes:
        run: the run.
        banks: the names of the banks, in the run's order.
    """

    run: Run
    banks: tuple[str, ...]

    @cached_property
    def features(self) -> pl.DataFrame:
        """One row a feature, bank after bank, in the run's order; `row` is its place in the run."""
        table = self.run.scalars.with_row_index("row")
        return table.filter(pl.col("bank").is_in(self.banks))

    @property
    def weights(self) -> RunWeights:
        """The weights behind the run, read when they are first needed."""
        return weights_of(self.run)

    def of_bank(self, name: str) -> pl.DataFrame:
        """Return the features of one of the banks."""
        return self.features.filter(bank=name)

    def shift(self, name: str, delta: Float[np.ndarray, " d_model"]) -> F64:
        """Return δ·w / sqrt(wᵀΣw) of a bank's features, NaN for flat ones; the run has the root."""
        features = self.of_bank(name)
        std = features["std"].to_numpy()
        if self.run.manifest["unembedding"]["lens"] == "cosine":
            std = std * features["norm"].to_numpy()
        shift = product(self.weights.bank(name).W_dec, torch.from_numpy(delta).float()).numpy()
        shift_in_std: F64 = np.divide(shift, std, out=np.full(len(std), np.nan), where=std > 0)
        return shift_in_std
