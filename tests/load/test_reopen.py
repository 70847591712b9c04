"""The weights of a run of schema 1, which torch added up in an order of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save

from tests.load.tiny_models import D_MODEL, tiny_gpt2
from unembed.errors import SourceError
from unembed.lens import Lens
from unembed.load import load_features, load_unembedding
from unembed.load.reopen import reopen_features, reopen_unembedding
from unembed.products import ROWS
from unembed.unembedding import Unembedding

FEATURES = 3 * ROWS + 7


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """GPT-2's layout, whose columns nearly cancel: their sums show the order they were made in."""
    files = tiny_gpt2()
    tensors = load(files["model.safetensors"])
    random = torch.Generator().manual_seed(1)
    half = torch.randn(len(tensors["wte.weight"]) // 2, D_MODEL, generator=random)
    half *= 10 ** torch.linspace(-6, 10, len(half))[:, None]
    tensors["wte.weight"][: 2 * len(half)] += torch.cat([half, -half])
    tensors["h.1.attn.c_proj.weight"] = torch.randn(D_MODEL, D_MODEL, generator=random)
    config = json.loads(files["config.json"]) | {"n_head": 4}
    files |= {"model.safetensors": save(tensors), "config.json": json.dumps(config).encode()}
    folder = tmp_path / "model"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def as_torch_prepared_it(folder: Path, now: Unembedding) -> Unembedding:
    """W_U folded and centred with torch's own sums, written down once more."""
    tensors = load((folder / "model.safetensors").read_bytes())
    rows = tensors["wte.weight"][torch.from_numpy(now.token_ids)] * tensors["ln_f.weight"]
    rows -= rows.double().mean(1, keepdim=True).float()
    rows -= (rows.double().sum(0) / len(rows)).float()
    mean_row = torch.zeros(D_MODEL)
    if now.lens == "cosine":
        wide = rows.double()
        rows = (wide / torch.linalg.vector_norm(wide, dim=1, keepdim=True)).float()
        mean_row = (rows.double().sum(0) / len(rows)).float()
        rows -= mean_row
    return replace(now, W_U=rows, mean_row=mean_row)


@pytest.mark.parametrize("lens", ["logit", "cosine"])
def test_an_unembedding_that_torch_summed(folder: Path, lens: Lens) -> None:
    now = load_unembedding(folder, lens=lens)
    then = as_torch_prepared_it(folder, now)
    assert now.digest != then.digest
    torch.testing.assert_close(now.W_U, then.W_U)
    assert torch.equal(reopen_unembedding(now.facts).W_U, now.W_U)
    assert torch.equal(reopen_unembedding(replace(now.facts, sha256=then.digest)).W_U, then.W_U)
    assert load_unembedding(folder, lens=lens).digest == now.digest


def test_features_that_torch_took_through_W_O(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library of products that adds otherwise where it has more rows than a block."""
    matmul = torch.matmul

    def otherwise(a: torch.Tensor, b: torch.Tensor, **into: Any) -> torch.Tensor:
        if len(a) <= ROWS:
            return matmul(a, b, **into)
        return torch.nextafter(matmul(a, b, **into), torch.tensor(torch.inf))

    monkeypatch.setattr(torch, "matmul", otherwise)
    vectors = torch.randn(FEATURES, D_MODEL, generator=torch.Generator().manual_seed(2))
    (tmp_path / "z.safetensors").write_bytes(save({"W_dec": vectors}))
    (now,) = load_features(tmp_path / "z.safetensors", model=folder, hook="blocks.1.attn.hook_z")
    W_O = load((folder / "model.safetensors").read_bytes())["h.1.attn.c_proj.weight"]
    then = replace(now, W_dec=torch.nextafter(matmul(vectors, W_O), torch.tensor(torch.inf)))
    assert now.digest != then.digest
    assert torch.equal(reopen_features(now.facts).W_dec, now.W_dec)
    assert torch.equal(reopen_features(replace(now.facts, sha256=then.digest)).W_dec, then.W_dec)
    with pytest.raises(SourceError, match="its weights differ"):
        reopen_features(replace(now.facts, sha256="0" * 64))
