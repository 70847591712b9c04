"""Transcoders in circuit-tracer's layouts: a file a layer, and cross-layer ones in two."""

from __future__ import annotations

import re

import torch

from tests.load.published_layouts.models import SPECS
from tests.load.published_layouts.parts import (
    Bank,
    Files,
    Laid,
    Size,
    as_safetensors,
    as_yaml,
    exact,
    numbers,
    readme,
)
from tests.load.published_layouts.registry import Entry


def mwhanna(entry: Entry, size: Size) -> Laid:
    """`layer_N.safetensors`: encoder and decoder have one shape, and only their names differ.

    The 14b ones lack `config.yaml`; some spell `wandb-config.yaml` without its d.
    """
    found = re.search(r"layer_(\d+)", entry.path)
    assert found
    layer, d, F = int(found[1]), size.d_model, size.count(size.d_model)

    def tensors() -> dict[str, torch.Tensor]:
        seed = entry.repo + entry.path
        return {
            "W_dec": numbers(f"{seed} W_dec", F, d, dtype=torch.bfloat16),
            "W_enc": numbers(f"{seed} W_enc", F, d, dtype=torch.bfloat16),
            "b_dec": numbers(f"{seed} b_dec", d, dtype=torch.bfloat16),
            "b_enc": numbers(f"{seed} b_enc", F, dtype=torch.bfloat16),
        }

    facts = {"d_model": d, "d_feature": F, "batch_size": 4096, "_wandb": {"cli_version": "0.19"}}
    wandb = {name: {"value": fact} for name, fact in facts.items()}
    name = "wanb-config.yaml" if "lowl0" in entry.repo else "wandb-config.yaml"
    files: Files = {
        "README.md": readme(),
        name: as_yaml(wandb),
        entry.path: as_safetensors(tensors),
    }
    if "14b" not in entry.repo:
        files["config.yaml"] = as_yaml(
            {
                "model_name": SPECS[entry.model].repos[0],
                "model_kind": "transcoder_set",
                "feature_input_hook": "mlp.hook_in",
                "feature_output_hook": "hook_mlp_out",
                "scan": f"{entry.model}-transcoders",
            }
        )

    def banks() -> list[Bank]:
        W_dec, reads = exact(tensors()["W_dec"]), exact(tensors()["W_enc"])
        read_hook = f"blocks.{layer}.mlp.hook_in"
        return [Bank(W_dec, f"blocks.{layer}.hook_mlp_out", layer, reads, read_hook)]

    return Laid(files, banks)


def cross_layer(entry: Entry, size: Size) -> Laid:
    """`W_dec_N` [F, L−N, d]: its k-th slice is added to layer N + k."""
    return cross_layer_files(int(entry.path), SPECS[entry.model].layers, size, "google/gemma-2-2b")


def cross_layer_files(layer: int, layers: int, size: Size, model: str) -> Laid:
    d, F, dtype = size.d_model, size.count(size.d_model), torch.bfloat16

    def encoder() -> dict[str, torch.Tensor]:
        return {
            f"W_enc_{layer}": numbers(f"clt {layer} W_enc", F, d, dtype=dtype),
            f"b_dec_{layer}": numbers(f"clt {layer} b_dec", d, dtype=dtype),
            f"b_enc_{layer}": numbers(f"clt {layer} b_enc", F, dtype=dtype),
            f"threshold_{layer}": numbers(f"clt {layer} threshold", F, dtype=dtype),
        }

    def decoder() -> dict[str, torch.Tensor]:
        return {f"W_dec_{layer}": numbers(f"clt {layer}", F, layers - layer, d, dtype=dtype)}

    def banks() -> list[Bank]:
        W_dec = exact(decoder()[f"W_dec_{layer}"])
        reads, read_hook = exact(encoder()[f"W_enc_{layer}"]), f"blocks.{layer}.hook_resid_mid"
        return [
            Bank(W_dec[:, to - layer], f"blocks.{to}.hook_mlp_out", to, reads, read_hook)
            for to in range(layer, layers)
        ]

    config = {
        "model_name": model,
        "model_kind": "cross_layer_transcoder",
        "feature_input_hook": "hook_resid_mid",
        "feature_output_hook": "hook_mlp_out",
        "scan": "clt",
    }
    files: Files = {
        "README.md": readme(),
        "config.yaml": as_yaml(config),
        f"W_enc_{layer}.safetensors": as_safetensors(encoder),
        f"W_dec_{layer}.safetensors": as_safetensors(decoder),
    }
    return Laid(files, banks)
