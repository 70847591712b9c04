"""SAEs that are one file: hook_z-kk, Goodfire, DeepSeek R1, Qwen Scope, and temporal SAEs."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import torch

from tests.load.published_layouts.gemma_scope import through_heads
from tests.load.published_layouts.models import tiny_model
from tests.load.published_layouts.parts import (
    Bank,
    Files,
    Laid,
    Size,
    as_json,
    as_safetensors,
    as_torch,
    as_yaml,
    exact,
    numbers,
    readme,
    state_dict,
)
from tests.load.published_layouts.registry import Entry


def _layer(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    assert found, text
    return int(found[1])


def _resid_post(
    files: Files,
    layer: int,
    W_dec: Callable[[], torch.Tensor],
    reads: Callable[[], torch.Tensor] | None,
) -> Laid:
    hook = f"blocks.{layer}.hook_resid_post"

    def banks() -> list[Bank]:
        return [Bank(exact(W_dec()), hook, layer, None if reads is None else exact(reads()))]

    return Laid({"README.md": readme(), **files}, banks)


def hook_z(entry: Entry, size: Size) -> Laid:
    """`NAME.pt` and `NAME_cfg.json`; the heads' z, all concatenated."""
    layer, z, F = _layer(r"_L(\d+)_", entry.path), size.z, size.count(size.z)
    model = tiny_model(entry.model, size)
    config = {
        "seed": 49, "batch_size": 4096, "act_size": z, "dict_size": F, "device": "cuda:0",
        "model_name": "gpt2-small", "act_name": f"blocks.{layer}.attn.hook_z", "layer": layer,
        "site": "z", "head": "cat", "enc_dtype": "fp32",
    }  # fmt: skip

    def tensors() -> dict[str, torch.Tensor]:
        return {
            "W_enc": numbers(f"{entry.path} W_enc", z, F),
            "W_dec": numbers(f"{entry.path} W_dec", F, z),
            "b_enc": numbers(f"{entry.path} b_enc", F),
            "b_dec": numbers(f"{entry.path} b_dec", z),
        }

    def banks() -> list[Bank]:
        W_dec = through_heads(exact(tensors()["W_dec"]), model, layer)
        reads = exact(tensors()["W_enc"]).T
        return [Bank(W_dec, f"blocks.{layer}.attn.hook_z", layer, reads)]

    files: Files = {
        "README.md": readme(),
        entry.path: as_torch(lambda: state_dict(tensors()), "cuda:0"),
        entry.path.replace(".pt", "_cfg.json"): as_json(config),
    }
    return Laid(files, banks)


def goodfire(entry: Entry, size: Size) -> Laid:
    return _of_modules(entry, size, r"l(\d+)\.pth?$", suffix="_linear")


def deepseek_r1(entry: Entry, size: Size) -> Laid:
    return _of_modules(entry, size, r"l(\d+)\.pt$")


def _of_modules(entry: Entry, size: Size, layer: str, *, suffix: str = "") -> Laid:
    """Two `nn.Linear` in bfloat16, `encoder` and `decoder` with a suffix."""
    d, F = size.d_model, size.count(size.d_model)
    W_dec = partial(numbers, f"{entry.path} W_dec", F, d, dtype=torch.bfloat16)

    def tensors() -> dict[str, torch.Tensor]:
        return {
            f"encoder{suffix}.weight": numbers(f"{entry.path} W_enc", F, d, dtype=torch.bfloat16),
            f"encoder{suffix}.bias": numbers(f"{entry.path} b_enc", F, dtype=torch.bfloat16),
            f"decoder{suffix}.weight": W_dec().T.contiguous(),
            f"decoder{suffix}.bias": numbers(f"{entry.path} b_dec", d, dtype=torch.bfloat16),
        }

    file = as_torch(lambda: state_dict(tensors()), "cuda:0")
    reads = partial(numbers, f"{entry.path} W_enc", F, d, dtype=torch.bfloat16)
    return _resid_post({entry.path: file}, _layer(layer, entry.path), W_dec, reads)


def qwen_scope(entry: Entry, size: Size) -> Laid:
    """`W_dec` is [d, F] and `W_enc` [F, d]: both the other way round than in any other format."""
    d, F, seed = size.d_model, size.count(size.d_model), f"{entry.repo} {entry.path}"
    W_dec = partial(numbers, f"{seed} W_dec", F, d)

    def tensors() -> dict[str, torch.Tensor]:
        return {
            "W_enc": numbers(f"{seed} W_enc", F, d),
            "W_dec": W_dec().T.contiguous(),
            "b_enc": numbers(f"{seed} b_enc", F),
            "b_dec": numbers(f"{seed} b_dec", d),
        }

    layer = _layer(r"layer(\d+)\.sae\.pt", entry.path)
    reads = partial(numbers, f"{seed} W_enc", F, d)
    return _resid_post({entry.path: as_torch(tensors)}, layer, W_dec, reads)


def temporal(entry: Entry, size: Size) -> Laid:
    d, F, seed = size.d_model, size.count(size.d_model), f"{entry.repo} {entry.path}"
    W_dec = partial(numbers, f"{seed} D", F, d)

    def tensors() -> dict[str, torch.Tensor]:
        found = {"D": W_dec(), "E": numbers(f"{seed} E", d, F), "b": numbers(f"{seed} b", 1, d)[0]}
        for part in ("k_ctx", "q_target", "v_ctx", "c_proj"):
            found[f"attn_layers.0.{part}.weight"] = numbers(part, 4, F)
        return found

    config = {
        "llm": {"name": entry.model, "dimin": d},
        "sae": {
            "exp_factor": F / d, "n_heads": 2, "n_attn_layers": 1, "bottleneck_factor": 5,
            "sae_diff_type": "topk", "kval_topk": 3, "tied_weights": False, "scaling_factor": 0.5,
        },
        "data": {"dtype": "float32"},
    }  # fmt: skip
    files: Files = {
        f"{entry.path}/conf.yaml": as_yaml(config),
        f"{entry.path}/latest_ckpt.safetensors": as_safetensors(tensors),
    }
    return _resid_post(files, _layer(r"layer_(\d+)", entry.path), W_dec, None)
