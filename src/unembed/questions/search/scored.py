"""What every criterion is asked, and what it answers: one value a feature."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.questions.steering import with_steering
from unembed.store.tables import RunTables

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

    run: RunTables
    banks: tuple[str, ...]

    @cached_property
    def features(self) -> pl.DataFrame:
        """One row a feature, bank after bank, in the run's order; `row` is its place in the run."""
        table = with_steering(self.run, self.run.scalars.with_row_index("row"))
        return table.filter(pl.col("bank").is_in(self.banks))

    def of_bank(self, name: str) -> pl.DataFrame:
        """Return the features of one of the banks."""
        counts = {bank.name: bank.features for bank in self.run.manifest.banks}
        before = self.banks[: self.banks.index(name)]
        return self.features.slice(sum(counts[each] for each in before), counts[name])
