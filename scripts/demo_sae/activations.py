"""Collect the residual stream at training tokens, without its massive activations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from rich.progress import track
from safetensors.torch import load_file, save_file
from torch import Tensor

from scripts.demo_sae import model as demo_model
from scripts.demo_sae import tokens
from scripts.demo_sae.workspace import ACTIVATIONS
from unembed.store.atomic import write_atomically

SHARD_CONTEXTS = 64
BATCH = 16
MASSIVE = 3.0
"""A position is an outlier when its norm is over so many times the median norm."""


def usable(residual: Tensor, lengths: Tensor) -> Tensor:
    """Return which positions [context, position] an SAE is trained and judged on.

    Args:
        residual: the residual stream [context, position, d_model].
        lengths: tokens of each context; what follows is padding.

    The first position and the few others whose norm is over three times the median carry
    massive activations (Sun et al. 2024, *Massive Activations in Large Language Models*).
    """
    position = torch.arange(residual.shape[1])
    inside = (position > 0) & (position < lengths[:, None])
    norm = residual.float().norm(dim=-1)
    return inside & (norm <= MASSIVE * norm[inside].median())


def collect(gguf: Path, layers: Sequence[int], shards: int | None) -> None:
    """Write `activations/layer-L/NNNN.safetensors`: rows [n, d_model] in float16, in text order.

    The model runs up to the last of `layers` in float32 with bfloat16 products.

    Args:
        gguf: the model.
        layers: the residual stream is read after each of them.
        shards: at most so many files of 64 contexts; all when None.
    """
    train = tokens.read("train")
    count = -(-len(train["ids"]) // SHARD_CONTEXTS)
    missing = [
        shard
        for shard in range(count if shards is None else min(shards, count))
        if not all(shard_path(layer, shard).exists() for layer in layers)
    ]
    if not missing:
        return
    model = demo_model.load(gguf)
    blocks = demo_model.decoder_layers(model)
    del blocks[max(layers) + 1 :]
    for shard in track(missing, description=f"Activations after layers {list(layers)}"):
        rows = slice(shard * SHARD_CONTEXTS, (shard + 1) * SHARD_CONTEXTS)
        found = residuals(model, torch.from_numpy(train["ids"][rows]).long(), layers)
        lengths = torch.from_numpy(train["lengths"][rows])
        for layer in layers:
            kept = found[layer][usable(found[layer], lengths)].half()
            path = shard_path(layer, shard)
            write_atomically(path, lambda file, kept=kept: save_file({"activations": kept}, file))


@torch.no_grad()
def residuals(model: torch.nn.Module, ids: Tensor, layers: Sequence[int]) -> dict[int, Tensor]:
    """Return the residual stream [context, position, d_model] after each of the layers."""
    parts: dict[int, list[Tensor]] = {layer: [] for layer in layers}
    with (
        demo_model.residual_after(model, layers) as found,
        torch.autocast("cpu", torch.bfloat16),
    ):
        for batch in ids.split(BATCH):
            model.get_submodule("model")(batch)
            for layer in layers:
                parts[layer].append(found[layer].float())
    return {layer: torch.cat(batches) for layer, batches in parts.items()}


def shard_path(layer: int, shard: int) -> Path:
    """Return where one shard of one layer's activations is."""
    return ACTIVATIONS / f"layer-{layer}" / f"{shard:04}.safetensors"


def read(layer: int, shards: int | None = None) -> Tensor:
    """Return one layer's activations [n, d_model], in float16, of all shards that are there."""
    paths = sorted((ACTIVATIONS / f"layer-{layer}").glob("*.safetensors"))[:shards]
    if not paths:
        raise SystemExit(f"There are no activations of layer {layer}: collect them first.")
    return torch.cat([load_file(path)["activations"] for path in paths])
