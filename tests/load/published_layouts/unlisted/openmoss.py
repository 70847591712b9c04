"""OpenMOSS: Llama Scope's transcoders, and llamascopium."""

from __future__ import annotations

from typing import Any

import torch

from tests.load.published_layouts.openmoss import linear, linear_bank
from tests.load.published_layouts.parts import (
    Bank,
    Files,
    Size,
    Tensors,
    as_json,
    as_safetensors,
    exact,
    numbers,
)
from tests.load.published_layouts.unlisted.case import Case, case

MODEL = "gemma-2-2b"


@case("llama scope transcoder")
def llama_scope_transcoder(size: Size) -> Case:
    """It reads a normalised copy, and writes to the MLP's output."""
    folder, out = "Llama3_1-8B-Base-L3TC-8x", "blocks.3.hook_mlp_out"
    hyperparams = {
        "hook_point_in": "blocks.3.ln2.hook_normalized", "hook_point_out": out,
        "d_model": size.d_model, "d_sae": size.count(size.d_model), "act_fn": "jumprelu",
        "dataset_average_activation_norm": {"in": 20.0, "out": 1.5}, "dtype": "torch.bfloat16",
    }  # fmt: skip
    tensors = linear("tc", size, torch.bfloat16)
    files = {
        f"{folder}/hyperparams.json": as_json(hyperparams),
        f"{folder}/checkpoints/final.safetensors": as_safetensors(lambda: tensors),
    }
    banks = [linear_bank(tensors, out, 3, "blocks.3.ln2.hook_normalized")]
    return Case(files, folder, "meta-llama/Llama-3.1-8B", banks=banks)


def _llamascopium(kind: str, size: Size, tensors: Tensors, hooks: dict[str, Any]) -> Files:
    config = {
        "sae_type": kind, "dtype": "torch.float32", "device": "cuda", "d_model": size.d_model,
        "expansion_factor": size.count(size.d_model) / size.d_model, "act_fn": "jumprelu",
        "norm_activation": "inference", "sparsity_include_decoder_norm": True, **hooks,
    }  # fmt: skip
    return {
        "L/config.json": as_json(config),
        "L/sae_weights.safetensors": as_safetensors(lambda: tensors),
        "L/lm_config.json": as_json({"model_name": "Qwen/Qwen3-1.7B"}),
    }


@case("llamascopium sae")
def llamascopium(size: Size) -> Case:
    d, F, hook = size.d_model, size.count(size.d_model), "blocks.5.hook_resid_post"
    tensors = {
        "W_E": numbers("W_E", d, F), "b_E": numbers("b_E", F),
        "W_D": numbers("W_D", F, d), "b_D": numbers("b_D", d),
        f"dataset_average_activation_norm.{hook}": torch.tensor(3.0),
    }  # fmt: skip
    hooks = {"hook_point_in": hook, "hook_point_out": hook}
    banks = [Bank(exact(tensors["W_D"]), hook, 5, exact(tensors["W_E"]).T)]
    return Case(_llamascopium("sae", size, tensors, hooks), "L", "qwen3-1.7b", banks=banks)


@case("llamascopium lorsa")
def llamascopium_lorsa(size: Size) -> Case:
    """A sparse attention: its decoder is `W_O`, a row a head, beside `W_V` of the same shape."""
    d, F, out = size.d_model, size.count(size.d_model), "blocks.5.hook_attn_out"
    tensors = {
        "W_Q": numbers("W_Q", 2, d, 3), "W_K": numbers("W_K", 2, d, 3),
        "W_V": numbers("W_V", F, d), "W_O": numbers("W_O", F, d), "b_D": numbers("b_D", d),
    }  # fmt: skip
    hooks = {"hook_point_in": "blocks.5.ln1.hook_normalized", "hook_point_out": out}
    banks = [Bank(exact(tensors["W_O"]), out, 5)]
    return Case(_llamascopium("lorsa", size, tensors, hooks), "L", "qwen3-1.7b", banks=banks)


@case("llamascopium crosscoder")
def llamascopium_crosscoder(size: Size) -> Case:
    """`W_D` [heads, F, d], a hook a head."""
    d, F = size.d_model, size.count(size.d_model)
    points = [f"blocks.{layer}.hook_resid_post" for layer in (2, 5, 7)]
    tensors = {
        "W_E": numbers("W_E", 3, d, F), "b_E": numbers("b_E", 3, F),
        "W_D": numbers("W_D", 3, F, d), "b_D": numbers("b_D", 3, d),
    }  # fmt: skip
    W, W_E = exact(tensors["W_D"]), exact(tensors["W_E"])
    files = _llamascopium("crosscoder", size, tensors, {"hook_points": points})
    banks = [Bank(W[i], points[i], (2, 5, 7)[i], W_E[i].T) for i in range(3)]
    return Case(files, "L", "qwen3-1.7b", banks=banks)


@case("llamascopium cross-layer transcoder")
def llamascopium_clt(size: Size) -> Case:
    """`W_D.i` [i + 1, F, d]: its j-th slice is of the features of layer j, added to layer i."""
    d, F, layers = size.d_model, size.count(size.d_model), 3
    decoders = {f"W_D.{i}": numbers(f"W_D.{i}", i + 1, F, d) for i in range(layers)}
    biases = {f"b_D.{i}": numbers(f"b_D.{i}", d) for i in range(layers)}
    encoder = {"W_E": numbers("W_E", layers, d, F), "b_E": numbers("b_E", layers, F)}
    hooks = {
        "hook_points_in": [f"blocks.{i}.hook_resid_mid" for i in range(layers)],
        "hook_points_out": [f"blocks.{i}.hook_mlp_out" for i in range(layers)],
    }

    banks = [
        Bank(
            exact(decoders[f"W_D.{to}"])[of], f"blocks.{to}.hook_mlp_out", to,
            exact(encoder["W_E"])[of].T, f"blocks.{of}.hook_resid_mid",
        )
        for of in range(layers)
        for to in range(of, layers)
    ]  # fmt: skip
    files = _llamascopium("clt", size, {**encoder, **decoders, **biases}, hooks)
    return Case(files, "L", "qwen3-1.7b", banks=banks)
