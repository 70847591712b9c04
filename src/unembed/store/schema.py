"""The tables of a run: their columns, and how statistics become rows of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

if TYPE_CHECKING:
    from unembed.features import Features
    from unembed.sweep import FeatureStatistics
    from unembed.unembedding import Unembedding

ADDRESS = pl.concat_str("bank", "index", separator="/").alias("feature")
"""The column `feature`, the address of each row (`addresses.address`), from its columns `bank` and
`index`. (Not by `pl.format`, which panics where the first part of a frame that was read from
several files has been filtered away.)"""

FEATURE_COLUMNS: dict[str, pl.DataType] = {
    "bank": pl.String(),
    "index": pl.Int64(),
    "mean": pl.Float64(),
    "std": pl.Float64(),
    "skewness": pl.Float64(),
    "kurtosis": pl.Float64(),
    "min": pl.Float64(),
    "max": pl.Float64(),
    "norm": pl.Float64(),
    "log10_density": pl.Float32(),
    "histogram": pl.List(pl.UInt32()),
    "top_ids": pl.List(pl.Int32()),
    "top_weights": pl.List(pl.Float32()),
    "bottom_ids": pl.List(pl.Int32()),
    "bottom_weights": pl.List(pl.Float32()),
}
"""Columns of `features/*.parquet`. A flat feature (an all-zero decoder row) has std 0 and
nulls for what then has no value: skewness, kurtosis, histogram, top and bottom tokens."""
SCALAR_COLUMNS = [name for name, kind in FEATURE_COLUMNS.items() if not kind.is_nested()]

LENS_CHECK = "lens_check.parquet"
"""What a check of the run's lenses found: a run may have it, and is finished without."""
LENS_CHECK_COLUMNS: dict[str, pl.DataType] = {
    "bank": pl.String(),
    "directions": pl.String(),
    "count": pl.Int64(),
    "correlation": pl.Float64(),
    "quarter": pl.Float64(),
    "three_quarters": pl.Float64(),
    "chance": pl.Float64(),
    "chance_high": pl.Float64(),
    "block": pl.Int64(),
    "at_the_end": pl.Float64(),
    "prompts": pl.Int64(),
    "text": pl.String(),
    "strength": pl.Float64(),
    "seed": pl.Int64(),
    "model": pl.String(),
}
"""Columns of it, a row a bank and kind of directions, `features` or `random` (`fitting.truth`):
behind which block they were added; `at_the_end` is the correlation of random directions behind the
last block with the run's W_U, which no lens is between: the most that can be reached with that
model."""


def feature_rows(features: Features, start: int, read: FeatureStatistics) -> pl.DataFrame:
    """Return the table rows of the features from position `start` on."""
    stop = start + len(read.std)
    density = features.log10_density
    columns: dict[str, pl.Series | npt.NDArray[np.generic]] = {
        "index": features.indices[start:stop],
        "mean": read.mean,
        "std": read.std,
        "skewness": _unless(read.flat, read.skewness),
        "kurtosis": _unless(read.flat, read.kurtosis),
        "min": read.minimum,
        "max": read.maximum,
        "norm": read.norm,
        "log10_density": (
            pl.repeat(None, stop - start, dtype=pl.Float32, eager=True)
            if density is None
            else density[start:stop]
        ),
        "histogram": _unless(read.flat, read.histogram),
        "top_ids": _unless(read.flat, read.top_ids),
        "top_weights": _unless(read.flat, read.top_weights),
        "bottom_ids": _unless(read.flat, read.bottom_ids),
        "bottom_weights": _unless(read.flat, read.bottom_weights),
    }
    frame = pl.DataFrame(columns).with_columns(bank=pl.lit(features.name))
    return frame.select(pl.col(name).cast(kind) for name, kind in FEATURE_COLUMNS.items())


def token_rows(unembedding: Unembedding) -> pl.DataFrame:
    """Return `tokens.parquet`: id, text, raw bytes, and the flags of every token."""
    vocabulary = unembedding.vocabulary
    return pl.DataFrame(
        {
            "id": np.arange(len(vocabulary), dtype=np.int32),
            "text": pl.Series(vocabulary.texts, dtype=pl.String),
            "bytes": pl.Series(vocabulary.token_bytes, dtype=pl.Binary),
            "special": vocabulary.special,
            "unused": vocabulary.unused,
            "partial_utf8": vocabulary.partial_utf8,
            "masked": vocabulary.masked,
        }
    )


def _unless(missing: npt.NDArray[np.bool_], values: npt.NDArray[np.generic]) -> pl.Series:
    """Return values as a column, null where `missing`."""
    column = pl.Series(values)
    if missing.any():
        absent = pl.Series(missing)
        column = pl.select(pl.when(~absent).then(column)).to_series()
    return column
