"""Measure a trained SAE on held-out text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.progress import track
from sae_lens import SAE
from torch import Tensor, nn

from scripts.demo_sae import density, tokens
from scripts.demo_sae import model as demo_model
from scripts.demo_sae.activations import BATCH, usable
from scripts.demo_sae.workspace import write_json


@torch.no_grad()
def evaluate(gguf: Path, folder: Path, *, with_loss: bool = True) -> dict[str, Any]:
    """Return, and write to `evaluation.json`, what an SAE does to held-out text.

    - `explained_variance`: 1 − Σ|x − x̂|² / Σ|x − mean|² over all usable positions (no first
      positions, no outliers), with the mean of those positions; `by_source` too.
    - `l0`: features active at a usable position, on average.
    - `dead_in_training`: share of features that fired at none of a million training tokens;
      `silent_in_held_out`: share that fired at none of the held-out ones.
    - `loss`, in nats a token: of the model as it is; with the reconstruction in the residual
      stream's place at usable positions; with their mean there. `loss_recovered` is how much of
      the way from the mean's loss to the model's the reconstruction keeps. Left out without
      `with_loss`: it takes most of the time.
    """
    settings = json.loads((folder / "training.json").read_text())
    sae = SAE.load_from_disk(folder)
    model = demo_model.load(gguf)
    held_out = tokens.read("held_out")
    ids, lengths = (torch.from_numpy(held_out[name]).long() for name in ("ids", "lengths"))
    sources = torch.from_numpy(held_out["sources"]).long()
    names = sorted(tokens.TRAINING_TOKENS)
    batches = list(torch.arange(len(ids)).split(BATCH))

    rows, row_sources = [], []
    with demo_model.residual_after(model, [settings["layer"]]) as found:
        for batch in track(batches, description="Residual stream of held-out text"):
            model.get_submodule("model")(ids[batch])
            residual = found[settings["layer"]]
            keep = usable(residual, lengths[batch])
            rows.append(residual[keep])
            row_sources.append(sources[batch][:, None].expand_as(keep)[keep])
    x, of = torch.cat(rows), torch.cat(row_sources)
    mean = x.double().mean(0).float()
    error, fired = [], torch.zeros(sae.cfg.d_sae)
    for part in x.split(4_096):
        features = sae.encode(part)
        error.append((part - sae.decode(features)).square().sum(1))
        fired += (features > 0).sum(0)
    missed, spread = torch.cat(error).double(), (x - mean).double().square().sum(1)

    result = {
        "positions": len(x),
        "outlier_positions": int((lengths - 1).sum()) - len(x),
        "explained_variance": 1 - (missed.sum() / spread.sum()).item(),
        "by_source": {
            name: 1 - (missed[of == index].sum() / spread[of == index].sum()).item()
            for index, name in enumerate(names)
        },
        "l0": fired.sum().item() / len(x),
        "dead_in_training": (density.load(folder) < density.DEAD).float().mean().item(),
        "silent_in_held_out": (fired == 0).float().mean().item(),
    }
    if with_loss:
        changes: dict[str, Callable[[Tensor], Tensor]] = {
            "model": lambda rows: rows,
            "reconstruction": sae,
            "mean": mean.expand_as,
        }
        loss = {
            name: spliced_loss(model, settings["layer"], ids, lengths, change)
            for name, change in changes.items()
        }
        kept = (loss["mean"] - loss["reconstruction"]) / (loss["mean"] - loss["model"])
        result |= {"loss": loss, "loss_recovered": kept}
    write_json(folder / "evaluation.json", result)
    return result


@torch.no_grad()
def spliced_loss(
    model: nn.Module,
    layer: int,
    ids: Tensor,
    lengths: Tensor,
    change: Callable[[Tensor], Tensor],
) -> float:
    """Return nats per token when `change` is made to usable positions after a layer."""
    total, count = 0.0, 0
    keep = torch.empty(0)

    def splice(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        changed = output.clone()
        chosen = usable(output, keep)
        changed[chosen] = change(output[chosen])
        return changed

    handle = demo_model.decoder_layers(model)[layer].register_forward_hook(splice)
    try:
        for batch in track(torch.arange(len(ids)).split(BATCH), description="Loss"):
            keep = lengths[batch]
            logits = model(ids[batch]).logits[:, :-1]
            inside = torch.arange(1, ids.shape[1]) < keep[:, None]
            targets = ids[batch][:, 1:][inside]
            total += nn.functional.cross_entropy(logits[inside], targets, reduction="sum").item()
            count += len(targets)
    finally:
        handle.remove()
    return total / count
