"""What the model card of the demo's SAE says of it, measured anew."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

from scripts.demo_sae import density, report
from unembed import Features, Run, analyze, load_features, load_unembedding
from unembed.demo import MODEL, SAE


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Statistics of random directions with the SAE's second moment."""
    (sae,) = load_features(str(SAE))
    drawn = Features.from_array(report.random_directions(sae.W_dec, seed=3), name="control")
    return analyze(load_unembedding(MODEL), drawn, tmp_path_factory.mktemp("c") / "run").features


def test_random_directions_have_the_banks_second_moment() -> None:
    W_dec = torch.randn(20_000, 4, generator=torch.Generator().manual_seed(0))
    W_dec[:, 1] += 2 * W_dec[:, 0]
    W_dec[:, 3] -= W_dec[:, 2]
    unit = torch.nn.functional.normalize(W_dec, dim=1)
    drawn = report.random_directions(7 * W_dec, seed=1)
    torch.testing.assert_close(
        drawn.T @ drawn / len(drawn), unit.T @ unit / len(unit), rtol=0, atol=0.01
    )


def test_the_saes_tails_reach_beyond_chance(demo_run: Run, control: pl.DataFrame) -> None:
    sae = demo_run.features.filter(bank="sae.26").filter(pl.col("log10_density") > density.DEAD)
    for column, times in (("kurtosis", 5), ("skewness", 2)):
        limit = np.quantile(control[column].abs(), 0.99)
        assert (sae[column].abs() > limit).mean() > times * 0.01
        assert sae[column].abs().max() > 2 * control[column].abs().max()
