"""Gemma Scope 1 (npz) and 2 (safetensors): SAEs, transcoders, and cross-layer transcoders."""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import torch

from tests.load.published_layouts.models import TinyModel, tiny_model
from tests.load.published_layouts.parts import (
    Array,
    Bank,
    Files,
    Laid,
    Size,
    as_json,
    as_npz,
    as_safetensors,
    exact,
    numbers,
    readme,
)
from tests.load.published_layouts.registry import Entry


def jump_relu(
    seed: str, width: int, out: int, size: Size, *, names: str = "W"
) -> dict[str, torch.Tensor]:
    """Encoder first, as in the published files; `w` gives the names of the second collection."""
    F = size.count(out)
    return {
        f"{names}_enc": numbers(f"{seed} W_enc", width, F),
        f"{names}_dec": numbers(f"{seed} W_dec", F, out),
        "b_enc": numbers(f"{seed} b_enc", F),
        "b_dec": numbers(f"{seed} b_dec", out),
        "threshold": numbers(f"{seed} threshold", F).abs(),
    }


def through_heads(W_dec: Array, model: TinyModel, layer: int) -> Array:
    """Directions in z, as they reach the residual stream."""
    reached: Array = W_dec @ model.attention_out(layer) * model.after_attention(layer)
    return reached


def gemma_2(entry: Entry, size: Size) -> Laid:
    """`params.npz`; the hook is said by the repository's name and the folder's."""
    site = entry.repo.rsplit("-", 1)[1]
    embedding = entry.path.startswith("embedding")
    layer = None if embedding else int(entry.path.split("/")[0].removeprefix("layer_"))
    width = size.z if site == "att" else size.d_model
    model = tiny_model(entry.model, size)
    tensors = partial(jump_relu, f"{entry.repo} {entry.path}", width, width, size)

    def banks() -> list[Bank]:
        W_dec, reads = exact(tensors()["W_dec"]), exact(tensors()["W_enc"]).T
        if embedding:
            return [Bank(W_dec * np.sqrt(size.d_model), "hook_embed", None, reads)]
        if site == "att":
            assert layer is not None
            hook = f"blocks.{layer}.attn.hook_z"
            return [Bank(through_heads(W_dec, model, layer), hook, layer, reads)]
        hook = "hook_resid_post" if site == "res" else "hook_mlp_out"
        return [Bank(W_dec, f"blocks.{layer}.{hook}", layer, reads)]

    return Laid({"README.md": readme(), f"{entry.path}/params.npz": as_npz(tensors)}, banks)


def gemma_2_transcoder(entry: Entry, size: Size) -> Laid:
    layer = _layer(entry.path)
    d_model = size.d_model
    tensors = partial(jump_relu, f"{entry.repo} {entry.path}", d_model, d_model, size)

    def banks() -> list[Bank]:
        reads, read_hook = exact(tensors()["W_enc"]).T, f"blocks.{layer}.ln2.hook_normalized"
        W_dec = exact(tensors()["W_dec"])
        return [Bank(W_dec, f"blocks.{layer}.hook_mlp_out", layer, reads, read_hook)]

    return Laid({"README.md": readme(), f"{entry.path}/params.npz": as_npz(tensors)}, banks)


def gemma_3(entry: Entry, size: Size) -> Laid:
    """`params.safetensors`, sometimes `config.json`, and tokens of examples beside.

    `clt/…/params_layer_N` is a file: `w_dec` [F, layers, d], of which slice k is added to layer k.
    """
    kind = entry.path.split("/")[0].removesuffix("_all")
    model, layer, seed = tiny_model(entry.model, size), _layer(entry.path), entry.repo + entry.path
    if kind == "clt":
        return _clt(entry, size, model.spec.layers)
    width = size.z if kind == "attn_out" else size.d_model

    def tensors() -> dict[str, torch.Tensor]:
        found = jump_relu(seed, width, width, size, names="w")
        if "affine" in entry.path:
            found["affine_skip_connection"] = numbers(f"{seed} skip", size.d_model, size.d_model)
        return found

    def banks() -> list[Bank]:
        W_dec, reads = exact(tensors()["w_dec"]), exact(tensors()["w_enc"]).T
        if kind == "attn_out":
            hook = f"blocks.{layer}.attn.hook_z"
            return [Bank(through_heads(W_dec, model, layer), hook, layer, reads)]
        hook = "hook_resid_post" if kind == "resid_post" else "hook_mlp_out"
        read_hook = mlp_input(layer) if kind == "transcoder" else None
        return [Bank(W_dec, f"blocks.{layer}.{hook}", layer, reads, read_hook)]

    tops = {"top_tokens": torch.zeros(size.count(width), 10, dtype=torch.int32)}
    files: Files = {
        "README.md": readme(),
        f"{entry.path}/params.safetensors": as_safetensors(tensors),
        f"{entry.path}/examples.safetensors": as_safetensors(lambda: tops),
    }
    if layer % 2 == 0:
        files[f"{entry.path}/config.json"] = as_json(_config(entry, kind, layer))
    return Laid(files, banks)


def mlp_input(layer: int) -> str:
    return f"model.layers.{layer}.pre_feedforward_layernorm.output"


def _clt(entry: Entry, size: Size, layers: int) -> Laid:
    layer, F, d_model = _layer(entry.path), size.count(size.d_model), size.d_model

    def tensors() -> dict[str, torch.Tensor]:
        found = jump_relu(entry.repo + entry.path, d_model, d_model, size, names="w")
        w_dec = numbers(f"{entry.path} w_dec", F, layers, d_model)
        w_dec[:, :layer] = 0
        return {
            **found,
            "w_dec": w_dec,
            "affine_skip_connection": numbers("skip", d_model, d_model),
        }

    def banks() -> list[Bank]:
        w_dec = exact(tensors()["w_dec"])
        reads, hook = exact(tensors()["w_enc"]).T, mlp_input(layer)
        return [
            Bank(w_dec[:, to], f"blocks.{to}.hook_mlp_out", to, reads, hook)
            for to in range(layer, layers)
        ]

    return Laid({f"{entry.path}.safetensors": as_safetensors(tensors)}, banks)


_INSIDE = {
    "resid_post": "output",
    "attn_out": "self_attn.o_proj.input",
    "mlp_out": "post_feedforward_layernorm.output",
}


def _config(entry: Entry, kind: str, layer: int) -> dict[str, object]:
    config: dict[str, object] = {
        "architecture": "jump_relu",
        "model_name": entry.model.removeprefix("google/").replace("gemma-3", "gemma-v3"),
        "l0": 20,
        "width": 16384,
    }
    if kind != "transcoder":
        return config | {"type": "sae", "hf_hook_point_in": f"model.layers.{layer}.{_INSIDE[kind]}"}
    return config | {
        "type": "transcoder",
        "affine_connection": "affine" in entry.path,
        "hf_hook_point_in": f"model.layers.{layer}.pre_feedforward_layernorm.output",
        "hf_hook_point_out": f"model.layers.{layer}.post_feedforward_layernorm.output",
    }


def _layer(path: str) -> int:
    found = re.search(r"layer_(\d+)", path)
    assert found
    return int(found[1])
