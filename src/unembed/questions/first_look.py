"""A first look at banks before they are analysed: what a few features of each promote.

It takes a second where the analysis takes minutes, and shows whether the weights and the tokenizer
that were read are those that were meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np
import polars as pl

from unembed.features import Features
from unembed.products import ROWS
from unembed.questions.banks import SPREAD
from unembed.store.schema import ADDRESS, feature_rows
from unembed.sweep import Sweep, SweepSettings
from unembed.unembedding import Unembedding

MOST_BANKS = 12
_MOST_FEATURES = 128
_FEWEST_FEATURES = 8
_MULTIPLICATIONS = 2**36
"""About so many are made for all banks together: one or two seconds on one core."""
_TOKENS = 10
_PEAKED = 2

Item = TypeVar("Item")


class FirstLook(NamedTuple):
    """What a sample of features says of each bank.

    Attributes:
        spread: one row a bank: bank, features (of the bank), read (of them), flat (of those read);
            `_min`, `_median` and `_max` of std, skewness and kurtosis, null where all are flat.
        peaked: the features with the largest kurtosis, two a bank: feature, class (null: not
            known yet), std, skewness, kurtosis, top_tokens.
        banks: how many there are, of which no more than 12 are read.
    """

    spread: pl.DataFrame
    peaked: pl.DataFrame
    banks: int


def look_at_banks(
    unembedding: Unembedding, banks: Sequence[Features], settings: SweepSettings
) -> FirstLook:
    """Return the statistics of some features of each bank, spread evenly over it.

    At most 128 of a bank, fewer where W_U is large; at most 12 banks, the first and the last among
    them. W_U is held on the device until it returns, and no longer.

    Args:
        unembedding: the model's, prepared.
        banks: one or more, all of its width.
        settings: of the analysis, whose device it is read on.

    Raises:
        WeightError: when logit weights may be larger than float32 holds.
    """
    some = _spread_evenly(banks, MOST_BANKS)
    affordable = _MULTIPLICATIONS // (unembedding.W_U.numel() * len(some))
    count = min(max(affordable, _FEWEST_FEATURES), _MOST_FEATURES)
    sweep = Sweep(unembedding, replace(settings, tile=ROWS, top_k=_TOKENS))
    read = pl.concat(_rows(sweep, bank, count) for bank in some)
    shaped = pl.col("skewness").is_not_null()
    spread = read.group_by("bank", maintain_order=True).agg(
        pl.len().alias("read"),
        shaped.not_().sum().alias("flat"),
        *(
            getattr(pl.col(name).filter(shaped), kind)().alias(f"{name}_{kind}")
            for name in SPREAD
            for kind in ("min", "median", "max")
        ),
    )
    sizes = pl.DataFrame({"bank": [each.name for each in some], "features": [*map(len, some)]})
    peaked = (
        read.filter(shaped)
        .sort("kurtosis", descending=True, maintain_order=True)
        .group_by("bank", maintain_order=True)
        .head(_PEAKED)
    )
    unclassed = pl.lit(None, pl.String).alias("class")
    in_order = sizes.select("bank").join(peaked, on="bank", maintain_order="left_right")
    return FirstLook(
        sizes.join(spread, on="bank", maintain_order="left"),
        in_order.select(ADDRESS, unclassed, *SPREAD, _texts(in_order["top_ids"], unembedding)),
        len(banks),
    )


def _rows(sweep: Sweep, bank: Features, count: int) -> pl.DataFrame:
    """Return the statistics of some of a bank's features, as rows of a run's table."""
    at = np.array(_spread_evenly(range(len(bank)), count))
    read = sweep.read(bank.W_dec[at])
    density = None if bank.log10_density is None else bank.log10_density[at]
    sample = replace(bank, W_dec=bank.W_dec[at], indices=bank.indices[at], log10_density=density)
    return feature_rows(sample, 0, read)


def _spread_evenly(items: Sequence[Item], count: int) -> list[Item]:
    """Return at most so many, the first and the last among them.

    >>> _spread_evenly(range(10), 4)
    [0, 3, 6, 9]
    """
    places = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[at] for at in places.tolist()]


def _texts(ids: pl.Series, unembedding: Unembedding) -> pl.Series:
    texts = unembedding.vocabulary.texts
    return pl.Series(
        "top_tokens", [[texts[each] for each in row] for row in ids], dtype=pl.List(pl.String)
    )
