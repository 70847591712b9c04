"""One feature read by itself is what the sweep reads of it among others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.test_similarity import directions, uneven
from unembed import Sweep
from unembed.lens import LENSES, Lens
from unembed.sweep.standardised import read_one


@pytest.mark.parametrize("lens", LENSES)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_one_feature_is_that_of_the_sweep(lens: Lens, scale: float) -> None:
    unembedding, W_dec = uneven(lens), scale * directions(4)
    W_dec[2] = 0
    tile = next(Sweep(unembedding).tiles(W_dec))
    for at, w in enumerate(W_dec):
        found = read_one(w, unembedding)
        np.testing.assert_allclose(found.z, tile.z[at].numpy(), atol=2e-5)
        assert found.std == pytest.approx(tile.features.std[at], rel=1e-6)
        assert found.mean == pytest.approx(tile.mean[at], rel=1e-12)


@pytest.mark.parametrize("lens", LENSES)
def test_its_logit_weights(lens: Lens) -> None:
    unembedding, w = uneven(lens), directions(1)[0]
    scaled = w / w.norm() if lens == "cosine" else w
    expected = (unembedding.W_U.double() + unembedding.mean_row.double()) @ scaled.double()
    weights = read_one(w, unembedding).weights
    assert weights.dtype == np.float32
    torch.testing.assert_close(torch.from_numpy(weights).double(), expected, rtol=1e-5, atol=1e-5)
