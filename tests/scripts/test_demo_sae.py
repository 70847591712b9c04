"""The recipe of the demo's SAE, where SAELens and transformers are installed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import unembed
from unembed.demo import SAE as DEMO_SAE

pytest.importorskip("sae_lens", reason="pip install -r scripts/demo_sae/requirements.txt")

from sae_lens import SAE
from sae_lens.loading.pretrained_sae_loaders import sae_lens_disk_loader
from safetensors.torch import load_file

from scripts.demo_sae import activations, train


def test_sae_lens_loads_the_bundle() -> None:
    """The encoder, which the bundle leaves out, is all that is missing."""

    def with_an_encoder(*arguments: object, **options: object) -> tuple[object, dict]:
        config, state = sae_lens_disk_loader(*arguments, **options)
        assert "W_enc" not in state
        return config, state | {"W_enc": state["W_dec"].T.contiguous()}

    theirs = SAE.load_from_disk(DEMO_SAE, converter=with_an_encoder)
    (ours,) = unembed.load_features(str(DEMO_SAE))
    torch.testing.assert_close(theirs.W_dec.data, ours.W_dec, rtol=0, atol=0)
    assert theirs.cfg.metadata.hook_name == ours.hook


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> torch.Tensor:
    """Sums of four of sixty-four directions, far from the origin, as activations of layer 7."""
    random = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(64, 32, generator=random), dim=1)
    chosen = torch.rand(20_000, 64, generator=random).topk(4, dim=1).indices
    strengths = torch.rand(20_000, 4, generator=random) + 1
    rows = (5 + torch.einsum("nk,nkd->nd", strengths, directions[chosen])).half()
    monkeypatch.setattr(activations, "read", lambda layer, shards: rows)
    monkeypatch.setattr(train, "SAES", tmp_path)
    return rows


@pytest.mark.parametrize("architecture", ["topk", "batchtopk", "jumprelu"])
def test_training_to_a_folder_that_both_load(rows: torch.Tensor, architecture: str) -> None:
    settings = train.Settings(7, architecture, 4, features=128, batch=128, epochs=4, lr=3e-3)
    folder = train.train(settings)
    theirs = SAE.load_from_disk(folder)
    (ours,) = unembed.load_features(str(folder))
    assert ours.name == "sae.7"
    torch.testing.assert_close(theirs.W_dec.data, ours.W_dec)
    torch.testing.assert_close(ours.W_dec.norm(dim=1), torch.ones(128), rtol=1e-4, atol=0)
    x = rows.float()
    missed = (x - theirs(x)).square().sum() / (x - x.mean(0)).square().sum()
    assert missed < 0.35
    assert np.isclose((10.0**ours.log10_density).sum(), 4, rtol=0.3)
    before = (folder / "sae_weights.safetensors").stat().st_mtime_ns
    assert train.train(settings) == folder
    assert (folder / "sae_weights.safetensors").stat().st_mtime_ns == before


def test_a_stopped_training_goes_on(
    rows: torch.Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = train.Settings(7, "topk", 4, features=128, batch=128)
    whole = load_file(train.train(settings) / "sae_weights.safetensors")
    uncut = train.batches

    def until_ctrl_c(*arguments: object) -> Iterator[torch.Tensor]:
        yield from itertools.islice(uncut(*arguments), 120)
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "SAES", tmp_path / "again")
    monkeypatch.setattr(train, "batches", until_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        train.train(settings)
    assert len(list((tmp_path / "again").glob("*/checkpoints/*"))) == 2
    monkeypatch.setattr(train, "batches", uncut)
    resumed = load_file(train.train(settings) / "sae_weights.safetensors")
    for name, weight in whole.items():
        torch.testing.assert_close(resumed[name], weight, rtol=0, atol=1e-4)


def test_usable_positions() -> None:
    residual = torch.ones(2, 6, 3)
    residual[0, 0] = residual[1, 3] = 100
    expected = torch.tensor([[0, 1, 1, 1, 1, 1], [0, 1, 1, 0, 0, 0]], dtype=torch.bool)
    assert activations.usable(residual, torch.tensor([6, 4])).equal(expected)
