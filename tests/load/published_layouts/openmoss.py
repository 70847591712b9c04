"""Llama Scope (OpenMOSS): `hyperparams.json` and `checkpoints/`, and the later R1 layout."""

from __future__ import annotations

import re
from functools import partial

import torch

from tests.load.published_layouts.parts import (
    Bank,
    Files,
    Laid,
    Size,
    as_json,
    as_safetensors,
    exact,
    numbers,
    readme,
)
from tests.load.published_layouts.registry import Entry

HOOKS = {"A": "hook_attn_out", "M": "hook_mlp_out", "R": "hook_resid_post"}


def linear(
    seed: str, size: Size, dtype: torch.dtype, *, threshold: bool = False
) -> dict[str, torch.Tensor]:
    d, F = size.d_model, size.count(size.d_model)
    found = {
        "decoder.bias": numbers(f"{seed} b_dec", d, dtype=dtype),
        "decoder.weight": numbers(f"{seed} decoder", d, F, dtype=dtype),
        "encoder.bias": numbers(f"{seed} b_enc", F, dtype=dtype),
        "encoder.weight": numbers(f"{seed} encoder", F, d, dtype=dtype),
    }
    if threshold:
        found["log_jumprelu_threshold"] = numbers(f"{seed} threshold", F, dtype=dtype)
    return found


def linear_bank(
    tensors: dict[str, torch.Tensor], hook: str, layer: int, read_hook: str | None = None
) -> Bank:
    """The bank of two `nn.Linear`."""
    W_dec, reads = exact(tensors["decoder.weight"]).T, exact(tensors["encoder.weight"])
    return Bank(W_dec, hook, layer, reads, read_hook)


def llama_scope(entry: Entry, size: Size) -> Laid:
    """`Llama3_1-8B-Base-L{layer}{A, M or R}-{8 or 32}x`."""
    found = re.search(r"-L(\d+)([AMR])-", entry.path)
    assert found
    layer, hook = int(found[1]), f"blocks.{found[1]}.{HOOKS[found[2]]}"
    seed = f"{entry.repo} {entry.path}"
    hyperparams = {
        "device": "cuda:0", "seed": 42, "dtype": "torch.bfloat16", "hook_point_in": hook,
        "hook_point_out": hook, "use_decoder_bias": True,
        "apply_decoder_bias_to_pre_encoder": False, "expansion_factor": 8,
        "d_model": size.d_model, "d_sae": size.count(size.d_model), "act_fn": "jumprelu",
        "jump_relu_threshold": 0.75390625, "norm_activation": "dataset-wise",
        "dataset_average_activation_norm": {"in": 29.125, "out": 29.125},
        "sparsity_include_decoder_norm": True, "use_glu_encoder": False, "top_k": 50,
    }  # fmt: skip
    tensors = partial(linear, seed, size, torch.bfloat16)
    files: Files = {
        "README.md": readme(),
        f"{entry.path}/hyperparams.json": as_json(hyperparams),
        f"{entry.path}/lm_config.json": as_json({"model_name": "meta-llama/Llama-3.1-8B"}),
        f"{entry.path}/checkpoints/final.safetensors": as_safetensors(tensors),
    }
    return Laid(files, lambda: [linear_bank(tensors(), hook, layer)])


def r1_distill(entry: Entry, size: Size) -> Laid:
    found = re.search(r"/L(\d+)R$", entry.path)
    assert found
    layer, hook = int(found[1]), f"blocks.{found[1]}.hook_resid_post"
    seed = f"{entry.repo} {entry.path}"
    config = {
        "sae_type": "sae", "device": "cuda", "dtype": "torch.float32", "d_model": size.d_model,
        "expansion_factor": 8, "hook_point_in": hook, "hook_point_out": hook,
        "use_decoder_bias": True, "use_glu_encoder": False, "act_fn": "jumprelu",
        "norm_activation": "inference", "sparsity_include_decoder_norm": True, "top_k": 50,
    }  # fmt: skip
    tensors = partial(linear, seed, size, torch.float32, threshold=True)
    files: Files = {
        "README.md": readme(),
        f"{entry.path}/config.json": as_json(config),
        f"{entry.path}/sae_weights.safetensors": as_safetensors(tensors),
    }
    return Laid(files, lambda: [linear_bank(tensors(), hook, layer)])
