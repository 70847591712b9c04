"""Model folders laid out by hand, with tiny tensors under the names that checkpoints use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from unembed.load.tensors.blob import LocalBlob, Piece

VOCAB, D_MODEL, D_FF = 7, 4, 6

Tensors = dict[str, torch.Tensor]


def tensor(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def write_config(folder: Path, **config: Any) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))


def write_model(folder: Path, tensors: Tensors, **config: Any) -> Path:
    """A folder with config.json and one model.safetensors."""
    write_config(folder, **config)
    save_file(tensors, folder / "model.safetensors")
    return folder


def write_shards(folder: Path, shards: dict[str, Tensors], **config: Any) -> Path:
    """A folder with config.json, several files, and the index over them."""
    write_config(folder, **config)
    for name, tensors in shards.items():
        save_file(tensors, folder / name)
    index = {"weight_map": {key: name for name, tensors in shards.items() for key in tensors}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def llama_tensors(*, layers: int = 1, head: bool = True) -> Tensors:
    """Llama's names, with all that a logit lens has no use for."""
    tensors = {
        "model.embed_tokens.weight": tensor(VOCAB, D_MODEL, seed=1),
        "model.norm.weight": tensor(D_MODEL, seed=2),
        **({"lm_head.weight": tensor(VOCAB, D_MODEL, seed=3)} if head else {}),
    }
    for layer in range(layers):
        at = f"model.layers.{layer}"
        tensors[f"{at}.mlp.down_proj.weight"] = tensor(D_MODEL, D_FF, seed=10 + layer)
        tensors[f"{at}.mlp.up_proj.weight"] = tensor(D_FF, D_MODEL, seed=20 + layer)
        tensors[f"{at}.input_layernorm.weight"] = tensor(D_MODEL, seed=30 + layer)
        tensors[f"{at}.self_attn.q_proj.weight"] = tensor(D_MODEL, D_MODEL, seed=40 + layer)
    return tensors


def spy_on_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names, filled in as the test goes on, of the tensors whose values are read."""
    read: list[str] = []
    piece = LocalBlob.piece

    def spied(self: LocalBlob, start: int, stop: int, what: str) -> Piece:
        read.append(what)
        return piece(self, start, stop, what)

    monkeypatch.setattr(LocalBlob, "piece", spied)
    return read
