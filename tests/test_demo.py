"""The embedded demo, and the same neurons straight from the GGUF file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unembed import Run, Sweep, load_features, load_unembedding
from unembed.demo import MODEL

LARGEST_KURTOSIS = {"mlp.10": 4.15, "mlp.20": 16.1, "mlp.26": 41.1, "mlp.29": 73.4}
"""Measured on the GGUF file; int8 rows keep them to 1.2 %."""


def test_known_neurons(demo_run: Run) -> None:
    reflexive = demo_run.feature("mlp.20/1036")["top_tokens"][:3]
    assert reflexive == [" itself", " themselves", " herself"]
    second_person = demo_run.feature("mlp.26/1329")["bottom_tokens"][:3]
    assert second_person == [" your", " yourself", " yourselves"]


@pytest.mark.parametrize("bank", LARGEST_KURTOSIS)
def test_tails_grow_with_depth(demo_run: Run, bank: str) -> None:
    largest = demo_run.features.filter(bank=bank)["kurtosis"].max()
    assert largest == pytest.approx(LARGEST_KURTOSIS[bank], rel=0.02)


def test_every_neuron_has_values(demo_run: Run) -> None:
    assert demo_run.features.height == 6144
    assert demo_run.features.drop("log10_density").null_count().sum_horizontal().item() == 0


def test_the_bundle_is_small_and_keeps_its_notices() -> None:
    sizes = {path.name: path.stat().st_size for path in MODEL.iterdir()}
    assert sum(sizes.values()) <= 36e6
    assert sizes["NOTICE.md"]
    assert sizes["LICENSE"]


@pytest.mark.parametrize("layer", [20, 29])
def test_int8_rows_change_little(demo_run: Run, smollm2: Path, layer: int) -> None:
    from_gguf = load_unembedding(smollm2)
    (bank,) = load_features(f"mlp:{layer}", model=smollm2)
    read = Sweep(from_gguf).read(bank.W_dec)
    demo = demo_run.features.filter(bank=f"mlp.{layer}")
    assert from_gguf.vocabulary.digest == load_unembedding(MODEL).vocabulary.digest
    assert read.kurtosis.max() == pytest.approx(LARGEST_KURTOSIS[f"mlp.{layer}"], rel=0.005)
    np.testing.assert_allclose(demo["kurtosis"], read.kurtosis, rtol=0.04)
    np.testing.assert_allclose(demo["skewness"], read.skewness, atol=0.06)
    ids = zip(demo["top_ids"].to_list(), read.top_ids.tolist(), strict=True)
    kept = [len(set(a[:10]) & set(b[:10])) for a, b in ids]
    assert np.mean(kept) > 9.6
