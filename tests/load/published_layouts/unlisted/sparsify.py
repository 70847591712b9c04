"""EleutherAI sparsify: one folder a hookpoint, named by its Hugging Face module."""

from __future__ import annotations

from typing import Any

from tests.load.published_layouts.models import SPECS, tiny_model
from tests.load.published_layouts.parts import (
    Bank,
    Files,
    Size,
    as_json,
    as_safetensors,
    exact,
    numbers,
)
from tests.load.published_layouts.unlisted.case import Case, case

MODEL = "gemma-2-2b"


def _sparsify(size: Size, hookpoint: str, layer: int, scale: Any, **others: Any) -> Case:
    d, F = size.d_model, size.count(size.d_model)
    tensors = {
        "W_dec": numbers(f"{hookpoint} W_dec", F, d),
        "b_dec": numbers("b_dec", d),
        "encoder.bias": numbers("encoder.bias", F),
        "encoder.weight": numbers("encoder.weight", F, d),
    }
    if others.get("skip_connection"):
        tensors["W_skip"] = numbers("W_skip", d, d)
    coder = {
        "activation": "topk", "expansion_factor": 32, "normalize_decoder": True, "num_latents": F,
        "k": 32, "multi_topk": False, "skip_connection": False, "transcode": False,
        **others, "d_in": d,
    }  # fmt: skip
    run = {"sae": coder, "model": SPECS[MODEL].repos[0], "ctx_len": 2048, "hookpoints": [hookpoint]}
    files: Files = {
        "README.md": lambda: b"# SAEs",
        "config.json": as_json(run),
        f"{hookpoint}/cfg.json": as_json(coder),
        f"{hookpoint}/sae.safetensors": as_safetensors(lambda: tensors),
        "layers.9/cfg.json": as_json(coder),
        "layers.9/sae.safetensors": as_safetensors(lambda: tensors),
    }
    reads = exact(tensors["encoder.weight"])
    read_hook = f"{hookpoint}.input" if others.get("transcode") else None
    banks = [Bank(exact(tensors["W_dec"]) * scale, hookpoint, layer, reads, read_hook)]
    return Case(files, path=hookpoint, model=MODEL, banks=banks)


@case("sparsify residual")
def sparsify_residual(size: Size) -> Case:
    return _sparsify(size, "layers.3", 3, 1.0)


@case("sparsify mlp")
def sparsify_mlp(size: Size) -> Case:
    """A module's output: in Gemma 2 it is before the norm behind the MLP."""
    return _sparsify(size, "layers.3.mlp", 3, tiny_model(MODEL, size).after_mlp(3))


@case("sparsify skip transcoder")
def sparsify_transcoder(size: Size) -> Case:
    after = tiny_model(MODEL, size).after_mlp(4)
    return _sparsify(size, "layers.4.mlp", 4, after, skip_connection=True, transcode=True)
